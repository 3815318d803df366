"""Two workers together keep what a system can bear: its rate, and its breaker with one probe at a time."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime
from itertools import pairwise

from syncgate.sandbox.running import Running
from tests.integration.cli.conftest import eventually, orders
from tests.integration.gate.conftest import requests_count
from tests.integration.processes.conftest import Fleet
from tests.integration.processes.test_losses import CONCURRENCY, LONGEST, holds_each_once, posting_to

RATE = 10
PROBED_AFTER = 2.0
"""Seconds, as the adapter says."""


def request_times(system: Running) -> list[float]:
    """When each request came, by the system's own clock."""
    with closing(sqlite3.connect(f"file:{system.ledger}?mode=ro", uri=True)) as ledger:
        rows = ledger.execute("SELECT at FROM requests ORDER BY at").fetchall()
    return [datetime.fromisoformat(at).timestamp() for (at,) in rows]


def test_two_workers_spend_one_rate(fleet: Fleet, workorders: Running) -> None:
    """Sends a second count over both: with a rate each it would take half the time."""
    fleet.edit("config.yaml", "rate: 500/s", f"rate: {RATE}/s")
    api, *_ = fleet.serving_each("api,scheduler", "worker", "worker")
    key = fleet.key()
    fleet.ask("systems", "pause", "workorders", "--reason", "until all are there")
    posting, accepted = posting_to(fleet, [api], key, 60)
    posting.join(timeout=LONGEST)
    assert len(accepted) == 60
    fleet.ask("systems", "resume", "workorders", "--reason", "all are there")
    holds_each_once(workorders, accepted)
    times = request_times(workorders)
    assert times[-1] - times[0] >= (60 - RATE) / RATE - 1


def test_one_workers_denial_stops_both_and_one_probe_at_a_time_goes_out(fleet: Fleet, workorders: Running) -> None:
    """Opened by one, heeded by the other; what was under way when it opened is all that still comes."""
    api, *_ = fleet.serving_each("api,scheduler", "worker", "worker")
    key = fleet.key()
    workorders.switch_on("deny")
    posting, accepted = posting_to(fleet, [api], key, 60)
    posting.join(timeout=LONGEST)
    before = requests_count(workorders)
    assert eventually(lambda: requests_count(workorders) >= before + 3, within=LONGEST)
    times = request_times(workorders)
    at_once = [at for at in times if at - times[0] < PROBED_AFTER]
    later = [times[len(at_once) - 1], *times[len(at_once) :]]
    assert 1 <= len(at_once) <= CONCURRENCY
    assert min(after - at for at, after in pairwise(later)) >= PROBED_AFTER * 0.9
    workorders.switch_off()
    holds_each_once(workorders, accepted)
    assert len(accepted) == 60
    assert len(orders(workorders)) == 60
