"""When a system is reconciled by itself: the same times in every process, whatever its clock shows in summer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How often, and when of the day.

    Attributes:
        every: the distance of two times; with `at` whole days.
        at: the local time of the day; None: counted from the beginning of 1970 in UTC.
        zone: what `at` is meant in. A time that a day does not have (the clock is put forward) is as much later as the
            clock was put; one that it has twice is the first.
    """

    every: timedelta
    at: time | None = None
    zone: tzinfo = UTC

    @property
    def words(self) -> str:
        """The rhythm as a text that differs where the times do."""
        return f"{self.every.total_seconds():g}s" + (f" at {self.at:%H:%M} {self.zone}" if self.at else "")

    def latest(self, now: datetime) -> datetime:
        """The last of the times that is not later than `now`, in UTC."""
        if self.at is None:
            return now.astimezone(UTC) - (now - EPOCH) % self.every
        day = self._day(now.astimezone(self.zone).date() + DAY)
        while (found := self._on(day, self.at)) > now:
            day -= self._step
        return found

    def following(self, after: datetime) -> datetime:
        """The first of the times that is later than `after`, in UTC."""
        if self.at is None:
            return self.latest(after) + self.every
        day = self._day(after.astimezone(self.zone).date() - DAY)
        while (found := self._on(day, self.at)) <= after:
            day += self._step
        return found

    def between(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """The times later than `after` and not later than `until`, in order."""
        found = self.following(after)
        while found <= until:
            yield found
            found = self.following(found)

    @property
    def _step(self) -> timedelta:
        return max(self.every // DAY, 1) * DAY

    def _day(self, near: date) -> date:
        """The last day of the rhythm that is not later, counted from the calendar's first."""
        return near - timedelta(days=near.toordinal() % self._step.days)

    def _on(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, self.zone).astimezone(UTC)
