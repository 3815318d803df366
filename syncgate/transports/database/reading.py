"""The transactions that read: a row, or what became of one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import and_, select

from syncgate.transports.database.columns import show
from syncgate.transports.database.options import FlagValues, Poll, Read
from syncgate.transports.database.rows import Fill, found_by
from syncgate.transports.database.script import Document, Result, Script, Statement
from syncgate.transports.database.tables import Table
from syncgate.transports.database.texts import parsed

_MOST: Final = 20
"""Rows that are looked at: one, or a few versions of it."""


class Asking:
    """Makes the transactions of one system's reading operations."""

    def __init__(self, tables: Mapping[str, Table], zone: ZoneInfo) -> None:
        """Args: tables: by name; zone: in which times are shown."""
        self._tables = tables
        self._zone = zone

    def read(self, operation: Read, fill: Fill) -> Script:
        """The row with all its declared columns: `{"result": "read", "count": 1, "rows": [{…}]}`.

        Raises:
            Unsendable: what the row is found by has no value.
        """
        table = self._tables[operation.table]
        asked = self._asked(table, operation.where, fill, latest_by=operation.latest_by)

        def conclude(results: Sequence[Result]) -> Document:
            rows = asked.rows(results[0])
            if len(rows) > 1:
                return {"result": "ambiguous", "count": len(rows)}
            return {"result": "read", "count": len(rows), "rows": [self._shown(table, row) for row in rows]}

        return _asking("SELECT", table, [asked.statement], conclude)

    def poll(self, operation: Poll, fill: Fill) -> Script:
        """What became of the row: `{"result": "poll", "state": …, "flag": …, "reason": …}`; raises as `read`.

        The state is waiting, taken, refused, vanished (no such row, and no reject), ambiguous, or unclear: a flag
        that the adapter does not know. A reject counts whatever the flag says: it comes later.
        """
        table = self._tables[operation.table]
        asked = [self._asked(table, operation.where, fill)]
        rejects = operation.rejects
        if rejects is not None:
            other = self._tables[rejects.table]
            asked.append(self._asked(other, rejects.where, fill, latest_by=rejects.latest_by))

        def conclude(results: Sequence[Result]) -> Document:
            rows = asked[0].rows(results[0])
            flag = None if operation.flag is None or not rows else rows[0][operation.flag.column]
            document: Document = {"result": "poll", "state": _state(rows, flag, operation.flag), "reason": None}
            document["flag"] = None if flag is None else str(flag)
            refusals = asked[1].rows(results[1]) if rejects is not None else ()
            if rejects is not None and refusals:
                reason = refusals[0][rejects.reason]
                document |= {"state": "refused", "reason": None if reason is None else str(reason)}
            return document

        return _asking("POLL", table, [one.statement for one in asked], conclude)

    def _asked(self, table: Table, where: Mapping[str, Any], fill: Fill, *, latest_by: str | None = None) -> _Asked:
        columns = table.clause.c
        values = found_by(table, {name: parsed(value) for name, value in where.items()}, fill=fill)
        sql = select(*columns).where(and_(*(columns[name] == value for name, value in values.items())))
        if latest_by is not None:
            sql = sql.order_by(columns[latest_by].desc())
        wanted = {name: show(table.columns[name], value, self._zone) for name, value in values.items()}
        return _Asked(Statement(sql.limit(_MOST)), table, wanted, latest_by, self._zone)

    def _shown(self, table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
        return {name: show(column, row[name], self._zone) for name, column in table.columns.items()}


@dataclass(frozen=True, slots=True)
class _Asked:
    """A SELECT, and which of its rows are meant."""

    statement: Statement
    table: Table
    wanted: Mapping[str, Any]
    latest_by: str | None
    zone: ZoneInfo

    def rows(self, result: Result) -> Sequence[Mapping[str, Any]]:
        """The one row that counts, or all where none does, without those that only a collation takes for ours."""
        rows = [row for row in result.rows if self._is_exact(row)]
        by = self.latest_by
        is_told = by is not None and len(rows) > 1 and rows[0][by] != rows[1][by]
        return rows[:1] if is_told else rows

    def _is_exact(self, row: Mapping[str, Any]) -> bool:
        return all(show(self.table.columns[name], row[name], self.zone) == value for name, value in self.wanted.items())


def _state(rows: Sequence[Mapping[str, Any]], flag: Any, values: FlagValues | None) -> str:
    if len(rows) != 1:
        return "ambiguous" if rows else "vanished"
    if values is None:
        return "waiting"
    if str(flag) in map(str, values.taken):
        return "taken"
    if str(flag) in map(str, values.refused):
        return "refused"
    return "waiting" if str(flag) in map(str, values.waiting) else "unclear"


def _asking(verb: str, table: Table, statements: Sequence[Statement], conclude: Any) -> Script:
    return Script(
        request_line=f"{verb} {table.name}", statements=statements, conclude=conclude, is_write=False, sent=b""
    )
