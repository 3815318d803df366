"""The feed of changes: in order, none left out, whichever transaction commits first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

from syncgate.domain.changes import Change
from syncgate.domain.delivery import Phase
from syncgate.ports import Tx
from syncgate.storage import SqlStore
from tests.conftest import OpenStore
from tests.support.rows import a_delivery, stored_case

Step = Callable[[Tx], Any]


def stored(store: SqlStore, step: Step) -> None:
    (result,) = store.write([step])
    assert not isinstance(result, BaseException), result


def a_case(store: SqlStore) -> UUID:
    case_id, step = stored_case("food")
    stored(store, step)
    return case_id


def delivered(case_id: UUID, message: str = "basic_info") -> Step:
    delivery = a_delivery(case_id, phase=Phase.DELIVERED, message=message)
    return lambda tx: tx.insert_deliveries([delivery])


def read_on(store: SqlStore, after: int) -> list[Change]:
    """What a reader gets that has seen everything up to a number."""
    while store.write([lambda tx: tx.number_changes(limit=2)])[0]:
        pass
    return store.read(lambda tx: tx.changes("window", after=after, looked_at=1_000))[0]


def test_changes_have_numbers_without_a_gap_in_the_order_in_which_they_came(store: SqlStore) -> None:
    case_id = a_case(store)
    for message in ("basic_info", "step", "done"):
        stored(store, delivered(case_id, message))
    found = read_on(store, 0)
    assert [change.message for change in found if change.delivery_id] == ["basic_info", "step", "done"]
    assert [change.change_no for change in found] == list(range(1, len(found) + 1))
    assert read_on(store, len(found)) == []


def test_what_commits_late_is_read_after_what_committed_first_and_is_never_left_out(
    store_url: str, open_store: OpenStore
) -> None:
    """On PostgreSQL the late one drew its id first; a reader saw the other before it was there."""
    first, second = open_store(store_url), open_store(store_url)
    is_shared = store_url.startswith("postgres")
    slow, quick = a_case(first), a_case(first)
    seen = read_on(first, 0)
    mark = len(seen)
    written, may_commit = threading.Event(), threading.Event()

    def late(tx: Tx) -> None:
        delivered(slow, "late")(tx)
        written.set()
        assert may_commit.wait(20)

    thread = threading.Thread(target=lambda: stored(first, late))
    thread.start()
    assert written.wait(20)
    if is_shared:
        stored(second, delivered(quick, "early"))
        got = read_on(second, mark)
        assert [change.message for change in got] == ["early"]
        mark = got[-1].change_no or 0
    may_commit.set()
    thread.join(20)
    if not is_shared:
        stored(second, delivered(quick, "early"))
    rest = read_on(second, mark)
    assert [change.message for change in rest] == (["late"] if is_shared else ["late", "early"])
    assert rest[-1].change_no == len(seen) + 2


def test_a_step_that_fails_tells_nothing(store: SqlStore) -> None:
    case_id = a_case(store)
    mark = len(read_on(store, 0))

    def fails(tx: Tx) -> None:
        delivered(case_id)(tx)
        raise ValueError("on purpose")

    (result,) = store.write([fails])
    assert isinstance(result, ValueError)
    assert read_on(store, mark) == []


def test_only_a_sources_own_cases_are_told(store: SqlStore) -> None:
    stored(store, delivered(a_case(store)))
    read_on(store, 0)
    assert store.read(lambda tx: tx.changes("hall", after=0, looked_at=100)[0]) == []


def test_many_readers_at_once_number_each_change_once(store_url: str, open_store: OpenStore) -> None:
    stores = [open_store(store_url) for _ in range(3)]
    cases = [a_case(stores[0]) for _ in range(4)]

    def work(no: int) -> None:
        for turn in range(10):
            stored(stores[no], delivered(cases[no], f"m{turn}"))
            stores[no].write([lambda tx: tx.number_changes(limit=3)])

    threads = [threading.Thread(target=work, args=(no,)) for no in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    numbers = [change.change_no for change in read_on(stores[0], 0)]
    assert numbers == list(range(1, len(numbers) + 1))
    of_case = [c.message for c in read_on(stores[0], 0) if c.case_id == cases[1] and c.delivery_id]
    assert of_case == [f"m{turn}" for turn in range(10)]
