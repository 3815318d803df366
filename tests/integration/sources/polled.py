"""A source's front table on SQLite, and a gate that polls it; run as a program, one process that does until the end."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from syncgate.bootstrap.machine import SystemClock
from syncgate.domain.arrivals import Arrival
from syncgate.domain.rows import SystemRow
from syncgate.flows.delivering.hand_over import HandOver
from syncgate.flows.gate import Gate
from syncgate.flows.taking_in.folder import FolderInbox, Watched
from syncgate.flows.taking_in.polling import Make, Poll, Polled, poll
from syncgate.mapping import load_mapping, load_tables
from syncgate.ports import Clock, Secrets, Tx
from syncgate.ports.fetching import Fetching
from syncgate.records import CsvSettings, Format, JsonSettings, XmlSettings
from syncgate.records.settings import Settings
from syncgate.site.sources import Source
from syncgate.storage import GroupWriter, SiteKeyring, SqlStore
from syncgate.transports.database.inbox import Inbox
from syncgate.transports.database.inbox_options import InboxOptions
from syncgate.transports.rest.inbox import RestInbox
from syncgate.transports.rest.inbox_options import RestInboxOptions
from tests.unit.web.sample import schema

SOURCE = "street"
BAD_EVERY = 100
"""One row in so many has a channel that the table lacks."""
MAPPING = """\
mapping: sources/street/case
direction: in
reads: record
payload:
  kind: {const: hotline}
  case_no: record.case_no
  item: {object: {name: record.what}}
  location: {object: {text: record.place}}
  channel: {table: channel, of: record.channel}
  applied_at: {parse_time: record.at, format: "%Y%m%d%H%M%S", zone: Asia/Shanghai}
examples:
  - name: one
    record: {}
    fails: [{field: channel, rule: missing}]
"""
FORMATS: dict[Format, Settings] = {
    "csv": CsvSettings(charset="utf-8"),
    "json": JsonSettings(records="/items"),
    "xml": XmlSettings(record="/cases/case"),
}
COLUMNS = {
    "id": "int not null",
    "case_no": "varchar(50) not null",
    "what": "varchar(200) not null",
    "place": "varchar(200) not null",
    "channel": "varchar(20) not null",
    "at": "varchar(14) not null",
    "version": "int not null",
    "is_sync": "int not null",
}


class RealEntropy:
    """Unpredictable bytes."""

    def token(self, size: int) -> bytes:
        return os.urandom(size)

    def draw(self) -> float:
        return 0.5


class NoSecrets:
    """None are needed."""

    def get(self, name: str) -> str:
        raise AssertionError(name)


@dataclass
class FrontTable:
    """The source's own table. It notes every change of a flag: what is flagged twice was read twice."""

    path: Path

    def make(self, count: int) -> None:
        with sqlite3.connect(self.path) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            columns = ", ".join(
                f"{name} {'INTEGER' if 'int' in kind else 'TEXT'} NOT NULL" for name, kind in COLUMNS.items()
            )
            connection.execute(f"CREATE TABLE up_case({columns}, PRIMARY KEY (id))")
            connection.execute("CREATE TABLE flagged(id INTEGER, is_sync INTEGER)")
            connection.execute(
                "CREATE TRIGGER noted AFTER UPDATE OF is_sync ON up_case BEGIN "
                "INSERT INTO flagged VALUES (new.id, new.is_sync); END"
            )
            connection.executemany(
                "INSERT INTO up_case VALUES (?,?,?,?,?,?,?,?)", [row(no) for no in range(1, count + 1)]
            )

    def run(self, sql: str, *values: Any) -> list[Any]:
        with sqlite3.connect(self.path, timeout=30) as connection:
            return connection.execute(sql, values).fetchall()

    def flags(self) -> dict[int, int]:
        """How many rows have which flag."""
        return dict(self.run("SELECT is_sync, count(*) FROM up_case GROUP BY is_sync"))


def row(no: int) -> tuple[Any, ...]:
    channel = "fax" if no % BAD_EVERY == 0 else "phone"
    return (no, f"S-{no:05}", "路灯不亮", f"东示区示例路{no}号", channel, "20260430235800", 1, 0)


def mapping_of(table: str) -> Any:
    tables = load_tables({"mappings/tables/channel.yaml": table})
    return load_mapping(MAPPING, "mappings/sources/street/case.yaml", tables=tables, schema=schema().document)


def source(*codes: str) -> Source:
    """The source; codes: channels that its table has beside `phone`."""
    more = "".join(f", {code}: other" for code in codes)
    table = f"table: channel\nlossy: true\ncodes: {{phone: phone{more}}}\n"
    return Source(name=SOURCE, title={"zh": "街道", "en": "Street"}, mapping=mapping_of(table), formats=FORMATS)


def a_gate(store: SqlStore, clock: Clock) -> Gate:
    """A gate without targets, with the source."""
    store.write([lambda tx: tx.save_system(SystemRow(system=SOURCE, is_source=True))])
    return Gate(
        hand_over=HandOver("tester"),
        writer=GroupWriter(store),
        keyring=SiteKeyring(bytes(range(32))),
        clock=clock,
        entropy=RealEntropy(),
        schema=schema(),
        bundles={},
        active={},
        sources=frozenset({SOURCE}),
        on_due=lambda systems: None,
        inbound={SOURCE: source()},
    )


def inbox(path: Path, clock: Clock, **more: Any) -> Inbox:
    """The table as the gate reads it."""
    given = {
        "url": f"sqlite:///{path}",
        "table": "up_case",
        "columns": COLUMNS,
        "key": ["id"],
        "flag": {"column": "is_sync", "waiting": 0, "taken": 1, "held": 2},
        "page": 100,
    }
    options = InboxOptions.model_validate(given | more)
    return Inbox(options, secrets=NoSecrets(), clock=clock, entropy=RealEntropy())


def listed(url: str, clock: Clock, secrets: Secrets | None = None, **more: Any) -> RestInbox:
    """A list as the gate reads it."""
    given: dict[str, Any] = {
        "base_url": url,
        "path": "/cases",
        "query": {"cursor": "{cursor}", "limit": "{size}"},
        "records": "/data/items",
        "key": ["/id"],
        "paging": {"by": "cursor", "at": "/data/next", "size": 50},
        "timeout": 5,
    }
    options = RestInboxOptions.model_validate(given | more)
    return RestInbox(options, secrets=secrets or NoSecrets(), clock=clock, entropy=RealEntropy())


def foldered(gate: Gate, folder: Path, clock: Clock, **more: Any) -> FolderInbox:
    """A folder of CSV files as the gate reads it."""
    given: dict[str, Any] = {
        "folder": folder,
        "files": "*.csv",
        "format": "csv",
        "settled_for": timedelta(milliseconds=1),
        "size_at_most": 100_000,
        "page": 50,
    }
    return FolderInbox(Watched(**(given | more)), gate, SOURCE, clock=clock)


def wish(**more: Any) -> Poll:
    return Poll(source=SOURCE, every=timedelta(seconds=1), **more)


def ready(fetching: Fetching) -> Make:
    """What a poll asks, made already."""

    async def make() -> Fetching:
        return fetching

    return make


def arrivals(tx: Tx) -> list[Arrival]:
    """All of them."""
    return tx.list_arrivals(sources=[SOURCE], states=None, after=None, limit=100_000, is_oldest_first=True)


def asked(gate: Gate, place: str, clock: Clock) -> Fetching:
    """What is at a place: a list at an address, a folder or a table at a path."""
    if place.startswith("http"):
        return listed(place, clock)
    return foldered(gate, Path(place), clock) if Path(place).is_dir() else inbox(Path(place), clock)


async def _until_nothing_is_left(url: str, place: str) -> None:
    clock = SystemClock()
    store = SqlStore(url, keyring=SiteKeyring(bytes(range(32))), writer=f"poller:{os.getpid()}")
    gate = a_gate(store, clock)
    fetching = asked(gate, place, clock)
    os.write(1, b"ready\n")
    while True:
        polled: Polled | None = await poll(gate, wish(lease=timedelta(seconds=1)), ready(fetching))
        # A list's last page is read again by every poll, as it may have got more.
        if polled is not None and not (polled.taken or polled.held or polled.flagged or polled.unread):
            os.write(1, b"done\n")
            return
        await asyncio.sleep(0.02)


if __name__ == "__main__":
    asyncio.run(_until_nothing_is_left(sys.argv[1], sys.argv[2]))
