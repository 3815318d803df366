"""A real gate process over a copy of the example site with short leases, and the simulated work order system."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from syncgate.sandbox.running import Running, running
from tests.integration.cli.conftest import KEY, ROOT, Site
from tests.support.cases import a_hotline_case

LEASE = 3.0
"""Seconds: connect_timeout, timeout and lease_margin of the copied site together."""


@dataclass
class Gate(Site):
    """A copy of the example site that a test may edit, with its store in a folder of its own."""

    address: str = ""

    @property
    def serve_file(self) -> Path:
        return self.folder / "data" / "serve.json"

    def command(self, *arguments: str | Path) -> list[str]:
        return [sys.executable, "-m", "syncgate", "--site", str(self.folder), *map(str, arguments)]

    def serve(self) -> subprocess.Popen[str]:
        """A gate that has said where it serves."""
        process = self.start("serve", "--port", "0", "--json")
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, self.log(process)
        self.address = json.loads(line)["address"]
        return process

    def key(self, source: str = "window") -> str:
        """The key of a source."""
        made = self.ask("keys", "create", "--name", source, "--role", "source", "--source", source)
        key: str = made["key"]
        return key

    def post(self, key: str, body: Any, *, timeout: float = 120) -> httpx.Response:
        """The answer to a case, or to the bytes of one."""
        content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        sent = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        return httpx.post(f"{self.address}/v1/cases", content=content, headers=sent, trust_env=False, timeout=timeout)

    def post_many(self, key: str, numbers: range, prefix: str = "HL") -> set[str]:
        """Posts cases with these numbers; gives those that were answered 2xx."""
        answers = {f"{prefix}{n}": self.post(key, a_hotline_case(f"{prefix}{n}")) for n in numbers}
        return {number for number, answer in answers.items() if answer.is_success}

    def edit(self, file: str, old: str, new: str) -> None:
        """Replaces a text in one of the site's files."""
        path = self.folder / file
        text = path.read_text("utf-8")
        assert old in text, f"{file} does not say {old!r}"
        path.write_text(text.replace(old, new), "utf-8")


def creates(system: Running) -> Counter[tuple[str, str]]:
    """How many requests to create came for each source number, by what they did; read from the system's ledger."""
    with closing(sqlite3.connect(f"file:{system.ledger}?mode=ro", uri=True)) as ledger:
        rows = ledger.execute("SELECT key, effect FROM requests WHERE operation = 'create'").fetchall()
    return Counter((key, effect) for key, effect in rows)


def requests_count(system: Running) -> int:
    """How many requests a system ever got."""
    with closing(sqlite3.connect(f"file:{system.ledger}?mode=ro", uri=True)) as ledger:
        count: int = ledger.execute("SELECT count(*) FROM requests").fetchone()[0]
    return count


def blind_resends(system: Running) -> list[str]:
    """Numbers that were sent again although the system held them; a look-up would have told."""
    return sorted(key for key, effect in creates(system) if effect in ("duplicate", "replayed"))


@pytest.fixture
def workorders(tmp_path: Path) -> Iterator[Running]:
    with running("workorders", folder=tmp_path / "systems", env={"SANDBOX_WORKORDERS_KEY": KEY}) as system:
        yield system


@pytest.fixture
def gate(tmp_path: Path, workorders: Running) -> Iterator[Gate]:
    made = Gate(tmp_path / "site")
    for part in ("adapters", "mappings", "schemas"):
        shutil.copytree(ROOT / part, made.folder / part)
    text = (ROOT / "config.example.yaml").read_text("utf-8")
    made.config.write_text(shortened(text, workorders.base_url), "utf-8")
    made.edit("adapters/workorders/adapter.yaml", "visible_after: 5s", "visible_after: 1s")
    yield made
    made.end_all()


def shortened(text: str, address: str) -> str:
    limits = "{rate: 500/s, concurrency: 8, connect_timeout: 1s, timeout: 1s, retry_after_at_most: 2s}"
    system = f"  workorders: {{address: {address}, limits: {limits}}}"
    text = re.sub(r"^  workorders: \{\}$", system, text, flags=re.M)
    text = re.sub(r"lease_margin: 10s", "lease_margin: 1s", text)
    assert address in text and "lease_margin: 1s" in text
    return text
