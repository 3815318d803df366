"""The transactions that list rows page by page, and count them by range of a key. Pure.

A page begins behind the last key of the page before, in the engine's own order of the key, so that an index serves it.
To a collation two keys may be the same (`ab-1`, `AB-1`); a page therefore always takes along all rows whose key the
engine calls equal to its last one, and the next begins behind them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import ColumnElement, Executable, LargeBinary, and_, cast, collate, func, or_, select, true
from sqlalchemy.dialects import mysql
from sqlalchemy.sql.expression import literal

from syncgate.transports.database.bulk import shower_of
from syncgate.transports.database.columns import Column, bind
from syncgate.transports.database.options import Count, List
from syncgate.transports.database.script import Document, Result, Script, Statement
from syncgate.transports.database.tables import Table

USUAL: Final = 1000
"""Rows of a page where the adapter names no size."""

MOST: Final = 5000
"""Rows of a page at most, whatever the adapter says."""

_MOST_EQUAL: Final = 1000
"""Rows with one key; where there are more, the key tells nothing apart."""


class Listings:
    """Makes the transactions of one system's listings and counts."""

    def __init__(self, tables: Mapping[str, Table], zone: ZoneInfo, *, engine: str) -> None:
        """Args:
        tables: by name.
        zone: in which times are shown.
        engine: `sqlite`, `postgresql` or `mysql`.
        """
        self._tables = tables
        self._zone = zone
        self._engine = engine

    def page(self, operation: List, keys: Mapping[str, str], *, size: int, after: str | None) -> Script:
        """The rows of one page: `{"result": "list", "rows": [{…}], "following": text or None}`.

        Args:
            operation: what is listed.
            keys: `from` and `until` of a window.
            size: rows of a full page.
            after: what the page before gave as `following`.
        """
        shape = _Shape.of(operation, self._tables[operation.table], self._zone)
        where = [shape.given(), *shape.window(operation.window, keys)]
        first = select(*shape.clauses).where(*where).order_by(*shape.key_clauses).limit(size)
        if after is not None:
            first = first.where(_beyond(shape.key_clauses, shape.values_of(after)))

        def equals(results: Sequence[Result]) -> Executable | None:
            if results[0].count < size:
                return None
            last = shape.values_of(shape.text_of(results[0].values[-1]))
            same = (clause == value for clause, value in zip(shape.key_clauses, last, strict=True))
            return select(*shape.clauses).where(*where, *same).limit(_MOST_EQUAL + 1)

        def conclude(results: Sequence[Result]) -> Document:
            page, equal = results
            if equal.count > _MOST_EQUAL:
                return {"result": "ambiguous", "count": equal.count}
            following = shape.text_of(page.values[-1]) if page.count == size else None
            if following is not None and None in orjson.loads(following):
                return {"result": "ambiguous", "count": page.count}
            rows = _with(shape.shown(page.values), shape.shown(equal.values), shape.key)
            return {"result": "list", "rows": rows, "following": following}

        statements = [Statement(first, is_bulk=True), Statement(equals, is_bulk=True)]
        return _asking("LIST", operation.table, statements, conclude)

    def count(self, operation: Count, *, low: str, high: str | None) -> Script:
        """How many rows have a key from `low` on and below `high`: `{"result": "count", "count": 7}`."""
        table = self._tables[operation.table]
        key = self._binary(table.clause.c[operation.by])
        where = [*_given(table, operation.where), key >= self._bytes(low)]
        if high is not None:
            where.append(key < self._bytes(high))
        sql = select(func.count().label("count")).select_from(table.clause).where(*where)

        def conclude(results: Sequence[Result]) -> Document:
            return {"result": "count", "count": int(results[0].rows[0]["count"])}

        return _asking("COUNT", operation.table, [Statement(sql)], conclude)

    def _binary(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """The column so that it compares by code point, whatever its collation is."""
        match self._engine:
            case "postgresql":
                return collate(column, "C")
            case "sqlite":
                return collate(column, "BINARY")
            case _:
                # As bytes of utf8mb4: those of GBK are in another order, and every collation of texts pads with spaces.
                return cast(cast(column, mysql.CHAR(charset="utf8mb4")), LargeBinary)

    def _bytes(self, text: str) -> Any:
        return cast(literal(text), LargeBinary) if self._engine == "mysql" else text


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a listing selects.

    Attributes:
        table: of the rows. names: the columns. key: those that a page goes on by.
        where: constants that a row must have. zone: in which times are shown.
    """

    table: Table
    names: tuple[str, ...]
    key: tuple[str, ...]
    where: Mapping[str, Any]
    zone: ZoneInfo

    @classmethod
    def of(cls, operation: List, table: Table, zone: ZoneInfo) -> _Shape:
        """The shape of an operation."""
        key = operation.by or table.key
        names = tuple(dict.fromkeys([*(operation.columns or table.columns), *key]))
        return cls(table, names, key, operation.where, zone)

    @property
    def clauses(self) -> list[ColumnElement[Any]]:
        return [self.table.clause.c[name] for name in self.names]

    @property
    def key_clauses(self) -> list[ColumnElement[Any]]:
        return [self.table.clause.c[name] for name in self.key]

    def given(self) -> ColumnElement[bool]:
        """That a row has the constants."""
        return and_(true(), *_given(self.table, self.where))

    def window(self, name: str | None, keys: Mapping[str, str]) -> list[ColumnElement[bool]]:
        """That a row lies in the window."""
        if name is None:
            return []
        column, clause = self.table.columns[name], self.table.clause.c[name]
        since, until = keys.get("from"), keys.get("until")
        found = [] if not since else [clause >= _bound(column, since, self.zone, is_end=False)]
        return found if not until else [*found, clause < _bound(column, until, self.zone, is_end=True)]

    def text_of(self, row: Sequence[Any]) -> str:
        """A row's key as text; `values_of` reads it."""
        (shown,) = self.shown([row])
        return orjson.dumps([shown[name] for name in self.key]).decode()

    def values_of(self, text: str) -> list[Any]:
        """The key that a text says, as it is bound."""
        shown = zip(self.key, orjson.loads(text), strict=True)
        return [_value(self.table.columns[name], value) for name, value in shown]

    def shown(self, values: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
        """Rows as JSON. Raises Unreadable."""
        columns = list(zip(*values, strict=True))
        shown = [
            shower_of(self.table.columns[name], self.zone)(one) for name, one in zip(self.names, columns, strict=False)
        ]
        is_as_it_came = all(after is before for after, before in zip(shown, columns, strict=False))
        return _records_of(self.names)(values if is_as_it_came else zip(*shown, strict=True))


@lru_cache(maxsize=256)
def _records_of(names: tuple[str, ...]) -> Callable[[Iterable[Sequence[Any]]], list[dict[str, Any]]]:
    """Gives rows as objects with these members: written out, as it runs for every row that any run reads."""
    places = [f"value{place}" for place in range(len(names))]
    members = ", ".join(f"{name!r}: {place}" for name, place in zip(names, places, strict=True))
    made: Callable[[Iterable[Sequence[Any]]], list[dict[str, Any]]] = eval(  # noqa: S307
        f"lambda rows: [{{{members}}} for {', '.join(places)}, in rows]"
    )
    return made


def _given(table: Table, where: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for name, wanted in where.items():
        values = wanted if isinstance(wanted, tuple) else (wanted,)
        found.append(table.clause.c[name].in_([bind(table.columns[name], value, table.rules) for value in values]))
    return found


def _beyond(columns: Sequence[ColumnElement[Any]], values: Sequence[Any]) -> ColumnElement[bool]:
    """That a row's key is behind these values, in a form that an index on the key serves."""
    column, value = columns[0], values[0]
    beyond: ColumnElement[bool] = column > value
    if len(columns) == 1:
        return beyond
    return and_(column >= value, or_(beyond, _beyond(columns[1:], values[1:])))


def _with(rows: list[dict[str, Any]], equal: list[dict[str, Any]], key: Sequence[str]) -> list[dict[str, Any]]:
    """A page with all rows that the engine calls equal to its last, each once: those that it had are at its end."""
    same = {tuple(row[name] for name in key) for row in equal}
    end = len(rows)
    while end and tuple(rows[end - 1][name] for name in key) in same:
        end -= 1
    return rows[:end] + equal


def _bound(column: Column, text: str, zone: ZoneInfo, *, is_end: bool) -> datetime | date:
    local = datetime.fromisoformat(text).astimezone(zone).replace(tzinfo=None)
    if column.kind == "datetime":
        return local
    is_within = is_end and local.time() != datetime.min.time()
    return local.date() + timedelta(days=1 if is_within else 0)


def _value(column: Column, shown: Any) -> Any:
    if column.kind == "datetime":
        return datetime.fromisoformat(shown)
    return date.fromisoformat(shown) if column.kind == "date" else shown


def _asking(verb: str, table: str, statements: Sequence[Statement], conclude: Any) -> Script:
    return Script(request_line=f"{verb} {table}", statements=statements, conclude=conclude, is_write=False, sent=b"")
