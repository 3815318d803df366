"""Front databases as the tests speak with them: the same tables on every engine, and how to hurt each."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from sqlalchemy.engine import make_url

from syncgate.domain.errors import SiteInvalid
from syncgate.domain.outcome import Answer, Reading
from syncgate.ports import Request
from syncgate.transports.answers import load_rules
from syncgate.transports.database import DatabaseOptions, DatabaseTransport, build
from tests.support.cutting_proxy import MYSQL_COMMIT, POSTGRES_COMMIT, CuttingProxy, cutting_proxy
from tests.support.mariadb import MariaDBServer
from tests.support.postgres import PostgresServer

T = TypeVar("T")
NOW = datetime(2026, 4, 30, 15, 58, 42, tzinfo=UTC)
PASSWORD = "p@ss:w/o%rd-never-shown"

ACCEPT = """CREATE TABLE up_pro_accept (
  row_guid varchar(50) NOT NULL PRIMARY KEY, project_no varchar(50) NOT NULL, applyer_name varchar(100) NOT NULL,
  area decimal(8,2), task_version int NOT NULL, accept_date {datetime} NOT NULL, promise_date date,
  opinion varchar(20), is_sync int DEFAULT 0, cd_operation varchar(2) NOT NULL, cd_time {datetime} NOT NULL,
  cd_batch varchar(32) NOT NULL)"""
MATERIAL = """CREATE TABLE up_pro_material (
  row_guid varchar(50) NOT NULL, material_name varchar(20) NOT NULL, get_type varchar(2) NOT NULL,
  PRIMARY KEY (row_guid, material_name))"""
UNQBAK = """CREATE TABLE up_pro_accept_unqbak (
  recordtime {datetime} NOT NULL, cd_batch varchar(32) NOT NULL, error_msg varchar(2000))"""
VERSIONS = """CREATE TABLE pre_apasinfo (
  id {serial}, projid varchar(50) NOT NULL, dataver int NOT NULL, projectname varchar(100),
  datastate int NOT NULL, UNIQUE (projid, dataver))"""
DDL = (ACCEPT, MATERIAL, UNQBAK, VERSIONS)

OPTIONS: dict[str, Any] = {
    "url": "sqlite:////nowhere",
    "connections": 4,
    "tables": {
        "up_pro_accept": {
            "key": ["row_guid"],
            "columns": {
                "row_guid": "varchar(50) not null",
                "project_no": "varchar(50) not null",
                "applyer_name": "varchar(100) not null",
                "area": "decimal(8,2)",
                "task_version": "int not null",
                "accept_date": "datetime not null",
                "promise_date": "date",
                "opinion": "varchar(20)",
                "is_sync": "int",
                "cd_operation": "varchar(2) not null",
                "cd_time": "datetime not null",
                "cd_batch": "varchar(32) not null",
            },
        },
        "up_pro_material": {
            "key": ["row_guid", "material_name"],
            "columns": {
                "row_guid": "varchar(50) not null",
                "material_name": "varchar(20) not null",
                "get_type": "varchar(2) not null",
            },
        },
        "up_pro_accept_unqbak": {
            "key": ["cd_batch", "recordtime"],
            "columns": {
                "recordtime": "datetime not null",
                "cd_batch": "varchar(32) not null",
                "error_msg": "varchar(2000)",
            },
        },
        "pre_apasinfo": {
            "key": ["projid", "dataver"],
            "columns": {
                "id": "bigint",
                "projid": "varchar(50) not null",
                "dataver": "int not null",
                "projectname": "varchar(100)",
                "datastate": "int not null",
            },
        },
    },
    "operations": {
        "accept": {
            "do": "insert",
            "table": "up_pro_accept",
            "fill": {
                "row_guid": "{slot_key}",
                "cd_batch": "{send_key:hex}",
                "cd_operation": "I",
                "cd_time": "{sent_at}",
                "is_sync": 0,
            },
            "children": {"materials": {"table": "up_pro_material", "fill": {"row_guid": "{slot_key}"}}},
        },
        "correct": {
            "do": "update",
            "table": "up_pro_accept",
            "where": {"row_guid": "{slot_key}"},
            "fill": {"cd_operation": "U", "cd_batch": "{send_key:hex}", "cd_time": "{sent_at}", "is_sync": 0},
        },
        "withdraw": {
            "do": "mark",
            "table": "up_pro_accept",
            "where": {"row_guid": "{slot_key}"},
            "set": {"cd_operation": "D", "is_sync": 0},
        },
        "version": {
            "do": "insert",
            "table": "pre_apasinfo",
            "fill": {"projid": "{case_no}", "datastate": 1},
            "older": {"where": {"projid": "{case_no}"}, "set": {"datastate": 0}},
            "generated": "id",
        },
        "read": {"do": "read", "table": "up_pro_accept", "where": {"row_guid": "{slot_key}"}},
        "read_version": {
            "do": "read",
            "table": "pre_apasinfo",
            "where": {"projid": "{case_no}"},
            "latest_by": "dataver",
        },
        "poll": {
            "do": "poll",
            "table": "up_pro_accept",
            "where": {"row_guid": "{slot_key}"},
            "flag": {"column": "is_sync", "waiting": [0], "taken": [1], "refused": [2]},
            "rejects": {
                "table": "up_pro_accept_unqbak",
                "where": {"cd_batch": "{send_key:hex}"},
                "reason": "error_msg",
                "latest_by": "recordtime",
            },
        },
    },
}
RULES = load_rules(
    [
        {"name": "queued", "when": {"body": {"/result": "committed"}}, "outcome": "queued_there"},
        {
            "name": "times",
            "when": {"body": {"/state": "refused", "/reason": {"contains": "受理时间早于申请时间"}}},
            "outcome": "refused",
            "reason": "accepted_before_applied",
            "actor": "source",
            "operations": ["poll"],
        },
    ]
)
KEYS = {
    "slot_key": "0190a0a0-0000-8000-8000-000000000001",
    "send_key": "0190a0a0-0000-8000-8000-0000000000a1",
    "case_id": "0190a0a0-0000-7000-8000-000000000001",
    "case_no": "9901-0001",
}
PAYLOAD: dict[str, Any] = {
    "project_no": "9901-0001",
    "applyer_name": "张示例",
    "area": "120.50",
    "task_version": 3,
    "accept_date": "2026-04-30 09:31:00",
    "promise_date": "2026-05-09",
    "opinion": None,
    "materials": [{"material_name": "申请书", "get_type": "1"}, {"material_name": "身份证", "get_type": "3"}],
}
REQUEST = Request(operation="accept", keys=KEYS, payload=PAYLOAD, remote_ref_at={"body": "/row/row_guid"})
READ = Request(operation="read", keys=KEYS)
ABSENT = {"body": {"/count": 0}}


class FixedClock:
    def now(self) -> datetime:
        return NOW


class NoEntropy:
    def token(self, size: int) -> bytes:
        return bytes(size)

    def draw(self) -> float:
        return 0.0


@dataclass(frozen=True)
class GivenSecrets:
    """The secret `db`, where one is given."""

    password: str | None = PASSWORD

    def get(self, name: str) -> str:
        if name != "db" or self.password is None:
            raise SiteInvalid(f"expected the secret {name}, got none")
        return self.password


@dataclass(frozen=True)
class ShortLimits:
    connect_timeout: float = 1.0
    timeout: float = 2.0


@dataclass
class Front:
    """One front database.

    Attributes:
        engine: `sqlite`, `postgresql` or `mariadb`.
        url: for the transport.
        run: runs statements as the database's owner, and gives the rows of the last one.
        password: of the transport's user; None: it has none.
        proxied: the url through `proxy`.
        commit: the packet that commits.
    """

    engine: str
    url: str
    run: Callable[..., list[tuple[Any, ...]]]
    password: str | None = None
    proxy: CuttingProxy | None = None
    proxied: str = ""
    commit: bytes = b""
    datetime: str = "datetime"
    extra: dict[str, Any] = field(default_factory=dict)

    def transport(self, url: str | None = None, *, limits: Any = None, **more: Any) -> DatabaseTransport:
        """A transport for it."""
        options = OPTIONS | ({"password": {"secret": "db"}} if self.password else {}) | more
        return build(
            DatabaseOptions.model_validate(options),
            RULES,
            limits=limits or ShortLimits(),
            secrets=GivenSecrets(self.password),
            clock=FixedClock(),
            entropy=NoEntropy(),
            address=url or self.url,
        )

    def ask(self, call: Callable[[DatabaseTransport], Awaitable[T]], url: str | None = None, **more: Any) -> T:
        """What one call of a transport gives."""

        async def scenario() -> T:
            transport = self.transport(url, **more)
            try:
                return await call(transport)
            finally:
                await transport.aclose()

        return asyncio.run(scenario())

    def sends(self, *requests: Request, url: str | None = None, **more: Any) -> list[Answer]:
        """The answers to sends, one after another."""

        async def call(transport: DatabaseTransport) -> list[Answer]:
            return [await transport.send(request) for request in requests]

        return self.ask(call, url, **more)

    def send(self, request: Request = REQUEST, url: str | None = None, **more: Any) -> Answer:
        """The answer to one send."""
        return self.sends(request, url=url, **more)[0]

    def look_up(self, request: Request = READ, *, record_at: str = "/rows/0", **more: Any) -> Reading:
        """What one look-up showed."""
        return self.ask(lambda transport: transport.look_up(request, record_at=record_at, absent=ABSENT), **more)

    def count(self, table: str = "up_pro_accept") -> int:
        """How many rows there are."""
        return int(self.run(f"SELECT count(*) FROM {table}")[0][0])

    def fills_up(self) -> None:
        """From now on the main table takes no more: the disk is full."""
        self.run(*FULL[self.engine])

    def is_slow(self) -> None:
        """From now on an insert takes longer than anybody waits."""
        self.run(*SLOW[self.engine])

    @contextmanager
    def locked(self) -> Iterator[None]:
        """While it lasts somebody else holds the main table."""
        with self.extra["locking"]() as lock:
            lock()
            yield


FULL = {
    "postgresql": (
        "CREATE FUNCTION full_disk() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = '53100';"
        " END $$ LANGUAGE plpgsql",
        "CREATE TRIGGER full_disk BEFORE INSERT ON up_pro_accept FOR EACH ROW EXECUTE FUNCTION full_disk()",
    ),
    "mariadb": (
        "CREATE TRIGGER full_disk BEFORE INSERT ON up_pro_accept FOR EACH ROW"
        " SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1114, MESSAGE_TEXT = 'The table is full'",
    ),
}
SLOW = {
    "sqlite": (
        "CREATE TRIGGER slow BEFORE INSERT ON up_pro_accept BEGIN SELECT (WITH RECURSIVE n(i) AS"
        " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) SELECT max(i) FROM n); END",
    ),
    "postgresql": (
        "CREATE FUNCTION slow() RETURNS trigger AS $$ BEGIN PERFORM pg_sleep(30); RETURN NEW; END $$ LANGUAGE plpgsql",
        "CREATE TRIGGER slow BEFORE INSERT ON up_pro_accept FOR EACH ROW EXECUTE FUNCTION slow()",
    ),
    "mariadb": ("CREATE TRIGGER slow BEFORE INSERT ON up_pro_accept FOR EACH ROW SET NEW.is_sync = SLEEP(30)",),
}


def ddl(datetime: str, serial: str) -> list[str]:
    """The tables, in one engine's words."""
    return [statement.format(datetime=datetime, serial=serial) for statement in DDL]


@contextmanager
def sqlite_front(folder: Path) -> Iterator[Front]:
    file = folder / "front 前置.db"

    def run(*statements: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            rows: list[tuple[Any, ...]] = []
            for statement in statements:
                rows = connection.execute(statement).fetchall()
            return rows

    @contextmanager
    def locking() -> Iterator[Callable[[], None]]:
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            yield lambda: _ignored(connection.execute("BEGIN IMMEDIATE"))

    run(*ddl("datetime", "integer PRIMARY KEY"))
    yield Front("sqlite", f"sqlite:///{file}", run, extra={"locking": locking})


@contextmanager
def postgres_front(server: PostgresServer) -> Iterator[Front]:
    with server.fresh_database(is_migrated=False) as address:
        url = make_url(address)

        def run(*statements: str) -> list[tuple[Any, ...]]:
            with psycopg.connect(address, autocommit=True) as connection:
                for statement in statements[:-1]:
                    connection.execute(statement)
                found = connection.execute(statements[-1])
                return found.fetchall() if found.description else []

        @contextmanager
        def locking() -> Iterator[Callable[[], None]]:
            with psycopg.connect(address) as connection:
                yield lambda: _ignored(connection.execute("LOCK TABLE up_pro_accept IN ACCESS EXCLUSIVE MODE"))

        run(*ddl("timestamp", "bigserial PRIMARY KEY"))
        host = url.query.get("host")
        upstream = f"{host}/.s.PGSQL.5432" if host else (url.host or "127.0.0.1", url.port or 5432)
        with cutting_proxy(upstream) as proxy:
            proxied = url.set(host="127.0.0.1", port=proxy.port, query={})
            yield Front(
                "postgresql",
                url.set(password=None).render_as_string(),
                run,
                password=url.password,
                proxy=proxy,
                proxied=proxied.set(password=None).render_as_string(),
                commit=POSTGRES_COMMIT,
                extra={
                    "locking": locking,
                    "ends_all": lambda: run(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    ),
                },
            )


@contextmanager
def mariadb_front(server: MariaDBServer, charset: str = "utf8mb4") -> Iterator[Front]:
    with server.fresh_database(charset) as name:
        user = f"u{name[5:25]}"
        server.run(
            f"CREATE USER {user}@'%' IDENTIFIED BY '{PASSWORD}'",
            f"GRANT SELECT, INSERT, UPDATE ON {name}.* TO {user}@'%'",
        )

        def run(*statements: str) -> list[tuple[Any, ...]]:
            return server.run(*statements, database=name)

        @contextmanager
        def locking() -> Iterator[Callable[[], None]]:
            with server.connect(name) as connection:
                yield lambda: _ignored(connection.cursor().execute("LOCK TABLES up_pro_accept WRITE"))

        try:
            run(*ddl("datetime", "bigint AUTO_INCREMENT PRIMARY KEY"))
            with cutting_proxy((server.host, server.port)) as proxy:
                yield Front(
                    "mariadb",
                    f"mariadb://{user}@{server.host}:{server.port}/{name}",
                    run,
                    password=PASSWORD,
                    proxy=proxy,
                    proxied=f"mariadb://{user}@127.0.0.1:{proxy.port}/{name}",
                    commit=MYSQL_COMMIT,
                    extra={
                        "locking": locking,
                        "server": server,
                        "user": user,
                        "name": name,
                        "ends_all": lambda: server.run(f"KILL USER {user}@'%'"),
                    },
                )
        finally:
            server.run(f"DROP USER {user}@'%'")


def _ignored(_: object) -> None:
    return None


def with_keys(request: Request, **keys: str) -> Request:
    """The same request with other keys."""
    return replace(request, keys={**request.keys, **keys})


def with_payload(request: Request, **fields: Any) -> Request:
    """The same request with other fields."""
    return replace(request, payload={**request.payload, **fields})


def names(rows: Sequence[tuple[Any, ...]]) -> list[Any]:
    """The first column."""
    return [row[0] for row in rows]
