"""Telling what is due: claimed by one process, told by every way, settled; what failed is tried again later."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

import structlog
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_exponential

from syncgate.domain import alerts, ids
from syncgate.domain.alerts import Alert
from syncgate.domain.closures import Why
from syncgate.flows.alerting.wording import Wording, message
from syncgate.flows.delivering.admitting import closure_of
from syncgate.flows.gate import Gate
from syncgate.ports import Tx
from syncgate.telling import Message, NotTold, Way

log = structlog.get_logger("syncgate.alerts")
LEASE: Final = timedelta(minutes=3)
"""Longer than all tries by the slowest way take."""
_AT_ONCE: Final = 100
_TRIES: Final = 3


async def tell_due(gate: Gate, ways: Sequence[Way], wording: Wording) -> int:
    """Tells every alert that is due, and gives how many; those of a system held or in maintenance wait for its end."""
    token = ids.uuid7(gate.clock.now(), gate.entropy.token(10))
    claimed = await gate.writer.write(lambda tx: _claimed(gate, tx, token))
    for alert in claimed:
        told = message(alert, wording, title=_title(gate, alert.system), now=gate.clock.now())
        reached = await _tell(told, [way for way in ways if way.name not in alert.reached], alert)
        names = tuple(way.name for way in ways)
        settled = partial(_settle, alert_id=alert.alert_id, token=token, reached=reached, ways=names, wording=wording)
        await gate.writer.write(settled)
    return len(claimed)


def _claimed(gate: Gate, tx: Tx, token: UUID) -> list[Alert]:
    held = {hold.system for hold in tx.active_holds() if (hold.message, hold.item, hold.source) == (None, None, None)}
    found = tx.due_alerts(limit=_AT_ONCE)
    away = {system for system in {alert.system for alert in found} if _is_in_maintenance(gate, tx, system)}
    due = [alert for alert in found if alert.system not in held | away]
    leased = [alerts.leased(alert, token=token, until=tx.now + LEASE) for alert in due]
    for alert in leased:
        tx.save_alert(alert)
    return leased


def _is_in_maintenance(gate: Gate, tx: Tx, system: str) -> bool:
    row = tx.system(system)
    closure = closure_of(row, gate.active_bundle(system), tx.now) if row is not None and system in gate.active else None
    return closure is not None and closure.why is Why.IN_MAINTENANCE


def _settle(
    tx: Tx, *, alert_id: UUID, token: UUID, reached: tuple[str, ...], ways: tuple[str, ...], wording: Wording
) -> None:
    """Notes what came through; by the row as it is now, which a person may have moved, and only under our lease."""
    now = tx.alert(alert_id, lock=True)
    if now is not None and now.lease_token == token:
        tx.save_alert(alerts.told(now, reached=reached, ways=ways, repeat=wording.repeat, now=tx.now))


async def _tell(told: Message, ways: Sequence[Way], alert: Alert) -> tuple[str, ...]:
    """The ways by which the message came through."""
    results = await asyncio.gather(*(_by(way, told, alert) for way in ways))
    return tuple(way.name for way, is_told in zip(ways, results, strict=True) if is_told)


async def _by(way: Way, told: Message, alert: Alert) -> bool:
    tries = AsyncRetrying(
        stop=stop_after_attempt(_TRIES),
        wait=wait_exponential(multiplier=0.2, max=2),
        retry=retry_if_exception(lambda error: isinstance(error, NotTold) and error.is_passing),
        reraise=True,
    )
    try:
        await tries(way.tell, told)
    except NotTold as error:
        log.warning("alert_not_told", kind=alert.kind.value, system=alert.system, mode=way.name, code=error.code)
        return False
    log.info("alert_told", kind=alert.kind.value, system=alert.system, mode=way.name, count=alert.told_count + 1)
    return True


def _title(gate: Gate, system: str) -> dict[str, str]:
    return dict(gate.active_bundle(system).title) if system in gate.active else {}
