"""What a delivery's row says once a verdict is in: what is known of it, when it is due again, what it used up."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from syncgate.domain import schedule
from syncgate.domain.delivery import Event, Phase, advance
from syncgate.domain.head import WAITS_FOR_REMOTE_REF
from syncgate.domain.outcome import Outcome
from syncgate.domain.row import replace
from syncgate.domain.rows import BreakerState, Delivery, SystemRow
from syncgate.flows.delivering.confirm import VANISHED_THERE
from syncgate.flows.delivering.held import maybe_held
from syncgate.flows.delivering.own_number import NUMBER_IN_QUESTION
from syncgate.flows.delivering.questioning import RESTORED
from syncgate.flows.delivering.watching import awaited, given_back, watched
from syncgate.flows.delivering.work import Verdict
from syncgate.flows.gate import Gate
from syncgate.ports import Tx
from syncgate.site.bundle import Bundle, ConfirmPolicy

NOT_ASKED: Final = frozenset({"handed_back", "lease_too_short"})
"""Reasons of a confirmation that never reached the system."""
SHUT_OUT: Final = frozenset({Outcome.DENIED, Outcome.THROTTLED, Outcome.UNAVAILABLE})
"""Outcomes after which the system can still tell, once it lets us in."""
MAY_BE_TAKEN: Final = frozenset({Event.TAKEN, Event.QUEUED_THERE, Event.DUPLICATE, Event.UNKNOWN, Event.EXPIRED_SENT})
"""Events after which the system may hold the content."""


def given_up(delivery: Delivery, verdict: Verdict, bundle: Bundle, row: SystemRow) -> Verdict:
    """`unavailable` as `exhausted` where the schedule is used up while the system takes others."""
    if verdict.event is not Event.UNAVAILABLE or verdict.is_excused or row.breaker is BreakerState.OPEN:
        return verdict
    is_exhausted = schedule.is_exhausted(
        bundle.schedule,
        tries_count=delivery.tries_count + 1,
        first_failed_at=delivery.first_failed_at,
        last_taken_at=row.last_taken_at,
    )
    return replace(verdict, event=Event.EXHAUSTED, reason="exhausted", actor="operator") if is_exhausted else verdict


def reason_of(verdict: Verdict) -> str | None:
    """Why a delivery stands where it stands; kept where its phase is a waiting one."""
    if verdict.waits_for is not None:
        return WAITS_FOR_REMOTE_REF
    return verdict.reason or verdict.rule or None


def changes_of(
    gate: Gate, tx: Tx, delivery: Delivery, verdict: Verdict, *, bundle: Bundle, row: SystemRow
) -> dict[str, Any]:
    """The fields of the row that a verdict changes, beside its phase and its reason.

    Args:
        gate: the running gate.
        tx: the step's transaction.
        delivery: as it stood, with its entry counted.
        verdict: what became of it.
        bundle: that sent it.
        row: of its system, after what its breaker learned.
    """
    changes: dict[str, Any] = {
        "entries_count": delivery.entries_count,
        "detail": verdict.detail,
        "actor": verdict.actor,
        "remote_ref": verdict.remote_ref or delivery.remote_ref,
    }
    if verdict.event in MAY_BE_TAKEN:
        changes |= {**maybe_held(delivery), "sent_at": verdict.started_at}
    if verdict.event in MAY_BE_TAKEN or verdict.event is Event.FOUND:
        changes |= _marks(verdict)
    if verdict.is_given_back:
        changes |= given_back(delivery)
    phase = advance(delivery.phase, verdict.event)
    match phase:
        case Phase.DELIVERED:
            changes |= {"delivered_at": tx.now, "tries_count": 0, "confirms_count": 0, "first_failed_at": None}
            changes |= watched(delivery, bundle, verdict.event, now=tx.now, draw=gate.entropy.draw())
        case Phase.PENDING:
            changes |= _retried(gate, tx, delivery, verdict, bundle=bundle, row=row)
        case Phase.UNCONFIRMED:
            changes |= _asked_later(gate, tx, delivery, verdict, bundle)
        case Phase.PARKED if delivery.is_in_question:
            changes |= {"restored_at": None}
        case Phase.AWAITING:
            final_after = _policy_of(delivery, bundle).final_after
            changes |= awaited(delivery, bundle, final_after=final_after, now=tx.now, draw=gate.entropy.draw())
        case _:
            pass
    return changes


def _marks(verdict: Verdict) -> dict[str, Any]:
    """What reconciliation will know of it by."""
    marks = verdict.marks
    return {} if marks is None else {"held_key": marks.key, "held_mac": marks.mac}


def _retried(
    gate: Gate, tx: Tx, delivery: Delivery, verdict: Verdict, *, bundle: Bundle, row: SystemRow
) -> dict[str, Any]:
    """When a delivery that waits again is due, and what it used up.

    Behind an open breaker it keeps its place by its age: it is the breaker that keeps it back, and a probe that fails
    must not send what it tried to the end of the queue.
    """
    match verdict.event:
        case Event.UNAVAILABLE | Event.DENIED if verdict.is_excused:
            return {"due_at": tx.now}
        case Event.UNAVAILABLE if row.breaker is BreakerState.CLOSED:
            tries = delivery.tries_count + 1
            wait = schedule.wait_after(bundle.schedule, tries, draw=gate.entropy.draw())
            return {
                "tries_count": tries,
                "first_failed_at": delivery.first_failed_at or tx.now,
                "due_at": tx.now + max(wait, _asked_wait(verdict, bundle)),
            }
        case Event.UNAVAILABLE | Event.DENIED:
            first_failed_at = delivery.first_failed_at or tx.now
            return {"due_at": min(delivery.created_at, tx.now), "first_failed_at": first_failed_at}
        case Event.THROTTLED:
            least = schedule.wait_after(bundle.schedule, 1, draw=gate.entropy.draw())
            most = bundle.limits.retry_after_at_most
            return {"due_at": tx.now + schedule.clamp(verdict.retry_after, least=least, most=most)}
        case Event.ABSENT | Event.ABSENT_BY_HAND:
            return {"due_at": tx.now, "sent_mac": None, "confirms_count": 0}
        case _:
            return {"due_at": tx.now}


def _asked_wait(verdict: Verdict, bundle: Bundle) -> timedelta:
    asked = verdict.retry_after
    return timedelta(0) if asked is None else min(asked, bundle.limits.retry_after_at_most)


def _asked_later(gate: Gate, tx: Tx, delivery: Delivery, verdict: Verdict, bundle: Bundle) -> dict[str, Any]:
    """When an unconfirmed delivery is asked about: not before what was sent must have become visible."""
    policy = _policy_of(delivery, bundle)
    if verdict.reason in NUMBER_IN_QUESTION or verdict.reason in (VANISHED_THERE, RESTORED):
        return {"due_at": None}
    if verdict.event is not Event.UNDECIDED:
        due_at = None if policy.by == "hold" else _visible_at(tx, verdict, policy, bundle)
        return {"due_at": due_at, "confirms_count": 0}
    if verdict.reason in NOT_ASKED and policy.by != "hold":
        return {"due_at": tx.now}
    count = delivery.confirms_count + 1
    since = (delivery.restored_at if delivery.is_in_question else delivery.sent_at) or delivery.changed_at
    is_final = policy.by == "hold" or (verdict.outcome not in SHUT_OUT and tx.now - since >= policy.final_after)
    if is_final:
        return {"due_at": None, "confirms_count": count, "actor": "operator"}
    wait = schedule.wait_after(policy.waits, count, draw=gate.entropy.draw())
    due_at = tx.now + max(wait, _asked_wait(verdict, bundle))
    if policy.by != "look_up" and verdict.outcome is Outcome.UNKNOWN:
        # The probe was a send, and its answer is lost as well.
        due_at = max(due_at, _visible_at(tx, verdict, policy, bundle))
    return {"due_at": due_at, "confirms_count": count}


def _visible_at(tx: Tx, verdict: Verdict, policy: ConfirmPolicy, bundle: Bundle) -> datetime:
    """From when the system shows what was sent, which can no longer be running there, though we heard of it early."""
    ended_at = tx.now
    if verdict.started_at is not None:
        ended_at = max(tx.now, verdict.started_at + bundle.limits.longest_request)
    return ended_at + policy.visible_after


def _policy_of(delivery: Delivery, bundle: Bundle) -> Any:
    return bundle.confirm_of(delivery) or next(iter(bundle.specs.values())).confirm
