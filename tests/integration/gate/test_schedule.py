"""Periodic work runs again after a failure, and never twice at once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from syncgate.domain.reconciliation.due import Rhythm
from syncgate.schedule import Job, Timetable, scheduler


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


def test_what_has_times_of_its_own_is_done_at_them_and_no_more_once_it_has_none() -> None:
    rhythms: dict[str, Rhythm] = {"food": Rhythm(every=timedelta(seconds=1)), "far": Rhythm(every=timedelta(days=9999))}
    done: list[tuple[str, datetime]] = []

    async def note(name: str) -> None:
        done.append((name, datetime.now(UTC)))

    async def run() -> None:
        made = scheduler([])
        timetable = Timetable(made, rhythms=lambda: rhythms, run=note)
        timetable.renew()
        made.start()
        await asyncio.sleep(2.5)
        timetable.renew()
        seen = len(done)
        assert seen >= 2
        del rhythms["food"]
        timetable.renew()
        await asyncio.sleep(1.2)
        assert len(done) == seen
        assert [job.id for job in made.get_jobs()] == ["due:far"]
        rhythms["far"] = Rhythm(every=timedelta(seconds=1))
        timetable.renew()
        await asyncio.sleep(1.5)
        made.shutdown(wait=False)

    asyncio.run(run())
    assert [name for name, _ in done][-1] == "far"
    assert len({at.replace(microsecond=0) for _, at in done}) == len(done)
