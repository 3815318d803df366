"""What an answer says of its system: whether its breaker opens, closes, or learns nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from syncgate.domain import breaker
from syncgate.domain.outcome import Outcome
from syncgate.domain.row import replace
from syncgate.domain.rows import BreakerState, SystemRow
from syncgate.flows.alerting.outages import note_breaker
from syncgate.flows.delivering.admitting import closure_of
from syncgate.flows.delivering.work import Verdict, Work
from syncgate.flows.gate import Gate
from syncgate.ports import Tx
from syncgate.site.bundle import Bundle

FAILED: Final = frozenset({Outcome.DENIED, Outcome.UNAVAILABLE})
"""Outcomes that speak against the system, unless it had said that it would be away."""
FRESH: Final = timedelta(seconds=1)
"""How old `last_taken_at` may grow before it is written again; a write a send would only be contention."""


def row_of(gate: Gate, tx: Tx, work: Work, verdict: Verdict) -> SystemRow:
    """The system's row, locked where the verdict may move it: systems are locked before lanes."""
    row = tx.system(work.lane.system)
    assert row is not None
    may_move = row.is_probing if verdict.outcome is None else _would_move(row, verdict.outcome, now=tx.now)
    locked = tx.system(work.lane.system, lock=True) if may_move else row
    assert locked is not None
    return locked


def _is_probe(gate: Gate, row: SystemRow, work: Work) -> bool:
    bundle = gate.active_bundle(row.system)
    return row.is_probing and row.breaker_until == work.claimed_at + max(
        bundle.limits.lease, bundle.breaker.probe_after
    )


def excused(gate: Gate, tx: Tx, row: SystemRow, verdict: Verdict) -> Verdict:
    """The verdict, which counts for nothing where the system failed because it had closed since the claim."""
    if verdict.outcome not in FAILED or closure_of(row, gate.active_bundle(row.system), tx.now) is None:
        return verdict
    return replace(verdict, is_excused=True)


def breaker_moved(gate: Gate, tx: Tx, locked: SystemRow, work: Work, verdict: Verdict, bundle: Bundle) -> SystemRow:
    """The system's row after what its breaker learned, written where it moved.

    Args:
        gate: the running gate.
        tx: the step's transaction.
        locked: the row, as `row_of` gave it.
        work: as claimed; it may be the probe of an open breaker.
        verdict: what the system answered, and whether that counts.
        bundle: that sent it, with the breaker's policy.
    """
    if verdict.outcome is None or verdict.is_excused:
        if not _is_probe(gate, locked, work):
            return locked
        after = breaker.end_probe(locked, now=tx.now)
        tx.save_system(after)
        return after
    if not _would_move(locked, verdict.outcome, now=tx.now):
        return locked
    reason = verdict.reason if verdict.outcome is Outcome.DENIED else verdict.outcome.value
    after = breaker.after_outcome(locked, verdict.outcome, now=tx.now, policy=bundle.breaker, reason=reason)
    tx.save_system(after)
    note_breaker(gate, tx, locked, after, policy=bundle.breaker)
    if after.breaker is BreakerState.OPEN:
        gate.hand_over.drain(after.system)
    return after


def _would_move(row: SystemRow, outcome: Outcome, *, now: datetime) -> bool:
    if outcome in (Outcome.DENIED, Outcome.UNAVAILABLE) or row.breaker is BreakerState.OPEN or row.failures_count:
        return True
    return outcome in breaker.TOOK and (row.last_taken_at is None or now - row.last_taken_at >= FRESH)
