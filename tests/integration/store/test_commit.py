"""Group commit: whole or not at all, and a step that fails fails alone."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from syncgate.domain.errors import CommitUnknown, Conflict, IllegalMove, NotFound, StoreUnavailable
from syncgate.ports.store import Tx
from syncgate.storage import SqlStore
from tests.support.rows import SetClock, a_case, a_delivery, a_lane, a_submission, new_id, stored_case


def test_results_come_back_in_the_order_of_the_steps(store: SqlStore) -> None:
    assert store.write([lambda tx, no=no: no for no in range(5)]) == [0, 1, 2, 3, 4]  # type: ignore[misc]


def test_no_steps_are_no_commit(store: SqlStore) -> None:
    assert store.write([]) == []


def test_one_commit_has_one_time(store: SqlStore, clock: SetClock) -> None:
    def late(tx: Tx) -> object:
        clock.move(seconds=5)
        return tx.now

    first, second = store.write([late, lambda tx: tx.now])
    assert first == second


def test_a_step_that_raises_is_rolled_back_alone(store: SqlStore) -> None:
    good, store_good = stored_case("food")
    bad, other = new_id(), new_id()

    def fails(tx: Tx) -> None:
        tx.insert_case(a_case(bad))
        tx.insert_lanes([a_lane(bad)])
        tx.insert_deliveries([a_delivery(bad)])
        raise NotFound("expected something, got nothing")

    results = store.write([store_good, fails, lambda tx: tx.insert_case(a_case(other))])
    assert [type(result) for result in results] == [type(None), NotFound, type(None)]
    assert set(store.read(lambda tx: tx.cases([good, bad, other]))) == {good, other}
    assert store.read(lambda tx: tx.counters()) == {}


def test_a_refused_row_spoils_only_its_step(store: SqlStore) -> None:
    case_id, store_case = stored_case()
    other = new_id()
    results = store.write(
        [
            store_case,
            lambda tx: tx.insert_submission(a_submission(case_id, idempotency_key="k")),
            lambda tx: tx.insert_submission(a_submission(case_id, submission_no=2, revision=2, idempotency_key="k")),
            lambda tx: tx.insert_case(a_case(other)),
        ]
    )
    assert [type(result) for result in results] == [type(None), type(None), Conflict, type(None)]
    assert store.read(lambda tx: tx.case(other)) is not None


def test_a_step_that_swallows_a_conflict_is_rolled_back_all_the_same(store: SqlStore) -> None:
    case_id, store_case = stored_case()
    other = new_id()

    def swallows(tx: Tx) -> str:
        tx.insert_case(a_case(other))
        try:
            tx.insert_case(a_case(case_id))
        except Conflict:
            return "went on"
        return "unreachable"

    result = store.write([store_case, swallows])[1]
    assert isinstance(result, Conflict)
    assert store.read(lambda tx: tx.case(other)) is None


def test_a_read_writes_nothing(store: SqlStore) -> None:
    with pytest.raises(StoreUnavailable):
        store.read(lambda tx: tx.insert_case(a_case()))


def test_a_read_takes_no_locks(store: SqlStore) -> None:
    with pytest.raises(IllegalMove):
        store.read(lambda tx: tx.due_lanes("food", limit=1))


def test_a_read_sees_one_state_while_others_write(store: SqlStore) -> None:
    case_id, store_case = stored_case()

    def read(tx: Tx) -> list[object]:
        before = tx.case(case_id)
        assert store.write([store_case]) == [None]
        return [before, tx.case(case_id)]

    assert store.read(read) == [None, None]
    assert store.read(lambda tx: tx.case(case_id)) is not None


def test_a_commit_whose_answer_is_lost_is_an_unknown_outcome_on_sqlite_too(sqlite_store: SqlStore) -> None:
    """Crash point: the commit stands, and flushing it is said to have failed (promise 1)."""
    case_id = new_id()
    engine: Any = sqlite_store._engine
    commit = engine.commit

    def commits_and_fails(cursor: Any) -> bool:
        commit(cursor)
        raise sqlite3.OperationalError("disk I/O error")

    engine.commit = commits_and_fails
    with pytest.raises(CommitUnknown):
        sqlite_store.write([lambda tx: tx.insert_case(a_case(case_id))])
    engine.commit = commit
    assert sqlite_store.write([lambda tx: tx.case(case_id) is not None]) == [True]
