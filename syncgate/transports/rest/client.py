"""The plain HTTP client, on httpx's transport: one pool per system, nothing sent twice, nothing followed."""

from __future__ import annotations

import asyncio
import socket
import ssl
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from syncgate.transports.rest.http import Headers, HttpFailure, HttpRequest, HttpResponse, Timeouts
from syncgate.transports.rest.options import TlsOptions

LONGEST_ANSWER: Final = 4 * 1024 * 1024
"""A longer answer is not read to its end, and counts as none."""

KEEP_ALIVE: Final = 4.0
"""Seconds that an idle connection is kept: less than the shortest common default of servers (5 s), because a
request on a connection that the server is just closing ends as unknown."""

FAILURES: Final[Mapping[type[Exception], tuple[bool, str]]] = {
    # Not sent: the system cannot have acted.
    httpx.ConnectError: (False, "connection failed"),
    httpx.ConnectTimeout: (False, "time-out while connecting"),
    httpx.PoolTimeout: (False, "time-out while waiting for a free connection"),
    httpx.ProxyError: (False, "proxy failed"),
    httpx.UnsupportedProtocol: (False, "protocol not supported"),
    httpx.InvalidURL: (False, "address not usable"),
    # Bytes may have left: the system could have acted.
    httpx.ReadTimeout: (True, "time-out while reading the answer"),
    httpx.WriteTimeout: (True, "time-out while sending"),
    httpx.TimeoutException: (True, "time-out"),
    httpx.ReadError: (True, "connection reset while reading the answer"),
    httpx.WriteError: (True, "connection reset while sending"),
    httpx.CloseError: (True, "connection failed while closing"),
    httpx.NetworkError: (True, "connection failed after it was made"),
    httpx.RemoteProtocolError: (
        True,
        "connection closed, or something else than HTTP, before the answer was whole",
    ),
    httpx.LocalProtocolError: (True, "request or connection in a state that HTTP does not allow"),
    httpx.ProtocolError: (True, "something else than HTTP"),
    httpx.DecodingError: (True, "answer in a coding that cannot be read"),
    httpx.TooManyRedirects: (True, "redirected too often"),
    httpx.HTTPStatusError: (True, "answer not understood"),
    httpx.TransportError: (True, "transport failed"),
    httpx.RequestError: (True, "request failed"),
    httpx.HTTPError: (True, "request failed"),
    httpx.StreamConsumed: (True, "answer read twice"),
    httpx.StreamClosed: (True, "answer read after its end"),
    httpx.ResponseNotRead: (True, "answer not read"),
    httpx.RequestNotRead: (True, "request not read"),
    httpx.StreamError: (True, "answer not readable"),
    httpx.CookieConflict: (True, "cookies in conflict"),
    OSError: (True, "connection failed after it was made"),
}
"""Every foreign exception, sorted by: could the system have acted?"""


@dataclass(slots=True)
class _Progress:
    """How far one request got."""

    has_begun_to_leave: bool = False
    status: int | None = None
    headers: Headers = ()
    received: bytearray = field(default_factory=bytearray)

    async def watch(self, event: str, _: Mapping[str, Any]) -> None:
        """Called by the connection at each of its steps."""
        if event.endswith("send_request_headers.started"):
            self.has_begun_to_leave = True

    def failure(self, note: str, *, could_have_acted: bool) -> HttpFailure:
        received = bytes(self.received) if self.status is not None else None
        return HttpFailure(could_have_acted, note, status=self.status, headers=self.headers, received=received)


class PlainClient:
    """An `HttpClient` on httpx, for one system."""

    def __init__(self, *, tls: TlsOptions, is_https: bool, connections: int = 10) -> None:
        """Args:
        tls: whom to trust.
        is_https: whether certificates are needed at all; reading them takes a while.
        connections: at most so many at a time.

        Raises:
            OSError: the authorities' file cannot be read.
        """
        self._transport = httpx.AsyncHTTPTransport(
            # Without https there is nothing to verify, and no redirect leads there.
            verify=ssl.create_default_context(cafile=tls.ca_file) if is_https else False,
            trust_env=False,
            retries=0,
            limits=httpx.Limits(
                max_connections=connections,
                max_keepalive_connections=connections,
                keepalive_expiry=KEEP_ALIVE,
            ),
        )

    async def request(self, request: HttpRequest, timeouts: Timeouts) -> HttpResponse | HttpFailure:
        """The whole answer within the total time, or why there is none."""
        progress = _Progress()
        try:
            async with asyncio.timeout(timeouts.total) as deadline:
                return await self._exchange(request, timeouts, progress)
        except (*FAILURES,) as error:
            if deadline.expired() and isinstance(error, TimeoutError):
                note = f"time-out: no whole answer within {timeouts.total:g} s"
                return progress.failure(note, could_have_acted=progress.has_begun_to_leave)
            could_have_acted, note = failure_of(error)
            return progress.failure(note, could_have_acted=could_have_acted)

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._transport.aclose()

    async def _exchange(
        self, request: HttpRequest, timeouts: Timeouts, progress: _Progress
    ) -> HttpResponse | HttpFailure:
        response = await self._transport.handle_async_request(_outgoing(request, timeouts, progress))
        try:
            progress.status = response.status_code
            progress.headers = tuple(response.headers.multi_items())
            async for chunk in response.aiter_raw():
                progress.received += chunk
                if len(progress.received) > LONGEST_ANSWER:
                    return progress.failure(_TOO_LONG, could_have_acted=True)
        finally:
            await response.aclose()
        return _whole(progress, response.status_code, response.headers.get("content-encoding", ""))


_TOO_LONG: Final = f"answer longer than {LONGEST_ANSWER} bytes"


def failure_of(error: Exception) -> tuple[bool, str]:
    """Whether the system could have acted, and what went wrong in neutral words."""
    for kind in type(error).__mro__:
        if kind in FAILURES:
            could_have_acted, note = FAILURES[kind]
            return could_have_acted, f"{note}{_detail(error)}"
    raise error


def _detail(error: BaseException) -> str:
    """What a person needs to know of a failed connection, from the errors beneath."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f": certificate not trusted ({cause.verify_message})"
        if isinstance(cause, ssl.SSLError):
            return ": TLS could not be agreed"
        if isinstance(cause, socket.gaierror):
            return ": name not resolved"
        if isinstance(cause, ConnectionRefusedError):
            return ": refused"
        cause = cause.__cause__ or cause.__context__
    return ""


def _outgoing(request: HttpRequest, timeouts: Timeouts, progress: _Progress) -> httpx.Request:
    timeout = httpx.Timeout(timeouts.total, connect=timeouts.connect, pool=timeouts.connect)
    return httpx.Request(
        request.method,
        request.url,
        headers=list(request.headers),
        content=request.body,
        extensions={"timeout": timeout.as_dict(), "trace": progress.watch},
    )


def _whole(progress: _Progress, status: int, coding: str) -> HttpResponse | HttpFailure:
    body = bytes(progress.received)
    if coding.lower() in ("gzip", "x-gzip"):
        unpacked = _unpacked(body)
        if unpacked is None:
            return progress.failure("answer not whole gzip, or too long", could_have_acted=True)
        body = unpacked
    elif coding.lower() not in ("", "identity"):
        return progress.failure("answer in a content coding that was not asked for", could_have_acted=True)
    return HttpResponse(status=status, headers=progress.headers, body=body)


def _unpacked(body: bytes) -> bytes | None:
    reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        plain = reader.decompress(body, LONGEST_ANSWER + 1)
    except zlib.error:
        return None
    return plain if reader.eof and len(plain) <= LONGEST_ANSWER else None
