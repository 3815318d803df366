"""From what was read of an answer to the whole answer: its bounds and its content coding, for every client."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from syncgate.transports.rest.http import Headers, HttpFailure, HttpResponse

LONGEST_ANSWER: Final = 4 * 1024 * 1024
"""A longer body, packed or unpacked, is not read to its end, and counts as none."""

LONGEST_HEAD: Final = 64 * 1024
"""Characters of an answer's header fields; with more it counts as none."""

MOST_FIELDS: Final = 100
"""Header fields of an answer; with more it counts as none."""

_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

KEEP_ALIVE: Final = 4.0
"""Seconds that an idle connection is kept: less than the shortest common default of servers (5 s), because a
request on a connection that the server is just closing ends as unknown."""


@dataclass(slots=True)
class Progress:
    """How far one exchange got.

    Attributes:
        has_begun_to_leave: whether a byte of the request can have reached the system.
        status, headers, received: the part of the answer that came.
    """

    has_begun_to_leave: bool = False
    status: int | None = None
    headers: Headers = ()
    received: bytearray = field(default_factory=bytearray)

    def failure(self, note: str, *, could_have_acted: bool) -> HttpFailure:
        """The failure, with what came until then."""
        received = bytes(self.received) if self.status is not None else None
        return HttpFailure(could_have_acted, note, status=self.status, headers=self.headers, received=received)

    def begin(self, status: int, headers: Headers) -> HttpFailure | None:
        """Notes the answer's head; the failure where no client should go on with such a head."""
        self.status = status
        if len(headers) > MOST_FIELDS or sum(len(name) + len(value) for name, value in headers) > LONGEST_HEAD:
            return self.failure("answer with too many or too long headers", could_have_acted=True)
        if any(_CONTROL.search(value) for _, value in headers):
            return self.failure("answer with control characters in its headers", could_have_acted=True)
        self.headers = headers
        if status == 101:
            return self.failure("answer that switches to another protocol", could_have_acted=True)
        if _joined(headers, "transfer-encoding") not in ("", "chunked"):
            return self.failure("answer in a transfer coding that was not asked for", could_have_acted=True)
        return None

    def receive(self, chunk: bytes | memoryview) -> HttpFailure | None:
        """Notes a piece of the body; the failure once the body is beyond its bound."""
        self.received += chunk
        if len(self.received) > LONGEST_ANSWER:
            return self.failure(f"answer longer than {LONGEST_ANSWER} bytes", could_have_acted=True)
        return None

    def whole(self) -> HttpResponse | HttpFailure:
        """The whole answer, unpacked, once its body has ended."""
        assert self.status is not None
        body = bytes(self.received)
        coding = _joined(self.headers, "content-encoding")
        if coding in ("gzip", "x-gzip"):
            unpacked = _unpacked(body)
            if unpacked is None:
                return self.failure("answer not whole gzip, or too long", could_have_acted=True)
            body = unpacked
        elif coding not in ("", "identity"):
            return self.failure("answer in a content coding that was not asked for", could_have_acted=True)
        return HttpResponse(status=self.status, headers=self.headers, body=body)


def ascii_fields(fields: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The header fields as text. A name of which a value is not ASCII is left out: nobody says what it means."""
    named = [(name.decode("ascii"), value) for name, value in fields]
    unusable = {name.lower() for name, value in named if not value.isascii()}
    return tuple((name, value.decode("ascii")) for name, value in named if name.lower() not in unusable)


def _joined(headers: Headers, wanted: str) -> str:
    return ", ".join(value.strip().lower() for name, value in headers if name.lower() == wanted)


def _unpacked(body: bytes) -> bytes | None:
    reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        plain = reader.decompress(body, LONGEST_ANSWER + 1)
    except zlib.error:
        return None
    return plain if reader.eof and len(plain) <= LONGEST_ANSWER else None
