"""Alerts of one transaction."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import null, or_, select

from syncgate.domain.alerts import Alert
from syncgate.storage.statement import Shape, Statement, given
from syncgate.storage.tables import alerts
from syncgate.storage.work import Work

ALERT = Shape(alerts, Alert)

_columns = alerts.c
_by_id = _columns.alert_id == given("alert_id", _columns.alert_id)
_now = given("now", _columns.due_at)
_is_open = _columns.ended_at.is_(null())
ALERT_BY_ID = Statement(select(alerts).where(_by_id))
LOCKED_ALERT = Statement(select(alerts).where(_by_id).with_for_update())
OPEN_ALERTS = Statement(
    select(alerts).where(_columns.system == given("system", _columns.system), _is_open).order_by(_columns.kind)
)
DUE_ALERTS = Statement(
    select(alerts)
    .where(
        _columns.due_at.is_not(null()),
        _columns.due_at <= _now,
        or_(_columns.lease_until.is_(null()), _columns.lease_until <= _now),
    )
    .order_by(_columns.due_at, _columns.alert_id)
    .limit(given("limit", _columns.told_count))
    .with_for_update(skip_locked=True)
)
INSERT_ALERT = Statement(ALERT.insert())
SAVE_ALERT = Statement(ALERT.update(keeping=("alert_id", "kind", "system", "raised_at")).where(_by_id))


class AlertRows:
    """Alerts of one transaction."""

    _work: Work

    def alert(self, alert_id: UUID, *, lock: bool = False) -> Alert | None:
        record = self._work.one(LOCKED_ALERT if lock else ALERT_BY_ID, alert_id=alert_id)
        return None if record is None else ALERT.row(record)

    def open_alerts(self, system: str) -> list[Alert]:
        return ALERT.rows(self._work.all(OPEN_ALERTS, system=system))

    def insert_alert(self, alert: Alert) -> None:
        self._work.run(INSERT_ALERT, ALERT.params(alert))

    def save_alert(self, alert: Alert) -> None:
        self._work.run(SAVE_ALERT, ALERT.params(alert))

    def due_alerts(self, *, limit: int) -> list[Alert]:
        return ALERT.rows(self._work.all(DUE_ALERTS, now=self._work.now, limit=limit))

    def list_alerts(self, *, systems: tuple[str, ...] | None, is_open: bool, limit: int) -> list[Alert]:
        found = select(alerts).order_by(_columns.alert_id.desc()).limit(limit)
        if systems is not None:
            found = found.where(_columns.system.in_(systems))
        return ALERT.rows(self._work.all(Statement(found.where(_is_open) if is_open else found)))
