"""Deliveries: moved only from where they stand, one waiting and one maybe-sent to a slot."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import NullPool, create_engine, make_url, text

from syncgate.domain.delivery import MAYBE_SENT, WAITING, Phase
from syncgate.domain.errors import IllegalMove
from syncgate.domain.rows import Change, Delivery
from syncgate.ports.store import DeliveryFilter
from syncgate.storage import SqlStore
from tests.support.rows import OTHER_TOKEN, START, TOKEN, a_delivery, new_id, stored_case

FULL: dict[str, Any] = {
    "message": "event",
    "part": "stage-1",
    "part_no": 2,
    "operation": "update",
    "change": Change.NEW_VERSION,
    "version_no": 3,
    "due_at": START,
    "tries_count": 4,
    "confirms_count": 5,
    "first_failed_at": START,
    "sent_mac": b"s" * 16,
    "is_other_sent": True,
    "remote_ref": "R1",
    "reason": "unavailable",
    "detail": "field 申请人",
    "actor": "integrator",
    "entries_count": 6,
    "sent_at": START,
    "delivered_at": START,
}


@pytest.fixture
def case_id(store: SqlStore) -> UUID:
    """A stored case with lanes at two systems."""
    case_id, step = stored_case("food", "province")
    assert store.write([step]) == [None]
    return case_id


def insert(store: SqlStore, *deliveries: Delivery) -> None:
    assert store.write([lambda tx: tx.insert_deliveries(deliveries)]) == [None]


def test_a_delivery_comes_back_as_it_was_stored(store: SqlStore, case_id: UUID) -> None:
    bare, full = a_delivery(case_id), a_delivery(case_id, **FULL)
    insert(store, bare, full)
    assert store.read(lambda tx: tx.delivery(bare.delivery_id)) == bare
    assert store.read(lambda tx: tx.delivery(full.delivery_id)) == full
    assert store.read(lambda tx: tx.delivery(new_id())) is None


def test_deliveries_of_a_lane_come_by_creation(store: SqlStore, case_id: UUID) -> None:
    first = a_delivery(case_id, part="1", created_at=START - timedelta(seconds=1))
    second, third = a_delivery(case_id, part="2"), a_delivery(case_id, part="3")
    elsewhere = a_delivery(case_id, "province", created_at=START + timedelta(seconds=1))
    insert(store, third, elsewhere, second, replace(first, delivery_id=new_id()))
    found = store.read(lambda tx: tx.deliveries(case_id, "food"))
    assert [delivery.part for delivery in found] == ["1", "2", "3"]
    assert store.read(lambda tx: tx.deliveries(case_id)) == [*found, elsewhere]
    other = new_id()
    assert store.read(lambda tx: tx.deliveries_of([(case_id, "food"), (case_id, "province"), (other, "food")])) == {
        (case_id, "food"): found,
        (case_id, "province"): [elsewhere],
        (other, "food"): [],
    }
    assert store.read(lambda tx: tx.deliveries_of([])) == {}


def test_a_delivery_is_saved_only_from_where_it_stands(store: SqlStore, case_id: UUID) -> None:
    pending = a_delivery(case_id)
    in_flight = replace(pending, phase=Phase.IN_FLIGHT, lease_token=TOKEN)
    delivered = replace(in_flight, phase=Phase.DELIVERED, lease_token=None, remote_ref="R1", delivered_at=START)
    insert(store, pending)
    moves = [
        (in_flight, replace(pending, phase=Phase.PARKED), False),
        (in_flight, replace(pending, reason="throttled"), False),
        (in_flight, pending, True),
        (replace(in_flight, lease_token=OTHER_TOKEN), pending, False),
        (delivered, replace(in_flight, lease_token=OTHER_TOKEN), False),
        (delivered, in_flight, True),
        (delivered, in_flight, False),
    ]
    for after, before, is_saved in moves:
        assert store.write([lambda tx, a=after, b=before: tx.save_delivery(a, before=b)]) == [is_saved]  # type: ignore[misc]
    assert store.read(lambda tx: tx.delivery(pending.delivery_id)) == delivered
    assert store.read(lambda tx: tx.counters()) == {("food", Phase.DELIVERED, ""): 1}


def test_a_delivery_keeps_its_slot(store: SqlStore, case_id: UUID) -> None:
    delivery = a_delivery(case_id)
    insert(store, delivery)
    (result,) = store.write([lambda tx: tx.save_delivery(replace(delivery, system="province"), before=delivery)])
    assert isinstance(result, IllegalMove)


@pytest.mark.parametrize("there", Phase)
def test_a_slot_holds_one_waiting_and_one_maybe_sent_delivery(store: SqlStore, case_id: UUID, there: Phase) -> None:
    for added in Phase:
        slot = {"message": added.value}
        insert(store, a_delivery(case_id, phase=there, **slot))
        (result,) = store.write([lambda tx, new=a_delivery(case_id, phase=added, **slot): tx.insert_deliveries([new])])  # type: ignore[misc]
        is_refused = {there, added} <= WAITING or {there, added} <= MAYBE_SENT
        assert isinstance(result, IllegalMove) == is_refused, added
        insert(store, a_delivery(case_id, phase=added, part="another", **slot))


def test_deliveries_are_listed_newest_first_and_by_page(store: SqlStore, case_id: UUID) -> None:
    stored = [a_delivery(case_id, part=str(no)) for no in range(5)]
    insert(store, *stored)
    first = store.read(lambda tx: tx.list_deliveries(DeliveryFilter(), after=None, limit=3))
    rest = store.read(lambda tx: tx.list_deliveries(DeliveryFilter(), after=first[-1].delivery_id, limit=3))
    assert [*first, *rest] == stored[::-1]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (DeliveryFilter(phases=(Phase.PARKED,)), {"b"}),
        (DeliveryFilter(phases=(Phase.PENDING, Phase.DELIVERED)), {"a", "c"}),
        (DeliveryFilter(phases=()), set()),
        (DeliveryFilter(systems=("food",)), {"a", "b"}),
        (DeliveryFilter(messages=("event",)), {"c"}),
        (DeliveryFilter(reasons=("field_refused", "unavailable")), {"b"}),
        (DeliveryFilter(case_id=new_id()), set()),
        (DeliveryFilter(changed_from=START + timedelta(seconds=1)), {"b", "c"}),
        (DeliveryFilter(changed_until=START + timedelta(seconds=1)), {"a"}),
        (DeliveryFilter(phases=(Phase.PARKED, Phase.PENDING), systems=("food", "province")), {"a", "b"}),
    ],
)
def test_deliveries_are_listed_by_what_is_asked(
    store: SqlStore, case_id: UUID, where: DeliveryFilter, expected: set[str]
) -> None:
    later = START + timedelta(seconds=1)
    insert(
        store,
        a_delivery(case_id, part="a"),
        a_delivery(case_id, part="b", phase=Phase.PARKED, changed_at=later),
        a_delivery(case_id, "province", part="c", message="event", phase=Phase.DELIVERED, changed_at=later),
    )
    found = store.read(lambda tx: tx.list_deliveries(where, after=None, limit=10))
    assert {delivery.part for delivery in found} == expected


def test_counters_roll_up_by_system_phase_and_reason(store: SqlStore, case_id: UUID) -> None:
    parked = [a_delivery(case_id, phase=Phase.PARKED, part=str(no)) for no in range(3)]
    requeued = replace(parked[0], phase=Phase.PENDING, reason=None)
    insert(store, *parked, a_delivery(case_id, "province"))
    results = store.write(
        [
            lambda tx: (tx.save_delivery(requeued, before=parked[0]), tx.counters()),
            lambda tx: 1 / 0,
        ]
    )
    expected = {
        ("food", Phase.PARKED, "field_refused"): 2,
        ("food", Phase.PENDING, ""): 1,
        ("province", Phase.PENDING, ""): 1,
    }
    assert results[0] == (True, expected)
    assert store.read(lambda tx: tx.counters()) == expected


def test_what_waits_is_counted_without_walking_over_it(store: SqlStore, case_id: UUID, store_url: str) -> None:
    """Promise 6: a page that shows counts must not be slower, nor slow others down, the longer the queue is."""
    insert(store, a_delivery(case_id))
    address = make_url(store_url)
    is_sqlite = address.get_backend_name() == "sqlite"
    engine = create_engine(address if is_sqlite else address.set(drivername="postgresql+psycopg"), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("UPDATE counters SET deliveries_count = 1000000"))
    assert store.read(lambda tx: tx.counters()) == {("food", Phase.PENDING, ""): 1_000_000}
