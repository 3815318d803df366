"""The columns of a target's tables as its standard publishes them, and the values that they take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from syncgate.transports.database.charsets import Charset, byte_count, first_beyond

ColumnKind = Literal["varchar", "char", "text", "smallint", "int", "bigint", "decimal", "datetime", "date"]
EmptyText = Literal["keep", "null", "refused"]
LengthsIn = Literal["characters", "bytes"]

_DECLARED: Final = re.compile(
    r"(?:(varchar|char)\((\d{1,5})\)|(decimal)\((\d{1,2}),(\d{1,2})\)|(text|smallint|int|bigint|datetime|date))"
    r"( not null)?"
)
_TEXTS: Final = frozenset({"varchar", "char", "text"})
_BITS: Final = {"smallint": 15, "int": 31, "bigint": 63}
_DECIMAL: Final = re.compile(r"-?\d{1,65}(?:\.(\d{1,38}))?")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")


class Unfit(Exception):
    """A value that its column cannot take; the message names rule and measure, never the value."""

    def __init__(self, note: str, *, reason: str, actor: str = "mapping") -> None:
        super().__init__(note)
        self.reason = reason
        self.actor = actor


class Unreadable(Exception):
    """A value that came back and that no JSON shows."""


@dataclass(frozen=True, slots=True)
class TextRules:
    """How a table takes texts.

    Attributes:
        charset: of its text columns.
        lengths_in: what declared lengths count.
        empty_text: what becomes of an empty text.
    """

    charset: Charset
    lengths_in: LengthsIn
    empty_text: EmptyText


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        kind: its type.
        length: of varchar and char, the precision of decimal; 0: none.
        scale: decimal places.
        is_required: whether it takes no NULL.
    """

    kind: ColumnKind
    length: int = 0
    scale: int = 0
    is_required: bool = False

    @property
    def is_text(self) -> bool:
        """Whether it holds text."""
        return self.kind in _TEXTS

    @property
    def is_number(self) -> bool:
        """Whether it holds a whole number."""
        return self.kind in _BITS

    def declared(self) -> str:
        """As `parse_column` reads it."""
        size = f"({self.length})" if self.kind in ("varchar", "char") else ""
        size = f"({self.length},{self.scale})" if self.kind == "decimal" else size
        return f"{self.kind}{size}{' not null' if self.is_required else ''}"


def parse_column(text: str) -> Column:
    """The column of a declaration such as `varchar(50) not null`.

    Raises:
        ValueError: it is none.
    """
    found = _DECLARED.fullmatch(text)
    if found is None:
        raise ValueError(
            f"expected a column such as 'varchar(50) not null', 'decimal(8,2)' or 'datetime', got {text!r}"
        )
    is_required = found[7] is not None
    if found[1] is not None:
        column = Column(found[1], length=int(found[2]), is_required=is_required)  # type: ignore[arg-type]
    elif found[3] is not None:
        column = Column("decimal", length=int(found[4]), scale=int(found[5]), is_required=is_required)
    else:
        column = Column(found[6], is_required=is_required)  # type: ignore[arg-type]
    if (found[1] or found[3]) and not max(column.scale, 1) <= column.length:
        raise ValueError(f"expected a length of at least 1 and a scale within it, got {text!r}")
    return column


def bind(column: Column, value: Any, rules: TextRules) -> Any:
    """The value as it is bound: text, int, `Decimal`, `datetime`, `date` or None.

    Raises:
        Unfit: the column cannot take it as it is.
    """
    if column.is_text and value == "" and rules.empty_text != "keep":
        if rules.empty_text == "refused":
            raise Unfit("expected a text that is not empty, got an empty one", reason="value_empty", actor="source")
        value = None
    if value is None:
        if column.is_required:
            raise Unfit("expected a value, got null", reason="value_missing", actor="source")
        return None
    if column.is_text:
        return _text(column, value, rules)
    if column.kind in _BITS:
        return _whole(column, value)
    return _decimal(column, value) if column.kind == "decimal" else _moment(column, value)


def _text(column: Column, value: Any, rules: TextRules) -> str:
    if not isinstance(value, str):
        raise _wrong_type("a text", value)
    beyond = first_beyond(value, rules.charset)
    if beyond is not None:
        note = f"expected characters of {rules.charset}, got U+{ord(beyond):04X}"
        raise Unfit(note, reason="unencodable", actor="source")
    if column.length:
        count = len(value) if rules.lengths_in == "characters" else byte_count(value, rules.charset)
        if count > column.length:
            note = f"expected at most {column.length} {rules.lengths_in}, got {count}"
            raise Unfit(note, reason="value_too_long", actor="source")
    if column.kind == "char" and value.endswith(" "):
        # Every engine drops them from char, and what is read back would differ.
        raise Unfit("expected no spaces at the end of a char column, got some", reason="value_not_kept")
    return value


def _whole(column: Column, value: Any) -> int:
    if type(value) is not int:
        raise _wrong_type("a whole number", value)
    most = 1 << _BITS[column.kind]
    if not -most <= value < most:
        raise Unfit(f"expected a number that {column.kind} holds, got a larger one", reason="value_out_of_range")
    return value


def _decimal(column: Column, value: Any) -> Decimal:
    found = _DECIMAL.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise _wrong_type("a decimal number as text", value)
    places = len(found[1] or "")
    if places != column.scale:
        # Engines round and pad without a word, and what is read back would differ.
        raise Unfit(f"expected {column.scale} decimal places, got {places}", reason="value_imprecise")
    number = _number(value)
    if number is None or abs(number) >= Decimal(10) ** (column.length - column.scale):
        raise Unfit(f"expected at most {column.length - column.scale} digits, got more", reason="value_out_of_range")
    return number


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _moment(column: Column, value: Any) -> datetime | date:
    expected = "yyyy-MM-dd HH:mm:ss" if column.kind == "datetime" else "yyyy-MM-dd"
    pattern = _TIME if column.kind == "datetime" else _DATE
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise _wrong_type(f"a time as {expected}", value)
    try:
        return datetime.fromisoformat(value) if column.kind == "datetime" else date.fromisoformat(value)
    except ValueError:
        note = f"expected a time as {expected}, got one that no calendar has"
        raise Unfit(note, reason="value_of_wrong_type") from None


def _wrong_type(expected: str, value: Any) -> Unfit:
    got = "a text of another form" if isinstance(value, str) else _TYPE_NAMES.get(type(value), "another type")
    return Unfit(f"expected {expected}, got {got}", reason="value_of_wrong_type")


_TYPE_NAMES: Final[Mapping[type, str]] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "an object",
}


def show(column: Column, value: Any, zone: ZoneInfo) -> Any:
    """A value as it came from the database, as JSON: what `bind` took gives the same again.

    Raises:
        Unreadable: no JSON shows it.
    """
    if value is None:
        return None
    if isinstance(value, datetime):
        local = value if value.tzinfo is None else value.astimezone(zone)
        return local.replace(tzinfo=None).isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal) and value.is_finite():
        return _padded(value, column.scale)
    if isinstance(value, str):
        return value.rstrip(" ") if column.kind == "char" else value
    if isinstance(value, int):
        return int(value)
    raise Unreadable


def _padded(value: Decimal, scale: int) -> str:
    exponent = value.as_tuple().exponent
    places = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    return f"{value:.{max(places, scale)}f}"
