"""Rates of the store alone: `python -m tests.integration.store.bench_rates [URL] [CASES] [BATCH]`.

One case is a case, its submission with a sealed document of 900 bytes, three lanes and three deliveries. One
delivery is claimed in batches of 50, then settled: two blobs, an attempt, the delivery and its lane.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from syncgate.domain.delivery import Phase
from syncgate.domain.rows import Blob, Delivery, Lane
from syncgate.ports.store import Tx
from syncgate.storage import SiteKeyring, SqlStore, migrate
from tests.support.rows import TOKEN, a_case, a_delivery, a_lane, a_submission, an_attempt, new_id

SYSTEMS = ("food", "province", "archive")
DOCUMENT = os.urandom(900)
Pair = tuple[Lane, Delivery]


def intake() -> Callable[[Tx], None]:
    case_id = new_id()
    case = a_case(case_id)
    submission = a_submission(case_id, sealed_document=DOCUMENT, idempotency_key=str(case_id))
    deliveries = [a_delivery(case_id, system) for system in SYSTEMS]

    def step(tx: Tx) -> None:
        tx.insert_case(case)
        tx.insert_submission(submission)
        tx.insert_lanes([a_lane(case_id, system, due_at=tx.now) for system in SYSTEMS])
        tx.insert_deliveries(deliveries)

    return step


def claim(system: str) -> Callable[[Tx], list[Pair]]:
    def step(tx: Tx) -> list[Pair]:
        lanes = tx.due_lanes(system, limit=50)
        heads = tx.deliveries_of([(lane.case_id, lane.system) for lane in lanes])
        return [claimed(tx, lane, heads[lane.case_id, lane.system][0]) for lane in lanes]

    return step


def claimed(tx: Tx, lane: Lane, head: Delivery) -> Pair:
    until = tx.now + timedelta(seconds=30)
    leased = replace(lane, lease_token=TOKEN, lease_until=until, lease_owner="bench")
    in_flight = replace(head, phase=Phase.IN_FLIGHT, lease_token=TOKEN, changed_at=tx.now)
    assert tx.save_lane(leased, expected_token=None)
    assert tx.save_delivery(in_flight, before=head)
    return leased, in_flight


def settle(lane: Lane, delivery: Delivery) -> Callable[[Tx], None]:
    scope, mac = str(delivery.case_id), delivery.delivery_id.bytes

    def step(tx: Tx) -> None:
        there = tx.lane(lane.case_id, lane.system, lock=True)
        assert there is not None
        sent = Blob(scope=scope, mac=mac, sealed=DOCUMENT, created_at=tx.now)
        tx.put_blobs([sent, replace(sent, mac=mac + b"1", sealed=DOCUMENT[:80])])
        tx.insert_attempts([an_attempt(delivery.delivery_id)])
        done = replace(delivery, phase=Phase.DELIVERED, lease_token=None, entries_count=1, remote_ref="R")
        assert tx.save_delivery(done, before=delivery)
        free = replace(there, lease_token=None, lease_until=None, lease_owner=None, due_at=None)
        assert tx.save_lane(free, expected_token=TOKEN)

    return step


@contextmanager
def timed(what: str, count: int) -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    sys.stdout.write(f"{what}: {count / wall:,.0f}/s, {cpu / count * 1e6:.0f} us CPU each\n")


def run(store: SqlStore, cases_count: int, batch: int) -> None:
    steps = [intake() for _ in range(cases_count)]
    with timed(f"intake in batches of {batch}", cases_count):
        for start in range(0, cases_count, batch):
            checked(store.write(steps[start : start + batch]))
    count = cases_count * len(SYSTEMS)
    with timed("claim and settle", count):
        while pairs := [pair for found in checked(store.write([claim(name) for name in SYSTEMS])) for pair in found]:
            checked(store.write([settle(*pair) for pair in pairs]))
    assert sum(store.read(lambda tx: tx.counters()).values()) == count


def checked(results: list[object]) -> list[list[Pair]]:
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results  # type: ignore[return-value]


def main(url: str | None = None, cases_count: str = "5000", batch: str = "50") -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = url or f"sqlite:///{folder}/store.sqlite"
        migrate(url)
        store = SqlStore(url, keyring=SiteKeyring(bytes(32)))
        run(store, int(cases_count), int(batch))
        store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
