"""Systems as they are read: mode, breaker, hours, what waits, and when it will be gone. Nothing is written."""

from __future__ import annotations

from collections.abc import Mapping

from syncgate.domain.delivery import Phase
from syncgate.domain.errors import NotFound
from syncgate.domain.forecast import Forecast, Pace, Unknown, forecast, next_cutoff
from syncgate.domain.head import WAITS_FOR_REMOTE_REF
from syncgate.domain.rows import BreakerState, Hold, Principal, SystemRow
from syncgate.domain.windows import Span
from syncgate.flows.delivering.admitting import closure_of, may_be_sent_to, refilled, timetable_of
from syncgate.flows.gate import Gate
from syncgate.flows.showing.closed import ClosureView, MaintenanceView
from syncgate.flows.showing.holds import holds_on_system
from syncgate.flows.showing.readbacks import ReadBackView
from syncgate.flows.showing.scope import sees_system
from syncgate.flows.showing.views import BreakerView, PauseView, SystemView
from syncgate.ports import Tx
from syncgate.site.bundle import Bundle, Limits

Counters = Mapping[tuple[str, Phase, str], int]


async def list_systems(gate: Gate, principal: Principal) -> tuple[SystemView, ...]:
    """Every system in scope, by name."""

    def step(tx: Tx) -> tuple[SystemView, ...]:
        counters = tx.counters()
        return tuple(
            _system(gate, tx, principal, row, counters) for row in tx.systems() if sees_system(principal, row.system)
        )

    return await gate.writer.read(step)


async def read_system(gate: Gate, principal: Principal, system: str) -> SystemView:
    """One system. Raises NotFound."""

    def step(tx: Tx) -> SystemView:
        row = tx.system(system)
        if row is None or not sees_system(principal, system):
            raise NotFound("expected a system of this site, got none of that name")
        return _system(gate, tx, principal, row, tx.counters())

    return await gate.writer.read(step)


def _system(gate: Gate, tx: Tx, principal: Principal, row: SystemRow, counters: Counters) -> SystemView:
    backlog = dict.fromkeys(Phase, 0)
    parked: dict[str, int] = {}
    for (system, phase, reason), count in counters.items():
        if system == row.system and count:
            backlog[phase] += count
            if phase is Phase.PARKED:
                parked[reason] = parked.get(reason, 0) + count
    bundle = gate.active_bundle(row.system) if row.system in gate.active else None
    closure = None if bundle is None else closure_of(row, bundle, tx.now)
    return SystemView(
        system=row.system,
        title={} if bundle is None else dict(bundle.title),
        mode=row.mode,
        is_source=row.is_source,
        active_bundle=row.active_bundle,
        pause=PauseView(is_paused=row.is_paused, by=row.paused_by, reason=row.pause_reason, at=row.paused_at),
        breaker=BreakerView(
            state=row.breaker,
            reason=row.breaker_reason,
            until=row.breaker_until,
            failures_count=row.failures_count,
        ),
        backlog=backlog,
        parked=parked,
        next_due_at=tx.next_due_at(row.system),
        last_taken_at=row.last_taken_at,
        holds=holds_on_system(tx, principal, row.system),
        readback=None if bundle is None or bundle.readback is None else ReadBackView.of(bundle.readback),
        closure=None if closure is None else ClosureView.of(closure),
        maintenance=tuple(MaintenanceView.of(one) for one in row.maintenance or () if one.until > tx.now),
        forecast=None if bundle is None else forecast_of(tx, row, bundle, counters),
    )


def forecast_of(tx: Tx, row: SystemRow, bundle: Bundle, counters: Counters) -> Forecast:
    """When nothing waits for the system any more; from the roll-ups, never by counting the queue."""
    waiting = sum(
        count
        for (system, phase, reason), count in counters.items()
        if system == row.system and phase is Phase.PENDING and reason != WAITS_FOR_REMOTE_REF
    )
    holds = [hold for hold in tx.active_holds() if hold.system in (None, row.system)]
    held_whole = [Span(start=tx.now, end=hold.until) for hold in holds if hold.until and _is_whole(hold)]
    return forecast(
        waiting,
        pace=_pace(refilled(row, bundle.limits, now=tx.now), bundle.limits),
        timetable=timetable_of(row, bundle).beside(held_whole),
        cutoff_at=next_cutoff(bundle.cutoff, zone=bundle.zone, now=tx.now),
        stopped_by=_stopped_by(row, bundle, is_held=len(held_whole) < len(holds)),
        now=tx.now,
    )


def _pace(row: SystemRow, limits: Limits) -> Pace | None:
    return None if limits.rate is None else Pace(rate=limits.rate, burst=limits.burst, tokens=row.rate_tokens)


def _is_whole(hold: Hold) -> bool:
    return (hold.message, hold.item, hold.source) == (None, None, None)


def _stopped_by(row: SystemRow, bundle: Bundle, *, is_held: bool) -> Unknown | None:
    if row.is_paused:
        return Unknown.PAUSED
    if not may_be_sent_to(row, bundle):
        return Unknown.NOT_SENT_TO
    if is_held:
        return Unknown.HELD
    return Unknown.BREAKER_OPEN if row.breaker is BreakerState.OPEN else None
