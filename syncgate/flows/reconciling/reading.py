"""Reading a listing: page by page, asked again where that may help, looked at with suspicion."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final, TypeVar

from syncgate.domain.reconciliation.plausibility import Doubt, PageWatch
from syncgate.flows.reconciling.pacing import Pace
from syncgate.ports import Listing, Page, Query, Unread

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

        While a page is worked on the next one is asked for: a system is asked one thing at a time, and rarely waits.

        Args:
            watch: told of every page.
            refs: what tells the records of a page apart.
        """
        page = await self._page(None)
        while not isinstance(page, Unread):
            goes_on = watch.see(refs(page.records), following=page.following, total=page.total)
            following = asyncio.create_task(self._page(page.following)) if goes_on else None
            try:
                yield page
                await self.on_page(len(page.records))
            except BaseException:
                if following is not None:
                    following.cancel()
                raise
            if following is None:
                return
            page = await following
        watch.doubt(_DOUBT_BY_REASON[page.reason])

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
