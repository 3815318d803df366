"""Ticks of scheduled work: claimed once, taken over from the dead, ended by whoever claimed last."""

from __future__ import annotations

from datetime import timedelta

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
