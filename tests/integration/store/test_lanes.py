"""Lanes: due in order, leased by token, woken, found by what a system calls the case."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from syncgate.domain.errors import Conflict
from syncgate.domain.rows import Lane
from syncgate.ports.store import Tx
from syncgate.storage import SqlStore
from tests.support.rows import OTHER_TOKEN, START, TOKEN, SetClock, a_case, a_lane, new_id, stored_case

IN_30_S = START + timedelta(seconds=30)


def leased(lane: Lane, token: UUID = TOKEN) -> Lane:
    return replace(lane, lease_token=token, lease_until=IN_30_S, lease_owner="worker-1")


def store_lanes(store: SqlStore, *lanes: Lane) -> None:
    def step(tx: Tx) -> None:
        for case_id in dict.fromkeys(lane.case_id for lane in lanes):
            tx.insert_case(a_case(case_id))
        tx.insert_lanes(lanes)

    assert store.write([step]) == [None]


def test_a_lane_comes_back_as_it_was_stored(store: SqlStore) -> None:
    lane = leased(
        a_lane(
            new_id(),
            due_at=START,
            poll_at=IN_30_S,
            send_started_at=START,
            waits_for="food",
            case_ref="SPJY1",
            verified_at=START,
            rank_at=START,
        )
    )
    other = a_lane(lane.case_id, "province")
    store_lanes(store, other, lane)
    assert store.read(lambda tx: tx.lane(lane.case_id, "food")) == lane
    assert store.read(lambda tx: tx.lane(lane.case_id, "nowhere")) is None
    assert store.write([lambda tx: tx.lanes(lane.case_id, lock=True)]) == [[lane, other]]
    assert store.write([lambda tx: tx.lane(lane.case_id, "food", lock=True)]) == [lane]


def test_ranked_lanes_come_by_rank_when_they_are_due(store: SqlStore) -> None:
    late, early = (a_lane(new_id(), due_at=START, rank_at=START - timedelta(hours=ahead)) for ahead in (1, 2))
    not_due = a_lane(new_id(), due_at=IN_30_S, rank_at=START - timedelta(hours=3))
    not_ranked, not_yet = a_lane(new_id(), due_at=START), a_lane(new_id(), due_at=START, rank_at=IN_30_S)
    in_hand = leased(a_lane(new_id(), due_at=START, rank_at=START - timedelta(hours=4)))
    store_lanes(store, late, early, not_due, not_ranked, not_yet, in_hand)
    assert store.write([lambda tx: tx.ranked_lanes("food", limit=10)]) == [[early, late]]
    assert store.write([lambda tx: tx.ranked_lanes("food", limit=1)]) == [[early]]
    assert store.write([lambda tx: tx.ranked_lanes("province", limit=10)]) == [[]]


def test_a_lane_is_saved_only_under_its_own_token(store: SqlStore) -> None:
    lane = a_lane(new_id(), due_at=START)
    store_lanes(store, lane)
    saves = [
        (leased(lane), OTHER_TOKEN, False),
        (leased(lane), None, True),
        (leased(lane, OTHER_TOKEN), None, False),
        (leased(lane, OTHER_TOKEN), OTHER_TOKEN, False),
        (replace(lane, due_at=None), TOKEN, True),
        (replace(lane, due_at=None), TOKEN, False),
    ]
    for after, token, is_saved in saves:
        assert store.write([lambda tx, a=after, t=token: tx.save_lane(a, expected_token=t)]) == [is_saved]  # type: ignore[misc]
    assert store.read(lambda tx: tx.lane(lane.case_id, "food")) == replace(lane, due_at=None)


def test_due_lanes_come_earliest_first(store: SqlStore) -> None:
    lanes = [a_lane(new_id(), due_at=START - timedelta(seconds=age)) for age in (0, 5, 3, 9)]
    not_due = [
        a_lane(new_id(), due_at=START + timedelta(microseconds=1)),
        a_lane(new_id()),
        leased(a_lane(new_id(), due_at=START)),
        a_lane(new_id(), "province", due_at=START),
    ]
    store_lanes(store, *lanes, *not_due)
    earliest_first = [lanes[place] for place in (3, 1, 2, 0)]
    assert store.write([lambda tx: tx.due_lanes("food", limit=10)]) == [earliest_first]
    assert store.write([lambda tx: tx.due_lanes("food", limit=2)]) == [earliest_first[:2]]


def test_lanes_whose_system_is_to_be_asked_come_earliest_first_leased_or_not(store: SqlStore) -> None:
    first = leased(a_lane(new_id(), poll_at=START - timedelta(seconds=5)))
    second = a_lane(new_id(), poll_at=START, due_at=START)
    later = a_lane(new_id(), poll_at=IN_30_S, due_at=START)
    store_lanes(store, later, second, first, a_lane(new_id(), "province", poll_at=START), a_lane(new_id()))
    assert store.write([lambda tx: tx.polled_lanes("food", limit=10)]) == [[first, second]]
    assert store.write([lambda tx: tx.polled_lanes("food", limit=1)]) == [[first]]
    assert store.read(lambda tx: tx.next_poll_at("food")) == START - timedelta(seconds=5)
    assert store.read(lambda tx: tx.next_poll_at("nowhere")) is None


def test_the_next_due_time_is_that_of_the_earliest_unleased_lane(store: SqlStore) -> None:
    store_lanes(
        store,
        leased(a_lane(new_id(), due_at=START)),
        a_lane(new_id(), due_at=START + timedelta(seconds=9)),
        a_lane(new_id(), due_at=START + timedelta(seconds=8)),
        a_lane(new_id(), "province"),
    )
    assert store.read(lambda tx: tx.next_due_at("food")) == START + timedelta(seconds=8)
    assert store.read(lambda tx: tx.next_due_at("province")) is None


def test_a_lease_counts_until_its_time_is_up(store: SqlStore, clock: SetClock) -> None:
    first, second = leased(a_lane(new_id())), leased(a_lane(new_id()))
    later = replace(second, lease_until=IN_30_S + timedelta(seconds=1))
    store_lanes(store, later, first, leased(a_lane(new_id(), "province")), a_lane(new_id()))
    assert store.read(lambda tx: tx.leases_count("food")) == 2
    assert store.write([lambda tx: tx.expired_lanes(limit=10)]) == [[]]
    clock.move(seconds=31)
    assert store.read(lambda tx: tx.leases_count("food")) == 0
    expired = store.write([lambda tx: tx.expired_lanes(limit=10)])[0]
    assert [lane.lease_until for lane in expired] == [IN_30_S, IN_30_S, later.lease_until]
    assert store.write([lambda tx: tx.expired_lanes(limit=1)])[0] == expired[:1]


def test_every_lease_can_be_let_run_out(store: SqlStore) -> None:
    lanes = [leased(a_lane(new_id())), leased(a_lane(new_id(), "province")), a_lane(new_id())]
    store_lanes(store, *lanes)
    assert store.write([lambda tx: tx.expire_leases()]) == [2]
    assert len(store.write([lambda tx: tx.expired_lanes(limit=10)])[0]) == 2


def test_waking_makes_waiting_lanes_due_once(store: SqlStore) -> None:
    case_id = new_id()
    waiting = a_lane(case_id, "province", waits_for="food")
    later = a_lane(case_id, "credit", waits_for="food", due_at=START + timedelta(hours=1))
    already_due = a_lane(case_id, "archive", waits_for="food", due_at=START - timedelta(hours=1))
    for_another = a_lane(case_id, "hotline", waits_for="province")
    elsewhere = a_lane(new_id(), "province", waits_for="food")
    store_lanes(store, waiting, later, already_due, for_another, elsewhere)
    wake = [lambda tx: tx.wake(case_id, waits_for="food")]
    assert store.write(wake) == [3]
    assert store.write(wake) == [0]
    lanes = store.read(lambda tx: {lane.system: lane for lane in tx.lanes(case_id)})
    assert {name: lane.due_at for name, lane in lanes.items()} == {
        "province": START,
        "credit": START,
        "archive": already_due.due_at,
        "hotline": None,
    }
    assert store.read(lambda tx: tx.lane(elsewhere.case_id, "province")) == elsewhere


def test_a_case_is_found_by_what_a_system_calls_it(store: SqlStore) -> None:
    lane = a_lane(new_id(), case_ref="SPJY2026000001")
    store_lanes(store, lane)
    assert store.read(lambda tx: tx.case_id_by_ref("food", "SPJY2026000001")) == lane.case_id
    assert store.read(lambda tx: tx.case_id_by_ref("province", "SPJY2026000001")) is None


def test_a_number_of_a_system_belongs_to_one_case(store: SqlStore) -> None:
    taken = a_lane(new_id(), case_ref="N-1")
    store_lanes(store, taken, a_lane(taken.case_id, "province", case_ref="N-1"))
    other, store_other = stored_case("food")
    results = store.write(
        [
            store_other,
            lambda tx: tx.save_lane(a_lane(other, case_ref="N-1"), expected_token=None),
            lambda tx: tx.insert_lanes([a_lane(other, "archive"), a_lane(other, "province", case_ref="N-1")]),
            lambda tx: tx.insert_lanes([a_lane(other, "archive", case_ref="N-1")]),
        ]
    )
    assert [type(result) for result in results] == [type(None), Conflict, Conflict, type(None)]


def test_lanes_of_a_case_that_is_not_stored_are_refused(store: SqlStore) -> None:
    (result,) = store.write([lambda tx: tx.insert_lanes([a_lane(new_id())])])
    assert isinstance(result, Conflict)
