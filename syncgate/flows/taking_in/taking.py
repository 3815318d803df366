"""Taking in what a source posts in its own words: kept first, then read, mapped and posted record by record."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from uuid import UUID

from syncgate.domain.arrivals import Arrival, ArrivalState, Way
from syncgate.domain.errors import NotFound, RequestError, StoreUnavailable
from syncgate.flows.accepting.intake import Call, posting_step, written
from syncgate.flows.accepting.submission import Done, checked
from syncgate.flows.gate import Accepted, Caller, Gate
from syncgate.flows.taking_in import keeping
from syncgate.flows.taking_in.content import RECORD, Body, Brought, records_in
from syncgate.flows.taking_in.reading import Rendered, in_its_words, rendered
from syncgate.mapping import Context
from syncgate.mapping import Mapping as FieldMapping
from syncgate.ports import Tx
from syncgate.records import Numbering, Record, Seen, Torn
from syncgate.site.sources import Source

R = TypeVar("R")
METHOD: Final = "POST"
SIDE_BY_SIDE: Final = 50
"""So many records of a body are posted at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A body as it was posted. key: its Idempotency-Key; by: who posted it."""

    body: Body
    path: str
    key: str | None
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of one record: it is accepted, or refused; `held` names the arrival that keeps a refused one.

    line: where it begins; 0 of a body of which nothing can be read.
    """

    line: int
    accepted: Accepted | None = None
    refused: RequestError | None = None
    held: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """What became of a body. is_alone: whether its one fate is the answer to all of it."""

    arrival_id: UUID
    is_alone: bool
    fates: tuple[Fate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """One record with what tells it from the others. no: its place among them, from 0; record_no: where one is made."""

    no: int
    record: Record | Torn = field(repr=False)
    record_no: str | None


def source_of(gate: Gate, name: str) -> tuple[Source, FieldMapping]:
    """A source and its mapping. Raises NotFound for one whose records nothing reads."""
    source = gate.inbound.get(name)
    if source is None or source.mapping is None:
        raise NotFound("expected a source whose records a mapping reads, got {source}, which has none", source=name)
    return source, source.mapping


async def take_in(gate: Gate, caller: Caller, posted: Posted) -> TakenIn:
    """Takes in every record of a body that makes a case; what of it cannot be is refused, or held as its source says.

    Raises:
        RequestError: nothing of it was taken in, and nothing is held.
        StoreUnavailable: nothing, or a part of it, was stored; the same call again takes in the rest.
    """
    source, mapping = source_of(gate, caller.source)
    arrival = await keeping.keep(gate, _came(gate, caller, posted))
    if arrival.state is ArrivalState.HELD:
        refused = keeping.fault_in(arrival)
        return _alone(arrival, Fate(line=arrival.place, refused=refused, held=arrival.arrival_id))
    try:
        brought = records_in(source, mapping, posted.body)
    except RequestError as error:
        return _alone(arrival, await _set_aside(gate, source, arrival, error))
    taking = Taking(gate, caller, source, mapping, arrival, posted)
    numbered = numbers(mapping, brought, batch=posted.key or "")
    if brought.is_alone:
        return _alone(arrival, await taking.alone(numbered[0]))
    return TakenIn(arrival_id=arrival.arrival_id, is_alone=False, fates=await taking.all(numbered))


def numbers(mapping: FieldMapping, brought: Brought, *, batch: str) -> list[Numbered]:
    """The records with their numbers; of a source that gives its own, without."""
    with closing(Seen()) as seen:
        numbering = Numbering(batch, seen)
        return [
            Numbered(no=no, record=record, record_no=_number(mapping, numbering, record))
            for no, record in enumerate(brought.records)
        ]


def _number(mapping: FieldMapping, numbering: Numbering, record: Record | Torn) -> str | None:
    return numbering.number(record.value) if mapping.needs_record_no and isinstance(record, Record) else None


def call_of(gate: Gate, one: Numbered, *, path: str, by: str, key: str | None = None) -> Call:
    """How a record is posted: the same record under the same path is the same call."""
    content = b"" if isinstance(one.record, Torn) else keeping.said(one.record_no, one.record.value)
    request_mac = gate.keyring.mac("request", METHOD.encode(), path.encode(), content)
    return Call(method=METHOD, path=path, idempotency_key=key, if_match=None, request_mac=request_mac, by=by)


def part_of(one: Numbered, arrival: Arrival, *, batch: str, whole: Callable[[], bytes]) -> keeping.Came:
    """What is held of a body: the record, or where it could not be read the whole body and the record's place in it."""
    is_torn = isinstance(one.record, Torn)
    return keeping.Came(
        source=arrival.source,
        way=Way.RECORD,
        format=arrival.format if is_torn else RECORD,
        content=whole() if is_torn else keeping.written(one.record),
        by=arrival.by,
        place=one.record.line,
        parent_id=arrival.arrival_id,
        detail={"batch": batch, "record_no": one.record_no} | ({"no": one.no} if is_torn else {}),
    )


@dataclass(frozen=True, slots=True)
class _Made:
    """A record and what it makes."""

    one: Numbered
    case: Rendered


@dataclass(frozen=True, slots=True)
class Taking:
    """The records of one body, on their way in."""

    gate: Gate
    caller: Caller
    source: Source
    mapping: FieldMapping
    arrival: Arrival
    posted: Posted

    async def alone(self, one: Numbered) -> Fate:
        """The fate of a body's only record, marked on its arrival in the transaction that takes it in."""
        try:
            accepted = await self._post(self._rendered(one), self.posted.key, self.arrival)
        except RequestError as error:
            return await _set_aside(self.gate, self.source, self.arrival, error, line=one.record.line)
        return Fate(line=one.record.line, accepted=accepted)

    async def all(self, records: Sequence[Numbered]) -> tuple[Fate, ...]:
        """The fate of every record, in order; those that may be about one case go in one after another."""
        fates: list[Fate] = []
        for wave in waves(map(self._rendered, records), lambda made: made.case.case_no(made.one.no)):
            found = await asyncio.gather(*(self._one(made) for made in wave), return_exceptions=True)
            fates += [_fate(one) for one in found]
        await self.gate.writer.write(lambda tx: self._end(tx, fates))
        return tuple(fates)

    def _rendered(self, one: Numbered) -> _Made:
        return _Made(one, rendered(self.mapping, one.record, context_of(self._batch, one.record_no)))

    @property
    def _batch(self) -> str:
        return self.posted.key or ""

    async def _one(self, made: _Made) -> Fate:
        key = None if self.posted.key is None else f"{self.posted.key}#{made.one.no}"
        line = made.one.record.line
        try:
            return Fate(line=line, accepted=await self._post(made, key, None))
        except RequestError as error:
            held = await self._held(made.one, error) if self.source.is_holding else None
            return Fate(line=line, refused=error, held=held)

    async def _post(self, made: _Made, key: str | None, arrival: Arrival | None) -> Accepted:
        document = made.case.case()
        call = call_of(self.gate, made.one, path=self.posted.path, by=self.posted.by, key=key)
        mark = None if arrival is None else marking(arrival)
        return await post(self.gate, self.caller, self.mapping, document, call, mark=mark)

    async def _held(self, one: Numbered, error: RequestError) -> UUID:
        part = part_of(one, self.arrival, batch=self._batch, whole=lambda: self.posted.body.content)
        return await keeping.hold_part(self.gate, part, error)

    def _end(self, tx: Tx, fates: Sequence[Fate]) -> None:
        current = tx.arrival(self.arrival.arrival_id, lock=True)
        assert current is not None
        counts = {
            "records_count": len(fates),
            "refused_count": sum(fate.refused is not None and fate.held is None for fate in fates),
            "held_count": sum(fate.held is not None for fate in fates),
        }
        keeping.mark_taken(tx, current, detail=counts)


Mark = Callable[[Tx, Accepted], None]
Guard = Callable[[Tx], None]


async def post(
    gate: Gate,
    caller: Caller,
    mapping: FieldMapping,
    document: Any,
    call: Call,
    *,
    mark: Mark | None = None,
    guard: Guard | None = None,
) -> Accepted:
    """Accepts a case that a record made, as a post of it would be.

    Args:
        mark: notes in the same transaction what became of what it came in.
        guard: what must hold there first; raises where it does not.

    Raises:
        RequestError: in the source's own words. StoreUnavailable: as `post_case`.
    """
    try:
        warnings = checked(gate, document)
        inner = posting_step(gate, caller, document, call)

        def step(tx: Tx) -> Done:
            if guard is not None:
                guard(tx)
            done = inner(tx)
            if mark is not None:
                mark(tx, done.accepted)
            return done

        return await written(gate, step, warnings)
    except RequestError as error:
        raise in_its_words(mapping, gate.schema, error) from None


def marking(arrival: Arrival) -> Mark:
    """Marks an arrival as taken in, unless somebody has decided about it meanwhile."""

    def mark(tx: Tx, accepted: Accepted) -> None:
        current = tx.arrival(arrival.arrival_id, lock=True)
        if current is None or current.state in (ArrivalState.HELD, ArrivalState.DROPPED):
            raise StoreUnavailable("expected an arrival that is being taken in, got one that was set aside meanwhile")
        keeping.mark_taken(tx, current, case_id=accepted.case_id)

    return mark


def context_of(batch: str, record_no: str | None) -> Context:
    """What a mapping may know beside a record."""
    return Context(batch=batch, record_no=record_no)


def _came(gate: Gate, caller: Caller, posted: Posted) -> keeping.Came:
    mac = None
    if posted.key is not None:
        mac = gate.keyring.mac("request", METHOD.encode(), posted.path.encode(), posted.body.content)
    return keeping.Came(
        source=caller.source,
        way=Way.POST,
        format=posted.body.format,
        content=posted.body.content,
        by=posted.by,
        idempotency_key=posted.key,
        request_mac=mac,
        detail={"batch": posted.key or ""},
    )


async def _set_aside(gate: Gate, source: Source, arrival: Arrival, error: RequestError, *, line: int = 0) -> Fate:
    """Holds or refuses an arrival. Raises the error where nobody keeps it."""
    held = await keeping.set_aside(gate, arrival, error, is_holding=source.is_holding)
    if held is None:
        raise error
    return Fate(line=line, refused=error, held=held)


def _alone(arrival: Arrival, fate: Fate) -> TakenIn:
    return TakenIn(arrival_id=fate.held or arrival.arrival_id, is_alone=True, fates=(fate,))


def _fate(found: Fate | BaseException) -> Fate:
    """The fate; what was not the record's fault ends the whole call. Raises what the store raised."""
    if isinstance(found, BaseException):
        raise found
    return found


def waves(records: Iterable[R], key: Callable[[R], Any]) -> Iterator[list[R]]:
    """The records in order, in groups that go in side by side: no two of a group share their key."""
    wave: list[R] = []
    keys: set[Any] = set()
    for one in records:
        own = key(one)
        if own in keys or len(wave) == SIDE_BY_SIDE:
            yield wave
            wave, keys = [], set()
        wave.append(one)
        keys.add(own)
    if wave:
        yield wave
