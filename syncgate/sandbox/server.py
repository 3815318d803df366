"""A small HTTP server that answers, holds or cuts each connection exactly as it is told.

What arrives within one turn of the event loop is handed over together, so that whoever answers can
commit once for all of it. Nothing is written to a connection before that call has returned.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, cast

from syncgate.sandbox.wire import BODY_LIMIT, Malformed, Request, RequestReader, encode, json_reply

_LINGER_NONE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Send:
    """Write these bytes after `after` seconds.

    `entry` is the ledger's entry that is truly answered by them; None where they are no true answer.
    """

    data: bytes
    after: float = 0.0
    is_last: bool = False
    entry: int | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """Say nothing until the peer gives up."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Close the connection now; `is_reset` makes the peer see a reset instead of an end."""

    is_reset: bool = False


Deed: TypeAlias = Send | Hold | Cut


class Desk(Protocol):
    """Who answers."""

    def answer(self, requests: Sequence[Request]) -> Sequence[Deed]:
        """One deed for each request, in order. What it promises is durable when it returns."""

    def left(self, entry: int, *, is_reset: bool) -> None:
        """The peer of a true answer was gone before it was written, or reset instead of reading it."""


class Server:
    """Listens on loopback and lets a desk answer."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._batch: list[tuple[_Connection, Request]] = []
        self._connections: set[_Connection] = set()
        self._listener: asyncio.Server | None = None
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def start(self, port: int = 0) -> int:
        """The port that is listened on; 0 asks for a free one."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: _Connection(self), "127.0.0.1", port, backlog=1024)
        return int(self._listener.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening and cut every connection."""
        if self._listener is not None:
            self._listener.close()
        for connection in tuple(self._connections):
            connection.cut()
        await asyncio.sleep(0)

    def opened(self, connection: _Connection) -> None:
        """A peer connected."""
        self._connections.add(connection)

    def closed(self, connection: _Connection) -> None:
        """A peer is gone."""
        self._connections.discard(connection)

    def left(self, entry: int, *, is_reset: bool) -> None:
        """A true answer reached nobody."""
        self._desk.left(entry, is_reset=is_reset)

    def enqueue(self, connection: _Connection, request: Request) -> None:
        """Have a request answered together with what else arrives in this turn."""
        if self.failed.done():
            connection.cut()
            return
        if not self._batch:
            asyncio.get_running_loop().call_soon(self._flush)
        self._batch.append((connection, request))

    def _flush(self) -> None:
        batch, self._batch = self._batch, []
        try:
            deeds = self._desk.answer([request for _, request in batch])
        except Exception as error:
            # What was decided in memory is not in the ledger: answering anything now could be a lie.
            self._fail(error)
            return
        for (connection, _), deed in zip(batch, deeds, strict=True):
            connection.perform(deed)

    def _fail(self, error: Exception) -> None:
        for connection in tuple(self._connections):
            connection.cut()
        if not self.failed.done():
            self.failed.set_exception(error)


class _Connection(asyncio.Protocol):
    def __init__(self, server: Server) -> None:
        self._server = server
        self._reader = RequestReader()
        self._transport: asyncio.Transport | None = None
        self._is_busy = False
        self._waiting: tuple[Send, asyncio.TimerHandle] | None = None
        self._last_entry: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._server.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._server.closed(self)
        if self._waiting is not None:
            send, timer = self._waiting
            timer.cancel()
            self._report(send.entry, is_reset=False)
        elif isinstance(exc, ConnectionError):
            self._report(self._last_entry, is_reset=True)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        if self._is_busy:
            self._limit()
        else:
            self._advance()

    def perform(self, deed: Deed) -> None:
        """Do to the peer what was decided."""
        match deed:
            case Send(after=after) if after > 0 and self._transport is not None:
                timer = asyncio.get_running_loop().call_later(after, self._write, deed)
                self._waiting = (deed, timer)
            case Send():
                self._write(deed)
            case Cut(is_reset=is_reset):
                self.cut(is_reset=is_reset)
            case Hold():
                pass

    def cut(self, *, is_reset: bool = False) -> None:
        """End the connection without a further byte."""
        if self._transport is None:
            return
        if is_reset:
            raw = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
        self._transport.abort()

    def _advance(self) -> None:
        try:
            request = self._reader.next_request()
        except Malformed as error:
            self._is_busy = True
            reply = json_reply(error.status, {"error": str(error)})
            self._write(Send(encode(reply, is_kept_alive=False), is_last=True))
            return
        if request is not None:
            self._is_busy = True
            self._server.enqueue(self, request)
        elif self._reader.wants_continue() and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _limit(self) -> None:
        if self._reader.buffered_count > 2 * BODY_LIMIT:
            self.cut()

    def _write(self, send: Send) -> None:
        self._waiting = None
        if self._transport is None or self._transport.is_closing():
            self._report(send.entry, is_reset=False)
            return
        self._last_entry = send.entry
        self._transport.write(send.data)
        if send.is_last:
            self._transport.close()
            return
        self._is_busy = False
        self._advance()

    def _report(self, entry: int | None, *, is_reset: bool) -> None:
        if entry is not None:
            self._server.left(entry, is_reset=is_reset)
