"""Arrivals of one transaction."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import Integer, and_, bindparam, delete, func, null, select, text, update

from syncgate.domain.arrivals import Arrival, ArrivalState
from syncgate.domain.errors import Conflict
from syncgate.storage.statement import Shape, Statement, given
from syncgate.storage.tables import IS_AWAITING, IS_HELD_BY_CONTENT, arrivals, lanes
from syncgate.storage.work import Work

ARRIVAL = Shape(arrivals, Arrival)

_columns = arrivals.c
_by_id = _columns.arrival_id == given("arrival_id", _columns.arrival_id)
_of_source = _columns.source == given("source", _columns.source)
_limit = bindparam("limit", type_=Integer())
ARRIVAL_BY_ID = Statement(select(arrivals).where(_by_id))
LOCKED_ARRIVAL = Statement(select(arrivals).where(_by_id).with_for_update())
ARRIVAL_BY_KEY = Statement(
    select(arrivals).where(_of_source, _columns.idempotency_key == given("key", _columns.idempotency_key))
)
ARRIVAL_BY_ORIGIN = Statement(
    select(arrivals).where(_of_source, _columns.origin_key == given("origin", _columns.origin_key)).with_for_update()
)
HELD_BY_CONTENT = Statement(
    select(arrivals).where(_of_source, _columns.body_mac == given("mac", _columns.body_mac), text(IS_HELD_BY_CONTENT))
)
LEFT_ARRIVALS = Statement(
    select(arrivals)
    .where(text("state = 'received'"), _columns.came_at < given("before", _columns.came_at))
    .order_by(_columns.came_at)
    .limit(_limit)
    .with_for_update(skip_locked=True)
)
_is_over = (_columns.ended_at.is_not(null()), _columns.sealed.is_not(null()))
_ended_before = _columns.ended_at < given("before", _columns.ended_at)
FORGET_CONTENT = Statement(
    update(arrivals).where(*_is_over, _ended_before, text("way = 'poll'")).values(sealed=null(), wrapped_key=null())
)
FORGET_ARRIVALS = Statement(delete(arrivals).where(*_is_over, _ended_before, text("way <> 'poll'")))
_in_order = (_columns.came_at, _columns.arrival_id)
_awaiting = select(arrivals).where(_of_source, _columns.awaits == given("number", _columns.awaits), text(IS_AWAITING))
AWAITING = Statement(_awaiting.order_by(*_in_order))
IS_AWAITED = Statement(_awaiting.with_only_columns(_columns.arrival_id).limit(1))
COME = Statement(
    select(_columns.source, _columns.awaits)
    .join(lanes, and_(lanes.c.system == _columns.source, lanes.c.case_ref == _columns.awaits))
    .where(text(IS_AWAITING), lanes.c.case_ref.is_not(None))
    .order_by(*_in_order)
    .limit(_limit)
)
DELETE_ARRIVAL = Statement(delete(arrivals).where(_by_id))
INSERT_ARRIVAL = Statement(ARRIVAL.insert())
SAVE_ARRIVAL = Statement(ARRIVAL.update(keeping=("arrival_id", "source")).where(_by_id))


class ArrivalRows:
    """Arrivals of one transaction."""

    _work: Work

    def arrival(self, arrival_id: UUID, *, lock: bool = False) -> Arrival | None:
        record = self._work.one(LOCKED_ARRIVAL if lock else ARRIVAL_BY_ID, arrival_id=arrival_id)
        return None if record is None else ARRIVAL.row(record)

    def arrival_by_key(self, source: str, idempotency_key: str) -> Arrival | None:
        record = self._work.one(ARRIVAL_BY_KEY, source=source, key=idempotency_key)
        return None if record is None else ARRIVAL.row(record)

    def arrival_by_origin(self, source: str, origin_key: str) -> Arrival | None:
        record = self._work.one(ARRIVAL_BY_ORIGIN, source=source, origin=origin_key)
        return None if record is None else ARRIVAL.row(record)

    def held_arrival(self, source: str, body_mac: bytes) -> Arrival | None:
        record = self._work.one(HELD_BY_CONTENT, source=source, mac=body_mac)
        return None if record is None else ARRIVAL.row(record)

    def insert_arrival(self, arrival: Arrival) -> None:
        self._work.run(INSERT_ARRIVAL, ARRIVAL.params(arrival), breaks=Conflict)

    def save_arrival(self, arrival: Arrival) -> None:
        self._work.run(SAVE_ARRIVAL, ARRIVAL.params(arrival), breaks=Conflict)

    def delete_arrival(self, arrival_id: UUID) -> None:
        self._work.run(DELETE_ARRIVAL, {"arrival_id": arrival_id})

    def left_arrivals(self, *, before: datetime, limit: int) -> list[Arrival]:
        return ARRIVAL.rows(self._work.all(LEFT_ARRIVALS, before=before, limit=limit))

    def awaiting(self, source: str, number: str) -> list[Arrival]:
        return ARRIVAL.rows(self._work.all(AWAITING, source=source, number=number))

    def is_awaited(self, source: str, number: str) -> bool:
        return self._work.one(IS_AWAITED, source=source, number=number) is not None

    def come(self, *, limit: int) -> list[tuple[str, str]]:
        return list(dict.fromkeys((source, number) for source, number in self._work.all(COME, limit=limit)))

    def forget_arrivals(self, *, before: datetime) -> int:
        params = {"before": before}
        return self._work.run(FORGET_CONTENT, params) + self._work.run(FORGET_ARRIVALS, params)

    def list_arrivals(
        self,
        *,
        sources: Collection[str] | None,
        states: Collection[ArrivalState] | None,
        after: UUID | None,
        limit: int,
        is_oldest_first: bool = False,
    ) -> list[Arrival]:
        key = _columns.arrival_id
        found = select(arrivals).order_by(key if is_oldest_first else key.desc()).limit(limit)
        if sources is not None:
            found = found.where(_columns.source.in_(list(sources)))
        if states is not None:
            found = found.where(_columns.state.in_(list(states)))
        if after is not None:
            found = found.where(key > after if is_oldest_first else key < after)
        return ARRIVAL.rows(self._work.all(Statement(found)))

    def held_arrivals_count(self, *, before: datetime) -> dict[tuple[str, str], int]:
        keys = (_columns.source, _columns.code)
        found = (
            select(*keys, func.count())
            .where(text("state = 'held'"), _columns.came_at <= before)
            .group_by(*keys)
            .order_by(*keys)
        )
        return {(source, code): count for source, code, count in self._work.all(Statement(found))}
