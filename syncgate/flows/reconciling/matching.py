"""Matching: records that were typed at a system by hand, against what waits to be sent there and never was.

Both sides are told apart by what the adapter names for it (a case's number, say), joined as in a first look, and every
match is read again before anybody links it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from syncgate.domain.delivery import Phase
from syncgate.domain.reconciliation.join import Group, Role, merge_join
from syncgate.domain.reconciliation.plausibility import PageWatch
from syncgate.domain.rows import Change, Delivery, HeldRow
from syncgate.flows.gate import Gate
from syncgate.flows.reconciling.expected import Maker
from syncgate.flows.reconciling.findings import Match
from syncgate.flows.reconciling.first_look import CANDIDATES_AT_MOST
from syncgate.flows.reconciling.looking import SecondPass
from syncgate.flows.reconciling.marks import NOTHING
from syncgate.flows.reconciling.ours import OUR_SIZE, PAGE, delivery_of
from syncgate.flows.reconciling.reading import Reader
from syncgate.flows.reconciling.roles import by_case
from syncgate.flows.reconciling.spill import Spill
from syncgate.flows.reconciling.theirs import Known, TheirSide
from syncgate.ports import Tx
from syncgate.site.bundle import Bundle
from syncgate.site.readback import Adoption, ReadListing

Json = Any
_WAITING: Final = frozenset({Phase.PENDING, Phase.PARKED})


@dataclass(slots=True)
class TypedSide(TheirSide):
    """Records that bear no reference of ours, known by what the adapter says for adoption."""

    def _known(self, record: Json) -> Known | None:
        """None where it bears a reference of ours, or nothing to be known by."""
        adoption = self.listing.adoption
        if adoption is None or self.listing.key_of_record(record) is not None:
            return None
        text = adoption.key_of_record(record)
        return None if text is None else (text, self.listing.remote_ref_of(record))

    def _key_macs(self) -> Callable[[bytes], bytes]:
        return _key_macs(self.gate, self.system, self.listing)


@dataclass(slots=True)
class Matching:
    """Finds the matches of one listing.

    Attributes:
        gate, bundle, listing: as in a comparison.
        messages: that the run is about.
        reader: reads the listing, as often as it is asked to.
        folder: for what is spilled.
    """

    gate: Gate
    bundle: Bundle
    listing: ReadListing
    messages: frozenset[str]
    reader: Reader
    folder: Path

    async def matches(self) -> list[Match]:
        """Every slot that something typed by hand may fill; none where the listing cannot be read for certain."""
        adoption = self.listing.adoption
        if adoption is None:
            return []
        theirs = TypedSide(
            gate=self.gate,
            system=self.bundle.system,
            listing=self.listing,
            comparisons=(),
            is_file=self.reader.is_file,
        )
        mine, other = Spill(self.folder, "unfilled", size=OUR_SIZE), Spill(self.folder, "typed", size=theirs.size)
        try:
            watch = PageWatch(by=self.reader.query.paging.by)
            async for page in self.reader.pages(watch, theirs.refs):
                other.add(await asyncio.to_thread(theirs.entries, page.records))
            await self._stream(adoption, mine)
            groups, repeated = await asyncio.to_thread(_both, merge_join(mine.sorted(), other.sorted()))
            if not groups or watch.end(repeated=repeated) or len(groups) > CANDIDATES_AT_MOST:
                return []
            return await self._read_again(theirs, groups)
        finally:
            mine.remove()
            other.remove()

    async def _read_again(self, theirs: TypedSide, groups: Sequence[Group]) -> list[Match]:
        again = SecondPass(theirs, [group.key for group in groups])
        await again.read(self.reader)
        found: list[Match] = []
        for group in groups:
            there = again.there(group.key)
            if not there.records or again.doubts:
                continue
            deliveries = await self.gate.writer.read(partial(_deliveries, group.ours))
            found += [
                Match(
                    delivery_id=one.delivery_id,
                    case_id=one.case_id,
                    message=one.message,
                    part=one.part,
                    records=there.records,
                    remote_refs=there.remote_refs,
                    others=len(group.ours) - 1,
                )
                for one in deliveries
            ]
        return found

    async def _stream(self, adoption: Adoption, spill: Spill) -> None:
        after: UUID | None = None
        while True:
            entries, after = await self.gate.writer.read(partial(self._page, adoption, after))
            spill.add(entries)
            if after is None:
                return

    def _page(self, adoption: Adoption, after: UUID | None, tx: Tx) -> tuple[list[bytes], UUID | None]:
        rows = tx.held_rows(self.bundle.system, self.messages, after=after, limit=PAGE)
        waiting = [row for _, of_case in by_case(rows) for row in unfilled(of_case)]
        return list(self._entries(adoption, waiting, tx)), rows[-1].case_id if rows else None

    def _entries(self, adoption: Adoption, waiting: Sequence[HeldRow], tx: Tx) -> Iterator[bytes]:
        maker = Maker(self.gate, tx, self.bundle.system)
        key_mac = _key_macs(self.gate, self.bundle.system, self.listing)
        for row in waiting:
            delivery = tx.delivery(row.delivery_id)
            made = None if delivery is None else maker.made(delivery, bundle=self.bundle)
            text = None if made is None else adoption.key_of_ours(made.keys, made.payload)
            if text is not None:
                key = key_mac(text.encode())
                yield key + NOTHING + bytes((Role.ALLOWED, 0, 0)) + row.case_id.bytes + row.delivery_id.bytes


def unfilled(rows: Iterable[HeldRow]) -> Iterator[HeldRow]:
    """Of one lane, in the order of creation, what waits in slots of which nothing may ever have come there."""
    slots: dict[tuple[str, str], list[HeldRow]] = {}
    for row in rows:
        slots.setdefault((row.message, row.part), []).append(row)
    for slot in slots.values():
        is_unfilled = all(_is_never_sent(row) for row in slot) and slot[-1].change is not Change.RETRACT
        if is_unfilled and slot[-1].phase in _WAITING:
            yield slot[-1]


def _is_never_sent(row: HeldRow) -> bool:
    is_open = row.phase in _WAITING or row.phase is Phase.CANCELLED
    return is_open and row.sent_at is None and row.held_key is None


def _both(groups: Iterable[Group]) -> tuple[list[Group], int]:
    """The groups that both sides have, and how often any record was listed again."""
    found, repeated = [], 0
    for group in groups:
        repeated += group.repeated_count
        if group.ours and group.theirs:
            found.append(group)
    return found, repeated


def _deliveries(entries: Sequence[bytes], tx: Tx) -> list[Delivery]:
    found = (tx.delivery(delivery_of(entry)) for entry in entries)
    return [one for one in found if one is not None and one.phase in _WAITING]


def _key_macs(gate: Gate, system: str, listing: ReadListing) -> Callable[[bytes], bytes]:
    return gate.keyring.mac_of_last("adopted", system.encode(), listing.name.encode())
