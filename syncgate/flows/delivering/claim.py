"""Claim: a batch of due lanes of one system is leased, each with its head, under one lock on the system's row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from syncgate.domain.breaker import begin_probe, sends_admitted
from syncgate.domain.delivery import Event, Phase
from syncgate.domain.head import Head, Task
from syncgate.domain.observation import is_as_delivered, is_gone, took_nothing_back, with_untold_content
from syncgate.domain.plan import OnChange, part_of
from syncgate.domain.replan import SlotName
from syncgate.domain.retraction import is_overtaken
from syncgate.domain.row import replace
from syncgate.domain.rows import (
    AttemptKind,
    BreakerState,
    Case,
    Change,
    Delivery,
    Grant,
    Lane,
    Submission,
    SystemRow,
)
from syncgate.flows.delivering.hand_over import GRANTED_FOR
from syncgate.flows.delivering.polling import LATE, Batch, claim_polls, is_asking
from syncgate.flows.delivering.retracting import is_other_sent_so, slots_taken_back
from syncgate.flows.delivering.set_aside import set_aside_due
from syncgate.flows.delivering.work import Work
from syncgate.flows.documents import open_document
from syncgate.flows.gate import Gate
from syncgate.flows.lane import LaneWork, holds_on, noted
from syncgate.ports import Tx
from syncgate.site.bundle import Bundle, Limits


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a claim brought, and when to look again.

    at: the store's time of the claim, by which the times below are meant.
    next_due_at: when the next unleased lane is due; None while there is none.
    granted: sends left over, which this process may start for lanes that fall due until `granted_until`.
    is_held_back: due lanes may be left because pause, breaker, rate or concurrency admitted no more.
    batch: what the system is asked; next_poll_at: when it is asked next, None where nothing is.
    is_behind: nothing was claimed, because the store names another bundle active than this process has.
    is_stopped: nothing is until somebody resumes or deploys.
    """

    at: datetime
    works: tuple[Work, ...] = ()
    next_due_at: datetime | None = None
    is_held_back: bool = True
    granted: int = 0
    granted_until: datetime | None = None
    batch: Batch | None = None
    next_poll_at: datetime | None = None
    is_behind: bool = False
    is_stopped: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """What a step has read or written already, and need not read again: cases, and revisions by their keys."""

    cases: Mapping[UUID, Case]
    revisions: Mapping[tuple[UUID, int], Submission]

    @classmethod
    def of(cls, written: tuple[Case, Submission] | None) -> Known | None:
        """What was just written, where that made a revision."""
        if written is None or not written[1].is_change:
            return None
        case, submission = written
        return cls({case.case_id: case}, {(case.case_id, submission.revision): submission})


def claim(
    gate: Gate,
    tx: Tx,
    system: str,
    *,
    owner: str,
    limit: int,
    is_granting: bool = True,
    is_careful: bool = False,
    polls_at_once: int | None = None,
    is_polls_turn: bool = False,
) -> Claimed:
    """Leases up to `limit` due lanes of a system, as far as pause, breaker, rate and concurrency admit.

    is_granting: whether what is left over becomes this process's grant; a quiet gate writes none.
    is_careful: each lane by itself, and one that fails is set aside; for the claim after one that failed.
    polls_at_once: how many sendings one question may be about; None: none is asked now.
    is_polls_turn: whether questions that are late come before sends, so that neither starves the other.
    """
    row = tx.system(system, lock=True)
    unused = gate.hand_over.drain(system)
    if row is not None and gate.is_behind(row):
        return Claimed(tx.now, is_behind=True)
    bundle = gate.active_bundle(system)
    if row is None or not _may_be_sent_to(row, bundle):
        return Claimed(tx.now, is_stopped=True)
    row = refilled(row, bundle.limits, now=tx.now, unused=unused)
    admitted = _admitted(tx, row, bundle.limits, limit, owner=owner)
    next_poll_at = tx.next_poll_at(system) if polls_at_once is not None and is_asking(gate, system) else None
    is_poll_due = next_poll_at is not None and next_poll_at <= tx.now
    kept = int(is_polls_turn and next_poll_at is not None and next_poll_at + LATE <= tx.now)
    lanes = tx.due_lanes(system, limit=admitted - kept) if admitted > kept else []
    works = _leased(gate, tx, bundle, lanes, owner=owner, is_careful=is_careful)
    next_due_at = tx.next_due_at(system)
    batch, cost = None, 0
    if is_poll_due and polls_at_once is not None and admitted > len(works):
        batch = claim_polls(gate, tx, row, bundle, owner=owner, at_once=polls_at_once)
        next_poll_at = tx.next_poll_at(system)
        cost = 0 if batch is None else batch.requests_count(polls_at_once)
    left = admitted - len(works) - (batch is not None)
    granted = _granted(row, left, next_due_at, now=tx.now) if is_granting else 0
    if granted or unused:
        tx.save_grant(Grant(system=system, process=owner, sends_count=granted, until=tx.now + GRANTED_FOR))
    if works or granted or unused or batch:
        tx.save_system(_spent(row, bundle, len(works) + granted + cost, now=tx.now))
    until = min(tx.now + GRANTED_FOR, next_due_at or tx.now + GRANTED_FOR)
    return Claimed(
        tx.now,
        tuple(works),
        next_due_at,
        admitted < limit,
        granted,
        until,
        batch=batch,
        next_poll_at=next_poll_at,
    )


def take_over(
    gate: Gate, work: LaneWork, bundle: Bundle, *, written: tuple[Case, Submission] | None = None
) -> Work | None:
    """The lane's head, leased from this process's grant; None where there is no grant or nothing due.

    written: the case and its newest submission, where the caller has just written them.
    """
    head = work.heads().head
    if work.lane.lease_token is not None or head is None or head.task is not Task.SEND:
        return None
    row = work.tx.system(work.lane.system)
    if row is None or row.breaker is BreakerState.OPEN or not _may_be_sent_to(row, bundle):
        return None
    if not gate.hand_over.take(work.lane.system, now=work.tx.now):
        return None
    return _served(gate, work, bundle, owner=gate.hand_over.owner, known=Known.of(written))


def _granted(row: SystemRow, left: int, next_due_at: datetime | None, *, now: datetime) -> int:
    """What this process may start without a claim: what is left, while nothing older waits."""
    is_clear = next_due_at is None or next_due_at > now
    return left if is_clear and row.breaker is BreakerState.CLOSED else 0


def refilled(row: SystemRow, limits: Limits, *, now: datetime, unused: int = 0) -> SystemRow:
    """The row with the rate tokens of now, and those back that a grant left unused."""
    if limits.rate is None:
        return row
    if row.rate_at is None:
        return replace(row, rate_tokens=float(limits.burst), rate_at=now)
    gained = max(0.0, (now - row.rate_at).total_seconds()) * limits.rate + unused
    return replace(row, rate_tokens=min(float(limits.burst), row.rate_tokens + gained), rate_at=now)


def next_work(gate: Gate, work: LaneWork, row: SystemRow, *, owner: str) -> Work | None:
    """The lane's next head under a fresh lease, where the system may be spoken to right on; else None."""
    bundle = gate.active_bundle(work.lane.system)
    if row.breaker is BreakerState.OPEN or bundle.limits.rate is not None:
        return None
    if not _may_be_sent_to(row, bundle):
        return None
    return _served(gate, work, bundle, owner=owner)


def _may_be_sent_to(row: SystemRow, bundle: Bundle) -> bool:
    """Whether the system may be sent to under this bundle, which a deploy elsewhere may have replaced meanwhile."""
    return not row.is_paused and row.active_bundle in (None, bundle.digest) and _is_live(row, bundle)


def _is_live(row: SystemRow, bundle: Bundle) -> bool:
    """Whether both the last deploy and this process's own configuration let the system be sent to."""
    return row.mode == "live" and bundle.mode == "live"


def is_stopped(tx: Tx, work: Work) -> bool:
    """Whether what was claimed must not be sent any more: a pause, a hold or a deploy came after its claim."""
    row = tx.system(work.lane.system)
    if row is None or row.is_paused or row.mode != "live":
        return True
    return work.task is Task.SEND and holds_on(tx, work.lane).on(work.delivery.message) is not None


def _admitted(tx: Tx, row: SystemRow, limits: Limits, limit: int, *, owner: str) -> int:
    granted = sum(grant.sends_count for grant in tx.grants(row.system) if grant.process != owner)
    free = limits.concurrency - tx.leases_count(row.system) - granted
    tokens = limit if limits.rate is None else int(row.rate_tokens)
    return sends_admitted(row, now=tx.now, wanted=max(0, min(limit, free, tokens)))


def _spent(row: SystemRow, bundle: Bundle, count: int, *, now: datetime) -> SystemRow:
    if bundle.limits.rate is not None:
        row = replace(row, rate_tokens=max(0.0, row.rate_tokens - count))
    if count and row.breaker is BreakerState.OPEN:
        row = begin_probe(row, now=now, policy=bundle.breaker, lease=bundle.limits.lease)
    return row


def _leased(gate: Gate, tx: Tx, bundle: Bundle, lanes: list[Lane], *, owner: str, is_careful: bool) -> list[Work]:
    by_lane = tx.deliveries_of([(lane.case_id, lane.system) for lane in lanes])
    opened = [LaneWork(tx, lane, by_lane.get((lane.case_id, lane.system), []), bundle.messages) for lane in lanes]
    if is_careful:
        served = [_served_apart(gate, work, bundle, owner=owner) for work in opened]
    else:
        known = _known(tx, opened)
        served = [_served(gate, work, bundle, owner=owner, known=known) for work in opened]
    return [work for work in served if work is not None]


def _known(tx: Tx, works: Sequence[LaneWork]) -> Known:
    """The cases of these lanes and the revisions that their heads carry, each read in one go."""
    heads = [head.delivery for work in works if (head := work.heads().head) is not None]
    revisions = tx.revisions_of({(delivery.case_id, delivery.revision) for delivery in heads})
    return Known(tx.cases({delivery.case_id for delivery in heads}), revisions)


def _served_apart(gate: Gate, work: LaneWork, bundle: Bundle, *, owner: str) -> Work | None:
    """The same for a lane that may fail; one that does is set aside as it was before."""
    before = replace(work, deliveries=list(work.deliveries))
    served = work.tx.apart(lambda: _served(gate, work, bundle, owner=owner))
    if not isinstance(served, Exception):
        return served
    set_aside_due(gate, work.tx, before, served)
    return None


def _served(gate: Gate, work: LaneWork, bundle: Bundle, *, owner: str, known: Known | None = None) -> Work | None:
    """The head, claimed and leased; None where the lane turned out to have none."""
    before_token = work.lane.lease_token
    head = work.heads().head
    while head is not None and (head.task is Task.OVERDUE or _is_needless(work, bundle, head)):
        if head.task is Task.OVERDUE:
            _overdue(work, head.delivery)
        else:
            work.move(head.delivery, Event.SUPERSEDED)
        head = work.heads().head
    if head is None:
        work.released()
        work.save(expected_token=before_token)
        return None
    token = UUID(bytes=gate.entropy.token(16), version=4)
    until = work.tx.now + _lease(gate, bundle, head)
    work.leased(token=token, until=until, owner=owner)
    delivery = head.delivery if head.task is Task.CONFIRM else _in_flight(gate, work, bundle, head.delivery, token)
    work.lane = replace(work.lane, send_started_at=None)
    if not work.save(expected_token=before_token):
        return None
    return _work(gate, work, delivery, head.task, known)


def _lease(gate: Gate, bundle: Bundle, head: Head) -> timedelta:
    sent_by = gate.bundles.get(head.delivery.bundle, bundle)
    return max(bundle.limits.lease, sent_by.limits.lease)


def _in_flight(gate: Gate, work: LaneWork, bundle: Bundle, delivery: Delivery, token: UUID) -> Delivery:
    changes: dict[str, Any] = {
        "lease_token": token,
        "change": _change(work, bundle, delivery),
        "version_no": _version_no(work, delivery),
        "delivered_at": None,
    }
    if delivery.bundle != bundle.digest:
        changes |= {"bundle": bundle.digest, "input_mac": _input_mac(gate, work, bundle, delivery)}
    return work.move(delivery, Event.CLAIMED, **changes)


def _change(work: LaneWork, bundle: Bundle, delivery: Delivery) -> Change:
    if delivery.change is Change.RETRACT:
        return Change.RETRACT
    if not _is_held(work, delivery):
        return Change.CREATE
    on_change = next((m.on_change for m in bundle.messages if m.name == delivery.message), OnChange.HOLD)
    return Change.NEW_VERSION if on_change is OnChange.NEW_VERSION else Change.UPDATE


def _is_held(work: LaneWork, delivery: Delivery) -> bool:
    """Whether the system holds something in the delivery's slot."""
    return _held(work, delivery) is not None


def _is_needless(work: LaneWork, bundle: Bundle, head: Head) -> bool:
    """Whether the head is a change that need not be sent, and was queued while another content was under way.

    Its message ignores changes; or it goes back to what the system holds, and the other never left.
    """
    if head.task is not Task.SEND or head.delivery.change is Change.RETRACT:
        return False
    held = _held(work, head.delivery)
    if held is None:
        return False
    message = next((m for m in bundle.messages if m.name == head.delivery.message), None)
    is_ignored = message is not None and message.on_change is OnChange.IGNORE
    return is_ignored or _is_undone(head.delivery, held)


def _is_undone(delivery: Delivery, held: Delivery) -> bool:
    """Whether a delivery of which nothing was sent carries what the system holds, as the same bundle maps it."""
    is_same = is_as_delivered(held) and (delivery.input_mac, delivery.bundle) == (held.input_mac, held.bundle)
    return delivery.is_never_sent and is_same


def _version_no(work: LaneWork, delivery: Delivery) -> int:
    """The number of this version: taken once, at the first send, and kept through retries and refusals.

    One that the system gave back after it had lain there is not used again; one whose content never came there is,
    so that skipped revisions leave no gap.
    """
    if delivery.version_no is not None and delivery.version_no != delivery.given_back_no:
        return delivery.version_no
    same = [d for d in work.deliveries if (d.message, d.part) == (delivery.message, delivery.part)]
    return max((d.version_no or 0 for d in same if not _is_skipped(d)), default=0) + 1


def _is_skipped(delivery: Delivery) -> bool:
    """Whether a delivery ended without its content ever having come to the system."""
    return delivery.phase is Phase.CANCELLED and delivery.is_never_sent and delivery.given_back_no is None


def _input_mac(gate: Gate, work: LaneWork, bundle: Bundle, delivery: Delivery) -> bytes:
    """The digest as the active bundle takes it; never-sent deliveries follow a deploy."""
    case = work.tx.case(delivery.case_id)
    assert case is not None
    document = open_document(gate, work.tx, case, delivery.revision)
    try:
        message = bundle.message(delivery.message)
    except KeyError:
        return delivery.input_mac
    return message.inputs(document, part_of(document, message.of, delivery.part))


def _overdue(work: LaneWork, delivery: Delivery) -> None:
    counted, attempt = noted(
        delivery, kind=AttemptKind.SYSTEM, outcome=Event.OVERDUE.value, actor="syncgate", at=work.tx.now
    )
    work.tx.insert_attempts([attempt])
    work.move(
        delivery,
        Event.OVERDUE,
        reason="acknowledgement_overdue",
        due_at=work.tx.now,
        confirms_count=0,
        entries_count=counted.entries_count,
    )


def _work(gate: Gate, work: LaneWork, delivery: Delivery, task: Task, known: Known | None) -> Work | None:
    tx = work.tx
    held = _held(work, delivery)
    case, submissions = _case_of(tx, delivery, held, known)
    bundle = gate.bundles.get(delivery.bundle)
    spec = bundle.payload_of(delivery) if bundle is not None else None
    needs_references = spec is not None and spec.needs_references
    return Work(
        lane=work.lane,
        delivery=delivery,
        task=task,
        case=case,
        submission=submissions[delivery.case_id, delivery.revision],
        held=(held, submissions[held.case_id, held.revision]) if held is not None else None,
        remote_refs=remote_refs(tx.deliveries(delivery.case_id)) if needs_references else {},
        case_refs=case_refs(tx.lanes(delivery.case_id)) if needs_references else {},
        is_other_sent=_is_other_sent(work, bundle, delivery),
        is_overtaken=delivery.change is Change.RETRACT and is_overtaken(delivery, work.deliveries, work.takes_back),
        claimed_at=tx.now,
        taken_at=gate.clock.now(),
    )


def _case_of(
    tx: Tx, delivery: Delivery, held: Delivery | None, known: Known | None
) -> tuple[Case, dict[tuple[UUID, int], Submission]]:
    """The delivery's case, and by key the revisions that it and what is held carry."""
    keys = {(one.case_id, one.revision) for one in (delivery, held) if one is not None}
    case = known.cases.get(delivery.case_id) if known is not None else None
    found = {key: known.revisions[key] for key in keys if key in known.revisions} if known is not None else {}
    case = case or tx.case(delivery.case_id)
    assert case is not None
    return case, found if len(found) == len(keys) else found | tx.revisions_of(keys - found.keys())


def _held(work: LaneWork, delivery: Delivery) -> Delivery | None:
    """What the system holds in the delivery's slot beside it; None after it was taken back, whoever did, or seen gone.

    Of what a retraction takes back, the first that the system holds.
    """
    if delivery.change is Change.RETRACT:
        found = (_held_in(work, slot, beside=delivery) for slot in slots_taken_back(work, delivery))
        return next((held for held in found if held is not None), None)
    return _held_in(work, (delivery.message, delivery.part), beside=delivery)


def _held_in(work: LaneWork, slot: SlotName, *, beside: Delivery) -> Delivery | None:
    takes_back = work.takes_back
    same = [
        d
        for d in reversed(work.deliveries)
        if d.phase is Phase.DELIVERED
        and d.delivery_id != beside.delivery_id
        and ((d.message, d.part) == slot or slot[0] in takes_back(d))
    ]
    newest = max((d for d in same if not took_nothing_back(d)), key=_came_at, default=None)
    if newest is None or newest.change is Change.RETRACT or is_gone(newest):
        return None
    is_untold = any(took_nothing_back(d) and _came_at(d) > _came_at(newest) for d in same)
    return with_untold_content(newest) if is_untold else newest


def _came_at(delivery: Delivery) -> datetime:
    return delivery.delivered_at or delivery.changed_at


def case_refs(lanes: Iterable[Lane]) -> dict[str, str]:
    """What each system calls the case."""
    return {lane.system: lane.case_ref for lane in lanes if lane.case_ref}


def remote_refs(deliveries: Iterable[Delivery]) -> dict[tuple[str, str | None], str]:
    """The systems' own numbers, by system and message, and by system."""
    found: dict[tuple[str, str | None], str] = {}
    for d in deliveries:
        if d.remote_ref is not None and d.phase is Phase.DELIVERED and not is_gone(d):
            found[d.system, d.message] = d.remote_ref
            found.setdefault((d.system, None), d.remote_ref)
    return found


def _is_other_sent(work: LaneWork, bundle: Bundle | None, delivery: Delivery) -> bool:
    """Whether another content than this one may have left for the slot before."""
    deliveries = work.deliveries
    if delivery.change is Change.RETRACT:
        return delivery.is_other_sent or is_other_sent_so(deliveries, bundle, delivery)
    same_slot = [d for d in deliveries if (d.message, d.part) == (delivery.message, delivery.part)]
    others = [d for d in same_slot if d.delivery_id != delivery.delivery_id and d.sent_mac is not None]
    return delivery.is_other_sent or any(d.sent_mac != content_mac(delivery) for d in others)


def content_mac(delivery: Delivery) -> bytes:
    """What tells one content of a slot from another: what its mapping read, and which mapping."""
    return delivery.input_mac + delivery.bundle.encode()[-16:]


def maybe_held(delivery: Delivery) -> dict[str, Any]:
    """What a delivery's row says from now on, as the system may hold its content."""
    mac = content_mac(delivery)
    is_other = delivery.is_other_sent or (delivery.sent_mac is not None and delivery.sent_mac != mac)
    return {"sent_mac": mac, "is_other_sent": is_other}
