"""Where a system only counts: the smallest ranges of keys in which its number is not ours, by few questions.

A count says less than it seems to: one record too many and one too few in a range cancel each other out, and are not
found. So the whole is asked in `FIRST_RANGES` parts at once, and every range that is told was asked twice.

What is on its way may be counted or not: our side says how many there are at least, and at most.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from typing import Final, NamedTuple

FIRST_RANGES: Final = 16


class Span(NamedTuple):
    """How many records there are at least, and at most."""

    least: int
    most: int

    def off_by(self, count: int) -> int:
        """How far a count lies outside: below 0 where records are missing."""
        return min(0, count - self.least) + max(0, count - self.most)


CountOurs = Callable[[str, str | None], Span]
"""How many records of ours have a key that is at least the one text and below the other; None: no upper end."""
Split = Callable[[str, str | None], str | None]
"""A key of ours within such a range that leaves about as many before it as from it on; None: there are not two."""


@dataclass(frozen=True, slots=True, order=True)
class KeyRange:
    """Keys from `low` on, below `high`; None: no upper end. As texts by code point."""

    low: str
    high: str | None = None


@dataclass(frozen=True, slots=True)
class CountedRange:
    """A range in which the numbers differ: the nearest that ours may be, and the system's."""

    low: str
    high: str | None
    expected: int
    actual: int


@dataclass(frozen=True, slots=True)
class Counted:
    """What counting came to.

    Attributes:
        ranges: where the numbers differ, in the order of keys.
        total: how many records the system counts in all; None where it did not answer.
        questions_count: how often the system was asked.
        is_complete: whether it answered every question: else what was not told apart is missing from `ranges`.
    """

    ranges: tuple[CountedRange, ...]
    total: int | None
    questions_count: int
    is_complete: bool = True

    def still(self, count_ours: CountOurs) -> Counted:
        """The same, less what does not differ from our side as it is by now."""
        told = [_told(KeyRange(one.low, one.high), one.actual, count_ours) for one in self.ranges]
        return replace(self, ranges=tuple(one for one in told if one is not None))


class SortedKeys:
    """Our keys, counted and split in memory."""

    def __init__(self, keys: Iterable[str], unsure: Iterable[str] = (), *, nameless: int = 0) -> None:
        """Args:
        keys: of what should be there, in any order; equal ones count each.
        unsure: of what may be there or not.
        nameless: how many more may be there, in any range.
        """
        self._nameless = nameless
        self._keys = sorted(keys)
        self._unsure = sorted(unsure)

    def _bounds(self, low: str, high: str | None) -> tuple[int, int]:
        return _bounds(self._keys, low, high)

    def count(self, low: str, high: str | None) -> Span:
        """How many there are in a range."""
        (start, end), (first, last) = self._bounds(low, high), _bounds(self._unsure, low, high)
        least = max(0, end - start)
        return Span(least, least + max(0, last - first) + self._nameless)

    def split(self, low: str, high: str | None) -> str | None:
        """The key in the middle of a range; the next greater one where equal keys fill its beginning."""
        start, end = self._bounds(low, high)
        if end - start < 2:
            return None
        middle = self._keys[(start + end) // 2]
        if middle > self._keys[start]:
            return middle
        later = bisect_right(self._keys, middle, start, end)
        return self._keys[later] if later < end else None


def _bounds(keys: Sequence[str], low: str, high: str | None) -> tuple[int, int]:
    return bisect_left(keys, low), len(keys) if high is None else bisect_left(keys, high)


def _told(part: KeyRange, actual: int, count_ours: CountOurs) -> CountedRange | None:
    span = count_ours(part.low, part.high)
    off_by = span.off_by(actual)
    return None if not off_by else CountedRange(part.low, part.high, actual - off_by, actual)


Asking = Generator[KeyRange, int | None, Counted]


def bisect(count_ours: CountOurs, split: Split, *, questions_at_most: int) -> Asking:
    """Asks for counts until the ranges that differ are as small as they get, or the questions are used up.

    It yields a range to be counted and is sent the count, or None where it could not be had, which ends it.

    Args:
        count_ours: counts our side, as it was when it was read: `Counted.still` compares with what it is by then.
        split: splits a range of ours.
        questions_at_most: so often the system is asked, at least twice.
    """
    search = _Search(count_ours, split, questions_at_most)
    for part in search.first_ranges():
        actual = yield part
        if actual is None:
            search.total = None
            return search.ended(())
        search.note(part, actual)
        search.total = (search.total or 0) + actual
    while (wide := search.widest()) is not None:
        part, actual, middle = wide
        left = KeyRange(part.low, middle)
        answer = yield left
        if answer is None:
            return search.ended(())
        search.note(left, answer)
        search.note_rest(KeyRange(middle, part.high), actual - answer)
    told: list[CountedRange] = []
    for part in search.smallest():
        answer = yield part
        if answer is None:
            return search.ended(told)
        search.questions_count += 1
        if (one := _told(part, answer, count_ours)) is not None:
            told.append(one)
    return search.ended(told, is_complete=True)


class _Search:
    def __init__(self, count_ours: CountOurs, split: Split, questions_at_most: int) -> None:
        self.questions_count = 0
        self.total: int | None = None
        self._count_ours, self._split = count_ours, split
        self._questions_at_most = max(2, questions_at_most)
        self._wide: list[tuple[int, str, KeyRange, int, str]] = []
        self._small: list[KeyRange] = []

    def first_ranges(self) -> list[KeyRange]:
        """The whole in about equal parts; half of the questions are left for what they lead to."""
        parts = [KeyRange("")]
        while 2 * len(parts) <= min(FIRST_RANGES, self._questions_at_most // 4):
            halves = [(part, self._split(part.low, part.high)) for part in parts]
            if all(middle is None for _, middle in halves):
                break
            parts = [piece for part, middle in halves for piece in _pieces(part, middle)]
        return parts

    def note(self, part: KeyRange, actual: int) -> None:
        """What the system counts in a range."""
        self.questions_count += 1
        self.note_rest(part, actual)

    def note_rest(self, part: KeyRange, actual: int) -> None:
        """The same where it follows from what was counted around it."""
        off_by = abs(self._count_ours(part.low, part.high).off_by(actual))
        if not off_by:
            return
        middle = self._split(part.low, part.high)
        if middle is None:
            self._small.append(part)
        else:
            heappush(self._wide, (-off_by, part.low, part, actual, middle))

    def widest(self) -> tuple[KeyRange, int, str] | None:
        """The range that is furthest off, while questions are left to split it and to ask all again at the end."""
        left = self._questions_at_most - self.questions_count
        if not self._wide or left < len(self._wide) + len(self._small) + 2:
            return None
        _, _, part, actual, middle = heappop(self._wide)
        return part, actual, middle

    def smallest(self) -> list[KeyRange]:
        """The ranges that are told, in the order of keys."""
        found = sorted([*self._small, *(wide[2] for wide in self._wide)], key=lambda part: part.low)
        return found[: self._questions_at_most - self.questions_count]

    def ended(self, told: Sequence[CountedRange], *, is_complete: bool = False) -> Counted:
        return Counted(tuple(told), self.total, self.questions_count, is_complete)


def _pieces(part: KeyRange, middle: str | None) -> list[KeyRange]:
    return [part] if middle is None else [KeyRange(part.low, middle), KeyRange(middle, part.high)]
