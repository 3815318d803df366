"""Periodic work of one process: what runs, how often, and never twice at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, timedelta

import structlog
from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from syncgate.domain.errors import SyncgateError
from syncgate.flows.defects import place_of

log = structlog.get_logger("syncgate.schedule")
MISFIRE_GRACE = timedelta(seconds=60)
"""How late a run may begin; APScheduler's own second would skip runs of a busy process."""


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do every so often. A run that fails is logged, and the next one comes all the same."""

    name: str
    every: timedelta
    run: Callable[[], Awaitable[object]]


def scheduler(jobs: list[Job]) -> AsyncIOScheduler:
    """A scheduler of these jobs for the running event loop, not yet started. Missed runs become one."""
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
        made.add_job(_guarded, trigger, args=[job], id=job.name, name=job.name)
    return made


async def _guarded(job: Job) -> None:
    try:
        await job.run()
    except SyncgateError as error:
        log.warning("job_failed", kind=job.name, code=error.code, reason=error.message)
    except Exception as error:
        log.error("job_broke", kind=job.name, error=type(error).__name__, at=place_of(error))
