"""What alerts there are, and taking one on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from syncgate.domain import alerts
from syncgate.domain.alerts import Alert, AlertKind
from syncgate.domain.errors import NotFound
from syncgate.domain.rows import AuditEntry, Principal
from syncgate.flows.gate import Gate
from syncgate.flows.showing.scope import sees_system
from syncgate.ports import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertView:
    """One alert. state: `open`, `acknowledged` (somebody has taken it on) or `ended`. due_at: when it is told next."""

    alert_id: UUID
    kind: AlertKind
    system: str
    state: str
    raised_at: datetime
    seen_at: datetime
    detail: Mapping[str, Any]
    due_at: datetime | None
    told_at: datetime | None
    told_count: int
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    acknowledged_reason: str | None
    ended_at: datetime | None

    @classmethod
    def of(cls, alert: Alert) -> AlertView:
        """The alert as it is shown."""
        told = {name: getattr(alert, name) for name in cls.__slots__ if name != "state"}
        state = "ended" if not alert.is_open else "open" if alert.acknowledged_at is None else "acknowledged"
        return cls(**told, state=state)


async def list_alerts(gate: Gate, principal: Principal, *, is_open: bool, limit: int = 50) -> tuple[AlertView, ...]:
    """Alerts in scope, newest first. is_open: only those that are not over."""
    systems = principal.systems or None
    found = await gate.writer.read(lambda tx: tx.list_alerts(systems=systems, is_open=is_open, limit=limit))
    return tuple(AlertView.of(alert) for alert in found)


async def acknowledge(gate: Gate, principal: Principal, alert_id: UUID, *, reason: str) -> AlertView:
    """Takes an alert on: nobody is told of it again. Twice changes nothing. Raises NotFound."""

    def step(tx: Tx) -> AlertView:
        alert = tx.alert(alert_id, lock=True)
        if alert is None or not sees_system(principal, alert.system):
            raise NotFound("expected an alert that is known here, got none of that id")
        if not alert.is_to_be_told:
            return AlertView.of(alert)
        taken = alerts.acknowledged(alert, by=principal.name, reason=reason, now=tx.now)
        tx.save_alert(taken)
        tx.append_audit(
            AuditEntry(at=tx.now, actor=principal.name, action="acknowledge", object=f"alert:{alert_id}", reason=reason)
        )
        return AlertView.of(taken)

    return await gate.writer.write(step)
