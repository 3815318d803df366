"""Bulk requeue: what failed under one fault goes on together, after a dry run, a few first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field

from syncgate.domain.delivery import Phase
from syncgate.domain.errors import FieldError
from syncgate.domain.rows import Principal
from syncgate.flows.operating import requeueing
from syncgate.flows.operating.failed import Failed, LeftAlone
from syncgate.flows.operating.people import Action
from syncgate.flows.operating.requeue import Requeue, State
from syncgate.flows.operating.requeue_rehearsal import Rehearsed, rehearse_requeue
from syncgate.flows.showing.systems import read_system
from syncgate.web.answers import READING, WRITING, Asked, Reason, asked, caller, refusals, takes
from syncgate.web.deliveries import ReasonAsked
from syncgate.web.params import Time
from syncgate.web.place import Place
from syncgate.web.problems import InvalidRequest

BOUNDS = "message, reason, cause, rule, field, item, source, since or until"
"""What a filter needs beside a system."""
CAP_AT_MOST = 10_000
Condition = Annotated[str | None, Field(min_length=1, max_length=200)]


class FailedAsked(Asked):
    """Which parked deliveries are meant: those of one system for which every other condition holds too."""

    system: Condition = Field(None, description="Required, and one of the others.")
    message: Condition = None
    reason: Condition = Field(None, description="Why they are parked.")
    cause: Condition = Field(None, description="Why its system gave it back.")
    rule: Condition = Field(None, description="One of the broken rules.")
    field: Condition = Field(None, description="A field of the payload, steps divided by /.")
    item: Condition = Field(None, description="Item of the case.")
    source: Condition = Field(None, description="The source that posted the case first.")
    since: Time | None = Field(None, description="Parked at this time or later.")
    until: Time | None = Field(None, description="Parked before this time.")

    def failed(self) -> Failed:
        """What is meant. Raises InvalidRequest where it is everything that ever failed."""
        errors = [] if self.system else [FieldError("/filter/system", "required", "string")]
        failed = Failed(**{**self.model_dump(), "system": self.system or ""})
        if not failed.is_bounded:
            errors.append(FieldError("/filter", "unbounded", BOUNDS))
        if errors:
            raise InvalidRequest("expected a filter that bounds what is meant, got one that does not", errors=errors)
        return failed


class RequeueAsked(Asked):
    """A bulk requeue."""

    filter: FailedAsked
    dry_run: bool = Field(False, description="Only say what would pass: nothing is stored, nobody is spoken to.")
    canary: int = Field(0, ge=0, le=CAP_AT_MOST, description="So many first; the rest once these are delivered.")
    cap: int = Field(1000, ge=1, le=CAP_AT_MOST, description="Where more match, none is requeued.")
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class RequeueView:
    """A bulk requeue. requeue_id: None where more matched than the cap, so that nothing was begun.

    left_alone: what the filter means too and is not parked. canary_phases: where the first few stand now.
    """

    requeue_id: UUID | None
    state: State
    filter: dict[str, Any]
    by: str
    reason: str
    cap: int
    canary: int
    matched: int
    is_whole: bool
    queued: int
    skipped: int
    left_alone: tuple[LeftAlone, ...]
    canaries: tuple[UUID, ...]
    canary_phases: dict[Phase, int]
    failed: tuple[UUID, ...]
    started_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, requeue: Requeue, canary_phases: dict[Phase, int]) -> Self:
        """The requeue as shown."""
        same = {name: getattr(requeue, name) for name in cls.__slots__ if hasattr(requeue, name)}
        told = {"filter": requeue.filter.document(), "by": requeue.who.name, "canary_phases": canary_phases}
        return cls(**{**same, **told})


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsedView(Rehearsed):
    """A dry run. exceeds_cap: whether a requeue with this cap would not begin."""

    cap: int
    exceeds_cap: bool


def router(place: Place) -> APIRouter:
    """The routes of one gate."""
    routes = APIRouter(tags=["deliveries"])
    _asking(routes, place)
    _following(routes, place)
    return routes


def _asking(routes: APIRouter, place: Place) -> None:
    gate = place.gate
    moves = caller(place, Action.MOVE_DELIVERIES)
    wish = asked(place, RequeueAsked)

    @routes.post(
        "/v1/deliveries:requeue",
        summary="Send what failed under one fault again",
        responses=refusals(*WRITING),
        openapi_extra=takes(RequeueAsked),
    )
    async def requeue_many(
        principal: Annotated[Principal, Depends(moves)], body: Annotated[RequeueAsked, Depends(wish)]
    ) -> RequeueView | RehearsedView:
        failed = body.filter.failed()
        await read_system(gate, principal, failed.system)
        if body.dry_run:
            rehearsed = await rehearse_requeue(gate, principal, failed)
            same = {name: getattr(rehearsed, name) for name in Rehearsed.__slots__}
            return RehearsedView(**same, cap=body.cap, exceeds_cap=rehearsed.matched > body.cap)
        return await _told(
            place,
            await requeueing.begin(gate, principal, failed, cap=body.cap, canary=body.canary, reason=body.reason),
        )


def _following(routes: APIRouter, place: Place) -> None:
    gate = place.gate
    reads = caller(place, Action.READ_DELIVERIES)
    moves = caller(place, Action.MOVE_DELIVERIES)
    why = asked(place, ReasonAsked)

    @routes.get("/v1/requeues", summary="Bulk requeues, newest first", responses=refusals(*READING))
    async def list_requeues(principal: Annotated[Principal, Depends(reads)]) -> tuple[RequeueView, ...]:
        found = await requeueing.list_requeues(gate, principal)
        return tuple([await _told(place, requeue) for requeue in found])

    @routes.get("/v1/requeues/{requeue_id}", summary="One bulk requeue", responses=refusals(*READING))
    async def read_requeue(requeue_id: UUID, principal: Annotated[Principal, Depends(reads)]) -> RequeueView:
        return await _told(place, await requeueing.read_requeue(gate, principal, requeue_id))

    @routes.post(
        "/v1/requeues/{requeue_id}/stop",
        summary="Requeue no more of them",
        responses=refusals(*WRITING),
        openapi_extra=takes(ReasonAsked),
    )
    async def stop_requeue(
        requeue_id: UUID,
        principal: Annotated[Principal, Depends(moves)],
        body: Annotated[ReasonAsked, Depends(why)],
    ) -> RequeueView:
        return await _told(place, await requeueing.stop(gate, principal, requeue_id, reason=body.reason))


async def _told(place: Place, requeue: Requeue) -> RequeueView:
    phases = await place.gate.writer.read(lambda tx: requeueing.canary_phases(tx, requeue))
    return RequeueView.of(requeue, phases)
