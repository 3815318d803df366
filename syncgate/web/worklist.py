"""What a source is to correct, and what became of its cases."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from syncgate.domain.rows import Principal
from syncgate.flows.operating.people import Action
from syncgate.flows.showing.changes import ChangePage, read_changes
from syncgate.flows.showing.worklist import Worklist, read_worklist
from syncgate.web.answers import READING, caller, refusals
from syncgate.web.params import Limit
from syncgate.web.place import Place


def router(place: Place) -> APIRouter:
    """The routes of one gate."""
    routes = APIRouter(tags=["sources"])
    gate = place.gate
    reads = caller(place, Action.READ_DELIVERIES)

    @routes.get(
        "/v1/sources/{source}/worklist",
        summary="What came back to a source to correct, the oldest first",
        responses=refusals(*READING),
    )
    async def list_work(source: str, principal: Annotated[Principal, Depends(reads)]) -> Worklist:
        return await read_worklist(gate, principal, source)

    @routes.get(
        "/v1/sources/{source}/changes",
        summary="What became of a source's cases, in order",
        description="Call again with `cursor` for what comes next, now or later. Nothing is left out; where an answer "
        "was lost, the same cursor gives the same changes again.",
        responses=refusals(*READING),
    )
    async def list_changes(
        source: str,
        principal: Annotated[Principal, Depends(reads)],
        cursor: Annotated[str | None, Query(max_length=40, description="`cursor` of the answer before.")] = None,
        limit: Limit = 100,
    ) -> ChangePage:
        return await read_changes(gate, principal, source, cursor=cursor, limit=limit)

    return routes
