"""After a restore: what may have been sent since the backup is asked about before anything is sent (promise 4).

A store that was put back to an older state knows nothing of what was sent since. What waits in it, and whatever else
would now be sent for a case that it knew, may be at the system already.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from syncgate.domain.delivery import Event
from syncgate.domain.row import replace
from syncgate.domain.rows import Change, Delivery, SystemRow
from syncgate.flows.delivering.held import held_beside, maybe_held
from syncgate.flows.delivering.readied import readied
from syncgate.flows.gate import Gate
from syncgate.flows.lane import LaneWork
from syncgate.site.bundle import Bundle

RESTORED: Final = "restored"
"""Why a delivery is in question, and why a person must tell: the store is older than what its system holds."""


class Way(StrEnum):
    """How it is found out whether a system holds what would be sent, though this store knows of no sending."""

    LOOK_UP = "look_up"
    """By a look-up."""
    SENDING = "sending"
    """By sending it in its turn: the system recognises what it holds, whatever else was sent since."""
    NONE = "none"
    """Not at all: only a person can tell."""


def way_of(bundle: Bundle, delivery: Delivery) -> Way:
    """How a delivery is asked about under this bundle.

    A key that a system knows a sending by is another one for another revision or bundle, so it recognises nothing
    where the case or the adapter may have changed since the backup.
    """
    policy = bundle.confirm_of(delivery)
    if policy is None or policy.by == "hold":
        return Way.NONE
    if policy.by == "look_up":
        return Way.LOOK_UP
    return Way.NONE if policy.by == "idempotency_key" and _is_known_by_sending(bundle, delivery) else Way.SENDING


def _is_known_by_sending(bundle: Bundle, delivery: Delivery) -> bool:
    if delivery.change is Change.RETRACT:
        retraction = bundle.retractions.get(delivery.message)
        return retraction is None or retraction.operation in bundle.by_sending
    message = bundle.message(delivery.message)
    return not bundle.by_sending.isdisjoint({message.operation, message.update_operation or message.operation})


def is_to_be_asked_first(work: LaneWork, bundle: Bundle, delivery: Delivery) -> bool:
    """Whether a pending delivery may have been sent after the backup from which the store was restored.

    So may everything that the backup had, and, where asking tells, whatever is new for a case that it had: a source
    may post again what it had posted. Once asked it is not asked again; nor is what follows in a slot of which the
    system was seen to hold what this store believes.
    """
    row = work.tx.system(work.lane.system)
    if row is None or row.restored_at is None or _is_since(delivery.restored_at, row.restored_at):
        return False
    way = way_of(bundle, delivery)
    if way is Way.SENDING:
        return False
    if delivery.created_at < row.restored_at:
        return True
    policy = bundle.confirm_of(delivery)
    is_telling = way is Way.LOOK_UP and policy is not None and policy.operation not in bundle.by_sending
    return is_telling and _is_of_old_case(work, row.restored_at) and not _is_known(work, delivery, row.restored_at)


def _is_of_old_case(work: LaneWork, restored_at: datetime) -> bool:
    case = work.tx.case(work.lane.case_id)
    return case is not None and case.created_at < restored_at


def _is_known(work: LaneWork, delivery: Delivery, restored_at: datetime) -> bool:
    slot = [d for d in work.deliveries if (d.message, d.part) == (delivery.message, delivery.part)]
    return any(_is_since(d.delivered_at, restored_at) for d in slot)


def _is_since(at: datetime | None, restored_at: datetime) -> bool:
    return at is not None and at >= restored_at


def put_in_question(gate: Gate, work: LaneWork, bundle: Bundle, delivery: Delivery) -> Delivery:
    """Has a delivery asked about, as one whose answer was lost. Gives the row after the move.

    Args:
        gate: the running gate.
        work: its lane.
        bundle: the active one, by which what waits would be sent.
        delivery: pending, or in flight when the backup was taken.
    """
    row = work.tx.system(work.lane.system)
    assert row is not None and row.restored_at is not None
    is_waiting = delivery.lease_token is None
    now = delivery
    if is_waiting:
        now = replace(delivery, **readied(gate, work, bundle, delivery, held=held_beside(work, delivery)))
    sent_by = bundle if is_waiting else gate.bundles.get(delivery.bundle)
    note = "the store was restored; it may have been sent since the backup"
    count = work.note(now, Event.RESTORED, lease_token=delivery.lease_token, detail={"note": note})
    names = ("change", "version_no", "delivered_at", "bundle", "input_mac")
    changes = {name: getattr(now, name) for name in names} | {"entries_count": count}
    if is_waiting:
        changes["sent_refs"] = None
    changes |= {**maybe_held(now), **asked_about(now, sent_by, row, now=work.tx.now), "confirms_count": 0}
    return work.move(delivery, Event.RESTORED, reason=RESTORED, **changes)


def asked_about(delivery: Delivery, bundle: Bundle | None, row: SystemRow, *, now: datetime) -> Mapping[str, Any]:
    """When a delivery in question is asked about: not before the last request of before the restore must be over."""
    assert row.restored_at is not None
    policy = bundle.confirm_of(delivery) if bundle is not None else None
    if bundle is None or policy is None or way_of(bundle, delivery) is Way.NONE:
        return {"restored_at": row.restored_at, "due_at": None, "actor": "operator"}
    visible_at = row.restored_at + bundle.limits.longest_request + policy.visible_after
    return {"restored_at": row.restored_at, "due_at": max(now, visible_at), "actor": ""}
