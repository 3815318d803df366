"""A listing is read page after page, the next asked for while one is worked on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from syncgate.domain.reconciliation.plausibility import Doubt, PageWatch
from syncgate.flows.reconciling.pacing import Pace
from syncgate.flows.reconciling.progress import Stopped
from syncgate.flows.reconciling.reading import Reader
from syncgate.ports import Page, Paging, Query, Unread

pytestmark = pytest.mark.anyio
NO_LIMIT: Any = SimpleNamespace(limits=SimpleNamespace(rate=None))


@dataclass
class Pages:
    """Lists pages of one record; asked beyond the last one it cannot be had."""

    count: int
    asked: list[str | None] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    cancelled: int = 0
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def list_page(self, query: Query, following: str | None) -> Page | Unread:
        self.asked.append(following)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.may_answer.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.at_once -= 1
        no = int(following or "1")
        if no > self.count:
            return Unread(reason="denied", words="no")
        return Page(records=[{"no": no}], following=str(no + 1))


def a_reader(source: Any, told: list[int], *, stops_after: int = 100) -> Reader:
    async def on_page(records: int) -> None:
        told.append(records)
        if len(told) >= stops_after:
            raise Stopped

    query = Query(operation="list", paging=Paging(by="cursor"))
    return Reader(source=source, query=query, pace=Pace(NO_LIMIT, NO_LIMIT), waits=(), on_page=on_page)


def refs(records: Sequence[Any]) -> list[str]:
    return [str(one["no"]) for one in records]


async def test_the_next_page_is_asked_for_while_one_is_worked_on_and_never_two_at_a_time() -> None:
    source, told = Pages(3), []  # type: ignore[var-annotated]
    source.may_answer.set()
    watch, seen = PageWatch(by="cursor"), []
    async for page in a_reader(source, told).pages(watch, refs):
        seen.append(page.records[0]["no"])
        await asyncio.sleep(0)
        assert source.asked[-1] == str(page.records[0]["no"] + 1)
    assert seen == [1, 2, 3]
    assert source.asked == [None, "2", "3", "4"]
    assert source.most_at_once == 1
    assert told == [1, 1, 1]
    assert watch.end() == (Doubt.UNAVAILABLE,)


@pytest.mark.parametrize("ends", ["stopped", "closed"])
async def test_a_reading_that_ends_early_leaves_no_question_behind(ends: str) -> None:
    source, told = Pages(3), []  # type: ignore[var-annotated]
    source.may_answer.set()
    reader = a_reader(source, told, stops_after=1)
    async with aclosing(reader.pages(PageWatch(by="cursor"), refs)) as pages:  # type: ignore[type-var]
        await anext(pages)
        source.may_answer.clear()
        await asyncio.sleep(0)
        assert source.asked == [None, "2"]
        if ends == "stopped":
            with pytest.raises(Stopped):
                await anext(pages)
    await asyncio.sleep(0)
    assert (source.cancelled, source.at_once) == (1, 0)
