"""Celery with Redis as a subject: its virtual environment, its processes, its counters."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from tests.bench.comparison import WrongRun
from tests.bench.environments import ROOT, NotThere, environment
from tests.bench.gate import SCHEMA
from tests.bench.sending import Job
from tests.bench.trial import Subject

PACKAGES = ("celery[redis]>=5.4,<6", "fastapi", "uvicorn[standard]", "httpx", "jsonschema", "orjson")
WITHIN = 60
WORKERS = os.cpu_count() or 2


class CeleryRedis(Subject):
    """One FastAPI process, as many Celery workers as the machine has cores, and a Redis that appends always."""

    def __init__(self, port: int, redis_port: int, key: str, pids: Sequence[int], log: Callable[[], str]) -> None:
        self._port, self._redis_port, self._key = port, redis_port, key
        self.pids = tuple(pids)
        self._log = log

    def log(self) -> str:
        """The end of what its processes said."""
        return self._log()

    def job(self, numbers: Sequence[int], connections: int) -> Job:
        """What the load generator does with it."""
        headers = {"Authorization": f"Bearer {self._key}"}
        return Job(port=self._port, path="/v1/cases", headers=headers, numbers=numbers, connections=connections)

    def delivered(self) -> int:
        """How many outcomes are recorded: each is a key of Redis' second database."""
        with socket.create_connection(("127.0.0.1", self._redis_port), 5) as connection:
            connection.sendall(b"SELECT 1\r\nDBSIZE\r\n")
            answer = b""
            while answer.count(b"\r\n") < 2:
                answer += connection.recv(100)
        return int(answer.split(b"\r\n")[1].removeprefix(b":"))


@contextmanager
def running(folder: Path, ports: Mapping[str, int]) -> Iterator[CeleryRedis]:
    """Celery with Redis on empty databases, ended at the end. Raises NotThere."""
    redis, python = shutil.which("redis-server"), str(environment("celery", *PACKAGES) / "python")
    if redis is None:
        raise NotThere("expected redis-server on the path, got none: apt-get install redis-server")
    key, redis_port, port = secrets.token_urlsafe(18), _free_port(), _free_port()
    env = _settings(ports, redis_port, key)
    log_of = lambda: "\n".join(path.read_text("utf-8", "replace")[-1500:] for path in folder.glob("*.log"))  # noqa: E731
    with ExitStack() as stack:
        always = ("--appendonly", "yes", "--appendfsync", "always", "--save", "", "--bind", "127.0.0.1")
        commands = {
            "redis": [redis, "--port", str(redis_port), "--dir", str(folder), *always],
            "web": [python, "-m", "uvicorn", f"{_APP}:app", "--port", str(port), "--no-access-log"],
            "worker": [python, "-m", "celery", "-A", f"{_APP}:celery", "worker", "-c", str(WORKERS), "-l", "warning"],
        }
        pids = []
        for name, command in commands.items():
            pids.append(stack.enter_context(_process(command, folder / f"{name}.log", env)))
            if name == "redis":
                _until(lambda: _listens(redis_port), "redis to listen", log_of)
        _until(lambda: _answers(port), "the web process to answer", log_of)
        yield CeleryRedis(port, redis_port, key, pids, log_of)


_APP = "tests.bench.peers.celery_app"


def _settings(ports: Mapping[str, int], redis_port: int, key: str) -> dict[str, str]:
    url = f"redis://127.0.0.1:{redis_port}"
    own = {"BENCH_BROKER": f"{url}/0", "BENCH_RESULTS": f"{url}/1", "BENCH_KEY": key, "BENCH_SCHEMA": str(SCHEMA)}
    return {**os.environ, **own, "BENCH_PORTS": json.dumps(dict(ports)), "PYTHONPATH": str(ROOT), "C_FORCE_ROOT": "1"}


@contextmanager
def _process(command: Sequence[str], log: Path, env: Mapping[str, str]) -> Iterator[int]:
    """A process, ended with all of its own at the end."""
    with log.open("wb") as out:
        child = subprocess.Popen(command, cwd=ROOT, env=dict(env), stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        yield child.pid
    finally:
        child.terminate()
        try:
            child.wait(15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _until(is_so: Callable[[], bool], what: str, told: Callable[[], str]) -> None:
    deadline = time.monotonic() + WITHIN
    while not is_so():
        if time.monotonic() > deadline:
            raise WrongRun(f"expected {what} within {WITHIN} s, got nothing: {told()}")
        time.sleep(0.1)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/openapi.json", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
