"""What the simulated systems check: claims about single values, and records made of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

Check = Callable[[Any], bool]
Form = Mapping[str, Check]
"""The fields of a record, each with what its value must be."""

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


def is_time(value: Any, form: str = "%Y-%m-%d %H:%M:%S") -> bool:
    """Whether it is a time that exists, padded exactly as `form` says."""
    if not isinstance(value, str):
        return False
    try:
        return datetime.strptime(value, form).strftime(form) == value
    except ValueError:
        return False


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
