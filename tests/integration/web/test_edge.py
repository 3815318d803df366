"""What a connection may send before it says anything, and how long it may take."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from syncgate.storage import SiteKeyring, SqlStore
from syncgate.web.edge import BoundedProtocol
from tests.integration.web.served import BODY_LIMIT, SETTINGS, Served, serving
from tests.support.rows import SetClock


class Quick(BoundedProtocol):
    head_within = 0.2


def connected(served: Served) -> socket.socket:
    host, port = served.base.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=20)


def pushed(connection: socket.socket, piece: bytes, *, times: int) -> int:
    """How many of the pieces went out before the other side closed."""
    for count in range(times):
        try:
            connection.sendall(piece)
        except OSError:
            return count
    return times


def said(connection: socket.socket) -> bytes:
    """All that came, until the other side closed."""
    heard = b""
    try:
        while piece := connection.recv(65536):
            heard += piece
    except ConnectionResetError:
        return heard
    return heard


HEAD = b"POST /v1/cases HTTP/1.1\r\nHost: x\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\nContent-Type: application/json\r\nX-Api-Key: %s\r\n\r\n"
ENDLESS: dict[str, tuple[bytes, bytes]] = {
    "one header": (HEAD + b"X: ", b"y" * 65536),
    "many headers": (HEAD, b"X: y\r\n" * 10_000),
    "a path": (b"GET /", b"y" * 65536),
    "empty lines before a request": (b"", b"\r\n" * 32768),
    "trailers": (CHUNKED + b"1\r\n{\r\n0\r\n", b"X: y\r\n" * 10_000),
    "the extension of a chunk": (CHUNKED + b"1;", b"y" * 65536),
}


@pytest.mark.parametrize(("begin", "piece"), ENDLESS.values(), ids=ENDLESS)
def test_what_never_comes_to_the_point_is_cut_off(served: Served, begin: bytes, piece: bytes) -> None:
    key = served.key().encode()
    with connected(served) as connection:
        connection.sendall(begin % key if b"%s" in begin else begin)
        assert pushed(connection, piece, times=2000) < 2000
    assert served.call("GET", "/livez").status_code == 200


def test_a_head_that_is_too_large_is_told_so(served: Served) -> None:
    with connected(served) as connection:
        connection.sendall(HEAD + b"X: " + b"y" * 65536)
        assert said(connection).startswith(b"HTTP/1.1 431 ")


def test_a_large_head_within_the_limit_is_read(served: Served) -> None:
    answer = served.call("GET", "/livez", headers={"X": "y" * 60_000})
    assert answer.status_code == 200


def test_a_head_that_never_ends_is_given_up(sqlite_store: SqlStore, keyring: SiteKeyring, clock: SetClock) -> None:
    with serving(sqlite_store, keyring, clock, http=Quick) as served:
        for begun in (b"", b"G", HEAD + b"X:"):
            with connected(served) as connection:
                connection.sendall(begun)
                assert said(connection).startswith(b"HTTP/1.1 408 ")
        with connected(served) as connection:
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /livez HT")
            heard = said(connection)
            assert heard.startswith(b"HTTP/1.1 200 ") and b"HTTP/1.1 408 " in heard


def test_a_head_in_pieces_is_read(served: Served) -> None:
    with connected(served) as connection:
        for piece in (b"GE", b"T /livez HT", b"TP/1.1\r\nHos", b"t: x\r\nConnection: close\r\n", b"\r\n"):
            connection.sendall(piece)
        assert said(connection).startswith(b"HTTP/1.1 200 ")


def test_trailers_are_no_headers(served: Served) -> None:
    with connected(served) as connection:
        head = HEAD + b"Transfer-Encoding: chunked\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
        connection.sendall(head + b"2\r\n{}\r\n0\r\nX-Api-Key: " + served.key().encode() + b"\r\n\r\n")
        assert said(connection).startswith(b"HTTP/1.1 401 ")


def test_no_body_is_taken_in_before_its_caller_is_known(served: Served) -> None:
    """A body without a valid key is refused at its head, whatever it announces."""
    with connected(served) as connection:
        head = HEAD + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (10 * BODY_LIMIT)
        connection.sendall(head)
        assert connection.recv(100).startswith(b"HTTP/1.1 401 ")


class Impatient(BoundedProtocol):
    read_within = 1.0


def unread(served: Served, key: str) -> socket.socket:
    """A connection whose caller posts a batch with far more results than any buffer holds, and reads none."""
    host, port = served.base.removeprefix("http://").split(":")
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect((host, int(port)))
    connection.settimeout(0.5)
    head = CHUNKED.replace(b"/cases", b"/cases:batch").replace(b"application/json", b"application/x-ndjson")
    connection.sendall(head % key.encode())
    piece = b"[]\n" * 5000
    pushed(connection, b"%x\r\n%s\r\n" % (len(piece), piece), times=100)
    return connection


def test_a_caller_who_reads_nothing_of_a_batch_is_given_up_and_its_connection_ends(
    sqlite_store: SqlStore, keyring: SiteKeyring, clock: SetClock
) -> None:
    """The batch's answer is closed after `piece_within`; what nobody reads would keep the connection for ever."""
    settings = replace(SETTINGS, piece_within=timedelta(milliseconds=300), results_held=200_000)
    with serving(sqlite_store, keyring, clock, http=Impatient, settings=settings) as served:
        before = connections_of(served)
        with unread(served, served.key()):
            assert connections_of(served) == before + 1
            assert eventually(lambda: connections_of(served) == before)
        assert served.call("GET", "/livez").status_code == 200


def test_a_slow_reader_keeps_its_connection(sqlite_store: SqlStore, keyring: SiteKeyring, clock: SetClock) -> None:
    settings = replace(SETTINGS, results_held=200_000)
    with serving(sqlite_store, keyring, clock, http=Impatient, settings=settings) as served:
        before = connections_of(served)
        with unread(served, served.key()) as connection:
            for _ in range(6):
                time.sleep(0.3)
                assert sum(len(connection.recv(65536)) for _ in range(40)) > 0
            assert connections_of(served) == before + 1


def connections_of(served: Served) -> int:
    """Connections that the gate's process holds, as the kernel tells."""
    port = int(served.base.rpartition(":")[2])
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(1 for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "01")


def eventually(claim: Callable[[], bool], *, within: float = 20) -> bool:
    end = time.monotonic() + within
    while not claim() and time.monotonic() < end:
        time.sleep(0.05)
    return claim()
