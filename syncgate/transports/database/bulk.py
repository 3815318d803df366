"""Many rows as JSON at once: column by column, as `columns.show` shows a value, out of what the driver gives. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from zoneinfo import ZoneInfo

from syncgate.transports.database.columns import Column, Unreadable, show

Show = Callable[[Sequence[Any]], Sequence[Any]]
"""Gives the values of one column as JSON. Raises Unreadable."""

_NONE: Final = type(None)
_TEXTS: Final = frozenset({str, _NONE})
_NUMBERS: Final = frozenset({int, _NONE})


def shower_of(column: Column, zone: ZoneInfo) -> Show:
    """What shows a column's values, given as the driver gives them: SQLite knows neither times nor decimals."""

    def one(value: Any) -> Any:
        if isinstance(value, str) and not column.is_text:
            value = _parsed(column, value)
        if column.kind == "decimal" and isinstance(value, int | float) and not isinstance(value, bool):
            value = Decimal(str(value))
        return show(column, value, zone)

    match column.kind:
        case "varchar" | "text":
            return lambda values: values if _TEXTS.issuperset(map(type, values)) else list(map(one, values))
        case "smallint" | "int" | "bigint":
            return lambda values: values if _NUMBERS.issuperset(map(type, values)) else list(map(one, values))
        case "datetime":
            return _times(one)
        case "date":
            return lambda values: [v.isoformat() if type(v) is date else one(v) for v in values]
        case "decimal":
            return _decimals(one, column.scale)
        case _:
            return lambda values: list(map(one, values))


def _times(one: Callable[[Any], Any]) -> Show:
    def time(value: Any) -> Any:
        if type(value) is datetime and value.tzinfo is None:
            return value.isoformat(" ")
        if type(value) is str and len(value) == len("yyyy-MM-dd HH:mm:ss") and value[10] == " ":
            return value
        return one(value)

    return lambda values: list(map(time, values))


def _decimals(one: Callable[[Any], Any], scale: int) -> Show:
    def decimal(value: Any) -> Any:
        if type(value) is Decimal or type(value) is float:
            text = str(value)
            places = len(text.partition(".")[2])
            if 0 < places <= scale and text[-1].isdigit() and "E" not in text and "e" not in text:
                return text + "0" * (scale - places)
        return one(value)

    return lambda values: list(map(decimal, values))


def _parsed(column: Column, text: str) -> Any:
    try:
        if column.kind == "decimal":
            return Decimal(text)
        if column.kind == "datetime":
            return datetime.fromisoformat(text)
        return date.fromisoformat(text) if column.kind == "date" else text
    except (ValueError, InvalidOperation):
        raise Unreadable from None
