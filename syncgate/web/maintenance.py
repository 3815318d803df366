"""Maintenance of a system: announced, and called off."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field

from syncgate.domain.rows import Principal
from syncgate.flows.operating.maintenance import MaintenanceWish
from syncgate.flows.operating.people import Action
from syncgate.flows.showing.systems import read_system
from syncgate.flows.showing.views import SystemView
from syncgate.web.answers import WRITING, Asked, Reason, asked, caller, refusals, takes
from syncgate.web.params import Time
from syncgate.web.place import Place


class MaintenanceAsked(Asked):
    """When a system will be away, and why."""

    starts_at: Time | None = Field(None, alias="from", description="When it begins; left out: now.")
    until: Time = Field(description="When it is over; sending then resumes by itself.")
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceAnnounced:
    """New maintenance. in_flight: how many sends to the system had already left."""

    system: SystemView
    maintenance_id: UUID
    in_flight: int


def router(place: Place) -> APIRouter:
    """The routes of one gate."""
    routes = APIRouter(tags=["systems"])
    gate, flows = place.gate, place.flows
    pauses = caller(place, Action.PAUSE_SYSTEMS)
    wished = asked(place, MaintenanceAsked)

    @routes.post(
        "/v1/systems/{system}/maintenance",
        status_code=201,
        summary="Announce maintenance of a system",
        responses=refusals(*WRITING),
        openapi_extra=takes(MaintenanceAsked),
    )
    async def announce(
        system: str,
        principal: Annotated[Principal, Depends(pauses)],
        body: Annotated[MaintenanceAsked, Depends(wished)],
    ) -> MaintenanceAnnounced:
        await read_system(gate, principal, system)
        wish = MaintenanceWish(starts_at=body.starts_at, until=body.until, reason=body.reason)
        done = await flows.announce_maintenance(gate, principal, system, wish)
        return MaintenanceAnnounced(
            system=await read_system(gate, principal, system),
            maintenance_id=done.maintenance.maintenance_id,
            in_flight=done.in_flight,
        )

    @routes.delete(
        "/v1/systems/{system}/maintenance/{maintenance_id}",
        summary="Call maintenance of a system off, or end it early",
        responses=refusals(401, 403, 404, 422, 500, 503),
    )
    async def end(system: str, maintenance_id: UUID, principal: Annotated[Principal, Depends(pauses)]) -> SystemView:
        await read_system(gate, principal, system)
        await flows.end_maintenance(gate, principal, system, maintenance_id)
        return await read_system(gate, principal, system)

    return routes
