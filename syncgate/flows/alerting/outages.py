"""What a moved breaker raises and ends: one alert an outage, however often a probe fails. Within the caller's step."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import structlog

from syncgate.domain.alerts import AlertKind
from syncgate.domain.breaker import BreakerPolicy
from syncgate.domain.outcome import Outcome
from syncgate.domain.rows import BreakerState, SystemRow
from syncgate.flows.alerting.raising import end_alerts, raise_alert
from syncgate.flows.gate import Gate
from syncgate.ports import Tx

log = structlog.get_logger("syncgate.settle")
_PROBES: Final = 2
"""So many probes have failed before anybody is told of a system that cannot be reached: it may be back by then."""


def note_breaker(gate: Gate, tx: Tx, before: SystemRow, after: SystemRow, *, policy: BreakerPolicy) -> None:
    """Tells that the breaker opened or closed; that a probe failed as well is no news.

    The system's row must be locked. Who refuses us is told of at once: that does not pass by itself.
    """
    if before.breaker is after.breaker:
        return
    if after.breaker is BreakerState.CLOSED:
        log.info("breaker_closed", system=after.system)
        end_alerts(tx, after.system, [AlertKind.SYSTEM_DOWN])
        return
    log.warning("breaker_opened", system=after.system, reason=after.breaker_reason)
    is_away = after.breaker_reason == Outcome.UNAVAILABLE.value
    wait = _PROBES * policy.probe_after if is_away else timedelta(0)
    detail = {"reason": after.breaker_reason}
    raise_alert(gate, tx, AlertKind.SYSTEM_DOWN, after.system, detail=detail, due_at=tx.now + wait)
