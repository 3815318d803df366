"""Runs: scheduled work that one process claims for all, and long work that any process goes on with."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, null, select, update

from syncgate.domain.rows import Run
from syncgate.storage.statement import Shape, Statement, given
from syncgate.storage.tables import runs
from syncgate.storage.upsert import insert_or_keep
from syncgate.storage.work import Work

RUN = Shape(runs, Run)
KEPT_FOR: Final = timedelta(days=90)
"""How long the ticks of a job are remembered."""

INSERT_RUN = insert_or_keep(runs, keys=("job", "slot"))
_this = (runs.c.job == given("of_job", runs.c.job), runs.c.slot == given("of_slot", runs.c.slot))
_by = given("new_by", runs.c.claimed_by)
_at = given("at", runs.c.claimed_at)
TAKE_OVER_RUN = Statement(
    update(runs)
    .where(*_this, runs.c.ended_at.is_(null()), runs.c.lease_until <= _at)
    .values(claimed_by=_by, claimed_at=_at, lease_until=given("new_until", runs.c.lease_until))
)
END_RUN = Statement(
    update(runs)
    .where(*_this, runs.c.claimed_by == _by, runs.c.ended_at.is_(null()))
    .values(ended_at=_at, lease_until=null(), outcome=given("new_outcome", runs.c.outcome))
)
_named = (runs.c.job == given("job", runs.c.job), runs.c.slot == given("slot", runs.c.slot))
RUN_BY_NAME = Statement(select(runs).where(*_named))
LOCKED_RUN = Statement(select(runs).where(*_named).with_for_update())
NEW_RUN = Statement(RUN.insert())
SAVE_RUN = Statement(RUN.update(keeping=("job", "slot")).where(*_named))
FORGET_RUNS = Statement(delete(runs).where(_this[0], runs.c.claimed_at < given("before", runs.c.claimed_at)))

FORGET_ENDED = Statement(
    delete(runs).where(_this[0], runs.c.ended_at.is_not(null()), runs.c.claimed_at < given("before", runs.c.claimed_at))
)


class RunRows:
    """Runs of one transaction."""

    _work: Work

    def claim_run(self, job: str, slot: str, *, by: str, until: datetime) -> bool:
        now = self._work.now
        row = {"job": job, "slot": slot, "claimed_by": by, "claimed_at": now, "lease_until": until}
        if self._work.run(INSERT_RUN, row | {"cursor": None, "ended_at": None, "outcome": "", "detail": {}}):
            self._work.run(FORGET_RUNS, {"of_job": job, "before": now - KEPT_FOR})
            return True
        params = {"of_job": job, "of_slot": slot, "new_by": by, "new_until": until, "at": now}
        return self._work.run(TAKE_OVER_RUN, params) == 1

    def insert_run(self, run: Run) -> None:
        self._work.run(NEW_RUN, RUN.params(run))
        self._work.run(FORGET_ENDED, {"of_job": run.job, "before": self._work.now - KEPT_FOR})

    def run(self, job: str, slot: str, *, lock: bool = False) -> Run | None:
        record = self._work.one(LOCKED_RUN if lock else RUN_BY_NAME, job=job, slot=slot)
        return None if record is None else RUN.row(record)

    def save_run(self, run: Run) -> None:
        self._work.run(SAVE_RUN, RUN.params(run))

    def list_runs(self, job: str, *, limit: int, is_open: bool = False) -> list[Run]:
        found = select(runs).where(runs.c.job == job).order_by(runs.c.slot.desc()).limit(limit)
        return RUN.rows(self._work.all(Statement(found.where(runs.c.ended_at.is_(null())) if is_open else found)))

    def page_runs(
        self,
        jobs: Collection[str],
        *,
        after: tuple[str, str] | None,
        limit: int,
        outcomes: Collection[str] | None = None,
        is_open: bool = False,
    ) -> list[Run]:
        found = select(runs).where(runs.c.job.in_(jobs)).order_by(runs.c.slot.desc(), runs.c.job).limit(limit)
        if after is not None:
            job, slot = after
            found = found.where((runs.c.slot < slot) | ((runs.c.slot == slot) & (runs.c.job > job)))
        if outcomes is not None:
            found = found.where(runs.c.ended_at.is_not(null()), runs.c.outcome.in_(outcomes))
        if is_open:
            found = found.where(runs.c.ended_at.is_(null()))
        return RUN.rows(self._work.all(Statement(found)))

    def count_runs(self, jobs: Collection[str]) -> dict[tuple[str, str], int]:
        keys = (runs.c.job, runs.c.outcome)
        found = select(*keys, func.count()).where(runs.c.job.in_(list(jobs)), runs.c.ended_at.is_not(null()))
        counted = self._work.all(Statement(found.group_by(*keys).order_by(*keys))) if jobs else []
        return {(job, outcome): count for job, outcome, count in counted}

    def end_run(self, job: str, slot: str, *, by: str, outcome: str) -> None:
        params = {"of_job": job, "of_slot": slot, "new_by": by, "new_outcome": outcome, "at": self._work.now}
        self._work.run(END_RUN, params)
