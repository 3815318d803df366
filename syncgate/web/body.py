"""Bodies: read within the limit, then parsed strictly, so that what is stored is what was meant."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NoReturn

from starlette.types import Receive

from syncgate.domain.errors import BodyTooLarge, MalformedBody, RequestError, UnsupportedMedia

Json = Any
Headers = Sequence[tuple[bytes, bytes]]

JSON: Final = "application/json"
MERGE_PATCH: Final = "application/merge-patch+json"
NDJSON: Final = "application/x-ndjson"

_LARGEST: Final = 2**63 - 1
_DOUBLE_DIGITS: Final = 15
"""Significant digits that any double survives; more are only taken where none is lost."""
_UNPAIRED: Final = re.compile("[\ud800-\udfff]")


class Disconnected(Exception):
    """The caller left before its body was complete; there is nobody to answer."""


class TooSlow(RequestError):
    """The body did not arrive in time."""

    code = "request_timeout"
    status = 408


def header(headers: Headers, name: bytes) -> str | None:
    """The value of a header that may come once; None without it.

    Raises:
        MalformedBody: it came more than once, so that which one counts would be a guess.
    """
    found = [value for key, value in headers if key == name]
    if len(found) > 1:
        raise MalformedBody(
            "expected the header {name} once, got it {count} times", name=name.decode(), count=len(found)
        )
    return found[0].decode("latin-1").strip() if found else None


def require_media(headers: Headers, *media: str) -> None:
    """Refuses any other media type, charset or content coding. Raises UnsupportedMedia."""
    came, *parameters = (header(headers, b"content-type") or "").split(";")
    if came.strip().lower() not in media:
        raise UnsupportedMedia("expected Content-Type {media}, got another or none", media=" or ".join(media))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip(' "').lower() not in ("utf-8", "utf8"):
            raise UnsupportedMedia("expected charset=utf-8, got another")
    require_identity(headers)


def require_identity(headers: Headers) -> None:
    """Refuses any content coding. Raises UnsupportedMedia."""
    if (header(headers, b"content-encoding") or "identity").lower() != "identity":
        raise UnsupportedMedia("expected a body without Content-Encoding, got one")


async def read(headers: Headers, receive: Receive, *, limit: int, within: timedelta) -> bytes:
    """The whole body.

    Raises:
        BodyTooLarge: as soon as it is known to be longer than `limit` bytes.
        TooSlow: it took longer than `within`.
        Disconnected: the caller left.
    """
    declared = header(headers, b"content-length")
    if declared is not None and declared.isdigit() and int(declared) > limit:
        raise BodyTooLarge("expected at most {limit} bytes, got {size} announced", limit=limit, size=int(declared))
    try:
        async with asyncio.timeout(within.total_seconds()):
            return await _joined(receive, limit)
    except TimeoutError:
        raise TooSlow(f"expected the whole body within {within.total_seconds():g} s, got a part of it") from None


async def _joined(receive: Receive, limit: int) -> bytes:
    chunks: list[bytes] = []
    size, is_more = 0, True
    while is_more:
        chunk, is_more = await piece(receive)
        size += len(chunk)
        if size > limit:
            raise BodyTooLarge("expected at most {limit} bytes, got more", limit=limit)
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def piece(receive: Receive) -> tuple[bytes, bool]:
    """The next piece of a body, and whether more follows. Raises Disconnected."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Disconnected
    return message.get("body", b""), message.get("more_body", False)


def parse(body: bytes, *, depth_limit: int) -> Json:
    """The JSON value, exactly as it was written.

    Raises:
        MalformedBody: it is not UTF-8, not JSON, repeats a key, is nested too deeply, or holds a number or a
            character that could not be kept unchanged.
    """
    text = _decoded(body)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise MalformedBody("expected JSON, got something else at {place}", place=place) from None
    except RecursionError:
        raise _too_deep(depth_limit) from None
    if text.count("{") + text.count("[") > depth_limit:
        _check_depth(value, left=depth_limit, limit=depth_limit)
    if "\\u" in text:
        _check_characters(value)
    return value


def _decoded(body: bytes) -> str:
    if body.startswith(b"\xef\xbb\xbf"):
        raise MalformedBody("expected UTF-8 without a byte order mark, got one")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedBody("expected UTF-8, got other bytes at offset {offset}", offset=error.start) from None


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise MalformedBody("expected every key of an object once, got one twice")
    return made


def _integer(text: str) -> int:
    if len(text) > 20 or not -_LARGEST - 1 <= (number := int(text)) <= _LARGEST:
        raise MalformedBody("expected integers of at most 64 bits, got a larger one")
    return number


def _number(text: str) -> float | int:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise MalformedBody("expected numbers that a double can hold, got a larger one")
    try:
        exact = Decimal(text)
    except InvalidOperation:
        raise MalformedBody("expected numbers that a double can hold, got another") from None
    is_kept = len(exact.as_tuple().digits) <= _DOUBLE_DIGITS or exact in _spellings(number)
    if not is_kept or (number == 0) != (exact == 0):
        raise MalformedBody("expected at most {digits} significant digits, got more", digits=_DOUBLE_DIGITS)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _spellings(number: float) -> tuple[Decimal, Decimal]:
    """How systems write this very double: the shortest way, and with 17 digits."""
    return Decimal(repr(number)), Decimal(format(number, ".17g"))


def _constant(_name: str) -> NoReturn:
    raise MalformedBody("expected JSON numbers, got NaN or Infinity")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_number, parse_constant=_constant
)


def _check_depth(value: Json, *, left: int, limit: int) -> None:
    if not isinstance(value, dict | list):
        return
    if left == 0:
        raise _too_deep(limit)
    for below in value.values() if isinstance(value, dict) else value:
        if isinstance(below, dict | list):
            _check_depth(below, left=left - 1, limit=limit)


def _too_deep(limit: int) -> MalformedBody:
    return MalformedBody("expected at most {limit} levels of nesting, got more", limit=limit)


def _check_characters(value: Json) -> None:
    if isinstance(value, str):
        if "\0" in value or _UNPAIRED.search(value):
            raise MalformedBody("expected Unicode characters without NUL, got NUL or half a character")
    elif isinstance(value, dict):
        for key, below in value.items():
            _check_characters(key)
            _check_characters(below)
    elif isinstance(value, list):
        for below in value:
            _check_characters(below)
