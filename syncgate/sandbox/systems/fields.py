"""What the simulated systems check: claims about single values, and records made of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

Check = Callable[[Any], bool]
Form = Mapping[str, Check]
"""The fields of a record, each with what its value must be."""

_TIME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2}) ([0-9]{2}):([0-9]{2}):([0-9]{2})")
_DATE_DIGITS = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_CLOCK = re.compile(r"(?:[01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]")
_INTEGER = re.compile(r"-?[0-9]{1,15}")


def is_blank(value: Any) -> bool:
    """Whether nothing is there: absent, null, an empty list, or text of nothing but spaces."""
    return value is None or value == [] or (isinstance(value, str) and not value.strip())


def is_text(value: Any) -> bool:
    """Whether it is a text that says something."""
    return isinstance(value, str) and bool(value.strip())


def is_string(value: Any) -> bool:
    """Whether it is a text, be it empty."""
    return isinstance(value, str)


def is_time(value: Any) -> bool:
    """Whether it is a time that exists, written `yyyy-MM-dd HH:mm:ss`."""
    return _exists(_TIME, value)


def is_date_digits(value: Any) -> bool:
    """Whether it is a day that exists, written `yyyyMMdd`."""
    return _exists(_DATE_DIGITS, value)


def is_clock_digits(value: Any) -> bool:
    """Whether it is a time of day that exists, written `HHmmss`."""
    return isinstance(value, str) and _CLOCK.fullmatch(value) is not None


def _exists(pattern: re.Pattern[str], value: Any) -> bool:
    found = pattern.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return False
    try:
        datetime(*map(int, found.groups()))  # type: ignore[arg-type]
    except ValueError:
        return False
    return True


def as_integer(value: Any) -> int | None:
    """The whole number that a number or its digits say, else None."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    return None


def is_integer_of(value: Any, known: Collection[int]) -> bool:
    """Whether it is a whole number, or the digits of one, among `known`."""
    return as_integer(value) in known


def is_digits(value: Any, length: int) -> bool:
    """Whether it is a text of exactly so many ASCII digits."""
    return isinstance(value, str) and len(value) == length and value.isascii() and value.isdigit()


def invalid_fields(record: Any, required: Form, more: Form) -> Iterator[str]:
    """The names of fields that are missing, malformed or not known, in this order."""
    if not isinstance(record, dict):
        yield ""
        return
    yield from (name for name, check in required.items() if not check(record.get(name)))
    yield from (name for name, check in more.items() if name in record and not check(record[name]))
    yield from (name for name in record if name not in required and name not in more)
