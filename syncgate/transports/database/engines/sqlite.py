"""SQLite, through the standard library."""

from __future__ import annotations

import sqlite3
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy.engine import URL

from syncgate.transports.database.engines.driver import Reach, Times
from syncgate.transports.database.faults import FaultKind as K
from syncgate.transports.database.faults import Said

KINDS: Final[dict[str, K]] = {
    "SQLITE_CONSTRAINT_UNIQUE": K.DUPLICATE,
    "SQLITE_CONSTRAINT_PRIMARYKEY": K.DUPLICATE,
    "SQLITE_CONSTRAINT_ROWID": K.DUPLICATE,
    "SQLITE_CONSTRAINT_NOTNULL": K.VALUE_MISSING,
    "SQLITE_CONSTRAINT_FOREIGNKEY": K.REFERENCE_MISSING,
    "SQLITE_CONSTRAINT_DATATYPE": K.VALUE_OF_WRONG_TYPE,
    "SQLITE_CONSTRAINT": K.CHECK_VIOLATED,
    "SQLITE_TOOBIG": K.VALUE_TOO_LONG,
    "SQLITE_MISMATCH": K.VALUE_OF_WRONG_TYPE,
    "SQLITE_RANGE": K.FAILED,
    "SQLITE_BUSY": K.BUSY,
    "SQLITE_LOCKED": K.BUSY,
    "SQLITE_INTERRUPT": K.BUSY,
    "SQLITE_PROTOCOL": K.BUSY,
    "SQLITE_FULL": K.FULL,
    "SQLITE_NOMEM": K.FULL,
    "SQLITE_READONLY": K.READ_ONLY,
    "SQLITE_PERM": K.PERMISSION_DENIED,
    "SQLITE_AUTH": K.PERMISSION_DENIED,
    "SQLITE_CANTOPEN": K.LOST,
    "SQLITE_NOTADB": K.UNREADABLE,
    "SQLITE_CORRUPT": K.FAILED,
    "SQLITE_FORMAT": K.FAILED,
    "SQLITE_IOERR": K.FAILED,
    "SQLITE_SCHEMA": K.FAILED,
    "SQLITE_ABORT": K.FAILED,
    "SQLITE_ERROR": K.FAILED,
    "SQLITE_EMPTY": K.FAILED,
    "SQLITE_INTERNAL": K.FAILED,
    "SQLITE_MISUSE": K.FAILED,
    "SQLITE_NOLFS": K.FAILED,
    "SQLITE_NOTFOUND": K.FAILED,
}
"""What the name of an error means; an extended name that is not here means what its first part does."""

_ROLLED_BACK: Final = ("SQLITE_BUSY", "SQLITE_CONSTRAINT", "SQLITE_FULL")
"""Answers to COMMIT after which the transaction is still open, or gone: nothing is committed."""

_MISSING: Final = (
    ("no such table", K.TABLE_MISSING),
    ("no such column", K.COLUMN_MISSING),
    ("has no column named", K.COLUMN_MISSING),
)


class SQLite:
    """A `Driver` for SQLite."""

    def reach(self, url: URL, times: Times) -> Reach:
        """A file that is there; none is made."""
        assert url.database is not None
        file = f"file:{quote(url.database)}"
        arguments = {"uri": True, "timeout": times.engine, "check_same_thread": False, "isolation_level": None}
        return Reach(URL.create("sqlite", database=file, query={"mode": "rw", "uri": "true"}), arguments)

    def set_up(self, connection: Any, times: Times) -> None:
        """Foreign keys are kept."""
        connection.execute("PRAGMA foreign_keys = ON")

    def begin(self, connection: Any, *, is_write: bool) -> None:
        """The driver would begin too late: a reader that turns writer can fail at any time."""
        connection.execute("BEGIN IMMEDIATE" if is_write else "BEGIN")

    def cut(self, connection: Any) -> None:
        """Interrupts the statement."""
        connection.interrupt()

    def read(self, error: BaseException) -> Said | None:
        """By the error's name; an error without one is the driver's own."""
        if not isinstance(error, sqlite3.Error):
            return None
        name = getattr(error, "sqlite_errorname", "")
        message = str(error)
        if not name:
            return Said(K.VALUE_OF_WRONG_TYPE if isinstance(error, sqlite3.InterfaceError) else K.FAILED)
        kind = KINDS.get(name) or KINDS.get("_".join(name.split("_")[:2]), K.FAILED)
        if name == "SQLITE_ERROR":
            kind = next((missing for words, missing in _MISSING if words in message), kind)
        return Said(kind, code=name, message=message, is_rolled_back=name.startswith(_ROLLED_BACK))
