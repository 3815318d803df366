"""The shape of a JSON value: its keys, and of every value only kind and length."""

from __future__ import annotations

from typing import Any, Final

import orjson

Json = Any
_DEEPEST: Final = 16


def shape_of(value: Json) -> Json:
    """The value with every leaf replaced by words.

    An envelope, an object whose only value is an object written as text, is opened. No other text is: its
    keys could be a citizen's words.
    """
    if isinstance(value, dict) and len(value) == 1:
        ((name, inner),) = value.items()
        opened = _opened(inner)
        if isinstance(opened, dict):
            return {name: _shape(opened, levels=_DEEPEST)}
    return _shape(value, levels=_DEEPEST)


def _shape(value: Json, *, levels: int) -> Json:
    if isinstance(value, dict | list) and levels == 0:
        return "deeper"
    if isinstance(value, dict):
        return {key: _shape(below, levels=levels - 1) for key, below in value.items()}
    if isinstance(value, list):
        return [_shape(below, levels=levels - 1) for below in value]
    if isinstance(value, str):
        return f"text of {len(value)}"
    return "null" if value is None else "boolean" if isinstance(value, bool) else "number"


def _opened(text: Json) -> Json:
    try:
        return orjson.loads(text) if isinstance(text, str) and text.startswith("{") else None
    except orjson.JSONDecodeError:
        return None
