"""A table from which records are taken in: rows whose flag says that they wait are listed, and flagged once in.

A row that changed since it was listed keeps its flag, so that what it says now is fetched too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import ColumnElement, Executable, and_, update

from syncgate.ports import Clock, Entropy, Query, Secrets, Unread
from syncgate.ports.fetching import Fetched, Ready, Settled
from syncgate.ports.listing import Paging
from syncgate.transports.database.address import parse_address
from syncgate.transports.database.client import DatabaseClient
from syncgate.transports.database.columns import bind
from syncgate.transports.database.engines import Times, driver_of
from syncgate.transports.database.faults import Fault
from syncgate.transports.database.inbox_options import WAITING, InboxOptions
from syncgate.transports.database.script import Result, Script, Statement
from syncgate.transports.database.tables import Table, tables_of
from syncgate.transports.database.transport import DatabaseTransport, build, password_of
from syncgate.transports.database.unfit import Unsendable
from syncgate.transports.kind import Limits


class _Times:
    """The limits of a transport, from one time-out."""

    def __init__(self, timeout: float) -> None:
        self.connect_timeout = min(timeout, 10.0)
        self.timeout = timeout


class Inbox:
    """The waiting rows of one table."""

    def __init__(self, options: InboxOptions, *, secrets: Secrets, clock: Clock, entropy: Entropy) -> None:
        """Raises SiteInvalid: a secret is missing."""
        self._options = options
        database, limits = options.as_database(), _Times(options.timeout)
        self._transport: DatabaseTransport = build(
            database, (), limits=_limits(limits), secrets=secrets, clock=clock, entropy=entropy
        )
        self._table: Table = tables_of(database)[options.table]
        self._database, self._secrets = database, secrets
        engine, url = parse_address(options.url)
        times = Times(connect=limits.connect_timeout, total=limits.timeout)
        self._client = DatabaseClient(
            driver_of(engine), url, times, password=lambda: password_of(database, secrets), connections=1
        )

    async def page(self, following: str | None) -> Ready | Unread:
        """Rows that wait, in the order of their key."""
        query = Query(operation=WAITING, paging=Paging(by="keyset", size=self._options.page))
        page = await self._transport.list_page(query, following)
        if isinstance(page, Unread):
            return page
        records = tuple(Fetched(key=self._key_of(row), value=row) for row in page.records)
        return Ready(records=records, following=page.following)

    async def settle(self, settled: Sequence[Settled]) -> int | Unread:
        """Flags rows, all in one transaction; one that changed since is left as it is."""
        if not settled:
            return 0
        try:
            password_of(self._database, self._secrets)
        except Unsendable as unsendable:
            return Unread(reason="denied", words=str(unsendable))
        found = await self._client.run(self._script(settled))
        if isinstance(found, Fault):
            return Unread(reason="unavailable", words=found.note)
        return int(found.document["count"])

    async def aclose(self) -> None:
        """Closes connections."""
        await self._transport.aclose()
        await self._client.aclose()

    def _script(self, settled: Sequence[Settled]) -> Script:
        def conclude(results: Sequence[Result]) -> dict[str, Any]:
            return {"result": "committed", "count": sum(result.count for result in results)}

        statements = [Statement(self._flagging(one)) for one in settled]
        return Script(
            request_line=f"FLAG {self._options.table}",
            statements=statements,
            conclude=conclude,
            is_write=True,
            sent=b"",
        )

    def _flagging(self, one: Settled) -> Executable:
        flag, clause = self._options.flag, self._table.clause
        marked = flag.taken if not one.is_held or flag.held is None else flag.held
        names = dict.fromkeys((*self._options.key, *([self._options.changed_by] if self._options.changed_by else [])))
        same = [self._is(name, one.record.value[name]) for name in names]
        waits = clause.c[flag.column] == self._bound(flag.column, flag.waiting)
        return (
            update(clause).where(and_(waits, *same)).values({clause.c[flag.column]: self._bound(flag.column, marked)})
        )

    def _is(self, name: str, shown: Any) -> ColumnElement[bool]:
        column = self._table.clause.c[name]
        return column.is_(None) if shown is None else column == self._shown(name, shown)

    def _bound(self, name: str, value: Any) -> Any:
        return bind(self._table.columns[name], value, self._table.rules)

    def _shown(self, name: str, shown: Any) -> Any:
        """A value of a listed row as it is bound."""
        match self._table.columns[name].kind:
            case "datetime":
                zone = ZoneInfo(self._options.time_zone)
                moment = datetime.fromisoformat(shown)
                return moment if moment.tzinfo is None else moment.astimezone(zone).replace(tzinfo=None)
            case "date":
                return date.fromisoformat(shown)
            case _:
                return shown

    def _key_of(self, row: dict[str, Any]) -> str:
        return orjson.dumps([row[name] for name in self._options.key]).decode()


def _limits(times: _Times) -> Limits:
    return times
