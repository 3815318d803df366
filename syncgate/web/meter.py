"""The meter of double entry."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from syncgate.domain.meter import plain
from syncgate.domain.rows import Principal
from syncgate.flows.operating.people import Action
from syncgate.flows.showing.meter import read_meter
from syncgate.web.answers import READING, caller, refusals
from syncgate.web.auth import require
from syncgate.web.place import Place


def router(place: Place) -> APIRouter:
    """The routes of one gate."""
    routes = APIRouter(tags=["reconciliation"])
    reads = caller(place, Action.READ_SYSTEMS)

    @routes.get("/v1/meter", summary="What nobody had to type a second time", responses=refusals(*READING))
    async def meter(principal: Annotated[Principal, Depends(reads)]) -> dict[str, Any]:
        require(principal, Action.READ_CASES)
        return plain(await read_meter(place.gate, principal, minutes_per_entry=place.settings.minutes_per_entry))

    return routes
