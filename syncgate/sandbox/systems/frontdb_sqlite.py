"""The front database on SQLite, as strict as a real one on GBK: types, NOT NULL, bytes and characters by triggers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from syncgate.sandbox.systems.frontdb_engines import Connection, copied
from syncgate.sandbox.systems.frontdb_tables import COLUMNS, REJECTED, TABLES, Column

_LAST = 2**63 - 1
"""Where the highest number of an AUTOINCREMENT table is in use, SQLite says that it is full."""

_OWN = """
CREATE TABLE IF NOT EXISTS sandbox_journal(seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL,
  actor TEXT NOT NULL, verb TEXT NOT NULL, tab TEXT NOT NULL, row TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sandbox_actor(name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sandbox_full(tab TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS sandbox_gbk(code INTEGER PRIMARY KEY)
"""
_APPEND_ONLY = """CREATE TRIGGER IF NOT EXISTS sandbox_journal_no_{verb} BEFORE {verb} ON sandbox_journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"""
_TABLE = """CREATE TABLE IF NOT EXISTS {table} (id INTEGER PRIMARY KEY AUTOINCREMENT, {columns},
  UNIQUE (row_guid, cd_batch))"""
_REJECTS = """CREATE TABLE IF NOT EXISTS {table} (recordtime datetime NOT NULL, error_msg varchar(2000) NOT NULL,
  id bigint NOT NULL, {columns})"""
_JOURNAL = """CREATE TRIGGER IF NOT EXISTS {table}_{verb} AFTER {verb} ON {table} BEGIN
  INSERT INTO sandbox_journal(at, actor, verb, tab, row) VALUES (strftime('%Y-%m-%dT%H:%M:%f', 'now'),
    coalesce((SELECT name FROM sandbox_actor), 'peer'), '{verb}', '{table}', json_object({pairs})); END"""
_STRICT = "CREATE TRIGGER IF NOT EXISTS {table}_strict_{verb} BEFORE {verb} ON {table} BEGIN {checks} END"
_CHECK = "SELECT RAISE(ABORT, '{words}') WHERE {broken};"
_SLOW = """CREATE TRIGGER IF NOT EXISTS {table}_full BEFORE INSERT ON {table}
WHEN EXISTS (SELECT 1 FROM sandbox_full WHERE tab = '{table}') BEGIN
  SELECT (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT max(i) FROM n); END"""

_CHARACTERS = """WITH RECURSIVE c(i, code) AS (SELECT 1, unicode({value})
  UNION ALL SELECT i + 1, unicode(substr({value}, i + 1, 1)) FROM c WHERE i < length({value}))"""
_TIME = "'[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]'"


class SQLiteFront:
    """An `Engine` for SQLite."""

    placeholder = "?"

    def __init__(self, tables: Collection[str] = tuple(TABLES)) -> None:
        """Args: tables: which it has."""
        self._tables = tables

    def ddl(self) -> Sequence[str]:
        """Tables, triggers, and the characters that GBK has."""
        made = ["PRAGMA journal_mode = WAL", "BEGIN IMMEDIATE", *_OWN.split(";")]
        made += [_APPEND_ONLY.format(verb=verb) for verb in ("UPDATE", "DELETE")]
        for table in self._tables:
            made += _table(table)
        codes = ",".join(f"({ord(one)})" for one in gbk_characters())
        made.append(f"INSERT OR IGNORE INTO sandbox_gbk VALUES {codes}")
        return [*made, "COMMIT"]

    def begin(self, connection: Connection) -> None:
        """The consumer's name stands in a table as long as the transaction lasts, for nobody else to see."""
        connection.run("BEGIN IMMEDIATE")
        connection.run("INSERT INTO sandbox_actor VALUES ('consumer')")

    def end(self, connection: Connection) -> None:
        """Before COMMIT: the name goes."""
        connection.run("DELETE FROM sandbox_actor")

    def fill(self, connection: Connection, tables: Sequence[str]) -> None:
        """The highest number is in use: SQLITE_FULL, as on a full disk."""
        with connection.transaction():
            for table in tables:
                connection.run("DELETE FROM sqlite_sequence WHERE name = ?", table)
                connection.run("INSERT INTO sqlite_sequence(name, seq) VALUES (?, ?)", table, _LAST)
                connection.run("INSERT OR IGNORE INTO sandbox_full VALUES (?)", table)

    def empty(self, connection: Connection) -> None:
        """Numbers go on where the journal says that they ended."""
        with connection.transaction():
            for (table,) in connection.run("SELECT tab FROM sandbox_full"):
                used = "SELECT coalesce(max(json_extract(row, '$.id')), 0) FROM sandbox_journal WHERE tab = ?"
                (last,) = connection.run(used, table)[0]
                connection.run("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", last, table)
            connection.run("DELETE FROM sandbox_full")

    def full_strikes(self, connection: Connection) -> int:
        """SQLite keeps nothing of a transaction that failed: see `frontdb_strikes`."""
        return 0

    @contextmanager
    def locked(self, connection: Connection, table: str) -> Iterator[None]:
        """The whole file, as there is nothing smaller to lock."""
        connection.run("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.run("ROLLBACK")


def gbk_characters() -> list[str]:
    """Every character beyond ASCII that GBK has, as Python knows it."""
    found: set[str] = set()
    for first in range(0x81, 0xFF):
        for second in range(0x40, 0xFF):
            found.update(bytes((first, second)).decode("gbk", "ignore"))
    return sorted(one for one in found if ord(one) > 127)


def _table(table: str) -> list[str]:
    columns = ", ".join([*map(_declared, COLUMNS[table]), "is_sync int NOT NULL DEFAULT 0"])
    pairs = {row: ", ".join(f"'{name}', {row}.{name}" for name in copied(table)) for row in ("NEW", "OLD")}
    checks = " ".join(_checks(column) for column in COLUMNS[table])
    return [
        _TABLE.format(table=table, columns=columns),
        _REJECTS.format(table=table + REJECTED, columns=columns),
        *(
            _JOURNAL.format(table=table, verb=verb, pairs=pairs["OLD" if verb == "delete" else "NEW"])
            for verb in ("insert", "update", "delete")
        ),
        *(_STRICT.format(table=table, verb=verb, checks=checks) for verb in ("INSERT", "UPDATE")),
        _SLOW.format(table=table),
    ]


def _declared(column: Column) -> str:
    kind = {"time": "datetime", "int": "int"}.get(column.kind, f"varchar({column.size})")
    return f"{column.name} {kind}{' NOT NULL' if column.is_required else ''}"


def _checks(column: Column) -> str:
    value = f"NEW.{column.name}"
    if column.kind == "int":
        return _CHECK.format(words=f"{column.name}: no number", broken=f"typeof({value}) NOT IN ('integer', 'null')")
    if column.kind == "time":
        broken = f"{value} IS NOT NULL AND ({value} NOT GLOB {_TIME} OR datetime({value}) IS NULL)"
        return _CHECK.format(words=f"{column.name}: no time", broken=broken)
    characters = _CHARACTERS.format(value=value)
    lacks = "SELECT 1 FROM c WHERE code > 127 AND code NOT IN (SELECT code FROM sandbox_gbk)"
    is_plain = f"length({value}) = length(CAST({value} AS BLOB))"
    size = f"({characters} SELECT sum(CASE WHEN code > 127 THEN 2 ELSE 1 END) FROM c)"
    return " ".join(
        (
            _CHECK.format(words=f"{column.name}: no text", broken=f"typeof({value}) NOT IN ('text', 'null')"),
            _CHECK.format(
                words=f"{column.name}: a character that GBK lacks",
                broken=f"{value} <> '' AND NOT {is_plain} AND EXISTS ({characters} {lacks})",
            ),
            _CHECK.format(
                words=f"{column.name}: more than {column.size} bytes",
                broken=f"length(CAST({value} AS BLOB)) > {column.size} AND {size} > {column.size}",
            ),
        )
    )
