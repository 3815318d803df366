"""Ticks of scheduled work: claimed once, taken over from the dead, ended by whoever claimed last."""

from __future__ import annotations

from datetime import timedelta

from syncgate.domain.rows import Run
from syncgate.ports.store import Tx
from syncgate.storage import SqlStore
from tests.support.rows import START, SetClock

SOON = timedelta(minutes=1)


def claims(store: SqlStore, by: str, slot: str = "s1") -> bool:
    def step(tx: Tx) -> bool:
        return tx.claim_run("partitions", slot, by=by, until=tx.now + SOON)

    (is_claimed,) = store.write([step])
    return bool(is_claimed)


def test_a_tick_is_claimed_once(store: SqlStore) -> None:
    assert [claims(store, "a"), claims(store, "b"), claims(store, "b", "s2")] == [True, False, True]


def test_a_dead_claimants_tick_is_taken_over(store: SqlStore, clock: SetClock) -> None:
    assert claims(store, "a")
    clock.at = START + SOON
    assert [claims(store, "b"), claims(store, "c")] == [True, False]


def test_a_tick_that_ended_is_never_run_again(store: SqlStore, clock: SetClock) -> None:
    assert claims(store, "a")
    store.write([lambda tx: tx.end_run("partitions", "s1", by="a", outcome="done")])
    clock.at = START + 2 * SOON
    assert not claims(store, "b")


def test_who_was_taken_over_from_ends_nothing(store: SqlStore, clock: SetClock) -> None:
    assert claims(store, "a")
    clock.at = START + SOON
    assert claims(store, "b")
    store.write([lambda tx: tx.end_run("partitions", "s1", by="a", outcome="done")])
    clock.at = START + 2 * SOON
    assert claims(store, "c")


def test_runs_of_several_jobs_are_paged_newest_first_and_none_is_lost_where_slots_are_equal(store: SqlStore) -> None:
    rows = [
        Run(
            job=job,
            slot=slot,
            claimed_by="a",
            claimed_at=START,
            ended_at=START if outcome else None,
            outcome=outcome,
        )
        for job, slot, outcome in (
            ("a", "20260101T000000Z", "complete"),
            ("a", "20260102T000000Z", "missed"),
            ("a", "20260102T000000Z-k3", "complete"),
            ("b", "20260102T000000Z", ""),
            ("c", "20260102T000000Z", "complete"),
            ("other", "20260103T000000Z", ""),
        )
    ]
    store.write([lambda tx, row=row: tx.insert_run(row) for row in reversed(rows)])
    jobs = ("a", "b", "c", "never")
    found: list[tuple[str, str]] = []
    while True:
        after = found[-1] if found else None
        page = store.read(lambda tx, after=after: tx.page_runs(jobs, after=after, limit=2))
        found += [(run.job, run.slot) for run in page]
        if len(page) < 2:
            break
    day = "20260102T000000Z"
    assert found == [("a", f"{day}-k3"), ("a", day), ("b", day), ("c", day), ("a", "20260101T000000Z")]
    opens = store.read(lambda tx: tx.page_runs(jobs, after=None, limit=9, is_open=True))
    assert [run.job for run in opens] == ["b"]
    ended = store.read(lambda tx: tx.page_runs(jobs, after=None, limit=9, outcomes=("missed", "failed")))
    assert [(run.job, run.slot) for run in ended] == [("a", day)]
