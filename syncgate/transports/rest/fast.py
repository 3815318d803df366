"""The fast HTTP client, on pyreqwest (Rust's reqwest and hyper): many requests a second for little time of ours.

What its errors are called says nothing about the question that counts: it names a connection that died under a
request `ConnectError`, and a time-out long after the request left `ConnectTimeoutError`. Only one of the causes
beneath an error, `CONNECTING`, shows that no connection was ready yet; without it the system could have acted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from pyreqwest import exceptions
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.http import HeaderMap
from pyreqwest.request import StreamRequest

from syncgate.transports.rest.http import (
    FILE_UNREAD,
    FileUnread,
    Headers,
    HttpFailure,
    HttpRequest,
    HttpResponse,
    Timeouts,
)
from syncgate.transports.rest.whole import KEEP_ALIVE, Progress

CONNECTING: Final = "client error (Connect)"
"""What hyper calls every failure from the resolving of the name to the end of the TLS handshake. It is the text of
exactly one cause beneath the error; were it ever called otherwise, such failures would count as unknown."""

FAILURES: Final[Mapping[type[Exception], str]] = {
    exceptions.ConnectTimeoutError: "time-out before the answer came",
    exceptions.ReadTimeoutError: "time-out while reading the answer",
    exceptions.WriteTimeoutError: "time-out while sending",
    exceptions.PoolTimeoutError: "time-out",
    exceptions.RequestTimeoutError: "time-out",
    exceptions.ConnectError: "connection closed before the answer was whole",
    exceptions.ReadError: "connection closed while reading the answer",
    exceptions.WriteError: "connection closed while sending",
    exceptions.NetworkError: "connection failed after it was made",
    exceptions.TransportError: "transport failed",
    exceptions.JSONDecodeError: "answer not readable",
    exceptions.BodyDecodeError: "answer not readable",
    exceptions.DecodeError: "something else than HTTP before the answer was whole",
    exceptions.RedirectError: "redirected too often",
    exceptions.StatusError: "answer not understood",
    exceptions.ClientClosedError: "client closed under the request",
    exceptions.RequestPanicError: "client failed under the request",
    exceptions.RequestError: "connection closed, or something else than HTTP, before the answer was whole",
    exceptions.BuilderError: "request not usable",
    exceptions.DetailedPyreqwestError: "request failed",
    exceptions.PyreqwestError: "request failed",
    FileUnread: FILE_UNREAD,
}
"""What each foreign exception means once a connection was ready: with each of them the system could have acted."""

_NOTES: Final = (
    # By what a cause begins with or holds, the first that fits; server and address are never repeated.
    ("Connection reset", "connection reset"),
    ("Broken pipe", "connection reset while sending"),
    ("invalid peer certificate", "connection failed: certificate not trusted"),
    ("received corrupt message", "connection failed: TLS could not be agreed"),
    ("received fatal alert", "connection failed: TLS could not be agreed"),
    ("peer is incompatible", "connection failed: TLS could not be agreed"),
    ("dns error", "connection failed: name not resolved"),
    ("Connection refused", "connection failed: refused"),
)


class FastClient:
    """An `HttpClient` on pyreqwest, for one system."""

    def __init__(self, timeouts: Timeouts, *, connections: int = 10) -> None:
        """Args:
        timeouts: of every request.
        connections: at most so many requests at a time.
        """
        # Halves, so that waiting and connecting together end before the request's time does: what is
        # cut off by the total time has left.
        self._connect = min(timeouts.connect, timeouts.total / 2)
        self._total = timeouts.total
        self._free = asyncio.Semaphore(connections)
        self._client = _client(connections, connect=self._connect)

    async def request(self, request: HttpRequest) -> HttpResponse | HttpFailure:
        """The whole answer within the total time, or why there is none."""
        began = time.monotonic()
        if not await self._has_begun():
            return HttpFailure(False, "time-out while waiting for a free connection")
        try:
            outgoing = _outgoing(self._client, request, self._total - (time.monotonic() - began))
        except (exceptions.PyreqwestError, ValueError):
            self._free.release()
            return HttpFailure(False, "address or headers not usable")
        progress = Progress(has_begun_to_leave=True)
        try:
            return await _exchange(outgoing, progress)
        except (*FAILURES,) as error:
            could_have_acted, note = failure_of(error)
            return progress.failure(note, could_have_acted=could_have_acted)
        finally:
            self._free.release()

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._client.close()

    async def _has_begun(self) -> bool:
        try:
            async with asyncio.timeout(self._connect):
                return await self._free.acquire()
        except TimeoutError:
            return False


def failure_of(error: Exception) -> tuple[bool, str]:
    """Whether the system could have acted, and what went wrong in neutral words."""
    causes = _causes(error)
    is_connecting = CONNECTING in causes
    for start, note in _NOTES:
        if any(cause.startswith(start) for cause in causes):
            return not is_connecting, note
    if is_connecting:
        is_late = any(cause in ("operation timed out", "deadline has elapsed") for cause in causes)
        return False, "time-out while connecting" if is_late else "connection failed"
    for kind in type(error).__mro__:
        if kind in FAILURES:
            return True, FAILURES[kind]
    raise error


def _causes(error: Exception) -> tuple[str, ...]:
    details: Any = getattr(error, "details", None)
    causes: Iterable[Mapping[str, str]] = (details or {}).get("causes") or ()
    return tuple(cause["message"] for cause in causes)


def _client(connections: int, *, connect: float) -> Client:
    builder = ClientBuilder().http1_only().no_proxy().follow_redirects(False).referer(False)
    builder = builder.http1_allow_obsolete_multiline_headers_in_responses(True)
    builder = builder.gzip(False).deflate(False).brotli(False).zstd(False)
    return (
        builder.connect_timeout(timedelta(seconds=connect))
        .pool_idle_timeout(timedelta(seconds=KEEP_ALIVE))
        .pool_max_idle_per_host(connections)
        .build()
    )


def _outgoing(client: Client, request: HttpRequest, within: float) -> StreamRequest:
    builder = client.request(request.method, request.url).timeout(timedelta(seconds=within))
    # Without a buffer the answer's head is known before its body, and each piece of the body as it comes.
    builder = builder.headers(list(request.all_headers)).streamed_read_buffer_limit(0)
    if request.streamed is not None:
        return builder.body_stream(request.streamed.chunks()).build_streamed()
    return (builder.body_bytes(request.body) if request.body else builder).build_streamed()


async def _exchange(outgoing: StreamRequest, progress: Progress) -> HttpResponse | HttpFailure:
    async with outgoing as response:
        failure = progress.begin(response.status, _headers(response.headers))
        reader = response.body_reader
        while failure is None:
            chunk = await reader.read_chunk()
            if chunk is None:
                return progress.whole()
            failure = progress.receive(memoryview(chunk))
        return failure


def _headers(found: HeaderMap) -> Headers:
    try:
        return tuple(found.items())
    except ValueError:
        # A value is not ASCII. Such names are left out, as `ascii_fields` does.
        return tuple((name, value) for name in dict.fromkeys(found.keys()) for value in _values(found, name))


def _values(found: HeaderMap, name: str) -> Iterable[str]:
    try:
        return found.getall(name)
    except ValueError:
        return ()
