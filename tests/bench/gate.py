"""The gate as a process of the bench: its site with this run's addresses, its key, its counters."""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.bench.comparison import WrongRun
from tests.bench.projection import SYSTEMS
from tests.bench.sending import Job
from tests.bench.trial import Pausable

SITE = Path(__file__).parent / "site"
SCHEMA = Path(__file__).parents[2] / "schemas" / "case.schema.json"
START_WITHIN = 60
_DELIVERIES = re.compile(r"^syncgate_deliveries\{(?P<labels>.*)\} (?P<count>\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')


class GateProcess(Pausable):
    """A `syncgate serve` of its own folder."""

    def __init__(self, folder: Path, child: subprocess.Popen[bytes], address: str, token: str) -> None:
        self.folder, self._child = folder, child
        self.pids: tuple[int, ...] = (child.pid,)
        self._port = int(address.rpartition(":")[2])
        self._client = httpx.Client(
            base_url=address, headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=30
        )
        wish = {"name": "load", "role": "source", "sources": ["window"], "systems": [], "regions": []}
        self._key: str = self.ask("POST", "/v1/keys", **wish, expires_at=None, reason="benchmark")["key"]

    def deploy(self, file: str, before: str, after: str) -> None:
        """Changes a line of the site's files and activates it. Raises WrongRun where the line is not there."""
        path = self.folder / "site" / file
        text = path.read_text("utf-8")
        if before not in text:
            raise WrongRun(f"expected {before!r} in {file}, got another text")
        path.write_text(text.replace(before, after), "utf-8")
        self.ask("POST", "/v1/deployments")

    def job(self, numbers: Sequence[int], connections: int) -> Job:
        """What the load generator does with it."""
        headers = {"Authorization": f"Bearer {self._key}"}
        return Job(port=self._port, path="/v1/cases", headers=headers, numbers=numbers, connections=connections)

    def ask(self, method: str, path: str, **body: Any) -> Any:
        """What the gate answers. Raises WrongRun where it refuses."""
        answer = self._client.request(method, path, json=body or None)
        if not answer.is_success:
            raise WrongRun(f"expected {method} {path} to succeed, got {answer.status_code}: {answer.text[:500]}")
        return answer.json()

    def phases(self) -> dict[tuple[str, str], int]:
        """How many deliveries there are by (system, phase), as the gate's own counters have it."""
        counts: dict[tuple[str, str], int] = {}
        for found in _DELIVERIES.finditer(self._client.get("/metrics").text):
            labels = dict(_LABEL.findall(found["labels"]))
            key = labels["system"], labels["phase"]
            counts[key] = counts.get(key, 0) + int(float(found["count"]))
        return counts

    def delivered(self) -> int:
        """How many deliveries are settled as delivered."""
        return sum(count for (_, phase), count in self.phases().items() if phase == "delivered")

    def pause(self, *systems: str) -> None:
        """Stops every send, or those to these systems."""
        for system in systems or SYSTEMS:
            self.ask("POST", f"/v1/systems/{system}/pause", reason="benchmark")

    def resume(self, *systems: str) -> None:
        """Lets every system be sent to again, or these."""
        for system in systems or SYSTEMS:
            self.ask("POST", f"/v1/systems/{system}/resume", reason="benchmark")

    def stop(self) -> None:
        """Ends it gracefully, and with force where that takes too long."""
        self._client.close()
        self._child.terminate()
        try:
            self._child.wait(30)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def log(self) -> str:
        """The end of what it said."""
        return (self.folder / "log").read_text("utf-8", "replace")[-3000:]


@contextmanager
def running(folder: Path, ports: Mapping[str, int], *, store_url: str = "") -> Iterator[GateProcess]:
    """A gate on an empty store, ended at the end. store_url: of a PostgreSQL; empty: SQLite in the folder."""
    site = folder / "site"
    shutil.copytree(SITE, site)
    _configure(site, ports, store_url)
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "syncgate", "--site", str(site), "serve"],
            env={**os.environ, "SYNCGATE_BENCH_KEY": secrets.token_urlsafe(18)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        gate = GateProcess(folder, child, *_announced(site / "data" / "serve.json", child, folder / "log"))
        try:
            yield gate
        finally:
            gate.stop()
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()


def _configure(site: Path, ports: Mapping[str, int], store_url: str) -> None:
    shutil.copy(SCHEMA, site / "schemas" / "case.schema.json")
    text = (site / "config.yaml").read_text("utf-8")
    text = text.replace("../../../schemas/case.schema.json", "schemas/case.schema.json")
    if store_url:
        text = text.replace("sqlite:///data/syncgate.sqlite", store_url)
    for system, port in ports.items():
        text = re.sub(rf"(  {system}: .*http://127\.0\.0\.1:)\d+", rf"\g<1>{port}", text)
    (site / "config.yaml").write_text(text, "utf-8")
    (site / "data").mkdir()
    key = site / "data" / "master.key"
    key.touch(mode=0o600)
    key.write_text(base64.b64encode(secrets.token_bytes(32)).decode() + "\n", "ascii")


def _announced(file: Path, child: subprocess.Popen[bytes], log: Path) -> tuple[str, str]:
    """Address and token, once it answers as ready."""
    deadline = time.monotonic() + START_WITHIN
    while time.monotonic() < deadline and child.poll() is None:
        try:
            known = json.loads(file.read_text("utf-8"))
            if httpx.get(known["address"] + "/readyz", trust_env=False).status_code == 200:
                return known["address"], known["token"]
        except (OSError, ValueError, httpx.TransportError):
            pass
        time.sleep(0.05)
    raise WrongRun(f"expected the gate to be ready within {START_WITHIN} s, got {log.read_text()[-3000:]}")
