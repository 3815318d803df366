"""A real PostgreSQL for tests: the one named by the environment, the one from PyPI, or the machine's own.

Each test process starts a server of its own and stops it; each test gets a database copied from a migrated one.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from syncgate.sandbox.play.postgres import Cluster, NoPostgres
from syncgate.storage import migrate
from tests.support.disks import SmallDisk, small_disk

GIVEN = "SYNCGATE_TEST_POSTGRES"


@dataclass
class PostgresServer:
    """A server on which this run may make and drop databases."""

    url: str
    _template: str | None = None

    @contextmanager
    def fresh_database(self, *, is_migrated: bool = True) -> Iterator[str]:
        """The address of a new database, dropped at the end."""
        name = f"test_{uuid.uuid4().hex}"
        template = self._migrated_template() if is_migrated else "template0"
        self._run(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.address(name)
        finally:
            self._run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def address(self, database: str) -> str:
        return make_url(self.url).set(database=database).render_as_string(hide_password=False)

    def drop_template(self) -> None:
        if self._template is not None:
            self._run(f"DROP DATABASE IF EXISTS {self._template} WITH (FORCE)")

    def _migrated_template(self) -> str:
        if self._template is None:
            name = f"template_{uuid.uuid4().hex}"
            self._run(f"CREATE DATABASE {name} TEMPLATE template0")
            migrate(self.address(name))
            self._template = name
        return self._template

    def _run(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """A server for this process.

    Raises:
        NoPostgres: none is given and none can be started.
    """
    given = os.environ.get(GIVEN)
    if given:
        with _dropping_template(PostgresServer(given)) as server:
            yield server
        return
    folder = Path(tempfile.mkdtemp(prefix="syncgate-pg-", dir="/tmp"))
    try:
        with _started(folder) as cluster, _dropping_template(PostgresServer(cluster.url())) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _dropping_template(server: PostgresServer) -> Iterator[PostgresServer]:
    try:
        yield server
    finally:
        server.drop_template()


@contextmanager
def own_postgres() -> Iterator[tuple[Cluster, PostgresServer]]:
    """A server of this test alone, which it may stop and start; it must run again at the end of the block.

    Raises:
        NoPostgres: none can be started.
    """
    folder = Path(tempfile.mkdtemp(prefix="syncgate-pg-", dir="/tmp"))
    try:
        with _started(folder) as cluster:
            yield cluster, PostgresServer(cluster.url())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class SmallPostgres:
    """A server whose tables lie on one small disk and whose journal lies on another."""

    cluster: Cluster
    server: PostgresServer
    tables: SmallDisk
    journal: SmallDisk

    def revive(self) -> None:
        """Starts the server where it has ended by itself, as whoever looks after services does."""
        with suppress(NoPostgres):
            if not self.cluster.is_running():
                self.cluster.start("fsync=on")


SMALL = "max_wal_size=8MB", "min_wal_size=2MB", "wal_recycle=off"


@contextmanager
def small_postgres() -> Iterator[SmallPostgres]:
    """A server of this test alone on small disks; it may have ended at the end of the block.

    Raises:
        NoSmallDisk: none can be mounted. NoPostgres: no server can be started.
    """
    folder = Path(tempfile.mkdtemp(prefix="syncgate-pg-", dir="/tmp"))
    try:
        cluster = Cluster.made(folder, owner="tester", options=["--wal-segsize=1"])
        with (cluster.data / "postgresql.conf").open("a") as settings:
            settings.write("\n".join(SMALL) + "\n")
        with (
            small_disk(cluster.data, megabytes=96) as tables,
            small_disk(cluster.data / "pg_wal", megabytes=24) as journal,
        ):
            cluster.start("fsync=on")
            try:
                yield SmallPostgres(cluster, PostgresServer(cluster.url()), tables, journal)
            finally:
                with suppress(NoPostgres):
                    cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _started(folder: Path) -> Iterator[Cluster]:
    """A server of our own in this folder, stopped at the end."""
    cluster = Cluster.made(folder, owner="tester")
    cluster.start("fsync=on")
    try:
        yield cluster
    finally:
        cluster.stop()
