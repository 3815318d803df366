"""A polled front table: each row in once, flagged after the commit, whatever breaks in between."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from syncgate.domain.errors import SiteInvalid, StoreUnavailable
from syncgate.flows.gate import Gate
from syncgate.flows.taking_in.polling import Polled, poll
from syncgate.ports import CaseFilter, Unread
from syncgate.ports.fetching import Fetching, Ready, Settled
from syncgate.storage import SqlStore
from tests.integration.sources.polled import FrontTable, a_gate, arrivals, inbox, ready, source, wish
from tests.support.rows import SetClock

T = TypeVar("T")


class Killed(Exception):
    """The process is gone."""


@dataclass
class Struck:
    """The table, and a process that dies at a point."""

    inner: Fetching
    dies: str = ""
    pages: int = field(default=0)

    async def page(self, following: str | None) -> Ready | Unread:
        if self.dies == "before_fetch":
            raise Killed
        self.pages += 1
        return await self.inner.page(following)

    async def settle(self, settled: Sequence[Settled]) -> int | Unread:
        if self.dies == "after_commit_before_flag":
            raise Killed
        if self.dies == "in_flag":
            await self.inner.settle(settled[: len(settled) // 2])
            raise Killed
        noted = await self.inner.settle(settled)
        if self.dies == "after_flag":
            raise Killed
        return noted

    async def aclose(self) -> None:
        await self.inner.aclose()


@dataclass
class Street:
    gate: Gate
    table: FrontTable
    clock: SetClock
    loop: asyncio.AbstractEventLoop

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def poll(self, *, dies: str = "", **more: Any) -> Polled | None:
        async def act() -> Polled | None:
            fetching = Struck(inbox(self.table.path, self.clock, **more), dies)
            try:
                return await poll(self.gate, wish(), ready(fetching))
            finally:
                await fetching.aclose()

        self.clock.move(seconds=2)
        return self.run(act())

    def states(self) -> dict[str, int]:
        found = self.run(self.gate.writer.read(arrivals))
        return {state: sum(one.state is state for one in found) for state in {one.state for one in found}}

    def submissions_count(self) -> int:
        def step(tx: Any) -> int:
            cases = tx.list_cases(CaseFilter(), after=None, limit=10_000)
            return sum(len(tx.list_submissions(case.case_id)) for case in cases)

        return self.run(self.gate.writer.read(step))


@pytest.fixture
def street(store: SqlStore, clock: SetClock, tmp_path: Path) -> Iterator[Street]:
    table = FrontTable(tmp_path / "front.sqlite")
    loop = asyncio.new_event_loop()

    async def made() -> Gate:
        return a_gate(store, clock)

    gate = loop.run_until_complete(made())
    yield Street(gate, table, clock, loop)
    loop.run_until_complete(gate.writer.aclose())
    loop.close()


def test_every_row_is_taken_in_once_and_a_bad_one_is_held(street: Street) -> None:
    street.table.make(250)
    polled = street.poll()
    assert polled == Polled(taken=248, held=2, known=0, flagged=250)
    assert street.table.flags() == {1: 248, 2: 2}
    assert street.states() == {"taken": 248, "held": 2}
    assert street.poll() == Polled()
    assert street.submissions_count() == 248


@pytest.mark.parametrize("dies", ["before_fetch", "after_commit_before_flag", "in_flag", "after_flag"])
def test_a_process_that_dies_makes_nothing_double_and_loses_nothing(street: Street, dies: str) -> None:
    """The crash points: before the fetch, between commit and flag, amid the flags, behind them (promises 2 and 3)."""
    street.table.make(150)
    with pytest.raises(Killed):
        street.poll(dies=dies)
    left = street.table.flags().get(0, 0)
    assert left == {"before_fetch": 150, "after_commit_before_flag": 150, "in_flag": 100, "after_flag": 50}[dies]
    assert street.poll() is not None
    assert street.table.flags() == {1: 149, 2: 1}
    assert street.states() == {"taken": 149, "held": 1}
    assert street.submissions_count() == 149
    assert street.table.run("SELECT count(*), count(DISTINCT id) FROM flagged") == [(150, 150)]


def test_a_row_that_its_source_changes_comes_again_and_a_mended_one_takes_the_held_ones_place(street: Street) -> None:
    street.table.make(100)
    street.poll()
    street.table.run("UPDATE up_case SET place = '示例路改', version = 2, is_sync = 0 WHERE id = 1")
    street.table.run("UPDATE up_case SET channel = 'phone', version = 2, is_sync = 0 WHERE id = 100")
    assert street.poll() == Polled(taken=2, flagged=2)
    assert street.states() == {"taken": 100}
    street.table.run("UPDATE up_case SET place = '东示区示例路1号', version = 3, is_sync = 0 WHERE id = 1")
    assert street.poll() == Polled(taken=1, flagged=1), "what it says now is what it said at first, and is news again"


def test_a_row_that_changes_while_it_is_taken_in_keeps_its_flag(street: Street) -> None:
    """Otherwise what it says now would never be fetched (promise 3)."""
    street.table.make(10)

    class Meddling(Struck):
        async def settle(self, settled: Sequence[Settled]) -> int | Unread:
            street.table.run(
                "UPDATE up_case SET place = '示例路改', version = version + 1 WHERE id = 5 AND version = 1"
            )
            return await self.inner.settle(settled)

    async def act() -> Polled | None:
        fetching = Meddling(inbox(street.table.path, street.clock, changed_by="version"))
        found = await poll(street.gate, wish(), ready(fetching))
        await fetching.aclose()
        return found

    assert street.run(act()) == Polled(taken=10, flagged=9)
    assert street.table.flags() == {0: 1, 1: 9}
    assert street.poll(changed_by="version") == Polled(taken=1, flagged=1)


def test_a_source_is_polled_by_one_process_at_a_time_and_only_when_it_is_due(street: Street) -> None:
    street.table.make(10)

    async def act() -> list[Polled | None]:
        boxes = [inbox(street.table.path, street.clock) for _ in range(4)]
        found = await asyncio.gather(*(poll(street.gate, wish(), ready(box)) for box in boxes))
        for box in boxes:
            await box.aclose()
        return list(found)

    assert sorted(one is None for one in street.run(act())) == [False, True, True, True]
    street.table.run("UPDATE up_case SET place = 'x', is_sync = 0")
    assert street.run(act()) == [None] * 4, "it is not due yet"


def test_what_cannot_be_asked_is_tried_again_only_when_it_is_due(street: Street) -> None:
    """A secret that is missing: one warning for each poll, and no transaction between them."""
    tries: list[datetime] = []

    async def make() -> Fetching:
        tries.append(street.clock.at)
        raise SiteInvalid("expected a secret, got none")

    async def act() -> None:
        with pytest.raises(SiteInvalid):
            await poll(street.gate, wish(), make)
        assert await poll(street.gate, wish(), make) is None
        street.clock.move(seconds=1)
        with pytest.raises(SiteInvalid):
            await poll(street.gate, wish(), make)

    street.run(act())
    assert len(tries) == 2


def test_who_lost_the_turn_stores_nothing_of_it_and_the_other_goes_on(street: Street) -> None:
    """A process that was only slow: its lease ended, and another one polls the source."""
    street.table.make(150)

    class Slow(Struck):
        async def settle(self, settled: Sequence[Settled]) -> int | Unread:
            street.clock.move(seconds=120)
            other = inbox(street.table.path, street.clock)
            await poll(street.gate, wish(), ready(other))
            await other.aclose()
            return await self.inner.settle(settled)

    async def act() -> None:
        slow = Slow(inbox(street.table.path, street.clock))
        with pytest.raises(StoreUnavailable):
            await poll(street.gate, wish(), ready(slow))
        await slow.aclose()

    street.run(act())
    assert street.table.flags() == {1: 149, 2: 1}
    assert street.submissions_count() == 149


def test_a_table_that_cannot_be_read_is_told_and_asked_again(street: Street) -> None:
    street.table.make(1)
    street.table.run("ALTER TABLE up_case RENAME TO elsewhere")
    polled = street.poll()
    assert polled is not None and polled.unread
    street.table.run("ALTER TABLE elsewhere RENAME TO up_case")
    assert street.poll() == Polled(taken=1, flagged=1)


def test_a_held_row_is_not_taken_in_by_a_poll_of_the_same_content(street: Street) -> None:
    street.table.make(100)
    street.poll()
    street.table.run("UPDATE up_case SET is_sync = 0 WHERE id = 100")
    street.gate.inbound["street"] = source("fax")
    assert street.poll() == Polled(known=1, flagged=1)
    assert street.states() == {"taken": 99, "held": 1}, "a person replays it"


def test_the_time_of_the_next_poll_is_kept(street: Street) -> None:
    street.table.make(1)
    street.poll()
    run = street.run(street.gate.writer.read(lambda tx: tx.run("poll", "street")))
    assert run is not None and run.lease_until is None
    assert run.detail["taken"] == 1 and run.detail["due_at"] == (street.clock.now() + timedelta(seconds=1)).isoformat()
