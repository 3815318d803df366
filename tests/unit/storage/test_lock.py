"""One process works on an SQLite file; the next one is told who."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from syncgate.domain.errors import StoreUnavailable
from syncgate.storage.lock import store_lock


def test_a_second_holder_is_told_the_first_ones_pid(tmp_path: Path) -> None:
    database = tmp_path / "store.sqlite"
    with store_lock(database), pytest.raises(StoreUnavailable, match=rf"process {os.getpid()}"), store_lock(database):
        pass


def test_the_lock_is_free_again_after_its_block(tmp_path: Path) -> None:
    database = tmp_path / "store.sqlite"
    for _ in range(2):
        with store_lock(database):
            pass


def test_a_killed_holder_leaves_the_lock_free(tmp_path: Path) -> None:
    """Crash point: a process that holds the lock is killed."""
    database = tmp_path / "store.sqlite"
    code = (
        "import sys, time, pathlib; from syncgate.storage.lock import store_lock\n"
        "with store_lock(pathlib.Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(database)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreUnavailable, match=rf"process {holder.pid}"), store_lock(database):
            pass
        holder.kill()
    with store_lock(database):
        pass
