"""A proxy between a client and a database that ends, hangs or garbles the connection at an exact packet."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

MYSQL_COMMIT = b"\x07\x00\x00\x00\x03COMMIT"
"""Length 7, sequence 0, COM_QUERY, and nothing behind it."""
POSTGRES_COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"
"""A simple query, its length, and nothing behind it."""

What = Literal["cut", "cut_answer", "hang", "hang_answer", "garble"]
Upstream = tuple[str, int] | str
"""Host and port, or the file of a local socket."""


@dataclass
class CuttingProxy:
    """Passes everything on until the client sends `at`; then does `what`, as often as told.

    cut: the packet is not passed on, and the connection is reset. cut_answer: it is passed on, the answer is
    awaited and withheld, and the connection is reset. hang, hang_answer: likewise, without ever closing.
    garble: it is passed on, and other bytes come instead of the answer.
    """

    upstream: Upstream
    at: bytes = b""
    what: What = "cut"
    times: int = 1
    struck_count: int = 0
    port: int = 0
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
                threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def close(self) -> None:
        """Ends what is open."""
        with self._lock:
            for each in self._open:
                _end(each)

    def _pass(self, client: socket.socket) -> None:
        server = _connected(self.upstream)
        withheld = threading.Event()
        with self._lock:
            self._open += [client, server]
        threading.Thread(target=self._answers, args=(server, client, withheld), daemon=True).start()
        with suppress(OSError):
            while data := client.recv(65536):
                if self._is_struck(data):
                    self._strike(data, client, server, withheld)
                    return
                server.sendall(data)
        _end(server)

    def _answers(self, server: socket.socket, client: socket.socket, withheld: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                if withheld.is_set():
                    self._withheld.set()
                    continue
                client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)

    def _is_struck(self, data: bytes) -> bool:
        with self._lock:
            if not self.at or self.at not in data or self.struck_count >= self.times:
                return False
            self.struck_count += 1
            return True

    def _strike(self, data: bytes, client: socket.socket, server: socket.socket, withheld: threading.Event) -> None:
        if self.what in ("cut", "hang"):
            if self.what == "cut":
                _reset(client)
                _end(server)
            return
        self._withheld = threading.Event()
        withheld.set()
        server.sendall(data)
        assert self._withheld.wait(10), "expected an answer to withhold, got none"
        if self.what == "cut_answer":
            _reset(client)
        elif self.what == "garble":
            client.sendall(b"\x03\x00\x00\x63\xff not an answer of any database \x00\x01" * 3)
            client.shutdown(socket.SHUT_WR)


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
