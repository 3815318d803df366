"""Texts, numbers, true and false as forms and XML carry them."""

from __future__ import annotations

from typing import Any

import orjson


def scalar_text(value: Any) -> str | None:
    """The value as text, numbers as JSON writes them; None for what is no scalar, null included."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and value - value == 0:
        return orjson.dumps(value).decode()
    return None
