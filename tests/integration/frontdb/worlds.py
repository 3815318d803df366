"""A real gate, and a front database with its consumer on each engine, with a proxy between where there is a network."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psycopg
from sqlalchemy.engine import make_url

from syncgate.sandbox.systems.frontdb import FrontDb, served_front, sqlite_connection
from syncgate.sandbox.systems.frontdb_engines import Engine
from syncgate.sandbox.systems.frontdb_ledger import FrontLedger
from syncgate.sandbox.systems.frontdb_servers import MariaFront, PostgresFront
from tests.integration.cli.conftest import ROOT
from tests.integration.gate.conftest import Gate
from tests.support.cutting_proxy import MYSQL_COMMIT, POSTGRES_COMMIT, CuttingProxy, What, cutting_proxy
from tests.support.mariadb import MariaDBServer
from tests.support.postgres import PostgresServer

PASSWORD = "p-front-only-in-tests"
Rows = list[tuple[Any, ...]]


@dataclass
class World:
    """One front database at work.

    Attributes:
        engine: its name.
        address: what the gate is given, through the proxy where there is one.
        front: the simulated system.
        run: runs a statement as the database's owner.
        password: of the gate's user, None where it has none.
        commit: the packet that commits.
    """

    engine: str
    address: str
    front: FrontDb
    run: Callable[[str], Rows]
    password: str | None = None
    proxy: CuttingProxy | None = None
    commit: bytes = b""

    def strikes_next_commit(self, what: What) -> None:
        """The next COMMIT that passes is struck."""
        assert self.proxy is not None
        self.proxy.struck_count = 0
        self.proxy.strikes(self.commit, what)

    def rows(self, number: str, table: str = "up_pro_accept") -> Rows:
        """What stands in a table of one case: cd_operation and is_sync, oldest first."""
        return self.run(f"SELECT cd_operation, is_sync FROM {table} WHERE project_no = '{number}' ORDER BY id")

    def inserted(self, number: str) -> int:
        """How often anything of one case was ever inserted, as the ledger beside the database tells."""
        return sum(1 for each in self.front.effects() if each.verb == "insert" and each.row["project_no"] == number)

    def rejects(self, number: str, table: str = "up_pro_accept") -> Rows:
        """What was sent back of one case, and why."""
        return self.run(f"SELECT error_msg FROM {table}_unqbak WHERE project_no = '{number}'")


@contextmanager
def sqlite_world(folder: Path) -> Iterator[World]:
    with served_front(folder / "systems") as front:
        file = folder / "systems" / "frontdb.db"

        def run(sql: str) -> Rows:
            with closing(sqlite_connection(file)) as owner:
                return owner.execute(sql).fetchall()

        yield World("sqlite", f"sqlite:///{file}", front, run)


@contextmanager
def postgres_world(folder: Path, server: PostgresServer) -> Iterator[World]:
    with server.fresh_database(is_migrated=False) as address:
        url = make_url(address)
        host = url.query.get("host")
        upstream = f"{host}/.s.PGSQL.5432" if host else (url.host or "127.0.0.1", url.port or 5432)

        def run(sql: str) -> Rows:
            with psycopg.connect(address, autocommit=True) as owner:
                done = owner.execute(sql)
                return done.fetchall() if done.description else []

        connect = partial(psycopg.connect, address, autocommit=True)
        with _at_work(folder, connect, PostgresFront()) as front, cutting_proxy(upstream) as proxy:
            proxied = url.set(host="127.0.0.1", port=proxy.port, query={}, password=None).render_as_string()
            yield World("postgresql", proxied, front, run, url.password, proxy, POSTGRES_COMMIT)


@contextmanager
def mariadb_world(folder: Path, server: MariaDBServer, charset: str = "gbk") -> Iterator[World]:
    with server.fresh_database(charset) as name:
        user = f"u{name[5:25]}"
        server.run(
            f"CREATE USER {user}@'%' IDENTIFIED BY '{PASSWORD}'",
            f"GRANT SELECT, INSERT, UPDATE ON {name}.* TO {user}@'%'",
        )
        try:
            run = partial(_run_mariadb, server, name)
            with (
                _at_work(folder, partial(server.connect, name), MariaFront(charset)) as front,
                cutting_proxy((server.host, server.port)) as proxy,
            ):
                address = f"mariadb://{user}@127.0.0.1:{proxy.port}/{name}"
                yield World("mariadb", address, front, run, PASSWORD, proxy, MYSQL_COMMIT)
        finally:
            server.run(f"DROP USER {user}@'%'")


def _run_mariadb(server: MariaDBServer, name: str, sql: str) -> Rows:
    return server.run(sql, database=name)


@contextmanager
def _at_work(folder: Path, connect: Callable[[], Any], engine: Engine) -> Iterator[FrontDb]:
    ledger = FrontLedger(folder / "systems" / "frontdb.sqlite")
    front = FrontDb(connect, engine, ledger)
    front.create()
    front.start()
    try:
        yield front
    finally:
        front.stop()
        ledger.close()


@dataclass
class Play:
    """A gate that serves one front database and nothing else."""

    world: World
    gate: Gate
    source_key: str
    operator_key: str

    def post(self, body: Any) -> str:
        """Posts a case; its number."""
        answer = self.gate.post(self.source_key, body)
        assert answer.is_success, answer.text
        return str(body["case_no"])

    def patch(self, number: str, patch: Any) -> None:
        """Changes a case."""
        self._ask("PATCH", f"/v1/cases/window:{number}", self.source_key, patch)

    def withdraw(self, number: str, reason: str) -> None:
        """The source withdraws a case."""
        self._ask("POST", f"/v1/cases/window:{number}/withdraw", self.source_key, {"reason": reason})

    def delivery(self, delivery_id: str) -> dict[str, Any]:
        """One delivery with its attempts."""
        found: dict[str, Any] = self._ask("GET", f"/v1/deliveries/{delivery_id}")
        return found

    def deliveries(self, number: str) -> list[dict[str, Any]]:
        """What the gate knows of a case's deliveries, newest first."""
        found: list[dict[str, Any]] = self._ask("GET", f"/v1/deliveries?limit=200&case=window:{number}")["deliveries"]
        return found

    def phases(self, number: str) -> dict[str, list[str]]:
        """The phases by message."""
        found: dict[str, list[str]] = {}
        for each in self.deliveries(number):
            found.setdefault(each["message"], []).append(each["phase"])
        return found

    def parked(self, number: str) -> list[tuple[str, str]]:
        """What is parked, and why."""
        return [(each["message"], each["reason"]) for each in self.deliveries(number) if each["phase"] == "parked"]

    def requeue(self, number: str) -> None:
        """A person requeues what is parked of a case."""
        for each in self.deliveries(number):
            if each["phase"] == "parked":
                path = f"/v1/deliveries/{each['delivery_id']}/requeue"
                self._ask("POST", path, self.operator_key, {"reason": "the clerk looked at it"})

    def is_done(self, number: str) -> bool:
        """Whether everything of a case was taken."""
        found = self.deliveries(number)
        return bool(found) and all(each["phase"] == "delivered" for each in found)

    def wait_done(self, number: str, *, within: float = 60) -> None:
        self.wait(lambda: self.is_done(number), lambda: self.deliveries(number), within=within)

    def wait(self, is_so: Callable[[], Any], shown: Callable[[], Any] = lambda: None, *, within: float = 60) -> None:
        """Until it is so."""
        until = time.monotonic() + within
        while not is_so():
            assert time.monotonic() < until, shown()
            time.sleep(0.1)

    def _ask(self, method: str, path: str, key: str = "", body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {key or self.operator_key}", "Content-Type": "application/json"}
        if method == "PATCH":
            headers["Content-Type"] = "application/merge-patch+json"
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        with httpx.Client(trust_env=False, timeout=60) as client:
            answer = client.request(method, self.gate.address + path, content=content, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()


@contextmanager
def playing(folder: Path, world: World) -> Iterator[Play]:
    """A gate over a copy of the example site, impatient, whose only system that takes anything is this world."""
    gate = Gate(folder / "site")
    for part in ("adapters", "mappings", "schemas"):
        shutil.copytree(ROOT / part, gate.folder / part)
    gate.config.write_text(_configured(gate, world), "utf-8")
    _hurry(gate, world)
    try:
        gate.serve()
        keys = [gate.ask("keys", "create", "--name", "o", "--role", "operator")["key"]]
        yield Play(world, gate, gate.key(), keys[0])
    finally:
        gate.end_all()


def _configured(gate: Gate, world: World) -> str:
    text = (ROOT / "config.example.yaml").read_text("utf-8")
    limits = "{rate: 500/s, concurrency: 4, connect_timeout: 2s, timeout: 4s, retry_after_at_most: 2s}"
    text, count = re.subn(
        r"^  frontdb:.*$", f"  frontdb: {{address: '{world.address}', mode: live, limits: {limits}}}", text, flags=re.M
    )
    assert count == 1
    text = text.replace("    mode: live  ", "    mode: retired  ").replace("  food: {}", "  food: {mode: retired}")
    text = text.replace("lease_margin: 10s", "lease_margin: 1s")
    (gate.folder / "front_password").write_text(world.password or "none", "utf-8")
    return text.replace("\nsecrets:\n", "\nsecrets:\n  front_password: {file: front_password}\n")


def _hurry(gate: Gate, world: World) -> None:
    adapter = "adapters/frontdb/adapter.yaml"
    if world.password is not None:
        gate.edit(adapter, "  charset: gbk\n", "  charset: gbk\n  password: {secret: front_password}\n")
