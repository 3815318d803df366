"""The gate as several processes over one PostgreSQL: two APIs, two workers, a scheduler; workers die all the while."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import httpx

from syncgate.sandbox.play.postgres import Postgres
from syncgate.sandbox.play.processes import START_WITHIN, Process, wait_for
from syncgate.sandbox.play.site import DemoError, Folder, free_port

MEMBERS = {"api-1": "api", "api-2": "api", "worker-1": "worker", "worker-2": "worker", "scheduler-1": "scheduler"}
WORKERS = ("worker-1", "worker-2")
KILLED_EVERY = 6.0


class Fleet:
    """Stands where the one gate stands in the demo; what it kills is a worker, in turn."""

    def __init__(self, folder: Folder, env: Mapping[str, str]) -> None:
        self._folder, self._env = folder, env
        self._postgres = Postgres()
        self._ports = {name: free_port() for name in MEMBERS}
        self._processes: dict[str, Process] = {}
        self._client = httpx.Client(trust_env=False, timeout=5)
        self._turn = threading.RLock()
        self._is_left_alone = threading.Event()
        self._killer: threading.Thread | None = None
        self.port = self._ports["api-1"]
        self.base_urls = [f"http://127.0.0.1:{self._ports[name]}" for name in ("api-1", "api-2")]
        self.base_url = self.base_urls[0]
        self.killed_at: list[str] = []

    def store_url(self) -> str:
        """The address of the store, started when first asked for."""
        self._postgres.start()
        return self._postgres.url

    def start(self) -> None:
        """Start what does not run, and wait until it is ready; from the first time on, workers are killed."""
        with self._turn:
            missing = [name for name in MEMBERS if name not in self._processes or not self._processes[name].is_alive]
            with ThreadPoolExecutor() as pool:
                list(pool.map(self._start_one, missing))
        if self._killer is None:
            self._killer = threading.Thread(target=self._keep_killing, name="killer", daemon=True)
            self._killer.start()

    def _start_one(self, name: str) -> None:
        command = ["-m", "syncgate", "--site", str(self._folder.site), "--config", str(self._folder.config), "serve"]
        command += ["--role", MEMBERS[name], "--port", str(self._ports[name])]
        process = self._processes[name] = Process(f"gate-{name}", command, folder=self._folder, env=self._env)
        wait_for(f"{name} to be ready", lambda: self._is_ready(name, process), within=2 * START_WITHIN)

    def _is_ready(self, name: str, process: Process) -> bool:
        if not process.is_alive:
            raise DemoError(f"expected {name} to run, got its end; see {self._folder.logs}/gate-{name}.log")
        try:
            return self._client.get(f"http://127.0.0.1:{self._ports[name]}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """SIGKILL to the next worker, written down for the reader."""
        with self._turn:
            name = WORKERS[len(self.killed_at) % len(WORKERS)]
            self.killed_at.append(datetime.now(UTC).isoformat())
            self._processes[name].kill()
            self._folder.kills.write_text(json.dumps(self.killed_at), "utf-8")

    def _keep_killing(self) -> None:
        while not self._is_left_alone.wait(KILLED_EVERY):
            with self._turn:
                if not self._is_left_alone.is_set():
                    self.kill()
                    self.start()

    def leave_alone(self) -> None:
        """Kill nobody any more."""
        self._is_left_alone.set()

    def keep_journal(self) -> None:
        """PostgreSQL keeps its own, and all of it is searched."""

    def stored_files(self) -> list[Path]:
        """What the store wrote."""
        return self._postgres.files()

    def stop(self) -> None:
        """SIGTERM to all, then the database."""
        self.leave_alone()
        with self._turn:
            with ThreadPoolExecutor() as pool:
                list(pool.map(Process.terminate, self._processes.values()))
            self._postgres.stop()

    def remove(self) -> None:
        """Remove what the database wrote."""
        self._postgres.remove()
