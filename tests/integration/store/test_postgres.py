"""What only PostgreSQL can show: two writers at once, deadlocks, a commit whose outcome is lost."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from syncgate.domain.errors import CommitUnknown, Conflict, StoreUnavailable
from syncgate.domain.rows import SystemRow
from syncgate.ports.store import OnSystem, Tx
from syncgate.storage import SqlStore, engine, store
from tests.conftest import OpenStore
from tests.support.rows import START, SetClock, a_case, a_delivery, a_lane, a_submission, new_id, stored_case

WAIT = 20


@pytest.fixture
def two_stores(postgres_url: str, open_store: OpenStore, clock: SetClock) -> tuple[SqlStore, SqlStore]:
    """Two processes' stores over one database."""
    return open_store(postgres_url, clock=clock), open_store(postgres_url, clock=clock)


def in_background(act: Callable[[], Any]) -> Callable[[], Any]:
    """Starts it in a thread; the result is a function that waits for what it returned."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(act()), daemon=True)
    thread.start()

    def wait() -> Any:
        thread.join(WAIT)
        assert not thread.is_alive()
        return results[0]

    return wait


def test_two_claims_at_once_never_take_the_same_lane(two_stores: tuple[SqlStore, SqlStore]) -> None:
    first, second = two_stores
    lanes = [a_lane(new_id(), due_at=START - timedelta(seconds=no)) for no in range(10)]
    first.write([lambda tx, lane=lane: tx.insert_case(a_case(lane.case_id)) for lane in lanes])  # type: ignore[misc]
    first.write([lambda tx: tx.insert_lanes(lanes)])
    is_holding, may_go = threading.Event(), threading.Event()

    def holds(tx: Tx) -> list[Any]:
        taken = tx.due_lanes("food", limit=6)
        is_holding.set()
        assert may_go.wait(WAIT)
        return taken

    held = in_background(lambda: first.write([holds])[0])
    assert is_holding.wait(WAIT)
    others = second.write([lambda tx: tx.due_lanes("food", limit=10)])[0]
    may_go.set()
    taken = held()
    assert [len(taken), len(others)] == [6, 4]
    assert {lane.case_id for lane in taken}.isdisjoint(lane.case_id for lane in others)


def test_an_expired_lane_is_rescued_by_one_process_only(two_stores: tuple[SqlStore, SqlStore]) -> None:
    first, second = two_stores
    lane = a_lane(new_id(), lease_token=new_id(), lease_until=START, lease_owner="dead")
    first.write([lambda tx: tx.insert_case(a_case(lane.case_id)), lambda tx: tx.insert_lanes([lane])])

    def holds(tx: Tx) -> Any:
        mine = tx.expired_lanes(limit=5)
        return mine, second.write([lambda tx: tx.expired_lanes(limit=5)])[0]

    assert first.write([holds]) == [([lane], [])]


def test_a_key_that_two_processes_post_at_once_is_stored_once(two_stores: tuple[SqlStore, SqlStore]) -> None:
    first, second = two_stores
    ids = [new_id(), new_id()]
    is_inserted, may_commit = threading.Event(), threading.Event()

    def insert(tx: Tx, case_id: Any) -> None:
        tx.insert_case(a_case(case_id))
        tx.insert_submission(a_submission(case_id, idempotency_key="same"))

    def holds(tx: Tx) -> None:
        insert(tx, ids[0])
        is_inserted.set()
        assert may_commit.wait(WAIT)

    winner = in_background(lambda: first.write([holds]))
    assert is_inserted.wait(WAIT)
    loser = in_background(lambda: second.write([lambda tx: insert(tx, ids[1])]))
    may_commit.set()
    assert winner() == [None]
    assert isinstance(loser()[0], Conflict)
    assert set(first.read(lambda tx: tx.cases(ids))) == {ids[0]}


def test_two_batches_that_deadlock_are_both_stored(two_stores: tuple[SqlStore, SqlStore]) -> None:
    """Promise 3: whoever loses the deadlock runs again, and the counters stay right."""
    first, second = two_stores
    first.write([lambda tx: tx.save_system(SystemRow(system="a")), lambda tx: tx.save_system(SystemRow(system="b"))])
    case_id, store_case = stored_case("food")
    first.write([store_case])
    meet = threading.Barrier(2, timeout=WAIT)
    met: set[str] = set()

    def locks(mine: str, other: str) -> Callable[[Tx], None]:
        def step(tx: Tx) -> None:
            tx.system(mine, lock=True)
            if mine not in met:
                met.add(mine)
                meet.wait()
            tx.system(other, lock=True)
            tx.insert_deliveries([a_delivery(case_id, part=mine)])

        return step

    one = in_background(lambda: first.write([locks("a", "b")]))
    two = in_background(lambda: second.write([locks("b", "a")]))
    assert [one(), two()] == [[None], [None]]
    assert sum(first.read(lambda tx: tx.counters()).values()) == 2
    assert len(first.read(lambda tx: tx.deliveries(case_id))) == 2


def test_batches_in_opposite_order_are_all_stored_however_often_they_meet(
    two_stores: tuple[SqlStore, SqlStore],
) -> None:
    """Promise 3: groups that deadlock run again, then step by step; no step is lost, none runs twice to the end."""
    first, second = two_stores
    names = [f"s{no}" for no in range(6)]
    first.write([lambda tx, name=name: tx.save_system(SystemRow(system=name)) for name in names])  # type: ignore[misc]

    def adds(name: str) -> Callable[[Tx], None]:
        def step(tx: Tx) -> None:
            row = tx.system(name, lock=True)
            assert row is not None
            tx.save_system(replace(row, failures_count=row.failures_count + 1))

        return step

    def rounds(store: SqlStore, order: list[str]) -> Callable[[], list[Any]]:
        return lambda: [result for _ in range(15) for result in store.write([adds(name) for name in order])]

    one = in_background(rounds(first, names))
    two = in_background(rounds(second, names[::-1]))
    assert [result for result in (*one(), *two()) if result is not None] == []
    assert {row.failures_count for row in first.read(lambda tx: tx.systems())} == {30}


def test_behind_a_row_that_stays_locked_nobody_waits_for_the_others(
    postgres_url: str, open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise 6: whoever wants the row hears that he must come again, and the rest of the batch is stored."""
    monkeypatch.setattr(engine, "LOCK_TIMEOUT_MS", 200)
    monkeypatch.setattr(engine, "AT_ONCE_MS", 1)
    monkeypatch.setattr(store, "PATIENCE", 0.0)
    ours = open_store(postgres_url)
    ours.write([lambda tx, name=name: tx.save_system(SystemRow(system=name)) for name in "ab"])  # type: ignore[misc]
    tries: Counter[int] = Counter()

    def locks(no: int, name: str) -> Callable[[Tx], SystemRow | None]:
        def step(tx: Tx) -> SystemRow | None:
            tries[no] += 1
            return tx.system(name, lock=True)

        return step

    with psycopg.connect(postgres_url) as other:
        other.execute("SELECT 1 FROM systems WHERE system = 'a' FOR UPDATE")
        results = ours.write([locks(no, "b" if no == 2 else "a") for no in range(4)])
    assert [type(result) for result in results] == [StoreUnavailable, StoreUnavailable, SystemRow, StoreUnavailable]
    assert tries == {0: 3, 1: 1, 2: 1, 3: 1}
    assert isinstance(ours.write([locks(0, "a")])[0], SystemRow), "once it is free it is taken"


def test_steps_on_systems_are_committed_first_and_in_one_order(two_stores: tuple[SqlStore, SqlStore]) -> None:
    """Two processes whose groups hold claims in any order never hold what the other waits for."""
    store, _ = two_stores
    ran: list[str] = []

    def noting(name: str) -> Callable[[Tx], str]:
        def step(tx: Tx) -> str:
            ran.append(name)
            return name

        return step

    steps = [noting("settle"), OnSystem("province", noting("province")), OnSystem("food", noting("food"))]
    assert store.write(steps) == ["settle", "province", "food"]
    assert ran == ["food", "province", "settle"]


def test_a_connection_lost_before_the_commit_stores_nothing(postgres_url: str, open_store: OpenStore) -> None:
    store = open_store(postgres_url)
    case_id = new_id()

    def dies(tx: Tx) -> None:
        tx.insert_case(a_case(case_id))
        cut_others(postgres_url)

    with pytest.raises(StoreUnavailable) as failure:
        store.write([dies, lambda tx: tx.systems()])
    assert not isinstance(failure.value, CommitUnknown)
    assert store.write([lambda tx: tx.case(case_id)]) == [None]


def test_a_connection_lost_during_the_commit_is_an_unknown_outcome(postgres_url: str, open_store: OpenStore) -> None:
    """Crash point: between COMMIT leaving and its answer coming back (promise 1)."""
    store = open_store(postgres_url)
    case_id = new_id()
    engine: Any = store._engine
    commit = engine.commit

    def commits_and_is_cut(cursor: Any) -> bool:
        commit(cursor)
        cut_others(postgres_url)
        return bool(commit(cursor))

    engine.commit = commits_and_is_cut
    with pytest.raises(CommitUnknown):
        store.write([lambda tx: tx.insert_case(a_case(case_id))])
    engine.commit = commit
    assert store.write([lambda tx: tx.case(case_id) is not None]) == [True]


def test_connections_that_died_while_idle_are_replaced(postgres_url: str, open_store: OpenStore) -> None:
    store = open_store(postgres_url)
    for _ in range(2):
        assert store.write([lambda tx: tx.systems()]) == [[]]
        assert store.read(lambda tx: tx.systems()) == []
        cut_others(postgres_url)


def test_the_time_is_the_databases_unless_a_clock_is_given(postgres_url: str, open_store: OpenStore) -> None:
    store = open_store(postgres_url)
    (now,) = store.write([lambda tx: tx.now])
    assert abs(datetime.now(UTC) - now) < timedelta(minutes=1)
    assert now.utcoffset() == timedelta(0)
    assert store.write([lambda tx: tx.now])[0] > now


def test_a_value_that_the_engine_cannot_hold_fails_its_step_alone(postgres_url: str, open_store: OpenStore) -> None:
    store = open_store(postgres_url)
    good = a_case()
    results = store.write(
        [lambda tx: tx.insert_case(replace(a_case(), item="a\x00b")), lambda tx: tx.insert_case(good)]
    )
    assert isinstance(results[0], Exception)
    assert "a\x00b" not in str(results[0])
    assert results[1] is None


def cut_others(url: str) -> None:
    """Ends every other session of this database, as a failing server would."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
