"""A proxy between a client and a server that ends, hangs, delays or garbles connections, also at an exact packet."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

MYSQL_COMMIT = b"\x07\x00\x00\x00\x03COMMIT"
"""Length 7, sequence 0, COM_QUERY, and nothing behind it."""
POSTGRES_COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"
"""A simple query, its length, and nothing behind it."""

What = Literal["cut", "cut_middle", "cut_answer", "hang", "hang_answer", "garble"]
Upstream = tuple[str, int] | str
"""Host and port, or the file of a local socket."""


@dataclass
class CuttingProxy:
    """Passes everything on until the client sends `at`; then does `what`, as often as told.

    cut: the packet is not passed on, and the connection is reset. cut_middle: half of it is passed on before.
    cut_answer: it is passed on, the answer is awaited and withheld, and the connection is reset. hang, hang_answer:
    as cut and cut_answer, without ever closing. garble: it is passed on, and other bytes come instead of the answer.

    is_refusing: whether new connections are reset at once. delay: seconds that each packet waits, both ways.
    on_struck: called whenever an answer may have been lost.
    """

    upstream: Upstream
    at: bytes = b""
    what: What = "cut"
    times: int = 1
    struck_count: int = 0
    port: int = 0
    is_refusing: bool = False
    delay: float = 0.0
    on_struck: Callable[[], None] = lambda: None
    _open: list[socket.socket] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def strikes(self, at: bytes, what: What, *, times: int = 1) -> None:
        """From now on."""
        with self._lock:
            self.at, self.what, self.times = at, what, times

    def serve(self, listener: socket.socket) -> None:
        """Until the listener is closed."""
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                if self.is_refusing:
                    _reset(client)
                    continue
                threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def close(self) -> None:
        """Ends what is open."""
        with self._lock:
            ended, self._open = self._open, []
        for each in ended:
            _end(each)

    def _pass(self, client: socket.socket) -> None:
        try:
            server = _connected(self.upstream)
        except OSError:
            _reset(client)
            return
        answer = _Answer()
        with self._lock:
            self._open += [client, server]
        threading.Thread(target=self._answers, args=(server, client, answer), daemon=True).start()
        with suppress(OSError):
            while data := client.recv(65536):
                time.sleep(self.delay)
                if self._is_struck(data):
                    self._strike(data, client, server, answer)
                    return
                server.sendall(data)
        _end(server)
        self._forget(client, server)

    def _answers(self, server: socket.socket, client: socket.socket, answer: _Answer) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                if answer.is_withheld.is_set():
                    answer.has_come.set()
                    continue
                time.sleep(self.delay)
                client.sendall(data)
            if answer.is_withheld.is_set():
                answer.has_come.set()  # the server ended instead
            else:
                client.shutdown(socket.SHUT_RDWR)

    def _forget(self, *ended: socket.socket) -> None:
        with self._lock:
            self._open = [each for each in self._open if each not in ended]

    def _is_struck(self, data: bytes) -> bool:
        with self._lock:
            if not self.at or self.at not in data or self.struck_count >= self.times:
                return False
            self.struck_count += 1
            return True

    def _strike(self, data: bytes, client: socket.socket, server: socket.socket, answer: _Answer) -> None:
        if self.what == "hang":
            return
        if self.what in ("cut", "cut_middle"):
            with suppress(OSError):
                server.sendall(data[: len(data) // 2] if self.what == "cut_middle" else b"")
            _reset(client)
            _end(server)
            return
        answer.is_withheld.set()
        server.sendall(data)
        answer.has_come.wait(10)
        self.on_struck()
        if self.what == "cut_answer":
            _reset(client)
        elif self.what == "garble":
            client.sendall(b"\x03\x00\x00\x63\xff not an answer of any database \x00\x01" * 3)
            client.shutdown(socket.SHUT_WR)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What becomes of the answers of one connection."""

    is_withheld: threading.Event = field(default_factory=threading.Event)
    has_come: threading.Event = field(default_factory=threading.Event)


def _connected(upstream: Upstream) -> socket.socket:
    if isinstance(upstream, tuple):
        return socket.create_connection(upstream, timeout=None)
    found = socket.socket(socket.AF_UNIX)
    found.connect(upstream)
    return found


def _end(each: socket.socket) -> None:
    """Closing alone would not wake who reads from it, and the other side would hear nothing."""
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()


def _reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with suppress(OSError):
        client.shutdown(socket.SHUT_RD)
    client.close()


@contextmanager
def cutting_proxy(upstream: Upstream) -> Iterator[CuttingProxy]:
    """A proxy on a free port of the loopback."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        proxy = CuttingProxy(upstream, port=listener.getsockname()[1])
        threading.Thread(target=proxy.serve, args=(listener,), daemon=True).start()
        try:
            yield proxy
        finally:
            _end(listener)
            proxy.close()
