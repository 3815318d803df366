"""The plain HTTP client, on httpx's transport: one pool per system, nothing sent twice, nothing followed."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from typing import Any, Final

import httpx

from syncgate.transports.rest.http import FILE_UNREAD, FileUnread, HttpFailure, HttpRequest, HttpResponse, Timeouts
from syncgate.transports.rest.options import TlsOptions
from syncgate.transports.rest.whole import KEEP_ALIVE, Progress, ascii_fields

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
    FileUnread: (True, FILE_UNREAD),
    OSError: (True, "connection failed after it was made"),
}
"""Every foreign exception, sorted by: could the system have acted?"""


class PlainClient:
    """An `HttpClient` on httpx, for one system."""

    def __init__(self, timeouts: Timeouts, *, tls: TlsOptions, is_https: bool, connections: int = 10) -> None:
        """Args:
        timeouts: of every request.
        tls: whom to trust.
        is_https: whether certificates are needed at all; reading them takes a while.
        connections: at most so many at a time.

        Raises:
            OSError: the authorities' file cannot be read.
        """
        self._timeouts = timeouts
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

    async def request(self, request: HttpRequest) -> HttpResponse | HttpFailure:
        """The whole answer within the total time, or why there is none."""
        progress, total = Progress(), self._timeouts.total
        try:
            async with asyncio.timeout(total) as deadline:
                return await self._exchange(request, progress)
        except (*FAILURES,) as error:
            if deadline.expired() and isinstance(error, TimeoutError):
                note = f"time-out: no whole answer within {total:g} s"
                return progress.failure(note, could_have_acted=progress.has_begun_to_leave)
            could_have_acted, note = failure_of(error)
            return progress.failure(note, could_have_acted=could_have_acted)

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._transport.aclose()

    async def _exchange(self, request: HttpRequest, progress: Progress) -> HttpResponse | HttpFailure:
        response = await self._transport.handle_async_request(_outgoing(request, self._timeouts, progress))
        try:
            failure = progress.begin(response.status_code, ascii_fields(response.headers.raw))
            failure = failure or _unreadable(response, progress)
            if failure is not None:
                return failure
            assert isinstance(response.stream, httpx.AsyncByteStream)
            async for chunk in response.stream:
                failure = progress.receive(chunk)
                if failure is not None:
                    return failure
            await self._drop_left_over(response)
        finally:
            await response.aclose()
        return progress.whole()

    async def _drop_left_over(self, response: httpx.Response) -> None:
        # What a system said beyond its answer would otherwise be read as the answer to the next request, of
        # another delivery. Nothing public of the library tells of it; a test tells when it moves.
        stream = response.extensions["network_stream"]
        for connection in self._transport._pool.connections:
            inner: Any = getattr(connection, "_connection", None)
            if inner is not None and inner._network_stream is stream and inner._h11_state.trailing_data[0]:
                await stream.aclose()


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


def _unreadable(response: httpx.Response, progress: Progress) -> HttpFailure | None:
    """The failure where the version that the answer claims does not allow to tell its end (RFC 9112 §2.3, §6.1)."""
    version = response.extensions.get("http_version")
    if version == b"HTTP/1.1" or (version == b"HTTP/1.0" and "transfer-encoding" not in response.headers):
        return None
    return progress.failure("answer in a version of HTTP that is not spoken", could_have_acted=True)


def _outgoing(request: HttpRequest, timeouts: Timeouts, progress: Progress) -> httpx.Request:
    async def watch(event: str, _: Mapping[str, Any]) -> None:
        if event.endswith("send_request_headers.started"):
            progress.has_begun_to_leave = True

    timeout = httpx.Timeout(timeouts.total, connect=timeouts.connect, pool=timeouts.connect)
    return httpx.Request(
        request.method,
        request.url,
        headers=list(request.all_headers),
        content=request.body if request.streamed is None else request.streamed.chunks(),
        extensions={"timeout": timeout.as_dict(), "trace": watch},
    )
