"""The asynchronous face of the store: one thread commits, in one go, whatever steps wait."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

from syncgate.domain.errors import StoreUnavailable
from syncgate.ports.store import Step, Store

T = TypeVar("T")


class _Waiting(NamedTuple):
    step: Step[Any]
    result: asyncio.Future[Any]


class GroupWriter:
    """Groups the steps that wait into one commit, without adding a delay.

    While a commit is under way new steps gather; the next commit takes them all, up to `batch_limit`. More than
    `queue_limit` steps under way make `write` wait for its turn. It belongs to one event loop. A caller that is
    cancelled does not take its step back.
    """

    def __init__(
        self, store: Store, *, batch_limit: int = 256, queue_limit: int = 4096, readers_count: int = 4
    ) -> None:
        self._store = store
        self._batch_limit = batch_limit
        self._places = asyncio.Semaphore(queue_limit)
        self._waiting: deque[_Waiting] = deque()
        self._wakes = threading.Condition()
        self._is_closed = False
        self._is_taking = True
        self._loop: asyncio.AbstractEventLoop | None = None
        self._readers = ThreadPoolExecutor(readers_count, thread_name_prefix="store-read")
        self._thread = threading.Thread(target=self._work, name="store-write", daemon=True)
        self._thread.start()

    async def write(self, step: Step[T]) -> T:
        """The step's result once it is durable; raises what the step raised.

        Raises:
            StoreUnavailable: nothing of it was stored. CommitUnknown: it may be stored.
        """
        async with self._places:
            loop = asyncio.get_running_loop()
            result: asyncio.Future[T] = loop.create_future()
            self._enqueue(_Waiting(step, result), loop)
            return await result

    async def read(self, step: Step[T]) -> T:
        """The step's result, read beside the writing."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._store.read, step)

    @property
    def is_taking(self) -> bool:
        """Whether the last commit went through; false while the disk is full, say."""
        return self._is_taking and not self._is_closed

    def close(self) -> None:
        """Commits what waits, then stops. Later writes are refused; the store stays open."""
        with self._wakes:
            self._is_closed = True
            self._wakes.notify()
        self._thread.join()
        self._readers.shutdown()

    async def aclose(self) -> None:
        """Closes without blocking the loop, so that those who wait get their results."""
        await asyncio.to_thread(self.close)

    def _enqueue(self, waiting: _Waiting, loop: asyncio.AbstractEventLoop) -> None:
        with self._wakes:
            if self._is_closed:
                raise StoreUnavailable("expected an open store, got one that is closing")
            self._loop = loop
            self._waiting.append(waiting)
            if len(self._waiting) == 1:
                self._wakes.notify()

    def _work(self) -> None:
        while batch := self._next_batch():
            results = self._commit([waiting.step for waiting in batch])
            self._hand_over(batch, results)

    def _next_batch(self) -> list[_Waiting]:
        """What waits; empty once closed and drained."""
        with self._wakes:
            while not self._waiting and not self._is_closed:
                self._wakes.wait()
            count = min(len(self._waiting), self._batch_limit)
            return [self._waiting.popleft() for _ in range(count)]

    def _commit(self, steps: Sequence[Step[Any]]) -> list[Any]:
        """The steps' results; a commit that failed as a whole is each step's own error."""
        try:
            results = self._store.write(steps)
        except StoreUnavailable as error:
            self._is_taking = False
            return [type(error)(error.message) for _ in steps]
        except Exception as error:  # the thread outlives a defect: whoever waits must hear of it
            return [error for _ in steps]
        self._is_taking = True
        return results

    def _hand_over(self, batch: Sequence[_Waiting], results: Sequence[Any]) -> None:
        """Wakes all callers of the batch with one call into the loop."""
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(_resolve, batch, results)
        except RuntimeError:  # the loop is closed: nobody waits any more
            return


def _resolve(batch: Sequence[_Waiting], results: Sequence[Any]) -> None:
    for waiting, result in zip(batch, results, strict=True):
        if waiting.result.done():
            continue
        if isinstance(result, Exception):
            waiting.result.set_exception(result)
        else:
            waiting.result.set_result(result)
