"""Holds: a person stops what goes out of one system, message, item or source, until a time or until it is lifted.

What is held stays pending. Its lanes' due times are moved to the hold's end, and back to now when it is lifted, so that
no claim meets them meanwhile; a claim that does all the same puts them off itself.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from syncgate.domain import ids
from syncgate.domain.delivery import Phase
from syncgate.domain.errors import FieldError, Forbidden, NotFound, RequestError
from syncgate.domain.rows import AuditEntry, Hold, Principal
from syncgate.flows.gate import Gate
from syncgate.flows.lane import LaneWork
from syncgate.ports import Tx

BATCH: Final = 200
"""Deliveries whose lanes are put off, or made due, in one transaction."""
MOVED_WITHIN: Final = timedelta(seconds=5)
"""How long a call moves due times; what is left after it is left to claims, or to the periodic clearing."""


class InvalidHold(RequestError):
    """A hold was asked for that holds nothing, or everything."""

    code = "invalid_request"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldWish:
    """What is to be held; at least one of system, message, item and source is given. until: None: until lifted."""

    system: str | None = None
    message: str | None = None
    item: str | None = None
    source: str | None = None
    until: datetime | None = None
    reason: str


@dataclass(frozen=True, slots=True)
class Placed:
    """A new hold, and how many deliveries that it is about were already in flight."""

    hold: Hold
    in_flight: int


async def place_hold(gate: Gate, principal: Principal, wish: HoldWish) -> Placed:
    """Holds back what the wish names before its next send (promise 9).

    Raises:
        InvalidHold: nothing is named, something unknown is, or `until` is past.
        Forbidden: it reaches beyond the principal's scope.
    """
    _refuse_invalid(gate, wish)
    _refuse_beyond(principal, wish)
    placed = await gate.writer.write(partial(_place, gate, principal, wish))
    await _move(gate, placed.hold, until=gate.clock.now() + MOVED_WITHIN)
    return placed


async def lift_hold(gate: Gate, principal: Principal, hold_id: UUID) -> Hold:
    """Ends a hold; what it held is due again. Ending one twice changes nothing. Raises NotFound, Forbidden."""
    hold, is_new = await gate.writer.write(partial(_lift, gate, principal, hold_id))
    if is_new:
        await _clear(gate, hold, until=gate.clock.now() + MOVED_WITHIN)
        gate.on_due(_systems(gate, hold))
    return hold


async def clear_lifted(gate: Gate) -> None:
    """Makes due what lifted holds still keep: their process may have died before it was done."""
    for hold in await gate.writer.read(lambda tx: tx.uncleared_holds()):
        await _clear(gate, hold)
        gate.on_due(_systems(gate, hold))


def _place(gate: Gate, principal: Principal, wish: HoldWish, tx: Tx) -> Placed:
    if past := _past(wish, tx.now):
        raise _over(past)
    hold = Hold(
        hold_id=ids.uuid7(tx.now, gate.entropy.token(10)),
        system=wish.system,
        message=wish.message,
        item=wish.item,
        source=wish.source,
        reason=wish.reason,
        by=principal.name,
        created_at=tx.now,
        until=wish.until.astimezone(UTC) if wish.until is not None else None,
    )
    systems = _systems(gate, hold)
    for system in systems:
        tx.system(system, lock=True)
    tx.insert_hold(hold)
    _tell(gate, tx, systems)
    tx.append_audit(_entry(tx, principal, "hold", hold, reason=wish.reason))
    return Placed(hold, tx.held_count(hold, Phase.IN_FLIGHT))


def _lift(gate: Gate, principal: Principal, hold_id: UUID, tx: Tx) -> tuple[Hold, bool]:
    hold = tx.hold(hold_id)
    if hold is None or not sees_hold(principal, hold):
        raise NotFound("expected a hold that is known here, got none of that id")
    _refuse_beyond(principal, hold)
    if not hold.is_active(tx.now):
        return hold, False
    lifted = replace(hold, lifted_at=tx.now, lifted_by=principal.name)
    tx.save_hold(lifted)
    _tell(gate, tx, _systems(gate, hold))
    tx.append_audit(_entry(tx, principal, "hold_lifted", hold))
    return lifted, True


def _tell(gate: Gate, tx: Tx, systems: Collection[str]) -> None:
    """Ends what may be sent without a claim, here at once and elsewhere as the notice comes."""
    for system in systems:
        gate.hand_over.drain(system)
        tx.announce(system)


def _systems(gate: Gate, hold: Hold) -> list[str]:
    """The systems that a hold may be about, in the order of locks."""
    return [hold.system] if hold.system is not None else sorted(gate.active)


async def _clear(gate: Gate, hold: Hold, *, until: datetime | None = None) -> None:
    if await _move(gate, hold, until=until):
        await gate.writer.write(lambda tx: tx.save_hold(replace(hold, cleared_at=tx.now)))


async def _move(gate: Gate, hold: Hold, *, until: datetime | None) -> bool:
    """Works out anew when the lanes are due that a hold is about. Gives whether it came to the end in time."""
    after: UUID | None = None
    while until is None or gate.clock.now() < until:
        after = await gate.writer.write(partial(_moved, gate, hold, after))
        if after is None:
            return True
    return False


def _moved(gate: Gate, hold: Hold, after: UUID | None, tx: Tx) -> UUID | None:
    """One batch. A lane under a lease is left alone: who has it works out its due time at the end."""
    lanes, following = tx.lanes_about(hold, after=after, limit=BATCH)
    free = [lane for lane in lanes if lane.lease_token is None]
    by_lane = tx.deliveries_of([(lane.case_id, lane.system) for lane in free])
    for lane in free:
        messages = gate.active_bundle(lane.system).messages if lane.system in gate.active else ()
        work = LaneWork(tx, lane, by_lane[lane.case_id, lane.system], messages)
        if work.heads().due_at != lane.due_at:
            work.save(expected_token=None)
    return following


def sees_hold(principal: Principal, hold: Hold) -> bool:
    """Whether a hold may concern what is in a principal's scope."""
    is_system = not principal.systems or hold.system is None or hold.system in principal.systems
    return is_system and (not principal.sources or hold.source is None or hold.source in principal.sources)


def _refuse_beyond(principal: Principal, asked: HoldWish | Hold) -> None:
    """Raises Forbidden where a hold would reach more than the principal does."""
    is_inside = not principal.systems or asked.system in principal.systems
    if not is_inside or principal.regions or (principal.sources and asked.source not in principal.sources):
        raise Forbidden("expected a hold within the key's own systems and sources, got one that reaches beyond")


def _refuse_invalid(gate: Gate, wish: HoldWish) -> None:
    errors: list[FieldError] = []
    if wish.system is None and wish.message is None and wish.item is None and wish.source is None:
        errors.append(FieldError("", "required", "system, message, item or source"))
    errors += _unknown("/system", wish.system, gate.active)
    errors += _unknown("/source", wish.source, gate.sources)
    systems = [wish.system] if wish.system in gate.active else gate.active
    known = {message.name for system in systems for message in gate.active_bundle(system).messages}
    errors += _unknown("/message", wish.message, known)
    past = _past(wish, gate.clock.now())
    if errors:
        raise InvalidHold("expected a hold of something that this site knows, got another", errors=errors + past)
    if past:
        raise _over(past)


def _unknown(pointer: str, name: str | None, known: Collection[str]) -> list[FieldError]:
    return [] if name is None or name in known else [FieldError(pointer, "enum", ", ".join(sorted(known)))]


def _over(errors: list[FieldError]) -> InvalidHold:
    return InvalidHold("expected a hold that ends later than now, got one that is over", errors=errors)


def _past(wish: HoldWish, now: datetime) -> list[FieldError]:
    is_over = wish.until is not None and wish.until <= now
    return [FieldError("/until", "future", "")] if is_over else []


def _entry(tx: Tx, principal: Principal, action: str, hold: Hold, *, reason: str = "") -> AuditEntry:
    asked = {name: getattr(hold, name) for name in ("system", "message", "item", "source")}
    told = {name: value for name, value in asked.items() if value is not None}
    if hold.until is not None:
        told["until"] = hold.until.isoformat()
    return AuditEntry(
        at=tx.now, actor=principal.name, action=action, object=f"hold:{hold.hold_id}", reason=reason, detail=told
    )
