"""Discrepancies: what systems hold otherwise than they should; looked at, and mended by a person."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from syncgate.domain.reconciliation.kinds import Action as Repair
from syncgate.domain.rows import Principal
from syncgate.flows.operating.people import Action
from syncgate.flows.reconciling import asking, repairing
from syncgate.flows.reconciling.asking import DiscrepancyPage, DiscrepancyView, RevealedView
from syncgate.flows.showing.scope import find_case
from syncgate.ports.store import DiscrepancyFilter
from syncgate.web.answers import READING, WRITING, Asked, Reason, asked, caller, refusals, takes
from syncgate.web.materials import reason_in
from syncgate.web.params import Cursor, Limit, Names
from syncgate.web.place import Place
from syncgate.web.refs import case_ref


class RepairAsked(Asked):
    """What a person decides about one discrepancy."""

    action: Repair = Field(description="What is done about it; its kind says which there are, and never `ask`.")
    reason: Reason


def router(place: Place) -> APIRouter:
    """The routes of one gate."""
    routes = APIRouter(tags=["reconciliation"])
    _reading(routes, place)
    _repairing(routes, place)
    return routes


def _reading(routes: APIRouter, place: Place) -> None:
    gate = place.gate
    reads = caller(place, Action.READ_DELIVERIES)

    @routes.get("/v1/discrepancies", summary="Discrepancies, newest first", responses=refusals(*READING))
    async def list_discrepancies(
        principal: Annotated[Principal, Depends(reads)],
        system: Names = None,
        message: Names = None,
        kind: Names = None,
        action: Annotated[list[Repair] | None, Query(description="What is to be done about them.")] = None,
        case: Annotated[str | None, Query(max_length=200, description="A case_id, or system:number.")] = None,
        open: Annotated[bool | None, Query(description="Only those that are open, or that are not.")] = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> DiscrepancyPage:
        ref = None if case is None else case_ref(case)
        case_id = None
        if ref is not None:
            case_id = await gate.writer.read(lambda tx: find_case(tx, principal, ref).case_id)
        where = DiscrepancyFilter(
            systems=_tuple(system),
            messages=_tuple(message),
            kinds=_tuple(kind),
            actions=_tuple(action),
            case_id=case_id,
            is_open=open,
        )
        return await asking.list_discrepancies(gate, principal, where, after=cursor, limit=limit)

    @routes.get(
        "/v1/discrepancies/{discrepancy_id}",
        summary="One discrepancy, on request with the values that differ",
        responses=refusals(400, *READING),
    )
    async def read_discrepancy(
        discrepancy_id: UUID,
        principal: Annotated[Principal, Depends(reads)],
        request: Request,
        response: Response,
        reveal: Annotated[bool, Query(description="With the values; needs X-Reason, which is kept.")] = False,
    ) -> RevealedView | DiscrepancyView:
        if not reveal:
            return await asking.read_discrepancy(gate, principal, discrepancy_id)
        response.headers["Cache-Control"] = "no-store"
        reason = reason_in(request.scope["headers"])
        return await asking.reveal_discrepancy(gate, principal, discrepancy_id, reason=reason)


def _repairing(routes: APIRouter, place: Place) -> None:
    gate = place.gate
    moves = caller(place, Action.MOVE_DELIVERIES)
    decided = asked(place, RepairAsked)

    @routes.post(
        "/v1/discrepancies/{discrepancy_id}/repair",
        status_code=202,
        summary="Repair one discrepancy, or end it as it is",
        description="202: its delivery is queued, and ends it once it is delivered; 200: it has ended.",
        responses={200: {"model": DiscrepancyView, "description": "It has ended."}, **refusals(*WRITING)},
        openapi_extra=takes(RepairAsked),
    )
    async def repair_discrepancy(
        discrepancy_id: UUID,
        principal: Annotated[Principal, Depends(moves)],
        body: Annotated[RepairAsked, Depends(decided)],
        response: Response,
    ) -> DiscrepancyView:
        await repairing.repair(gate, principal, discrepancy_id, action=body.action, reason=body.reason)
        view = await asking.read_discrepancy(gate, principal, discrepancy_id)
        response.status_code = 202 if view.is_open else 200
        return view


def _tuple(names: list[str] | list[Repair] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(map(str, names))
