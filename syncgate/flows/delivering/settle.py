"""Settle: what became of a piece of work is written, by lease token, with its evidence, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from syncgate.domain import breaker, schedule
from syncgate.domain.delivery import Event, Phase, advance
from syncgate.domain.head import WAITS_FOR_REMOTE_REF, Task
from syncgate.domain.outcome import Evidence, Outcome
from syncgate.domain.row import replace
from syncgate.domain.rows import (
    Attempt,
    AttemptKind,
    Blob,
    BreakerState,
    Case,
    Change,
    Delivery,
    Observed,
    SystemRow,
)
from syncgate.flows.accepting.holding import must_not_be_probed
from syncgate.flows.alerting.outages import note_breaker
from syncgate.flows.delivering.admitting import closure_of
from syncgate.flows.delivering.claim import next_work
from syncgate.flows.delivering.confirm import VANISHED_THERE
from syncgate.flows.delivering.content import MATERIAL_MISSING
from syncgate.flows.delivering.held import held_beside, maybe_held, references
from syncgate.flows.delivering.own_number import (
    NUMBER_IN_QUESTION,
    forget_number,
    is_numbered_there,
    keep_number,
    with_own_number,
)
from syncgate.flows.delivering.questioning import RESTORED
from syncgate.flows.delivering.watching import awaited, given_back, watched
from syncgate.flows.delivering.work import Verdict, Work
from syncgate.flows.documents import open_document
from syncgate.flows.gate import Gate
from syncgate.flows.lane import LaneWork, noted, open_lane
from syncgate.ports import Tx
from syncgate.site.bundle import Bundle, ConfirmPolicy

log = structlog.get_logger("syncgate.settle")

NOT_ASKED = frozenset({"handed_back", "lease_too_short"})
"""Reasons of a confirmation that never reached the system."""
SHUT_OUT = frozenset({Outcome.DENIED, Outcome.THROTTLED, Outcome.UNAVAILABLE})
"""Outcomes after which the system can still tell, once it lets us in."""
FAILED = frozenset({Outcome.DENIED, Outcome.UNAVAILABLE})
"""Outcomes that speak against the system, unless it had said that it would be away."""
FRESH = timedelta(seconds=1)
"""How old `last_taken_at` may grow before it is written again; a write a send would only be contention."""
MAY_BE_TAKEN = frozenset({Event.TAKEN, Event.QUEUED_THERE, Event.DUPLICATE, Event.UNKNOWN, Event.EXPIRED_SENT})
"""Events after which the system may hold the content."""
LATE_SAYS = {Event.TAKEN: Event.FOUND, Event.REFUSED: Event.REFUSED}
"""What a send's own answer, come after its lease, says of what is asked about; any other decides nothing."""
GONE = {"note": "a look-up for a change of it showed nothing there"}


@dataclass(frozen=True, slots=True)
class Settled:
    """What settling brought: the lane's next head, kept under the lease, and the systems that were woken."""

    next_work: Work | None = None
    woken: frozenset[str] = frozenset()
    is_late: bool = False


def settle(gate: Gate, tx: Tx, work: Work, verdict: Verdict, *, owner: str, keep: bool = True) -> Settled:
    """Writes what became of a piece of work.

    A token that is no longer the lane's inserts a late entry, and settles nothing but the doubt about its own send
    (promise 8).

    Args:
        gate: the running gate.
        tx: the step's transaction.
        work: as claimed.
        verdict: what serving it came to.
        owner: this process, for the next lease.
        keep: whether the lane's next head may be taken under the same lease.
    """
    bundle = gate.bundles.get(work.delivery.bundle) or gate.active_bundle(work.lane.system)
    row = _row(gate, tx, work, verdict)
    verdict = _not_overtaken(tx, work, _by_the_store(work, verdict))
    lane = tx.lane(work.case.case_id, work.lane.system, lock=True)
    opened = None if lane is None else open_lane(tx, lane, gate.active_bundle(lane.system).messages)
    delivery = None if opened is None else opened.delivery(work.delivery.delivery_id)
    if opened is None or delivery is None or opened.lane.lease_token != work.token or not _is_ours(work, delivery):
        return _late(gate, tx, work, verdict, opened, delivery, bundle=bundle, row=row)
    verdict = _excused(gate, tx, row, verdict)
    row = _breaker_moved(gate, tx, row, work, verdict, bundle)
    woken = _written(gate, opened, work, delivery, verdict, bundle=bundle, row=row)
    kept = next_work(gate, opened, row, owner=owner) if keep and verdict.event is not Event.HANDED_BACK else None
    if kept is None:
        _release(opened, work)
    return Settled(kept, woken)


def _written(
    gate: Gate,
    opened: LaneWork,
    work: Work,
    delivery: Delivery,
    verdict: Verdict,
    *,
    bundle: Bundle,
    row: SystemRow,
    is_late: bool = False,
) -> frozenset[str]:
    """Moves the delivery, and what the lanes learn by it. Gives the systems that were woken."""
    verdict = with_own_number(opened, delivery, verdict, bundle)
    after = _moved(gate, opened, work, delivery, verdict, bundle=bundle, row=row, is_late=is_late)
    woken = wake(opened.tx, after)
    if opened.lane.system in woken:
        opened.lane = replace(opened.lane, waits_for=None)
    opened.lane = replace(opened.lane, waits_for=_waits_for(opened, verdict), send_started_at=None)
    keep_number(gate, opened, after, is_believed=after.remote_ref == verdict.remote_ref)
    return woken


def _late(
    gate: Gate,
    tx: Tx,
    work: Work,
    verdict: Verdict,
    opened: LaneWork | None,
    delivery: Delivery | None,
    *,
    bundle: Bundle,
    row: SystemRow,
) -> Settled:
    """Keeps an answer that came after its lease; where it is what is asked about, it is the answer."""
    event = LATE_SAYS.get(verdict.event)
    if opened is not None and delivery is not None and event is not None and _is_what_is_asked(opened, work, delivery):
        said = replace(verdict, event=event)
        woken = _written(gate, opened, work, delivery, said, bundle=bundle, row=row, is_late=True)
        opened.save(expected_token=None)
        return Settled(woken=woken | {opened.lane.system}, is_late=True)
    _note_late(gate, tx, work, verdict, delivery)
    if opened is not None:
        _release(opened, work)
    return Settled(is_late=True)


def _is_what_is_asked(opened: LaneWork, work: Work, delivery: Delivery) -> bool:
    """Whether the answer is of the very send that is in doubt, and nothing was asked or sent for it since.

    A question that is under way may be a probe: what is newer must not be sent before it is over.
    """
    is_in_doubt = work.task is Task.SEND and delivery.phase is Phase.UNCONFIRMED
    if not is_in_doubt or opened.lane.lease_token is not None:
        return False
    told = [one for one in opened.tx.attempts(delivery.delivery_id) if one.kind is not AttemptKind.LATE]
    return bool(told) and (told[-1].outcome, told[-1].lease_token) == (Event.EXPIRED_SENT.value, work.token)


def _by_the_store(work: Work, verdict: Verdict) -> Verdict:
    """The verdict with its time as the store's clock tells it."""
    return verdict if verdict.started_at is None else verdict.begun(work.at_store(verdict.started_at))


def _not_overtaken(tx: Tx, work: Work, verdict: Verdict) -> Verdict:
    """A wait for another system's number, unless the number has come since the claim; its settle cannot be missed.

    So with a wait for a material's bytes, which let go only what is parked as they come.
    """
    if verdict.reason == MATERIAL_MISSING:
        tx.lane(work.case.case_id, work.lane.system, lock=True)
        has_come = tx.material(work.case.case_id, work.delivery.part) is not None
        return Verdict(event=Event.HANDED_BACK, rule="bytes_have_come") if has_come else verdict
    if verdict.waits_for is None:
        return verdict
    tx.lanes(work.case.case_id, lock=True)
    case_id = work.case.case_id
    has_come = references(tx, case_id) != work.refs
    return replace(verdict, waits_for=None, rule="number_has_come") if has_come else verdict


def _is_ours(work: Work, delivery: Delivery) -> bool:
    """Whether the delivery is still where the claim left it; a person may have decided an unconfirmed one."""
    if work.task is Task.SEND:
        return delivery.phase is Phase.IN_FLIGHT and delivery.lease_token == work.token
    return delivery.phase is Phase.UNCONFIRMED


def _release(opened: LaneWork, work: Work) -> None:
    """Ends the lease under which a piece of work was claimed, where it is still the lane's."""
    if opened.lane.lease_token == work.token:
        opened.released()
        opened.save(expected_token=work.token)


def _row(gate: Gate, tx: Tx, work: Work, verdict: Verdict) -> SystemRow:
    """The system's row, locked where the verdict may move it: systems are locked before lanes."""
    row = tx.system(work.lane.system)
    assert row is not None
    may_move = row.is_probing if verdict.outcome is None else _would_move(row, verdict.outcome, now=tx.now)
    locked = tx.system(work.lane.system, lock=True) if may_move else row
    assert locked is not None
    return locked


def _is_probe(gate: Gate, row: SystemRow, work: Work) -> bool:
    bundle = gate.active_bundle(row.system)
    return row.is_probing and row.breaker_until == work.claimed_at + max(
        bundle.limits.lease, bundle.breaker.probe_after
    )


def _excused(gate: Gate, tx: Tx, row: SystemRow, verdict: Verdict) -> Verdict:
    """The verdict, which counts for nothing where the system failed because it had closed since the claim."""
    if verdict.outcome not in FAILED or closure_of(row, gate.active_bundle(row.system), tx.now) is None:
        return verdict
    return replace(verdict, is_excused=True)


def _breaker_moved(gate: Gate, tx: Tx, locked: SystemRow, work: Work, verdict: Verdict, bundle: Bundle) -> SystemRow:
    if verdict.outcome is None or verdict.is_excused:
        if not _is_probe(gate, locked, work):
            return locked
        after = breaker.end_probe(locked, now=tx.now)
        tx.save_system(after)
        return after
    if not _would_move(locked, verdict.outcome, now=tx.now):
        return locked
    reason = verdict.reason if verdict.outcome is Outcome.DENIED else verdict.outcome.value
    after = breaker.after_outcome(locked, verdict.outcome, now=tx.now, policy=bundle.breaker, reason=reason)
    tx.save_system(after)
    note_breaker(gate, tx, locked, after, policy=bundle.breaker)
    if after.breaker is BreakerState.OPEN:
        gate.hand_over.drain(after.system)
    return after


def _would_move(row: SystemRow, outcome: Outcome, *, now: datetime) -> bool:
    if outcome in (Outcome.DENIED, Outcome.UNAVAILABLE) or row.breaker is BreakerState.OPEN or row.failures_count:
        return True
    return outcome in breaker.TOOK and (row.last_taken_at is None or now - row.last_taken_at >= FRESH)


def _moved(
    gate: Gate,
    opened: LaneWork,
    work: Work,
    delivery: Delivery,
    verdict: Verdict,
    *,
    bundle: Bundle,
    row: SystemRow,
    is_late: bool,
) -> Delivery:
    verdict = _given_up(delivery, verdict, bundle, row)
    kind = AttemptKind.LATE if is_late else _kind(work, verdict)
    counted, attempt = _entry(gate, opened.tx, work, delivery, verdict, kind)
    opened.tx.insert_attempts([attempt])
    changes = _changes(gate, opened.tx, counted, verdict, bundle=bundle, row=row)
    if advance(delivery.phase, verdict.event) is Phase.UNCONFIRMED and must_not_be_probed(gate, opened, delivery):
        changes |= {"due_at": None, "actor": "operator"}
    if verdict.is_empty_there and delivery.change is Change.UPDATE:
        _note_gone(gate, opened, work, delivery)
    return opened.move(delivery, verdict.event, reason=_reason(verdict), **changes)


def _note_gone(gate: Gate, opened: LaneWork, work: Work, delivery: Delivery) -> None:
    """Notes that what a change was of is there no more, as reconciliation would: what is sent next is made anew.

    A record of the system's own is not made in its place; that it is gone is for reconciliation to tell.
    """
    held = held_beside(opened, delivery)
    gone = None if held is None else opened.delivery(held.delivery_id)
    bundle = gate.active_bundle(opened.lane.system)
    if gone is None or is_numbered_there(bundle, gone, open_document(gate, opened.tx, work.case)):
        return
    forget_number(opened, bundle, gone)
    count = opened.note(gone, f"observed_{Observed.ABSENT}", detail=GONE)
    opened.write(gone, replace(gone, entries_count=count, observed=Observed.ABSENT, observed_at=opened.tx.now))


def _given_up(delivery: Delivery, verdict: Verdict, bundle: Bundle, row: SystemRow) -> Verdict:
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


def _reason(verdict: Verdict) -> str | None:
    if verdict.waits_for is not None:
        return WAITS_FOR_REMOTE_REF
    return verdict.reason or verdict.rule or None


def _changes(
    gate: Gate, tx: Tx, delivery: Delivery, verdict: Verdict, *, bundle: Bundle, row: SystemRow
) -> dict[str, Any]:
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


def _kind(work: Work, verdict: Verdict) -> AttemptKind:
    if work.task is Task.CONFIRM:
        return AttemptKind.CONFIRM
    return AttemptKind.SEND if verdict.outcome is not None else AttemptKind.SYSTEM


def _entry(
    gate: Gate, tx: Tx, work: Work, delivery: Delivery, verdict: Verdict, kind: AttemptKind
) -> tuple[Delivery, Attempt]:
    """The next entry of the delivery's history with its evidence, and the delivery that counts it."""
    return noted(
        delivery,
        kind=kind,
        outcome=verdict.event.value,
        actor="syncgate",
        at=tx.now,
        started_at=verdict.started_at,
        lease_token=work.token,
        detail=facts_of(verdict),
        **evidence_blobs(gate, tx, work.case, verdict.evidence),
    )


def facts_of(verdict: Verdict) -> dict[str, str | int | bool | None]:
    evidence = verdict.evidence
    facts: dict[str, str | int | bool | None] = {
        "request": evidence.request_line,
        "status": evidence.status,
        "rule": verdict.rule,
        "reason": verdict.reason,
        "actor": verdict.actor,
        "note": evidence.note,
        "faults": verdict.detail,
        "waits_for": verdict.waits_for,
        "file_size": verdict.file.size if verdict.file is not None else None,
        "file_digest": verdict.file.digest if verdict.file is not None else None,
    }
    return {name: value for name, value in facts.items() if value not in ("", None)}


def evidence_blobs(gate: Gate, tx: Tx, case: Case, evidence: Evidence) -> dict[str, bytes | None]:
    """Stores what left and what came, sealed. Gives the digests for an entry."""
    scope = str(case.case_id)
    macs: dict[str, bytes | None] = {}
    blobs: list[Blob] = []
    for name, content in (("sent_blob", evidence.sent), ("received_blob", evidence.received)):
        if content is None:
            continue
        mac = gate.keyring.mac("blob", case.case_id.bytes, content)
        sealed = gate.keyring.seal(case.wrapped_key, content, bound_to=f"blob:{scope}:{mac.hex()}")
        blobs.append(Blob(scope=scope, mac=mac, sealed=sealed, created_at=tx.now))
        macs[name] = mac
    tx.put_blobs(blobs)
    return macs


def _note_late(gate: Gate, tx: Tx, work: Work, verdict: Verdict, delivery: Delivery | None) -> None:
    if delivery is None:
        return
    counted, attempt = _entry(gate, tx, work, delivery, verdict, AttemptKind.LATE)
    if tx.save_delivery(counted, before=delivery):
        tx.insert_attempts([replace(attempt, revision=work.delivery.revision, bundle=work.delivery.bundle)])


def _waits_for(opened: LaneWork, verdict: Verdict) -> str | None:
    if verdict.waits_for is not None:
        return verdict.waits_for
    is_waiting = any(d.reason == WAITS_FOR_REMOTE_REF for d in opened.deliveries)
    return opened.lane.waits_for if is_waiting else None


def wake(tx: Tx, delivery: Delivery) -> frozenset[str]:
    """Wakes the case's lanes that wait for this system's number."""
    if delivery.phase is not Phase.DELIVERED or delivery.remote_ref is None:
        return frozenset()
    waiting = tx.waiting_lanes(delivery.case_id)
    for needed in set(waiting.values()):
        tx.wake(delivery.case_id, waits_for=needed)
    return frozenset(waiting)
