"""What one document says otherwise than another, as a merge patch; and a record with another value in a place. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

Json = Any
ABSENT: Final = object()
"""Stands for a value that is not there."""


def patch_between(before: Json, after: Json) -> dict[str, Json]:
    """The merge patch that makes the one object the other: what is not in it is the same in both.

    Source: RFC 7396.
    """
    patch: dict[str, Json] = {name: None for name in before if name not in after}
    for name, value in after.items():
        was = before.get(name, ABSENT)
        if was is not ABSENT and _is_same(was, value):
            continue
        is_object = isinstance(was, Mapping) and isinstance(value, Mapping)
        patch[name] = patch_between(was, value) if is_object else value
    return patch


def _is_same(one: Json, other: Json) -> bool:
    """Whether two JSON values are written alike: true is not 1, and 1 is 1.0."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_is_same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def with_value(record: Json, at: Sequence[str], value: Json) -> Json:
    """The record with a value at a place, or without one there where it is `ABSENT`; objects on the way are made."""
    here = dict(record) if isinstance(record, Mapping) else {}
    step, *below = at
    if below:
        here[step] = with_value(here.get(step), below, value)
    elif value is ABSENT:
        here.pop(step, None)
    else:
        here[step] = value
    return here
