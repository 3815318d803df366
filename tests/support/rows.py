"""Synthetic rows for tests of stores: valid ones, of which a test changes what it is about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from syncgate.domain.delivery import Phase
from syncgate.domain.rows import Attempt, AttemptKind, Case, Delivery, Grant, Lane, Submission
from syncgate.ports.store import Tx

START = datetime(2026, 4, 30, 1, 2, 3, 456789, tzinfo=UTC)
TOKEN = UUID(int=0xA11CE)
OTHER_TOKEN = UUID(int=0xB0B)


@dataclass
class SetClock:
    """A clock that stands until it is moved."""

    at: datetime = START

    def now(self) -> datetime:
        return self.at

    def move(self, **by: float) -> None:
        self.at += timedelta(**by)


@dataclass
class Ids:
    """UUIDv7s in rising order."""

    used: int = field(default=0)

    def __call__(self) -> UUID:
        self.used += 1
        milliseconds = int(START.timestamp() * 1000)
        return UUID(int=(milliseconds << 80) | (7 << 76) | (2 << 62) | self.used)


new_id = Ids()


def a_case(case_id: UUID | None = None, **changes: Any) -> Case:
    row: dict[str, Any] = {
        "case_id": case_id or new_id(),
        "origin": "window",
        "case_no": "990101-0001",
        "kind": "application",
        "item": "9901010001",
        "region": "990101",
        "revision": 1,
        "submission_no": 1,
        "content_mac": b"c" * 16,
        "wrapped_key": b"k" * 65,
        "created_at": START,
        "changed_at": START,
    }
    return Case(**row | changes)


def a_submission(case_id: UUID, **changes: Any) -> Submission:
    row: dict[str, Any] = {
        "case_id": case_id,
        "submission_no": 1,
        "revision": 1,
        "is_change": True,
        "source": "window",
        "request_mac": b"r" * 16,
        "sealed_document": b"sealed",
        "status": 202,
        "receipt": "{}",
        "by": "window",
        "received_at": START,
    }
    return Submission(**row | changes)


def a_lane(case_id: UUID, system: str = "food", **changes: Any) -> Lane:
    row: dict[str, Any] = {"case_id": case_id, "system": system}
    return Lane(**row | changes)


def a_delivery(case_id: UUID, system: str = "food", **changes: Any) -> Delivery:
    """A delivery in the phase of `changes`, with the lease and the reason that its phase asks for."""
    phase = changes.get("phase", Phase.PENDING)
    row: dict[str, Any] = {
        "delivery_id": new_id(),
        "case_id": case_id,
        "system": system,
        "message": "application",
        "revision": 1,
        "phase": phase,
        "input_mac": b"i" * 16,
        "bundle": "b" * 64,
        "lease_token": TOKEN if phase is Phase.IN_FLIGHT else None,
        "reason": "field_refused" if phase is Phase.PARKED else None,
        "created_at": START,
        "changed_at": START,
    }
    return Delivery(**row | changes)


def an_attempt(delivery_id: UUID, **changes: Any) -> Attempt:
    row: dict[str, Any] = {
        "delivery_id": delivery_id,
        "entry_no": 1,
        "kind": AttemptKind.SEND,
        "outcome": "taken",
        "actor": "worker-1",
        "revision": 1,
        "started_at": START,
        "ended_at": START,
    }
    return Attempt(**row | changes)


def a_grant(**changes: Any) -> Grant:
    row: dict[str, Any] = {
        "system": "food",
        "process": "serve-1",
        "sends_count": 3,
        "until": START + timedelta(seconds=30),
    }
    return Grant(**row | changes)


def stored_case(*systems: str, **lane_changes: Any) -> tuple[UUID, Callable[[Tx], None]]:
    """The id of a new case, and the step that stores it with a lane for each system."""
    case_id = new_id()

    def step(tx: Tx) -> None:
        tx.insert_case(a_case(case_id))
        tx.insert_lanes([a_lane(case_id, system, **lane_changes) for system in systems])

    return case_id, step
