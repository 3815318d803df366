"""Several gate processes over one PostgreSQL, a copied site with short leases, and the work order system."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
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


@dataclass
class Fleet(Gate):
    """A site whose processes share one database; each is known by the address that it said."""

    addresses: dict[int, str] = field(default_factory=dict)
    database: str = ""

    def serving(self, roles: str) -> subprocess.Popen[str]:
        """A process of these roles that has said where it serves."""
        process = self.start("serve", "--port", "0", "--role", roles, "--json")
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, self.log(process)
        self.addresses[process.pid] = json.loads(line)["address"]
        return process

    def post_to(self, process: subprocess.Popen[str], key: str, number: str, **more: Any) -> httpx.Response:
        """The answer of one API process to a hotline case."""
        self.address = self.addresses[process.pid]
        return self.post(key, a_hotline_case(number, **more))

    def status(self, process: subprocess.Popen[str], path: str) -> int:
        """How a process answers a path that needs no key."""
        return httpx.get(self.addresses[process.pid] + path, trust_env=False, timeout=10).status_code


@pytest.fixture
def workorders(tmp_path: Path) -> Iterator[Running]:
    with running("workorders", folder=tmp_path / "systems", env={"SANDBOX_WORKORDERS_KEY": KEY}) as system:
        yield system


@pytest.fixture
def fleet(tmp_path: Path, postgres: PostgresServer, workorders: Running) -> Iterator[Fleet]:
    """A site on a fresh database; every process that it started is ended with the test."""
    made = Fleet(tmp_path / "site")
    for part in ("adapters", "mappings", "schemas"):
        shutil.copytree(ROOT / part, made.folder / part)
    text = (ROOT / "config.example.yaml").read_text("utf-8")
    made.config.write_text(shortened(text, workorders.base_url), "utf-8")
    made.edit("adapters/workorders/adapter.yaml", "visible_after: 5s", "visible_after: 1s")
    with postgres.fresh_database() as url:
        made.database = url
        made.edit("config.yaml", "url: sqlite:///data/syncgate.sqlite ", f"url: {json.dumps(url)} ")
        data = made.folder / "data"
        data.mkdir()
        (data / "master.key").write_text("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", "ascii")
        (data / "master.key").chmod(0o600)
        yield made
        made.end_all()
