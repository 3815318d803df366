"""One cell's stored value as the text that it stands for, or why there is none that is sure."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from syncgate.records.record import control_in
from syncgate.records.workbook.formats import Shown
from syncgate.records.workbook.parts import Book, unescaped

_MOST_EXACT: Final = 10**15
"""Excel keeps 15 digits of a number: a longer id has lost its last ones."""
_INDEX: Final = re.compile(r"[0-9]{1,9}")
_NUMBER: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[Ee][+-]?[0-9]{1,3})?")
_FIRST_SURE_DAY: Final = 61.0
"""1900-03-01: before it the calendar of workbooks has a day that never was."""
_DAY_AFTER_LAST: Final = 2958466.0
# Times of a workbook have no zone; UTC stands in for none while days are added.
_EPOCH: Final = datetime(1899, 12, 30, tzinfo=UTC)
_EPOCH_1904: Final = datetime(1904, 1, 1, tzinfo=UTC)


class NoText(ValueError):
    """The cell stands for no text that is sure; the message says what came."""


def text_of(kind: str, value: str, style: str, book: Book) -> str:
    """The text of a cell.

    Args:
        kind: its type (ST_CellType): `s`, `str`, `inlineStr`, `n`, `b`, `e`, `d`.
        value: what it stores.
        style: the number of its style.
        book: the workbook.

    Raises:
        NoText: with what came instead.
    """
    if kind == "n":
        return number_text(value, _shown(style, book), is_1904=book.is_1904) if value else ""
    text = _other(kind, value, book)
    control = control_in(text)
    if control is not None:
        raise NoText(f"the control character {control}")
    return text


def _other(kind: str, value: str, book: Book) -> str:
    match kind:
        case "s":
            if not _INDEX.fullmatch(value) or int(value) >= len(book.strings):
                raise NoText("a shared text that is not there")
            return book.strings[int(value)]
        case "inlineStr" | "str":
            return unescaped(value)
        case "b":
            return "TRUE" if value in ("1", "true") else "FALSE"
        case "d":
            return value
        case "e":
            raise NoText("an error such as #REF!")
        case _:
            raise NoText("a cell of an unknown type")


def number_text(value: str, shown: Shown, *, is_1904: bool) -> str:
    """A number cell's text: its digits, or `2026-04-30`, `2026-04-30T23:58:42`, `23:58:42`. Raises NoText."""
    if not _NUMBER.fullmatch(value):
        raise NoText("a number that is none")
    number = float(value)
    if math.isinf(number):
        raise NoText("a number too large")
    match shown:
        case Shown.PLAIN:
            return _digits(value, number)
        case Shown.ELSE:
            raise NoText("a number that is shown as something else, such as with leading zeros or per cent")
        case _:
            return _moment(number, shown, is_1904=is_1904)


def _digits(value: str, number: float) -> str:
    if abs(number) >= _MOST_EXACT:
        raise NoText("a number of more digits than a workbook keeps: write it as text")
    if number == int(number):
        return str(int(number))
    exact = Decimal(repr(number))
    if Decimal(value) != exact and Decimal(repr(float(value))) != exact:
        raise NoText("a number that has lost digits")
    return f"{exact:f}"


def _moment(number: float, shown: Shown, *, is_1904: bool) -> str:
    if shown is Shown.CLOCK and number >= 0 and _rounded(number) < timedelta(days=1):
        return _clock(_EPOCH + _rounded(number))
    if not (0 if is_1904 else _FIRST_SURE_DAY) <= number < _DAY_AFTER_LAST - (1462 if is_1904 else 0):
        raise NoText("a date outside of the calendar of workbooks")
    moment = (_EPOCH_1904 if is_1904 else _EPOCH) + _rounded(number)
    if shown is Shown.DATE and moment.time() == datetime.min.time():
        return moment.date().isoformat()
    return f"{moment.date().isoformat()}T{_clock(moment)}"


def _rounded(days: float) -> timedelta:
    # A double holds a day of our time to about a microsecond; people write milliseconds at the finest.
    return timedelta(milliseconds=round(days * 86_400_000))


def _clock(moment: datetime) -> str:
    return moment.strftime("%H:%M:%S") + (f".{moment.microsecond // 1000:03d}" if moment.microsecond else "")


def _shown(style: str, book: Book) -> Shown:
    if not _INDEX.fullmatch(style or "0"):
        return Shown.ELSE
    no = int(style or "0")
    if no < len(book.shown):
        return book.shown[no]
    return Shown.PLAIN if not book.shown and no == 0 else Shown.ELSE
