"""The proxy between anybody and a server, before one that says again what it hears."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field

import pytest

from tests.crash.proxies import proxies
from tests.support.cutting_proxy import CuttingProxy, cutting_proxy


@dataclass
class Echo:
    """A server; `heard` is everything that reached it."""

    port: int
    heard: bytearray = field(default_factory=bytearray)
    ended: threading.Event = field(default_factory=threading.Event)

    def serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                peer, _ = listener.accept()
                with suppress(OSError), peer:
                    while data := peer.recv(1024):
                        self.heard += data
                        peer.sendall(data)
                self.ended.set()


@pytest.fixture
def echo() -> Iterator[Echo]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        made = Echo(listener.getsockname()[1])
        threading.Thread(target=made.serve, args=(listener,), daemon=True).start()
        yield made


@pytest.fixture
def proxy(echo: Echo) -> Iterator[CuttingProxy]:
    with cutting_proxy(("127.0.0.1", echo.port)) as made:
        yield made


def _connected(proxy: CuttingProxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=10)


def _said(peer: socket.socket, data: bytes) -> bytes:
    peer.sendall(data)
    return peer.recv(1024)


def test_calm_lets_everything_through_again_in_the_process_of_its_own(echo: Echo) -> None:
    with proxies() as made:
        port = made.open("system", ("127.0.0.1", echo.port))
        made.refuse("system", is_on=True)
        made.delay("system", 30.0)
        made.strike("system", "cut", times=9)
        made.calm()
        with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
            assert _said(peer, b"POST / HTTP/1.1") == b"POST / HTTP/1.1"
        assert made.lost_at() == []
        made.cut("system")
        assert len(made.lost_at()) == 1


def test_what_is_delayed_arrives_whole(proxy: CuttingProxy) -> None:
    proxy.delay = 0.01
    with _connected(proxy) as peer:
        assert _said(peer, b"one") == b"one"


def test_who_is_refused_hears_nothing_and_others_go_on_later(proxy: CuttingProxy, echo: Echo) -> None:
    proxy.is_refusing = True
    with pytest.raises(ConnectionError), _connected(proxy) as peer:
        assert _said(peer, b"one") == b"", "expected a reset or an end"
        raise ConnectionError
    assert echo.heard == b""

    proxy.is_refusing = False
    with _connected(proxy) as peer:
        assert _said(peer, b"two") == b"two"


def test_a_cut_in_the_middle_lets_half_of_it_through(proxy: CuttingProxy, echo: Echo) -> None:
    proxy.strikes(b"abcd", "cut_middle")
    with suppress(ConnectionError), _connected(proxy) as peer:
        assert _said(peer, b"abcd") in (b"", b"ab")
    assert echo.ended.wait(10)
    assert echo.heard == b"ab"


def test_a_swallowed_answer_is_told_to_who_wants_to_know(proxy: CuttingProxy, echo: Echo) -> None:
    struck: list[str] = []
    proxy.on_struck = lambda: struck.append("lost")
    proxy.strikes(b"one", "cut_answer")
    with pytest.raises(ConnectionError), _connected(proxy) as peer:
        _said(peer, b"one")
    assert (echo.heard, struck) == (b"one", ["lost"])


def test_closing_ends_what_is_open_and_new_connections_go_through(proxy: CuttingProxy) -> None:
    with _connected(proxy) as first:
        assert _said(first, b"one") == b"one"
        proxy.close()
        with suppress(ConnectionError):
            assert first.recv(1024) == b""
    with _connected(proxy) as second:
        assert _said(second, b"two") == b"two"
