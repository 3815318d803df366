"""Comparing what was sent with what a system shows. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

Json = Any


def different_fields(expected: Json, actual: Json, *, compared: Collection[str]) -> list[str]:
    """Names of the compared top-level fields in which a record is not what was sent, in the sent order.

    Args:
        expected: the payload, an object.
        actual: the record as the system shows it.
        compared: fields to look at; volatile and uncompared ones are left out by the caller.
    """
    if not isinstance(actual, Mapping):
        return [name for name in expected if name in compared]
    return [name for name in expected if name in compared and not is_equal(expected[name], actual.get(name))]


def is_equal(expected: Json, actual: Json) -> bool:
    """Whether two JSON values are the same; true is not 1, and 1 is 1.0."""
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        return all(is_equal(value, actual.get(name)) for name, value in expected.items())
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(is_equal, expected, actual))
    return bool(expected == actual)
