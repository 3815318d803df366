"""When a system is spoken to: the breaker on its row, moved by settle alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from syncgate.domain.outcome import Outcome
from syncgate.domain.row import replace
from syncgate.domain.rows import BreakerState, SystemRow


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """After how many `unavailable` in a row the breaker opens, and how long until a probe."""

    failures: int
    probe_after: timedelta


ANSWERED_AS_ITSELF: Final = frozenset({Outcome.TAKEN, Outcome.QUEUED_THERE, Outcome.DUPLICATE, Outcome.REFUSED})
"""Outcomes that show the system alive and letting us in: they close the breaker."""


TOOK: Final = frozenset({Outcome.TAKEN, Outcome.QUEUED_THERE})
"""Outcomes that show the system taking what it is sent: while it does, another delivery can be exhausted."""


def sends_admitted(row: SystemRow, *, now: datetime, wanted: int) -> int:
    """How many sends the breaker lets out now: all that are wanted, one probe, or none."""
    if row.breaker is BreakerState.CLOSED:
        return wanted
    if row.is_probing and row.breaker_until is not None and now < row.breaker_until:
        return 0
    is_time_up = row.breaker_until is None or now >= row.breaker_until
    return min(wanted, 1) if is_time_up else 0


def begin_probe(row: SystemRow, *, now: datetime, policy: BreakerPolicy, lease: timedelta) -> SystemRow:
    """The row once a probe is out: no other goes until it is settled or its lease is over."""
    return replace(row, is_probing=True, breaker_until=now + max(lease, policy.probe_after))


def end_probe(row: SystemRow, *, now: datetime) -> SystemRow:
    """The row once its probe turned out to have asked the system nothing: the next one may go."""
    return replace(row, is_probing=False, breaker_until=now)


def after_outcome(row: SystemRow, outcome: Outcome, *, now: datetime, policy: BreakerPolicy, reason: str) -> SystemRow:
    """The system's row after one outcome."""
    if outcome in ANSWERED_AS_ITSELF:
        closed = close(row)
        return replace(closed, last_taken_at=now) if outcome in TOOK else closed
    if outcome is Outcome.DENIED:
        return _open(row, now=now, policy=policy, reason=reason or "denied")
    if outcome is Outcome.UNAVAILABLE:
        failed = replace(row, failures_count=row.failures_count + 1)
        if row.breaker is BreakerState.OPEN or failed.failures_count >= policy.failures:
            return _open(failed, now=now, policy=policy, reason=reason or "unavailable")
        return failed
    if row.breaker is BreakerState.OPEN:
        return _open(row, now=now, policy=policy, reason=row.breaker_reason)
    return row


def close(row: SystemRow) -> SystemRow:
    """The row of a system that answered as itself, or that a person says is well."""
    return replace(
        row,
        breaker=BreakerState.CLOSED,
        failures_count=0,
        breaker_until=None,
        breaker_reason="",
        is_probing=False,
    )


def _open(row: SystemRow, *, now: datetime, policy: BreakerPolicy, reason: str) -> SystemRow:
    return replace(
        row,
        breaker=BreakerState.OPEN,
        breaker_until=now + policy.probe_after,
        breaker_reason=reason,
        is_probing=False,
    )
