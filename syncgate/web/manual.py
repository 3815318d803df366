"""What is typed by hand into a system."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from syncgate.domain.rows import Principal
from syncgate.flows.operating.manual import ManualWorklist, read_manual_worklist
from syncgate.flows.operating.people import Action
from syncgate.web.answers import READING, caller, refusals
from syncgate.web.materials import reason_in
from syncgate.web.params import Cursor, Limit
from syncgate.web.place import Place


def router(place: Place) -> APIRouter:
    """The routes of one gate."""
    routes = APIRouter(tags=["systems"])
    reads = caller(place, Action.READ_DELIVERIES)

    @routes.get(
        "/v1/systems/{system}/worklist",
        summary="What is to be typed by hand into a system, oldest first",
        responses=refusals(400, *READING),
    )
    async def read_system_worklist(
        system: str,
        principal: Annotated[Principal, Depends(reads)],
        request: Request,
        response: Response,
        reveal: Annotated[bool, Query(description="With the values; needs X-Reason, which is kept.")] = False,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> ManualWorklist:
        reason = None
        if reveal:
            response.headers["Cache-Control"] = "no-store"
            reason = reason_in(request.scope["headers"]) or ""
        return await read_manual_worklist(place.gate, principal, system, after=cursor, limit=limit, reason=reason)

    return routes
