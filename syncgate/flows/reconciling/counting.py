"""A listing of which a system only tells numbers: counted by ranges of keys, and our side counted likewise."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from uuid import UUID

from syncgate.domain.delivery import OF_ITS_OWN, Phase
from syncgate.domain.reconciliation.counting import Counted, CountedRange, KeyRange, SortedKeys, bisect
from syncgate.domain.reconciliation.join import Role
from syncgate.domain.reconciliation.kinds import Kind
from syncgate.domain.reconciliation.plausibility import Doubt, Implausible, judge
from syncgate.domain.reconciliation.run import ListingTotals
from syncgate.domain.rows import Delivery, HeldRow
from syncgate.flows.gate import Gate
from syncgate.flows.reconciling.comparing import Compared
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
"""Counts that one run asks of one listing."""


@dataclass(slots=True)
class OurKeys:
    """The references of what a system should hold of us, as it counts them.

    Attributes:
        gate: the running gate. bundle: under which is compared.
        listing: of it. judging: how slots are judged.
        counts: of slots. expected: references of what should be there; unsure: of what may be there or not.
        nameless: records that may be there under a reference that is not known here.
    """

    gate: Gate
    bundle: Bundle
    listing: ReadListing
    judging: Judging
    counts: SideCounts = field(default_factory=SideCounts)
    expected: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)
    nameless: int = 0

    async def read(self) -> SortedKeys:
        """Reads all of the system's deliveries, page by page."""
        after: UUID | None = None
        while True:
            after = await self.gate.writer.read(partial(self._page, after))
            if after is None:
                break
        unsure = self.unsure - self.expected
        return await asyncio.to_thread(SortedKeys, self.expected, unsure, nameless=self.nameless)

    def _page(self, after: UUID | None, tx: Tx) -> UUID | None:
        rows = tx.held_rows(self.bundle.system, self.judging.read_messages, after=after, limit=PAGE)
        roles = [found for _, of_case in by_case(rows) for found in roles_in(of_case, self.judging, self.counts)]
        self.nameless += sum(map(self._is_its_own, rows))
        self._note(tx, roles)
        return rows[-1].case_id if rows else None

    def _is_its_own(self, row: HeldRow) -> bool:
        is_held = row.phase is Phase.DELIVERED and row.reason in OF_ITS_OWN
        return is_held and row.message in self.judging.messages

    def _note(self, tx: Tx, roles: Sequence[tuple[HeldRow, Role]]) -> None:
        maker = Maker(self.gate, tx, self.bundle.system)
        lanes = tx.deliveries_of({(row.case_id, self.bundle.system) for row, _ in roles})
        by_id = {delivery.delivery_id: delivery for deliveries in lanes.values() for delivery in deliveries}
        maker.load([by_id[row.delivery_id] for row, _ in roles if row.delivery_id in by_id])
        for row, role in roles:
            if role is Role.GONE:
                continue
            delivery = by_id.get(row.delivery_id)
            key = None if delivery is None else reference_of(maker, self.listing, delivery)
            if key is None:
                self.nameless += 1
            else:
                (self.expected if role is Role.EXPECTED else self.unsure).add(key)


def reference_of(maker: Maker, listing: ReadListing, delivery: Delivery) -> str | None:
    """The reference under which a system knows a delivery's record; None where it cannot be told any more."""
    keys = maker.keys(delivery)
    told = None if keys is None else listing.key_of_ours(keys, None)
    if told is not None or keys is None:
        return told
    made = maker.made(delivery)
    return None if made is None else listing.key_of_ours(made.keys, made.payload)


@dataclass(slots=True)
class CountRun:
    """Compares one listing by counts.

    Attributes:
        gate, bundle, listing: what is compared. source: what counts. query: how.
        judging: how our slots are judged; of all of the listing's messages, since it counts them all.
        recorder: keeps what is found. progress: of the run.
        read_before: records that the last complete run counted; None: there is none to compare with.
        missing_at_most: the share that may be missing.
    """

    gate: Gate
    bundle: Bundle
    listing: ReadListing
    source: Listing
    query: Query
    judging: Judging
    recorder: Recorder
    progress: Progress
    read_before: int | None
    missing_at_most: float

    async def compare(self) -> Compared:
        """What it came to. Keeps the ranges that differ, also in the run's state. Raises Stopped."""
        ours = self._our_keys()
        keys = await ours.read()
        counted = await self._counted(keys)
        why = None if counted.total is None else self._judged(keys, counted.total)
        if counted.ranges and why is None:
            counted = counted.still((await self._our_keys().read()).count)
            await self.recorder.keep(self.listing, list(self._found(counted.ranges)))
        ranges = ({"listing": self.listing.name, **range_of(one)} for one in counted.ranges)
        await self.progress.now(ranges=(*self.progress.state.ranges, *ranges))
        return Compared(self._totals(ours, keys, counted, why), why is None)

    def _our_keys(self) -> OurKeys:
        return OurKeys(self.gate, self.bundle, self.listing, self.judging)

    async def _counted(self, keys: SortedKeys) -> Counted:
        asking = bisect(keys.count, keys.split, questions_at_most=QUESTIONS_AT_MOST)
        pace = Pace(self.gate, self.bundle)
        try:
            part = next(asking)
            while True:
                part = asking.send(await self._answer(part, pace))
        except StopIteration as ended:
            counted: Counted = ended.value
            return counted

    async def _answer(self, part: KeyRange, pace: Pace) -> int | None:
        """The system's count of a range; None where it cannot be had."""
        count = partial(self.source.count, self.query, low=part.low, high=part.high)
        found = await asked_again(count, pace=pace, waits=self.bundle.schedule)
        await self.progress.read(0)
        return None if isinstance(found, Unread) else found

    def _judged(self, keys: SortedKeys, total: int) -> Implausible | None:
        expected = keys.count("", None).least
        return judge(
            expected=expected,
            missing=max(0, expected - total),
            read=total,
            read_before=self.read_before,
            missing_at_most=self.missing_at_most,
        )

    def _found(self, ranges: Iterable[CountedRange]) -> Iterator[Found]:
        mac = self.gate.keyring.mac
        for one in ranges:
            ends = (one.low.encode(), b"" if one.high is None else one.high.encode())
            key = mac("counted", self.bundle.system.encode(), self.listing.name.encode(), *ends)
            yield Found(
                kind=Kind.COUNT_DIFFERS,
                message=self.listing.messages[0],
                delivery=None,
                key=key,
                records_count=one.actual,
                counted=range_of(one),
            )

    def _totals(self, ours: OurKeys, keys: SortedKeys, counted: Counted, why: Implausible | None) -> ListingTotals:
        kinds = {Kind.COUNT_DIFFERS.value: len(counted.ranges)} if counted.ranges else {}
        doubts = [*([] if counted.is_complete else [Doubt.UNAVAILABLE]), *([] if why is None else [why])]
        return ListingTotals(
            listing=self.listing.name,
            level=self.listing.level.value,
            expected=ours.counts.expected,
            delivered=ours.counts.delivered,
            read=counted.total or 0,
            verified=0 if doubts else _outside(keys, counted.ranges),
            returned=ours.counts.returned,
            unjudged=ours.counts.unjudged,
            kinds=kinds,
            doubts=tuple(map(str, doubts)),
        )


def _outside(keys: SortedKeys, ranges: Iterable[CountedRange]) -> int:
    """Records that should be there, outside every range that differs."""
    return keys.count("", None).least - sum(keys.count(one.low, one.high).least for one in ranges)


def range_of(counted: CountedRange) -> Mapping[str, Any]:
    """A range as rows keep it."""
    return {"low": counted.low, "high": counted.high, "expected": counted.expected, "actual": counted.actual}
