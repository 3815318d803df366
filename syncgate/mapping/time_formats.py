"""The formats of times: a closed list of directives, none of which knows a locale. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_HALVES = {"AM": 0, "PM": 12, "上午": 0, "下午": 12}


@dataclass(frozen=True, slots=True)
class Directive:
    """What one directive reads and writes.

    Attributes:
        part: the part of a time that it stands for; two directives of one part exclude each other.
        pattern: what it reads, as one group of a regular expression.
        is_digits: whether digits beside it could be taken for its own, where its width varies.
        is_varying: whether its width varies.
        read: the value of its part for what was read; None where there is no such value.
        write: what it writes of a local time.
    """

    part: str
    pattern: str
    read: Callable[[str], int | None]
    write: Callable[[datetime], str]
    is_digits: bool = True
    is_varying: bool = False


def _digits(part: str, width: int) -> Directive:
    return Directive(part, rf"([0-9]{{{width}}})", int, lambda at: f"{getattr(at, part):0{width}d}")


def _one_or_two(part: str) -> Directive:
    return Directive(part, r"([0-9]{1,2})", int, lambda at: str(getattr(at, part)), is_varying=True)


def _month_name(names: tuple[str, ...]) -> Directive:
    number_by_name = {name.lower(): number for number, name in enumerate(names, 1)}
    return Directive(
        "month",
        rf"((?ai:{'|'.join(names)}))",
        lambda text: number_by_name[text.lower()],
        lambda at: names[at.month - 1],
        is_digits=False,
    )


def _microseconds(text: str) -> int | None:
    return None if text[6:].strip("0") else int(text[:6].ljust(6, "0"))


def _offset(text: str) -> int:
    sign = -1 if text[0] == "-" else 1
    return 0 if text == "Z" else sign * (int(text[1:3]) * 60 + int(text[-2:]))


def _half(at: datetime) -> str:
    return "PM" if at.hour >= 12 else "AM"


def _of_twelve(text: str) -> int | None:
    return int(text) % 12 if 1 <= int(text) <= 12 else None


DIRECTIVES: dict[str, Directive] = {
    "Y": _digits("year", 4),
    "m": _digits("month", 2),
    "d": _digits("day", 2),
    "H": _digits("hour", 2),
    "M": _digits("minute", 2),
    "S": _digits("second", 2),
    "f": Directive("microsecond", r"([0-9]{1,9})", _microseconds, lambda at: f"{at.microsecond:06d}", is_varying=True),
    "b": _month_name(tuple(month[:3] for month in MONTHS)),
    "B": _month_name(MONTHS),
    "I": Directive("hour", r"([0-9]{2})", _of_twelve, lambda at: f"{at.hour % 12 or 12:02d}"),
    "p": Directive("half", r"([AaPp][Mm]|上午|下午)", lambda text: _HALVES[text.upper()], _half, is_digits=False),
    "z": Directive("offset", r"(Z|[+-](?:0[0-9]|1[0-4]):?[0-5][0-9])", _offset, str, is_digits=False),
    "-m": _one_or_two("month"),
    "-d": _one_or_two("day"),
    "-H": _one_or_two("hour"),
    "-I": Directive("hour", r"([0-9]{1,2})", _of_twelve, lambda at: str(at.hour % 12 or 12), is_varying=True),
}
"""Every directive of a format, none of which knows a locale."""

ATTRIBUTES = {DIRECTIVES[name]: f"%0{width}d" for name, width in (("Y", 4), *((name, 2) for name in "mdHMS"), ("f", 6))}
"""The directives that are one attribute of a time, with the template that writes it."""

_DIRECTIVE = re.compile(r"%(-?.?)", re.DOTALL)


def format_problem(text: str) -> str | None:
    """What is wrong with a format to write times in, or None."""
    if "%z" in text.replace("%%", ""):
        return "%z is only read: without a format a time is written with its offset"
    return _problem(text)


def _problem(text: str) -> str | None:
    names = [found[1] for found in _DIRECTIVE.finditer(text) if found[1] != "%"]
    strange = next((name for name in names if name not in DIRECTIVES), None)
    if strange is not None:
        known = ", ".join(f"%{name}" for name in DIRECTIVES)
        return f"unknown directive '%{strange}'; expected one of {known}"
    if not names:
        return "expected a format with directives such as %Y-%m-%d, got none"
    return _clash(names)


def _clash(names: list[str]) -> str | None:
    first_by_part: dict[str, str] = {}
    for name in names:
        part = DIRECTIVES[name].part
        if part in first_by_part:
            other = first_by_part[part]
            return f"the directive '%{name}' stands twice" if name == other else f"%{other} and %{name} are one part"
        first_by_part[part] = name
    if ("half" in first_by_part) != first_by_part.get("hour", "").endswith("I"):
        return "expected %I and %p together, got one of them"
    return None


def parse_problem(text: str) -> str | None:
    """What keeps a format from being read back into a time, or None."""
    problem = _problem(text)
    if problem is not None:
        return problem
    pieces = pieces_of(text)
    parts = {piece.part for piece in pieces if isinstance(piece, Directive)}
    absent = [name for name, part in (("%Y", "year"), ("%m", "month"), ("%d", "day")) if part not in parts]
    if absent:
        return f"expected %Y, %m and %d, got no {' and no '.join(absent)}"
    for one, other in itertools.pairwise(pieces):
        if _varies(one, other) or _varies(other, one):
            return "expected something other than digits beside %f and a directive with '-', got digits"
    return None


def _varies(one: Directive | str, other: Directive | str) -> bool:
    is_digits = other.is_digits if isinstance(other, Directive) else any(char.isdigit() for char in other)
    return isinstance(one, Directive) and one.is_varying and is_digits


def pieces_of(form: str) -> list[Directive | str]:
    """The directives of a format and the texts between them."""
    found: list[Directive | str] = []
    for literal, name in re.findall(r"([^%]*)(?:%(-?.)|\Z)", form, re.DOTALL):
        text = literal + ("%" if name == "%" else "")
        if text and found and isinstance(found[-1], str):
            found[-1] += text
        elif text:
            found.append(text)
        if name and name != "%":
            found.append(DIRECTIVES[name])
    return found
