"""kill -9 at every stage of a run, by a process that does nothing else: what it left is gone on with, and done once."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from syncgate.flows.reconciling.turns import LEASE
from tests.reconcile_proof.place import ROOT, ProofPlace
from tests.reconcile_proof.runs import begin, work_on
from tests.reconcile_proof.world import world_in

STAGES: Final = ("reading", "comparing", "looking_again", "mending")
ENDS_WITHIN: Final = 240.0
_LOOKED_EVERY: Final = 0.002


class Watched:
    """The store of a place, as somebody else sees it."""

    def __init__(self, place: ProofPlace, system: str) -> None:
        self._file, self._job = place.store, f"reconcile:{system}"

    def stage(self) -> str:
        """Which stage the newest run is at; "" where there is none."""
        rows = self._asked("SELECT detail FROM runs WHERE job = ? ORDER BY slot DESC LIMIT 1", self._job)
        return str(json.loads(rows[0][0])["stage"]) if rows else ""

    def mended_count(self) -> int:
        """How many discrepancies have their repair, or were ended."""
        found = "SELECT count(*) FROM discrepancies WHERE delivery_id IS NOT NULL OR closed_at IS NOT NULL"
        rows = self._asked(found)
        return int(rows[0][0]) if rows else 0

    def runs_count(self) -> int:
        """How many runs there are of the system."""
        rows = self._asked("SELECT count(*) FROM runs WHERE job = ?", self._job)
        return int(rows[0][0]) if rows else 0

    def _asked(self, sql: str, *values: str) -> list[tuple[Any, ...]]:
        with suppress(sqlite3.OperationalError), closing(sqlite3.connect(self._file, timeout=5)) as connection:
            return connection.execute(sql, values).fetchall()
        return []


def killed_at_every_stage(
    place: ProofPlace, system: str, *, stages: Sequence[str] = STAGES, say: Callable[[str], None]
) -> list[str]:
    """Kills the process that works on a run once at each stage; another goes on with it and ends it.

    Gives what is wrong: a stage that was never seen, a run that was begun twice, or that did not end.
    """
    watched, wrong, before = Watched(place, system), [], 0
    for no, stage in enumerate(stages):
        child = _started(place, system, is_new=no == 0)
        if _killed_when(child, lambda one=stage: _is_at(watched, one, before)):  # type: ignore[misc]
            say(f"{system}: killed while {stage}, {watched.mended_count() - before} mended by then")
        else:
            wrong.append(f"{system}: expected to kill it while {stage}, got its end before")
            break
    last = _started(place, system, is_new=False)
    if last.wait(ENDS_WITHIN) != 0:
        wrong.append(f"{system}: expected the run to be gone on with to its end, got {last.returncode}")
    if (count := watched.runs_count()) != 1:
        wrong.append(f"{system}: expected one run, got {count}")
    if watched.stage() != "ended":
        wrong.append(f"{system}: expected the run to have ended, got it {watched.stage()}")
    return wrong


def _is_at(watched: Watched, stage: str, before: int) -> bool:
    if watched.stage() != stage:
        return False
    return stage != "mending" or watched.mended_count() - before >= 2


def _killed_when(child: subprocess.Popen[bytes], is_so: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + ENDS_WITHIN
    while child.poll() is None and time.monotonic() < deadline:
        if is_so():
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
            return True
        time.sleep(_LOOKED_EVERY)
    return False


def _started(place: ProofPlace, system: str, *, is_new: bool) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.reconcile_proof.crash", str(place.path), system, "new" if is_new else "old"]
    with (place.path / "crash.log").open("ab") as log:
        return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)


async def _work(place: ProofPlace, system: str, *, is_new: bool) -> int:
    async with world_in(place) as world:
        if is_new:
            await begin(world, system, mode="mend", cap=1_000_000)
        else:
            # Whoever was killed holds the run until its lease is over.
            world.clock.move(LEASE + timedelta(seconds=1))
            place.time.write_text(world.clock.at.isoformat())
        await work_on(world)
        return 0


def main() -> int:
    """0 when the run has ended."""
    folder, system, is_new = sys.argv[1:]
    return asyncio.run(_work(ProofPlace(Path(folder)), system, is_new=is_new == "new"))


if __name__ == "__main__":
    sys.exit(main())
