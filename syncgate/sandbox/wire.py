"""HTTP/1.1 as bytes in and values out; nothing here touches a socket.

The simulated systems need to misbehave on purpose (half answers, bytes that are no HTTP), which
servers made to behave well do not allow, so the few rules that matter are written out here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

HEAD_LIMIT = 32 * 1024
BODY_LIMIT = 16 * 1024 * 1024

_CRLF = b"\r\n"
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,8}")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_REASONS = {status.value: status.phrase for status in HTTPStatus}


class Malformed(Exception):
    """What a peer sent is no request; `status` is what it is told."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """One request, whole. Header names are in lower case; a repeated header is joined with ", "."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    is_kept_alive: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `headers` come beside Content-Type and Content-Length, which are computed."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    media_type: str = "application/json; charset=utf-8"


def json_reply(status: int, value: Any, *headers: tuple[str, str]) -> Reply:
    """A reply whose body is `value` as JSON in UTF-8."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Reply(status, text.encode("utf-8", "backslashreplace"), headers)


def encode(reply: Reply, *, is_kept_alive: bool) -> bytes:
    """The bytes of an answer, head and body."""
    lines = [f"HTTP/1.1 {reply.status} {_REASONS.get(reply.status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in reply.headers]
    lines.append(f"Content-Type: {reply.media_type}")
    lines.append(f"Content-Length: {len(reply.body)}")
    if not is_kept_alive:
        lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + reply.body


@dataclass(frozen=True, slots=True)
class _Head:
    method: str
    target: str
    version: str
    headers: dict[str, str]
    length: int
    is_chunked: bool

    def with_body(self, body: bytes) -> Request:
        path, _, query = self.target.partition("?")
        wish = self.headers.get("connection", "").lower()
        kept = "close" not in wish if self.version == "HTTP/1.1" else "keep-alive" in wish
        return Request(self.method, path, query, self.headers, body, kept)


class RequestReader:
    """Turns the bytes of one connection into its requests, one after another."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: _Head | None = None
        self._chunks = bytearray()
        self._is_past_last_chunk = False
        self._is_told_to_continue = False

    @property
    def buffered_count(self) -> int:
        """Bytes taken in and not yet handed out."""
        return len(self._buffer) + len(self._chunks)

    def feed(self, data: bytes) -> None:
        """Take bytes as they arrived."""
        self._buffer += data

    def next_request(self) -> Request | None:
        """The next whole request, or None until more bytes arrive.

        Raises:
            Malformed: what arrived can never become a request.
        """
        if self._head is None:
            self._head = self._take_head()
        head = self._head
        if head is None:
            return None
        body = self._take_chunked() if head.is_chunked else self._take_length(head.length)
        if body is None:
            return None
        self._head, self._is_told_to_continue = None, False
        return head.with_body(body)

    def wants_continue(self) -> bool:
        """Whether the peer waits for "100 Continue" before its body; true once a request."""
        waits = (
            self._head is not None
            and not self._is_told_to_continue
            and self._head.headers.get("expect", "").lower() == "100-continue"
        )
        self._is_told_to_continue = self._is_told_to_continue or waits
        return waits

    def _take_head(self) -> _Head | None:
        while self._buffer[:2] == _CRLF:
            del self._buffer[:2]
        end = self._buffer.find(b"\r\n\r\n")
        if end > HEAD_LIMIT or (end < 0 and len(self._buffer) > HEAD_LIMIT):
            raise Malformed(431, f"expected a head of at most {HEAD_LIMIT} bytes")
        if end < 0:
            return None
        text = bytes(self._buffer[:end]).decode("latin-1")
        del self._buffer[: end + 4]
        return _parse_head(text)

    def _take_length(self, length: int) -> bytes | None:
        if len(self._buffer) < length:
            return None
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        return body

    def _take_chunked(self) -> bytes | None:
        while not self._is_past_last_chunk:
            size = self._chunk_size()
            if size is None or not self._take_chunk(size):
                return None
        if not self._take_trailers():
            return None
        body = bytes(self._chunks)
        self._chunks.clear()
        self._is_past_last_chunk = False
        return body

    def _chunk_size(self) -> int | None:
        end = self._buffer.find(_CRLF)
        if end < 0:
            if len(self._buffer) > HEAD_LIMIT:
                raise Malformed(400, "expected a chunk size")
            return None
        digits = bytes(self._buffer[:end]).split(b";")[0].strip()
        if not _CHUNK_SIZE.fullmatch(digits):
            raise Malformed(400, "expected a chunk size in hexadecimal digits")
        size = int(digits, 16)
        if len(self._chunks) + size > BODY_LIMIT:
            raise Malformed(413, f"expected a body of at most {BODY_LIMIT} bytes")
        return size

    def _take_chunk(self, size: int) -> bool:
        start = self._buffer.find(_CRLF) + 2
        if size == 0:
            del self._buffer[:start]
            self._is_past_last_chunk = True
            return True
        if len(self._buffer) < start + size + 2:
            return False
        if self._buffer[start + size : start + size + 2] != _CRLF:
            raise Malformed(400, "expected a chunk to end where its size says")
        self._chunks += self._buffer[start : start + size]
        del self._buffer[: start + size + 2]
        return True

    def _take_trailers(self) -> bool:
        while (end := self._buffer.find(_CRLF)) >= 0:
            del self._buffer[: end + 2]
            if end == 0:
                return True
        return False


def _parse_head(text: str) -> _Head:
    lines = text.split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or words[2] not in ("HTTP/1.1", "HTTP/1.0") or not words[1].startswith("/"):
        raise Malformed(400, "expected a request line of HTTP/1.1")
    headers = _parse_headers(lines[1:])
    length, is_chunked = _framing(headers)
    return _Head(words[0], words[1], words[2], headers, length, is_chunked)


def _parse_headers(lines: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not _TOKEN.fullmatch(name):
            raise Malformed(400, "expected a header as name: value")
        name, value = name.lower(), value.strip(" \t")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _framing(headers: dict[str, str]) -> tuple[int, bool]:
    coding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if coding is not None:
        # A message with both is how requests are smuggled (RFC 9112 §6.1): refused.
        if length is not None or coding.lower() != "chunked":
            raise Malformed(400, "expected either Content-Length or Transfer-Encoding: chunked")
        return 0, True
    if length is None:
        return 0, False
    if not (length.isascii() and length.isdigit()):
        raise Malformed(400, "expected Content-Length as a number")
    if len(length) > 12 or int(length) > BODY_LIMIT:
        raise Malformed(413, f"expected a body of at most {BODY_LIMIT} bytes")
    return int(length), False
