"""A server on a real socket that does, request by request, what a test tells it to."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

Act = Callable[["Connection"], Awaitable[bool]]
"""Plays one request on a connection; True keeps the connection open for the next one."""


@dataclass(slots=True)
class Seen:
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Connection:
    """One accepted connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    seen: list[Seen]

    async def read_request(self) -> Seen:
        """The whole request, noted as seen."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("ascii").split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        seen = Seen(method, target, headers, body)
        self.seen.append(seen)
        return seen

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """Closes with RST."""
        peer: socket.socket = self.writer.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


@dataclass(slots=True)
class Scripted:
    """The running server.

    Attributes:
        url: where it listens.
        seen: every request that it read whole.
        connections_count: how many connections it accepted.
    """

    acts: list[Act]
    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    connections_count: int = 0
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections_count += 1
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        connection = Connection(reader, writer, self.seen)
        try:
            while self.acts and await self.acts.pop(0)(connection):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(task)
            writer.close()

    async def stop(self) -> None:
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)


@contextlib.asynccontextmanager
async def scripted(*acts: Act) -> AsyncIterator[Scripted]:
    """A server that plays the acts in order, whatever connection the next request comes on.

    An act is taken when a connection is ready for its next request, so a kept connection waits in its act.
    """
    server = Scripted(list(acts))
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, limit=2**20)
    port = listener.sockets[0].getsockname()[1]
    server.url = f"http://127.0.0.1:{port}/base"
    try:
        yield server
    finally:
        listener.close()
        await server.stop()


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answer_bytes(status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
    """A whole HTTP/1.1 answer."""
    given = {"Content-Length": str(len(body)), "Content-Type": "application/json"} | (headers or {})
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body


def answers(status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> Act:
    """Reads the request, answers, keeps the connection."""

    async def act(connection: Connection) -> bool:
        await connection.read_request()
        await connection.write(answer_bytes(status, body, headers))
        return True

    return act


def answers_and_closes(status: int, body: bytes = b"") -> Act:
    """Reads the request, answers without saying that it will close, closes."""

    async def act(connection: Connection) -> bool:
        await connection.read_request()
        await connection.write(answer_bytes(status, body))
        return False

    return act


def answers_twice(first: bytes, second: bytes) -> Act:
    """Reads the request, writes two answers at once, keeps the connection."""

    async def act(connection: Connection) -> bool:
        await connection.read_request()
        await connection.write(first + second)
        return True

    return act


def answers_early(status: int, body: bytes = b"") -> Act:
    """Reads the request's head alone, answers, and only then reads the rest; keeps the connection."""

    async def act(connection: Connection) -> bool:
        head = await connection.reader.readuntil(b"\r\n\r\n")
        await connection.write(answer_bytes(status, body))
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await connection.reader.readexactly(int(length.partition(b":")[2]))
        return True

    return act


def says(data: bytes) -> Act:
    """Reads the request, writes these bytes, closes."""

    async def act(connection: Connection) -> bool:
        await connection.read_request()
        await connection.write(data)
        return False

    return act


async def closes_unread(_: Connection) -> bool:
    """Accepts the connection and closes it without reading a byte."""
    return False


async def resets_unread(connection: Connection) -> bool:
    """Accepts the connection and resets it without reading a byte."""
    connection.reset()
    return False


async def reads_and_closes(connection: Connection) -> bool:
    """Reads the whole request, then closes with FIN."""
    await connection.read_request()
    return False


async def reads_and_resets(connection: Connection) -> bool:
    """Reads the whole request, then resets."""
    await connection.read_request()
    connection.reset()
    return False


async def reads_and_hangs(connection: Connection) -> bool:
    """Reads the whole request and never answers."""
    await connection.read_request()
    await asyncio.sleep(3600)
    return False


async def never_reads(_: Connection) -> bool:
    """Accepts the connection and does nothing."""
    await asyncio.sleep(3600)
    return False


def drips(data: bytes, *, every: float) -> Act:
    """Reads the request, then writes one byte at a time."""

    async def act(connection: Connection) -> bool:
        await connection.read_request()
        for byte in data:
            await connection.write(bytes([byte]))
            await asyncio.sleep(every)
        return True

    return act


def floods(size: int) -> Act:
    """Reads the request and answers with a body of this size, without saying how long it is."""

    async def act(connection: Connection) -> bool:
        await connection.read_request()
        await connection.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        for _ in range(size // 65536 + 1):
            await connection.write(b" " * 65536)
        return False

    return act
