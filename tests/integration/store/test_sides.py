"""What reconciliation reads of deliveries in bulk, and notes of lanes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from syncgate.domain.delivery import Phase
from syncgate.domain.reconciliation.join import Role
from syncgate.domain.rows import Change, Discrepancy, Observed, PlainRow
from syncgate.flows.reconciling.roles import Judging, SideCounts, by_case, roles_in
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


JUDGING = Judging(
    messages=frozenset({"application", "event"}),
    takes_back={},
    is_removed=False,
    settled_before=START + timedelta(days=1),
)
READ = frozenset({"application", "event", "withdrawn"})
USUAL: dict[str, Any] = {
    "phase": Phase.DELIVERED,
    "changed_at": START,
    "sent_at": START,
    "held_key": b"k" * 16,
    "held_mac": b"m" * 16,
    "bundle": "known",
}
UNUSUAL: list[dict[str, Any]] = [
    {"phase": Phase.PARKED, "reason": "returned"},
    {"phase": Phase.AWAITING},
    {"phase": Phase.CANCELLED},
    {"held_key": None},
    {"bundle": "other"},
    {"change": Change.RETRACT},
    {"message": "withdrawn"},
    {"changed_at": JUDGING.settled_before},
    {"sent_at": None},
    {"sent_at": START - timedelta(days=3)},
]
PLAIN: list[dict[str, Any]] = [{}, {"observed": Observed.DIFFERENT}, {"held_mac": None}, {"change": Change.UPDATE}]


def _lanes_of(store: SqlStore) -> None:
    """One lane of each unusual kind, alone and beside a plain row; plain ones of one and of two slots; a change."""
    lanes = [[one] for one in PLAIN + UNUSUAL] + [[{}, {"part": "s", **one}] for one in PLAIN + UNUSUAL]
    lanes += [[{}, {"message": "event"}], [{}, {"revision": 2, "created_at": START + timedelta(1)}]]
    for lane in lanes:
        case_id, step = stored_case("food")
        rows = [a_delivery(case_id, **{**USUAL, **one}) for one in lane]
        store.write([step, lambda tx, rows=rows: tx.insert_deliveries(rows)])  # type: ignore[misc]


@pytest.mark.parametrize("sent_from", [None, START - timedelta(days=1)])
@pytest.mark.parametrize("limit", [1, 2, 7, 1000])
def test_what_is_told_apart_as_usual_is_expected_and_all_else_comes_as_it_is(
    store: SqlStore, limit: int, sent_from: datetime | None
) -> None:
    _lanes_of(store)
    judging = replace(JUDGING, sent_from=sent_from)
    seen: set[UUID] = set()
    plain: list[PlainRow] = []
    after: UUID | None = None
    while True:
        lanes = store.read(
            lambda tx, after=after: tx.held_lanes(  # type: ignore[misc]
                "food",
                READ,
                marked={("application", "known"), ("event", "known")},
                settled_before=judging.settled_before,
                sent_from=sent_from,
                after=after,
                limit=limit,
            )
        )
        plain += lanes.plain
        seen |= {row.delivery_id for row in lanes.others}
        if lanes.after is None:
            break
        after = lanes.after
    rows = {row.delivery_id: row for row in store.read(lambda tx: tx.held_rows("food", READ, after=None, limit=1000))}
    told = {UUID(bytes=row[6]): row for row in plain}
    assert seen | set(told) == set(rows)
    assert not seen & set(told)
    assert len(told) == len(plain)
    for delivery_id, found in told.items():
        row = rows[delivery_id]
        as_it_is = (row.message, row.bundle, row.observed is not None, row.held_key, row.held_mac)
        assert found[:5] == as_it_is
        assert found[5] == row.case_id.bytes
    for _, of_case in by_case(list(rows.values())):
        if of_case[0].delivery_id in told:
            counts = SideCounts()
            assert [role for _, role in roles_in(of_case, judging, counts)] == [Role.EXPECTED] * len(of_case)
            assert counts == SideCounts(expected=len(of_case), delivered=len(of_case))
    assert sum(1 for _, of_case in by_case(list(rows.values())) if of_case[0].delivery_id in told) >= 2 * len(PLAIN) + 1


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


def test_as_many_lanes_are_verified_as_are_named_and_no_other(store: SqlStore) -> None:
    case_ids = _stored(store, *[1] * 103)
    named, left = case_ids[:-2], case_ids[-2:]
    store.write([lambda tx: tx.note_verified("food", [], at=START)])
    store.write([lambda tx: tx.note_verified("food", named, at=START)])
    lanes = {c: store.read(lambda tx, c=c: tx.lane(c, "food")) for c in case_ids}  # type: ignore[misc]
    assert {c for c, lane in lanes.items() if lane is not None and lane.verified_at == START} == set(named)
    assert set(lanes) - set(named) == set(left)


def test_only_the_messages_that_are_asked_for_come(store: SqlStore) -> None:
    case_id, step = stored_case("food")
    rows = [a_delivery(case_id, message=name, phase=Phase.DELIVERED) for name in ("application", "event", "withdrawn")]
    store.write([step, lambda tx: tx.insert_deliveries(rows)])
    for messages in (frozenset({"event"}), frozenset({"event", "withdrawn"})):
        found = store.read(lambda tx, m=messages: tx.held_rows("food", m, after=None, limit=10))  # type: ignore[misc]
        assert {row.message for row in found} == messages
