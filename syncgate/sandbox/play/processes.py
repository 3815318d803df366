"""The processes of the demo: simulated systems and the gate, started, stopped, killed, restarted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from syncgate.sandbox.play.site import DemoError, Folder, patience

START_WITHIN = 30.0
STOP_WITHIN = 15.0


def wait_for(what: str, is_so: Callable[[], bool], *, within: float, every: float = 0.1) -> None:
    """Return once it is so. Raises DemoError naming what never came."""
    within *= patience()
    deadline = time.monotonic() + within
    while not is_so():
        if time.monotonic() > deadline:
            raise DemoError(f"expected {what} within {within:g} s, got nothing")
        time.sleep(every)


class Process:
    """One child process with its log file; only ever ended through its own handle."""

    def __init__(self, name: str, command: Sequence[str], *, folder: Folder, env: Mapping[str, str]) -> None:
        folder.logs.mkdir(parents=True, exist_ok=True)
        self.name = name
        with (folder.logs / f"{name}.log").open("ab") as log:
            self._child = subprocess.Popen(
                [sys.executable, *command],
                cwd=folder.root,
                env={**os.environ, **env, "PYTHONUNBUFFERED": "1", "NO_PROXY": "127.0.0.1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def is_alive(self) -> bool:
        return self._child.poll() is None

    def terminate(self) -> None:
        """SIGTERM, and SIGKILL for what does not end."""
        if not self.is_alive:
            return
        self._child.terminate()
        try:
            self._child.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL."""
        self._child.kill()
        self._child.wait()


class Simulators:
    """The simulated systems, each a process of its own."""

    def __init__(self, folder: Folder, env: Mapping[str, str], names: Sequence[str]) -> None:
        self._folder, self._env, self._names = folder, env, tuple(names)
        self._processes: dict[str, Process] = {}
        self.ports: dict[str, int] = {}
        self._client = httpx.Client(trust_env=False, timeout=10)

    def start_all(self) -> None:
        """Start every system on a free port."""
        for name in self._names:
            self.start(name)

    def start(self, name: str) -> None:
        """Start one system, on the port that it had before if it ran before."""
        command = ["-m", "syncgate.sandbox", "serve", "--system", name, "--port", str(self.ports.get(name, 0))]
        command += ["--folder", str(self._folder.systems), "--ports-file", str(self._folder.ports)]
        known = self.ports.get(name)
        self._processes[name] = Process(name, command, folder=self._folder, env=self._env)
        wait_for(f"{name} to listen", lambda: self._is_up(name, known), within=START_WITHIN)

    def _is_up(self, name: str, known: int | None) -> bool:
        if not self._processes[name].is_alive:
            raise DemoError(f"expected {name} to run, got its end; see {self._folder.logs / name}.log")
        port = known or self._published().get(name)
        if port is None:
            return False
        self.ports[name] = port
        try:
            return self._client.get(self._control(name, "health")).status_code == 200
        except httpx.TransportError:
            return False

    def _published(self) -> dict[str, int]:
        try:
            ports: dict[str, int] = json.loads(self._folder.ports.read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return ports

    def _control(self, name: str, path: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}/_sandbox/{path}"

    def stop(self, name: str) -> None:
        """Stop one system: nobody listens on its port."""
        self._processes[name].terminate()

    def running(self, names: Sequence[str]) -> list[str]:
        """Which of these run now."""
        return [name for name in names if self._processes[name].is_alive]

    def stop_all(self) -> None:
        """Stop every system."""
        for process in self._processes.values():
            process.terminate()

    def switch_on(self, name: str, mode: str, **settings: Any) -> None:
        """Make a system misbehave."""
        answer = self._client.post(self._control(name, "modes"), json={"mode": mode, **settings})
        answer.raise_for_status()

    def switch_off(self, name: str, mode: str = "") -> None:
        """Make a system behave, in one respect or in all."""
        path = f"modes/{mode}" if mode else "modes"
        self._client.delete(self._control(name, path)).raise_for_status()

    def add_code(self, name: str, column: str, code: str) -> None:
        """Let a front database take a code more from now on."""
        answer = self._client.post(self._control(name, "codes"), json={"column": column, "code": code})
        answer.raise_for_status()

    def alter(self, name: str, *alterations: Mapping[str, Any]) -> None:
        """Alter records behind everybody's back. Raises DemoError where one cannot be."""
        answer = self._client.post(self._control(name, "alterations"), json={"alterations": alterations})
        if not answer.is_success or answer.json()["refused"]:
            raise DemoError(f"expected {name} to let its records be altered, got {answer.text[:500]}")

    def check_quality(self, name: str, retired: Sequence[tuple[str, int]]) -> int:
        """Let a front database check what it took, as it does the next morning; how many rows it gives back."""
        answer = self._client.post(
            self._control(name, "checks"), json={"retired": list(map(list, retired))}, timeout=60
        )
        answer.raise_for_status()
        return int(answer.json()["sent_back"])

    def returns(self, name: str) -> bytes:
        """The workbook of what its checks gave back."""
        answer = self._client.get(self._control(name, "returns"), params={"format": "xlsx"})
        answer.raise_for_status()
        return answer.content

    def strikes(self, name: str, mode: str) -> int:
        """How many requests of a system's operations, look-ups apart, a mode struck so far."""
        answer = self._client.get(self._control(name, "counts"))
        answer.raise_for_status()
        by_operation = answer.json()["faults_by_operation"].get(mode, {})
        return sum(count for operation, count in by_operation.items() if not operation.startswith("read"))


class GateProcess:
    """The gate, and the times at which it was killed."""

    def __init__(self, folder: Folder, env: Mapping[str, str], port: int) -> None:
        self._folder, self._env, self.port = folder, env, port
        self._process: Process | None = None
        self._client = httpx.Client(trust_env=False, timeout=5)
        self.base_url = f"http://127.0.0.1:{port}"
        self.base_urls = [self.base_url]
        self.killed_at: list[str] = []

    def store_url(self) -> str:
        """The address of the store."""
        return f"sqlite:///{self._folder.database}"

    def stored_files(self) -> list[Path]:
        """What the store wrote."""
        return [self._folder.database, *sorted(self._folder.journals.glob("*"))]

    def leave_alone(self) -> None:
        """It is killed by the timetable only."""

    def remove(self) -> None:
        """Its files stay."""

    def start(self) -> None:
        """Start it and wait until it is ready."""
        command = ["-m", "syncgate", "--site", str(self._folder.site)]
        command += ["--config", str(self._folder.config), "serve"]
        self._process = Process("gate", command, folder=self._folder, env=self._env)
        wait_for("the gate to be ready", self._is_ready, within=START_WITHIN)

    def _is_ready(self) -> bool:
        if self._process is None or not self._process.is_alive:
            raise DemoError(f"expected the gate to run, got its end; see {self._folder.logs}/gate.log")
        try:
            return self._client.get(f"{self.base_url}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """SIGKILL, written down for the reader: an answer may have died with it."""
        if self._process is not None:
            self.killed_at.append(datetime.now(UTC).isoformat())
            self._process.kill()
            self._folder.kills.write_text(json.dumps(self.killed_at), "utf-8")
            self.keep_journal()

    def keep_journal(self) -> None:
        """Copy the database's journal as it stands, to be searched for personal values."""
        journal = self._folder.database.with_name(self._folder.database.name + "-wal")
        if journal.exists():
            self._folder.journals.mkdir(exist_ok=True)
            number = len(list(self._folder.journals.iterdir())) + 1
            shutil.copy(journal, self._folder.journals / f"journal-{number}")

    def stop(self) -> None:
        """SIGTERM."""
        if self._process is not None:
            self._process.terminate()


def create_key(folder: Folder, env: Mapping[str, str], *, role: str, name: str, source: str = "") -> str:
    """An API key, made by the command line through the gate that runs."""
    command = ["keys", "create", "--role", role, "--name", name, "--json"]
    told = run_command(folder, env, *command, *(["--source", source] if source else []))
    return str(json.loads(told)["key"])


def run_command(folder: Folder, env: Mapping[str, str], *arguments: str | Path) -> str:
    """What a command of the command line prints. Raises DemoError where it fails."""
    command = [sys.executable, "-m", "syncgate", "--site", str(folder.site), "--config", str(folder.config)]
    result = subprocess.run(
        [*command, *map(str, arguments)],
        cwd=folder.root,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=60 * patience(),
        check=False,
    )
    if result.returncode != 0:
        told = f"exit code {result.returncode}: {(result.stderr or result.stdout)[-2000:]}"
        raise DemoError(f"expected {' '.join(map(str, arguments[:2]))} to succeed, got {told}")
    return result.stdout


def run_reader(folder: Folder, *arguments: str) -> tuple[int, str]:
    """Run the reader by path in an isolated process; its exit code and what it printed."""
    reader = Path(__file__).parent.parent / "reader"
    command = [sys.executable, "-I", str(reader), "--expected", str(folder.expected), *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120 * patience(), check=False)
    return result.returncode, result.stdout + result.stderr
