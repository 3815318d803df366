"""A real MariaDB for tests: the one named by the environment, or the machine's own, on a port of its own.

Each test process starts a server of its own, as no root, without the machine's configuration, and ends it by its
process id.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pymysql

GIVEN = "SYNCGATE_TEST_MARIADB"
"""`host:port:user:password` of a server on which databases may be made and dropped."""
START_TIMEOUT = 60
ROOT_PASSWORD = "tester-only"


class NoMariaDB(AssertionError):
    """No MariaDB could be started."""


@dataclass(frozen=True)
class MariaDBServer:
    """A server on which this run may make and drop databases."""

    host: str
    port: int
    user: str
    password: str

    @contextmanager
    def fresh_database(self, charset: str = "utf8mb4") -> Iterator[str]:
        """The name of a new database, dropped at the end."""
        name = f"test_{uuid.uuid4().hex}"
        self.run(f"CREATE DATABASE {name} CHARACTER SET {charset}")
        try:
            yield name
        finally:
            self.run(f"DROP DATABASE {name}")

    def run(self, *statements: str, database: str | None = None) -> list[tuple[object, ...]]:
        """Runs statements one by one; the rows of the last one."""
        with self.connect(database) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def connect(self, database: str | None = None) -> pymysql.Connection:  # type: ignore[type-arg]
        """A connection of the server's owner that commits by itself."""
        return pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            database=database,
            charset="utf8mb4",
            autocommit=True,
        )


@contextmanager
def running_mariadb() -> Iterator[MariaDBServer]:
    """A server for this process.

    Raises:
        NoMariaDB: none is given and none can be started.
    """
    given = os.environ.get(GIVEN)
    if given:
        host, port, user, password = given.split(":", 3)
        yield MariaDBServer(host, int(port), user, password)
        return
    folder = Path(tempfile.mkdtemp(prefix="syncgate-maria-", dir="/tmp"))
    try:
        with _started(folder) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _started(folder: Path) -> Iterator[MariaDBServer]:
    user = _server_user()
    server, install = _binary("mariadbd", "mysqld"), _binary("mariadb-install-db", "mysql_install_db")
    if user is not None:
        shutil.chown(folder, user)
    data, port = folder / "data", _free_port()
    init = folder / "init.sql"
    init.write_text(
        f"CREATE USER tester@'127.0.0.1' IDENTIFIED BY '{ROOT_PASSWORD}';\n"
        "GRANT ALL ON *.* TO tester@'127.0.0.1' WITH GRANT OPTION;\n",
    )
    init.chmod(0o644)
    done = subprocess.run(
        [
            *_as(user),
            install,
            "--no-defaults",
            f"--datadir={data}",
            "--skip-test-db",
            "--auth-root-authentication-method=normal",
        ],
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=START_TIMEOUT,
        check=False,
    )
    if done.returncode != 0:
        raise NoMariaDB(f"expected {install} to succeed, got {done.stderr.decode(errors='replace')[-2000:]}")
    settings = [
        f"--datadir={data}",
        f"--port={port}",
        "--bind-address=127.0.0.1",
        f"--socket={folder / 'socket'}",
        f"--pid-file={folder / 'pid'}",
        f"--init-file={init}",
        "--skip-name-resolve",
        "--innodb-buffer-pool-size=32M",
        "--innodb-log-file-size=8M",
        "--performance-schema=OFF",
        "--max-connections=60",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*_as(user), server, "--no-defaults", *settings], cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        found = MariaDBServer("127.0.0.1", port, "tester", ROOT_PASSWORD)
        _await(found, process, folder / "log")
        yield found
    finally:
        process.terminate()
        try:
            process.wait(START_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(START_TIMEOUT)


def _await(server: MariaDBServer, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_TIMEOUT
    while time.monotonic() < until and process.poll() is None:
        with suppress(pymysql.err.OperationalError):
            server.run("SELECT 1")
            return
        time.sleep(0.05)
    raise NoMariaDB(f"expected MariaDB to start, got {log.read_text(errors='replace')[-2000:]}")


def _binary(*names: str) -> str:
    for name in names:
        found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
        if found is not None:
            return found
    raise NoMariaDB(f"expected {names[0]} of Debian's mariadb-server, or an address in {GIVEN}, got neither")


def _server_user() -> str | None:
    """The server refuses to run as root: the user to run it as, None for ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("mysql", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise NoMariaDB("expected a user mysql or nobody to run MariaDB as, got neither")


def _as(user: str | None) -> list[str]:
    if user is None:
        return []
    group = str(pwd.getpwnam(user).pw_gid)
    return ["setpriv", f"--reuid={user}", "--regid", group, "--clear-groups"]


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
