"""Running a simulated system: in this process for tests, or as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import threading
import urllib.request
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncgate.sandbox.ledger import Ledger
from syncgate.sandbox.modes import Modes
from syncgate.sandbox.ports import publish_port
from syncgate.sandbox.server import Desk, Server
from syncgate.sandbox.simulator import Simulator
from syncgate.sandbox.systems import BASES, build, frontdb


@dataclass(frozen=True, slots=True)
class Plan:
    """Which system to run, where its ledger lies (`folder`/`name`.sqlite), and what it knows."""

    name: str
    folder: Path
    port: int = 0
    seed: int = 0
    catalogue: Collection[str] = ()

    @property
    def ledger(self) -> Path:
        """The ledger's file."""
        return self.folder / f"{self.name}.sqlite"


@dataclass(frozen=True, slots=True)
class Running:
    """A system that answers. `base_url` is its published address, `origin` without its path."""

    name: str
    port: int
    ledger: Path

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        """What an adapter's base_url says; of a front database what its url says."""
        if self.name in frontdb.RULES:
            return f"sqlite:///{self.ledger.with_suffix('.db')}"
        return self.origin + BASES[self.name]

    def switch_on(self, mode: str, **settings: Any) -> None:
        """Switch a mode on: share, count, operations, seed, delay, acts."""
        self._control("POST", "modes", {"mode": mode, **settings})

    def switch_off(self, mode: str = "") -> None:
        """Switch one mode off, or all."""
        self._control("DELETE", f"modes/{mode}" if mode else "modes")

    def alter(self, *alterations: Mapping[str, Any]) -> None:
        """Alter records behind everybody's back; see `systems.altering.Alteration`.

        Raises:
            ValueError: one of them cannot be made.
        """
        said = self._control("POST", "alterations", {"alterations": alterations})
        if said["refused"]:
            raise ValueError(f"expected alterations that can be made, got {said['refused']}")

    def add_code(self, column: str, code: str) -> None:
        """A front database takes one code more from now on."""
        self._control("POST", "codes", {"column": column, "code": code})

    def check_quality(self, *retired: tuple[str, int]) -> int:
        """Let a front database check what it took; how many rows it gives back."""
        return int(self._control("POST", "checks", {"retired": list(retired)})["sent_back"])

    def counts(self) -> dict[str, Any]:
        """Requests, effects and faults so far."""
        return self._control("GET", "counts")

    def export(self, file: Path, *, format: str = "csv", charset: str = "utf-8-sig") -> Path:
        """What the system's back office exports, written to a file; province alone has one."""
        with _opener().open(f"{self.origin}/_sandbox/export?format={format}&charset={charset}", timeout=60) as answer:
            file.write_bytes(answer.read())
        return file

    def _control(self, method: str, path: str, value: Any = None) -> dict[str, Any]:
        body = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request(f"{self.origin}/_sandbox/{path}", body, method=method)
        with _opener().open(request, timeout=10) as answer:
            shown: dict[str, Any] = json.load(answer)
            return shown


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextlib.contextmanager
def running(name: str, *, folder: Path, port: int = 0, **more: Any) -> Iterator[Running]:
    """A system that runs in a thread of this process until the block ends.

    Args:
        name: one of `systems.NAMES`.
        folder: Where its ledger lies; what it holds is carried over from there.
        port: 0 takes a free one.
        **more: `seed`, `catalogue`; `env` for its secrets (default: this process's);
            `clock` as seconds since 1970.
    """
    env: Mapping[str, str] = more.pop("env", os.environ)
    clock: Callable[[], float] | None = more.pop("clock", None)
    plan = Plan(name, Path(folder), port, **more)
    ready: Future[tuple[Running, Callable[[], None]]] = Future()
    thread = threading.Thread(target=_run_in_thread, args=(plan, env, clock, ready), daemon=True)
    thread.start()
    system, stop = ready.result(timeout=30)
    try:
        yield system
    finally:
        stop()
        thread.join(timeout=30)


def serve(plan: Plan, *, ports_file: Path | None, announce: Callable[[str], None]) -> None:
    """Run a system until SIGTERM or SIGINT, having published its port."""

    async def main() -> None:
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopped.set)
        async with _served(plan, os.environ, None) as (system, server):
            if ports_file is not None:
                publish_port(ports_file, system.name, system.port)
            announce(f"{system.name} {system.base_url}")
            await _until(stopped, server)

    asyncio.run(main())


def _run_in_thread(
    plan: Plan,
    env: Mapping[str, str],
    clock: Callable[[], float] | None,
    ready: Future[tuple[Running, Callable[[], None]]],
) -> None:
    async def main() -> None:
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        async with _served(plan, env, clock) as (system, server):
            ready.set_result((system, lambda: _call_if_open(loop, stopped.set)))
            await _until(stopped, server)

    try:
        asyncio.run(main())
    except Exception as error:
        if ready.done():
            raise
        ready.set_exception(error)


def _call_if_open(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(callback)


@contextlib.asynccontextmanager
async def _served(
    plan: Plan, env: Mapping[str, str], clock: Callable[[], float] | None
) -> AsyncIterator[tuple[Running, Server]]:
    with _desk(plan, env, {} if clock is None else {"clock": clock}) as desk:
        server = Server(desk)
        port = await server.start(plan.port)
        try:
            yield Running(plan.name, port, plan.ledger), server
        finally:
            await server.stop()


@contextlib.contextmanager
def _desk(plan: Plan, env: Mapping[str, str], timing: dict[str, Callable[[], float]]) -> Iterator[Desk]:
    if plan.name in frontdb.RULES:
        with frontdb.served_front(plan.folder, plan.name, **timing) as front:
            yield front
        return
    system = build(plan.name, env=env, catalogue=plan.catalogue)
    ledger = Ledger(plan.ledger)
    with contextlib.closing(ledger):
        yield Simulator(system, ledger=ledger, modes=Modes(plan.seed), **timing)


async def _until(stopped: asyncio.Event, server: Server) -> None:
    waiting: asyncio.Future[object] = asyncio.ensure_future(stopped.wait())
    failed: asyncio.Future[object] = server.failed  # type: ignore[assignment]
    await asyncio.wait({waiting, failed}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if server.failed.done():
        server.failed.result()
