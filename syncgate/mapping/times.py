"""Times: RFC 3339 with offset inside, any local format outside. Pure and total."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from operator import attrgetter
from zoneinfo import ZoneInfo

from syncgate.documents import JsonValue, kind_of_value
from syncgate.mapping.results import NOT_A_TIME, WRONG_TYPE, Failure

_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

DIRECTIVES = {
    "Y": ("year", r"([0-9]{4})"),
    "m": ("month", r"([0-9]{2})"),
    "d": ("day", r"([0-9]{2})"),
    "H": ("hour", r"([0-9]{2})"),
    "M": ("minute", r"([0-9]{2})"),
    "S": ("second", r"([0-9]{2})"),
    "f": ("microsecond", r"([0-9]{6})"),
}
"""The directives of a format, each with a fixed width, so that digits can never slide into a neighbour."""

_WIDTHS = {"year": 4, "microsecond": 6}

_DIRECTIVE = re.compile(r"%(.?)", re.DOTALL)


def format_problem(text: str) -> str | None:
    """What is wrong with a format, or None."""
    for found in _DIRECTIVE.finditer(text):
        if found[1] not in DIRECTIVES and found[1] != "%":
            known = ", ".join(f"%{name}" for name in DIRECTIVES)
            return f"unknown directive '%{found[1]}'; expected one of {known}"
    names = [found[1] for found in _DIRECTIVE.finditer(text) if found[1] != "%"]
    if not names:
        return "expected a format with directives such as %Y-%m-%d, got none"
    twice = next((name for name in names if names.count(name) > 1), None)
    return None if twice is None else f"the directive '%{twice}' stands twice"


def parse_problem(text: str) -> str | None:
    """What keeps a format from being read back into a time, or None."""
    problem = format_problem(text)
    if problem is not None:
        return problem
    absent = [f"%{name}" for name in "Ymd" if f"%{name}" not in text.replace("%%", "")]
    return f"expected %Y, %m and %d, got no {' and no '.join(absent)}" if absent else None


def read(value: JsonValue, path: str) -> datetime | Failure:
    """An RFC 3339 text with offset as an aware time."""
    if type(value) is not str:
        return Failure(WRONG_TYPE, path, f"expected a time, got {kind_of_value(value)}")
    if not (_is_usual(value) or _RFC3339.fullmatch(value)):
        return Failure(NOT_A_TIME, path, "expected an RFC 3339 time with offset, got another text")
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return Failure(NOT_A_TIME, path, "expected an RFC 3339 time with offset, got an impossible one")


def _is_usual(text: str) -> bool:
    """Whether only the digits of the two usual forms are left to check, which fromisoformat does."""
    is_offset = text[22] == ":" and text[19] in "+-" if len(text) == 25 else len(text) == 20 and text[19] == "Z"
    return is_offset and text[4] == text[7] == "-" and text[13] == text[16] == ":" and text[10] in "T "


def compile_writer(form: str | None, zone: ZoneInfo, path: str) -> Callable[[datetime], str | Failure]:
    """A function that writes times in a format and zone; without a format RFC 3339 with the zone's offset."""
    pick, template = _template(form)

    def write(moment: datetime) -> str | Failure:
        try:
            local = moment.astimezone(zone)
        except (OverflowError, ValueError):
            return Failure(NOT_A_TIME, path, "expected a time within the calendar, got one at its edge")
        return local.isoformat() if form is None else template % pick(local)

    return write


def _template(form: str | None) -> tuple[Callable[[datetime], tuple[int, ...]], str]:
    # A template of fixed widths is an order of magnitude faster than strftime, and pads early years.
    names: list[str] = []
    pieces: list[str] = []
    at = 0
    for found in _DIRECTIVE.finditer(form or ""):
        pieces.append((form or "")[at : found.start()])
        at = found.end()
        if found[1] == "%":
            pieces.append("%%")
        else:
            name, _ = DIRECTIVES[found[1]]
            names.append(name)
            pieces.append(f"%0{_WIDTHS.get(name, 2)}d")
    getters = tuple(attrgetter(name) for name in names)
    get_all = attrgetter(*names) if len(names) > 1 else lambda moment: tuple(get(moment) for get in getters)
    return get_all, "".join((*pieces, (form or "")[at:]))


def local_date(value: JsonValue, zone: ZoneInfo, path: str) -> date | Failure:
    """The day that a time falls on in a zone; a bare date is itself."""
    if type(value) is str and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return Failure(NOT_A_TIME, path, "expected a date, got an impossible one")
    moment = read(value, path)
    if isinstance(moment, Failure):
        return moment
    try:
        return moment.astimezone(zone).date()
    except (OverflowError, ValueError):
        return Failure(NOT_A_TIME, path, "expected a time within the calendar, got one at its edge")


def compile_reader(form: str, zone: ZoneInfo) -> Callable[[str], datetime | None]:
    """A function that reads exactly the texts of one format, and None for any other.

    A local time that the zone skips or has twice is no time: nothing says which one was meant.
    """
    names: list[str] = []
    pattern = re.compile(_pattern(form, names))

    def read_text(text: str) -> datetime | None:
        found = pattern.fullmatch(text)
        if found is None:
            return None
        parts = {name: int(digits) for name, digits in zip(names, found.groups(), strict=True)}
        try:
            moment = datetime(**parts, tzinfo=zone)
            return moment if _is_single(moment, zone) else None
        except (OverflowError, ValueError):
            return None

    return read_text


def _pattern(form: str, names: list[str]) -> str:
    pieces: list[str] = []
    at = 0
    for found in _DIRECTIVE.finditer(form):
        pieces.append(re.escape(form[at : found.start()]))
        at = found.end()
        if found[1] == "%":
            pieces.append("%")
        else:
            name, digits = DIRECTIVES[found[1]]
            names.append(name)
            pieces.append(digits)
    return "".join((*pieces, re.escape(form[at:])))


def _is_single(moment: datetime, zone: ZoneInfo) -> bool:
    back = moment.astimezone(UTC).astimezone(zone)
    is_real = back.replace(tzinfo=None) == moment.replace(tzinfo=None)
    first, second = moment.utcoffset(), moment.replace(fold=1).utcoffset()
    return is_real and (first or timedelta()) == (second or timedelta())
