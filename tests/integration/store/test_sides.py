"""What reconciliation reads of deliveries in bulk, and notes of lanes."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from syncgate.domain.delivery import Phase
from syncgate.domain.rows import Discrepancy
from syncgate.storage import SqlStore
from tests.support.rows import START, a_delivery, new_id, stored_case

APPLICATIONS = frozenset({"application"})


def _stored(store: SqlStore, *counts: int, **changes: object) -> list[UUID]:
    """Cases with so many deliveries each at food, and one at the province."""
    case_ids = []
    for count in counts:
        case_id, step = stored_case("food", "province")
        rows = [
            a_delivery(case_id, part=f"s{no}", phase=Phase.DELIVERED, created_at=START + timedelta(no), **changes)
            for no in range(count)
        ]
        store.write([step, lambda tx, rows=rows: tx.insert_deliveries(rows)])  # type: ignore[misc]
        store.write([lambda tx, row=a_delivery(case_id, "province"): tx.insert_deliveries([row])])  # type: ignore[misc]
        case_ids.append(case_id)
    return case_ids


def test_every_delivery_of_a_system_comes_once_and_a_case_is_never_torn(store: SqlStore) -> None:
    case_ids = _stored(store, 3, 1, 4, 2, 7)
    for limit in (1, 2, 3, 5, 100):
        seen: list[tuple[UUID, str]] = []
        after = None
        while rows := store.read(
            lambda tx, after=after, limit=limit: tx.held_rows("food", APPLICATIONS, after=after, limit=limit)
        ):  # type: ignore[misc]
            seen += [(row.case_id, row.part) for row in rows]
            after = rows[-1].case_id
        expected = [(c, f"s{no}") for c, count in zip(case_ids, (3, 1, 4, 2, 7), strict=True) for no in range(count)]
        assert seen == expected


def test_a_cancelled_delivery_comes_along_only_where_it_may_have_left(store: SqlStore) -> None:
    case_id, step = stored_case("food")
    left = a_delivery(case_id, part="left", phase=Phase.CANCELLED, held_key=b"k" * 16, held_mac=b"m" * 16)
    unsent = a_delivery(case_id, part="unsent", phase=Phase.CANCELLED)
    store.write([step, lambda tx: tx.insert_deliveries([left, unsent])])
    (row,) = store.read(lambda tx: tx.held_rows("food", APPLICATIONS, after=None, limit=10))
    assert (row.delivery_id, row.held_key, row.held_mac) == (left.delivery_id, left.held_key, left.held_mac)


def test_a_lane_is_verified_unless_a_discrepancy_of_it_is_open(store: SqlStore) -> None:
    whole, doubtful = _stored(store, 1, 1)
    found = Discrepancy(
        discrepancy_id=new_id(),
        system="food",
        message="application",
        subject=f"{doubtful}:",
        kind="missing",
        case_id=doubtful,
        run_slot="1",
        action="ask",
        found_at=START,
        seen_at=START,
    )
    store.write([lambda tx: tx.insert_discrepancy(found)])
    store.write([lambda tx: tx.note_verified("food", [whole, doubtful], at=START)])

    def verified(system: str) -> list[object]:
        lanes = [store.read(lambda tx, c=c: tx.lane(c, system)) for c in (whole, doubtful)]  # type: ignore[misc]
        return [lane.verified_at for lane in lanes if lane is not None]

    assert verified("food") == [START, None]
    assert verified("province") == [None, None]
    store.write([lambda tx: tx.doubt_verified("food", whole, since=START + timedelta(1))])
    assert verified("food") == [START, None]
    store.write([lambda tx: tx.doubt_verified("food", whole, since=START)])
    assert verified("food") == [None, None]


def test_only_the_messages_that_are_asked_for_come(store: SqlStore) -> None:
    case_id, step = stored_case("food")
    rows = [a_delivery(case_id, message=name, phase=Phase.DELIVERED) for name in ("application", "event", "withdrawn")]
    store.write([step, lambda tx: tx.insert_deliveries(rows)])
    for messages in (frozenset({"event"}), frozenset({"event", "withdrawn"})):
        found = store.read(lambda tx, m=messages: tx.held_rows("food", m, after=None, limit=10))  # type: ignore[misc]
        assert {row.message for row in found} == messages
