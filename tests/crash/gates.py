"""The gate that is killed: one process on SQLite, several on PostgreSQL; both are started, frozen and ended alike."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import httpx
import psycopg

from syncgate.sandbox.play.postgres import DATABASE, Cluster
from syncgate.sandbox.play.site import DemoError, Folder, free_port
from tests.crash.fates import IN_FLIGHT, named
from tests.crash.nursery import Nursery
from tests.crash.proxies import STORE, Proxies

Engine = Literal["sqlite", "postgresql"]
ENGINES: tuple[Engine, ...] = ("sqlite", "postgresql")
ALONE = {"gate": ""}
FLEET = {
    "api-1": "api",
    "api-2": "api",
    "worker-1": "worker",
    "worker-2": "worker",
    "worker-3": "worker",
    "scheduler-1": "scheduler",
}
"""Names of the processes -> what each does; "" for everything."""
READY_WITHIN = 60.0


class Database(Protocol):
    """Where the gate keeps everything, beside the gate."""

    url: str

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a question finds; it runs."""

    def stop(self) -> None:
        """As a crash stops it."""

    def start(self) -> None:
        """After a stop."""


def in_flight(database: Database) -> list[tuple[str, str]]:
    """Each delivery that is in flight and its lease; nothing where the database cannot be asked."""
    with suppress(sqlite3.Error, psycopg.Error):
        return [(named(delivery), named(token)) for delivery, token in database.rows(IN_FLIGHT)]
    return []


@dataclass
class SqliteFile:
    """The file, which only its gate writes."""

    path: Path

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True)) as found:
            return found.execute(sql).fetchall()

    def stop(self) -> None:
        """A file does not run."""

    def start(self) -> None:
        """A file does not run."""


@dataclass
class PostgresBehindProxy:
    """A server that the gate reaches through the proxy alone, and we by its own socket."""

    cluster: Cluster
    port: int

    @classmethod
    def made(cls, folder: Path, proxies: Proxies) -> PostgresBehindProxy:
        """A running one with an empty database. Raises NoPostgres."""
        cluster = Cluster.made(folder, owner="crash")
        made = cls(cluster, proxies.open(STORE, str(folder / ".s.PGSQL.5432")))
        made.start()
        with psycopg.connect(cluster.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}".encode())
        return made

    @property
    def url(self) -> str:
        return f"postgresql://{self.cluster.owner}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def own_url(self) -> str:
        """Its address beside the proxy."""
        return self.cluster.url(DATABASE)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.own_url, connect_timeout=2) as connection:
            return connection.execute(sql.encode()).fetchall()

    def stop(self) -> None:
        self.cluster.stop("immediate")

    def start(self) -> None:
        self.cluster.start("max_connections=200", "fsync=on")


@dataclass
class Gates:
    """The processes by their names, each on a port of its own that it keeps."""

    folder: Folder
    nursery: Nursery
    members: Mapping[str, str]
    ports: dict[str, int] = field(default_factory=dict)
    pids: dict[str, int] = field(default_factory=dict)
    _client: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, timeout=5))

    def __post_init__(self) -> None:
        self.ports = {name: free_port() for name in self.members}

    @property
    def base_urls(self) -> list[str]:
        """Of those that take calls."""
        return [f"http://127.0.0.1:{self.ports[name]}" for name, role in self.members.items() if role in ("", "api")]

    def start(self, name: str) -> None:
        """Starts a process; returns before it is ready."""
        role = self.members[name]
        arguments = ["--site", self.folder.site, "--config", self.folder.config, "serve", "--port", self.ports[name]]
        self.folder.logs.mkdir(parents=True, exist_ok=True)
        arguments += ["--role", role] if role else []
        self.pids[name] = self.nursery.start(list(map(str, arguments)), log=self.folder.logs / f"{name}.log")

    def kill(self, name: str) -> None:
        """SIGKILL; returns when it is no more."""
        self.nursery.end(self.pids[name])

    def start_all(self) -> None:
        """Starts them all, and waits until they are ready."""
        for name in self.members:
            self.start(name)
        self.wait_until_ready()

    def wait_until_ready(self, *names: str) -> None:
        """Returns once these, or all, are ready; one that ended by itself is started again, as an init system would.

        Raises:
            DemoError: one never is.
        """
        deadline = time.monotonic() + READY_WITHIN
        for name in names or self.members:
            while not self.is_ready(name):
                if time.monotonic() > deadline:
                    raise DemoError(f"expected {name} to be ready, got nothing; see {self.folder.logs}/{name}.log")
                self._restart_if_ended(name)
                time.sleep(0.05)

    def _restart_if_ended(self, name: str) -> None:
        if not self.nursery.is_alive(self.pids[name]):
            self.start(name)

    def is_ready(self, name: str) -> bool:
        """Whether it says so itself."""
        with suppress(httpx.TransportError):
            return self._client.get(f"http://127.0.0.1:{self.ports[name]}/readyz").status_code == 200
        return False

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """SIGSTOP, and SIGCONT at the end."""
        os.kill(self.pids[name], signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pids[name], signal.SIGCONT)

    def stop(self) -> None:
        """SIGTERM to all, one after another, and SIGKILL to what is left of a start that failed."""
        for pid in self.pids.values():
            self.nursery.end(pid, signal.SIGTERM)
