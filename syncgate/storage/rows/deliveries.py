"""Deliveries and the counters that roll them up. Whoever moves a delivery moves its counters in the same commit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, text, update

from syncgate.domain.changes import change_of
from syncgate.domain.errors import IllegalMove
from syncgate.domain.rows import Delivery
from syncgate.ports.store import DeliveryFilter
from syncgate.storage.rows.changes import is_posted_by, note_changes
from syncgate.storage.statement import Shape, Statement, given
from syncgate.storage.tables import IS_OPEN, OPEN_PHASES, counters, deliveries
from syncgate.storage.upsert import insert_or_add
from syncgate.storage.work import CounterKey, Work

DELIVERY = Shape(deliveries, Delivery)
SLOT = ("case_id", "system", "message", "part", "part_no")
"""What a delivery is for; it never changes."""

_of_case = deliveries.c.case_id == given("case_id", deliveries.c.case_id)
_of_system = deliveries.c.system == given("system", deliveries.c.system)
_created = (deliveries.c.created_at, deliveries.c.delivery_id)

DELIVERY_BY_ID = Statement(
    select(deliveries).where(deliveries.c.delivery_id == given("delivery_id", deliveries.c.delivery_id))
)
DELIVERIES_OF_CASE = Statement(select(deliveries).where(_of_case).order_by(*_created))
DELIVERIES_OF_LANE = Statement(select(deliveries).where(_of_case, _of_system).order_by(*_created))
CASES_BY_PART_REF = Statement(
    select(deliveries.c.case_id)
    .where(
        _of_system,
        deliveries.c.remote_ref == given("remote_ref", deliveries.c.remote_ref),
        deliveries.c.remote_ref.is_not(None),
        deliveries.c.part != text("''"),
    )
    .distinct()
    .limit(2)
)
INSERT_DELIVERY = Statement(DELIVERY.insert())
SAVE_DELIVERY = Statement(
    DELIVERY.update(keeping=("delivery_id", "created_at", *SLOT)).where(
        deliveries.c.delivery_id == given("delivery_id", deliveries.c.delivery_id),
        deliveries.c.phase == given("before_phase", deliveries.c.phase),
        deliveries.c.lease_token.is_not_distinct_from(given("before_token", deliveries.c.lease_token)),
        deliveries.c.reason.is_not_distinct_from(given("before_reason", deliveries.c.reason)),
    )
)
COUNTERS = Statement(select(counters))
RAISE_COUNTER = insert_or_add(counters, keys=("system", "phase", "reason"), count="deliveries_count")
LOWER_COUNTER = Statement(
    update(counters)
    .where(
        counters.c.system == given("system", counters.c.system),
        counters.c.phase == given("phase", counters.c.phase),
        counters.c.reason == given("reason", counters.c.reason),
    )
    .values(deliveries_count=counters.c.deliveries_count + given("deliveries_count", counters.c.deliveries_count))
)


class DeliveryRows:
    """Deliveries and counters of one transaction."""

    _work: Work

    def delivery(self, delivery_id: UUID) -> Delivery | None:
        record = self._work.one(DELIVERY_BY_ID, delivery_id=delivery_id)
        return None if record is None else DELIVERY.row(record)

    def case_id_by_part_ref(self, system: str, remote_ref: str) -> UUID | None:
        found = self._work.all(CASES_BY_PART_REF, system=system, remote_ref=remote_ref)
        return found[0][0] if len(found) == 1 else None

    def deliveries(self, case_id: UUID, system: str | None = None) -> list[Delivery]:
        if system is None:
            return DELIVERY.rows(self._work.all(DELIVERIES_OF_CASE, case_id=case_id))
        return DELIVERY.rows(self._work.all(DELIVERIES_OF_LANE, case_id=case_id, system=system))

    def deliveries_of(self, lanes: Collection[tuple[UUID, str]]) -> dict[tuple[UUID, str], list[Delivery]]:
        wanted = list(dict.fromkeys(lanes))
        found = self._work.each(
            DELIVERIES_OF_LANE, [{"case_id": case_id, "system": system} for case_id, system in wanted]
        )
        return {lane: DELIVERY.rows(records) for lane, records in zip(wanted, found, strict=True)}

    def insert_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        self._work.run_each(INSERT_DELIVERY, [DELIVERY.params(delivery) for delivery in deliveries])
        note_changes(self._work, [change for delivery in deliveries if (change := change_of(delivery, None))])
        for delivery in deliveries:
            self._work.gain(_counter(delivery), 1)

    def save_delivery(self, delivery: Delivery, *, before: Delivery) -> bool:
        if any(getattr(delivery, name) != getattr(before, name) for name in ("delivery_id", *SLOT)):
            raise IllegalMove("expected a delivery that keeps its slot, got another slot")
        params = DELIVERY.params(
            delivery,
            before_phase=before.phase,
            before_token=before.lease_token,
            before_reason=before.reason,
        )
        if not self._work.run(SAVE_DELIVERY, params):
            return False
        self._work.gain(_counter(before), -1)
        self._work.gain(_counter(delivery), 1)
        change = change_of(delivery, before)
        if change is not None:
            note_changes(self._work, [change])
        return True

    def list_deliveries(self, where: DeliveryFilter, *, after: UUID | None, limit: int) -> list[Delivery]:
        return DELIVERY.rows(self._work.all(listing(where, after=after, limit=limit)))

    def oldest_deliveries(self, where: DeliveryFilter, *, after: UUID | None, limit: int) -> list[Delivery]:
        return DELIVERY.rows(self._work.all(listing_oldest(where, after=after, limit=limit)))

    def counters(self) -> dict[CounterKey, int]:
        counts: Counter[CounterKey] = Counter()
        for system, phase, reason, count in self._work.all(COUNTERS):
            counts[system, phase, reason] += count
        for key, by in self._work.gains():
            counts[key] += by
        return {key: counts[key] for key in sorted(counts) if counts[key]}


def listing(where: DeliveryFilter, *, after: UUID | None, limit: int) -> Statement:
    """The statement that lists deliveries, newest first."""
    found = select(deliveries).where(*_conditions(where)).order_by(deliveries.c.delivery_id.desc())
    if after is not None:
        found = found.where(deliveries.c.delivery_id < after)
    return Statement(found.limit(limit))


def listing_oldest(where: DeliveryFilter, *, after: UUID | None, limit: int) -> Statement:
    """The statement that lists deliveries, oldest first."""
    found = select(deliveries).where(*_conditions(where)).order_by(deliveries.c.delivery_id)
    if after is not None:
        found = found.where(deliveries.c.delivery_id > after)
    return Statement(found.limit(limit))


def flush_counters(work: Work) -> None:
    """Writes what the counters gained, in the order of their keys; just before the commit, because all
    processes share these rows."""
    for (system, phase, reason), by in work.gains():
        statement = RAISE_COUNTER if by > 0 else LOWER_COUNTER
        work.run(statement, {"system": system, "phase": phase, "reason": reason, "deliveries_count": by})


def _counter(delivery: Delivery) -> CounterKey:
    return delivery.system, delivery.phase, delivery.reason or ""


def _conditions(where: DeliveryFilter) -> list[Any]:
    columns = deliveries.c
    conditions: list[Any] = [
        column.in_(wanted)
        for column, wanted in (
            (columns.phase, where.phases),
            (columns.system, where.systems),
            (columns.actor, where.actors),
            (columns.message, where.messages),
            (columns.reason, where.reasons),
        )
        if wanted is not None
    ]
    if where.phases and OPEN_PHASES.issuperset(where.phases):
        conditions.append(text(IS_OPEN))
    if where.posted_by is not None:
        conditions.append(is_posted_by(columns.case_id, where.posted_by))
    if where.case_id is not None:
        conditions.append(columns.case_id == where.case_id)
    if where.changed_from is not None:
        conditions.append(columns.changed_at >= where.changed_from)
    if where.changed_until is not None:
        conditions.append(columns.changed_at < where.changed_until)
    return conditions
