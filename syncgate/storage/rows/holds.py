"""Holds, and what they are about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, exists, func, null, or_, select, text
from sqlalchemy import case as choose

from syncgate.domain.delivery import Phase
from syncgate.domain.rows import Hold, Lane
from syncgate.storage.rows.lanes import LANE, LANE_LOCKED
from syncgate.storage.statement import Shape, Statement, given
from syncgate.storage.tables import IS_OPEN, cases, deliveries, holds
from syncgate.storage.work import Work

HOLD = Shape(holds, Hold)

_now = given("now", holds.c.until)
_is_active = and_(holds.c.lifted_at.is_(null()), or_(holds.c.until.is_(null()), holds.c.until > _now))
_active = select(holds).where(_is_active).order_by(holds.c.hold_id)
ACTIVE_HOLDS = Statement(_active)
ACTIVE_HOLDS_KEPT = Statement(_active.with_for_update(read=True))
HOLD_BY_ID = Statement(select(holds).where(holds.c.hold_id == given("hold_id", holds.c.hold_id)))
UNCLEARED_HOLDS = Statement(
    select(holds).where(holds.c.lifted_at.is_not(null()), holds.c.cleared_at.is_(null())).order_by(holds.c.hold_id)
)
INSERT_HOLD = Statement(HOLD.insert())
SAVE_HOLD = Statement(
    HOLD.update(keeping=("hold_id", "created_at", "by")).where(holds.c.hold_id == given("hold_id", holds.c.hold_id))
)


class HoldRows:
    """Holds of one transaction."""

    _work: Work

    def active_holds(self) -> Sequence[Hold]:
        """Read once a commit. A step that writes keeps them from being lifted until its commit: a due time that it
        puts off because of a hold must be there for the lifting to find."""
        work = self._work
        if work.active_holds is not None:
            return work.active_holds
        found = HOLD.rows(work.all(ACTIVE_HOLDS if work.is_reader else ACTIVE_HOLDS_KEPT, now=work.now))
        if not work.are_holds_moving:
            work.active_holds = found
        return found

    def hold(self, hold_id: UUID) -> Hold | None:
        record = self._work.one(HOLD_BY_ID, hold_id=hold_id)
        return None if record is None else HOLD.row(record)

    def insert_hold(self, hold: Hold) -> None:
        self._work.run(INSERT_HOLD, HOLD.params(hold))
        self._work.move_holds()

    def save_hold(self, hold: Hold) -> None:
        if not self._work.run(SAVE_HOLD, HOLD.params(hold)):
            raise self._work.refuse("expected a hold that is stored, got a new one")
        self._work.move_holds()

    def list_holds(self, *, after: UUID | None, limit: int, is_active: bool = False) -> list[Hold]:
        last = self.hold(after) if after is not None else None
        now = self._work.now
        return HOLD.rows(self._work.all(_listing(last, limit=limit, is_active=is_active, now=now), now=now))

    def uncleared_holds(self) -> list[Hold]:
        return HOLD.rows(self._work.all(UNCLEARED_HOLDS))

    def open_by_item(self, system: str) -> dict[str, int]:
        items = cases.c.item
        found = select(items, func.count()).select_from(deliveries.join(cases, cases.c.case_id == deliveries.c.case_id))
        found = found.where(deliveries.c.system == system, text(IS_OPEN)).group_by(items).order_by(items)
        return {str(item): int(count) for item, count in self._work.all(Statement(found))}

    def held_count(self, hold: Hold, phase: Phase) -> int:
        found = _about(hold, phase, select(func.count()).select_from(deliveries))
        record = self._work.one(Statement(found))
        assert record is not None
        count: int = record[0]
        return count

    def lanes_about(self, hold: Hold, *, after: UUID | None, limit: int) -> tuple[list[Lane], UUID | None]:
        columns = deliveries.c
        found = _about(hold, Phase.PENDING, select(columns.delivery_id, columns.case_id, columns.system))
        if after is not None:
            found = found.where(columns.delivery_id > after)
        rows = self._work.all(Statement(found.order_by(columns.delivery_id).limit(limit)))
        keys = sorted({(case_id, system) for _, case_id, system in rows})
        locked = self._work.each(LANE_LOCKED, [{"case_id": case_id, "system": system} for case_id, system in keys])
        return [LANE.row(records[0]) for records in locked if records], rows[-1][0] if len(rows) == limit else None


def _listing(last: Hold | None, *, limit: int, is_active: bool, now: datetime) -> Statement:
    """Active ones first, each sort newest first, after the last one of the page before."""
    found = select(holds).order_by(choose((_is_active, 0), else_=1), holds.c.hold_id.desc())
    if is_active:
        found = found.where(_is_active)
    if last is not None:
        older = holds.c.hold_id < last.hold_id
        is_after = or_(and_(_is_active, older), ~_is_active) if last.is_active(now) else and_(~_is_active, older)
        found = found.where(is_after)
    return Statement(found.limit(limit))


def _about(hold: Hold, phase: Phase, found: Select[Any]) -> Select[Any]:
    """The deliveries in a phase that a hold is about."""
    columns = deliveries.c
    found = found.where(columns.phase == phase, text(IS_OPEN))
    if hold.system is not None:
        found = found.where(columns.system == hold.system)
    if hold.message is not None:
        found = found.where(columns.message == hold.message)
    of_case = [cases.c.case_id == columns.case_id]
    if hold.item is not None:
        of_case.append(cases.c.item == hold.item)
    if hold.source is not None:
        of_case.append(cases.c.origin == hold.source)
    return found.where(exists().where(*of_case)) if len(of_case) > 1 else found
