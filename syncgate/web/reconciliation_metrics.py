"""Metrics of reconciliation: what the runs' rows, the index of open discrepancies and the alerts say when asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric

from syncgate.domain.reconciliation.run import JOB_PREFIX, RunOutcome, RunState, job_of
from syncgate.ports import Tx
from syncgate.reports.model import summed

JUDGED: Final = (RunOutcome.COMPLETE, RunOutcome.INCOMPLETE, RunOutcome.IMPLAUSIBLE, RunOutcome.CAP_EXCEEDED)
"""Outcomes of runs that read something."""
_COUNTED: Final = ("expected", "delivered", "read", "verified", "returned", "unjudged")
_ALERTS_AT_MOST: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What is known of reconciliation, without scanning what it compares.

    Attributes:
        runs: ended ones that are remembered, by (system, outcome). completed_at: when the last complete one ended.
        last: of each system the last run that read something.
        discrepancies: open ones by (system, kind). alerts: open ones by (system, kind).
    """

    runs: Mapping[tuple[str, str], int]
    completed_at: Mapping[str, datetime]
    last: Mapping[str, RunState]
    discrepancies: Mapping[tuple[str, str], int]
    alerts: Mapping[tuple[str, str], int]


def reconciled(tx: Tx) -> Reconciled:
    """What is known now, as a step that only reads."""
    counted = tx.count_runs([job_of(row.system) for row in tx.systems()])
    jobs = sorted({job for job, _ in counted})
    completed = {job: tx.page_runs([job], after=None, limit=1, outcomes=[RunOutcome.COMPLETE]) for job in jobs}
    judged = {job: tx.page_runs([job], after=None, limit=1, outcomes=list(JUDGED)) for job in jobs}
    alerts = tx.list_alerts(systems=None, is_open=True, limit=_ALERTS_AT_MOST)
    return Reconciled(
        runs={(_system(job), outcome): count for (job, outcome), count in counted.items()},
        completed_at={_system(job): run.ended_at for job, found in completed.items() for run in found if run.ended_at},
        last={_system(job): RunState.from_json(run.detail) for job, found in judged.items() for run in found},
        discrepancies=tx.open_discrepancies_count(),
        alerts={(alert.system, alert.kind.value): 1 for alert in alerts},
    )


def _system(job: str) -> str:
    return job.removeprefix(JOB_PREFIX)


def families(known: Reconciled, *, now: datetime) -> Iterator[Metric]:
    """The metrics."""
    yield _by_two(
        "syncgate_reconciliation_runs",
        "Ended runs of the last 90 days by system and outcome.",
        ("system", "outcome"),
        known.runs,
    )
    age = GaugeMetricFamily(
        "syncgate_reconciliation_age_seconds", "How long ago the last complete run ended.", labels=["system"]
    )
    for system, at in sorted(known.completed_at.items()):
        age.add_metric([system], max(0.0, (now - at).total_seconds()))
    yield age
    yield _records(known)
    mended = {(system, action): count for system, run in known.last.items() for action, count in run.mended.items()}
    yield _by_two(
        "syncgate_reconciliation_mended", "What the last run did by system and action.", ("system", "action"), mended
    )
    yield _by_two(
        "syncgate_discrepancies_open",
        "Open discrepancies by system and kind.",
        ("system", "kind"),
        known.discrepancies,
    )
    yield _by_two("syncgate_alerts_open", "Open alerts by system and kind.", ("system", "kind"), known.alerts)


def _records(known: Reconciled) -> Metric:
    counts: dict[tuple[str, str], int] = {}
    for system, run in known.last.items():
        total = summed(run.totals)
        counts |= {(system, what): getattr(total, what) for what in _COUNTED}
    return _by_two(
        "syncgate_reconciliation_records",
        "What the last run that read something counted, by system: expected, delivered, read, verified and so on.",
        ("system", "what"),
        counts,
    )


def _by_two(name: str, words: str, labels: tuple[str, str], counts: Mapping[tuple[str, str], int]) -> Metric:
    family = GaugeMetricFamily(name, words, labels=list(labels))
    for key, count in sorted(counts.items()):
        family.add_metric(list(key), count)
    return family
