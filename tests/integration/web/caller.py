"""A caller over a bare socket, who writes and reads when a test says so."""

from __future__ import annotations

import json
import socket
from types import TracebackType
from typing import Any, Self

from tests.integration.web.served import Served


class BrokenOff(Exception):
    """The answer ended before its last piece."""


class Caller:
    """One chunked request that is written in pieces while its answer is read."""

    def __init__(self, served: Served, key: str, *, path: str = "/v1/cases:batch", receive_buffer: int = 0) -> None:
        host, port = served.base.removeprefix("http://").split(":")
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(20)
        self.socket.connect((host, int(port)))
        self._file = self.socket.makefile("rb")
        self.status = 0
        self.headers: dict[str, str] = {}
        head = (
            f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
            "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        self.socket.sendall(head.encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.leave()

    def leave(self) -> None:
        """Closes the connection."""
        self._file.close()
        self.socket.close()

    def write(self, body: bytes) -> None:
        """Writes one chunk."""
        self.socket.sendall(b"%x\r\n%s\r\n" % (len(body), body))

    def end(self) -> None:
        """Ends the request."""
        self.socket.sendall(b"0\r\n\r\n")

    def write_whole(self, body: bytes) -> None:
        """Writes the whole request."""
        self.write(body)
        self.end()

    def read(self) -> bytes:
        """The next chunk of the answer; empty at its proper end. Raises BrokenOff."""
        if not self.status:
            self._read_head()
        size = self._file.readline()
        if not size:
            raise BrokenOff
        body = self._file.read(int(size, 16) + 2)
        return body[:-2]

    def results(self, count: int) -> list[Any]:
        """That many results, or as many as there are before the answer's end."""
        read = b""
        while read.count(b"\n") < count and (chunk := self.read()):
            read += chunk
        return [json.loads(line) for line in read.splitlines()]

    def _read_head(self) -> None:
        first = self._file.readline()
        if not first:
            raise BrokenOff
        self.status = int(first.split()[1])
        while (line := self._file.readline().strip()) != b"":
            name, _, value = line.decode().partition(": ")
            self.headers[name.lower()] = value
