"""The front database on PostgreSQL and on MariaDB: what each says otherwise than SQLite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from syncgate.sandbox.systems.frontdb_engines import Connection, copied
from syncgate.sandbox.systems.frontdb_tables import REJECTED, TABLES, Column


class PostgresFront:
    """An `Engine` for PostgreSQL: texts are UTF-8 there, and a CHECK holds them to what GBK has."""

    placeholder = "%s"

    def ddl(self) -> Sequence[str]:
        """Tables, and one function for all journals."""
        return [*_PG_OWN, *(statement for table in TABLES for statement in _pg_table(table))]

    def begin(self, connection: Connection) -> None:
        """A setting of this transaction alone names who acts."""
        connection.run("BEGIN")
        connection.run("SET LOCAL sandbox.actor = 'consumer'")

    def end(self, connection: Connection) -> None:
        """The setting ends with the transaction."""

    def fill(self, connection: Connection, tables: Sequence[str]) -> None:
        """From now on: 53100, disk full."""
        for table in tables:
            connection.run("INSERT INTO sandbox_full VALUES (?) ON CONFLICT DO NOTHING", table)

    def empty(self, connection: Connection) -> None:
        """Rows are taken again."""
        connection.run("DELETE FROM sandbox_full")

    def full_strikes(self, connection: Connection) -> int:
        """A sequence counts them, as no rollback takes back what it gave."""
        last, is_called = connection.run("SELECT last_value, is_called FROM sandbox_full_strikes")[0]
        return int(last) if is_called else 0

    @contextmanager
    def locked(self, connection: Connection, table: str) -> Iterator[None]:
        """The table alone."""
        connection.run("BEGIN")
        try:
            connection.run_as_is(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
            yield
        finally:
            connection.run("ROLLBACK")


_PG_OWN = (
    """CREATE TABLE sandbox_journal(seq bigserial PRIMARY KEY, at text NOT NULL, actor text NOT NULL,
      verb text NOT NULL, tab text NOT NULL, row text NOT NULL)""",
    "CREATE TABLE sandbox_full(tab text PRIMARY KEY)",
    "CREATE SEQUENCE sandbox_full_strikes",
    """CREATE FUNCTION sandbox_append_only() RETURNS trigger AS $$
      BEGIN RAISE EXCEPTION 'the journal is append-only'; END $$ LANGUAGE plpgsql""",
    """CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON sandbox_journal
      FOR EACH ROW EXECUTE FUNCTION sandbox_append_only()""",
    # One transaction after another, so that the journal's numbers are in the order of the commits.
    """CREATE FUNCTION sandbox_note() RETURNS trigger AS $$ BEGIN
      PERFORM pg_advisory_xact_lock(4711);
      INSERT INTO sandbox_journal(at, actor, verb, tab, row) VALUES (
        to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
        coalesce(nullif(current_setting('sandbox.actor', true), ''), 'peer'), lower(TG_OP), TG_TABLE_NAME,
        row_to_json(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END)::text);
      RETURN NULL; END $$ LANGUAGE plpgsql""",
    """CREATE FUNCTION sandbox_is_full() RETURNS trigger AS $$ BEGIN
      IF EXISTS (SELECT 1 FROM sandbox_full WHERE tab = TG_TABLE_NAME) THEN
        PERFORM nextval('sandbox_full_strikes');
        RAISE EXCEPTION 'no space' USING ERRCODE = '53100';
      END IF; RETURN NEW; END $$ LANGUAGE plpgsql""",
)


def _pg_table(table: str) -> list[str]:
    columns = ", ".join(_pg_column(column) for column in TABLES[table])
    flag = "is_sync int NOT NULL DEFAULT 0"
    return [
        f"CREATE TABLE {table} (id bigserial PRIMARY KEY, {columns}, {flag}, UNIQUE (row_guid, cd_batch))",
        f"""CREATE TABLE {table}{REJECTED} (recordtime timestamp NOT NULL, error_msg varchar(2000) NOT NULL,
          id bigint NOT NULL, {columns}, {flag})""",
        f"""CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON {table}
          FOR EACH ROW EXECUTE FUNCTION sandbox_note()""",
        f"CREATE TRIGGER is_full BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION sandbox_is_full()",
    ]


def _pg_column(column: Column) -> str:
    needed = " NOT NULL" if column.is_required else ""
    if column.kind != "text":
        return f"{column.name} {'timestamp(0)' if column.kind == 'time' else 'int'}{needed}"
    bytes_of = f"octet_length(convert_to({column.name}, 'GBK'))"
    return f"{column.name} varchar({column.size}){needed} CHECK ({bytes_of} <= {column.size})"


class MariaFront:
    """An `Engine` for MariaDB, whose text columns are of one charset: `gbk`, or the `utf8mb3` of old installations."""

    placeholder = "%s"

    def __init__(self, charset: str = "gbk") -> None:
        self._charset = charset

    def ddl(self) -> Sequence[str]:
        """Tables and triggers."""
        return [*_MARIA_OWN, *(statement for table in TABLES for statement in self._table(table))]

    def begin(self, connection: Connection) -> None:
        """A variable of this session names who acts."""
        connection.run("SET @sandbox_actor = 'consumer'")
        connection.run("BEGIN")

    def end(self, connection: Connection) -> None:
        """Nobody else writes in this session."""

    def fill(self, connection: Connection, tables: Sequence[str]) -> None:
        """From now on: 1114, the table is full."""
        for table in tables:
            connection.run("INSERT IGNORE INTO sandbox_full VALUES (?)", table)

    def empty(self, connection: Connection) -> None:
        """Rows are taken again."""
        connection.run("DELETE FROM sandbox_full")

    def full_strikes(self, connection: Connection) -> int:
        """They are counted in a table without transactions, which no rollback empties."""
        return int(connection.run("SELECT count(*) FROM sandbox_full_strikes")[0][0])

    @contextmanager
    def locked(self, connection: Connection, table: str) -> Iterator[None]:
        """The table alone."""
        connection.run_as_is(f"LOCK TABLES {table} WRITE")
        try:
            yield
        finally:
            connection.run_as_is("UNLOCK TABLES")

    def _table(self, table: str) -> list[str]:
        columns = ", ".join(map(self._column, TABLES[table]))
        flag, like = "is_sync int NOT NULL DEFAULT 0", f"CHARACTER SET {self._charset} COLLATE {self._charset}_bin"
        pairs = {row: ", ".join(f"'{name}', {row}.{name}" for name in copied(table)) for row in ("NEW", "OLD")}
        return [
            f"""CREATE TABLE {table} (id bigint AUTO_INCREMENT PRIMARY KEY, {columns}, {flag},
              UNIQUE (row_guid, cd_batch)) ENGINE=InnoDB {like}""",
            f"""CREATE TABLE {table}{REJECTED} (recordtime datetime NOT NULL, error_msg varchar(2000) NOT NULL,
              id bigint NOT NULL, {columns}, {flag}) ENGINE=InnoDB {like}""",
            *(
                _MARIA_JOURNAL.format(table=table, verb=verb, pairs=pairs["OLD" if verb == "delete" else "NEW"])
                for verb in ("insert", "update", "delete")
            ),
            _MARIA_FULL.format(table=table),
        ]

    def _column(self, column: Column) -> str:
        needed = " NOT NULL" if column.is_required else ""
        if column.kind != "text":
            return f"{column.name} {'datetime' if column.kind == 'time' else 'int'}{needed}"
        size = f" CHECK (octet_length({column.name}) <= {column.size})" if self._charset == "gbk" else ""
        return f"{column.name} varchar({column.size}){needed}{size}"


_MARIA_OWN = (
    """CREATE TABLE sandbox_journal(seq bigint AUTO_INCREMENT PRIMARY KEY, at varchar(40) NOT NULL,
      actor varchar(20) NOT NULL, verb varchar(10) NOT NULL, tab varchar(64) NOT NULL, row longtext NOT NULL)
      ENGINE=InnoDB CHARACTER SET utf8mb4""",
    # One transaction after another, so that the journal's numbers are in the order of the commits.
    "CREATE TABLE sandbox_turn(no bigint NOT NULL) ENGINE=InnoDB",
    "INSERT INTO sandbox_turn VALUES (0)",
    "CREATE TABLE sandbox_full(tab varchar(64) PRIMARY KEY) ENGINE=InnoDB CHARACTER SET utf8mb4",
    "CREATE TABLE sandbox_full_strikes(tab varchar(64) NOT NULL) ENGINE=MyISAM CHARACTER SET utf8mb4",
    """CREATE TRIGGER sandbox_journal_no_update BEFORE UPDATE ON sandbox_journal FOR EACH ROW
      SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the journal is append-only'""",
    """CREATE TRIGGER sandbox_journal_no_delete BEFORE DELETE ON sandbox_journal FOR EACH ROW
      SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the journal is append-only'""",
)
_MARIA_JOURNAL = """CREATE TRIGGER {table}_{verb} AFTER {verb} ON {table} FOR EACH ROW BEGIN
  UPDATE sandbox_turn SET no = no + 1;
  INSERT INTO sandbox_journal(at, actor, verb, tab, row) VALUES (
    date_format(utc_timestamp(6), '%Y-%m-%dT%H:%i:%s.%f'), coalesce(@sandbox_actor, 'peer'), '{verb}', '{table}',
    json_object({pairs}));
  END"""
_MARIA_FULL = """CREATE TRIGGER {table}_full BEFORE INSERT ON {table} FOR EACH ROW
  IF EXISTS (SELECT 1 FROM sandbox_full WHERE tab = '{table}') THEN
    INSERT INTO sandbox_full_strikes VALUES ('{table}');
    SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1114, MESSAGE_TEXT = 'The table is full';
  END IF"""
