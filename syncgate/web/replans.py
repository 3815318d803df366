"""Replan by a person: what a system should hold under the active bundle, against what was made for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field

from syncgate.domain.rows import Principal
from syncgate.flows.delivering.told import FieldChange
from syncgate.flows.operating.people import Action
from syncgate.flows.operating.replan_tally import Effect, Replanned, Sample
from syncgate.flows.operating.replan_wish import ReplanWish
from syncgate.mapping.explanation import Given
from syncgate.mapping.explanation_document import given_document
from syncgate.web.answers import WRITING, Asked, Reason, asked, caller, refusals, takes
from syncgate.web.params import Time
from syncgate.web.place import Place
from syncgate.web.refs import case_ref

Condition = Annotated[str | None, Field(min_length=1, max_length=200)]


class ReplanFilter(Asked):
    """Which cases are meant, and of them which messages: those for which every condition holds."""

    item: Condition = Field(None, description="Item of the case.")
    message: Condition = Field(None, description="Only this message of each case.")
    source: Condition = Field(None, description="The source that posted the case first.")
    case: Condition = Field(None, description="A case_id, or system:number.")
    region: Condition = Field(None, description="How the region code begins.")


class ReplanAsked(Asked):
    """A replan; the filter has a condition, or `since` is given."""

    filter: ReplanFilter = Field(default_factory=lambda: ReplanFilter.model_validate({}))
    since: Time | None = Field(None, description="Only cases that came at this time or later.")
    until: Time | None = Field(None, description="Only cases that came before this time.")
    dry_run: bool = Field(False, description="Only count: nothing is stored, nobody is spoken to.")
    cap: int = Field(1000, ge=1, le=1_000_000, description="Deliveries that are queued at most.")
    cursor: UUID | None = Field(None, description="`next` of the call before, to go on where it stopped.")
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplannedMessage:
    """How many deliveries of one message.

    parks: of those to be sent, how many would be parked, by reason. fields: in how many payloads a field would be
    another one than was sent, by its name. Both are counted by a dry run only.
    """

    message: str
    queued: int
    refreshed: int
    cancelled: int
    retracted: int
    parks: dict[str, int]
    fields: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplanField:
    """A field of a payload that would be another one: what was sent, and what would be.

    Each is `{"value": …}`, `{"hidden": …, "count": …}` where people may not see it, or `{"absent": true}`.
    """

    field: str
    before: dict[str, Any]
    after: dict[str, Any]

    @classmethod
    def of(cls, change: FieldChange) -> "ReplanField":
        """The field as it is answered."""
        return cls(field=change.field, before=_given(change.before), after=_given(change.after))


def _given(given: Given | None) -> dict[str, Any]:
    return {"absent": True} if given is None else given_document(given)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplanSample:
    """One slot that differs, and what follows; of a dry run also how its payload differs from what was sent last."""

    case_id: UUID
    message: str
    part: str
    effect: Effect
    fields: tuple[ReplanField, ...]

    @classmethod
    def of(cls, sample: Sample) -> "ReplanSample":
        """The slot as it is answered."""
        fields = tuple(map(ReplanField.of, sample.fields))
        return cls(
            case_id=sample.case_id, message=sample.message, part=sample.part, effect=sample.effect, fields=fields
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplanDone:
    """What a replan came to, or would.

    cases: looked at; differing: of these, with something to do. sent: deliveries that will be sent; exceeds_cap: that
    more would be than the cap allows. failed: cases that could not be compared. stopped: why before the end;
    next: where to go on. queued: the first 100 of the deliveries that were queued; none of a dry run.
    """

    system: str
    dry_run: bool
    cases: int
    differing: int
    sent: int
    cap: int
    exceeds_cap: bool
    messages: tuple[ReplannedMessage, ...]
    sample: tuple[ReplanSample, ...]
    queued: tuple[UUID, ...]
    failed: tuple[UUID, ...]
    stopped: Literal["cap_exceeded", "time_up"] | None
    next: UUID | None

    @classmethod
    def of(cls, done: Replanned) -> "ReplanDone":
        """The replan as it is answered."""
        tally = done.tally
        names = dict.fromkeys(message for message, _ in tally.effects)
        return cls(
            system=done.system,
            dry_run=done.is_dry_run,
            cases=tally.cases,
            differing=tally.differing,
            sent=tally.sent,
            cap=done.cap,
            exceeds_cap=done.stopped == "cap_exceeded" or tally.sent > done.cap,
            messages=tuple(_message(name, done) for name in names),
            sample=tuple(map(ReplanSample.of, tally.sample)),
            queued=() if done.is_dry_run else tuple(tally.queued),
            failed=tuple(tally.failed),
            stopped=done.stopped,
            next=done.following,
        )


def _message(name: str, done: Replanned) -> ReplannedMessage:
    effects = done.tally.effects
    return ReplannedMessage(
        message=name,
        queued=effects[name, "queued"],
        refreshed=effects[name, "refreshed"],
        cancelled=effects[name, "cancelled"],
        retracted=effects[name, "retracted"],
        parks=_of_message(name, done.tally.parks),
        fields=_of_message(name, done.tally.fields),
    )


def _of_message(name: str, counts: Mapping[tuple[str, str], int]) -> dict[str, int]:
    return {word: count for (message, word), count in counts.items() if message == name}


def router(place: Place) -> APIRouter:
    """The routes of one gate."""
    routes = APIRouter(tags=["systems"])
    replans = caller(place, Action.REPLAN)
    wished = asked(place, ReplanAsked)

    @routes.post(
        "/v1/systems/{system}/replan",
        summary="Queue what a system should hold under the active bundle and was not sent",
        responses=refusals(*WRITING),
        openapi_extra=takes(ReplanAsked),
    )
    async def replan(
        system: str,
        principal: Annotated[Principal, Depends(replans)],
        body: Annotated[ReplanAsked, Depends(wished)],
    ) -> ReplanDone:
        meant = body.filter
        wish = ReplanWish(
            item=meant.item,
            message=meant.message,
            source=meant.source,
            region=meant.region,
            case=case_ref(meant.case) if meant.case is not None else None,
            since=body.since,
            until=body.until,
        )
        done = await place.flows.replan(
            place.gate,
            principal,
            system,
            wish,
            cap=body.cap,
            reason=body.reason,
            is_dry_run=body.dry_run,
            after=body.cursor,
        )
        return ReplanDone.of(done)

    return routes
