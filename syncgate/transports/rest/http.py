"""The seam of the HTTP client: what goes in, what comes out, and what it owes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from syncgate.domain.errors import SyncgateError

Headers = tuple[tuple[str, str], ...]
FILE_UNREAD: Final = "file could not be read to its end while it left"


class FileUnread(OSError):
    """A file could not be read to its end while it left; what the system got of it is torn off."""


@dataclass(frozen=True, slots=True)
class Streamed:
    """A body around a file that is read while it leaves, anew for every request.

    Attributes:
        head, tail: what stands before the file and after it.
        size: bytes of the file.
        pieces: gives them.
    """

    head: bytes = field(repr=False)
    tail: bytes = field(repr=False)
    size: int
    pieces: Callable[[], AsyncIterator[bytes]] = field(repr=False)

    @property
    def length(self) -> int:
        """Bytes of the whole body."""
        return len(self.head) + self.size + len(self.tail)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The whole body. Raises FileUnread."""
        yield self.head
        try:
            async for piece in self.pieces():
                yield piece
        except SyncgateError as error:
            raise FileUnread(error.code) from None
        yield self.tail


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request, ready to leave. Its repr shows neither headers nor body nor query.

    kept: what evidence keeps in the body's place; None: the body. streamed: the body, where a file is part of it.
    """

    method: str
    url: str = field(repr=False)
    headers: Headers = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    kept: bytes | None = field(default=None, repr=False)
    streamed: Streamed | None = field(default=None, repr=False)

    @property
    def all_headers(self) -> Headers:
        """With the length of a body that is streamed: what cannot be told in advance would come in chunks, which many
        systems do not take."""
        if self.streamed is None:
            return self.headers
        return (*self.headers, ("Content-Length", str(self.streamed.length)))


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One whole answer; the body is complete, decoded of any content coding, and of bounded length."""

    status: int
    headers: Headers = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class HttpFailure:
    """No whole answer came.

    Attributes:
        could_have_acted: False only when no byte of the request can have reached the system.
        note: what went wrong in neutral words.
        status, headers, received: the part of an answer that came nevertheless.
    """

    could_have_acted: bool
    note: str
    status: int | None = None
    headers: Headers = field(default=(), repr=False)
    received: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """In seconds: to get a connection, and for everything together."""

    connect: float
    total: float


class HttpClient(Protocol):
    """Speaks HTTP/1.1 with one system.

    It sends a request at most once, follows no redirect, keeps no cookie, takes no proxy from the
    environment, holds at most ten connections, and reads no answer beyond its bounds.
    """

    async def request(self, request: HttpRequest) -> HttpResponse | HttpFailure:
        """The answer, or why there is none; only a defect of ours raises."""
        ...

    async def aclose(self) -> None:
        """Closes connections."""
        ...
