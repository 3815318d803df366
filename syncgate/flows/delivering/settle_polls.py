"""Settling what a system said of one sending: a move with its evidence, or a note of when it was asked last."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from syncgate.domain.delivery import Event
from syncgate.domain.outcome import Answer, Outcome
from syncgate.domain.returns import RETURNED
from syncgate.domain.row import replace
from syncgate.domain.rows import Attempt, AttemptKind, Delivery
from syncgate.flows.accepting.holding import must_not_be_probed
from syncgate.flows.delivering.evidence import evidence_blobs, facts_of
from syncgate.flows.delivering.own_number import NUMBER_IN_QUESTION, keep_number, wake, with_own_number
from syncgate.flows.delivering.polling import Question, event_of, is_answer
from syncgate.flows.delivering.watching import acknowledgement_of, asked_later, given_back, watched
from syncgate.flows.delivering.work import Verdict
from syncgate.flows.gate import Gate
from syncgate.flows.lane import LaneWork, noted, open_lane
from syncgate.ports import Tx
from syncgate.site.bundle import Bundle

SAME_SENDING: Final = ("phase", "sent_at", "revision", "bundle", "version_no", "given_back_no")
"""What tells whether an answer is still about what the delivery is now."""


def settle_poll(gate: Gate, tx: Tx, question: Question, answer: Answer, *, started_at: datetime) -> frozenset[str]:
    """Writes what the system said of one sending. Gives the systems whose lanes may now be due.

    An answer that equals the one before makes no entry of its own: the delivery notes when it came. One that comes
    after the delivery moved on is kept as late and moves nothing (promise 8).

    Args:
        gate: the running gate.
        tx: the step's transaction.
        question: as claimed.
        answer: what the system said.
        started_at: the store's time when it was asked.
    """
    lane = tx.lane(question.case.case_id, question.delivery.system, lock=True)
    delivery = tx.delivery(question.delivery.delivery_id)
    if lane is None or delivery is None:
        return frozenset()
    verdict = _verdict(delivery, answer).begun(started_at)
    bundle = gate.bundles[question.delivery.bundle]
    if any(getattr(delivery, name) != getattr(question.delivery, name) for name in SAME_SENDING):
        _note_late(gate, tx, question, _verdict(question.delivery, answer).begun(started_at), delivery)
        return frozenset()
    work = open_lane(tx, lane, gate.active_bundle(lane.system).messages)
    moved = event_of(delivery.phase, answer)
    if moved is None:
        _note(gate, work, question, delivery, answer, verdict)
        work.save(expected_token=lane.lease_token)
        return frozenset()
    after = _move(gate, work, question, delivery, with_own_number(work, delivery, verdict, bundle), bundle)
    woken = wake(tx, after)
    if lane.system in woken:
        work.lane = replace(work.lane, waits_for=None)
    keep_number(gate, work, after)
    work.save(expected_token=lane.lease_token)
    return woken | {lane.system}


def _verdict(delivery: Delivery, answer: Answer) -> Verdict:
    return Verdict.of(answer, event_of(delivery.phase, answer) or Event.UNDECIDED)


def _move(
    gate: Gate, work: LaneWork, question: Question, delivery: Delivery, verdict: Verdict, bundle: Bundle
) -> Delivery:
    now, event = work.tx.now, verdict.event
    counted, attempt = _entry(gate, work.tx, question, delivery, verdict, outcome=event.value)
    work.tx.insert_attempts([attempt])
    changes: dict[str, Any] = {"entries_count": counted.entries_count, "polled_at": now, "detail": "", "actor": ""}
    reason: str | None = verdict.reason
    if event is Event.TAKEN:
        fresh = {"tries_count": 0, "confirms_count": 0, "first_failed_at": None, "delivered_at": now}
        watch = watched(delivery, bundle, event, now=now, draw=gate.entropy.draw())
        changes |= {**fresh, **watch, "remote_ref": verdict.remote_ref or delivery.remote_ref}
    elif event in (Event.REFUSED, Event.RETURNED):
        changes |= {**given_back(delivery), "actor": verdict.actor}
        if event is Event.RETURNED:
            reason, changes["detail"] = RETURNED, verdict.reason
    else:
        changes |= {"confirms_count": 0, "due_at": _confirmed_at(gate, work, delivery, verdict, bundle)}
        changes["actor"] = verdict.actor if changes["due_at"] is not None else "operator"
    return work.move(delivery, event, reason=reason, **changes)


def _confirmed_at(gate: Gate, work: LaneWork, delivery: Delivery, verdict: Verdict, bundle: Bundle) -> datetime | None:
    """When what has become unclear is looked up: at once, or never where only a person can tell."""
    spec = bundle.specs.get(delivery.message)
    is_held = spec is None or spec.confirm.by == "hold" or verdict.reason in NUMBER_IN_QUESTION
    return None if is_held or must_not_be_probed(gate, work, delivery) else work.tx.now


def _note(gate: Gate, work: LaneWork, question: Question, delivery: Delivery, answer: Answer, verdict: Verdict) -> None:
    """Notes when the system was asked last, with an entry where it said something else than before."""
    policy = acknowledgement_of(delivery, gate.bundles.get(delivery.bundle))
    assert policy is not None
    counted, attempt = _entry(gate, work.tx, question, delivery, verdict, outcome=answer.outcome.value)
    if _repeats(work.tx.attempts(delivery.delivery_id), attempt):
        counted = delivery
    else:
        work.tx.insert_attempts([attempt])
    later = asked_later(
        delivery,
        policy,
        is_answered=is_answer(answer),
        is_taken=answer.outcome is Outcome.TAKEN,
        least=_asked_wait(answer, gate.active_bundle(delivery.system)),
        now=work.tx.now,
        draw=gate.entropy.draw(),
    )
    work.write(delivery, replace(counted, **later))


def _asked_wait(answer: Answer, bundle: Bundle) -> timedelta:
    is_asked = answer.outcome in (Outcome.THROTTLED, Outcome.UNAVAILABLE) and answer.retry_after is not None
    return min(answer.retry_after or timedelta(0), bundle.limits.retry_after_at_most) if is_asked else timedelta(0)


def _repeats(entries: list[Attempt], entry: Attempt) -> bool:
    if not entries or entries[-1].kind is not AttemptKind.POLL:
        return False
    last = entries[-1]
    told = (last.outcome, last.received_blob, last.detail.get("rule"), last.detail.get("note"))
    return told == (entry.outcome, entry.received_blob, entry.detail.get("rule"), entry.detail.get("note"))


def _entry(
    gate: Gate, tx: Tx, question: Question, delivery: Delivery, verdict: Verdict, *, outcome: str
) -> tuple[Delivery, Attempt]:
    return noted(
        delivery,
        kind=AttemptKind.POLL,
        outcome=outcome,
        actor="syncgate",
        at=tx.now,
        started_at=verdict.started_at,
        detail={**facts_of(verdict), "question_no": delivery.confirms_count + 1},
        **evidence_blobs(gate, tx, question.case, verdict.evidence),
    )


def _note_late(gate: Gate, tx: Tx, question: Question, verdict: Verdict, delivery: Delivery) -> None:
    """Keeps a decisive answer about what the delivery no longer is; that it waited then says nothing any more."""
    if verdict.event is Event.UNDECIDED:
        return
    counted, attempt = _entry(gate, tx, question, delivery, verdict, outcome=verdict.event.value)
    late = replace(attempt, kind=AttemptKind.LATE, revision=question.delivery.revision, bundle=question.delivery.bundle)
    if tx.save_delivery(counted, before=delivery):
        tx.insert_attempts([late])
