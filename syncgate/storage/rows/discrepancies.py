"""Discrepancies of one transaction."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, func, null, select

from syncgate.domain.rows import Discrepancy
from syncgate.ports.store import DiscrepancyFilter
from syncgate.storage.statement import Shape, Statement, given
from syncgate.storage.tables import discrepancies
from syncgate.storage.work import Work

DISCREPANCY = Shape(discrepancies, Discrepancy)

_columns = discrepancies.c
_by_id = _columns.discrepancy_id == given("discrepancy_id", _columns.discrepancy_id)
DISCREPANCY_BY_ID = Statement(select(discrepancies).where(_by_id))
LOCKED_DISCREPANCY = Statement(select(discrepancies).where(_by_id).with_for_update())
OPEN_DISCREPANCIES = Statement(
    select(discrepancies)
    .where(
        _columns.system == given("system", _columns.system),
        _columns.message == given("message", _columns.message),
        _columns.subject == given("subject", _columns.subject),
        _columns.closed_at.is_(null()),
    )
    .order_by(_columns.kind)
)
_kinds = (_columns.system, _columns.kind)
OPEN_COUNTS = Statement(
    select(*_kinds, func.count()).where(_columns.closed_at.is_(null())).group_by(*_kinds).order_by(*_kinds)
)
INSERT_DISCREPANCY = Statement(DISCREPANCY.insert())
SAVE_DISCREPANCY = Statement(
    DISCREPANCY.update(keeping=("discrepancy_id", "system", "message", "subject", "kind", "found_at")).where(_by_id)
)


class DiscrepancyRows:
    """Discrepancies of one transaction."""

    _work: Work

    def discrepancy(self, discrepancy_id: UUID, *, lock: bool = False) -> Discrepancy | None:
        record = self._work.one(LOCKED_DISCREPANCY if lock else DISCREPANCY_BY_ID, discrepancy_id=discrepancy_id)
        return None if record is None else DISCREPANCY.row(record)

    def open_discrepancies(self, system: str, message: str, subject: str) -> list[Discrepancy]:
        return DISCREPANCY.rows(self._work.all(OPEN_DISCREPANCIES, system=system, message=message, subject=subject))

    def insert_discrepancy(self, discrepancy: Discrepancy) -> None:
        self._work.run(INSERT_DISCREPANCY, DISCREPANCY.params(discrepancy))

    def save_discrepancy(self, discrepancy: Discrepancy) -> None:
        self._work.run(SAVE_DISCREPANCY, DISCREPANCY.params(discrepancy))

    def list_discrepancies(self, where: DiscrepancyFilter, *, after: UUID | None, limit: int) -> list[Discrepancy]:
        found = select(discrepancies).where(*_conditions(where)).order_by(_columns.discrepancy_id.desc()).limit(limit)
        if after is not None:
            found = found.where(_columns.discrepancy_id < after)
        return DISCREPANCY.rows(self._work.all(Statement(found)))

    def open_discrepancies_count(self) -> dict[tuple[str, str], int]:
        return {(system, kind): count for system, kind, count in self._work.all(OPEN_COUNTS)}

    def count_discrepancies(self, where: DiscrepancyFilter) -> dict[tuple[str, str, str], int]:
        keys = (_columns.system, _columns.kind, _columns.action)
        found = select(*keys, func.count()).where(*_conditions(where)).group_by(*keys).order_by(*keys)
        return {(system, kind, action): count for system, kind, action, count in self._work.all(Statement(found))}


def _conditions(where: DiscrepancyFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for column, wanted in (
        (_columns.system, where.systems),
        (_columns.message, where.messages),
        (_columns.kind, where.kinds),
        (_columns.action, where.actions),
    ):
        if wanted is not None:
            found.append(column.in_(wanted))
    if where.case_id is not None:
        found.append(_columns.case_id == where.case_id)
    if where.run_slot is not None:
        found.append(_columns.run_slot == where.run_slot)
    if where.closed_as is not None:
        found.append(_columns.closed_as == where.closed_as)
    if where.seen_from is not None:
        found.append(_columns.seen_at >= where.seen_from)
    if where.found_until is not None:
        found.append(_columns.found_at <= where.found_until)
    if where.is_open is not None:
        found.append(_columns.closed_at.is_(null()) if where.is_open else _columns.closed_at.is_not(null()))
    return found
