"""The group writer: one commit for all that waits, one wake-up for all of them, nothing lost at the end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from syncgate.domain.errors import CommitUnknown, NotFound, StoreUnavailable
from syncgate.ports.store import Step
from syncgate.storage.writer import GroupWriter

WAIT = 10


class FakeStore:
    """Runs steps without a transaction, notes the size of each commit, and can be held up."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.failure: Exception | None = None

    def write(self, steps: Sequence[Step[Any]]) -> list[Any]:
        assert self.gate.wait(WAIT)
        self.batches.append(len(steps))
        if self.failure is not None:
            raise self.failure
        return [result_of(step) for step in steps]

    def read(self, step: Step[Any]) -> Any:
        return step(None)  # type: ignore[arg-type]

    def close(self) -> None:
        return


def result_of(step: Step[Any]) -> Any:
    try:
        return step(None)  # type: ignore[arg-type]
    except Exception as error:
        return error


def giving(value: Any) -> Callable[[Any], Any]:
    return lambda tx: value


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_what_waits_is_committed_together() -> None:
    async def main() -> None:
        store = FakeStore()
        writer = GroupWriter(store)
        store.gate.clear()
        tasks = [asyncio.create_task(writer.write(giving(0)))]
        await asyncio.sleep(0.05)
        tasks += [asyncio.create_task(writer.write(giving(no))) for no in range(1, 30)]
        await settled()
        store.gate.set()
        assert await asyncio.gather(*tasks) == list(range(30))
        assert store.batches == [1, 29]
        await writer.aclose()

    asyncio.run(main())


def test_a_batch_is_bounded() -> None:
    async def main() -> None:
        store = FakeStore()
        writer = GroupWriter(store, batch_limit=10)
        store.gate.clear()
        tasks = [asyncio.create_task(writer.write(giving(no))) for no in range(35)]
        await settled()
        store.gate.set()
        assert await asyncio.gather(*tasks) == list(range(35))
        assert max(store.batches) == 10
        await writer.aclose()

    asyncio.run(main())


def test_a_full_queue_makes_writers_wait() -> None:
    async def main() -> None:
        store = FakeStore()
        writer = GroupWriter(store, queue_limit=5)
        store.gate.clear()
        tasks = [asyncio.create_task(writer.write(giving(no))) for no in range(12)]
        await settled()
        assert len(writer._waiting) <= 5
        store.gate.set()
        assert await asyncio.gather(*tasks) == list(range(12))
        assert max(store.batches) <= 5
        await writer.aclose()

    asyncio.run(main())


def test_what_a_step_raises_reaches_its_caller_only() -> None:
    def fails(tx: Any) -> None:
        raise NotFound("expected one, got none")

    async def main() -> None:
        writer = GroupWriter(FakeStore())
        results = await asyncio.gather(writer.write(fails), writer.write(giving(1)), return_exceptions=True)
        assert isinstance(results[0], NotFound)
        assert results[1] == 1
        await writer.aclose()

    asyncio.run(main())


@pytest.mark.parametrize("failure", [StoreUnavailable("gone"), CommitUnknown("lost"), ZeroDivisionError()])
def test_a_failed_commit_reaches_every_caller_and_the_writer_lives_on(failure: Exception) -> None:
    async def main() -> None:
        store = FakeStore()
        writer = GroupWriter(store)
        store.failure = failure
        results = await asyncio.gather(*(writer.write(giving(no)) for no in range(3)), return_exceptions=True)
        assert {type(result) for result in results} == {type(failure)}
        store.failure = None
        assert await writer.write(giving(7)) == 7
        await writer.aclose()

    asyncio.run(main())


def test_a_cancelled_caller_does_not_take_its_step_back() -> None:
    done: list[int] = []

    async def main() -> None:
        store = FakeStore()
        writer = GroupWriter(store)
        store.gate.clear()
        task = asyncio.create_task(writer.write(lambda tx: done.append(1)))
        await settled()
        task.cancel()
        await settled()
        store.gate.set()
        assert await writer.write(giving(2)) == 2
        await writer.aclose()

    asyncio.run(main())
    assert done == [1]


def test_closing_commits_what_waits_and_refuses_what_comes() -> None:
    async def main() -> None:
        store = FakeStore()
        writer = GroupWriter(store)
        store.gate.clear()
        tasks = [asyncio.create_task(writer.write(giving(no))) for no in range(5)]
        await settled()
        closing = asyncio.create_task(writer.aclose())
        await asyncio.sleep(0.02)
        store.gate.set()
        await closing
        assert await asyncio.gather(*tasks) == list(range(5))
        with pytest.raises(StoreUnavailable):
            await writer.write(giving(6))

    asyncio.run(main())


def test_reads_go_beside_the_writing() -> None:
    async def main() -> None:
        store = FakeStore()
        writer = GroupWriter(store)
        store.gate.clear()
        write = asyncio.create_task(writer.write(giving(1)))
        assert await writer.read(giving("read")) == "read"
        store.gate.set()
        assert await write == 1
        await writer.aclose()

    asyncio.run(main())
