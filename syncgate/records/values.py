"""JSON texts as values of which nothing is lost: keys once, numbers that keep every digit, no endless nesting."""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import Any, Final, NoReturn

from syncgate.records.record import MOST_LEVELS, control_in

_MOST_DIGITS: Final = 400
_HALF: Final = re.compile("[\ud800-\udfff]")
"""Of a pair of surrogates; no text in UTF-8 holds it."""


class Unreadable(ValueError):
    """The text is no JSON value as expected; the message says what came."""


class Lossy(Unreadable):
    """The text is JSON, and something of it would be lost."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Lossy("a key twice")
    return found


def _integer(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise Lossy("a number of too many digits")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if len(text) > _MOST_DIGITS or math.isinf(value) or Decimal(repr(value)) != Decimal(text):
        raise Lossy("a number with more digits than a double keeps: write it as a text")
    return value


def _no_constant(word: str) -> NoReturn:
    raise Lossy(word)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_once, parse_int=_integer, parse_float=_float, parse_constant=_no_constant
)


def value_of(text: str) -> Any:
    """The one JSON value of a text. Raises Unreadable."""
    value, end = value_at(text, len(text) - len(text.lstrip(" \t\r\n")))
    if text[end:].strip(" \t\r\n"):
        raise Unreadable(f"more behind the value at column {end + 1}")
    return value


def value_at(text: str, at: int) -> tuple[Any, int]:
    """The JSON value that begins at an index, and where it ends. Raises Unreadable."""
    try:
        return _DECODER.raw_decode(text, at)
    except json.JSONDecodeError as error:
        raise Unreadable(f"{error.msg} at column {error.colno}") from None
    except RecursionError:
        raise Unreadable("too many levels") from None


def end_of(text: str, at: int) -> int | None:
    """Where the JSON value that begins at an index ends, whatever of it would be lost; None where it does not."""
    try:
        return json.JSONDecoder().raw_decode(text, at)[1]
    except (ValueError, RecursionError):
        return None


def fault_in(value: Any, *, levels: int = MOST_LEVELS, at: str = "") -> tuple[str, str] | None:
    """What keeps a record's value from being taken, with its JSON Pointer: control and half characters, depth."""
    if isinstance(value, str):
        if _HALF.search(value):
            return "expected text, got half a character", at
        control = control_in(value)
        return (f"expected text, got the control character {control}", at) if control else None
    if isinstance(value, dict | list):
        if levels == 0:
            return f"expected at most {MOST_LEVELS} levels, got more", at
        if isinstance(value, dict) and any(map(_HALF.search, value)):
            return "expected text as keys, got half a character", at
        items = value.items() if isinstance(value, dict) else enumerate(value)
        below = (fault_in(one, levels=levels - 1, at=f"{at}/{key}") for key, one in items)
        return next((fault for fault in below if fault is not None), None)
    return None
