"""Several gate processes over one PostgreSQL, a copied site with short leases, and the work order system."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from syncgate.sandbox.running import Running, running
from tests.integration.cli.conftest import KEY, ROOT
from tests.integration.gate.conftest import Gate, shortened
from tests.support.cases import a_hotline_case
from tests.support.postgres import PostgresServer

EACH_CALL_ANEW = httpx.Limits(max_keepalive_connections=0)
"""As callers behind a load balancer: no connection outlives its process."""


@dataclass
class Fleet(Gate):
    """A site whose processes share one database; each is known by the address that it said."""

    addresses: dict[int, str] = field(default_factory=dict)
    database: str = ""
    client: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, limits=EACH_CALL_ANEW))

    def serving(self, roles: str) -> subprocess.Popen[str]:
        """A process of these roles that has said where it serves."""
        (process,) = self.serving_each(roles)
        return process

    def serving_each(self, *roles: str) -> list[subprocess.Popen[str]]:
        """One process for each, started side by side, once all have said where they serve."""
        processes = [self.start("serve", "--port", "0", "--role", each, "--json") for each in roles]
        for process in processes:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, self.log(process)
            self.addresses[process.pid] = json.loads(line)["address"]
        return processes

    def post_to(self, process: subprocess.Popen[str], key: str, number: str, **more: Any) -> httpx.Response:
        """The answer of one API process to a hotline case."""
        address, sent = self.addresses[process.pid], {"Authorization": f"Bearer {key}"}
        return self.client.post(f"{address}/v1/cases", json=a_hotline_case(number, **more), headers=sent, timeout=30)

    def read_from(self, process: subprocess.Popen[str], key: str, case_id: str) -> httpx.Response:
        """What one API process says of a case."""
        address, sent = self.addresses[process.pid], {"Authorization": f"Bearer {key}"}
        return self.client.get(f"{address}/v1/cases/{case_id}", headers=sent, timeout=30)

    def status(self, process: subprocess.Popen[str], path: str) -> int:
        """How a process answers a path that needs no key."""
        return self.client.get(self.addresses[process.pid] + path, timeout=30).status_code


@pytest.fixture
def workorders(tmp_path: Path) -> Iterator[Running]:
    with running("workorders", folder=tmp_path / "systems", env={"SANDBOX_WORKORDERS_KEY": KEY}) as system:
        yield system


@contextmanager
def a_fleet(folder: Path, server: PostgresServer, workorders: Running) -> Iterator[Fleet]:
    """A site on a fresh database of the server; every process that it started is ended with the block."""
    made = Fleet(folder)
    for part in ("adapters", "mappings", "schemas"):
        shutil.copytree(ROOT / part, made.folder / part)
    text = (ROOT / "config.example.yaml").read_text("utf-8")
    made.config.write_text(shortened(text, workorders.base_url), "utf-8")
    made.edit("adapters/workorders/adapter.yaml", "visible_after: 5s", "visible_after: 1s")
    with server.fresh_database() as url:
        made.database = url
        made.edit("config.yaml", "url: sqlite:///data/syncgate.sqlite ", f"url: {json.dumps(url)} ")
        data = made.folder / "data"
        data.mkdir()
        (data / "master.key").write_text("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", "ascii")
        (data / "master.key").chmod(0o600)
        try:
            yield made
        finally:
            made.end_all()
            made.client.close()


@pytest.fixture
def fleet(tmp_path: Path, postgres: PostgresServer, workorders: Running) -> Iterator[Fleet]:
    """A site on a fresh database; every process that it started is ended with the test."""
    with a_fleet(tmp_path / "site", postgres, workorders) as made:
        yield made
