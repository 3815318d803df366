"""Times: RFC 3339 with offset inside, any local format outside. Pure and total."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from operator import attrgetter
from typing import Final
from zoneinfo import ZoneInfo

from syncgate.documents import JsonValue, kind_of_value
from syncgate.mapping.document import Fold
from syncgate.mapping.results import NOT_A_TIME, WRONG_TYPE, Failure
from syncgate.mapping.time_formats import ATTRIBUTES, Directive, pieces_of

_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


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
    pick, template = _template(form or "")

    def write(moment: datetime) -> str | Failure:
        try:
            local = moment.astimezone(zone)
        except (OverflowError, ValueError):
            return Failure(NOT_A_TIME, path, "expected a time within the calendar, got one at its edge")
        return local.isoformat() if form is None else template % pick(local)

    return write


def _template(form: str) -> tuple[Callable[[datetime], tuple[int | str, ...]], str]:
    # A template of fixed widths is an order of magnitude faster than strftime, and pads early years.
    pieces = pieces_of(form)
    directives = [piece for piece in pieces if isinstance(piece, Directive)]
    texts = [piece.replace("%", "%%") if isinstance(piece, str) else ATTRIBUTES.get(piece, "%s") for piece in pieces]
    if directives and all(directive in ATTRIBUTES for directive in directives):
        parts = [directive.part for directive in directives]
        one, several = attrgetter(parts[0]), attrgetter(*parts)
        return (several if len(parts) > 1 else lambda at: (one(at),)), "".join(texts)
    written = [attrgetter(directive.part) if directive in ATTRIBUTES else directive.write for directive in directives]
    return (lambda at: tuple(write(at) for write in written)), "".join(texts)


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


ANOTHER: Final = "another"
IMPOSSIBLE: Final = "one that does not exist"
SKIPPED: Final = "one that the zone skips"
TWICE: Final = "one that the zone has twice"
REASONS = (ANOTHER, IMPOSSIBLE, SKIPPED, TWICE)
"""Why a text is no time."""


def compile_reader(form: str, zone: ZoneInfo, fold: Fold = "error") -> Callable[[str], datetime | str]:
    """A function that reads exactly the texts of one format, and gives one of REASONS for any other.

    A local time that the zone skips is none; one that it has twice is the one that `fold` says.
    """
    pieces = pieces_of(form)
    directives = [piece for piece in pieces if isinstance(piece, Directive)]
    written = (piece.pattern if isinstance(piece, Directive) else re.escape(piece) for piece in pieces)
    pattern = re.compile("".join(written))

    def read_text(text: str) -> datetime | str:
        found = pattern.fullmatch(text)
        if found is None:
            return ANOTHER
        parts: dict[str, int] = {}
        for directive, written in zip(directives, found.groups(), strict=True):
            value = directive.read(written)
            if value is None:
                return IMPOSSIBLE
            parts[directive.part] = value
        try:
            return _moment(parts, zone, fold)
        except (OverflowError, ValueError):
            return IMPOSSIBLE

    return read_text


def _moment(parts: dict[str, int], zone: ZoneInfo, fold: Fold) -> datetime | str:
    half, offset = parts.pop("half", 0), parts.pop("offset", None)
    parts["hour"] = parts.get("hour", 0) + half
    if offset is not None:
        return datetime(**parts, tzinfo=timezone(timedelta(minutes=offset))).astimezone(zone)
    earlier = datetime(**parts, tzinfo=zone)
    later = earlier.replace(fold=1)
    if earlier.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != earlier.replace(tzinfo=None):
        return SKIPPED
    if earlier.utcoffset() == later.utcoffset():
        return earlier
    return TWICE if fold == "error" else later if fold == "later" else earlier
