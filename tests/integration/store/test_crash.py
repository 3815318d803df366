"""A process killed at any moment leaves whole commits behind, and everything that it had acknowledged."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from syncgate.ports.store import CaseFilter
from syncgate.storage import SqlStore
from tests.conftest import OpenStore

ROOT = Path(__file__).parents[3]
CASES_A_COMMIT = 7

CHILD = textwrap.dedent(
    """
    import os, signal, sys
    from syncgate.storage import SiteKeyring, SqlStore
    from tests.support import rows

    url, acknowledged, dies_in, dies_at, base = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
    rows.new_id.used = base
    store = SqlStore(url, keyring=SiteKeyring(bytes(range(32))))

    def step(commit_no, no):
        case_id, store_case = rows.stored_case("food")
        def run(tx):
            store_case(tx)
            if commit_no == dies_in and no == dies_at:
                os.kill(os.getpid(), signal.SIGKILL)
            tx.insert_deliveries([rows.a_delivery(case_id)])
        return run

    with open(acknowledged, "ab", buffering=0) as out:
        for commit_no in range(1000):
            results = store.write([step(commit_no, no) for no in range(7)])
            assert results == [None] * 7, results
            out.write(b"7\\n")
    """
)


def run_child(url: str, acknowledged: Path, *, dies_in: int, dies_at: int, base: int) -> None:
    command = [sys.executable, "-c", CHILD, url, str(acknowledged), str(dies_in), str(dies_at), str(base)]
    done = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


@pytest.mark.parametrize("dies_at", [0, 3, 6])
def test_a_kill_between_steps_leaves_whole_commits_only(
    store_url: str, open_store: OpenStore, tmp_path: Path, dies_at: int
) -> None:
    """Crash point: inside a commit, after some of its steps (promises 1 and 3)."""
    acknowledged = tmp_path / "acknowledged"
    for life in range(2):
        run_child(store_url, acknowledged, dies_in=4 + life, dies_at=dies_at, base=life * 1000)
    store = open_store(store_url)
    count = len(acknowledged.read_bytes().split()) * CASES_A_COMMIT
    assert count == 9 * CASES_A_COMMIT
    assert stored_counts(store) == (count, count)


@pytest.mark.parametrize("seconds", [0.9, 1.3])
def test_a_kill_at_any_moment_loses_nothing_acknowledged(
    sqlite_url: str, open_store: OpenStore, tmp_path: Path, seconds: float
) -> None:
    """Crash point: wherever the process happens to be (promise 1)."""
    acknowledged = tmp_path / "acknowledged"
    command = [sys.executable, "-c", CHILD, sqlite_url, str(acknowledged), "-1", "-1", "0"]
    with subprocess.Popen(command, cwd=ROOT) as child:
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.kill()
    said = len(acknowledged.read_bytes().split()) * CASES_A_COMMIT if acknowledged.exists() else 0
    cases_count, deliveries_count = stored_counts(open_store(sqlite_url))
    assert cases_count == deliveries_count
    assert cases_count % CASES_A_COMMIT == 0
    assert said <= cases_count <= said + CASES_A_COMMIT


def stored_counts(store: SqlStore) -> tuple[int, int]:
    cases = store.read(lambda tx: tx.list_cases(CaseFilter(), after=None, limit=100_000))
    return len(cases), sum(store.read(lambda tx: tx.counters()).values())
