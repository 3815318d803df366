"""The one form of values that count as the same: what each comparison rule does to a value. Pure and total.

A rule of texts reaches into lists. What it does not understand it leaves as it is, so that two such values are the same
only if they are equal. A form is never shown to anybody: it only serves to compare.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, tzinfo
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any, Final, Literal

Json = Any
Normalise = Callable[[Json], Json]
"""Gives the one form of all values that count as the same."""

FORMS_VERSION: Final = 1
"""Raised with every change that gives any value another form: what was digested before is digested anew."""

Unit = Literal["day", "minute", "second"]

_WHITE: Final = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "\ufeff\u200b"
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)")
_GROUPED: Final = re.compile(r"[+-]?\d{1,3}(?:[,，]\d{3})+(?:\.\d*)?")
_LONGEST_NUMBER: Final = 100
_EXACT: Final = Context(prec=500, rounding=ROUND_HALF_UP)
"""Holds every float and every text that is read as a number."""
_NUMBERS_HELD: Final = 400
_DOTS: Final = re.compile("[·•‧∙⋅・･᛫˙．.]")
_COMPACT: Final = re.compile(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?)?")
_IN_WORDS: Final = re.compile(
    r"(\d{4})[年/.](\d{1,2})[月/.](\d{1,2})日?(?:[ T]*(\d{1,2})[:时](\d{1,2})(?:[:分](\d{1,2})秒?|分)?)?"
)
_LENGTH: Final[Mapping[Unit, int]] = {"day": 10, "minute": 16, "second": 19}
"""Of an ISO 8601 text that is precise to the unit."""


_encoded: Final = json.JSONEncoder(separators=(",", ":")).encode
"""Made once: `json.dumps` makes an encoder for every call."""


def canonical(value: Json) -> Json:
    """A JSON value of which equal ones are written alike.

    1 is 1.0; true is not 1; an object's members come in the order of their names, and one that is null is as good as
    left out.
    """
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return value
    if kind is float:
        return int(value) if value.is_integer() else value
    if isinstance(value, Mapping):
        return {str(name): canonical(value[name]) for name in sorted(value, key=str) if value[name] is not None}
    if isinstance(value, list | tuple):
        return [canonical(one) for one in value]
    if isinstance(value, Decimal):
        return _of_decimal(value)
    raise TypeError(f"expected a JSON value, got a {kind.__name__}")


def _of_decimal(value: Decimal) -> Json:
    if not value.is_finite() or value.adjusted() > _NUMBERS_HELD:
        return str(value)
    if value == value.to_integral_value():
        return int(value)
    near = float(value)
    return near if Decimal(repr(near)) == value else plain(value)


def written(value: Json) -> str:
    """The canonical text of a value: equal texts for equal values, and for no others."""
    return _encoded(canonical(value))


def plain(number: Decimal) -> str:
    """A number without exponent, without zeros at either end, without a sign on nought."""
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def number_of(value: Json, units: Collection[str] = ()) -> Decimal | None:
    """What a number, or a text that is one, says; None where it is none.

    Args:
        value: of any kind; true is no number.
        units: what may stand before or after the number.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Decimal(value) if abs(value) < 10**_NUMBERS_HELD else None
    if isinstance(value, float | Decimal):
        found = Decimal(repr(value)) if isinstance(value, float) else value
        return found if found.is_finite() and found.adjusted() < _NUMBERS_HELD else None
    return _in_text(value, units) if isinstance(value, str) and len(value) <= _LONGEST_NUMBER else None


def _in_text(text: str, units: Collection[str]) -> Decimal | None:
    text = text.strip()
    for unit in units:
        if text.endswith(unit):
            text = text.removesuffix(unit).rstrip()
            break
        if text.startswith(unit):
            text = text.removeprefix(unit).lstrip()
            break
    if _GROUPED.fullmatch(text):
        text = text.replace(",", "").replace("，", "")
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def of_texts(form: Callable[[str], str]) -> Normalise:
    """A form of texts, also of those in a list."""

    def normalise(value: Json) -> Json:
        if isinstance(value, str):
            return form(value)
        return [normalise(one) for one in value] if isinstance(value, list) else value

    return normalise


def of_numbers(form: Callable[[Decimal], str], units: Collection[str]) -> Normalise:
    """A form of numbers and of texts that are numbers, also of those in a list."""

    def normalise(value: Json) -> Json:
        if isinstance(value, list):
            return [normalise(one) for one in value]
        number = number_of(value, units)
        return value if number is None else form(number)

    return normalise


def trimmed(text: str) -> str:
    """Without white space at either end."""
    return text.strip(_WHITE)


def collapsed(text: str) -> str:
    """Every run of white space one space, none at either end."""
    return " ".join(text.split())


def width(text: str) -> str:
    """Full-width and half-width characters alike (Unicode NFKC: also ㎡ and m2, ① and 1)."""
    return unicodedata.normalize("NFKC", text)


def case(text: str) -> str:
    """Capital and small letters alike."""
    return text.casefold()


def middle_dots(text: str) -> str:
    """All dots within names alike."""
    return _DOTS.sub("·", text)


def empty_with(placeholders: Collection[Json]) -> Normalise:
    """null for what says nothing: an empty text, list or object, or a placeholder."""
    says_nothing = {written(one) for one in placeholders}
    texts = {one for one in placeholders if isinstance(one, str)}

    def normalise(value: Json) -> Json:
        if type(value) is str:
            return None if not value or value in texts else value
        if isinstance(value, dict | list):
            return value or None
        return None if written(value) in says_nothing else value

    return normalise


def rounded_to(decimals: int) -> Callable[[Decimal], str]:
    """A number rounded half up, as schools do and databases."""
    step = Decimal(1).scaleb(-decimals)

    def form(number: Decimal) -> str:
        exponent = number.as_tuple().exponent
        is_short = isinstance(exponent, int) and exponent >= -decimals
        return plain(number if is_short else _EXACT.quantize(number, step))

    return form


def text_of_number(value: Json) -> Json:
    """A number as the text that it is usually written as."""
    if isinstance(value, list):
        return [text_of_number(one) for one in value]
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    number = number_of(value) if is_number else None
    return value if number is None else plain(number)


def to_precision(unit: Unit, zone: tzinfo) -> Callable[[str], str]:
    """A time, or a text that is one, in a zone and cut to a precision. One without a zone is of that zone."""
    length = _LENGTH[unit]

    def form(text: str) -> str:
        at = _time_in(text.strip(), zone)
        return text if at is None else at.isoformat()[:length]

    return form


def _time_in(text: str, zone: tzinfo) -> datetime | None:
    if not 8 <= len(text) <= 40:
        return None
    try:
        if text[4] == "-":
            at = datetime.fromisoformat(text)
            return at if at.tzinfo is None else at.astimezone(zone)
        found = _COMPACT.fullmatch(text) or _IN_WORDS.fullmatch(text)
        return found and datetime(*(int(part or 0) for part in found.groups()))  # type: ignore[arg-type]  # noqa: DTZ001
    except (ValueError, OverflowError):
        return None


def split_at(separator: str) -> Normalise:
    """The list of what a text joins; a list stays one."""

    def normalise(value: Json) -> Json:
        if not isinstance(value, str):
            return value
        return [piece for part in value.split(separator) if (piece := part.strip())]

    return normalise


def unordered(value: Json) -> Json:
    """A list in an order of its own."""
    return sorted(value, key=written) if isinstance(value, list) else value


def cut_to_chars(count: int) -> Callable[[str], str]:
    """The first characters of a text."""
    return lambda text: text[:count]


def cut_to_bytes(count: int, charset: str) -> Callable[[str], str]:
    """As many characters of a text as fit into so many bytes of a charset, whole ones only."""

    def form(text: str) -> str:
        encoded = text.encode(charset, errors="replace")
        return text if len(encoded) <= count else encoded[:count].decode(charset, errors="ignore")

    return form


def translated(codes: Mapping[str, str]) -> Normalise:
    """A code as another one writes it, also those in a list; others stay."""

    def normalise(value: Json) -> Json:
        if isinstance(value, list):
            return [normalise(one) for one in value]
        is_code = isinstance(value, str | int) and not isinstance(value, bool)
        return codes.get(str(value), value) if is_code else value

    return normalise


def with_members(forms: Mapping[str, Normalise]) -> Normalise:
    """Only these members of an object, each in its form; the same of every object in a list."""

    def normalise(value: Json) -> Json:
        if isinstance(value, list):
            return [normalise(one) for one in value]
        return {name: form(value.get(name)) for name, form in forms.items()} if isinstance(value, dict) else value

    return normalise
