"""Processes that die, freeze or lose the database: nothing is lost, nothing doubled, no limit broken."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import threading
import time
from contextlib import closing
from datetime import datetime

import httpx
import psycopg

from syncgate.sandbox.running import Running
from tests.integration.cli.conftest import eventually, orders
from tests.integration.gate.conftest import LEASE, blind_resends, requests_count
from tests.integration.processes.conftest import Fleet

CONCURRENCY = 8
"""As the copied site says of the work order system."""


def posting_to(
    fleet: Fleet, processes: list[subprocess.Popen[str]], key: str, count: int, *, prefix: str = "HL"
) -> tuple[threading.Thread, set[str]]:
    """Posts to these API processes in turn, each case until one takes it, as a source does."""
    accepted: set[str] = set()

    def post() -> None:
        for number in range(count):
            for turn in range(200):
                try:
                    if fleet.post_to(processes[(number + turn) % len(processes)], key, f"{prefix}{number}").is_success:
                        accepted.add(f"{prefix}{number}")
                        break
                except httpx.HTTPError:
                    pass
                time.sleep(0.1)

    thread = threading.Thread(target=post, daemon=True)
    thread.start()
    return thread, accepted


def most_at_once(system: Running, *, seconds: float) -> int:
    """The most requests that came within so many seconds; each takes longer than that."""
    with closing(sqlite3.connect(f"file:{system.ledger}?mode=ro", uri=True)) as ledger:
        rows = ledger.execute("SELECT at FROM requests ORDER BY at").fetchall()
    times = [datetime.fromisoformat(at).timestamp() for (at,) in rows]
    return max(sum(1 for other in times if 0 <= other - begun < seconds) for begun in times)


def holds_each_once(system: Running, numbers: set[str], *, within: float = 30) -> None:
    """Every number arrives, once, and nothing was sent again that a look-up would have found."""
    assert eventually(lambda: orders(system).keys() >= numbers, within=within), numbers - orders(system).keys()
    assert set(orders(system).values()) == {1}
    assert blind_resends(system) == []


def test_two_workers_keep_one_limit(fleet: Fleet, workorders: Running) -> None:
    """Rate, concurrency, breaker and probe are global: no more under way than one worker alone might have."""
    api = fleet.serving("api,scheduler")
    workers = [fleet.serving("worker") for _ in range(2)]
    key = fleet.key()
    workorders.switch_on("slow", delay=0.5, operations=["create"])
    posting, accepted = posting_to(fleet, [api], key, 60)
    posting.join(timeout=60)
    holds_each_once(workorders, accepted)
    assert len(accepted) == 60
    assert 2 <= most_at_once(workorders, seconds=0.4) <= CONCURRENCY
    assert all(process.poll() is None for process in workers)


def test_a_killed_workers_lanes_are_rescued_and_sent_once(fleet: Fleet, workorders: Running) -> None:
    """Crash point: SIGKILL of one of two workers while its sends hang at the system, twice. Promises 3, 4, 8."""
    apis = [fleet.serving("api"), fleet.serving("api,scheduler")]
    workers = [fleet.serving("worker"), fleet.serving("worker")]
    key = fleet.key()
    workorders.switch_on("slow", delay=0.6, operations=["create"])
    everything: set[str] = set()
    for turn in range(2):
        seen = requests_count(workorders)
        posting, accepted = posting_to(fleet, apis, key, 30, prefix=f"T{turn}-")
        assert eventually(lambda seen=seen: requests_count(workorders) > seen + 5)  # type: ignore[misc]
        workers[turn].send_signal(signal.SIGKILL)
        workers[turn].wait(timeout=10)
        workers.append(fleet.serving("worker"))
        posting.join(timeout=60)
        everything |= accepted
    workorders.switch_off()
    assert len(everything) == 60
    holds_each_once(workorders, everything)


def test_a_worker_frozen_beyond_its_leases_moves_nothing_late(fleet: Fleet, workorders: Running) -> None:
    """SIGSTOP with sends under way, SIGCONT after another worker took over: promise 8."""
    api, frozen = fleet.serving("api,scheduler"), fleet.serving("worker")
    key = fleet.key()
    workorders.switch_on("slow", delay=0.8, operations=["create"])
    posting, accepted = posting_to(fleet, [api], key, 20)
    assert eventually(lambda: requests_count(workorders) > 4)
    frozen.send_signal(signal.SIGSTOP)
    fleet.serving("worker")
    time.sleep(LEASE + 2)
    frozen.send_signal(signal.SIGCONT)
    posting.join(timeout=60)
    workorders.switch_off()
    assert len(accepted) == 20
    holds_each_once(workorders, accepted)
    late = [
        attempt
        for delivery in fleet.ask("deliveries", "list", "--limit", "100")["deliveries"]
        for attempt in fleet.ask("deliveries", "show", delivery["delivery_id"])["attempts"]
        if attempt["kind"] == "late"
    ]
    assert late, "nothing was settled late: the freeze struck no send"


def test_a_lost_database_is_found_again_by_every_process(fleet: Fleet, workorders: Running) -> None:
    """Every connection is cut under load, five times; nothing needs a restart. Promises 1 and 3."""
    apis = [fleet.serving("api"), fleet.serving("api,scheduler")]
    processes = [*apis, fleet.serving("worker"), fleet.serving("worker")]
    key = fleet.key()
    posting, accepted = posting_to(fleet, apis, key, 60)
    for _ in range(5):
        time.sleep(0.5)
        cut_all(fleet.database)
    posting.join(timeout=60)
    assert len(accepted) == 60
    holds_each_once(workorders, accepted)
    assert all(process.poll() is None for process in processes)
    assert eventually(lambda: [fleet.status(process, "/readyz") for process in processes] == [200] * 4, within=10)


def cut_all(url: str) -> None:
    """Ends every session of the database but its own, as a restarting server does."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
