"""Serving a lane: its head is claimed under a lease, with all that is needed to send or to confirm it outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from syncgate.domain.delivery import Event, Phase
from syncgate.domain.head import Head, Task
from syncgate.domain.observation import is_as_delivered
from syncgate.domain.plan import OnChange, part_of
from syncgate.domain.retraction import is_overtaken
from syncgate.domain.row import replace
from syncgate.domain.rows import (
    AttemptKind,
    Case,
    Change,
    Delivery,
    Submission,
)
from syncgate.flows.delivering.held import case_refs, held_beside, is_other_sent, remote_refs
from syncgate.flows.delivering.numbers import closed_ref
from syncgate.flows.delivering.work import Work
from syncgate.flows.documents import open_document
from syncgate.flows.gate import Gate
from syncgate.flows.lane import LaneWork, noted
from syncgate.ports import Tx
from syncgate.site.bundle import Bundle


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


def serve_head(gate: Gate, work: LaneWork, bundle: Bundle, *, owner: str, known: Known | None = None) -> Work | None:
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
    return held_beside(work, delivery) is not None


def _is_needless(work: LaneWork, bundle: Bundle, head: Head) -> bool:
    """Whether the head is a change that need not be sent, and was queued while another content was under way.

    Its message ignores changes; or it goes back to what the system holds, and the other never left.
    """
    if head.task is not Task.SEND or head.delivery.change is Change.RETRACT:
        return False
    held = held_beside(work, head.delivery)
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
    held = held_beside(work, delivery)
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
        closed_ref=None if bundle is None else closed_ref(work.deliveries, delivery, bundle.messages),
        is_other_sent=is_other_sent(work, bundle, delivery),
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
