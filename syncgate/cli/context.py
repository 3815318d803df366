"""What commands share: which site, how it prints, and how it reaches the gate."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import typer

from syncgate.domain.errors import SyncgateError

T = TypeVar("T")
SERVE_FILE = "serve.json"


class CallFailed(SyncgateError):
    """The gate refused a call of the command line; the message is the problem's own."""

    code = "call_failed"


@dataclass(frozen=True, slots=True)
class Invocation:
    """Which site a command is about."""

    root: Path
    config_path: Path | None

    @property
    def data_folder(self) -> Path:
        """Where the gate keeps what is its own: beside the SQLite file, else `data/`."""
        from syncgate.bootstrap import site_config, store_url

        config = site_config(self.root, self.config_path)
        _, file = store_url(self.root, config) if config.store.url.startswith("sqlite") else ("", None)
        return file.parent if file is not None else self.root / "data"

    @property
    def serve_file(self) -> Path:
        """Where a running gate says how the same machine's command line reaches it."""
        return self.data_folder / SERVE_FILE


@asynccontextmanager
async def gate_client(invocation: Invocation) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the running gate; without one, of a gate opened in this process under the store's lock."""
    known = _running(invocation)
    if known is not None:
        async with httpx.AsyncClient(
            base_url=known["address"], headers=_authorised(known["token"]), timeout=60, trust_env=False
        ) as client:
            yield client
        return
    async with _own_gate(invocation) as client:
        yield client


@asynccontextmanager
async def _own_gate(invocation: Invocation) -> AsyncIterator[httpx.AsyncClient]:
    from syncgate.bootstrap import open_store, running_gate, site_config
    from syncgate.cli.serving import application
    from syncgate.telemetry import configure

    configure(level="warning", form="console")
    token = secrets.token_urlsafe(32)
    config = site_config(invocation.root, invocation.config_path)
    with open_store(invocation.root, config, writer="cli") as opened:
        async with running_gate(
            invocation.root, opened, config_path=invocation.config_path, is_dispatching=False
        ) as running:
            transport = httpx.ASGITransport(application(running, config, token))
            async with httpx.AsyncClient(
                transport=transport, base_url="http://syncgate", headers=_authorised(token), timeout=60
            ) as client:
                yield client


def _authorised(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _running(invocation: Invocation) -> dict[str, Any] | None:
    """How to reach the gate that serves this site, if its process is alive."""
    try:
        known: dict[str, Any] = json.loads(invocation.serve_file.read_text("utf-8"))
        os.kill(int(known["pid"]), 0)
    except (OSError, ValueError, KeyError):
        return None
    return known


def call(invocation: Invocation, act: Callable[[httpx.AsyncClient], Awaitable[T]]) -> T:
    """Runs one exchange with the gate to its end."""

    async def run() -> T:
        async with gate_client(invocation) as client:
            return await act(client)

    try:
        return asyncio.run(run())
    except httpx.TransportError as error:
        raise CallFailed(f"expected the gate to answer, got {type(error).__name__}") from None


def body_of(response: httpx.Response) -> Any:
    """The answer's JSON. Raises CallFailed with the problem's own words where the gate refused."""
    if response.is_success:
        return response.json()
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    lines = [str(problem.get("detail") or problem.get("title") or f"HTTP {response.status_code}")]
    lines += [f"  {e.get('pointer')}: {e.get('detail') or e.get('rule')}" for e in problem.get("errors", ())]
    raise CallFailed("\n".join(lines))


def show(value: Any, *, as_json: bool, text: Callable[[], str]) -> None:
    """Prints a result: JSON for machines, text for people."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=None) if as_json else text())


def note(message: str) -> None:
    """Says something about the work's progress on stderr."""
    print(message, file=sys.stderr)


def table(rows: list[dict[str, Any]], columns: list[str]) -> str:
    """Rows as aligned text; wide characters count twice."""
    cells = [[name.replace("_", " ") for name in columns]]
    cells += [["" if row.get(name) is None else str(row[name]) for name in columns] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell + " " * (w - _width(cell)) for cell, w in zip(row, widths, strict=True)) for row in cells]
    return "\n".join(line.rstrip() for line in lines)


def _width(text: str) -> int:
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)
