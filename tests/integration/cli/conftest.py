"""A real gate process over the example site, with the simulated work order system, reached by the command line."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from syncgate.sandbox.running import Running, running
from tests.support.commands import Told, said_by

ROOT = Path(__file__).parents[3]
KEY = "a-key-of-the-test"
ENV = {
    **{name: value for name, value in os.environ.items() if not name.startswith("SYNCGATE_")},
    "SYNCGATE_PROVINCE_TOKEN": KEY,
    "SYNCGATE_PROVINCE_TIF_TOKEN": KEY,
    "SYNCGATE_FOOD_KEY": KEY,
    "SYNCGATE_WORKORDERS_KEY": KEY,
}


@dataclass
class Site:
    """The example site under a configuration of its own, with its store in a temporary folder."""

    folder: Path
    root: Path = ROOT
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.folder / "config.yaml"

    @property
    def serve_file(self) -> Path:
        return self.folder / "serve.json"

    def command(self, *arguments: str | Path) -> list[str]:
        at = ("--site", str(self.root), "--config", str(self.config))
        return [sys.executable, "-m", "syncgate", *at, *map(str, arguments)]

    def run(self, *arguments: str | Path) -> Told:
        """A command in this process, which has imported everything already."""
        return said_by(*self.command(*arguments)[3:])

    def run_apart(self, *arguments: str | Path) -> Told:
        """A command as a process of its own."""
        done = subprocess.run(
            self.command(*arguments), env=ENV, capture_output=True, text=True, timeout=120, check=False
        )
        return Told(done.returncode, done.stdout, done.stderr)

    def ask(self, *arguments: str | Path) -> Any:
        """What a command that must succeed says for machines."""
        return self._json(self.run(*arguments, "--json"))

    def ask_apart(self, *arguments: str | Path) -> Any:
        """The same, as a process of its own."""
        return self._json(self.run_apart(*arguments, "--json"))

    @staticmethod
    def _json(told: Told) -> Any:
        assert told.code == 0, told
        return told.json()

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        log = (self.folder / f"process-{len(self.processes)}.log").open("w")
        process = subprocess.Popen(self.command(*arguments), env=ENV, stdout=subprocess.PIPE, stderr=log, text=True)
        self.processes.append(process)
        return process

    def serve(self) -> subprocess.Popen[str]:
        """A gate that has said where it serves."""
        process = self.start("serve", "--port", "0", "--json")
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, self.log(process)
        assert json.loads(line)["pid"] == process.pid
        return process

    def log(self, process: subprocess.Popen[str]) -> str:
        return (self.folder / f"process-{self.processes.index(process)}.log").read_text()

    def end_all(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait(timeout=30)
            if process.stdout is not None:
                process.stdout.close()


def eventually(claim: Callable[[], bool], *, within: float = 30) -> bool:
    """Whether a claim comes true in time."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        if claim():
            return True
        time.sleep(0.1)
    return claim()


def orders(system: Running) -> Counter[str]:
    """How many orders the system made for each source number; read from its own ledger."""
    with closing(sqlite3.connect(f"file:{system.ledger}?mode=ro", uri=True)) as ledger:
        rows = ledger.execute("SELECT key FROM effects WHERE kind = 'created'").fetchall()
    return Counter(key for (key,) in rows)


@pytest.fixture
def workorders(tmp_path: Path) -> Iterator[Running]:
    with running("workorders", folder=tmp_path / "systems", env={"SANDBOX_WORKORDERS_KEY": KEY}) as system:
        yield system


@pytest.fixture
def site(tmp_path: Path, workorders: Running) -> Iterator[Site]:
    folder = tmp_path / "site"
    folder.mkdir()
    text = (ROOT / "config.example.yaml").read_text("utf-8")
    text = text.replace("sqlite:///data/syncgate.sqlite", f"sqlite:///{folder}/syncgate.sqlite")
    text = text.replace("file: data/master.key", f"file: {folder}/master.key")
    text = re.sub(r"^  workorders: \{\}$", f"  workorders: {{address: {workorders.base_url}}}", text, flags=re.M)
    assert workorders.base_url in text and text.count(str(folder)) == 2
    made = Site(folder)
    made.config.write_text(text, "utf-8")
    yield made
    made.end_all()


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """A synthetic file of the source taipei1999 with 40 rows."""
    return write_calls(tmp_path / "calls.csv", 40)


def write_calls(file: Path, count: int) -> Path:
    rows = [
        f"990104{n:06d},路燈不亮或損壞,東示區示例路{n}號,202604{n % 30 + 1:02d},{n % 24:02d}1530" for n in range(count)
    ]
    file.write_text("案件編號,派工項目,案件地址,立案日期,立案時間\n" + "\n".join(rows) + "\n", "utf-8-sig")
    return file
