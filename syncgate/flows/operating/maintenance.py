"""Maintenance: a system's people announce that it will be away. Nothing is sent, asked or probed meanwhile.

No lane is touched: a claim looks at the system's row, so that sending stops and resumes by itself, in order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Final
from uuid import UUID

from syncgate.domain import ids
from syncgate.domain.errors import FieldError, NotFound, RequestError
from syncgate.domain.rows import AuditEntry, Maintenance, Principal, SystemRow
from syncgate.flows.gate import Gate
from syncgate.ports import Tx

_AT_MOST: Final = 20


class InvalidMaintenance(RequestError):
    """Maintenance was announced that is over, that ends before it begins, or beside too much other."""

    code = "invalid_request"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceWish:
    """When a system will be away. starts_at: None: from now on."""

    starts_at: datetime | None = None
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Announced:
    """New maintenance, and how many sends to the system had already left."""

    maintenance: Maintenance
    in_flight: int


async def announce_maintenance(gate: Gate, principal: Principal, system: str, wish: MaintenanceWish) -> Announced:
    """Keeps a system from being spoken to for a time (promise 9). Raises NotFound, InvalidMaintenance."""
    return await gate.writer.write(partial(_announce, gate, principal, system, wish))


async def end_maintenance(gate: Gate, principal: Principal, system: str, maintenance_id: UUID) -> None:
    """Calls maintenance off, or ends it early; what waits is due at once. Raises NotFound."""
    await gate.writer.write(partial(_end, gate, principal, system, maintenance_id))
    gate.on_due([system])


def _announce(gate: Gate, principal: Principal, system: str, wish: MaintenanceWish, tx: Tx) -> Announced:
    row = _locked(gate, tx, system)
    left = [one for one in row.maintenance or () if one.until > tx.now]
    _refuse_invalid(wish, tx.now, count=len(left))
    new = Maintenance(
        maintenance_id=ids.uuid7(tx.now, gate.entropy.token(10)),
        starts_at=(wish.starts_at or tx.now).astimezone(UTC),
        until=wish.until.astimezone(UTC),
        reason=wish.reason,
        by=principal.name,
        created_at=tx.now,
    )
    in_order = tuple(sorted([*left, new], key=lambda one: (one.starts_at, one.maintenance_id)))
    tx.save_system(replace(row, maintenance=in_order))
    _tell(gate, tx, system)
    tx.append_audit(_entry(tx, principal, "maintenance", new, system))
    return Announced(new, tx.leases_count(system))


def _end(gate: Gate, principal: Principal, system: str, maintenance_id: UUID, tx: Tx) -> None:
    row = _locked(gate, tx, system)
    known = [one for one in row.maintenance or () if one.until > tx.now]
    ended = next((one for one in known if one.maintenance_id == maintenance_id), None)
    if ended is None:
        raise NotFound("expected maintenance that is under way or to come, got none of that id")
    tx.save_system(replace(row, maintenance=tuple(one for one in known if one is not ended) or None))
    _tell(gate, tx, system)
    tx.append_audit(_entry(tx, principal, "maintenance_ended", ended, system))


def _locked(gate: Gate, tx: Tx, system: str) -> SystemRow:
    row = tx.system(system, lock=True)
    if row is None or system not in gate.active:
        raise NotFound("expected a system that is sent to, got none of that name")
    return row


def _tell(gate: Gate, tx: Tx, system: str) -> None:
    """Ends what may be sent without a claim, here at once and elsewhere as the notice comes."""
    gate.hand_over.drain(system)
    tx.announce(system)


def _refuse_invalid(wish: MaintenanceWish, now: datetime, *, count: int) -> None:
    errors: list[FieldError] = []
    if wish.until <= max(wish.starts_at or now, now):
        errors.append(FieldError("/until", "future", ""))
    if errors:
        raise InvalidMaintenance("expected maintenance that ends later than it begins, got another", errors=errors)
    if count >= _AT_MOST:
        raise InvalidMaintenance("expected at most {most} announcements at a time, got more", most=_AT_MOST)


def _entry(tx: Tx, principal: Principal, action: str, about: Maintenance, system: str) -> AuditEntry:
    times = {"from": about.starts_at.isoformat(), "until": about.until.isoformat()}
    return AuditEntry(
        at=tx.now,
        actor=principal.name,
        action=action,
        object=f"system:{system}",
        reason=about.reason,
        detail={"maintenance": str(about.maintenance_id), **times},
    )
