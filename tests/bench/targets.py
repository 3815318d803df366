"""The three target systems: one light process that keeps in memory every record it was given, doubles included."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, cast

import httptools
import orjson

from tests.bench.projection import SYSTEMS

HEAD = b"HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
REASONS = {200: b"OK", 404: b"Not Found", 422: b"Unprocessable Content", 503: b"Service Unavailable"}


@dataclass(slots=True)
class _System:
    """One system: its records as they came, and how it behaves.

    status: of the answer to a POST; what is not answered 200 is not kept.
    busy_every: each so manieth POST is answered 503 all the same; 0: none. delay: seconds before an answer.
    arrived_at: by the record's place, on the clock that all processes of the machine share.
    """

    records: list[bytes] = field(default_factory=list)
    arrived_at: list[float] = field(default_factory=list)
    posts_count: int = 0
    busy_every: int = 0
    status: int = 200
    delay: float = 0.0

    def answer(self, method: bytes, path: bytes, body: bytes) -> tuple[int, bytes]:
        """The status and body of an answer; a POST is kept before it is answered."""
        if method != b"POST":
            return self._shown(path.rpartition(b"/")[2])
        self.posts_count += 1
        status = 503 if self.busy_every and self.posts_count % self.busy_every == 0 else self.status
        if status != 200:
            return status, b'{"code":"%d"}' % status
        self.records.append(body)
        self.arrived_at.append(time.monotonic())
        return 200, b'{"code":"200","text":"taken","id":"R-%d"}' % len(self.records)

    def _shown(self, case_no: bytes) -> tuple[int, bytes]:
        for record in self.records:
            if orjson.loads(record).get("caseNo", "").encode() == case_no:
                return 200, b'{"data":' + record + b"}"
        return 404, b'{"code":"404"}'


class _Protocol(asyncio.Protocol):
    def __init__(self, system: _System) -> None:
        self._system = system
        self._parser = httptools.HttpRequestParser(self)
        self._path = b""
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def on_message_begin(self) -> None:
        self._path, self._body = b"", []

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        status, body = self._system.answer(self._parser.get_method(), self._path, b"".join(self._body))
        written = HEAD % (status, REASONS[status], len(body)) + body
        if self._system.delay:
            asyncio.get_running_loop().call_later(self._system.delay, self._transport.write, written)
        else:
            self._transport.write(written)


class _Desk:
    """Answers what the bench asks over its pipe."""

    def __init__(self, systems: Mapping[str, _System]) -> None:
        self._systems = systems

    def counts(self) -> dict[str, int]:
        return {name: len(system.records) for name, system in self._systems.items()}

    def contents(self) -> dict[str, list[bytes]]:
        return {name: list(system.records) for name, system in self._systems.items()}

    def arrivals(self) -> dict[str, list[float]]:
        return {name: list(system.arrived_at) for name, system in self._systems.items()}

    def behave(self, name: str, **how: Any) -> None:
        for key, value in how.items():
            setattr(self._systems[name], key, value)

    def forget(self) -> None:
        for system in self._systems.values():
            system.__init__()  # type: ignore[misc]


def _serve(pipe: Connection) -> None:
    import uvloop

    uvloop.run(_main(pipe))


async def _main(pipe: Connection) -> None:
    systems = {name: _System() for name in SYSTEMS}
    pipe.send({name: await _listen(system) for name, system in systems.items()})
    await asyncio.to_thread(_answer, pipe, _Desk(systems))


def _answer(pipe: Connection, desk: _Desk) -> None:
    """Answers beside the systems until nobody asks any more."""
    while True:
        try:
            name, args, kwargs = pipe.recv()
        except EOFError:
            return
        pipe.send(getattr(desk, name)(*args, **kwargs))


async def _listen(system: _System) -> int:
    server = await asyncio.get_running_loop().create_server(lambda: _Protocol(system), "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    return port


class Targets:
    """The target systems, in a process of their own.

    Attributes:
        ports: by system.
    """

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        self.ports: dict[str, int] = self._pipe.recv()

    def count(self) -> int:
        """How many records all systems hold."""
        return sum(self.counts().values())

    def counts(self) -> dict[str, int]:
        """How many records each system holds."""
        return self._ask("counts")  # type: ignore[no-any-return]

    def contents(self) -> dict[str, list[bytes]]:
        """Every record of each system, as it came."""
        return self._ask("contents")  # type: ignore[no-any-return]

    def arrivals(self) -> dict[str, list[float]]:
        """When each record of `contents` came (time.monotonic)."""
        return self._ask("arrivals")  # type: ignore[no-any-return]

    def behave(self, system: str, **how: Any) -> None:
        """Makes a system misbehave: status, busy_every, delay."""
        self._ask("behave", system, **how)

    def forget(self) -> None:
        """Forgets all records and ways."""
        self._ask("forget")

    def close(self) -> None:
        """Ends the process."""
        self._pipe.close()
        self._process.join(5)

    def _ask(self, name: str, *args: Any, **kwargs: Any) -> Any:
        self._pipe.send((name, args, kwargs))
        return self._pipe.recv()
