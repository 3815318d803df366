"""A listing of which only counts are known: the smallest ranges of keys in which the system's number is not ours."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final
from uuid import UUID

from syncgate.domain.reconciliation.counting import Counted, CountedRange, KeyRange, SortedKeys, bisect
from syncgate.domain.reconciliation.join import Role
from syncgate.domain.reconciliation.kinds import Kind
from syncgate.domain.reconciliation.plausibility import Doubt
from syncgate.domain.reconciliation.run import ListingTotals
from syncgate.domain.rows import Change, HeldRow
from syncgate.flows.gate import Gate
from syncgate.flows.reconciling.expected import Maker
from syncgate.flows.reconciling.findings import Found
from syncgate.flows.reconciling.ours import PAGE
from syncgate.flows.reconciling.pacing import Pace
from syncgate.flows.reconciling.progress import Progress
from syncgate.flows.reconciling.reading import asked_again
from syncgate.flows.reconciling.recording import Recorder
from syncgate.flows.reconciling.roles import Judging, SideCounts, by_case, roles_in
from syncgate.ports import Listing, Query, Tx, Unread
from syncgate.site.bundle import Bundle
from syncgate.site.readback import ReadListing

QUESTIONS_AT_MOST: Final = 1_000
"""Counts that one run asks for at most, of one listing."""


@dataclass(frozen=True, slots=True)
class _Keys:
    """Our keys: those that the system must count, and those that it may."""

    certain: SortedKeys
    possible: SortedKeys


@dataclass(slots=True)
class CountRun:
    """Compares one listing by counts.

    Attributes:
        gate, bundle, listing, judging: as in a comparison by records.
        source: counts. query: how.
        recorder: keeps what is found. progress: of the run.
    """

    gate: Gate
    bundle: Bundle
    listing: ReadListing
    judging: Judging
    source: Listing
    query: Query
    recorder: Recorder
    progress: Progress
    _counts: SideCounts = field(default_factory=SideCounts)

    async def compare(self) -> ListingTotals:
        """Compares it, and keeps the ranges that differ whatever is on its way. Raises Stopped."""
        keys = await self._keys()
        counted = await self._counted(keys.certain)
        ranges = [one for one in counted.ranges if not _is_possible(keys, one)]
        await self.recorder.keep(self.listing, [self._found(one) for one in ranges])
        told = [{"listing": self.listing.name, **_told(one)} for one in ranges]
        await self.progress.now(ranges=(*self.progress.state.ranges, *told))
        return ListingTotals(
            listing=self.listing.name,
            level=self.listing.level.value,
            expected=self._counts.expected,
            delivered=self._counts.delivered,
            returned=self._counts.returned,
            unjudged=self._counts.unjudged,
            verified=self._verified(keys.certain, counted.ranges) if counted.is_complete else 0,
            kinds={Kind.COUNT_DIFFERS.value: len(ranges)} if ranges else {},
            doubts=() if counted.is_complete else (Doubt.UNAVAILABLE.value,),
        )

    def _verified(self, certain: SortedKeys, ranges: Sequence[CountedRange]) -> int:
        """Slots outside every range that differs. A count says less than it seems to: see the level."""
        return certain.count("", None) - sum(certain.count(one.low, one.high) for one in ranges)

    async def _counted(self, keys: SortedKeys) -> Counted:
        asking = bisect(keys.count, keys.split, questions_at_most=QUESTIONS_AT_MOST)
        pace = Pace(self.gate, self.bundle)
        try:
            part = next(asking)
            while True:
                part = asking.send(await self._count(part, pace))
        except StopIteration as end:
            counted: Counted = end.value
            return counted

    async def _count(self, part: KeyRange, pace: Pace) -> int | None:
        count = partial(self.source.count, self.query, low=part.low, high=part.high)
        found = await asked_again(count, pace=pace, waits=self.bundle.schedule)
        await self.progress.read(0)
        return None if isinstance(found, Unread) else found

    async def _keys(self) -> _Keys:
        certain: list[str] = []
        possible: list[str] = []
        after: UUID | None = None
        while True:
            some, maybe, counts, after = await self.gate.writer.read(partial(self._page, after))
            certain += some
            possible += maybe
            self._counts.add(counts)
            if after is None:
                break
        return await asyncio.to_thread(lambda: _Keys(SortedKeys(certain), SortedKeys(possible)))

    def _page(self, after: UUID | None, tx: Tx) -> tuple[list[str], list[str], SideCounts, UUID | None]:
        rows = tx.held_rows(self.bundle.system, self.judging.read_messages, after=after, limit=PAGE)
        counts = SideCounts()
        roles = [found for _, of_case in by_case(rows) for found in roles_in(of_case, self.judging, counts)]
        texts = self._texts(tx, [row for row, _ in roles])
        certain = [texts[row.delivery_id] for row, role in roles if role is Role.EXPECTED and row.delivery_id in texts]
        possible = [
            texts[row.delivery_id] for row, role in roles if role is not Role.EXPECTED and row.delivery_id in texts
        ]
        return certain, possible, counts, rows[-1].case_id if rows else None

    def _texts(self, tx: Tx, rows: Sequence[HeldRow]) -> dict[UUID, str]:
        """The references of these deliveries, as the system would show them."""
        maker = Maker(self.gate, tx, self.bundle.system)
        lanes = tx.deliveries_of({(row.case_id, self.bundle.system) for row in rows})
        wanted = {row.delivery_id for row in rows}
        found = [one for deliveries in lanes.values() for one in deliveries if one.delivery_id in wanted]
        maker.load(found)
        texts: dict[UUID, str] = {}
        for delivery in found:
            if delivery.change is Change.RETRACT and delivery.message not in self.judging.takes_back:
                continue
            keys = maker.keys(delivery)
            text = None if keys is None else self.listing.key_of_ours(keys, None)
            if text is None and (made := maker.made(delivery)) is not None:
                text = self.listing.key_of_ours(made.keys, made.payload)
            if text is not None:
                texts[delivery.delivery_id] = text
        return texts

    def _found(self, counted: CountedRange) -> Found:
        told = f"{counted.low}|{counted.high if counted.high is not None else ''}"
        mac = self.gate.keyring.mac("range", self.bundle.system.encode(), self.listing.name.encode(), told.encode())
        return Found(
            kind=Kind.COUNT_DIFFERS,
            message=self.listing.messages[0],
            delivery=None,
            key=mac,
            records_count=counted.actual,
            counted=_told(counted),
        )


def _told(counted: CountedRange) -> dict[str, str | int | None]:
    return {"low": counted.low, "high": counted.high, "expected": counted.expected, "actual": counted.actual}


def _is_possible(keys: _Keys, counted: CountedRange) -> bool:
    """Whether what is on its way, or may still be there, explains a count."""
    more = keys.possible.count(counted.low, counted.high)
    return counted.expected < counted.actual <= counted.expected + more
