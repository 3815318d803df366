"""Lines under way: side by side within bounds, results in order, those of one case one after another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from syncgate.web.results import Keys, ResultQueue

NONE: Keys = frozenset()


def key(number: str) -> Keys:
    return frozenset({("window", number)})


class Works:
    """Pieces of work that end when told."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}

    def of(self, name: str, result: bytes | None = None) -> Callable[[], Awaitable[bytes]]:
        self._ends[name] = asyncio.Event()

        async def work() -> bytes:
            self.begun.append(name)
            await self._ends[name].wait()
            return name.encode() if result is None else result

        return work

    async def end(self, *names: str) -> None:
        for name in names:
            self._ends[name].set()
        await settle()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def queue(*, lines: int = 3, size: int = 100, results: int = 100) -> ResultQueue:
    return ResultQueue(lines_limit=lines, bytes_limit=size, results_limit=results)


def run(test: Callable[[], Any]) -> None:
    asyncio.run(asyncio.wait_for(test(), 10))


def test_results_come_in_order_whatever_ends_first() -> None:
    async def test() -> None:
        works, results = Works(), queue()
        for name in "abc":
            await results.put(works.of(name), size=1, keys=NONE)
        results.close()
        await works.end("c", "b")
        waiting = asyncio.create_task(results.next())
        await settle()
        assert not waiting.done()
        await works.end("a")
        assert (await waiting, await results.next()) == (b"abc", b"")

    run(test)


def test_lines_that_share_a_number_follow_one_another_and_hold_up_no_other() -> None:
    async def test() -> None:
        works, results = Works(), queue(lines=10)
        keys = {"a": key("1"), "b": key("1") | key("2"), "c": key("2"), "d": key("3")}
        for name, its in keys.items():
            await results.put(works.of(name), size=1, keys=its)
        await settle()
        assert works.begun == ["a", "d"]
        await works.end("a")
        assert works.begun == ["a", "d", "b"]
        await works.end("b", "d")
        assert works.begun == ["a", "d", "b", "c"]
        await works.end("c")
        assert await results.next() == b"abcd"

    run(test)


def test_no_more_is_begun_than_the_bounds_admit() -> None:
    async def test() -> None:
        for bounds, size in (({"lines": 2}, 1), ({"size": 20}, 10)):
            works, results = Works(), queue(**bounds)
            for name in "ab":
                await results.put(works.of(name), size=size, keys=NONE)
            putting = asyncio.create_task(results.put(works.of("c"), size=size, keys=NONE))
            await settle()
            assert works.begun == ["a", "b"]
            await works.end("b")
            await putting
            await settle()
            assert works.begun == ["a", "b", "c"]
            results.abandon()

    run(test)


def test_one_line_may_be_larger_than_the_bound_alone() -> None:
    async def test() -> None:
        works, results = Works(), queue(size=5)
        await results.put(works.of("a"), size=50, keys=NONE)
        putting = asyncio.create_task(results.put(works.of("b"), size=1, keys=NONE))
        await settle()
        assert works.begun == ["a"]
        await works.end("a")
        await putting
        results.abandon()

    run(test)


def test_unread_results_stop_the_reading_until_they_are_gone() -> None:
    async def test() -> None:
        works, results = Works(), queue(results=10)
        await results.put(works.of("a", b"x" * 10), size=1, keys=NONE)
        await works.end("a")
        putting = asyncio.create_task(results.put(works.of("b"), size=1, keys=NONE))
        await settle()
        taken = await results.next()
        await settle()
        assert works.begun == ["a"] and not putting.done()
        results.sent(taken)
        await putting
        await settle()
        assert works.begun == ["a", "b"]
        results.abandon()

    run(test)


def test_nothing_is_remembered_of_what_is_over() -> None:
    async def test() -> None:
        results = queue(lines=2)
        for no in range(1000):
            works = Works()
            await results.put(works.of("a"), size=1, keys=key(str(no)))
            await works.end("a")
            results.sent(await results.next())
        assert (results._last_by_key, len(results._tasks), results._count, results._held) == ({}, 0, 0, 0)

    run(test)
