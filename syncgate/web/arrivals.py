"""Arrivals: what sources brought and what became of it; replaying and dropping the held ones."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field, StrictBool, StrictInt

from syncgate.domain.arrivals import ArrivalState
from syncgate.domain.errors import FieldError, RequestError
from syncgate.domain.rows import Principal
from syncgate.flows.operating.people import Action
from syncgate.flows.taking_in import held
from syncgate.flows.taking_in.held import ArrivalView, Replayed
from syncgate.language import Language, in_language
from syncgate.web.answers import READING, WRITING, Asked, Reason, asked, caller, refusals, takes
from syncgate.web.auth import require
from syncgate.web.deliveries import ReasonAsked
from syncgate.web.params import Cursor, Limit, Names
from syncgate.web.place import Place
from syncgate.web.problems import language_of, told

Json = dict[str, Any]


class ReplayAsked(Asked):
    """Why, and whether only to say what would come of it."""

    reason: Reason
    dry_run: StrictBool = False


class ReplayAllAsked(ReplayAsked):
    """The same of all that a source has waiting, the oldest first."""

    cap: StrictInt = Field(default=1000, ge=1, le=10_000, description="So many at most.")


def router(place: Place) -> APIRouter:
    """The routes of one gate."""
    routes = APIRouter(tags=["sources"])
    gate = place.gate
    reads = caller(place, Action.READ_CASES)
    decides = caller(place, Action.MOVE_DELIVERIES)
    why = asked(place, ReasonAsked)
    once = asked(place, ReplayAsked)
    many = asked(place, ReplayAllAsked)

    def language(request: Request) -> Language:
        return language_of(request.scope, place.settings.language)

    def fields(errors: tuple[FieldError, ...], spoken: Language) -> list[dict[str, str]]:
        return told(errors, language=spoken, schema=gate.schema)

    def shown(one: ArrivalView, spoken: Language) -> Json:
        told_fields = {"said": in_language(one.said, spoken), "errors": fields(one.errors, spoken)}
        return {name: getattr(one, name) for name in ArrivalView.__slots__} | told_fields

    def problem(error: RequestError | None, spoken: Language) -> Json | None:
        if error is None:
            return None
        return {
            "code": error.code,
            "said": in_language(error.said, spoken),
            "errors": fields(tuple(error.errors), spoken),
        }

    def replayed(one: Replayed, spoken: Language) -> Json:
        names = ("arrival_id", "fate", "case_id", "case_no")
        return {name: getattr(one, name) for name in names} | {"problem": problem(one.refused, spoken)}

    @routes.get("/v1/arrivals", summary="What sources brought, newest first", responses=refusals(*READING))
    async def list_arrivals(
        principal: Annotated[Principal, Depends(reads)],
        request: Request,
        source: Names = None,
        state: Annotated[list[ArrivalState] | None, Query(description="Left out: those that are held.")] = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Json:
        found = await held.list_arrivals(
            gate,
            principal,
            sources=source,
            states=state or (ArrivalState.HELD,),
            after=cursor,
            limit=limit,
        )
        following = found[-1].arrival_id if len(found) == limit else None
        return {"arrivals": [shown(one, language(request)) for one in found], "next": following}

    @routes.get("/v1/arrivals/{arrival_id}", summary="One arrival, its records masked", responses=refusals(*READING))
    async def read_arrival(arrival_id: UUID, principal: Annotated[Principal, Depends(reads)], request: Request) -> Json:
        found = await held.read_arrival(gate, principal, arrival_id)
        records = None if found.records is None else list(found.records)
        return shown(found.arrival, language(request)) | {"records": records}

    @routes.post(
        "/v1/arrivals/{arrival_id}/replay",
        summary="Take a held arrival in, now that what was wrong is mended",
        responses=refusals(*WRITING),
        openapi_extra=takes(ReplayAsked),
    )
    async def replay(
        arrival_id: UUID,
        principal: Annotated[Principal, Depends(decides)],
        request: Request,
        body: Annotated[ReplayAsked, Depends(once)],
    ) -> Json:
        found = await held.replay(gate, principal, arrival_id, reason=body.reason, is_dry_run=body.dry_run)
        return {"dry_run": body.dry_run, "results": [replayed(one, language(request)) for one in found]}

    @routes.post(
        "/v1/arrivals/{arrival_id}/drop",
        summary="Give a held arrival up; its content is gone",
        responses=refusals(*WRITING),
        openapi_extra=takes(ReasonAsked),
    )
    async def drop(
        arrival_id: UUID,
        principal: Annotated[Principal, Depends(decides)],
        request: Request,
        body: Annotated[ReasonAsked, Depends(why)],
    ) -> Json:
        return shown(await held.drop(gate, principal, arrival_id, reason=body.reason), language(request))

    @routes.post(
        "/v1/sources/{source}/arrivals:replay",
        summary="Take in all that a source has waiting, or say what would come of it",
        responses=refusals(*WRITING),
        openapi_extra=takes(ReplayAllAsked),
    )
    async def replay_all(
        source: str,
        principal: Annotated[Principal, Depends(decides)],
        request: Request,
        body: Annotated[ReplayAllAsked, Depends(many)],
    ) -> Json:
        require(principal, Action.MOVE_DELIVERIES, source=source)
        found = await held.replay_all(
            gate, principal, source, reason=body.reason, is_dry_run=body.dry_run, cap=body.cap
        )
        samples = [replayed(one, language(request)) for one in found.samples]
        return {"dry_run": found.is_dry_run, "counts": found.counts, "samples": samples, "more": found.is_more}

    return routes
