"""Somebody who does what a page says: writes its files, types its commands, and compares what they say."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

STEP = re.compile(
    r"^```(?P<info>[^\n]+)\n(?P<body>.*?)^```$|^<!-- (?P<verb>start|stop): (?P<what>\S+) -->$", re.M | re.S
)
PATIENT = "syncgate where"
EXIT_CODES = {"console": 0, "console fails": 1}
"""The exit code of the commands of a block, by what stands behind its fence."""


def free_port() -> str:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@dataclass
class Reader:
    """Somebody who does what the page says."""

    folder: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=lambda: {**os.environ, "PATH": _path()})

    def do_all(self, text: str) -> int:
        """Does everything that a page says, from above to below; gives how many steps there were.

        A file is a fenced block with its name behind the language, and its charset behind that; what is typed is
        `console`, `console fails` where the exit code is 1, `console background` for what runs on. What a command
        says is compared to the last sign, `…` stands for anything.
        """
        steps = list(STEP.finditer(text))
        for step in steps:
            self.do(step)
        return sum(1 for step in steps if step["verb"] is None)

    def do(self, step: re.Match[str]) -> None:
        """Does one step."""
        if step["verb"] == "stop":
            self._stop(next(line for line in self.running if step["what"] in line))
        elif step["verb"] == "start":
            self._start(next(line for line in self.running if step["what"] in line))
        elif step["info"] == "console background":
            self._start(step["body"].strip().removeprefix("$ "))
        elif step["info"] in EXIT_CODES:
            for told in re.split(r"^\$ ", step["body"], flags=re.M)[1:]:
                self._type(*told.split("\n", 1), code=EXIT_CODES[step["info"]])
        elif " " in step["info"]:
            self._write(*step["info"].split()[1:], content=step["body"])

    def _write(self, name: str, charset: str = "utf-8", *, content: str) -> None:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode(charset))

    def _type(self, line: str, shown: str, *, code: int) -> None:
        if line.startswith("cd "):
            self.folder = self.folder / line.removeprefix("cd ")
            return
        pattern = re.compile(re.escape(shown).replace("…\\\n", "…").replace("…", "(?s:.*?)"))
        deadline = time.monotonic() + 60
        while True:
            done = subprocess.run(line, shell=True, cwd=self.folder, env=self.env, capture_output=True, text=True)
            if pattern.fullmatch(done.stdout) and done.returncode == code:
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
        """Ends what still runs."""
        for process in self.running.values():
            if process.poll() is None:
                process.kill()
            process.wait(timeout=30)


def _path() -> str:
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
