"""The transactions that read: a row, or what became of one or of many. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import and_, or_, select

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
        values = found_by(table, _parsed(operation.where), fill=fill)
        sought = _Sought.of(table, [values], self._zone, latest_by=operation.latest_by)

        def conclude(results: Sequence[Result]) -> Document:
            (rows,) = sought.rows(results[0])
            if len(rows) > 1:
                return {"result": "ambiguous", "count": len(rows)}
            return {"result": "read", "count": len(rows), "rows": [self._shown(table, row) for row in rows]}

        return _asking("SELECT", table, [sought.statement], conclude)

    def poll(self, operation: Poll, fill: Fill) -> Script:
        """What became of one row: `{"result": "poll", "state": …, "flag": …, "reason": …}`; raises as `read`.

        The state is waiting, taken, refused, vanished (no such row, and no reject), ambiguous, or unclear: a flag
        that the adapter does not know. A reject counts whatever the flag says: it comes later.
        """
        script = self.polls(operation, [self.meant(operation, fill)])
        return replace(script, conclude=lambda results: script.conclude(results)["polls"][0])

    def meant(self, operation: Poll, fill: Fill) -> Meant:
        """What one request's row and its rejects are found by; raises as `read`."""
        row = found_by(self._tables[operation.table], _parsed(operation.where), fill=fill)
        if operation.rejects is None:
            return Meant(row)
        rejects = operation.rejects
        return Meant(row, found_by(self._tables[rejects.table], _parsed(rejects.where), fill=fill))

    def polls(self, operation: Poll, meant: Sequence[Meant]) -> Script:
        """What became of many rows, with one SELECT a table: `{"result": "polls", "polls": […]}`, one for each.

        Where more rows came than can be told apart: `{"result": "crowded"}`.
        """
        table, rejects = self._tables[operation.table], operation.rejects
        sought = [_Sought.of(table, [one.row for one in meant], self._zone)]
        if rejects is not None:
            values = [one.reject for one in meant]
            sought.append(_Sought.of(self._tables[rejects.table], values, self._zone, latest_by=rejects.latest_by))

        def conclude(results: Sequence[Result]) -> Document:
            if len(meant) > 1 and any(len(result.rows) >= _MOST * len(meant) for result in results):
                return {"result": "crowded"}
            found = [one.rows(result) for one, result in zip(sought, results, strict=True)]
            refusals = found[1] if rejects is not None else [()] * len(meant)
            return {
                "result": "polls",
                "polls": [_became(operation, *of) for of in zip(found[0], refusals, strict=True)],
            }

        return _asking("POLL", table, [one.statement for one in sought], conclude)

    def _shown(self, table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
        return {name: show(column, row[name], self._zone) for name, column in table.columns.items()}


@dataclass(frozen=True, slots=True)
class Meant:
    """What one request's row, and the rejects about it, are found by: bound values by column."""

    row: Mapping[str, Any]
    reject: Mapping[str, Any] = field(default_factory=dict)


Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class _Sought:
    """A SELECT for one or many, and which of its rows each of them means."""

    statement: Statement
    table: Table
    names: tuple[str, ...]
    wanted: Sequence[tuple[Any, ...]]
    latest_by: str | None
    zone: ZoneInfo

    @classmethod
    def of(
        cls, table: Table, values: Sequence[Mapping[str, Any]], zone: ZoneInfo, *, latest_by: str | None = None
    ) -> _Sought:
        """The SELECT of all rows that these values find; they name the same columns."""
        columns, names = table.clause.c, tuple(values[0])
        if len(names) == 1:
            where: Any = columns[names[0]].in_([one[names[0]] for one in values])
        else:
            where = or_(*(and_(*(columns[name] == one[name] for name in names)) for one in values))
        sql = select(*columns).where(where)
        if latest_by is not None:
            sql = sql.order_by(columns[latest_by].desc())
        wanted = [_shown_values(table, names, one, zone) for one in values]
        return cls(Statement(sql.limit(_MOST * len(values))), table, names, wanted, latest_by, zone)

    def rows(self, result: Result) -> list[Rows]:
        """For each the row that counts, or all where none does; what only a collation takes for it is left out."""
        found: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
        for row in result.rows:
            found.setdefault(_shown_values(self.table, self.names, row, self.zone), []).append(row)
        return [self._meant(found.get(key, [])) for key in self.wanted]

    def _meant(self, rows: Rows) -> Rows:
        by = self.latest_by
        is_told = by is not None and len(rows) > 1 and rows[0][by] != rows[1][by]
        return rows[:1] if is_told else rows


def _shown_values(table: Table, names: Sequence[str], row: Mapping[str, Any], zone: ZoneInfo) -> tuple[Any, ...]:
    return tuple(show(table.columns[name], row[name], zone) for name in names)


def _parsed(where: Mapping[str, Any]) -> dict[str, Any]:
    return {name: parsed(value) for name, value in where.items()}


def _became(operation: Poll, rows: Rows, refusals: Rows) -> Document:
    flag = None if operation.flag is None or not rows else rows[0][operation.flag.column]
    document: Document = {"result": "poll", "state": _state(rows, flag, operation.flag), "reason": None}
    document["flag"] = None if flag is None else str(flag)
    if operation.rejects is not None and refusals:
        reason = refusals[0][operation.rejects.reason]
        document |= {"state": "refused", "reason": None if reason is None else str(reason)}
    return document


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
