"""How many sends a system's row admits now: pause, mode, breaker, rate, concurrency and grants."""

from __future__ import annotations

from datetime import datetime

from syncgate.domain.breaker import begin_probe, sends_admitted
from syncgate.domain.closures import Closure, Timetable, announced
from syncgate.domain.row import replace
from syncgate.domain.rows import (
    BreakerState,
    SystemRow,
)
from syncgate.ports import Tx
from syncgate.site.bundle import Bundle, Limits


def refilled(row: SystemRow, limits: Limits, *, now: datetime, unused: int = 0) -> SystemRow:
    """The row with the rate tokens of now, and those back that a grant left unused."""
    if limits.rate is None:
        return row
    if row.rate_at is None:
        return replace(row, rate_tokens=float(limits.burst), rate_at=now)
    gained = max(0.0, (now - row.rate_at).total_seconds()) * limits.rate + unused
    return replace(row, rate_tokens=min(float(limits.burst), row.rate_tokens + gained), rate_at=now)


def grant(row: SystemRow, left: int, next_due_at: datetime | None, *, now: datetime) -> int:
    """What this process may start without a claim: what is left, while nothing older waits."""
    is_clear = next_due_at is None or next_due_at > now
    return left if is_clear and row.breaker is BreakerState.CLOSED else 0


def may_be_sent_to(row: SystemRow, bundle: Bundle) -> bool:
    """Whether the system may be sent to under this bundle, which a deploy elsewhere may have replaced meanwhile."""
    return not row.is_paused and row.active_bundle in (None, bundle.digest) and _is_live(row, bundle)


def closure_of(row: SystemRow, bundle: Bundle, now: datetime) -> Closure | None:
    """Why the system is not to be spoken to at this time, whatever waits for it; None while it may be."""
    return timetable_of(row, bundle).closure(now)


def timetable_of(row: SystemRow, bundle: Bundle) -> Timetable:
    """When the system may be spoken to, by its adapter and by what was announced here."""
    return bundle.timetable.beside(announced(row.maintenance)) if row.maintenance else bundle.timetable


def _is_live(row: SystemRow, bundle: Bundle) -> bool:
    """Whether both the last deploy and this process's own configuration let the system be sent to."""
    return row.mode == "live" and bundle.mode == "live"


def admit(tx: Tx, row: SystemRow, limits: Limits, limit: int, *, owner: str) -> int:
    """How many sends may begin now, of at most `limit`; what others were granted counts as under way."""
    others = sum(one.sends_count for one in tx.grants(row.system) if one.process != owner)
    free = limits.concurrency - tx.leases_count(row.system) - others
    tokens = limit if limits.rate is None else int(row.rate_tokens)
    return sends_admitted(row, now=tx.now, wanted=max(0, min(limit, free, tokens)))


def spent(row: SystemRow, bundle: Bundle, count: int, *, now: datetime) -> SystemRow:
    """The row once so many sends are admitted: their rate tokens are gone, and a probe is out."""
    if bundle.limits.rate is not None:
        row = replace(row, rate_tokens=max(0.0, row.rate_tokens - count))
    if count and row.breaker is BreakerState.OPEN:
        row = begin_probe(row, now=now, policy=bundle.breaker, lease=bundle.limits.lease)
    return row
