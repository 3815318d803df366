"""Setting aside: a lane that fails in our own hands is taken out of the way of all others, and stays visible."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from syncgate.domain.delivery import Event
from syncgate.domain.errors import Conflict, IllegalMove
from syncgate.domain.head import Task
from syncgate.domain.rows import Delivery, Lane
from syncgate.flows.delivering.defects import place_of
from syncgate.flows.gate import Gate
from syncgate.flows.lane import LaneWork
from syncgate.ports import Tx

log = structlog.get_logger("syncgate.lanes")
DEFECT: Final = "defect"
LOOKED_AT_AGAIN_AFTER: Final = timedelta(minutes=1)
"""When a lane is tried again that could not even be parked."""


def set_aside_due(gate: Gate, tx: Tx, work: LaneWork, error: Exception) -> None:
    """Parks the head of a due lane that cannot be claimed, for a person; else the lane waits a minute."""
    _report(work.lane, error)
    is_passing = isinstance(error, IllegalMove | Conflict)
    parked = error if is_passing else tx.apart(lambda: _park_head(gate, work, error))
    if isinstance(parked, Exception):
        later = replace(work.lane, due_at=tx.now + LOOKED_AT_AGAIN_AFTER)
        tx.apart(lambda: tx.save_lane(later, expected_token=work.lane.lease_token))


def set_aside_leased(tx: Tx, lane: Lane, error: Exception) -> bool:
    """Leaves an expired lane that cannot be rescued under its lease for a minute more. Gives whether that was kept."""
    _report(lane, error)
    later = replace(lane, lease_until=tx.now + LOOKED_AT_AGAIN_AFTER)
    return tx.apart(lambda: tx.save_lane(later, expected_token=lane.lease_token)) is True


def _report(lane: Lane, error: Exception) -> None:
    at = place_of(error)
    log.error("lane_broke", system=lane.system, case_id=str(lane.case_id), error=type(error).__name__, at=at)


def _park_head(gate: Gate, work: LaneWork, error: Exception) -> None:
    head = work.heads().head
    if head is None or head.task is Task.OVERDUE:
        raise error
    if head.task is Task.CONFIRM:
        _end(work, head.delivery, Event.UNDECIDED, error)
    else:
        token = UUID(bytes=gate.entropy.token(16), version=4)
        _end(work, work.move(head.delivery, Event.CLAIMED, lease_token=token), Event.REFUSED, error)
    work.save(expected_token=work.lane.lease_token)


def _end(work: LaneWork, delivery: Delivery, event: Event, error: Exception) -> None:
    """Nothing was sent: the entry and the reason say that the fault is ours."""
    count = work.note(delivery, event, detail={"reason": DEFECT, "note": type(error).__name__})
    work.move(delivery, event, reason=DEFECT, due_at=None, actor="developer", entries_count=count)
