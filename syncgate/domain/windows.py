"""Times that come back: hours of the day on some days, by the calendar that people work by. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Final

DAY: Final = timedelta(days=1)
LOOKED_AHEAD: Final = timedelta(days=60)
"""How far ahead a time is looked for: no holiday is as long."""
EVERY_WEEKDAY: Final = frozenset(range(7))


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From one time until another, which no longer belongs to it. reason: why, where somebody said so."""

    start: datetime
    end: datetime
    reason: str = ""

    def covers(self, at: datetime) -> bool:
        """Whether a time is within it."""
        return self.start <= at < self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Which days are worked: Monday to Friday, but for those that are named.

    rest: days off, work: days worked although they are a Saturday or a Sunday.
    """

    rest: frozenset[date] = frozenset()
    work: frozenset[date] = frozenset()

    def is_workday(self, day: date) -> bool:
        """Whether people work on this day."""
        return day in self.work or (day.weekday() < 5 and day not in self.rest)


class DaySort(StrEnum):
    """Which days of the calendar."""

    EVERY_DAY = "every_day"
    WORKDAYS = "workdays"
    REST_DAYS = "rest_days"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Hours of some days, in local time.

    Attributes:
        start, end: counted from midnight of the day on which they begin; an end over midnight is past 24 hours.
        sort, weekdays: on which days they begin; both must fit. Monday is 0.
        reason: what they are for, where somebody said so.
    """

    start: timedelta
    end: timedelta
    sort: DaySort = DaySort.EVERY_DAY
    weekdays: frozenset[int] = EVERY_WEEKDAY
    reason: str = ""

    def begin_on(self, day: date, calendar: Calendar) -> bool:
        """Whether they begin on this day."""
        is_sort = self.sort is DaySort.EVERY_DAY or calendar.is_workday(day) is (self.sort is DaySort.WORKDAYS)
        return is_sort and day.weekday() in self.weekdays


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Hours that come back, and spans that do not.

    zone: what the hours are meant in. An hour that a day does not have, because the clock is put forward, is as much
    later as it was put; one that it has twice is the first.
    """

    hours: tuple[Hours, ...] = ()
    spans: tuple[Span, ...] = ()
    calendar: Calendar = Calendar()
    zone: tzinfo = UTC

    def at(self, at: datetime) -> Span | None:
        """The span that covers a time, of several the one that ends last; None where none does."""
        day = at.astimezone(self.zone).date()
        near = (*self.spans, *self._beginning(day - DAY), *self._beginning(day))
        return max((span for span in near if span.covers(at)), key=lambda span: span.end, default=None)

    def end(self, at: datetime) -> datetime:
        """When a time outside of them comes again; the time itself where it is, far ahead where they have no end."""
        found = at
        while (span := self.at(found)) is not None and found - at < LOOKED_AHEAD:
            found = span.end
        return found

    def next_start(self, after: datetime) -> datetime | None:
        """The first beginning later than a time; None where none is near."""
        first = min((span.start for span in self.spans if span.start > after), default=None)
        day = after.astimezone(self.zone).date() - DAY
        for no in range(LOOKED_AHEAD.days if self.hours else 0):
            starts = [span.start for span in self._beginning(day + no * DAY) if span.start > after]
            if starts:
                return min([*starts, *([first] if first is not None else [])])
        return first

    def _beginning(self, day: date) -> Iterator[Span]:
        """What begins on a day."""
        for hours in self.hours:
            if hours.begin_on(day, self.calendar):
                start, end = self._on(day, hours.start), self._on(day, hours.end)
                if start < end:
                    yield Span(start=start, end=end, reason=hours.reason)

    def _on(self, day: date, since_midnight: timedelta) -> datetime:
        wall = datetime.combine(day, time.min) + since_midnight
        return wall.replace(tzinfo=self.zone).astimezone(UTC)
