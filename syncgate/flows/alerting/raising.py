"""What an ended or a missed run of reconciliation raises, and which alerts it ends. Within the caller's step."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

import structlog

from syncgate.domain import alerts, ids
from syncgate.domain.alerts import Alert, AlertKind
from syncgate.domain.reconciliation.run import RunOutcome, job_of
from syncgate.flows.gate import Gate
from syncgate.ports import Tx

log = structlog.get_logger("syncgate.alerts")

RAISED_BY: Final[Mapping[RunOutcome, AlertKind]] = {
    RunOutcome.IMPLAUSIBLE: AlertKind.IMPLAUSIBLE_RUN,
    RunOutcome.CAP_EXCEEDED: AlertKind.CAP_EXCEEDED,
    RunOutcome.FAILED: AlertKind.FAILED_RUN,
    RunOutcome.INCOMPLETE: AlertKind.INCOMPLETE_RUNS,
}
"""What a run that is not complete raises; an incomplete one only where the one before was so too."""
DISPROVED: Final = frozenset({*RAISED_BY.values(), AlertKind.MISSED_RUN})
"""What a complete run of everything ends."""
OF_RUNS: Final = DISPROVED | {AlertKind.DISCREPANCIES_LEFT}
"""What one ends that leaves nothing to a person: no other alert is about runs."""
_LOOKED_BACK: Final = 20


def note_ended_run(
    gate: Gate, tx: Tx, *, system: str, slot: str, outcome: RunOutcome, left: int, is_whole: bool = True
) -> None:
    """Raises and ends what a run that ends in this step gives reason for.

    Args:
        gate: the running gate.
        tx: the step in which the run ends.
        system: what was reconciled, a system or a source.
        slot: of the run.
        outcome: how it ended.
        left: discrepancies of the system that are left to a person.
        is_whole: whether the run was asked about everything; one about some messages ends no alert.
    """
    tx.system(system, lock=True)
    kind = RAISED_BY.get(outcome)
    if kind is AlertKind.INCOMPLETE_RUNS and not _was_incomplete(tx, system, slot):
        kind = None
    if kind is not None:
        raise_alert(gate, tx, kind, system, detail={"run": f"{system}.{slot}"})
    if left:
        raise_alert(gate, tx, AlertKind.DISCREPANCIES_LEFT, system, detail={"run": f"{system}.{slot}", "left": left})
    if outcome is RunOutcome.COMPLETE and is_whole:
        end_alerts(tx, system, DISPROVED if left else OF_RUNS)


def note_missed_run(gate: Gate, tx: Tx, *, system: str, slot: str) -> None:
    """Raises that a run did not begin when it was due; the next complete one ends it."""
    tx.system(system, lock=True)
    raise_alert(gate, tx, AlertKind.MISSED_RUN, system, detail={"run": f"{system}.{slot}"})


def raise_alert(
    gate: Gate,
    tx: Tx,
    kind: AlertKind,
    system: str,
    *,
    detail: Mapping[str, Any],
    due_at: datetime | None = None,
) -> Alert:
    """The open alert of a kind for a system: a new one, or the one that is open already, seen again.

    Its system's row must be locked, so that two steps do not raise it twice. due_at: when a new one is told; None:
    at once.
    """
    known = next((alert for alert in tx.open_alerts(system) if alert.kind is kind), None)
    if known is not None:
        again = alerts.seen_again(known, detail=detail, now=tx.now)
        tx.save_alert(again)
        return again
    alert_id = ids.uuid7(tx.now, gate.entropy.token(10))
    new = alerts.raised(alert_id, kind, system, detail=detail, now=tx.now, due_at=due_at)
    tx.insert_alert(new)
    log.warning("alert_raised", kind=kind.value, system=system)
    return new


def end_alerts(tx: Tx, system: str, kinds: Collection[AlertKind]) -> None:
    """Ends what of these kinds is open for a system."""
    for alert in tx.open_alerts(system):
        if alert.kind in kinds:
            tx.save_alert(alerts.ended(alert, now=tx.now))
            log.info("alert_ended", kind=alert.kind.value, system=system)


def _was_incomplete(tx: Tx, system: str, slot: str) -> bool:
    """Whether the last run before, of those that came to an end by themselves, was incomplete too."""
    before = (run for run in tx.list_runs(job_of(system), limit=_LOOKED_BACK) if run.slot < slot and run.ended_at)
    judged = (run.outcome for run in before if run.outcome in _JUDGED)
    return next(judged, None) == RunOutcome.INCOMPLETE


_JUDGED: Final = frozenset(RunOutcome) - {RunOutcome.CANCELLED}
