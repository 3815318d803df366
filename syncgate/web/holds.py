"""Holds: stop one system, message, item or source for a while; see what is held; lift a hold."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from syncgate.domain.rows import Principal
from syncgate.flows.operating.holds import HoldWish
from syncgate.flows.operating.people import Action
from syncgate.flows.showing.holds import HoldPage, HoldView, list_holds
from syncgate.web.answers import READING, WRITING, Asked, Reason, asked, caller, refusals, takes
from syncgate.web.params import Cursor, Limit, Time
from syncgate.web.place import Place

Named = Annotated[str | None, Field(min_length=1, max_length=200)]


class HoldAsked(Asked):
    """What to hold back; what fits all that is given is held. At least one of the four is given."""

    system: Named = None
    message: Named = None
    item: Named = Field(None, description="The code of an item, as the case names it.")
    source: Named = Field(None, description="The source that posted the case first.")
    until: Time | None = Field(None, description="When it ends by itself; left out: until it is lifted.")
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldPlaced:
    """A new hold. in_flight: how many deliveries that it is about had already left; no other will."""

    hold: HoldView
    in_flight: int


def router(place: Place) -> APIRouter:
    """The routes of one gate."""
    routes = APIRouter(tags=["holds"])
    gate, flows = place.gate, place.flows
    reads = caller(place, Action.READ_SYSTEMS)
    holds = caller(place, Action.PAUSE_SYSTEMS)
    wished = asked(place, HoldAsked)

    @routes.post(
        "/v1/holds",
        status_code=201,
        summary="Hold back one system, message, item or source",
        responses=refusals(*WRITING),
        openapi_extra=takes(HoldAsked),
    )
    async def place_hold(
        principal: Annotated[Principal, Depends(holds)], body: Annotated[HoldAsked, Depends(wished)]
    ) -> HoldPlaced:
        placed = await flows.place_hold(gate, principal, HoldWish(**body.model_dump()))
        shown = HoldView.of(placed.hold, now=placed.hold.created_at)
        return HoldPlaced(hold=shown, in_flight=placed.in_flight)

    @routes.get("/v1/holds", summary="Holds, active ones first", responses=refusals(*READING))
    async def read_holds(
        principal: Annotated[Principal, Depends(reads)],
        active: Annotated[bool, Query(description="Only those that hold now.")] = False,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> HoldPage:
        return await list_holds(gate, principal, after=cursor, limit=limit, is_active=active)

    @routes.delete(
        "/v1/holds/{hold_id}",
        summary="Lift a hold",
        responses=refusals(401, 403, 404, 422, 500, 503),
    )
    async def lift_hold(hold_id: UUID, principal: Annotated[Principal, Depends(holds)]) -> HoldView:
        lifted = await flows.lift_hold(gate, principal, hold_id)
        return HoldView.of(lifted, now=gate.clock.now())

    return routes
