"""Metrics: what the intake answered, and what the roll-ups say at the moment they are asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from syncgate.domain.delivery import Phase
from syncgate.domain.rows import BreakerState, SystemRow
from syncgate.ports import Tx
from syncgate.web.reconciliation_metrics import Reconciled, families, reconciled


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What the store knows without counting: roll-ups, systems, the earliest due time of each, the last runs, and
    how many arrivals are held by (source, code)."""

    now: datetime
    counters: Mapping[tuple[str, Phase, str], int]
    systems: tuple[SystemRow, ...]
    next_due_at: Mapping[str, datetime | None]
    reconciled: Reconciled
    held: Mapping[tuple[str, str], int]


def snapshot(tx: Tx) -> Snapshot:
    """The snapshot, as a step that only reads."""
    systems = tuple(tx.systems())
    return Snapshot(
        now=tx.now,
        counters=tx.counters(),
        systems=systems,
        next_due_at={row.system: tx.next_due_at(row.system) for row in systems},
        reconciled=reconciled(tx),
        held=tx.held_arrivals_count(before=tx.now),
    )


class Metrics:
    """The metrics of one process, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._answers = Counter(
            "syncgate_intake_answers",
            "Answers of the intake by code: accepted, unchanged, or a problem's.",
            ["code"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "syncgate_intake_seconds",
            "Time from the first byte of a submission to its answer.",
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=self._registry,
        )

    def answered(self, code: str, seconds: float) -> None:
        """Counts one answer of the intake."""
        self._answers.labels(code).inc()
        self._seconds.observe(seconds)

    def text(self, taken: Snapshot) -> bytes:
        """Everything in Prometheus' text format."""
        rolled_up = CollectorRegistry()
        rolled_up.register(_RolledUp(taken))
        return generate_latest(self._registry) + generate_latest(rolled_up)


class _RolledUp(Collector):
    def __init__(self, taken: Snapshot) -> None:
        self._taken = taken

    def collect(self) -> Iterable[Metric]:
        yield self._deliveries()
        yield self._held()
        yield from self._systems()
        yield from families(self._taken.reconciled, now=self._taken.now)

    def _deliveries(self) -> Metric:
        family = GaugeMetricFamily(
            "syncgate_deliveries", "Deliveries by system, phase and reason.", labels=["system", "phase", "reason"]
        )
        for (system, phase, reason), count in sorted(self._taken.counters.items()):
            family.add_metric([system, phase, reason], count)
        return family

    def _held(self) -> Metric:
        family = GaugeMetricFamily(
            "syncgate_arrivals_held", "What sources brought that waits, by why.", labels=["source", "code"]
        )
        for (source, code), count in sorted(self._taken.held.items()):
            family.add_metric([source, code], count)
        return family

    def _systems(self) -> Iterator[Metric]:
        breaker = GaugeMetricFamily("syncgate_breaker_open", "1 while a system is only probed.", labels=["system"])
        paused = GaugeMetricFamily("syncgate_paused", "1 while a system is paused by hand.", labels=["system"])
        overdue = GaugeMetricFamily(
            "syncgate_oldest_due_seconds", "How long the earliest due lane has waited.", labels=["system"]
        )
        for row in self._taken.systems:
            breaker.add_metric([row.system], float(row.breaker is BreakerState.OPEN))
            paused.add_metric([row.system], float(row.is_paused))
            due_at = self._taken.next_due_at.get(row.system)
            waited = (self._taken.now - due_at).total_seconds() if due_at else 0.0
            overdue.add_metric([row.system], max(0.0, waited))
        yield breaker
        yield paused
        yield overdue
