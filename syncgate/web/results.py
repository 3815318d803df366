"""The lines of a batch that are under way: side by side within bounds, results in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

Keys = frozenset[tuple[str, str]]
"""Numbers, (system, number), by which lines may mean the same case."""
Work = Callable[[], Awaitable[bytes]]


class ResultQueue:
    """Runs pieces of work side by side, those that share a key one after another; gives results in order.

    It is bounded three ways: pieces of work under way, bytes of what they work on, bytes of results that nobody
    took yet. Where a bound is reached, `put` waits.
    """

    def __init__(self, *, lines_limit: int, bytes_limit: int, results_limit: int) -> None:
        """Args: the bounds; a single piece of work may exceed `bytes_limit`."""
        self._limits = (lines_limit, bytes_limit, results_limit)
        self._tasks: deque[asyncio.Task[bytes]] = deque()
        self._last_by_key: dict[tuple[str, str], asyncio.Task[bytes]] = {}
        self._count = self._bytes = self._held = 0
        self._room = asyncio.Event()
        self._news = asyncio.Event()
        self._is_closed = False

    async def put(self, work: Work, *, size: int, keys: Keys) -> None:
        """Begins a piece of work once there is room, behind those that share a key with it."""
        while not self._has_room(size):
            self._room.clear()
            await self._room.wait()
        before = {self._last_by_key[key] for key in keys if key in self._last_by_key}
        task = asyncio.create_task(_after(before, work))
        self._last_by_key |= dict.fromkeys(keys, task)
        self._count += 1
        self._bytes += size
        self._tasks.append(task)
        task.add_done_callback(lambda done: self._finished(done, size, keys))
        self._news.set()

    def close(self) -> None:
        """Notes that nothing more is put."""
        self._is_closed = True
        self._news.set()

    async def next(self) -> bytes:
        """The next results, all that are there, at least one; empty at the end."""
        while True:
            while not self._tasks:
                if self._is_closed:
                    return b""
                self._news.clear()
                await self._news.wait()
            await self._tasks[0]
            results: list[bytes] = []
            while self._tasks and self._tasks[0].done():
                results.append(self._tasks.popleft().result())
            if any(results):
                return b"".join(results)

    def sent(self, results: bytes) -> None:
        """Notes that these results are gone."""
        self._held -= len(results)
        self._room.set()

    def abandon(self) -> None:
        """Cancels what was not finished; what a piece of work has already handed to the store is committed."""
        for task in self._tasks:
            task.cancel()

    def _has_room(self, size: int) -> bool:
        lines_limit, bytes_limit, results_limit = self._limits
        fits = self._count == 0 or (self._count < lines_limit and self._bytes + size <= bytes_limit)
        return fits and self._held < results_limit

    def _finished(self, task: asyncio.Task[bytes], size: int, keys: Keys) -> None:
        for key in keys:
            if self._last_by_key.get(key) is task:
                del self._last_by_key[key]
        self._count -= 1
        self._bytes -= size
        self._held += 0 if task.cancelled() else len(task.result())
        self._room.set()


async def _after(before: set[asyncio.Task[bytes]], work: Work) -> bytes:
    if before:
        await asyncio.wait(before)
    return await work()
