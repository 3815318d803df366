"""Arrivals as they are kept: sealed before anything of them is read, and marked with what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from syncgate.domain import ids
from syncgate.domain.arrivals import Arrival, ArrivalState, Way
from syncgate.domain.case import canonical_bytes
from syncgate.domain.errors import Conflict, FieldError, InvalidRecord, KeyReused, NotHeld, RequestError
from syncgate.domain.row import replace
from syncgate.flows.gate import Gate
from syncgate.ports import Step, Tx
from syncgate.records import Record, Torn

T = TypeVar("T")

KEPT_FOR: Final = timedelta(days=7)
"""How long the content of what was taken in or refused is kept."""
LEFT_AFTER: Final = timedelta(minutes=10)
"""After so long nobody takes in any more what is still only received."""
INTERRUPTED: Final = "interrupted"
"""The code of what was received by a process that ended before it was taken in."""
TRIES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """Something that comes in: what is known of it before it is read.

    Attributes:
        format: how the content is written. request_mac: of a call with a key.
        detail: what taking it in again needs, without a value.
    """

    source: str
    way: Way
    format: str
    content: bytes = field(repr=False)
    by: str
    place: int = 0
    parent_id: UUID | None = None
    origin_key: str | None = field(default=None, repr=False)
    idempotency_key: str | None = None
    request_mac: bytes | None = field(default=None, repr=False)
    detail: Mapping[str, Any] = field(default_factory=dict)


def received(gate: Gate, came: Came) -> Arrival:
    """The arrival of what came, sealed."""
    now = gate.clock.now()
    wrapped_key = gate.keyring.new_wrapped_key()
    arrival = Arrival(
        arrival_id=ids.uuid7(now, gate.entropy.token(10)),
        source=came.source,
        way=came.way,
        state=ArrivalState.RECEIVED,
        came_at=now,
        format=came.format,
        body_mac=content_mac(gate, came),
        size=len(came.content),
        by=came.by,
        place=came.place,
        parent_id=came.parent_id,
        origin_key=came.origin_key,
        idempotency_key=came.idempotency_key,
        request_mac=came.request_mac,
        detail=dict(came.detail),
        wrapped_key=wrapped_key,
    )
    return replace(arrival, sealed=gate.keyring.seal(wrapped_key, came.content, bound_to=arrival.bound_to))


def content_mac(gate: Gate, came: Came) -> bytes:
    """What tells one content from another: its format, its bytes, and which record of them is meant."""
    no = str(came.detail.get("no", ""))
    return gate.keyring.mac("arrival", came.format.encode(), no.encode(), came.content)


def opened(gate: Gate, arrival: Arrival) -> bytes:
    """The content. Raises NotHeld where it is no longer kept."""
    if arrival.wrapped_key is None or arrival.sealed is None:
        raise NotHeld("expected an arrival whose content is kept, got one whose content is gone")
    return gate.keyring.open(arrival.wrapped_key, arrival.sealed, bound_to=arrival.bound_to)


async def keep(gate: Gate, came: Came) -> Arrival:
    """The arrival, durable from here on; the one that is there where the same call came before.

    Raises:
        KeyReused: the key came with another request. NotHeld: a person dropped this very call.
        StoreUnavailable: nothing was stored.
    """
    fresh = received(gate, came)

    def step(tx: Tx) -> Arrival:
        known = _known(tx, fresh)
        if known is None:
            tx.insert_arrival(fresh)
            return fresh
        if known.state is ArrivalState.DROPPED:
            raise NotHeld("expected a call that was not dropped, got one that a person dropped")
        if known.state is not ArrivalState.REFUSED:
            return known
        again = replace(fresh, arrival_id=known.arrival_id, came_at=known.came_at, tries_count=known.tries_count)
        sealed = gate.keyring.seal(_key(again), came.content, bound_to=again.bound_to)
        again = replace(again, sealed=sealed)
        tx.save_arrival(again)
        return again

    return await raced(gate, step)


def _key(arrival: Arrival) -> bytes:
    assert arrival.wrapped_key is not None
    return arrival.wrapped_key


def _known(tx: Tx, fresh: Arrival) -> Arrival | None:
    if fresh.idempotency_key is None:
        return tx.held_arrival(fresh.source, fresh.body_mac)
    known = tx.arrival_by_key(fresh.source, fresh.idempotency_key)
    if known is not None and known.request_mac != fresh.request_mac:
        raise KeyReused("expected the request that first came with this Idempotency-Key, got another")
    return known


async def raced(gate: Gate, step: Step[T]) -> T:
    """The step's result; who lost a race against the same content finds what the winner stored."""
    for _ in range(TRIES - 1):
        try:
            return await gate.writer.write(step)
        except NotHeld:
            raise
        except Conflict:
            continue
    return await gate.writer.write(step)


def mark_taken(
    tx: Tx, arrival: Arrival, *, case_id: UUID | None = None, detail: Mapping[str, Any] | None = None
) -> None:
    """Notes in the transaction that takes it in that an arrival was taken in."""
    tx.save_arrival(
        replace(
            arrival,
            state=ArrivalState.TAKEN,
            code="",
            case_id=case_id or arrival.case_id,
            detail=_without_faults(arrival.detail) | dict(detail or {}),
            ended_at=arrival.ended_at or tx.now,
            tries_count=arrival.tries_count + 1,
        )
    )


async def set_aside(gate: Gate, arrival: Arrival, error: RequestError, *, is_holding: bool) -> UUID | None:
    """Marks an arrival as held or refused. Gives the id of the held one, which may be an older one of this content."""

    def step(tx: Tx) -> UUID | None:
        current = tx.arrival(arrival.arrival_id, lock=True) or arrival
        if current.state is not ArrivalState.RECEIVED:
            return current.arrival_id if current.state is ArrivalState.HELD else None
        older = tx.held_arrival(current.source, current.body_mac) if is_holding and _is_by_content(current) else None
        state = ArrivalState.HELD if is_holding and older is None else ArrivalState.REFUSED
        tx.save_arrival(faulty(current, error, state=state, tx=tx))
        if older is not None:
            return older.arrival_id
        return current.arrival_id if is_holding else None

    return await raced(gate, step)


async def hold_part(gate: Gate, came: Came, error: RequestError) -> UUID:
    """Holds one record out of a body. Gives the id of the held one, which may be an older one of its content."""
    fresh = received(gate, came)

    def step(tx: Tx) -> UUID:
        older = tx.held_arrival(fresh.source, fresh.body_mac)
        if older is not None:
            return older.arrival_id
        tx.insert_arrival(faulty(fresh, error, state=ArrivalState.HELD, tx=tx))
        return fresh.arrival_id

    return await raced(gate, step)


def faulty(arrival: Arrival, error: RequestError, *, state: ArrivalState, tx: Tx) -> Arrival:
    """The arrival with what is wrong with it."""
    return replace(
        arrival,
        state=state,
        code=error.code,
        detail=_without_faults(arrival.detail) | faults_of(error),
        ended_at=None if state is ArrivalState.HELD else tx.now,
        tries_count=arrival.tries_count + 1,
    )


def faults_of(error: RequestError) -> dict[str, Any]:
    """What is wrong, as it is kept: never a value."""
    errors = [[one.pointer, one.rule, one.expected, one.titles] for one in error.errors]
    return {"said": error.message, "errors": errors, "status": error.status}


def fault_in(arrival: Arrival) -> RequestError:
    """What is wrong with an arrival, as it was first said."""
    errors = [FieldError(at, rule, wanted, dict(titles)) for at, rule, wanted, titles in arrival.detail["errors"]]
    error = InvalidRecord(arrival.detail["said"], errors=errors)
    error.code, error.status = arrival.code, arrival.detail["status"]
    return error


def said(record_no: str | None, value: Any) -> bytes:
    """What a record says, for the digest of a call: equal where the same was said under the same number."""
    return canonical_bytes([record_no, value])


def written(record: Record | Torn) -> bytes:
    """A record that was read, as it is kept by itself."""
    assert isinstance(record, Record)
    return canonical_bytes(record.value)


def _without_faults(detail: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in detail.items() if name not in ("said", "errors", "status")}


def _is_by_content(arrival: Arrival) -> bool:
    return arrival.idempotency_key is None and arrival.origin_key is None


async def recover(gate: Gate) -> int:
    """Holds what was received by a process that ended before it was taken in; gives how many.

    Its source got no answer, and may have brought it again. What of that content is held or was taken in since needs
    nobody; the rest waits for a person, since its source may not come again.
    """
    error = InvalidRecord("expected an arrival that is taken in at once, got one that was interrupted")
    error.code = INTERRUPTED

    def step(tx: Tx) -> int:
        left = tx.left_arrivals(before=tx.now - LEFT_AFTER, limit=100)
        for arrival in left:
            is_known = _is_by_content(arrival) and tx.held_arrival(arrival.source, arrival.body_mac) is not None
            state = ArrivalState.REFUSED if is_known else ArrivalState.HELD
            tx.save_arrival(faulty(arrival, error, state=state, tx=tx))
        return len(left)

    return await raced(gate, step)


async def forget(gate: Gate) -> int:
    """Forgets what was taken in or refused long enough ago; gives how many. Of what was fetched the key stays."""
    return await gate.writer.write(lambda tx: tx.forget_arrivals(before=tx.now - KEPT_FOR))
