"""Polling: records of a source that cannot post, each taken in once, and flagged there only after the commit.

A process that dies between the two finds the record again, knows it by its key and content, and flags it alone.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from syncgate.domain.arrivals import Arrival, ArrivalState, Way
from syncgate.domain.case import canonical_bytes
from syncgate.domain.errors import RequestError, StoreUnavailable
from syncgate.domain.row import replace
from syncgate.domain.rows import Run
from syncgate.flows.accepting.intake import Call, posting_step, written
from syncgate.flows.accepting.submission import Done, checked
from syncgate.flows.accepting.waiting import acting_for
from syncgate.flows.gate import Accepted, Gate
from syncgate.flows.taking_in import keeping
from syncgate.flows.taking_in.content import RECORD, BodyRefused
from syncgate.flows.taking_in.reading import Rendered, in_its_words, rendered
from syncgate.flows.taking_in.taking import context_of, source_of, waves
from syncgate.mapping import Mapping as FieldMapping
from syncgate.ports import Tx, Unread
from syncgate.ports.fetching import Fetched, Fetching, Settled
from syncgate.records import Numbering, Seen, Torn
from syncgate.records.json_lines import checked as checked_record

JOB: Final = "poll"
LEASE: Final = timedelta(seconds=60)
BY: Final = "poll"
LONGEST_WAIT: Final = timedelta(hours=1)
"""The longest wait that a source may ask for."""
_OVER: Final = frozenset({ArrivalState.TAKEN, ArrivalState.HELD, ArrivalState.DROPPED})


class TurnLost(StoreUnavailable):
    """Another process polls this source now; nothing more of this poll is stored."""

    code = "turn_lost"


@dataclass(slots=True)
class Polled:
    """What came of one poll. known: records that were in already; unread: why it ended early."""

    taken: int = 0
    held: int = 0
    known: int = 0
    flagged: int = 0
    unread: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """How one source is polled. lease: how long it is left alone after the process that polls it dies."""

    source: str
    every: timedelta
    lease: timedelta = LEASE


@dataclass(frozen=True, slots=True)
class _Made:
    """A record that was fetched, the number made for it where it has none, and the case that it makes."""

    record: Fetched = field(repr=False)
    content: bytes = field(repr=False)
    record_no: str | None
    case: Rendered


Make = Callable[[], Awaitable[Fetching]]


async def poll(gate: Gate, wish: Poll, make: Make) -> Polled | None:
    """Takes in all that a source has ready; None where it is not due, or another process is at it.

    Args:
        gate: the running gate.
        wish: what is polled.
        make: gives what is asked, once it is this poll's turn: what it raises ends this poll, and the next comes
            when it is due.

    Raises:
        StoreUnavailable: what was taken in stays; the rest comes at the next poll.
    """
    if not await gate.writer.read(lambda tx: _is_free(tx.run(JOB, wish.source), tx.now)):
        return None
    turn = await gate.writer.write(lambda tx: _claim(tx, wish, by=str(uuid4())))
    if turn is None:
        return None
    polled = Polled()
    wait = wish.every
    try:
        wait = max(wait, await _pages(gate, wish, await make(), turn, polled))
    finally:
        await gate.writer.write(lambda tx: _end(tx, turn, polled, slot=wish.source, wait=wait))
    return polled


async def _pages(gate: Gate, wish: Poll, fetching: Fetching, turn: Run, polled: Polled) -> timedelta:
    """Takes in page by page; gives how long the source asks to be left alone."""
    following = turn.cursor
    seen: set[bytes] = set()
    while True:
        page = await fetching.page(following)
        if isinstance(page, Unread):
            polled.unread = page.words
            return min(page.retry_after or timedelta(0), LONGEST_WAIT)
        if page.records and _repeats(page.records, seen):
            polled.unread = "expected every page once in a poll, got one again"
            return timedelta(0)
        settled = await _taken_in(gate, wish, page.records, polled)
        noted = await fetching.settle(settled)
        if isinstance(noted, Unread):
            polled.unread = noted.words
            return timedelta(0)
        polled.flagged += noted
        cursor = page.cursor
        await gate.writer.write(lambda tx, cursor=cursor: _keep(tx, wish, turn, cursor))  # type: ignore[misc]
        if page.following is None or not page.records:
            return timedelta(0)
        following = page.following


def _repeats(records: Sequence[Fetched], seen: set[bytes]) -> bool:
    """Whether this page was seen already; notes it. A source that goes round in a circle would never end."""
    digest = hashlib.sha256(canonical_bytes([[one.key, one.value] for one in records])).digest()
    is_known = digest in seen
    seen.add(digest)
    return is_known


async def _taken_in(gate: Gate, wish: Poll, records: Sequence[Fetched], polled: Polled) -> list[Settled]:
    """The fate of every record of a page, in order, each committed."""
    _, mapping = source_of(gate, wish.source)
    settled: list[Settled] = []
    for wave in waves(
        (_made(mapping, record) for record in _last_words(records)), lambda made: made.case.case_no(made.record.key)
    ):
        states = await asyncio.gather(*(_one(gate, wish, mapping, one, polled) for one in wave), return_exceptions=True)
        for one, state in zip(wave, states, strict=True):
            if isinstance(state, BaseException):
                raise state
            settled.append(Settled(one.record, is_held=state is not ArrivalState.TAKEN))
    return settled


def _last_words(records: Sequence[Fetched]) -> Iterable[Fetched]:
    """Of each key the last: were an older one taken in as well, a page that comes again would take the newer back."""
    last = {one.key: no for no, one in enumerate(records)}
    return (one for no, one in enumerate(records) if last[one.key] == no)


def _made(mapping: FieldMapping, record: Fetched) -> _Made:
    if record.whole is not None:
        return _Made(record, record.whole.content, None, Rendered(fault=BodyRefused(record.fault)))
    record_no = _number(mapping, record)
    read = Torn(1, record.fault) if record.fault else checked_record(1, record.value)
    case = rendered(mapping, read, context_of(BY, record_no))
    return _Made(record, canonical_bytes(record.value), record_no, case)


def _number(mapping: FieldMapping, record: Fetched) -> str | None:
    """The number of a record that has none: made of its key, and so the same whatever becomes of its content."""
    if not mapping.needs_record_no:
        return None
    with closing(Seen()) as seen:
        return Numbering(BY, seen).number(record.key)


async def _one(gate: Gate, wish: Poll, mapping: FieldMapping, one: _Made, polled: Polled) -> ArrivalState:
    """What became of one record: taken in, held, or what it was before."""
    came = _came(wish, one)
    error = one.case.fault
    if error is None:
        try:
            return await _posted(gate, wish, one, came, polled)
        except RequestError as refused:
            error = in_its_words(mapping, gate.schema, refused)
    return await _held(gate, came, error, polled)


async def _posted(gate: Gate, wish: Poll, one: _Made, came: keeping.Came, polled: Polled) -> ArrivalState:
    warnings = checked(gate, one.case.document)
    mac = gate.keyring.mac("request", JOB.encode(), one.record.key.encode(), one.content)
    call = Call(method="POLL", path=wish.source, idempotency_key=None, if_match=None, request_mac=mac, by=BY)
    inner = posting_step(gate, acting_for(gate, wish.source, by=BY), one.case.document, call)
    fresh = keeping.received(gate, came)
    before: list[ArrivalState] = []

    def step(tx: Tx) -> Done:
        before.clear()
        known = tx.arrival_by_origin(wish.source, one.record.key)
        if known is not None and known.body_mac == fresh.body_mac and known.state in _OVER:
            before.append(known.state)
            return _NOTHING
        done = inner(tx)
        _save(tx, known, _unkept(fresh, tx.now, done))
        return done

    await written(gate, step, warnings)
    if before:
        polled.known += 1
        return before[0]
    polled.taken += 1
    return ArrivalState.TAKEN


async def _held(gate: Gate, came: keeping.Came, error: RequestError, polled: Polled) -> ArrivalState:
    fresh = keeping.received(gate, came)

    def step(tx: Tx) -> ArrivalState | None:
        known = tx.arrival_by_origin(fresh.source, fresh.origin_key or "")
        if known is not None and known.body_mac == fresh.body_mac and known.state in _OVER:
            return known.state
        _save(tx, known, keeping.faulty(fresh, error, state=ArrivalState.HELD, tx=tx))
        return None

    before = await keeping.raced(gate, step)
    if before is not None:
        polled.known += 1
        return before
    polled.held += 1
    return ArrivalState.HELD


def _save(tx: Tx, known: Arrival | None, arrival: Arrival) -> None:
    """One arrival for each key: what a source says anew takes the place of what it said before."""
    if known is None:
        tx.insert_arrival(arrival)
        return
    tx.delete_arrival(known.arrival_id)
    tx.insert_arrival(arrival)


def _unkept(fresh: Arrival, now: datetime, done: Done) -> Arrival:
    """The arrival of a record that is in: its content is the case's, and is not kept twice."""
    return replace(
        fresh,
        state=ArrivalState.TAKEN,
        case_id=done.accepted.case_id,
        wrapped_key=None,
        sealed=None,
        ended_at=now,
        tries_count=1,
    )


def _came(wish: Poll, one: _Made) -> keeping.Came:
    return keeping.Came(
        source=wish.source,
        way=Way.POLL,
        format=RECORD if one.record.whole is None else one.record.whole.format,
        content=one.content,
        by=BY,
        place=one.record.place,
        origin_key=one.record.key,
        detail={"batch": BY, "record_no": one.record_no},
    )


# --- whose turn it is


def _claim(tx: Tx, wish: Poll, *, by: str) -> Run | None:
    """The source's poll, if it is due and no living process is at it."""
    tx.system(wish.source, lock=True)
    known = tx.run(JOB, wish.source, lock=True)
    until = tx.now + wish.lease
    if known is None:
        made = Run(job=JOB, slot=wish.source, claimed_by=by, claimed_at=tx.now, lease_until=until)
        tx.insert_run(made)
        return made
    if not _is_free(known, tx.now):
        return None
    claimed = replace(known, claimed_by=by, claimed_at=tx.now, lease_until=until)
    tx.save_run(claimed)
    return claimed


def _is_free(known: Run | None, now: datetime) -> bool:
    """Whether the poll is due and no living process is at it."""
    if known is None:
        return True
    if known.lease_until is not None:
        return now >= known.lease_until
    due = known.detail.get("due_at")
    return due is None or now >= datetime.fromisoformat(due)


def _keep(tx: Tx, wish: Poll, turn: Run, cursor: str | None) -> None:
    now = tx.run(JOB, wish.source, lock=True)
    if now is None or now.claimed_by != turn.claimed_by:
        raise TurnLost("expected to poll this source still, got another process that does")
    tx.save_run(replace(now, lease_until=tx.now + wish.lease, cursor=cursor or now.cursor))


def _end(tx: Tx, turn: Run, polled: Polled, *, slot: str, wait: timedelta) -> None:
    now = tx.run(JOB, slot, lock=True)
    if now is None or now.claimed_by != turn.claimed_by:
        return
    counts = {name: getattr(polled, name) for name in Polled.__slots__}
    detail = {"due_at": (tx.now + wait).isoformat(), "polled_at": tx.now.isoformat(), **counts}
    tx.save_run(replace(now, lease_until=None, detail=detail))


def release_dead(tx: Tx, sources: Sequence[str]) -> None:
    """Lets every source be polled at once; only where no other process can be alive."""
    for source in sources:
        known = tx.run(JOB, source, lock=True)
        if known is not None and known.lease_until is not None:
            tx.save_run(replace(known, lease_until=tx.now))


_NOTHING: Final = Done(Accepted(status=200, case_id=uuid4(), case_no="", revision=1, receipt="", is_unchanged=True))
"""What a record that is known already comes to."""
