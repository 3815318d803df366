"""The seam of the HTTP client: what goes in, what comes out, and what it owes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request, ready to leave. Its repr shows neither headers nor body nor query."""

    method: str
    url: str = field(repr=False)
    headers: Headers = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)


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
