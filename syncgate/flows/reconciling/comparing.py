"""One listing compared: read, joined with our side, looked at again, kept."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import UUID

from syncgate.domain.reconciliation.comparison import Comparison
from syncgate.domain.reconciliation.join import ROLE_AT, Look, Role
from syncgate.domain.reconciliation.kinds import Kind, Level
from syncgate.domain.reconciliation.learning import Offers
from syncgate.domain.reconciliation.plausibility import Doubt, Implausible, PageWatch, judge
from syncgate.domain.reconciliation.run import ListingTotals, RunStage
from syncgate.domain.rows import Discrepancy
from syncgate.flows.gate import Gate
from syncgate.flows.reconciling.findings import Found
from syncgate.flows.reconciling.first_look import (
    AS_IT_SHOULD,
    CASE_SIZE,
    IN_DOUBT,
    REMAPPED_SIZE,
    SEEN_SIZE,
    Candidate,
    FirstLook,
    look_first,
)
from syncgate.flows.reconciling.looking import SecondPass, SingleReads
from syncgate.flows.reconciling.ours import OUR_SIZE, OurSide, case_of
from syncgate.flows.reconciling.pacing import Pace
from syncgate.flows.reconciling.progress import Progress
from syncgate.flows.reconciling.reading import Reader
from syncgate.flows.reconciling.recording import Recorder
from syncgate.flows.reconciling.roles import Judging, SideCounts, held_row, is_judged
from syncgate.flows.reconciling.second_look import NEEDS_LISTING, Judged, SecondLook
from syncgate.flows.reconciling.spill import Spill
from syncgate.flows.reconciling.theirs import TheirSide
from syncgate.ports import Listing, Query, Transport, Tx
from syncgate.site.bundle import Bundle
from syncgate.site.readback import ReadListing

REMAPPED_AT_MOST: Final = 10_000
"""Slots under a changed mapping that are listed one by one; a person's replan compares them all."""
_LEARNT_OF: Final = frozenset({Kind.EDITED_THERE, Kind.NORMALISED_THERE})
READ_SINGLY_AT_MOST: Final = 1_000
"""Candidates that are read one by one where a second pass takes fewer questions."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What a listing came to. is_believed: whether what it shows may be mended."""

    totals: ListingTotals
    is_believed: bool


@dataclass(slots=True)
class ListingRun:
    """Compares one listing.

    Attributes:
        gate, bundle, listing: what is compared.
        judging: how our slots are judged.
        source: what lists; None where records are only read one by one.
        query: how; None with `source`.
        transport: for single records.
        folder: for what is spilled.
        recorder: keeps what is found.
        progress: of the run.
        read_before: records of ours that the last complete run read; None: there is none to compare with.
        missing_at_most: the share that may be missing.
        offers: learns which rules would make what differs the same.
    """

    gate: Gate
    bundle: Bundle
    listing: ReadListing
    judging: Judging
    source: Listing | None
    query: Query | None
    transport: Transport
    folder: Path
    recorder: Recorder
    progress: Progress
    read_before: int | None
    missing_at_most: float
    offers: Offers
    _kinds: Counter[str] = field(default_factory=Counter)
    _verified: int = 0
    _unjudged: int = 0

    async def compare(self) -> Compared:
        """Compares it, and keeps what both looks show. Raises Stopped."""
        ours, theirs = self._our_side(), self._their_side()
        spills = self._spills(theirs.size)
        try:
            return await self._compare(ours, theirs, *spills)
        finally:
            for spill in spills:
                spill.remove()

    async def _compare(
        self, ours: OurSide, theirs: TheirSide, mine: Spill, other: Spill, seen: Spill, remapped: Spill
    ) -> Compared:
        watch = await self._read(theirs, other)
        await self.progress.now(stage=RunStage.COMPARING)
        await ours.stream(mine)
        looked = await asyncio.to_thread(look_first, mine, other, seen=seen, remapped=remapped)
        doubts = () if watch is None else watch.end(repeated=looked.repeated)
        why = self._hopeless(ours.counts, theirs, looked, is_certain=not doubts)
        if why is None:
            await self.progress.now(stage=RunStage.LOOKING_AGAIN)
            why, doubts = await self._look_again(ours, theirs, looked, doubts, seen)
        if why is None:
            await self._look_at_remapped(remapped)
            for delivery_id in looked.again_right:
                await self.recorder.note_as_delivered(delivery_id)
            await self.recorder.note_verified(_wholly_seen(seen.sorted()))
        return Compared(self._totals(ours.counts, theirs, looked, doubts, why), why is None)

    async def _read(self, theirs: TheirSide, spill: Spill) -> PageWatch | None:
        if self.source is None or self.query is None:
            return None
        watch = PageWatch(by=self.query.paging.by)
        async for page in self._reader().pages(watch, theirs.refs):
            spill.add(await asyncio.to_thread(theirs.entries, page.records))
        return watch

    def _reader(self) -> Reader:
        assert self.source is not None
        assert self.query is not None
        return Reader(
            source=self.source,
            query=self.query,
            pace=Pace(self.gate, self.bundle),
            waits=self.bundle.schedule,
            on_page=self.progress.read,
        )

    def _hopeless(
        self, counts: SideCounts, theirs: TheirSide, looked: FirstLook, *, is_certain: bool
    ) -> Implausible | None:
        """Why no second look is worth it: nothing or too little is listed, or too much differs."""
        if self.source is None:
            return None
        why = self._judged(counts.delivered, looked.missing, theirs.read)
        is_missing_only = why is Implausible.MOSTLY_MISSING and (self.listing.read is not None or not is_certain)
        if why is not None and not is_missing_only:
            return why
        return Implausible.TOO_MANY_DIFFER if looked.is_beyond else None

    def _judged(self, expected: int, missing: int, read: int) -> Implausible | None:
        return judge(
            expected=expected,
            missing=missing,
            read=read,
            read_before=self.read_before,
            missing_at_most=self.missing_at_most,
        )

    async def _look_again(
        self,
        ours: OurSide,
        theirs: TheirSide,
        looked: FirstLook,
        doubts: tuple[Doubt, ...],
        seen: Spill,
    ) -> tuple[Implausible | None, tuple[Doubt, ...]]:
        """Looks at every candidate again: first at what is absent, and goes on only if so much absence is believed."""
        single = self._single()
        again = await self._second_pass(theirs, looked.candidates, has_single=single is not None)
        if again is not None:
            doubts = tuple(dict.fromkeys((*doubts, *again.doubts)))
        reads = single if self._is_read_singly(looked.candidates, doubts) else None
        look = self._second_look(reads, again, can_prove_absence=not doubts)
        absent = [one for one in looked.candidates if one.look is Look.ABSENT]
        missing = [one async for chunk in look.look(absent) for one in chunk]
        if self.source is not None:
            count = sum(1 for one in missing if one.found is not None and one.found.kind is Kind.MISSING)
            why = self._judged(ours.counts.delivered, count, max(theirs.read, 1))
            if why is not None:
                return why, doubts
        await self._keep(missing, seen)
        others = [one for one in looked.candidates if one.look is not Look.ABSENT]
        async for chunk in look.look(others):
            await self._keep(chunk, seen)
        if single is not None and single.failed:
            doubts = tuple(dict.fromkeys((*doubts, Doubt.UNAVAILABLE)))
        return None, doubts

    def _second_look(
        self, single: SingleReads | None, again: SecondPass | None, *, can_prove_absence: bool
    ) -> SecondLook:
        return SecondLook(
            gate=self.gate,
            bundle=self.bundle,
            listing=self.listing,
            judging=self.judging,
            single=single,
            again=again,
            can_prove_absence=can_prove_absence,
            on_chunk=lambda: self.progress.read(0),
        )

    def _single(self) -> SingleReads | None:
        listing = self.listing
        if listing.read is None:
            return None
        return SingleReads(
            transport=self.transport,
            read=listing.read,
            remote_ref_of=listing.remote_ref_of,
            is_in_scope=listing.is_in_scope,
            pace=Pace(self.gate, self.bundle),
        )

    def _is_read_singly(self, candidates: Sequence[Candidate], doubts: tuple[Doubt, ...]) -> bool:
        """Whether single records are worth their questions: a few, or where the listing proves no absence."""
        few = len(candidates) <= READ_SINGLY_AT_MOST
        return few or self.source is None or bool(doubts)

    async def _second_pass(
        self, theirs: TheirSide, candidates: Sequence[Candidate], *, has_single: bool
    ) -> SecondPass | None:
        if self.source is None or not candidates:
            return None
        is_needed = any(one.look in NEEDS_LISTING for one in candidates)
        if has_single and not is_needed and len(candidates) <= READ_SINGLY_AT_MOST:
            return None
        again = SecondPass(theirs, [one.key for one in candidates])
        await again.read(self._reader())
        return again

    async def _keep(self, judged: Sequence[Judged], seen: Spill) -> None:
        found = [one.found for one in judged if one.found is not None]
        for start in range(0, len(found), 100):
            kept = await self.recorder.keep(self.listing, found[start : start + 100])
            self._kinds.update(one.kind.value for one in kept)
            self._learn(kept)
        for one in judged:
            if one.entry is None:
                continue
            is_expected = one.entry[ROLE_AT] == Role.EXPECTED
            self._verified += one.is_verified
            self._unjudged += is_expected and one.found is None and not one.is_verified
            seen.add((case_of(one.entry).bytes + (AS_IT_SHOULD if one.is_verified else IN_DOUBT),))

    def _learn(self, kept: Sequence[Found]) -> None:
        """Counts which comparison rules would make what differs the same."""
        for one in kept:
            comparison = self.listing.comparisons.get(one.message)
            fields = {} if comparison is None else {each.name: each for each in comparison.fields}
            for differing in one.differences if one.kind in _LEARNT_OF else ():
                if differing.name in fields:
                    self.offers.see(one.message, fields[differing.name], (differing.expected, differing.actual))

    async def _look_at_remapped(self, remapped: Spill) -> None:
        look = self._second_look(None, None, can_prove_absence=False)
        count = 0
        async for chunk in look.look_at_remapped(remapped.sorted()):
            found: list[Found] = [one.found for one in chunk if one.found is not None]
            count += len(found)
            kept = await self.recorder.keep(self.listing, found)
            self._kinds.update(one.kind.value for one in kept)
            if count >= REMAPPED_AT_MOST:
                return

    def _totals(
        self,
        counts: SideCounts,
        theirs: TheirSide,
        looked: FirstLook,
        doubts: Iterable[str],
        why: Implausible | None,
    ) -> ListingTotals:
        kinds = dict(self._kinds)
        if why is not None:
            kinds = {Kind.MISSING.value: looked.missing} if looked.missing else {}
        return ListingTotals(
            listing=self.listing.name,
            level=self.listing.level.value,
            expected=counts.expected,
            delivered=counts.delivered,
            read=theirs.read,
            outside=theirs.outside,
            verified=looked.verified + self._verified,
            returned=counts.returned,
            unjudged=counts.unjudged + self._unjudged,
            kinds=kinds,
            doubts=tuple(str(one) for one in (*doubts, *((why,) if why is not None else ()))),
        )

    def _our_side(self) -> OurSide:
        numbers, _ = numbered(self.listing)
        return OurSide(
            gate=self.gate,
            bundle=self.bundle,
            listing=self.listing,
            judging=self.judging,
            numbers=numbers,
        )

    def _their_side(self) -> TheirSide:
        _, comparisons = numbered(self.listing)
        return TheirSide(
            gate=self.gate,
            system=self.bundle.system,
            listing=self.listing,
            comparisons=comparisons,
            is_file=self.query is not None and self.query.paging.by == "file",
        )

    def _spills(self, their_size: int) -> tuple[Spill, Spill, Spill, Spill]:
        return (
            Spill(self.folder, "ours", size=OUR_SIZE),
            Spill(self.folder, "theirs", size=their_size),
            Spill(self.folder, "seen", size=SEEN_SIZE),
            Spill(self.folder, "remapped", size=REMAPPED_SIZE),
        )


def numbered(listing: ReadListing) -> tuple[dict[str, int], list[Comparison]]:
    """By message the number of its comparison, and the comparisons by number; equal ones share a number."""
    comparisons: list[Comparison] = []
    numbers: dict[str, int] = {}
    for message in listing.messages:
        comparison = listing.comparisons.get(message) if listing.level is Level.FIELDS else None
        if comparison is None:
            numbers[message] = 0
            continue
        if comparison not in comparisons:
            comparisons.append(comparison)
        numbers[message] = comparisons.index(comparison)
    return numbers, comparisons


def is_judged_now(tx: Tx, row: Discrepancy, judging: Judging) -> bool:
    """Whether what a discrepancy is about is judged now, so that not to see it says something."""
    if row.case_id is None:
        return True
    rows = [held_row(delivery) for delivery in tx.deliveries(row.case_id, row.system)]
    return is_judged(rows, judging, message=row.message, part=row.part)


def _wholly_seen(notes: Iterable[bytes]) -> Iterator[UUID]:
    """The cases of which everything that was judged is as it should be."""
    case, is_whole = b"", False
    for note in notes:
        if not note.startswith(case) or not case:
            if is_whole:
                yield UUID(bytes=case)
            case, is_whole = note[:CASE_SIZE], True
        is_whole = is_whole and note.endswith(AS_IT_SHOULD)
    if is_whole:
        yield UUID(bytes=case)
