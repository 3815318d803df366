"""Systems that are closed for now, and what that makes of the deliveries that wait for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from syncgate.domain.closures import Closure, Why
from syncgate.domain.delivery import Phase
from syncgate.domain.head import WAITS_FOR_REMOTE_REF
from syncgate.domain.holds import HELD
from syncgate.domain.rows import Delivery, Maintenance, SystemRow
from syncgate.flows.delivering.admitting import closure_of
from syncgate.flows.gate import Gate
from syncgate.flows.showing.holds import as_held
from syncgate.ports import Tx

SHOWN_ONLY: Final = frozenset({HELD, *(why.value for why in Why)})
"""Reasons of pending deliveries that the store does not keep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureView:
    """Why a system is not spoken to now, and until when; None: no time is known. reason: what was announced."""

    why: Why
    until: datetime | None
    reason: str

    @classmethod
    def of(cls, closure: Closure) -> ClosureView:
        """The closure as it is shown."""
        return cls(why=closure.why, until=closure.until, reason=closure.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceView:
    """Maintenance that was announced here, under way or to come."""

    maintenance_id: UUID
    starts_at: datetime
    until: datetime
    reason: str
    by: str
    created_at: datetime

    @classmethod
    def of(cls, maintenance: Maintenance) -> MaintenanceView:
        """The maintenance as it is shown."""
        return cls(**{name: getattr(maintenance, name) for name in cls.__slots__})


def as_shown(gate: Gate, tx: Tx, deliveries: Sequence[Delivery]) -> list[Delivery]:
    """The deliveries as they are shown: of those that wait for a hold's end, or for their system to open, with that."""
    closures: dict[str, Closure | None] = {}

    def shown(delivery: Delivery) -> Delivery:
        if delivery.phase is not Phase.PENDING or delivery.reason in (HELD, WAITS_FOR_REMOTE_REF):
            return delivery
        if delivery.system not in closures:
            closures[delivery.system] = _closure(gate, tx.system(delivery.system), tx.now)
        closure = closures[delivery.system]
        if closure is None or closure.until is None or (delivery.due_at or tx.now) > closure.until:
            return delivery
        return replace(delivery, reason=closure.why.value, detail=closure.reason, actor="", due_at=closure.until)

    return [shown(delivery) for delivery in as_held(tx, deliveries)]


def _closure(gate: Gate, row: SystemRow | None, now: datetime) -> Closure | None:
    if row is None or row.system not in gate.active:
        return None
    return closure_of(row, gate.active_bundle(row.system), now)
