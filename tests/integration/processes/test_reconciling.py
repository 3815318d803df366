"""`syncgate serve` dies while a run reads and while it mends: the run is ended once, and nothing is mended twice."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from syncgate.sandbox.running import Running
from tests.integration.cli.conftest import KEY, ROOT, eventually
from tests.integration.gate.conftest import Gate
from tests.integration.processes.watching import WatchedRun
from tests.reconcile_proof.cases import document

COUNT = 300
LONGEST = 240.0
PLANTED = {"missing": 12, "stale": 90, "edited_there": 6, "duplicate": 5, "unexpected": 4}
LEFT = {"edited_there", "duplicate", "unexpected"}
"""What the adapter's policy leaves to a person."""
Place = tuple[str, str]
"""(class, what food calls the record)"""


@dataclass
class Ground:
    """A gate, food as a process of its own, and what was planted there."""

    gate: Gate
    food: Running
    watched: WatchedRun
    documents: list[Any] = field(default_factory=list)
    planted: set[Place] = field(default_factory=set)

    def fill(self) -> None:
        """Has the gate take and deliver the cases; those of which an older content shall stand again, twice."""
        key, random = self.gate.key(), Random("processes")
        self.documents = [document("food", random, serial) for serial in range(1, COUNT + 1)]
        self._post(key, self.documents)
        assert eventually(lambda: self._effects()["created"] == COUNT, within=LONGEST), self._effects()
        corrected = self.documents[: PLANTED["stale"]]
        self._post(key, [one | {"form": one["form"] | {"经营场所": "东示区更正路8号"}} for one in corrected])
        assert eventually(lambda: self._effects()["updated"] == len(corrected), within=LONGEST), self._effects()
        assert eventually(self._is_all_judged, within=LONGEST)

    def _is_all_judged(self) -> bool:
        """Whether a run judges all that was delivered: nothing of it is under way or young any more."""
        (run,) = self.gate.run("reconcile", "food", "--json").json()
        judged: dict[str, int] = run["totals"]
        return (judged["expected"], judged["verified"], judged["unjudged"]) == (COUNT, COUNT, 0)

    def _post(self, key: str, documents: list[Any]) -> None:
        lines = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in documents).encode()
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson"}
        answer = httpx.post(
            f"{self.gate.address}/v1/cases:batch", content=lines, headers=headers, trust_env=False, timeout=LONGEST
        )
        said = [json.loads(line) for line in answer.text.splitlines()]
        assert [one["status"] for one in said] == [202] * len(documents), said[:3]

    def plant(self) -> None:
        """Alters food's records behind the gate's back."""
        keys = [key for key, _ in self._asked("SELECT key, seq FROM effects WHERE kind = 'created' ORDER BY seq")]
        updated = [key for key, _ in self._asked("SELECT key, seq FROM effects WHERE kind = 'updated' ORDER BY seq")]
        free = [key for key in keys if key not in set(updated)]
        deeds = {
            "missing": {"do": "remove"},
            "stale": {"do": "roll_back"},
            "edited_there": {"do": "edit", "set": {"premises": "西示区他人路1号"}},
            "duplicate": {"do": "double"},
        }
        for kind, deed in deeds.items():
            of_kind = updated if kind == "stale" else [free.pop() for _ in range(PLANTED[kind])]
            self.food.alter(*({**deed, "operation": "create", "key": key} for key in of_kind))
            self.planted |= {(kind, key) for key in of_kind}
        ((record, _),) = self._asked("SELECT record, seq FROM effects WHERE kind = 'created' LIMIT 1")
        others = [str(uuid.UUID(int=no)) for no in range(1, PLANTED["unexpected"] + 1)]
        inserts = ({"do": "insert", "key": key, "record": {**json.loads(record), "bizKey": key}} for key in others)
        self.food.alter(*inserts)
        self.planted |= {("unexpected", key) for key in others}

    def writes_since(self, seq: int) -> Counter[tuple[str, str, str]]:
        """What was sent to food since a request of its ledger: operation, record and what it did, however often."""
        said = f"SELECT operation, key, effect FROM requests WHERE seq > {seq} AND effect <> 'read'"
        return Counter(tuple(row) for row in self._asked(said) if row[0] in ("create", "update", "event"))

    def last_seq(self) -> int:
        """The newest request of food's ledger."""
        ((seq,),) = self._asked("SELECT max(seq) FROM requests")
        return int(seq)

    def found(self) -> Counter[Place]:
        """What is noted as found, by class and record, ended or not."""
        rows = self.gate.ask("reconcile", "discrepancies", "--system", "food", "--all")["discrepancies"]
        return Counter((one["kind"], one["case_id"] or one["detail"]["key"]) for one in rows)

    def _effects(self) -> Counter[str]:
        return Counter(kind for (kind,) in self._asked("SELECT kind FROM effects"))

    def _asked(self, sql: str) -> list[Any]:
        with closing(sqlite3.connect(f"file:{self.food.ledger}?mode=ro", uri=True)) as ledger:
            return ledger.execute(sql).fetchall()


@contextmanager
def food_apart(folder: Path) -> Iterator[Running]:
    """Food as a process of its own, ended with the block."""
    command = ["-m", "syncgate.sandbox", "serve", "--system", "food", "--folder", str(folder)]
    env = {**os.environ, "SANDBOX_FOOD_KEY": KEY, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, *command], env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline().split()
            assert said[:1] == ["food"], said
            port = httpx.URL(said[1]).port
            assert port is not None
            yield Running("food", port, folder / "food.sqlite")
        finally:
            process.kill()


def a_gate(folder: Path, food: Running, store: str | None) -> Gate:
    """A copy of the example site whose food is read back in small pages, soon after it was written to."""
    made = Gate(folder)
    for part in ("adapters", "mappings", "schemas"):
        shutil.copytree(ROOT / part, made.folder / part)
    shutil.copy(ROOT / "config.example.yaml", made.config)
    limits = "{rate: 1000/s, concurrency: 8, connect_timeout: 1s, timeout: 2s, retry_after_at_most: 2s}"
    made.edit("config.yaml", "  food: {}\n", f"  food: {{address: {food.base_url}, limits: {limits}}}\n")
    made.edit("config.yaml", "mode: live   ", "mode: draft  ")
    made.edit("config.yaml", "lease_margin: 10s", "lease_margin: 1s")
    made.edit("adapters/food/adapter.yaml", "grace: 10s", "grace: 1s")
    made.edit("adapters/food/adapter.yaml", "size: 200}", "size: 10}")
    made.edit("adapters/food/adapter.yaml", '  at: "02:30"\n', "")
    if store is not None:
        made.edit("config.yaml", "url: sqlite:///data/syncgate.sqlite ", f"url: {json.dumps(store)} ")
        data = made.folder / "data"
        data.mkdir()
        (data / "master.key").write_text("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", "ascii")
        (data / "master.key").chmod(0o600)
    return made


@pytest.fixture(params=["sqlite", "postgresql"])
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ground]:
    """A gate on each engine, beside a food of its own; every process is ended with the test."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    with food_apart(tmp_path / "systems") as food:
        gate = a_gate(tmp_path / "site", food, url)
        watched = WatchedRun(url or f"sqlite:///{gate.folder}/data/syncgate.sqlite", "food")
        try:
            yield Ground(gate, food, watched)
        finally:
            watched.close()
            gate.end_all()


def test_a_run_that_dies_while_it_reads_and_while_it_mends_is_ended_once_and_mends_each_once(ground: Ground) -> None:
    """Crash points: SIGKILL of `serve` amid the pages of food, and again amid its repairs. Promises 3, 4 and 12."""
    gate, watched = ground.gate, ground.watched
    process = gate.serve()
    ground.fill()
    ground.plant()
    before, runs_count = ground.last_seq(), watched.runs_count()
    ground.food.switch_on("slow", operations=["list"], delay=0.1)
    run_id = begun(gate)
    dies_when(process, watched, lambda: watched.state().get("stage") == "reading" and reading_count(watched) >= 20)
    process = goes_on(ground)
    dies_when(process, watched, lambda: watched.state().get("stage") == "mending" and watched.repaired_count() >= 3)
    assert watched.repaired_count() < PLANTED["missing"] + PLANTED["stale"], "it was killed after its last repair"
    process = goes_on(ground)
    assert eventually(lambda: watched.state().get("stage") == "ended", within=LONGEST), gate.log(process)
    run = gate.ask("reconcile", "show", run_id)
    assert (run["outcome"], watched.runs_count() - runs_count) == ("complete", 1)
    assert ground.found() == Counter(ground.planted)
    repairs = expected_repairs(ground.planted)
    assert eventually(lambda: set(ground.writes_since(before)) >= set(repairs), within=LONGEST), gate.log(process)
    assert eventually(lambda: has_nothing_under_way(gate), within=LONGEST), gate.log(process)
    assert ground.writes_since(before) == repairs
    told = gate.run("reconcile", "food", "--json")
    assert told.json()[0]["outcome"] == "complete"
    open_now = gate.ask("reconcile", "discrepancies", "--system", "food")["discrepancies"]
    assert Counter(one["kind"] for one in open_now) == {kind: PLANTED[kind] for kind in LEFT}
    assert ground.writes_since(before) == repairs


def begun(gate: Gate) -> str:
    """A run that mends, asked for by a person."""
    key = gate.ask("keys", "create", "--name", "clerk", "--role", "operator")["key"]
    asked = httpx.post(
        f"{gate.address}/v1/reconciliations",
        json={"system": "food", "mode": "mend", "cap": 1_000, "reason": "a test"},
        headers={"Authorization": f"Bearer {key}"},
        trust_env=False,
        timeout=30,
    )
    assert asked.status_code == 202, asked.text
    run_id: str = asked.json()["reconciliation_id"]
    return run_id


def dies_when(process: subprocess.Popen[str], watched: WatchedRun, claim: Callable[[], bool]) -> None:
    """Kills the gate when the claim comes true. Fails where the run ends before."""
    assert watched.comes_true(claim, within=LONGEST), f"the run was never there: {watched.state()}"
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)


def goes_on(ground: Ground) -> subprocess.Popen[str]:
    """Another gate in the place of the one that was killed; where others could live, once that one's lease is over."""
    if ground.watched.is_shared:
        ground.watched.let_lapse()
    return ground.gate.serve()


def reading_count(watched: WatchedRun) -> int:
    """Records that the run has read so far, as it last kept it."""
    return int(watched.state().get("records", 0))


def expected_repairs(planted: set[Place]) -> Counter[tuple[str, str, str]]:
    """What food must be sent for what was planted, each once: operation, record and what it does."""
    sent = {"missing": ("create", "created"), "stale": ("update", "updated")}
    return Counter((sent[kind][0], key, sent[kind][1]) for kind, key in planted if kind in sent)


def has_nothing_under_way(gate: Gate) -> bool:
    """Whether no delivery to food waits or is open."""
    backlog = gate.ask("systems", "show", "food")["backlog"]
    return not any(backlog.get(phase) for phase in ("pending", "in_flight", "unconfirmed", "awaiting"))
