"""What reconciliation reads of deliveries, narrow and in bulk, and what it notes of lanes."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, bindparam, exists, null, or_, select, text, update

from syncgate.domain.delivery import Phase
from syncgate.domain.rows import HeldRow
from syncgate.storage.statement import Statement, given
from syncgate.storage.tables import deliveries, discrepancies, lanes
from syncgate.storage.work import Work

_columns = deliveries.c
_narrow = tuple(_columns[name] for name in HeldRow._fields)
_of_system = _columns.system == given("system", _columns.system)
_counts = or_(text(f"deliveries.phase <> '{Phase.CANCELLED}'"), _columns.held_key.is_not(null()))
_created = (_columns.created_at, _columns.delivery_id)


def _is_wanted(messages: frozenset[str]) -> ColumnElement[bool]:
    return or_(*(_columns.message == name for name in sorted(messages)))


@lru_cache(maxsize=256)
def _of_system_about(messages: frozenset[str]) -> Statement:
    """The rows of these messages; a statement for each set of them, of which a site has a few."""
    return Statement(
        select(*_narrow)
        .where(_of_system, _columns.case_id > given("after", _columns.case_id), _counts, _is_wanted(messages))
        .order_by(_columns.case_id, *_created)
        .limit(bindparam("limit", type_=Integer()))
    )


@lru_cache(maxsize=256)
def _of_lane_about(messages: frozenset[str]) -> Statement:
    return Statement(
        select(*_narrow)
        .where(_of_system, _columns.case_id == given("case_id", _columns.case_id), _counts, _is_wanted(messages))
        .order_by(*_created)
    )


_lane = (
    lanes.c.case_id == given("of_case", lanes.c.case_id),
    lanes.c.system == given("of_system", lanes.c.system),
)
_has_open = exists().where(
    discrepancies.c.case_id == lanes.c.case_id,
    discrepancies.c.system == lanes.c.system,
    discrepancies.c.closed_at.is_(null()),
)
VERIFY = Statement(update(lanes).where(*_lane, ~_has_open).values(verified_at=given("at", lanes.c.verified_at)))
DOUBT = Statement(
    update(lanes).where(*_lane, lanes.c.verified_at >= given("since", lanes.c.verified_at)).values(verified_at=null())
)
FIRST = UUID(int=0)


class SideRows:
    """Our side of a reconciliation, of one transaction."""

    _work: Work

    def held_rows(self, system: str, messages: frozenset[str], *, after: UUID | None, limit: int) -> list[HeldRow]:
        found = self._work.all(_of_system_about(messages), system=system, after=after or FIRST, limit=limit)
        rows = list(map(HeldRow._make, found))
        if len(rows) < limit:
            return rows
        last = rows[-1].case_id
        whole = [row for row in rows if row.case_id != last]
        if whole:
            return whole
        return list(map(HeldRow._make, self._work.all(_of_lane_about(messages), system=system, case_id=last)))

    def note_verified(self, system: str, case_ids: Collection[UUID], *, at: datetime) -> None:
        params = [{"of_case": case_id, "of_system": system, "at": at} for case_id in case_ids]
        self._work.run_each(VERIFY, params)

    def doubt_verified(self, system: str, case_id: UUID, *, since: datetime) -> None:
        self._work.run(DOUBT, {"of_case": case_id, "of_system": system, "since": since})
