"""Reading a listing: page by page, asked again where that may help, looked at with suspicion."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from hashlib import blake2b
from typing import Any, Final, TypeVar

import orjson

from syncgate.domain.reconciliation.comparison import Comparison
from syncgate.domain.reconciliation.join import NO_REF
from syncgate.domain.reconciliation.plausibility import Doubt, PageWatch
from syncgate.flows.gate import Gate
from syncgate.flows.reconciling.marks import NOTHING, content_mac, key_mac
from syncgate.flows.reconciling.pacing import Pace
from syncgate.ports import Listing, Page, Query, Unread
from syncgate.site.readback import ReadListing

Json = Any
T = TypeVar("T")
LONGEST_WAIT: Final = timedelta(seconds=10)
ASKED_AGAIN: Final = 4
"""How often a page is asked for again that could not be had."""
UNREADABLE_AGAIN: Final = 1
"""How often one is that was no list."""
_DOUBT_BY_REASON: Final = {
    "unavailable": Doubt.UNAVAILABLE,
    "throttled": Doubt.UNAVAILABLE,
    "denied": Doubt.UNAVAILABLE,
    "unreadable": Doubt.UNREADABLE,
}


@dataclass(slots=True)
class Reader:
    """Reads one listing to its end, as often as it is asked to.

    Attributes:
        source: what lists.
        query: how.
        pace: lets the questions through; a file is asked nothing.
        waits: before a page is asked for again; the last repeats.
        on_page: told after every page; raises what ends the reading.
    """

    source: Listing
    query: Query
    pace: Pace
    waits: Sequence[timedelta]
    on_page: Callable[[int], Awaitable[None]]

    @property
    def is_file(self) -> bool:
        """Whether it reads a file, not a system."""
        return self.query.paging.by == "file"

    async def pages(self, watch: PageWatch, refs: Callable[[Sequence[Json]], Sequence[str]]) -> AsyncIterator[Page]:
        """Every page that could be had. What speaks against the listing is noted with `watch`.

        Args:
            watch: told of every page.
            refs: what tells the records of a page apart.
        """
        following: str | None = None
        while True:
            page = await self._page(following)
            if isinstance(page, Unread):
                watch.doubt(_DOUBT_BY_REASON[page.reason])
                return
            goes_on = watch.see(refs(page.records), following=page.following, total=page.total)
            yield page
            await self.on_page(len(page.records))
            if not goes_on:
                return
            following = page.following

    async def _page(self, following: str | None) -> Page | Unread:
        pace = None if self.is_file else self.pace
        return await asked_again(partial(self.source.list_page, self.query, following), pace=pace, waits=self.waits)


async def asked_again(
    ask: Callable[[], Awaitable[T | Unread]], *, pace: Pace | None, waits: Sequence[timedelta]
) -> T | Unread:
    """What a question brought, asked again a few times where that may help.

    Args:
        ask: asks once.
        pace: lets the questions through; None: the system is not asked.
        waits: before it is asked again; the last repeats.
    """
    asked = 0
    while True:
        if pace is not None:
            await pace.one()
        found = await ask()
        if not isinstance(found, Unread):
            return found
        asked += 1
        if asked > _again(found):
            return found
        await asyncio.sleep(_wait(found, asked, waits).total_seconds())


def _wait(unread: Unread, asked: int, waits: Sequence[timedelta]) -> timedelta:
    wait = waits[min(asked, len(waits)) - 1] if waits else timedelta(0)
    return min(max(wait, unread.retry_after or timedelta(0)), LONGEST_WAIT)


def _again(unread: Unread) -> int:
    match unread.reason:
        case "unavailable" | "throttled":
            return ASKED_AGAIN
        case "unreadable":
            return UNREADABLE_AGAIN
        case "denied":
            return 0


@dataclass(frozen=True, slots=True)
class Shown:
    """What one record shows of itself. ref: the system's own id of it. digest: of that, or of the key without one."""

    record: Json = field(repr=False)
    key: bytes
    ref: str | None
    text: str | None
    """The reference under which it is known, as it shows it; None where it bears none."""


@dataclass(slots=True)
class TheirSide:
    """Makes entries of a listing's records.

    Attributes:
        gate, system: whose.
        listing: as the active bundle declares it.
        comparisons: by number; a record has a digest for each, because it does not say whose message's it is.
        is_file: whether it comes from a file, which lists no record twice but by having it twice.
        read: records that are ours. outside: those that are not.
    """

    gate: Gate
    system: str
    listing: ReadListing
    comparisons: Sequence[Comparison]
    is_file: bool = False
    read: int = 0
    outside: int = 0

    @property
    def size(self) -> int:
        """Bytes of an entry: key 16, mac 16, ref 8, position 8, and 16 for each further comparison."""
        return 48 + 16 * max(0, len(self.comparisons) - 1)

    def refs(self, records: Sequence[Json]) -> list[str]:
        """What tells records apart, ours and others."""
        return [self._ref(record) for record in records]

    def _ref(self, record: Json) -> str:
        """One that is not ours may be of another sort, whose ids and keys mean something else: all of it tells."""
        listing = self.listing
        known = listing.remote_ref_of(record) or listing.key_of_record(record) if listing.is_ours(record) else None
        return known or blake2b(orjson.dumps(record), digest_size=16).hexdigest()

    def shown(self, record: Json) -> Shown | None:
        """What a record shows; None where it is not ours."""
        listing = self.listing
        if not listing.is_ours(record):
            return None
        text, ref = listing.key_of_record(record), listing.remote_ref_of(record)
        if text is not None:
            key = key_mac(self.gate.keyring, system=self.system, listing=listing.name, key=text)
        elif ref is not None:
            key = self.gate.keyring.mac("held_ref", self.system.encode(), listing.name.encode(), ref.encode())
        else:
            return None
        return Shown(record, key, ref, text)

    def entries(self, records: Sequence[Json]) -> list[bytes]:
        """The entries of a page; adds to the counts."""
        found = []
        for record in records:
            shown = self.shown(record)
            if shown is None:
                self.outside += 1
                continue
            self.read += 1
            first, *more = self.macs(record)
            digest = NO_REF if shown.ref is None or self.is_file else _ref_digest(shown.ref)
            found.append(b"".join((shown.key, first, digest, self.read.to_bytes(8, "big"), *more)))
        return found

    def macs(self, record: Json) -> list[bytes]:
        """The digests of what is compared of a record, under each comparison."""
        keyring, profile = self.gate.keyring, self.listing.profile
        found = [content_mac(keyring, profile=profile, content=one.of_record(record)) for one in self.comparisons]
        return found or [NOTHING]


def _ref_digest(ref: str) -> bytes:
    """Tells records of one key apart, within this process alone."""
    return (hash(ref) & 0xFFFF_FFFF_FFFF_FFFF or 1).to_bytes(8, "big")


def mac_of(entry: bytes, number: int) -> bytes:
    """The digest of an entry of theirs under the comparison of this number."""
    return entry[16:32] if number == 0 else entry[32 + 16 * number : 48 + 16 * number]
