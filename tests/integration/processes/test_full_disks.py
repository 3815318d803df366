"""PostgreSQL without room for its tables, or for its journal: refused meanwhile, nothing accepted lost, no restart."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random

import httpx
import pytest

from syncgate.sandbox.running import Running
from tests.integration.cli.conftest import eventually
from tests.integration.processes.conftest import Fleet, a_fleet
from tests.integration.processes.test_losses import LONGEST, holds_each_once
from tests.support.disks import NoSmallDisk, SmallDisk
from tests.support.postgres import SmallPostgres, small_postgres

SEED = 20260502
TURNED_WITHIN = 90.0
"""Seconds after which a disk is held to be never full, or a gate never to come back."""


@pytest.fixture
def small() -> Iterator[SmallPostgres]:
    """A PostgreSQL on small disks."""
    try:
        with small_postgres() as made:
            yield made
    except NoSmallDisk as error:
        pytest.skip(str(error))


@dataclass
class Sources:
    """Sources that post to one API process, each case until it is taken, and then read it.

    accepted: numbers of the cases that were answered 2xx. silences: calls that got no answer at all.
    """

    fleet: Fleet
    api: subprocess.Popen[str]
    key: str
    accepted: set[str] = field(default_factory=set)
    answers: list[httpx.Response] = field(default_factory=list)
    silences: list[str] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def posting(self) -> Iterator[None]:
        """Two of them post until the block ends."""
        threads = [threading.Thread(target=self._post, args=(name,), daemon=True) for name in ("ONE", "OTHER")]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.is_over.set()
            for thread in threads:
                thread.join(timeout=LONGEST)

    def refused_count(self) -> int:
        """How many calls were refused so far."""
        return sum(not answer.is_success for answer in self.answers)

    def _post(self, name: str) -> None:
        numbers = (f"{name}{number}" for number in count())
        number = next(numbers)
        while not self.is_over.is_set():
            try:
                number = next(numbers) if self._is_taken(number) else number
            except httpx.HTTPError as error:
                self.silences.append(type(error).__name__)

    def _is_taken(self, number: str) -> bool:
        answer = self.fleet.post_to(self.api, self.key, number)
        self.answers.append(answer)
        if not answer.is_success:
            time.sleep(0.05)
            return False
        self.accepted.add(number)
        self.answers.append(self.fleet.read_from(self.api, self.key, answer.json()["case_id"]))
        return True


def fill_until_refused(disk: SmallDisk, sources: Sources) -> None:
    """Takes all room, and what a checkpoint gives back, until calls are refused for it."""
    before = sources.refused_count()

    def is_refused() -> bool:
        disk.fill()
        return sources.refused_count() > before + 3

    assert eventually(is_refused, within=TURNED_WITHIN), "the disk was never full"


def revive_until_taken(small: SmallPostgres, sources: Sources) -> None:
    """Looks after the server alone: the gate has to come back by itself."""
    before = len(sources.accepted)

    def is_taken() -> bool:
        small.revive()
        return len(sources.accepted) > before + 4

    assert eventually(is_taken, within=TURNED_WITHIN), "it did not go on by itself"


def test_a_database_whose_disks_fill_up_refuses_cases_and_loses_none(
    tmp_path: Path, small: SmallPostgres, workorders: Running
) -> None:
    """Crash point: a write of PostgreSQL without room, for its tables (it refuses) or its journal (it ends and cannot
    recover), at drawn instants under load, twice each. Promises 1, 2, 3 and 4."""
    draw = Random(SEED)
    with a_fleet(tmp_path / "site", small.server, workorders) as fleet:
        api, worker = processes = fleet.serving_each("api", "worker,scheduler")
        sources = Sources(fleet, api, fleet.key())
        workorders.switch_on("slow", delay=0.05, operations=["create"])
        with sources.posting():
            for disk in draw.sample([small.tables, small.journal] * 2, 4):
                time.sleep(draw.uniform(0.2, 1.0))
                fill_until_refused(disk, sources)
                assert fleet.status(api, "/livez") == fleet.status(worker, "/livez") == 200
                assert eventually(lambda: fleet.status(api, "/readyz") == 503, within=TURNED_WITHIN)
                time.sleep(draw.uniform(0.0, 0.5))
                disk.empty()
                revive_until_taken(small, sources)
        workorders.switch_off()
        assert sources.silences == []
        assert {answer.status_code for answer in sources.answers} <= {200, 202, 503}
        refused = [answer for answer in sources.answers if answer.status_code == 503]
        assert {answer.json()["code"] for answer in refused} <= {"store_unavailable", "commit_unknown"}
        assert all("retry-after" in answer.headers for answer in refused)
        holds_each_once(workorders, sources.accepted)
        assert all(process.poll() is None for process in processes)
        assert eventually(lambda: {fleet.status(process, "/readyz") for process in processes} == {200}, within=LONGEST)
        said = small.cluster.log.read_text()
        assert "could not extend file" in said, "the tables' disk was never full"
        assert "PANIC" in said, "the journal's disk was never full"
