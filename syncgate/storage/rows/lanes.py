"""Lanes: what is queued, leased and woken."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Integer, bindparam, func, null, or_, select, text, update
from sqlalchemy import case as choose

from syncgate.domain.errors import Conflict
from syncgate.domain.rows import Lane
from syncgate.storage.statement import Shape, Statement, given
from syncgate.storage.tables import IS_LEASED, IS_POLLED, IS_QUEUED, IS_RANKED, lanes
from syncgate.storage.work import Work

LANE = Shape(lanes, Lane)

_of_case = lanes.c.case_id == given("case_id", lanes.c.case_id)
_of_system = lanes.c.system == given("system", lanes.c.system)
_now = given("now", lanes.c.due_at)
_limit = bindparam("limit", type_=Integer())

_one = select(lanes).where(_of_case, _of_system)
LANE_BY_KEY = Statement(_one)
LANE_LOCKED = Statement(_one.with_for_update(key_share=True))
_all = select(lanes).where(_of_case).order_by(lanes.c.system)
LANES_OF_CASE = Statement(_all)
LANES_LOCKED = Statement(_all.with_for_update(key_share=True))
CASE_ID_BY_REF = Statement(
    select(lanes.c.case_id).where(
        _of_system,
        lanes.c.case_ref == given("case_ref", lanes.c.case_ref),
        lanes.c.case_ref.is_not(None),
    )
)
INSERT_LANE = Statement(LANE.insert())
SAVE_LANE = Statement(
    LANE.update(keeping=("case_id", "system")).where(
        _of_case,
        _of_system,
        lanes.c.lease_token.is_not_distinct_from(given("expected_token", lanes.c.lease_token)),
    )
)
DUE_LANES = Statement(
    select(lanes)
    .where(_of_system, text(IS_QUEUED), lanes.c.due_at <= _now)
    .order_by(lanes.c.due_at, lanes.c.case_id)
    .limit(_limit)
    .with_for_update(skip_locked=True, key_share=True)
)
RANKED_LANES = Statement(
    select(lanes)
    .where(_of_system, text(IS_RANKED), lanes.c.rank_at <= _now, lanes.c.due_at <= _now)
    .order_by(lanes.c.rank_at, lanes.c.case_id)
    .limit(_limit)
    .with_for_update(skip_locked=True, key_share=True)
)
POLLED_LANES = Statement(
    select(lanes)
    .where(_of_system, text(IS_POLLED), lanes.c.poll_at <= _now)
    .order_by(lanes.c.poll_at, lanes.c.case_id)
    .limit(_limit)
    .with_for_update(skip_locked=True, key_share=True)
)
NEXT_POLL_AT = Statement(select(lanes.c.poll_at).where(_of_system, text(IS_POLLED)).order_by(lanes.c.poll_at).limit(1))
EXPIRED_LANES = Statement(
    select(lanes)
    .where(text(IS_LEASED), lanes.c.lease_until <= _now)
    .order_by(lanes.c.lease_until, lanes.c.system, lanes.c.case_id)
    .limit(_limit)
    .with_for_update(skip_locked=True, key_share=True)
)
NEXT_DUE_AT = Statement(select(lanes.c.due_at).where(_of_system, text(IS_QUEUED)).order_by(lanes.c.due_at).limit(1))
LEASES_COUNT = Statement(
    select(func.count()).select_from(lanes).where(text(IS_LEASED), lanes.c.lease_until > _now, _of_system)
)
EXPIRE_LEASES = Statement(update(lanes).where(text(IS_LEASED), lanes.c.lease_until > _now).values(lease_until=_now))
WAITING_LANES = Statement(
    select(lanes.c.system, lanes.c.waits_for).where(_of_case, lanes.c.waits_for.is_not(None)).order_by(lanes.c.system)
)
_is_later = or_(lanes.c.due_at.is_(None), lanes.c.due_at > _now)
WAKE = Statement(
    update(lanes)
    .where(_of_case, lanes.c.waits_for == given("wanted", lanes.c.waits_for))
    .values(due_at=choose((_is_later, _now), else_=lanes.c.due_at), waits_for=null())
    .returning(lanes.c.system)
)


class LaneRows:
    """Lanes of one transaction."""

    _work: Work

    def lane(self, case_id: UUID, system: str, *, lock: bool = False) -> Lane | None:
        record = self._work.one(LANE_LOCKED if lock else LANE_BY_KEY, case_id=case_id, system=system)
        return None if record is None else LANE.row(record)

    def lanes(self, case_id: UUID, *, lock: bool = False) -> list[Lane]:
        return LANE.rows(self._work.all(LANES_LOCKED if lock else LANES_OF_CASE, case_id=case_id))

    def case_id_by_ref(self, system: str, case_ref: str) -> UUID | None:
        record = self._work.one(CASE_ID_BY_REF, system=system, case_ref=case_ref)
        return None if record is None else record[0]

    def insert_lanes(self, lanes: Sequence[Lane]) -> None:
        self._work.run_each(INSERT_LANE, [LANE.params(lane) for lane in lanes], breaks=Conflict)
        for lane in lanes:
            self._tell_due(lane)

    def save_lane(self, lane: Lane, *, expected_token: UUID | None) -> bool:
        params = LANE.params(lane, expected_token=expected_token)
        is_saved = self._work.run(SAVE_LANE, params, breaks=Conflict) == 1
        if is_saved:
            self._tell_due(lane)
        return is_saved

    def _tell_due(self, lane: Lane) -> None:
        if lane.due_at is not None and lane.lease_token is None:
            self._work.note_due(lane.system)

    def due_lanes(self, system: str, *, limit: int) -> list[Lane]:
        return LANE.rows(self._work.all(DUE_LANES, system=system, now=self._work.now, limit=limit))

    def ranked_lanes(self, system: str, *, limit: int) -> list[Lane]:
        return LANE.rows(self._work.all(RANKED_LANES, system=system, now=self._work.now, limit=limit))

    def expired_lanes(self, *, limit: int) -> list[Lane]:
        return LANE.rows(self._work.all(EXPIRED_LANES, now=self._work.now, limit=limit))

    def expire_leases(self) -> int:
        return self._work.run(EXPIRE_LEASES, {"now": self._work.now})

    def next_due_at(self, system: str) -> datetime | None:
        record = self._work.one(NEXT_DUE_AT, system=system)
        return None if record is None else record[0]

    def polled_lanes(self, system: str, *, limit: int) -> list[Lane]:
        return LANE.rows(self._work.all(POLLED_LANES, system=system, now=self._work.now, limit=limit))

    def next_poll_at(self, system: str) -> datetime | None:
        record = self._work.one(NEXT_POLL_AT, system=system)
        return None if record is None else record[0]

    def leases_count(self, system: str) -> int:
        record = self._work.one(LEASES_COUNT, system=system, now=self._work.now)
        assert record is not None
        count: int = record[0]
        return count

    def waiting_lanes(self, case_id: UUID) -> dict[str, str]:
        return dict(self._work.all(WAITING_LANES, case_id=case_id))

    def wake(self, case_id: UUID, *, waits_for: str) -> int:
        woken = self._work.all(WAKE, case_id=case_id, wanted=waits_for, now=self._work.now)
        for record in woken:
            self._work.note_due(record[0])
        return len(woken)
