"""The transactions that write: insert, update, mark. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import ColumnElement, Executable, and_, insert, select, update

from syncgate.transports.database.columns import Unfit, Unreadable, show
from syncgate.transports.database.options import Insert, Mark, Update
from syncgate.transports.database.rows import Faults, Fill, Row, found_by, row_of
from syncgate.transports.database.script import Document, Result, Script, Statement
from syncgate.transports.database.tables import Table
from syncgate.transports.database.texts import parsed

Tables = Mapping[str, Table]


class Writing:
    """Makes the transactions of one system's writing operations."""

    def __init__(self, tables: Tables, zone: ZoneInfo, *, returns_generated: bool) -> None:
        """Args:
        tables: by name.
        zone: in which times are shown.
        returns_generated: whether the engine tells a generated number only in RETURNING.
        """
        self._tables = tables
        self._zone = zone
        self._returns = returns_generated

    def insert(self, operation: Insert, payload: Any, fill: Fill) -> Script:
        """Every row of the message, or none.

        Raises:
            Unsendable: a value does not fit its column.
        """
        main, children = self._rows(operation, payload, fill)
        statements = self._older(operation, fill)
        statements.append(Statement(self._insert(main, operation.generated)))
        position = len(statements) - 1
        statements += [Statement(self._insert(child, None)) for child in children]
        if operation.read_back:
            statements += [self._read_back(row, self._key_of(row)) for row in (main, *children)]
        shown = main.shown(self._zone)
        filled = {name: value for name, value in shown.items() if name in main.filled}

        def conclude(results: Sequence[Result]) -> Document:
            document: Document = {"result": "committed", "rows": 1 + len(children), "row": filled}
            if operation.generated is not None:
                document["generated"] = results[position].generated
            return document

        return Script(
            request_line=f"INSERT {operation.table}",
            statements=statements,
            conclude=conclude,
            is_write=True,
            sent=self._sent(main, *children),
        )

    def update(self, operation: Update, payload: Any, fill: Fill) -> Script:
        """New values for one row; raises as `insert`."""
        table, faults = self._tables[operation.table], Faults()
        where = found_by(table, _parsed(operation.where), fill=fill)
        given = {} if payload is None else payload
        if isinstance(given, Mapping):
            given = {name: value for name, value in given.items() if name not in operation.where}
        row = row_of(table, given, _parsed(operation.fill), at="", fill=fill, faults=faults, is_whole=False)
        if not row.values:
            faults.add("/", Unfit("expected at least one column to write, got none", reason="payload_not_rows"))
        faults.settle()
        return self._changed("UPDATE", where, row, read_back=operation.read_back)

    def mark(self, operation: Mark, fill: Fill) -> Script:
        """What the adapter says, written into one row; raises as `insert`."""
        table, faults = self._tables[operation.table], Faults()
        where = found_by(table, _parsed(operation.where), fill=fill)
        row = row_of(table, {}, _parsed(operation.set_columns), at="", fill=fill, faults=faults, is_whole=False)
        faults.settle()
        return self._changed("MARK", where, row, read_back=True)

    def _rows(self, operation: Insert, payload: Any, fill: Fill) -> tuple[Row, list[Row]]:
        faults, lists = Faults(), {}
        if isinstance(payload, Mapping):
            lists = {field: payload[field] for field in operation.children if field in payload}
            payload = {name: value for name, value in payload.items() if name not in operation.children}
        table = self._tables[operation.table]
        main = row_of(table, payload, _parsed(operation.fill), at="", fill=fill, faults=faults, is_whole=True)
        children = []
        for field, items in lists.items():
            child = operation.children[field]
            if not isinstance(items, list):
                faults.add(f"/{field}", Unfit("expected a list of rows, got something else", reason="payload_not_rows"))
                continue
            for number, item in enumerate(items):
                children.append(
                    row_of(
                        self._tables[child.table],
                        item,
                        _parsed(child.fill),
                        at=f"/{field}/{number}",
                        fill=fill,
                        faults=faults,
                        is_whole=True,
                    )
                )
        if operation.read_back:
            for row in (main, *children):
                _needs_its_key(row, faults)
        faults.settle()
        return main, children

    def _older(self, operation: Insert, fill: Fill) -> list[Statement]:
        if operation.older is None:
            return []
        table, faults = self._tables[operation.table], Faults()
        where = found_by(table, _parsed(operation.older.where), fill=fill)
        written = _parsed(operation.older.set_columns)
        row = row_of(table, {}, written, at="", fill=fill, faults=faults, is_whole=False)
        faults.settle()
        columns = [table.clause.c[name] for name in where]
        exact = Statement(select(*columns).where(_is(table, where)), check=self._all_are(table, where))
        return [exact, Statement(_update(table, where, row.values))]

    def _insert(self, row: Row, generated: str | None) -> Executable:
        statement = insert(row.table.clause).values({row.table.clause.c[name]: v for name, v in row.values.items()})
        if generated is not None and self._returns:
            return statement.returning(row.table.clause.c[generated])
        return statement

    def _key_of(self, row: Row) -> dict[str, Any]:
        return {name: row.values[name] for name in row.table.key}

    def _read_back(self, row: Row, where: Mapping[str, Any]) -> Statement:
        columns = [row.table.clause.c[name] for name in row.values]
        statement = select(*columns).where(_is(row.table, where)).limit(2)
        return Statement(statement, check=self._compare(row))

    def _all_are(self, table: Table, where: Mapping[str, Any]) -> Callable[[Result], Document | None]:
        """Objects where a row is found that only the column's collation takes for the same."""
        wanted = {name: show(table.columns[name], value, self._zone) for name, value in where.items()}

        def check(result: Result) -> Document | None:
            others = [row for row in result.rows if self._changed_in(table, row, wanted)]
            return {"result": "not_exact", "rows": len(others)} if others else None

        return check

    def _compare(self, row: Row) -> Callable[[Result], Document | None]:
        wanted = row.shown(self._zone)

        def check(result: Result) -> Document | None:
            if len(result.rows) != 1:
                return {"result": "not_kept", "rows": len(result.rows), "columns": []}
            changed = self._changed_in(row.table, result.rows[0], wanted)
            return {"result": "not_kept", "rows": 1, "columns": changed} if changed else None

        return check

    def _changed_in(self, table: Table, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
        return [name for name in wanted if self._shown(table, name, found[name]) != wanted[name]]

    def _shown(self, table: Table, name: str, value: Any) -> Any:
        try:
            return show(table.columns[name], value, self._zone)
        except Unreadable:
            return Unreadable

    def _changed(self, verb: str, where: Mapping[str, Any], row: Row, *, read_back: bool) -> Script:
        table, shown = row.table, row.shown(self._zone)
        columns = [table.clause.c[name] for name in where]
        # Locked and looked at first: to many collations "ab1" is "AB1", and that may be another case's row.
        exact = select(*columns).where(_is(table, where)).with_for_update()
        statements = [
            Statement(exact, check=self._all_are(table, where)),
            Statement(_update(table, where, row.values), check=_struck_one),
        ]
        if read_back:
            statements.append(self._read_back(row, {n: row.values.get(n, value) for n, value in where.items()}))
        filled = {name: value for name, value in shown.items() if name in row.filled}
        return Script(
            request_line=f"{verb} {table.name}",
            statements=statements,
            conclude=lambda _: {"result": "committed", "rows": 1, "row": filled},
            is_write=True,
            sent=self._sent(row),
        )

    def _sent(self, *rows: Row) -> bytes:
        return orjson.dumps([{"table": row.table.name, "row": row.shown(self._zone)} for row in rows])


def _needs_its_key(row: Row, faults: Faults) -> None:
    for name in row.table.key:
        if row.values and row.values.get(name) is None:
            note = f"expected a value for {name}, which tells rows of {row.table.name} apart, got none"
            faults.add(name, Unfit(note, reason="value_missing"))


def _parsed(columns: Mapping[str, Any]) -> dict[str, Any]:
    return {name: parsed(value) for name, value in columns.items()}


def _update(table: Table, where: Mapping[str, Any], values: Mapping[str, Any]) -> Executable:
    return update(table.clause).where(_is(table, where)).values({table.clause.c[n]: v for n, v in values.items()})


def _is(table: Table, where: Mapping[str, Any]) -> ColumnElement[bool]:
    return and_(*(table.clause.c[name] == value for name, value in where.items()))


def _struck_one(result: Result) -> Document | None:
    if result.count == 1:
        return None
    return {"result": "no_row" if result.count == 0 else "several_rows", "rows": result.count}
