"""Numbers without noise: read exactly, written as declared. Pure and total."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Context, Decimal

from syncgate.documents import JsonValue, kind_of_value
from syncgate.mapping.document import NumberForm, Rounding
from syncgate.mapping.results import NOT_A_NUMBER, NOT_AN_INTEGER, TOO_PRECISE, WRONG_TYPE, Failure

_DECIMAL = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?", re.ASCII)
_EXACT = Context(prec=100)
LARGEST = 2**63 - 1
"""The largest whole number that every JSON reader holds."""


def read(value: JsonValue, path: str) -> Decimal | Failure:
    """A JSON number or a decimal text as an exact number."""
    if type(value) is str:
        if _DECIMAL.fullmatch(value):
            return Decimal(value)
        return Failure(NOT_A_NUMBER, path, "expected a decimal number, got another text")
    if type(value) is int:
        return Decimal(value)
    if type(value) is float:
        return Decimal(repr(value))
    return Failure(WRONG_TYPE, path, f"expected a number, got {kind_of_value(value)}")


def is_grouped(text: str, separator: str) -> bool:
    """Whether separators stand between groups of three digits and nowhere else."""
    whole, _, decimals = text.removeprefix("-").partition(".")
    first, *groups = whole.split(separator)
    is_whole = 1 <= len(first) <= 3 and all(len(group) == 3 for group in groups)
    return is_whole and separator not in decimals


def fixed(number: Decimal, decimals: int, rounding: Rounding, path: str) -> Decimal | Failure:
    """The number with exactly so many decimals; more digits than that are rounded or refused, as declared."""
    quantum = Decimal(1).scaleb(-decimals)
    if rounding == "half_up":
        return number.quantize(quantum, rounding=ROUND_HALF_UP, context=_EXACT)
    result = number.quantize(quantum, context=_EXACT)
    if result == number:
        return result
    facts = (("decimals", decimals),)
    return Failure(TOO_PRECISE, path, f"expected at most {decimals} decimals, got more", facts)


def write(number: Decimal, form: NumberForm, path: str) -> int | float | str | Failure:
    """The number as an integer, a JSON number or a text; a text keeps every digit."""
    if form == "text":
        return format(number, "f")
    if form == "integer":
        return _integer(number, path)
    if number == number.to_integral_value():
        return _integer(number, path)
    value = float(number)
    if Decimal(repr(value)) != number:
        return Failure(TOO_PRECISE, path, "expected a number that JSON holds exactly, got more digits")
    return value


def _integer(number: Decimal, path: str) -> int | Failure:
    if number != number.to_integral_value():
        return Failure(NOT_AN_INTEGER, path, "expected a whole number, got a fraction")
    if abs(number) > LARGEST:
        return Failure(NOT_AN_INTEGER, path, "expected a whole number of 64 bits, got a larger one")
    return int(number)
