"""Serving a lane: its head is claimed under a lease, with all that is needed to send or to confirm it outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from syncgate.domain.delivery import Event
from syncgate.domain.head import Head, Task
from syncgate.domain.observation import is_as_delivered
from syncgate.domain.plan import OnChange
from syncgate.domain.retraction import is_overtaken
from syncgate.domain.row import replace
from syncgate.domain.rows import (
    Case,
    Change,
    Delivery,
    Submission,
)
from syncgate.flows.delivering.held import held_beside, is_other_sent, references
from syncgate.flows.delivering.numbers import closed_ref, refs_to_keep
from syncgate.flows.delivering.questioning import is_to_be_asked_first, put_in_question
from syncgate.flows.delivering.readied import readied
from syncgate.flows.delivering.work import Work
from syncgate.flows.gate import Gate
from syncgate.flows.lane import LaneWork
from syncgate.mapping import Refs
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
    while head is not None and _put_off(gate, work, bundle, head):
        head = work.heads().head
    if head is None:
        work.released()
        work.save(expected_token=before_token)
        return None
    token = UUID(bytes=gate.entropy.token(16), version=4)
    until = work.tx.now + _lease(gate, bundle, head)
    work.leased(token=token, until=until, owner=owner)
    held = held_beside(work, head.delivery)
    refs = _references(gate, work, bundle, head, held=held)
    delivery = head.delivery
    if head.task is Task.SEND:
        delivery = _in_flight(gate, work, bundle, delivery, token=token, held=held, refs=refs)
    work.lane = replace(work.lane, send_started_at=None)
    if not work.save(expected_token=before_token):
        return None
    return _work(gate, work, delivery, head.task, held=held, known=known, refs=refs)


def _put_off(gate: Gate, work: LaneWork, bundle: Bundle, head: Head) -> bool:
    """Moves a head that is overdue, needless, or to be asked about before it may be sent. Gives whether it was one."""
    if head.task is Task.OVERDUE:
        _overdue(work, head.delivery)
    elif _is_needless(work, bundle, head):
        work.move(head.delivery, Event.SUPERSEDED)
    elif head.task is Task.SEND and is_to_be_asked_first(work, bundle, head.delivery):
        put_in_question(gate, work, bundle, head.delivery)
    else:
        return False
    return True


def _lease(gate: Gate, bundle: Bundle, head: Head) -> timedelta:
    sent_by = gate.bundles.get(head.delivery.bundle, bundle)
    return max(bundle.limits.lease, sent_by.limits.lease)


def _references(gate: Gate, work: LaneWork, bundle: Bundle, head: Head, *, held: Delivery | None) -> Refs:
    """What the systems call things now, where the head's mapping, or that of what is held in its slot, reads it."""
    under = bundle if head.task is Task.SEND else gate.bundles.get(head.delivery.bundle)
    specs = [None if under is None else under.payload_of(head.delivery)]
    if held is not None and (held_under := gate.bundles.get(held.bundle)) is not None:
        specs.append(held_under.payload_of(held))
    is_read = any(spec is not None and spec.needs_references for spec in specs)
    return references(work.tx, head.delivery.case_id) if is_read else Refs()


def _in_flight(
    gate: Gate,
    work: LaneWork,
    bundle: Bundle,
    delivery: Delivery,
    *,
    token: UUID,
    held: Delivery | None,
    refs: Refs,
) -> Delivery:
    spec = bundle.payload_of(delivery)
    kept = None if spec is None else refs_to_keep(refs, spec.refers_to)
    changes = readied(gate, work, bundle, delivery, held=held)
    return work.move(delivery, Event.CLAIMED, lease_token=token, sent_refs=kept, **changes)


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


def _overdue(work: LaneWork, delivery: Delivery) -> None:
    now = work.tx.now
    count = work.note(delivery, Event.OVERDUE, started_at=now)
    reason = "acknowledgement_overdue"
    work.move(delivery, Event.OVERDUE, reason=reason, due_at=now, confirms_count=0, entries_count=count)


def _work(
    gate: Gate,
    work: LaneWork,
    delivery: Delivery,
    task: Task,
    *,
    held: Delivery | None,
    known: Known | None,
    refs: Refs,
) -> Work:
    tx = work.tx
    case, submissions = _case_of(tx, delivery, held, known)
    bundle = gate.bundles.get(delivery.bundle)
    return Work(
        lane=work.lane,
        delivery=delivery,
        task=task,
        case=case,
        submission=submissions[delivery.case_id, delivery.revision],
        held=(held, submissions[held.case_id, held.revision]) if held is not None else None,
        refs=refs,
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
