"""Processes that die, freeze or lose the database: nothing is lost, nothing doubled, no limit broken."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import threading
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path

import httpx
import psycopg
from sqlalchemy.engine import make_url

from syncgate.sandbox.running import Running
from tests.integration.cli.conftest import eventually, orders
from tests.integration.gate.conftest import LEASE, blind_resends, requests_count
from tests.integration.processes.conftest import Fleet, a_fleet
from tests.support.postgres import own_postgres

LONGEST = 240.0
"""Seconds after which something is held to be stuck, on however busy a machine."""
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


def holds_each_once(system: Running, numbers: set[str], *, within: float = LONGEST) -> None:
    """Every number arrives, once, and nothing was sent again that a look-up would have found."""
    assert eventually(lambda: orders(system).keys() >= numbers, within=within), numbers - orders(system).keys()
    assert set(orders(system).values()) == {1}
    assert blind_resends(system) == []


def test_two_workers_keep_one_limit(fleet: Fleet, workorders: Running) -> None:
    """Rate, concurrency, breaker and probe are global: no more under way than one worker alone might have."""
    api, *workers = fleet.serving_each("api,scheduler", "worker", "worker")
    key = fleet.key()
    workorders.switch_on("slow", delay=0.5, operations=["create"])
    posting, accepted = posting_to(fleet, [api], key, 60)
    posting.join(timeout=LONGEST)
    holds_each_once(workorders, accepted)
    assert len(accepted) == 60
    assert 2 <= most_at_once(workorders, seconds=0.4) <= CONCURRENCY
    assert all(process.poll() is None for process in workers)


def test_a_killed_workers_lanes_are_rescued_and_sent_once(fleet: Fleet, workorders: Running) -> None:
    """Crash point: SIGKILL of one of two workers while its sends hang at the system, twice. Promises 3, 4, 8.

    No scheduler lives: the workers rescue each other's lanes.
    """
    *apis, one, other = fleet.serving_each("api", "api", "worker", "worker")
    workers = [one, other]
    key = fleet.key()
    workorders.switch_on("slow", delay=0.6, operations=["create"])
    everything: set[str] = set()
    for turn in range(2):
        seen = requests_count(workorders)
        posting, accepted = posting_to(fleet, apis, key, 30, prefix=f"T{turn}-")
        assert eventually(lambda seen=seen: requests_count(workorders) > seen + 5)  # type: ignore[misc]
        workers[turn].send_signal(signal.SIGKILL)
        workers[turn].wait(timeout=LONGEST)
        workers.append(fleet.serving("worker"))
        posting.join(timeout=LONGEST)
        everything |= accepted
    workorders.switch_off()
    assert len(everything) == 60
    holds_each_once(workorders, everything)


def test_a_worker_frozen_beyond_its_leases_moves_nothing_late(fleet: Fleet, workorders: Running) -> None:
    """SIGSTOP with sends under way, SIGCONT after another worker took over: promise 8."""
    api, frozen = fleet.serving_each("api,scheduler", "worker")
    key = fleet.key()
    workorders.switch_on("slow", delay=0.8, operations=["create"])
    posting, accepted = posting_to(fleet, [api], key, 20)
    assert eventually(lambda: requests_count(workorders) > 4)
    frozen.send_signal(signal.SIGSTOP)
    fleet.serving("worker")
    time.sleep(LEASE + 2)
    frozen.send_signal(signal.SIGCONT)
    posting.join(timeout=LONGEST)
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
    processes = fleet.serving_each("api", "api,scheduler", "worker", "worker")
    apis = processes[:2]
    key = fleet.key()
    posting, accepted = posting_to(fleet, apis, key, 60)
    for _ in range(5):
        time.sleep(0.5)
        cut_all(fleet.database)
    posting.join(timeout=LONGEST)
    assert len(accepted) == 60
    holds_each_once(workorders, accepted)
    assert all(process.poll() is None for process in processes)
    assert eventually(lambda: [fleet.status(process, "/readyz") for process in processes] == [200] * 4, within=LONGEST)


def test_a_database_that_is_stopped_under_load_is_found_again(tmp_path: Path, workorders: Running) -> None:
    """Crash point: PostgreSQL itself, once as in a power cut, once as an operator stops it. Promises 1, 3 and 4."""
    with own_postgres() as (cluster, server), a_fleet(tmp_path / "site", server, workorders) as fleet:
        processes = fleet.serving_each("api", "api,scheduler", "worker", "worker")
        key = fleet.key()
        posting, accepted = posting_to(fleet, processes[:2], key, 60)
        for turn, mode in enumerate(("immediate", "fast"), start=1):
            assert eventually(lambda turn=turn: len(accepted) >= 15 * turn, within=LONGEST)  # type: ignore[misc]
            cluster.stop(mode)
            assert eventually(lambda: fleet.status(processes[0], "/readyz") == 503, within=LONGEST)
            cluster.start()
        posting.join(timeout=LONGEST)
        assert len(accepted) == 60
        holds_each_once(workorders, accepted)
        assert all(process.poll() is None for process in processes)
        assert eventually(lambda: {fleet.status(p, "/readyz") for p in processes} == {200}, within=LONGEST)


def test_a_worker_that_hears_nothing_looks_by_itself(fleet: Fleet, workorders: Running) -> None:
    """Its listening session is ended and cannot come back: the safety net is far too slow to have found the case."""
    fleet.edit("config.yaml", "safety_interval: 5s", "safety_interval: 600s")
    api, worker = fleet.serving_each("api", "worker")
    key = fleet.key()
    assert fleet.post_to(api, key, "HL1").status_code == 202
    assert eventually(lambda: orders(workorders) == {"HL1": 1}, within=LONGEST), fleet.log(worker)
    assert cut_off_listeners(fleet.database) == 2
    assert fleet.post_to(api, key, "HL2").status_code == 202
    assert eventually(lambda: orders(workorders) == {"HL1": 1, "HL2": 1}, within=120), fleet.log(worker)
    assert listeners_count(fleet.database) == 0


def test_an_api_process_that_is_ended_loses_no_case(fleet: Fleet, workorders: Running) -> None:
    """SIGTERM of one of two in the middle of posts, as in a rolling upgrade; callers ask the other. Promises 1, 2."""
    apis = fleet.serving_each("api", "api,worker")
    key = fleet.key()
    posting, accepted = posting_to(fleet, apis, key, 60)
    assert eventually(lambda: len(accepted) >= 15, within=LONGEST)
    apis[0].send_signal(signal.SIGTERM)
    assert apis[0].wait(timeout=LONGEST) == 0
    posting.join(timeout=LONGEST)
    assert len(accepted) == 60
    holds_each_once(workorders, accepted)


LISTENING = (
    "FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid() AND query IN ('LISTEN syncgate', 'SELECT 1')"
)


def cut_off_listeners(url: str) -> int:
    """Lets nobody connect anew, then ends the sessions that listen. Gives how many there were."""
    address = make_url(url)
    maintenance = address.set(database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {address.database} ALLOW_CONNECTIONS false")
        ended = connection.execute(f"SELECT pg_terminate_backend(pid) {LISTENING}", (address.database,))
        return len(ended.fetchall())


def listeners_count(url: str) -> int:
    """How many sessions listen."""
    address = make_url(url)
    maintenance = address.set(database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(maintenance, autocommit=True) as connection:
        return len(connection.execute(f"SELECT pid {LISTENING}", (address.database,)).fetchall())


def cut_all(url: str) -> None:
    """Ends every session of the database but its own, as a restarting server does."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
