"""The tutorial is true: its files are written, its commands run, and what they say is what it shows."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

TUTORIAL = Path(__file__).parents[3] / "docs/tutorial.md"
STEP = re.compile(
    r"^```(?P<info>[^\n]+)\n(?P<body>.*?)^```$|^<!-- (?P<verb>start|stop): (?P<what>\S+) -->$", re.M | re.S
)
PATIENT = "syncgate where"


def _free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@dataclass
class Reader:
    """Somebody who does what the page says."""

    folder: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=lambda: {**os.environ, "PATH": _path()})

    def do(self, step: re.Match[str]) -> None:
        if step["verb"] == "stop":
            self._stop(next(line for line in self.running if step["what"] in line))
        elif step["verb"] == "start":
            self._start(next(line for line in self.running if step["what"] in line))
        elif step["info"] == "console background":
            self._start(step["body"].strip().removeprefix("$ "))
        elif step["info"] == "console":
            for told in re.split(r"^\$ ", step["body"], flags=re.M)[1:]:
                self._type(*told.split("\n", 1))
        elif " " in step["info"]:
            file = self.folder / step["info"].split()[1]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(step["body"], "utf-8")

    def _type(self, line: str, shown: str) -> None:
        if line.startswith("cd "):
            self.folder = self.folder / line.removeprefix("cd ")
            return
        pattern = re.compile(re.escape(shown).replace("…\\\n", "…").replace("…", "(?s:.*?)"))
        deadline = time.monotonic() + 60
        while True:
            done = subprocess.run(line, shell=True, cwd=self.folder, env=self.env, capture_output=True, text=True)
            if pattern.fullmatch(done.stdout) and done.returncode == 0:
                return
            if not line.startswith(PATIENT) or time.monotonic() > deadline:
                raise AssertionError(f"$ {line}\n{done.stdout}{done.stderr}\n-- instead of --\n{shown}")
            time.sleep(0.3)

    def _start(self, line: str) -> None:
        with (self.folder / "data.log").open("ab") as log:
            self.running[line] = subprocess.Popen(
                f"exec env {line}", shell=True, cwd=self.folder, env=self.env, stdout=log, stderr=log
            )
        self._wait_until_it_answers(line)

    def _wait_until_it_answers(self, line: str) -> None:
        port = re.search(r"--port (\d+)", line) or re.search(r"port: (\d+)", (self.folder / "config.yaml").read_text())
        assert port is not None
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.running[line].poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", int(port[1]))) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError(f"$ {line}\n{(self.folder / 'data.log').read_text()}")

    def _stop(self, line: str) -> None:
        self.running[line].send_signal(signal.SIGINT)
        self.running[line].wait(timeout=30)

    def leave(self) -> None:
        for process in self.running.values():
            if process.poll() is None:
                process.kill()
            process.wait(timeout=30)


def _path() -> str:
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    somebody = Reader(tmp_path)
    yield somebody
    somebody.leave()


@pytest.mark.slow
def test_the_tutorial_is_true_from_its_first_step_to_its_last(reader: Reader) -> None:
    text = TUTORIAL.read_text("utf-8").replace("9003", _free_port()).replace("8080", _free_port())
    steps = list(STEP.finditer(text))
    assert sum(1 for step in steps if step["verb"] is None) >= 12
    for step in steps:
        reader.do(step)
