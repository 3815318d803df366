"""Arrivals as people see them, and what they decide of held ones: to take them in after the fix, or to drop them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from syncgate.domain.arrivals import Arrival, ArrivalState, Way
from syncgate.domain.errors import FieldError, NotFound, NotHeld, Overtaken, RequestError
from syncgate.domain.row import replace
from syncgate.domain.rows import AuditEntry, Principal
from syncgate.flows.accepting import waiting
from syncgate.flows.accepting.check import check_case
from syncgate.flows.accepting.identity import known_case
from syncgate.flows.accepting.intake import Call
from syncgate.flows.gate import Accepted, Caller, Gate
from syncgate.flows.taking_in import keeping
from syncgate.flows.taking_in.content import RECORD, Body, Brought, records_in
from syncgate.flows.taking_in.reading import case_of, in_its_words
from syncgate.flows.taking_in.taking import (
    Guard,
    Mark,
    Numbered,
    call_of,
    context_of,
    numbers,
    part_of,
    post,
    source_of,
)
from syncgate.mapping import Mapping as FieldMapping
from syncgate.ports import Tx
from syncgate.records import Record
from syncgate.records.json_lines import checked
from syncgate.site.shown import shown_record

Json = Any
SAMPLES: Final = 20
"""So many reasons why some would not go in are shown, each with one of its arrivals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalView:
    """An arrival without its content.

    Attributes:
        number: of what was said of a case before it came: what its source calls the case.
    """

    arrival_id: UUID
    source: str
    way: Way
    state: ArrivalState
    came_at: datetime
    format: str
    place: int
    parent_id: UUID | None
    size: int
    code: str
    said: str
    errors: tuple[FieldError, ...]
    number: str | None
    case_id: UUID | None
    by: str
    ended_at: datetime | None
    ended_by: str | None
    reason: str | None
    tries_count: int

    @classmethod
    def of(cls, arrival: Arrival) -> ArrivalView:
        """The arrival as it is shown."""
        told = {name: getattr(arrival, name) for name in cls.__slots__ if name not in ("said", "errors", "number")}
        faults = keeping.fault_in(arrival) if arrival.code else None
        told["number"] = arrival.detail.get("number")
        return cls(**told, said=faults.message if faults else "", errors=faults.errors if faults else ())


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedArrival:
    """An arrival with its records as people may see them; None where they cannot be read, or are not kept."""

    arrival: ArrivalView
    records: tuple[Json, ...] | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What came, or would come, of one held arrival.

    fate: `new`, `changed` or `unchanged` of the case it makes; `held` where it still cannot be taken in, and why.
    """

    arrival_id: UUID
    fate: str
    case_id: UUID | None = None
    case_no: str | None = None
    refused: RequestError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedAll:
    """What came, or would come, of many. samples: of each reason why some stay held, one of those."""

    is_dry_run: bool
    counts: dict[str, int]
    samples: tuple[Replayed, ...]
    is_more: bool


async def list_arrivals(
    gate: Gate,
    principal: Principal,
    *,
    sources: Sequence[str] | None = None,
    states: Sequence[ArrivalState] | None = (ArrivalState.HELD,),
    after: UUID | None = None,
    limit: int = 50,
) -> tuple[ArrivalView, ...]:
    """Arrivals in scope, newest first."""
    seen = _seen(principal, sources)
    found = await gate.writer.read(lambda tx: tx.list_arrivals(sources=seen, states=states, after=after, limit=limit))
    return tuple(ArrivalView.of(one) for one in found)


async def read_arrival(gate: Gate, principal: Principal, arrival_id: UUID) -> OpenedArrival:
    """One arrival with what it holds, masked as its source's mapping says. Raises NotFound."""
    arrival = await gate.writer.read(lambda tx: _found(tx, principal, arrival_id))
    if arrival.sealed is None:
        return OpenedArrival(arrival=ArrivalView.of(arrival), records=None)
    if arrival.format == waiting.FORMAT:
        masked = gate.schema.mask({"stages": waiting.stages_of(gate, arrival)})
        return OpenedArrival(arrival=ArrivalView.of(arrival), records=tuple(masked["stages"]))
    try:
        _, mapping = source_of(gate, arrival.source)
        read = _brought(gate, arrival, mapping)
    except RequestError:
        return OpenedArrival(arrival=ArrivalView.of(arrival), records=None)
    shown = [
        shown_record(one.record.value, mapping, gate.schema)["record"] for one in read if isinstance(one.record, Record)
    ]
    return OpenedArrival(arrival=ArrivalView.of(arrival), records=tuple(shown))


async def drop(gate: Gate, principal: Principal, arrival_id: UUID, *, reason: str) -> ArrivalView:
    """The arrival, which nobody takes in any more; its content is gone. Twice changes nothing.

    Raises:
        NotFound: none of that id in scope. NotHeld: it does not wait for a person.
    """

    def step(tx: Tx) -> ArrivalView:
        arrival = _found(tx, principal, arrival_id, lock=True)
        if arrival.state is ArrivalState.DROPPED:
            return ArrivalView.of(arrival)
        _require_held(arrival)
        dropped = replace(
            arrival,
            state=ArrivalState.DROPPED,
            wrapped_key=None,
            sealed=None,
            awaits=None,
            ended_at=tx.now,
            ended_by=principal.name,
            reason=reason,
        )
        tx.save_arrival(dropped)
        tx.append_audit(_entry(tx, principal, arrival, "arrival_dropped", reason))
        return ArrivalView.of(dropped)

    return await gate.writer.write(step)


async def replay(
    gate: Gate, principal: Principal, arrival_id: UUID, *, reason: str, is_dry_run: bool = False
) -> tuple[Replayed, ...]:
    """What came of each record of a held arrival: it enters as a post of it would, or stays held.

    Raises:
        NotFound: none of that id in scope. NotHeld: it does not wait for a person.
        StoreUnavailable: nothing, or a part of it, was stored; the same again takes in the rest.
    """
    arrival = await gate.writer.read(lambda tx: _found(tx, principal, arrival_id))
    _require_held(arrival)
    return await _Replay(gate, principal, arrival, reason, is_dry_run).run()


async def replay_all(
    gate: Gate, principal: Principal, source: str, *, reason: str, is_dry_run: bool, cap: int
) -> ReplayedAll:
    """What came of a source's held arrivals, the oldest first, at most `cap` of them."""
    source_of(gate, source)
    seen, held = _seen(principal, (source,)), (ArrivalState.HELD,)
    found = await gate.writer.read(
        lambda tx: tx.list_arrivals(sources=seen, states=held, after=None, limit=cap + 1, is_oldest_first=True)
    )
    counts: Counter[str] = Counter()
    samples: dict[tuple[str, ...], Replayed] = {}
    for arrival in found[:cap]:
        try:
            replayed = await _Replay(gate, principal, arrival, reason, is_dry_run).run()
        except NotHeld:
            continue
        counts.update(one.fate for one in replayed)
        for one in replayed:
            if one.refused is not None and len(samples) < SAMPLES:
                samples.setdefault(_kind(one.refused), one)
    return ReplayedAll(
        is_dry_run=is_dry_run, counts=dict(counts), samples=tuple(samples.values()), is_more=len(found) > cap
    )


@dataclass(frozen=True, slots=True)
class _Replay:
    """One held arrival on its way in."""

    gate: Gate
    principal: Principal
    arrival: Arrival
    reason: str
    is_dry_run: bool

    async def run(self) -> tuple[Replayed, ...]:
        if self.arrival.format == waiting.FORMAT:
            return (await self._joined(),)
        try:
            _, mapping = source_of(self.gate, self.arrival.source)
            records = _brought(self.gate, self.arrival, mapping)
        except NotHeld:
            raise
        except RequestError as error:
            return (await self._still_held(error),)
        if len(records) == 1:
            return (await self._alone(mapping, records[0]),)
        replayed = tuple([await self._one_of_several(mapping, one) for one in records])
        if not self.is_dry_run:
            await self.gate.writer.write(lambda tx: self._end(tx, None))
        return replayed

    async def _joined(self) -> Replayed:
        """What was said of a case before it came, said of it now."""
        try:
            accepted = await self._taken_in()
        except NotHeld:
            raise
        except NotFound as error:
            return Replayed(arrival_id=self.arrival.arrival_id, fate="held", refused=error)
        except RequestError as error:
            return await self._still_held(error)
        fate = "unchanged" if accepted.is_unchanged else "changed"
        case_id, case_no = accepted.case_id, accepted.case_no
        return Replayed(arrival_id=self.arrival.arrival_id, fate=fate, case_id=case_id, case_no=case_no)

    async def _taken_in(self) -> Accepted:
        if self.is_dry_run:
            return await self.gate.writer.read(lambda tx: waiting.would_take_in(self.gate, tx, self.arrival))
        decision = waiting.Decision(by=self.principal.name, reason=self.reason)
        return await waiting.take_in(self.gate, self.arrival, decision)

    async def _alone(self, mapping: FieldMapping, one: Numbered) -> Replayed:
        try:
            return await self._posted(mapping, one, self._mark())
        except NotHeld:
            raise
        except RequestError as error:
            return await self._still_held(error)

    async def _one_of_several(self, mapping: FieldMapping, one: Numbered) -> Replayed:
        """One record of a body that could not be read before; a bad one is held alone from now on."""
        try:
            return await self._posted(mapping, one, None)
        except NotHeld:
            raise
        except RequestError as error:
            held = None if self.is_dry_run else await keeping.hold_part(self.gate, self._part(one), error)
            return Replayed(arrival_id=held or self.arrival.arrival_id, fate="held", refused=error)

    def _part(self, one: Numbered) -> keeping.Came:
        return part_of(one, self.arrival, batch=self._batch, whole=lambda: keeping.opened(self.gate, self.arrival))

    async def _posted(self, mapping: FieldMapping, one: Numbered, mark: Mark | None) -> Replayed:
        document = case_of(mapping, one.record, context_of(self._batch, one.record_no))
        caller = Caller(principal=self.principal, source=self.arrival.source)
        # As the first post of it was, so that this very post is not taken in twice.
        call = call_of(self.gate, one, path=f"/v1/sources/{self.arrival.source}/records", by=self.arrival.by)
        if self.is_dry_run:
            return await self._checked(mapping, document, caller, call)
        guard = self._guard(document, call)
        accepted = await post(self.gate, caller, mapping, document, call, mark=mark, guard=guard)
        fate = "unchanged" if accepted.is_unchanged else "new" if accepted.revision == 1 else "changed"
        case_id, case_no = accepted.case_id, accepted.case_no
        return Replayed(arrival_id=self.arrival.arrival_id, fate=fate, case_id=case_id, case_no=case_no)

    async def _checked(self, mapping: FieldMapping, document: Json, caller: Caller, call: Call) -> Replayed:
        """The same without storing anything."""
        try:
            checked = await check_case(self.gate, caller, document, call)
            known = checked.case_id
            if known is not None:
                await self.gate.writer.read(lambda tx: self._refuse_overtaken(tx, known, call))
        except RequestError as error:
            raise in_its_words(mapping, self.gate.schema, error) from None
        fate = "unchanged" if checked.is_unchanged else "new" if checked.case_id is None else "changed"
        case_id, case_no = checked.case_id, checked.case_no
        return Replayed(arrival_id=self.arrival.arrival_id, fate=fate, case_id=case_id, case_no=case_no)

    def _guard(self, document: Json, call: Call) -> Guard:
        """It is held still, and its source has said nothing else of the case since it came."""

        def guard(tx: Tx) -> None:
            _require_held(tx.arrival(self.arrival.arrival_id, lock=True) or self.arrival)
            known = known_case(self.gate, tx, self.arrival.source, document)
            if known is not None:
                self._refuse_overtaken(tx, known.case.case_id, call)

        return guard

    def _refuse_overtaken(self, tx: Tx, case_id: UUID, call: Call) -> None:
        """Raises Overtaken where this would take back what its source said later."""
        last = tx.last_submission(case_id, self.arrival.source)
        if last is None or last.request_mac == call.request_mac or last.received_at <= self.arrival.came_at:
            return
        raise Overtaken(
            "expected the last word of its source on this case, got one that a later one overtook",
            errors=[FieldError("", "overtaken")],
        )

    def _mark(self) -> Mark:
        return lambda tx, accepted: self._end(tx, accepted.case_id)

    def _end(self, tx: Tx, case_id: UUID | None) -> None:
        current = tx.arrival(self.arrival.arrival_id, lock=True)
        assert current is not None
        _require_held(current)
        by_whom = replace(current, ended_by=self.principal.name, reason=self.reason)
        keeping.mark_taken(tx, by_whom, case_id=case_id)
        tx.append_audit(_entry(tx, self.principal, current, "arrival_replayed", self.reason))

    async def _still_held(self, error: RequestError) -> Replayed:
        """It stays; why it does now is kept in the place of why it did."""

        def step(tx: Tx) -> None:
            current = tx.arrival(self.arrival.arrival_id, lock=True)
            if current is not None and current.state is ArrivalState.HELD:
                tx.save_arrival(keeping.faulty(current, error, state=ArrivalState.HELD, tx=tx))

        if not self.is_dry_run:
            await self.gate.writer.write(step)
        return Replayed(arrival_id=self.arrival.arrival_id, fate="held", refused=error)

    @property
    def _batch(self) -> str:
        return str(self.arrival.detail.get("batch", ""))


def _brought(gate: Gate, arrival: Arrival, mapping: FieldMapping) -> list[Numbered]:
    """The records of an arrival. Raises RequestError where they cannot be read."""
    content = keeping.opened(gate, arrival)
    if arrival.format == RECORD:
        number = arrival.detail.get("record_no")
        return [Numbered(no=0, record=checked(arrival.place, json.loads(content)), record_no=number)]
    source, _ = source_of(gate, arrival.source)
    format_name = next((name for name in source.formats if name == arrival.format), None)
    if format_name is None:
        raise NotFound("expected a source that writes {format}, got one that does not", format=arrival.format)
    brought: Brought = records_in(source, mapping, Body(format_name, content))
    found = numbers(mapping, brought, batch=str(arrival.detail.get("batch", "")))
    no = arrival.detail.get("no")
    return found if no is None else [one for one in found if one.no == no]


def _found(tx: Tx, principal: Principal, arrival_id: UUID, *, lock: bool = False) -> Arrival:
    arrival = tx.arrival(arrival_id, lock=lock)
    if arrival is None or (principal.sources and arrival.source not in principal.sources):
        raise NotFound("expected an arrival that is known here, got none of that id")
    return arrival


def _require_held(arrival: Arrival) -> None:
    if arrival.state is not ArrivalState.HELD:
        raise NotHeld(
            "expected an arrival that is held, got one that is {state}",
            state=arrival.state.value,
            errors=[FieldError("", "not_held")],
        )


def _seen(principal: Principal, sources: Sequence[str] | None) -> Sequence[str] | None:
    """The sources that are asked for and in scope; None: all."""
    if not principal.sources:
        return sources
    return [name for name in principal.sources if sources is None or name in sources]


def _kind(error: RequestError) -> tuple[str, ...]:
    """What two refusals share that are about the same fault."""
    return (error.code, *(f"{one.pointer} {one.rule} {one.expected}" for one in error.errors))


def _entry(tx: Tx, principal: Principal, arrival: Arrival, action: str, reason: str) -> AuditEntry:
    return AuditEntry(
        at=tx.now,
        actor=principal.name,
        action=action,
        object=f"arrival:{arrival.arrival_id}",
        reason=reason,
        detail={"source": arrival.source},
    )
