"""The engines that a front database can stand on: how each makes its tables, keeps its journal and is hurt.

Only SQLite is needed by the sandbox itself; the drivers of the others are handed in by whoever has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from syncgate.sandbox.systems.frontdb_tables import COLUMNS

Connect = Callable[[], Any]
"""Gives a DB-API connection that commits every statement by itself outside BEGIN and COMMIT."""
Rows = list[tuple[Any, ...]]


class Engine(Protocol):
    """What differs from engine to engine."""

    placeholder: str

    def ddl(self) -> Sequence[str]:
        """The statements that make everything that is not there yet."""

    def begin(self, connection: Connection) -> None:
        """Begin a transaction of the consumer's: the journal names it for what it does."""

    def end(self, connection: Connection) -> None:
        """What must be done before such a transaction commits."""

    def fill(self, connection: Connection, tables: Sequence[str]) -> None:
        """From now on these tables take no row more."""

    def empty(self, connection: Connection) -> None:
        """Every table takes rows again."""

    def full_strikes(self, connection: Connection) -> int:
        """How many inserts a full table turned away so far, as far as the engine itself can tell."""

    def locked(self, connection: Connection, table: str) -> AbstractContextManager[None]:
        """While it lasts nobody else writes into the table."""


class Connection:
    """A connection whose statements are written with `?`."""

    def __init__(self, raw: Any, engine: Engine) -> None:
        self._raw = raw
        self._engine = engine

    def run(self, sql: str, *values: object) -> Rows:
        """The rows that a statement brings."""
        cursor = self._raw.cursor()
        try:
            cursor.execute(sql.replace("?", self._engine.placeholder), values)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []
        finally:
            cursor.close()

    def run_as_is(self, sql: str) -> None:
        """Run a statement that has no values and may hold any character."""
        cursor = self._raw.cursor()
        try:
            cursor.execute(sql)
        finally:
            cursor.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing."""
        self._engine.begin(self)
        try:
            yield
            self._engine.end(self)
            self.run("COMMIT")
        except BaseException:
            self.run("ROLLBACK")
            raise

    def close(self) -> None:
        """Let go of it."""
        self._raw.close()


def copied(table: str) -> list[str]:
    """The columns that the journal and the table of rejects keep."""
    return ["id", *(column.name for column in COLUMNS[table]), "is_sync"]
