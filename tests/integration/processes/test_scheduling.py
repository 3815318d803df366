"""Two scheduler processes over one PostgreSQL, and a clock that the test moves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import psycopg

from syncgate.domain.reconciliation.run import slot_of
from syncgate.domain.rows import SystemRow
from syncgate.flows.reconciling import turns
from tests.conftest import OpenStore
from tests.integration.processes.scheduling import HOURLY
from tests.support.rows import START

SLOTS = 200
KILLED_AT = 60
LONGEST = 120.0


@dataclass
class Pair:
    """Two processes, and what they wrote."""

    database: str
    file: Path
    processes: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    at: float = START.timestamp()

    def start(self, name: str) -> None:
        command = [sys.executable, "-m", "tests.integration.processes.scheduling", self.database, str(self.file), name]
        made = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.processes[name] = made
        assert made.stdout is not None and made.stdout.readline() == "ready\n"

    def move(self, by: timedelta) -> None:
        self.at += by.total_seconds()
        draft = self.file.with_suffix(".new")
        draft.write_text(str(self.at))
        draft.replace(self.file)

    def ask(self, statement: str) -> list[tuple[str, ...]]:
        with psycopg.connect(self.database) as connection:
            return connection.execute(statement).fetchall()  # type: ignore[call-overload,no-any-return]

    def outcomes(self) -> dict[str, str]:
        return dict(self.ask("SELECT slot, outcome FROM runs WHERE job = 'reconcile:food'"))  # type: ignore[arg-type]

    def eventually(self, claim: Callable[[], bool]) -> None:
        end = time.monotonic() + LONGEST
        while not claim():
            assert time.monotonic() < end, self.outcomes()
            time.sleep(0.02)


@contextmanager
def a_pair(database: str, folder: Path) -> Iterator[Pair]:
    made = Pair(database, folder / "time")
    made.move(timedelta(0))
    try:
        yield made
    finally:
        for process in made.processes.values():
            process.kill()
            process.wait(timeout=30)


def test_every_one_of_200_slots_is_completed_once_though_a_process_is_killed(
    postgres_url: str, open_store: OpenStore, tmp_path: Path
) -> None:
    """Crash point: SIGKILL in the middle of the 60th run, after it saved how far it was."""
    open_store(postgres_url).write([lambda tx: tx.save_system(SystemRow(system="food"))])
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE worked (slot text, process text, what text)")
    due = HOURLY.rhythm.latest(START)
    slots = [slot_of(due + timedelta(hours=number + 1)) for number in range(SLOTS)]
    with a_pair(postgres_url, tmp_path) as pair:
        for name in ("one", "two"):
            pair.start(name)
        pair.eventually(lambda: bool(pair.ask("SELECT 1 FROM runs WHERE job = 'reconcile_due'")))
        for number, slot in enumerate(slots):
            if number == KILLED_AT:
                pair.file.with_suffix(".hangs").write_text(slot)
            pair.move(timedelta(hours=1))
            if number == KILLED_AT:
                kill_who_works(pair, slot)
            pair.eventually(lambda slot=slot: pair.outcomes().get(slot) == "complete")  # type: ignore[misc]
        outcomes, worked = pair.outcomes(), pair.ask("SELECT slot, process, what FROM worked")
    assert sorted(outcomes) == slots
    assert set(outcomes.values()) == {"complete"}
    done = Counter(slot for slot, _, what in worked if what.startswith("done"))
    assert done == Counter(slots)
    assert [slot for slot, _, what in worked if what == "done from applications"] == [slots[KILLED_AT]]
    assert {process for _, process, _ in worked} == {"one", "two"}


def kill_who_works(pair: Pair, slot: str) -> None:
    """Kills the process that the run hangs in, and lets its lease run out."""
    found = f"SELECT process FROM worked WHERE slot = '{slot}'"
    pair.eventually(lambda: bool(pair.ask(found)))
    pair.eventually(lambda: bool(pair.ask(f"SELECT 1 FROM runs WHERE slot = '{slot}' AND cursor IS NOT NULL")))
    ((name,),) = pair.ask(found)
    os.kill(pair.processes[name].pid, signal.SIGKILL)
    pair.processes[name].wait(timeout=30)
    pair.file.with_suffix(".hangs").unlink()
    time.sleep(0.5)
    assert pair.outcomes()[slot] == ""
    pair.move(turns.LEASE)
