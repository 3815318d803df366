"""What differs between SQLite and PostgreSQL, and nothing else: connecting, beginning, the clock, what errors mean.

Both engines run the same statements, compiled for each. Rows are locked on PostgreSQL only: SQLite has one writer.
"""

from __future__ import annotations

import os
import select
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum, auto
from pathlib import Path
from typing import Any, Final, Protocol

import psycopg
from sqlalchemy.dialects.postgresql import psycopg as postgresql_dialect
from sqlalchemy.dialects.sqlite import pysqlite as sqlite_dialect
from sqlalchemy.engine import URL, Dialect, make_url

from syncgate.domain.errors import SiteInvalid, StoreUnavailable
from syncgate.storage.statement import Compiled

BUSY_TIMEOUT_MS = 10_000
CHECKPOINT_PAGES = 4_000
LOCK_TIMEOUT_MS = 10_000
AT_ONCE_MS = 100
"""How long what is late already waits for a row; 0 would be for ever."""
SILENCE_FOUND: Final[Mapping[str, int]] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""How libpq finds a server that vanished without a word; the system's own default is two hours."""
PRESENCE: Final = 7_305_130
"""Key of the advisory lock that whoever writes shares, and that a restore's aftermath wants alone."""
CHANNEL = "syncgate"
"""Where processes over one PostgreSQL database tell each other what changed."""


WHO_IS_PRESENT: Final = """
SELECT DISTINCT a.pid, a.application_name, host(a.client_addr) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.classid = 0 AND l.objid = %(key)s AND l.granted AND a.datname = current_database()
ORDER BY a.pid
"""


class Fault(Enum):
    """What a driver's error means for the commit under way."""

    RULE = auto()
    """A constraint refused the row: this step's fault."""
    VALUE = auto()
    """The engine cannot store the value: this step's fault."""
    AGAIN = auto()
    """A deadlock or a lost race: the same steps may pass when run again."""
    LOST = auto()
    """The engine is gone, full or broken: nothing more can be done on this connection."""
    DAMAGED = auto()
    """What it reads is no database any more, or not a whole one."""


class Engine(Protocol):
    """One kind of database, spoken to through its driver."""

    dialect: Dialect
    errors: tuple[type[Exception], ...]
    """What the driver raises."""
    is_shared: bool
    """Whether other processes may write at the same time."""

    def connect(self, *, is_reader: bool) -> Any:
        """A driver's connection in autocommit, set up. Raises what the driver raises."""
        ...

    def is_alive(self, connection: Any) -> bool:
        """Whether an idle connection still has its other end, as far as can be told without asking."""
        ...

    def begin(self, cursor: Any, *, is_reader: bool) -> None: ...
    def commit(self, cursor: Any) -> bool:
        """Whether it really committed. Raises what the driver raises."""
        ...

    def roll_back(self, connection: Any, cursor: Any) -> None:
        """Ends the transaction, if one is open."""
        ...

    def now(self, cursor: Any) -> datetime: ...
    def each(self, cursor: Any, compiled: Compiled, params: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
        """The rows that each set of parameters gives, in order, in one round trip where there are any."""
        ...

    def fault(self, error: Exception) -> Fault: ...
    def code(self, error: Exception) -> str:
        """The engine's stable code of the error; its message may hold values and is never shown."""
        ...

    def constraint(self, error: Exception) -> str:
        """What was broken: a constraint's name or its columns; never a value."""
        ...

    def is_commit_refused(self, error: Exception, connection: Any) -> bool:
        """Whether a failed COMMIT certainly stored nothing."""
        ...

    def damage(self, cursor: Any, *, limit: int) -> list[str]:
        """The first things that a walk over all of the store finds wrong, in the engine's words; none of a server's,
        which its own people check."""
        ...

    def wait_for_no_lock(self, cursor: Any) -> None:
        """Has this transaction give up at once where another holds a row, as far as rows are locked at all."""
        ...

    def tell(self, cursor: Any, notice: str) -> None:
        """Tells the other processes once this transaction commits, and not if it does not."""
        ...


_DAMAGE: Final = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


class SqliteEngine:
    """The embedded engine: one file, one writer, WAL, every commit flushed."""

    errors: tuple[type[Exception], ...] = (sqlite3.Error, OSError)
    is_shared = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.dialect: Dialect = sqlite_dialect.dialect(paramstyle="qmark")
        self._identity: tuple[int, int] | None = None

    def connect(self, *, is_reader: bool) -> sqlite3.Connection:
        self._know_the_file()
        connection = sqlite3.connect(
            self.path,
            isolation_level=None,
            check_same_thread=False,
            timeout=BUSY_TIMEOUT_MS / 1000,
            cached_statements=512,
        )
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
            "cache_size = -16384",
            "temp_store = MEMORY",
            f"query_only = {int(is_reader)}",
        ):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def _know_the_file(self) -> None:
        """Creates the file where there never was one, for its owner alone: it holds a whole city's cases.

        Raises:
            sqlite3.OperationalError: another file lies in its place, or none: what was committed would be lost.
        """
        if self._identity is None:
            if not self.path.exists():
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            self._identity = self._seen()
        elif self._seen() != self._identity:
            raise sqlite3.OperationalError("the store's file was taken away")

    def _seen(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def is_alive(self, connection: sqlite3.Connection) -> bool:
        return self._seen() == self._identity

    def begin(self, cursor: sqlite3.Cursor, *, is_reader: bool) -> None:
        cursor.execute("BEGIN" if is_reader else "BEGIN IMMEDIATE")

    def commit(self, cursor: sqlite3.Cursor) -> bool:
        cursor.execute("COMMIT")
        return True

    def roll_back(self, connection: sqlite3.Connection, cursor: sqlite3.Cursor) -> None:
        if connection.in_transaction:
            cursor.execute("ROLLBACK")

    def now(self, cursor: sqlite3.Cursor) -> datetime:
        return datetime.now(UTC)

    def each(self, cursor: sqlite3.Cursor, compiled: Compiled, params: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
        return [cursor.execute(compiled.text, values).fetchall() for values in params]

    def fault(self, error: Exception) -> Fault:
        if isinstance(error, sqlite3.IntegrityError):
            return Fault.RULE
        if isinstance(error, sqlite3.DataError | sqlite3.InterfaceError):
            return Fault.VALUE
        return Fault.DAMAGED if self.code(error).startswith(_DAMAGE) else Fault.LOST

    def code(self, error: Exception) -> str:
        return getattr(error, "sqlite_errorname", None) or type(error).__name__

    def constraint(self, error: Exception) -> str:
        return str(error).rpartition("constraint failed: ")[2]

    def is_commit_refused(self, error: Exception, connection: sqlite3.Connection) -> bool:
        """Only a busy database is sure: after a failed flush the journal may hold the commit all the same."""
        return getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY")

    def damage(self, cursor: sqlite3.Cursor, *, limit: int) -> list[str]:
        try:
            rows = cursor.execute(f"PRAGMA integrity_check({limit})").fetchall()
        except sqlite3.DatabaseError as error:
            return [self.code(error)]
        return [line for (line,) in rows if line != "ok"]

    def wait_for_no_lock(self, cursor: sqlite3.Cursor) -> None:
        """Nobody else writes once a transaction has begun."""

    def tell(self, cursor: sqlite3.Cursor, notice: str) -> None:
        """There is no other process."""


class PostgresEngine:
    """The engine for more than one machine: row locks, SKIP LOCKED, its own clock."""

    errors: tuple[type[Exception], ...] = (psycopg.Error,)
    is_shared = True

    def __init__(self, url: URL, *, is_exclusive: bool = False) -> None:
        dialect: Any = postgresql_dialect.dialect
        self.dialect: Dialect = dialect(paramstyle="format")
        self._options: dict[str, Any] = dict(self.dialect.create_connect_args(url)[1])
        self._presence = f"pg_try_advisory_lock{'' if is_exclusive else '_shared'}({PRESENCE})"

    def connect(self, *, is_reader: bool) -> psycopg.Connection[Any]:
        connection = psycopg.connect(**{**SILENCE_FOUND, **self._options}, autocommit=True)
        for name, value in (
            ("timezone", "UTC"),
            ("lock_timeout", str(LOCK_TIMEOUT_MS)),
            ("idle_in_transaction_session_timeout", "60000"),
            ("default_transaction_read_only", "on" if is_reader else "off"),
        ):
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        if not is_reader:
            self._be_present(connection)
        return connection

    def _be_present(self, connection: psycopg.Connection[Any]) -> None:
        """Raises StoreUnavailable where others are there that the lock is not to be shared with."""
        row = connection.execute(f"SELECT {self._presence}").fetchone()
        if row is not None and row[0]:
            return
        others = connection.execute(WHO_IS_PRESENT, {"key": PRESENCE}).fetchall()
        connection.close()
        raise StoreUnavailable(
            "expected nobody else on the store while it is put in question, got the sessions {sessions}",
            sessions=", ".join(f"{pid} ({name or 'unnamed'}, {address or 'local'})" for pid, name, address in others),
        )

    def is_alive(self, connection: psycopg.Connection[Any]) -> bool:
        """A server that says something to an idle connection says goodbye, or has gone."""
        if connection.closed:
            return False
        waiting = select.poll()
        waiting.register(connection.fileno(), select.POLLIN)
        return not waiting.poll(0)

    def begin(self, cursor: psycopg.Cursor[Any], *, is_reader: bool) -> None:
        cursor.execute("BEGIN ISOLATION LEVEL " + ("REPEATABLE READ" if is_reader else "READ COMMITTED"))

    def commit(self, cursor: psycopg.Cursor[Any]) -> bool:
        """PostgreSQL answers COMMIT of a failed transaction with ROLLBACK and no error."""
        cursor.execute("COMMIT")
        return cursor.statusmessage == "COMMIT"

    def roll_back(self, connection: psycopg.Connection[Any], cursor: psycopg.Cursor[Any]) -> None:
        cursor.execute("ROLLBACK")

    def now(self, cursor: psycopg.Cursor[Any]) -> datetime:
        row = cursor.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None
        at: datetime = row[0]
        return at.astimezone(UTC)

    def each(
        self, cursor: psycopg.Cursor[Any], compiled: Compiled, params: Sequence[tuple[Any, ...]]
    ) -> list[list[Any]]:
        if not params:
            return []
        cursor.executemany(compiled.text, params, returning=True)
        found = [cursor.fetchall()]
        while cursor.nextset():
            found.append(cursor.fetchall())
        return found

    def fault(self, error: Exception) -> Fault:
        if isinstance(error, psycopg.errors.IntegrityError):
            return Fault.RULE
        if isinstance(error, psycopg.errors.DataError):
            return Fault.VALUE
        state = getattr(error, "sqlstate", None) or ""
        return Fault.AGAIN if state.startswith("40") or state == "55P03" else Fault.LOST

    def code(self, error: Exception) -> str:
        return getattr(error, "sqlstate", None) or type(error).__name__

    def constraint(self, error: Exception) -> str:
        diagnosis = getattr(error, "diag", None)
        return getattr(diagnosis, "constraint_name", None) or getattr(diagnosis, "column_name", None) or ""

    def is_commit_refused(self, error: Exception, connection: psycopg.Connection[Any]) -> bool:
        """The server said no and stayed: then nothing is stored. A lost connection tells nothing."""
        return bool(getattr(error, "sqlstate", None)) and not connection.broken

    def damage(self, cursor: psycopg.Cursor[Any], *, limit: int) -> list[str]:
        return []

    def wait_for_no_lock(self, cursor: psycopg.Cursor[Any]) -> None:
        cursor.execute(f"SET LOCAL lock_timeout = {AT_ONCE_MS}")

    def tell(self, cursor: psycopg.Cursor[Any], notice: str) -> None:
        cursor.execute("SELECT pg_notify(%s, %s)", (CHANNEL, notice))

    async def listen(self) -> psycopg.AsyncConnection[Any]:
        """A connection that hears what is told from now on. Raises what the driver raises."""
        options = {**SILENCE_FOUND, **self._options}
        connection = await psycopg.AsyncConnection.connect(**options, autocommit=True)
        await connection.execute(f"LISTEN {CHANNEL}")
        return connection


def engine_for(url: str, *, is_exclusive: bool = False) -> Engine:
    """The engine of a database address: `sqlite:///path/to/file` or `postgresql://…`.

    is_exclusive: whether it writes only while no other process can; on SQLite the file's lock sees to that.

    Raises:
        SiteInvalid: the address names another engine, or no file.
    """
    address = make_url(url)
    match address.get_backend_name():
        case "sqlite" if address.database and address.database != ":memory:":
            return SqliteEngine(Path(address.database))
        case "postgresql":
            return PostgresEngine(address, is_exclusive=is_exclusive)
        case "sqlite":
            raise SiteInvalid("expected sqlite:///path/to/file, got an address without a file")
        case other:
            raise SiteInvalid("expected a database of sqlite or postgresql, got {dialect}", dialect=other)
