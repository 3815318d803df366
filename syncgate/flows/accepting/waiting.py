"""What a source says of a case of its own number that nobody knows yet: kept, and joined to the case once it comes.

It is kept as an arrival that waits, and joins in a transaction of its own that marks it as taken in: in the order in
which it came, each once, whoever dies in between. A look every second joins what a process left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as changed
from typing import Any, Final
from uuid import UUID

import orjson
import structlog

from syncgate.domain.arrivals import Arrival, ArrivalState, Way
from syncgate.domain.case import canonical_bytes, with_stages
from syncgate.domain.errors import (
    CaseMerged,
    FieldError,
    InvalidCase,
    InvalidRecord,
    KeyReused,
    NotFound,
    NotHeld,
    RequestError,
    SyncgateError,
)
from syncgate.domain.plan import Json
from syncgate.domain.row import replace
from syncgate.domain.rows import CaseState, Principal
from syncgate.flows.accepting.committing import committed
from syncgate.flows.accepting.ending import end
from syncgate.flows.accepting.identity import Known
from syncgate.flows.accepting.joining import Edit
from syncgate.flows.accepting.rehearsal import Rehearsal
from syncgate.flows.accepting.submission import Call, Done, Taking
from syncgate.flows.delivering.defects import place_of
from syncgate.flows.delivering.hand_over import HandOver
from syncgate.flows.gate import Accepted, Caller, CaseRef, Gate, Waiting
from syncgate.flows.taking_in import keeping
from syncgate.ports import Tx

log = structlog.get_logger("syncgate.waiting")
FORMAT: Final = "call"
"""The format of what was said of a case by a call of its own."""
AWAITS_CASE: Final = "awaits_case"
"""Why it is held while its case is not known."""
AT_ONCE: Final = 100
_OWN_ID: Final = "withdrawn-1"
"""Stands for the id that the stage of a withdrawal gets when it joins."""
_OF_THE_WHOLE: Final = frozenset(
    {"corrects_known_stage", "assignment_in_turn", "return_requested_first", "acted_by_the_assignee"}
)
"""Rules that a stage may break only for want of those that its case brings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What is said of a case: stages to append, or one of ours, without an id, that withdraws it."""

    stages: tuple[Json, ...] = field(repr=False)
    is_withdrawing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A person who has it taken in, and why."""

    by: str
    reason: str


def keep(taking: Taking, ref: CaseRef, said: Said) -> Waiting:
    """Keeps, within the transaction, what is said of a case that is not known, or behind what waits for it.

    Raises:
        NotFound: the name is none by which the caller itself calls its cases.
        InvalidCase, Conflict: a stage breaks a rule by itself, or contradicts one that waits already.
        KeyReused, NotHeld: its key came with another request; a person dropped this very call.
        RequestError: it came before and could not be joined, as it was told then.
    """
    source, number = taking.caller.source, ref.number
    if not source or ref.system != source or number is None or taking.call.if_match is not None:
        raise NotFound("expected a case that is known here, got none of that name")
    fresh = _fresh(taking, number, said)
    known = _known(taking.tx, fresh)
    if known is not None and known.awaits is not None:
        return _waiting(known)
    if known is not None and known.state is ArrivalState.HELD:
        raise keeping.fault_in(known)
    _refuse_wrong(taking, number, said)
    if known is not None:
        taking.tx.delete_arrival(known.arrival_id)
    taking.tx.insert_arrival(fresh)
    return _waiting(fresh)


def known_or_kept(taking: Taking, ref: CaseRef, said: Said) -> Known | Waiting:
    """The case that a path names, locked; or what is said of it, kept: it is not known, or more waits for it.

    Raises:
        As `keep`.
    """
    try:
        known = taking.named_case(ref)
    except NotFound:
        return keep(taking, ref, said)
    is_own = ref.system == taking.caller.source and ref.number is not None
    if is_own and taking.tx.is_awaited(taking.caller.source, ref.number or ""):
        return keep(taking, ref, said)
    return known


def _fresh(taking: Taking, number: str, said: Said) -> Arrival:
    gate, call = taking.gate, taking.call
    content = {
        "method": call.method,
        "path": call.path,
        "request_mac": call.request_mac.hex(),
        "stages": list(said.stages),
        "withdraws": said.is_withdrawing,
    }
    came = keeping.Came(
        source=taking.caller.source,
        way=Way.POST,
        format=FORMAT,
        content=canonical_bytes(content),
        by=call.by,
        idempotency_key=call.idempotency_key,
        request_mac=call.request_mac if call.idempotency_key else None,
        detail={"number": number},
    )
    body_mac = gate.keyring.mac("arrival", FORMAT.encode(), call.request_mac)
    fresh = replace(keeping.received(gate, came), body_mac=body_mac, awaits=number)
    error = InvalidRecord("expected a case that is known here, got none of that number yet")
    error.code = AWAITS_CASE
    return keeping.faulty(fresh, error, state=ArrivalState.HELD, tx=taking.tx)


def _known(tx: Tx, fresh: Arrival) -> Arrival | None:
    """The same call, where it came before."""
    if fresh.idempotency_key is None:
        return tx.held_arrival(fresh.source, fresh.body_mac)
    known = tx.arrival_by_key(fresh.source, fresh.idempotency_key)
    if known is None:
        return None
    if known.request_mac != fresh.request_mac:
        raise KeyReused("expected the request that first came with this Idempotency-Key, got another")
    if known.state is ArrivalState.DROPPED:
        raise NotHeld("expected a call that was not dropped, got one that a person dropped")
    return known


def _waiting(arrival: Arrival) -> Waiting:
    assert arrival.awaits is not None
    return Waiting(arrival_id=arrival.arrival_id, source=arrival.source, number=arrival.awaits, came_at=arrival.came_at)


def _refuse_wrong(taking: Taking, number: str, said: Said) -> None:
    """Refuses now what no case could take. Raises InvalidCase, Conflict."""
    waiting = taking.tx.awaiting(taking.caller.source, number)
    before = [stage for one in waiting for stage in _content(taking.gate, one)["stages"] if "id" in stage]
    stages = [{"id": _OWN_ID, **stage} for stage in said.stages]
    if not said.is_withdrawing:
        with_stages({"stages": before}, stages)
    errors = [
        one
        for one in taking.gate.schema.check({"stages": stages}).errors
        if one.pointer.startswith("/stages/") and one.rule not in _OF_THE_WHOLE
    ]
    if errors:
        raise InvalidCase(
            "expected a valid case, got one with {count} invalid fields", count=len(errors), errors=errors
        )


def stages_of(gate: Gate, arrival: Arrival) -> list[Json]:
    """The stages that wait, as they were said. Raises NotHeld where they are no longer kept."""
    stages: list[Json] = _content(gate, arrival)["stages"]
    return stages


def _content(gate: Gate, arrival: Arrival) -> dict[str, Any]:
    content: dict[str, Any] = orjson.loads(keeping.opened(gate, arrival))
    return content


# --- joining


async def answered(gate: Gate, kept: Waiting) -> Accepted | Waiting:
    """What becomes of it right now: its case may have come meanwhile.

    Raises:
        RequestError: the case is there and does not take it; its caller is told, so that nobody else is.
    """
    joined = await join(gate, kept.source, kept.number, told=kept.arrival_id)
    became = joined.get(kept.arrival_id, kept)
    if isinstance(became, RequestError):
        raise became
    return became


async def join(
    gate: Gate, source: str, number: str, *, told: UUID | None = None
) -> dict[UUID, Accepted | RequestError]:
    """What became of all that waits for a case, in order; nothing where the case is still not known.

    What the case does not take may yet follow from what waits behind it, such as the stage that it corrects; what
    is left at the end is held for a person, or refused where its caller is `told`.
    """
    found: dict[UUID, Accepted | RequestError] = {}
    while left := await gate.writer.read(lambda tx: _left(tx, source, number)):
        refused: list[tuple[Arrival, RequestError]] = []
        joined_count = len(found)
        for arrival in left:
            try:
                found[arrival.arrival_id] = await take_in(gate, arrival)
            except NotHeld:
                continue
            except NotFound:
                return found
            except RequestError as error:
                refused.append((arrival, error))
        if len(found) > joined_count:
            continue
        for arrival, why in refused:
            found[arrival.arrival_id] = why
            await _refuse(gate, arrival, why, is_told=arrival.arrival_id == told)
    return found


def _left(tx: Tx, source: str, number: str) -> list[Arrival]:
    """What waits for a case that is known by now."""
    return tx.awaiting(source, number) if tx.case_id_by_ref(source, number) is not None else []


async def take_in(gate: Gate, arrival: Arrival, decision: Decision | None = None) -> Accepted:
    """Joins one to its case; once, whoever else tries.

    Raises:
        NotHeld: it does not wait any more. NotFound: its case is not known.
        RequestError: the case does not take it; it waits as before.
    """

    def step(tx: Tx) -> Done:
        current = tx.arrival(arrival.arrival_id, lock=True)
        if current is None or current.state is not ArrivalState.HELD:
            raise NotHeld("expected an arrival that waits, got one that does not", errors=[FieldError("", "not_held")])
        done = _said_now(gate, tx, current)
        ended = replace(current, awaits=None)
        if decision is not None:
            ended = replace(ended, ended_by=decision.by, reason=decision.reason)
        keeping.mark_taken(tx, ended, case_id=done.accepted.case_id)
        return done

    return (await committed(gate, step)).accepted


def would_take_in(gate: Gate, tx: Tx, arrival: Arrival) -> Accepted:
    """What joining one would come to now; stores nothing. Raises as `take_in`."""
    quiet = changed(gate, hand_over=HandOver("check"))
    return _said_now(quiet, Rehearsal(tx).tx, arrival).accepted


def _said_now(gate: Gate, tx: Tx, arrival: Arrival) -> Done:
    content = _content(gate, arrival)
    call = Call(
        method=content["method"],
        path=content["path"],
        idempotency_key=arrival.idempotency_key,
        if_match=None,
        request_mac=bytes.fromhex(content["request_mac"]),
        by=arrival.by,
    )
    taking = Taking(gate, tx, acting_for(gate, arrival.source, by=arrival.by), call)
    if (replay := taking.replay()) is not None:
        return replay
    known = taking.named_case(CaseRef(system=arrival.source, number=_number(arrival)))
    stages: Sequence[Json] = content["stages"]
    if not content["withdraws"]:
        return taking.change_known(known, Edit(lambda current: with_stages(current, stages)))
    if known.former is not None:
        raise CaseMerged("expected the case's own number to withdraw it, got that of one merged into it")
    return end(taking, known.case, stages[0], as_=CaseState.WITHDRAWN)


def _number(arrival: Arrival) -> str:
    return str(arrival.detail["number"])


async def _refuse(gate: Gate, arrival: Arrival, error: RequestError, *, is_told: bool) -> None:
    def step(tx: Tx) -> None:
        current = tx.arrival(arrival.arrival_id, lock=True)
        if current is not None and current.state is ArrivalState.HELD:
            state = ArrivalState.REFUSED if is_told else ArrivalState.HELD
            tx.save_arrival(keeping.faulty(replace(current, awaits=None), error, state=state, tx=tx))

    await gate.writer.write(step)


def acting_for(gate: Gate, source: str, *, by: str) -> Caller:
    """Who says again, later, what a source said: the source itself."""
    now = gate.clock.now()
    principal = Principal(
        principal_id=UUID(int=0), name=by, role="source", sources=(source,), key_hash=b"", key_hint="", created_at=now
    )
    return Caller(principal=principal, source=source)


async def join_quietly(gate: Gate, awaited: Iterable[tuple[str, str]]) -> None:
    """Joins what waits for these cases, (source, number); what fails now is tried again within a second."""
    for source, number in sorted(awaited):
        try:
            await join(gate, source, number)
        except SyncgateError as error:
            log.warning("join_failed", source=source, code=error.code, reason=error.message)
        except Exception as error:
            log.error("join_broke", source=source, error=type(error).__name__, at=place_of(error))


async def join_come(gate: Gate) -> None:
    """Joins what still waits though its case is known: a process ended in between, or a system told its number."""
    await join_quietly(gate, await gate.writer.read(lambda tx: tx.come(limit=AT_ONCE)))
