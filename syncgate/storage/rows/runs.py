"""Runs: scheduled work that one process claims for all."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, null, update

from syncgate.storage.statement import Statement, given
from syncgate.storage.tables import runs
from syncgate.storage.upsert import insert_or_keep
from syncgate.storage.work import Work

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
FORGET_RUNS = Statement(delete(runs).where(_this[0], runs.c.claimed_at < given("before", runs.c.claimed_at)))


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

    def end_run(self, job: str, slot: str, *, by: str, outcome: str) -> None:
        params = {"of_job": job, "of_slot": slot, "new_by": by, "new_outcome": outcome, "at": self._work.now}
        self._work.run(END_RUN, params)
