"""The shape of a JSON value: its keys, and of every value only kind and length."""

from __future__ import annotations

from typing import Any

import orjson

Json = Any


def shape_of(value: Json) -> Json:
    """The value with every leaf replaced by words; JSON that travels as text is opened."""
    if isinstance(value, dict):
        return {key: shape_of(below) for key, below in value.items()}
    if isinstance(value, list):
        return [shape_of(below) for below in value]
    if isinstance(value, str):
        return _text(value)
    return "null" if value is None else "boolean" if isinstance(value, bool) else "number"


def _text(value: str) -> Json:
    if value[:1] in ("{", "["):
        try:
            return shape_of(orjson.loads(value))
        except orjson.JSONDecodeError:
            pass
    return f"text of {len(value)}"
