"""Periodic work runs again after a failure, and never twice at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from syncgate.schedule import Job, scheduler


def test_a_job_that_fails_runs_again_and_never_beside_itself() -> None:
    runs: list[int] = []
    under_way: list[int] = []

    async def job() -> None:
        under_way.append(1)
        assert len(under_way) == 1
        runs.append(1)
        await asyncio.sleep(0.03)
        under_way.pop()
        if len(runs) == 1:
            raise RuntimeError

    async def run() -> None:
        made = scheduler([Job("probe", timedelta(milliseconds=10), job)])
        made.start()
        for _ in range(500):
            await asyncio.sleep(0.01)
            if len(runs) >= 3:
                break
        made.shutdown(wait=False)

    asyncio.run(run())
    assert len(runs) >= 3
