"""Likely duplicates: pairs of cases that look alike; telling two apart."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from syncgate.domain.rows import Principal, ToldApart
from syncgate.flows.operating.duplicates import DuplicatePage, list_duplicates, tell_apart
from syncgate.flows.operating.people import Action
from syncgate.web.answers import READING, WRITING, Asked, Reason, asked, caller, refusals, takes
from syncgate.web.params import Cursor, Limit
from syncgate.web.place import Place
from syncgate.web.refs import case_ref


class TellApartAsked(Asked):
    """Two cases that are two, and why."""

    cases: list[str] = Field(min_length=2, max_length=2, description="Each a case_id, or `system:number`.")
    reason: Reason


def router(place: Place) -> APIRouter:
    """The routes of one gate."""
    routes = APIRouter(tags=["cases"])
    reads = caller(place, Action.READ_CASES)
    decides = caller(place, Action.MOVE_DELIVERIES)
    why = asked(place, TellApartAsked)

    @routes.get("/v1/duplicates", summary="Open cases that look alike, the newest first", responses=refusals(*READING))
    async def read_duplicates(
        principal: Annotated[Principal, Depends(reads)], cursor: Cursor = None, limit: Limit = 50
    ) -> DuplicatePage:
        return await list_duplicates(place.gate, principal, after=cursor, limit=limit)

    @routes.post(
        "/v1/duplicates:dismiss",
        summary="Two cases that look alike are two",
        responses=refusals(*WRITING),
        openapi_extra=takes(TellApartAsked),
    )
    async def dismiss(
        principal: Annotated[Principal, Depends(decides)],
        body: Annotated[TellApartAsked, Depends(why)],
    ) -> ToldApart:
        one, other = map(case_ref, body.cases)
        return await tell_apart(place.gate, principal, one, other, reason=body.reason)

    return routes
