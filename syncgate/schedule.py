"""Periodic work of one process: what runs, how often, and never twice at once; some of it once over all processes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

from syncgate.domain.errors import SyncgateError
from syncgate.domain.reconciliation.due import Rhythm
from syncgate.flows.delivering.defects import place_of
from syncgate.ports import Tx, Writer

log = structlog.get_logger("syncgate.schedule")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MISFIRE_GRACE = timedelta(seconds=60)
"""How late a run may begin; APScheduler's own second would skip runs of a busy process."""


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do every so often. A run that fails is logged, and the next one comes all the same.

    is_once: whether one process does a tick for all of them.
    """

    name: str
    every: timedelta
    run: Callable[[], Awaitable[object]]
    is_once: bool = False


class StoredTicks:
    """Ticks that processes share: whoever claims one first runs it, for all of them."""

    def __init__(self, writer: Writer, *, by: str) -> None:
        """Args: by: names this process."""
        self._writer = writer
        self._by = by

    async def run(self, job: Job) -> None:
        """Runs the job if its tick of now is this process's; notes how it ended."""
        slot = await self._writer.write(lambda tx: self._claimed(tx, job))
        if slot is None:
            return
        outcome = "failed"
        try:
            await job.run()
            outcome = "done"
        finally:
            await self._writer.write(lambda tx: tx.end_run(job.name, slot, by=self._by, outcome=outcome))

    def _claimed(self, tx: Tx, job: Job) -> str | None:
        slot = slot_of(tx.now, job.every)
        return slot if tx.claim_run(job.name, slot, by=self._by, until=tx.now + job.every) else None


def slot_of(now: datetime, every: timedelta) -> str:
    """The name of the tick that a time belongs to: when it began, in UTC, the same in every process."""
    return (now - (now - EPOCH) % every).isoformat()


def scheduler(jobs: list[Job], ticks: StoredTicks | None = None) -> AsyncIOScheduler:
    """A scheduler of these jobs for the running event loop, not yet started. Missed runs become one.

    Args:
        jobs: what to do.
        ticks: shares the jobs that are `is_once`; None where this process is alone.
    """
    made = AsyncIOScheduler(
        jobstores={"default": MemoryJobStore()},
        executors={"default": AsyncIOExecutor()},
        job_defaults={
            "coalesce": True,
            "max_instances": 1,
            "misfire_grace_time": int(MISFIRE_GRACE.total_seconds()),
        },
        timezone=UTC,
    )
    for job in jobs:
        trigger = IntervalTrigger(seconds=job.every.total_seconds(), timezone=UTC)
        made.add_job(_guarded, trigger, args=[job, ticks], id=job.name, name=job.name)
    return made


class DueTrigger(BaseTrigger):  # type: ignore[misc]
    """The times of a rhythm, for APScheduler."""

    def __init__(self, rhythm: Rhythm) -> None:
        """Args: rhythm: how often, and when of the day."""
        self._rhythm = rhythm

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """The first of the times after the last one that was fired, or after now."""
        return self._rhythm.following(previous_fire_time or now)


class Timetable:
    """What is done at times of its own, by name; renewed as the rhythms change."""

    def __init__(
        self,
        made: AsyncIOScheduler,
        *,
        rhythms: Callable[[], Mapping[str, Rhythm]],
        run: Callable[[str], Awaitable[object]],
    ) -> None:
        """Args: made: runs it. rhythms: what is to be done now, by name; run: does it, by name."""
        self._scheduler = made
        self._rhythms = rhythms
        self._run = run
        self._set: dict[str, str] = {}

    def renew(self) -> None:
        """Sets the times of what is new or has another rhythm, and forgets what is gone."""
        wanted = dict(self._rhythms())
        for name in self._set.keys() - wanted.keys():
            self._scheduler.remove_job(_job_id(name))
            del self._set[name]
        for name, rhythm in wanted.items():
            if self._set.get(name) != rhythm.words:
                self._put(name, rhythm)

    def _put(self, name: str, rhythm: Rhythm) -> None:
        job = Job(_job_id(name), rhythm.every, lambda: self._run(name))
        self._scheduler.add_job(
            _guarded, DueTrigger(rhythm), args=[job, None], id=job.name, name=job.name, replace_existing=True
        )
        self._set[name] = rhythm.words


def _job_id(name: str) -> str:
    return f"due:{name}"


async def _guarded(job: Job, ticks: StoredTicks | None) -> None:
    try:
        await (ticks.run(job) if ticks is not None and job.is_once else job.run())
    except SyncgateError as error:
        log.warning("job_failed", kind=job.name, code=error.code, reason=error.message)
    except Exception as error:
        log.error("job_broke", kind=job.name, error=type(error).__name__, at=place_of(error))
