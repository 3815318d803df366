"""Real processes, killed at random while they poll: every row in once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from syncgate.ports import CaseFilter, Tx
from syncgate.storage import SiteKeyring, SqlStore
from tests.integration.sources.polled import BAD_EVERY, FrontTable, arrivals

ROOT = Path(__file__).parents[3]
ROWS = 5000
KILLS = 8
PATIENCE = 240.0


def begun(url: str, path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.integration.sources.polled", url, str(path)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def flagged_count(table: FrontTable) -> int:
    return ROWS - table.flags().get(0, 0)


def struck(process: subprocess.Popen[str], table: FrontTable, after: int, moment: float) -> None:
    """Kills the process once so many rows are flagged, and a moment later."""
    until = time.monotonic() + PATIENCE
    while flagged_count(table) < after and process.poll() is None and time.monotonic() < until:
        time.sleep(0.005)
    time.sleep(moment)
    process.send_signal(signal.SIGKILL)
    process.wait(10)


def submissions(tx: Tx) -> dict[str, int]:
    found: dict[str, int] = {}
    after = None
    while page := tx.oldest_cases(CaseFilter(), after=after, limit=500):
        found |= {case.case_no: len(tx.list_submissions(case.case_id)) for case in page}
        after = page[-1].case_id
    return found


@pytest.mark.parametrize("seed", [20260430])
def test_the_polled_source_survives_kill_9_at_any_point(store_url: str, tmp_path: Path, seed: int) -> None:
    """SIGKILL at random places over 5,000 rows (promises 1, 2 and 3): every row in once, each flag set once."""
    draw = random.Random(seed)
    table = FrontTable(tmp_path / "front.sqlite")
    table.make(ROWS)
    places = sorted(draw.randrange(ROWS * 9 // 10) for _ in range(KILLS))
    for after in places:
        struck(begun(store_url, table.path), table, after, draw.uniform(0, 0.05))
    assert flagged_count(table) < ROWS, "the kills struck while there was work"
    last = begun(store_url, table.path)
    assert last.stdout is not None
    assert last.stdout.readline() == "done\n"
    assert last.wait(30) == 0

    store = SqlStore(store_url, keyring=SiteKeyring(bytes(range(32))), writer="judge")
    try:
        held = ROWS // BAD_EVERY
        good = {f"S-{no:05}" for no in range(1, ROWS + 1) if no % BAD_EVERY}
        assert store.read(submissions) == dict.fromkeys(good, 1)
        states = [one.state.value for one in store.read(arrivals)]
        assert (states.count("taken"), states.count("held")) == (ROWS - held, held)
    finally:
        store.close()
    assert table.flags() == {1: ROWS - held, 2: held}
    assert table.run("SELECT count(*), count(DISTINCT id) FROM flagged") == [(ROWS, ROWS)]
