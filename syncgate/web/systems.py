"""Systems: their health and backlog; pause and resume."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends

from syncgate.domain.rows import Principal
from syncgate.flows.operating.people import Action
from syncgate.flows.showing.systems import list_systems as all_systems
from syncgate.flows.showing.systems import read_system as one_system
from syncgate.flows.showing.views import SystemView
from syncgate.web.answers import READING, WRITING, asked, caller, refusals, takes
from syncgate.web.deliveries import ReasonAsked
from syncgate.web.place import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """A paused system. in_flight: how many sends had already left; no other will."""

    system: SystemView
    in_flight: int


def router(place: Place) -> APIRouter:
    """The routes of one gate."""
    routes = APIRouter(tags=["systems"])
    gate, flows = place.gate, place.flows
    reads = caller(place, Action.READ_SYSTEMS)
    pauses = caller(place, Action.PAUSE_SYSTEMS)
    why = asked(place, ReasonAsked)

    @routes.get("/v1/systems", summary="Every system", responses=refusals(*READING))
    async def list_systems(principal: Annotated[Principal, Depends(reads)]) -> tuple[SystemView, ...]:
        return await all_systems(gate, principal)

    @routes.get("/v1/systems/{system}", summary="One system", responses=refusals(*READING))
    async def read_system(system: str, principal: Annotated[Principal, Depends(reads)]) -> SystemView:
        return await one_system(gate, principal, system)

    @routes.post(
        "/v1/systems/{system}/pause",
        summary="Stop sends to a system",
        responses=refusals(*WRITING),
        openapi_extra=takes(ReasonAsked),
    )
    async def pause(
        system: str,
        principal: Annotated[Principal, Depends(pauses)],
        body: Annotated[ReasonAsked, Depends(why)],
    ) -> Paused:
        await one_system(gate, principal, system)
        in_flight = await flows.pause(gate, principal, system, reason=body.reason)
        return Paused(system=await one_system(gate, principal, system), in_flight=in_flight)

    @routes.post(
        "/v1/systems/{system}/resume",
        summary="Let a system be sent to again",
        responses=refusals(*WRITING),
        openapi_extra=takes(ReasonAsked),
    )
    async def resume(
        system: str,
        principal: Annotated[Principal, Depends(pauses)],
        body: Annotated[ReasonAsked, Depends(why)],
    ) -> SystemView:
        await one_system(gate, principal, system)
        await flows.resume(gate, principal, system, reason=body.reason)
        return await one_system(gate, principal, system)

    return routes
