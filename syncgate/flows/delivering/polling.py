"""Polling: what became of what lies in a system's own queue, and whether what it took was given back.

A question sends nothing, so it takes no lease: its lane stays free to be sent from. Two processes do not ask the
same, because a claim puts off when the lane is asked about next; should the one that asks die, it is asked again then.
One batch a process is under way at a time. It counts as one of the system's concurrent requests, by a grant, and
spends rate tokens as sends do, after them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

import structlog

from syncgate.domain import breaker
from syncgate.domain.delivery import Event, Phase
from syncgate.domain.head import polls
from syncgate.domain.outcome import Answer, Outcome
from syncgate.domain.row import replace
from syncgate.domain.rows import BreakerState, Case, Delivery, Grant, Lane, SystemRow
from syncgate.flows.alerting.outages import note_breaker
from syncgate.flows.delivering.admitting import closure_of
from syncgate.flows.delivering.defects import place_of
from syncgate.flows.delivering.send import SAFETY
from syncgate.flows.delivering.watching import acknowledgement_of
from syncgate.flows.delivering.work import keys_of
from syncgate.flows.gate import Gate
from syncgate.flows.lane import open_lane
from syncgate.ports import Request, Transport, Tx
from syncgate.site.bundle import Bundle
from syncgate.transports.answers import UNMATCHED

log = structlog.get_logger("syncgate.polling")
ONE_BY_ONE: Final = 16
"""How many are asked about in a batch where each is a request of its own."""
LATE: Final = timedelta(minutes=1)
"""From then on questions come before sends, every other time."""
PUT_OFF: Final = timedelta(minutes=1)
"""When a lane is looked at again whose questions cannot be put together."""
NOT_HEARD: Final = frozenset({Outcome.DENIED, Outcome.THROTTLED, Outcome.UNAVAILABLE})
ANSWERED: Final = Outcome.REFUSED
"""What the breaker learns of an answered question: the system answered as itself, and took nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One sending that its system is asked about. delivery: as claimed; it is settled only while it is the same."""

    delivery: Delivery
    case: Case
    request: Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Questions that one process asks, one request after another.

    groups: by the bundle that sent, of one operation each. until: when they are asked about again, whoever asks.
    claimed_at: the store's time of the claim; taken_at: this process's. is_probe: the breaker is open.
    """

    system: str
    groups: tuple[tuple[str, tuple[Question, ...]], ...]
    claimed_at: datetime
    taken_at: datetime
    until: datetime
    is_probe: bool

    @property
    def questions(self) -> tuple[Question, ...]:
        """All of them."""
        return tuple(question for _, group in self.groups for question in group)

    def requests_count(self, at_once: int) -> int:
        """How many requests it takes, where one may be about so many."""
        return sum(-(-len(group) // at_once) for _, group in self.groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a batch brought.

    answers: for each question that was asked, with when; outcomes: what the breaker learns, one for each request.
    """

    answers: tuple[tuple[Question, Answer, datetime], ...] = ()
    outcomes: tuple[tuple[Outcome, str], ...] = ()


def is_asking(gate: Gate, system: str) -> bool:
    """Whether the system is ever asked what became of anything, under any bundle that may have sent."""
    return any(bundle.system == system and bundle.acknowledgements for bundle in gate.bundles.values())


def claim_polls(gate: Gate, tx: Tx, row: SystemRow, bundle: Bundle, *, owner: str, at_once: int) -> Batch | None:
    """The next questions to the system, put off for everybody else; None where nothing is to be asked.

    The caller has locked the system's row and found room for one request.

    Args:
        gate: the running gate.
        tx: the claim's transaction.
        row: the system's.
        bundle: the active one.
        owner: this process.
        at_once: how many one request may be about.
    """
    until = tx.now + bundle.limits.lease
    lanes = tx.polled_lanes(row.system, limit=at_once if at_once > 1 else ONE_BY_ONE)
    questions = [question for lane in lanes for question in _of_lane_apart(gate, tx, lane, until)]
    if not questions:
        return None
    tx.save_grant(Grant(system=row.system, process=_process(owner), sends_count=1, until=until))
    return Batch(
        system=row.system,
        groups=_grouped(questions),
        claimed_at=tx.now,
        taken_at=gate.clock.now(),
        until=until,
        is_probe=row.breaker is BreakerState.OPEN,
    )


def _process(owner: str) -> str:
    return f"{owner}/polls"


def _of_lane_apart(gate: Gate, tx: Tx, lane: Lane, until: datetime) -> list[Question]:
    found = tx.apart(lambda: _of_lane(gate, tx, lane, until))
    if not isinstance(found, Exception):
        return found
    log.error("questions_broke", system=lane.system, error=type(found).__name__, at=place_of(found))
    later = replace(lane, poll_at=tx.now + PUT_OFF)
    tx.apart(lambda: tx.save_lane(later, expected_token=lane.lease_token))
    return []


def _of_lane(gate: Gate, tx: Tx, lane: Lane, until: datetime) -> list[Question]:
    work = open_lane(tx, lane, ())
    due = polls(work.deliveries, now=tx.now).due
    case = tx.case(lane.case_id)
    assert case is not None
    questions = [q for delivery in due if (q := _question(gate, delivery, case, lane, work.deliveries)) is not None]
    asked = {question.delivery.delivery_id for question in questions}
    for delivery in due:
        if delivery.delivery_id not in asked:
            work.write(delivery, replace(delivery, poll_at=None, watched_until=None))
    poll_at = polls(work.deliveries, now=tx.now).poll_at
    put_off = until if questions else poll_at
    tx.save_lane(replace(lane, poll_at=put_off), expected_token=lane.lease_token)
    return questions


def _question(
    gate: Gate, delivery: Delivery, case: Case, lane: Lane, deliveries: Iterable[Delivery]
) -> Question | None:
    """The question under the bundle that sent; None where no bundle here knows how to ask."""
    bundle = gate.bundles.get(delivery.bundle)
    policy = acknowledgement_of(delivery, bundle)
    if bundle is None or policy is None:
        return None
    slot = [d for d in deliveries if (d.message, d.part) == (delivery.message, delivery.part)]
    held_ref = next((d.remote_ref for d in reversed(slot) if d.phase is Phase.DELIVERED and d.remote_ref), None)
    spec = bundle.specs.get(delivery.message)
    request = Request(
        operation=policy.operation,
        keys=keys_of(delivery, case, case_ref=lane.case_ref, held_ref=held_ref),
        remote_ref_at=spec.remote_ref_at if spec is not None and delivery.remote_ref is None else {},
        delivery_id=delivery.delivery_id,
    )
    return Question(delivery=delivery, case=case, request=request)


def _grouped(questions: Sequence[Question]) -> tuple[tuple[str, tuple[Question, ...]], ...]:
    groups: dict[tuple[str, str], list[Question]] = {}
    for question in questions:
        groups.setdefault((question.delivery.bundle, question.request.operation), []).append(question)
    return tuple((digest, tuple(group)) for (digest, _), group in groups.items())


async def ask(gate: Gate, batch: Batch, transport_of: Callable[[str], Transport]) -> Asked:
    """What the system said, request by request, until it does not answer or the batch's time is up."""
    answers: list[tuple[Question, Answer, datetime]] = []
    outcomes: list[tuple[Outcome, str]] = []
    for digest, group in batch.groups:
        transport, left = transport_of(digest), iter(group)
        while some := tuple(islice(left, transport.polls_at_once)):
            if not _is_in_time(gate, batch, digest):
                return Asked(answers=tuple(answers), outcomes=tuple(outcomes))
            started_at = gate.clock.now()
            said = await transport.poll([question.request for question in some])
            answers += ((question, one, started_at) for question, one in zip(some, said, strict=True))
            learned = _learned(said)
            outcomes += [learned] if learned is not None else []
            if learned is not None and learned[0] in NOT_HEARD:
                return Asked(answers=tuple(answers), outcomes=tuple(outcomes))
    return Asked(answers=tuple(answers), outcomes=tuple(outcomes))


def _is_in_time(gate: Gate, batch: Batch, digest: str) -> bool:
    longest = gate.bundles[digest].limits.longest_request
    return gate.clock.now() + longest + SAFETY <= batch.taken_at + (batch.until - batch.claimed_at)


def _learned(answers: Iterable[Answer]) -> tuple[Outcome, str] | None:
    """What one request taught about the system; None where nothing was asked of it."""
    asked = [answer for answer in answers if not is_unasked(answer)]
    if any(answer.outcome not in NOT_HEARD for answer in asked):
        return ANSWERED, ""
    return next(((answer.outcome, answer.reason) for answer in asked), None)


def is_unasked(answer: Answer) -> bool:
    """Whether the question never left: a key that it needs is missing, say."""
    evidence = answer.evidence
    return answer.outcome is Outcome.REFUSED and evidence.received is None and evidence.status is None


def event_of(phase: Phase, answer: Answer) -> Event | None:
    """What an answer does to a delivery. Pure. None where it moves nothing: it waits, or nobody said anything.

    An answer that no rule explains says nothing: it neither takes nor rejects, and its deadline stays.
    """
    if is_unasked(answer):
        return None
    if phase is Phase.DELIVERED:
        return Event.RETURNED if answer.outcome is Outcome.REFUSED else None
    match answer.outcome:
        case Outcome.TAKEN:
            return Event.TAKEN
        case Outcome.REFUSED:
            return Event.REFUSED
        case Outcome.UNKNOWN if answer.rule != UNMATCHED:
            return Event.UNKNOWN
        case _:
            return None


def is_answer(answer: Answer) -> bool:
    """Whether the system said something about the sending, were it that it has still to say."""
    is_explained = answer.outcome in (Outcome.TAKEN, Outcome.QUEUED_THERE, Outcome.REFUSED) or (
        answer.outcome is Outcome.UNKNOWN and answer.rule != UNMATCHED
    )
    return is_explained and not is_unasked(answer)


def end_batch(gate: Gate, tx: Tx, batch: Batch, asked: Asked, *, owner: str) -> None:
    """Gives the batch's place at the system free, and moves the breaker by what was learned."""
    row = tx.system(batch.system, lock=True)
    tx.save_grant(Grant(system=batch.system, process=_process(owner), sends_count=0, until=tx.now))
    if row is None:
        return
    bundle = gate.active_bundle(batch.system)
    after = row
    is_closed = closure_of(row, bundle, tx.now) is not None
    heard = [one for one in asked.outcomes if not is_closed or one[0] not in NOT_HEARD]
    for outcome, reason in heard:
        after = breaker.after_outcome(after, outcome, now=tx.now, policy=bundle.breaker, reason=reason or outcome.value)
    is_still_out = row.is_probing and row.breaker is BreakerState.OPEN and batch.is_probe
    if not heard and is_still_out:
        after = breaker.end_probe(row, now=tx.now)
    if after != row:
        tx.save_system(after)
        note_breaker(gate, tx, row, after, policy=bundle.breaker)
    if after.breaker is BreakerState.OPEN:
        gate.hand_over.drain(batch.system)
