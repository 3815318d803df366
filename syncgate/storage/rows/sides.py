"""What reconciliation reads of deliveries, narrow and in bulk, and what it notes of lanes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, and_, bindparam, case, exists, null, or_, select, text, update

from syncgate.domain.delivery import Phase
from syncgate.domain.rows import Change, HeldLanes, HeldRow, PlainRow
from syncgate.storage.statement import Record, Statement, given
from syncgate.storage.tables import deliveries, discrepancies, lanes
from syncgate.storage.work import Work

_columns = deliveries.c
_narrow = tuple(_columns[name] for name in HeldRow._fields)
_of_system = _columns.system == given("system", _columns.system)
_counts = or_(text(f"deliveries.phase <> '{Phase.CANCELLED}'"), _columns.held_key.is_not(null()))
_created = (_columns.created_at, _columns.delivery_id)


def _is_wanted(messages: frozenset[str]) -> ColumnElement[bool]:
    return or_(*(_columns.message == name for name in sorted(messages)))


_is_usual = case(
    (
        and_(
            text(f"deliveries.phase = '{Phase.DELIVERED}'"),
            text(f"coalesce(deliveries.change, '') <> '{Change.RETRACT}'"),
            _columns.held_key.is_not(null()),
            _columns.changed_at < given("settled_before", _columns.changed_at),
            _columns.sent_at >= given("sent_from", _columns.sent_at),
        ),
        1,
    ),
    else_=0,
)
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_DELIVERY, _CASE, _MESSAGE, _PART, _BUNDLE, _KEY, _MAC, _OBSERVED = (
    HeldRow._fields.index(name)
    for name in ("delivery_id", "case_id", "message", "part", "bundle", "held_key", "held_mac", "observed")
)
_USUAL = len(HeldRow._fields)
"""Where `_is_usual` stands behind a row's own columns."""


@lru_cache(maxsize=256)
def _of_system_about(messages: frozenset[str], *more: ColumnElement[int]) -> Statement:
    """The rows of these messages; a statement for each set of them, of which a site has a few."""
    return Statement(
        select(*_narrow, *more)
        .where(_of_system, _columns.case_id > given("after", _columns.case_id), _counts, _is_wanted(messages))
        .order_by(_columns.case_id, *_created)
        .limit(bindparam("limit", type_=Integer()))
    )


@lru_cache(maxsize=256)
def _of_lane_about(messages: frozenset[str], *more: ColumnElement[int]) -> Statement:
    return Statement(
        select(*_narrow, *more)
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
_TOGETHER = 100
_CASES = tuple(f"case_{no}" for no in range(_TOGETHER))
_of_these = (
    lanes.c.case_id.in_([given(name, lanes.c.case_id) for name in _CASES]),
    lanes.c.system == given("of_system", lanes.c.system),
)
VERIFY = Statement(update(lanes).where(*_of_these, ~_has_open).values(verified_at=given("at", lanes.c.verified_at)))
"""Of a hundred lanes at once: one by one it takes twice as long."""
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

    def held_lanes(
        self,
        system: str,
        messages: frozenset[str],
        *,
        marked: Collection[tuple[str, str]],
        settled_before: datetime,
        sent_from: datetime | None,
        after: UUID | None,
        limit: int,
    ) -> HeldLanes:
        usual = {"system": system, "settled_before": settled_before, "sent_from": sent_from or _EVER}
        of_system, of_lane = _of_system_about(messages, _is_usual), _of_lane_about(messages, _is_usual)
        rows, loaded = self._work.raw(of_system, after=after or FIRST, limit=limit, **usual)
        if not rows:
            return HeldLanes([], [], None)
        last = rows[-1][_CASE]
        if len(rows) == limit:
            whole = [row for row in rows if row[_CASE] != last]
            last = whole[-1][_CASE] if whole else last
            rows = whole or self._work.raw(of_lane, case_id=_id(last), **usual)[0]
        odd = {row[_CASE] for row in rows if not row[_USUAL] or (row[_MESSAGE], row[_BUNDLE]) not in marked}
        odd |= _with_two_in_a_slot(rows)
        others = [HeldRow._make(row[:_USUAL]) for row in loaded([row for row in rows if row[_CASE] in odd])]
        return HeldLanes([_plain(row) for row in rows if row[_CASE] not in odd], others, _id(last))

    def note_verified(self, system: str, case_ids: Collection[UUID], *, at: datetime) -> None:
        wanted = list(case_ids)
        for start in range(0, len(wanted), _TOGETHER):
            some = wanted[start : start + _TOGETHER]
            some += some[-1:] * (_TOGETHER - len(some))
            self._work.run(VERIFY, {**dict(zip(_CASES, some, strict=True)), "of_system": system, "at": at})

    def doubt_verified(self, system: str, case_id: UUID, *, since: datetime) -> None:
        self._work.run(DOUBT, {"of_case": case_id, "of_system": system, "since": since})


def _with_two_in_a_slot(rows: Sequence[Record]) -> set[object]:
    """The cases of which a slot has several rows."""
    slots = Counter((row[_CASE], row[_MESSAGE], row[_PART]) for row in rows)
    return set() if len(slots) == len(rows) else {slot[0] for slot, count in slots.items() if count > 1}


def _plain(row: Record) -> PlainRow:
    case_id, delivery_id = row[_CASE], row[_DELIVERY]
    if type(case_id) is not bytes:
        case_id, delivery_id = case_id.bytes, delivery_id.bytes
    return row[_MESSAGE], row[_BUNDLE], row[_OBSERVED] is not None, row[_KEY], row[_MAC], case_id, delivery_id


def _id(value: bytes | UUID) -> UUID:
    """An id as the engine's driver gives it."""
    return UUID(bytes=value) if isinstance(value, bytes) else value
