"""What is written otherwise and says the same: known rules tried on a field that differs, and offered where they fit.

A rule is only offered. Nothing is compared by it until a person writes it into the adapter.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from syncgate.domain.reconciliation.forms import Json, number_of, of_texts, to_precision, written
from syncgate.domain.reconciliation.rules import DEFAULT_ZONE, Rules, parse_rules

SEEN_AT_LEAST: Final = 3
"""So often a rule must have fitted before it is offered."""

_UNITS: Final = [
    "㎡",
    "m²",
    "平方米",
    "平米",
    "元",
    "万元",
    "￥",
    "¥",
    "%",
    "天",
    "日",
    "个工作日",
    "工作日",
    "人",
    "件",
]
_PLACEHOLDERS: Final = ["无", "暂无", "未填", "空", "-", "--", "—", "/", "N/A", "NULL", "null", "0", 0]
_SEPARATORS: Final = ["；", ";", "，", ",", "、", "|", " "]
_LENGTHS: Final = (50, 60, 64, 80, 100, 120, 128, 150, 200, 250, 255, 256, 300, 400, 500, 512, 600, 800, 1000, 1024)
_LENGTHS_LONG: Final = (2000, 2048, 4000)
"""Lengths that columns have; a short text that lacks its end was rather edited."""


class Field(Protocol):
    """What is known of a compared field: the forms that it is compared in already."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    def ours(self, value: Json) -> Json:
        """The form of a value that we sent."""
        ...

    def theirs(self, value: Json) -> Json:
        """The form of a value as the system shows it."""
        ...


@dataclass(frozen=True, slots=True)
class _Known:
    """A rule that may explain a difference.

    Attributes:
        text: as it is written in an adapter, within `same: [...]`.
        is_lost: of a rule that takes something away: whether what the system shows lacks just that. Without this an
            area edited from 86.54 to 86.46 would pass for a rounded one.
    """

    text: str
    rules: Rules
    is_lost: Callable[[Json], bool] | None = None

    def explains(self, ours: Json, theirs: Json) -> bool:
        if self.is_lost is not None and not self.is_lost(theirs):
            return False
        return written(self.rules.ours(ours)) == written(self.rules.theirs(theirs))


def _known(*document: Any, is_lost: Callable[[Json], bool] | None = None) -> _Known:
    texts = (one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in document)
    return _Known(", ".join(texts), parse_rules(list(document)), is_lost)


def _has_decimals(count: int) -> Callable[[Json], bool]:
    def has(value: Json) -> bool:
        number = number_of(value)
        return number is not None and number == round(number, count)

    return has


_to_second: Final = of_texts(to_precision("second", ZoneInfo(DEFAULT_ZONE)))


def _is_precise_to(unit: str, rest: str) -> _Known:
    def is_lost(value: Json) -> bool:
        shown = _to_second(value)
        return isinstance(shown, str) and len(shown) == len("2026-01-01T00:00:00") and shown.endswith(rest)

    return _known({"precision": unit}, is_lost=is_lost)


def _cut(by: Mapping[str, Any]) -> _Known:
    known = _known({"cut": dict(by)})
    return _Known(known.text, known.rules, lambda value: isinstance(value, str) and known.rules.theirs(value) == value)


def _cuts() -> Iterator[_Known]:
    for count in (*_LENGTHS, *_LENGTHS_LONG):
        yield _cut({"chars": count})
        yield _cut({"bytes": count, "charset": "gbk"})
        yield _cut({"bytes": count, "charset": "utf-8"})


KNOWN: Final[Sequence[_Known]] = (
    _known("trimmed"),
    _known("collapsed"),
    _known("width"),
    _known("case"),
    _known("middle_dots"),
    _known("width", "collapsed"),
    _known("width", "case"),
    _known("width", "collapsed", "case"),
    _known("empty"),
    *(_known({"empty": [one]}) for one in _PLACEHOLDERS),
    _known("text_of_number"),
    _known("number"),
    *(_known({"number": unit}) for unit in _UNITS),
    *(_known({"decimals": count}, is_lost=_has_decimals(count)) for count in (4, 3, 2, 1, 0)),
    _is_precise_to("second", ""),
    _is_precise_to("minute", ":00"),
    _is_precise_to("day", "T00:00:00"),
    _known("unordered"),
    *(_known({"joined": one}) for one in _SEPARATORS),
    *(_known({"joined": one}, "unordered") for one in _SEPARATORS),
    *_cuts(),
)
"""Narrow ones first: the first that fits is named."""


def explaining(one: Field, expected: Json, actual: Json, among: Sequence[_Known] = KNOWN) -> Iterator[_Known]:
    """The known rules under which two values of a field would be the same, after those that it has, narrow ones first.

    Args:
        one: the field.
        expected, actual: what was sent, and what the system shows.
        among: those to try.
    """
    ours, theirs = one.ours(expected), one.theirs(actual)
    return (known for known in among if known.explains(ours, theirs))


def likeness(one: Field, expected: Json, actual: Json) -> str:
    """The first of these, as it would be written in the adapter; "" where there is none."""
    return next((known.text for known in explaining(one, expected, actual)), "")


@dataclass(frozen=True, slots=True)
class Offer:
    """A rule that would make what was found normalised the same.

    Attributes:
        message, field: whose values.
        rule: as it would stand in `same: [...]`.
        seen: how many records it fits: every one that any known rule fits.
    """

    message: str
    field: str
    rule: str
    seen: int

    def to_json(self) -> dict[str, Any]:
        """As `RunState.offers` keeps it."""
        return {"message": self.message, "field": self.field, "rule": self.rule, "seen": self.seen}


class Offers:
    """Counts which rules fit. A rule is contradicted by a value that another known rule explains and it does not; an
    edit, which none explains, contradicts nothing."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], tuple[int, tuple[_Known, ...]]] = {}

    def see(self, message: str, one: Field, values: tuple[Json, Json]) -> None:
        """Counts a difference.

        Args:
            message: of the record.
            one: the field that differs.
            values: what was sent, and what the system shows.
        """
        expected, actual = values
        if not likeness(one, expected, actual):
            return
        count, left = self._seen.get((message, one.name), (0, tuple(KNOWN)))
        self._seen[message, one.name] = (count + 1, tuple(explaining(one, expected, actual, left)))

    def offered(self, at_least: int = SEEN_AT_LEAST) -> tuple[Offer, ...]:
        """What was seen so often and never contradicted, by message and field; of several rules the narrowest."""
        return tuple(
            Offer(message, name, left[0].text, count)
            for (message, name), (count, left) in sorted(self._seen.items(), key=lambda item: item[0])
            if left and count >= at_least
        )
