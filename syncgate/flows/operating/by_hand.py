"""What a person decides: requeue, cancel, confirm a delivery; pause and resume a system. Each leaves an entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from syncgate.domain.alerts import AlertKind
from syncgate.domain.breaker import close
from syncgate.domain.delivery import Event, Phase
from syncgate.domain.errors import Conflict, IllegalMove, NotFound
from syncgate.domain.modes import LIVE
from syncgate.domain.rows import AttemptKind, AuditEntry, BreakerState, Delivery, Principal
from syncgate.flows.accepting.identity import other_number
from syncgate.flows.alerting.raising import end_alerts
from syncgate.flows.delivering.own_number import NUMBER_IN_QUESTION, keep_number
from syncgate.flows.delivering.watching import watched
from syncgate.flows.gate import Gate
from syncgate.flows.lane import noted, open_lane
from syncgate.ports import Tx


class NotLive(Conflict):
    """The system is sent nothing in its mode, so that nothing is sent again either."""

    code = "system_not_live"


REQUEUED_ANEW: Final[Mapping[str, Any]] = {"tries_count": 0, "first_failed_at": None, "detail": "", "actor": ""}
"""What a requeue forgets: its schedule begins anew."""


async def requeue(gate: Gate, principal: Principal, delivery_id: UUID, *, reason: str) -> Delivery:
    """A parked delivery waits to be sent again, its schedule anew. Raises NotFound, Conflict."""
    return await _moved(gate, principal, delivery_id, Event.REQUEUED, reason, is_due=True, **REQUEUED_ANEW)


async def cancel(gate: Gate, principal: Principal, delivery_id: UUID, *, reason: str) -> Delivery:
    """A waiting delivery will never be sent. Raises NotFound, Conflict."""
    return await _moved(gate, principal, delivery_id, Event.CANCELLED_BY_HAND, reason)


async def confirm(
    gate: Gate, principal: Principal, delivery_id: UUID, *, held: bool, remote_ref: str | None, reason: str
) -> Delivery:
    """A person says whether the system holds what a delivery carried. Raises NotFound, Conflict.

    Args:
        gate: the running gate.
        principal: who says so.
        delivery_id: an unconfirmed delivery, or, with `held`, a parked one.
        held: whether the system holds it; if not, it is sent again.
        remote_ref: the system's own id, if known.
        reason: why the person is sure.
    """
    if not held:
        return await _moved(gate, principal, delivery_id, Event.ABSENT_BY_HAND, reason, is_due=True, sent_mac=None)
    known: dict[str, Any] = {} if remote_ref is None else {"remote_ref": remote_ref}
    return await _moved(gate, principal, delivery_id, Event.CONFIRMED_BY_HAND, reason, is_held=True, **known)


async def pause(gate: Gate, principal: Principal, system: str, *, reason: str) -> int:
    """Stops sending to a system before its next send. Gives how many sends were already in flight."""

    def step(tx: Tx) -> int:
        row = tx.system(system, lock=True)
        if row is None:
            raise NotFound("expected a system of this site, got none of that name")
        tx.save_system(replace(row, is_paused=True, paused_by=principal.name, pause_reason=reason, paused_at=tx.now))
        gate.hand_over.drain(system)
        tx.announce(system)
        tx.append_audit(_audit(tx, principal.name, "pause", f"system:{system}", reason))
        return tx.leases_count(system)

    return await gate.writer.write(step)


async def resume(gate: Gate, principal: Principal, system: str, *, reason: str) -> None:
    """Lets a paused system be sent to again, and closes its breaker: the person says that it is well."""

    def step(tx: Tx) -> None:
        row = tx.system(system, lock=True)
        if row is None:
            raise NotFound("expected a system of this site, got none of that name")
        after = replace(row, is_paused=False, paused_by="", pause_reason="", paused_at=None)
        if after.breaker is BreakerState.OPEN:
            after = close(after)
            end_alerts(tx, system, [AlertKind.SYSTEM_DOWN])
        tx.save_system(after)
        tx.announce(system)
        tx.append_audit(_audit(tx, principal.name, "resume", f"system:{system}", reason))

    await gate.writer.write(step)
    gate.on_due([system])


async def _moved(
    gate: Gate, principal: Principal, delivery_id: UUID, event: Event, reason: str, **changes: Any
) -> Delivery:
    after = await gate.writer.write(
        lambda tx: moved_by_hand(gate, tx, principal.name, delivery_id, event, reason=reason, **changes)
    )
    gate.on_due([after.system])
    return after


def moved_by_hand(
    gate: Gate,
    tx: Tx,
    by: str,
    delivery_id: UUID,
    event: Event,
    *,
    reason: str,
    note: Mapping[str, str] | None = None,
    is_due: bool = False,
    is_held: bool = False,
    **changes: Any,
) -> Delivery:
    """The delivery after a person's move, with its entry in the history and the audit. Raises NotFound, Conflict.

    Args:
        gate: the running gate.
        tx: of the step.
        by: whose move it is.
        delivery_id: what is moved.
        event: how.
        reason: why; note: what else the entry keeps.
        is_due: whether it is due at once; is_held: whether the system is said to hold it.
        **changes: other fields of the row.
    """
    found = tx.delivery(delivery_id)
    lane = tx.lane(found.case_id, found.system, lock=True) if found is not None else None
    delivery = tx.delivery(delivery_id)
    if delivery is None or lane is None:
        raise NotFound("expected a delivery that is known here, got none of that id")
    if event is Event.REQUEUED:
        require_live(tx, lane.system)
    if is_held and delivery.reason in NUMBER_IN_QUESTION and "remote_ref" not in changes:
        raise other_number()
    active = gate.active.get(lane.system)
    work = open_lane(tx, lane, gate.bundles[active].messages if active else ())
    times: dict[str, Any] = {"due_at": tx.now} if is_due else {"delivered_at": tx.now} if is_held else {}
    if is_held and delivery.sent_mac is not None:
        times |= watched(delivery, gate.bundles.get(delivery.bundle), event, now=tx.now, draw=gate.entropy.draw())
    counted, attempt = noted(
        delivery,
        kind=AttemptKind.BY_HAND,
        outcome=event.value,
        actor=by,
        at=tx.now,
        detail={"reason": reason, **(note or {})},
    )
    try:
        after = work.move(delivery, event, entries_count=counted.entries_count, **{**times, **changes})
    except IllegalMove as error:
        raise Conflict(error.said) from None
    tx.insert_attempts([attempt])
    tx.append_audit(_audit(tx, by, event.value, f"delivery:{delivery_id}", reason))
    if after.phase is Phase.DELIVERED and after.remote_ref is not None:
        keep_number(gate, work, after)
        tx.wake(after.case_id, waits_for=after.system)
    work.save(expected_token=lane.lease_token)
    return after


def require_live(tx: Tx, system: str) -> None:
    """Nothing where the system is sent to. Raises NotLive: what was requeued now would go out when its mode changes."""
    row = tx.system(system)
    if row is not None and row.mode != LIVE:
        raise NotLive("expected a system in mode live, got one in mode {mode}", mode=row.mode)


def _audit(tx: Tx, by: str, action: str, thing: str, reason: str) -> AuditEntry:
    return AuditEntry(at=tx.now, actor=by, action=action, object=thing, reason=reason)
