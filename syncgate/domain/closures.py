"""When a system is closed to us: outside its sending hours, and while maintenance that was announced lasts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from syncgate.domain.rows import Maintenance
from syncgate.domain.windows import LOOKED_AHEAD, Span, Times

_TURNS_AT_MOST: Final = 400


class Why(StrEnum):
    """Why a system is closed; also the reason shown for what waits for that, which is never stored."""

    OUTSIDE_WINDOW = "outside_window"
    IN_MAINTENANCE = "in_maintenance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """Why a system is closed, and until when; None: no time is known. reason: in the words of who announced it."""

    why: Why
    until: datetime | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """When a system may be spoken to.

    Attributes:
        windows: its sending hours; None: at any time.
        maintenance: when it is not to be spoken to, whatever its hours are.
    """

    windows: Times | None = None
    maintenance: Times = field(default_factory=Times)

    @property
    def is_always_open(self) -> bool:
        """Whether nothing ever closes it."""
        return self.windows is None and not self.maintenance.hours and not self.maintenance.spans

    def beside(self, spans: Iterable[Span]) -> Timetable:
        """The timetable with more maintenance."""
        more = tuple(spans)
        if not more:
            return self
        return replace(self, maintenance=replace(self.maintenance, spans=(*self.maintenance.spans, *more)))

    def closure(self, at: datetime) -> Closure | None:
        """Why it is closed at a time; None while it is open."""
        if self.is_always_open:
            return None
        maintenance = self.maintenance.at(at)
        if maintenance is not None:
            return Closure(why=Why.IN_MAINTENANCE, until=self.opens_at(at), reason=maintenance.reason)
        if self.windows is not None and self.windows.at(at) is None:
            return Closure(why=Why.OUTSIDE_WINDOW, until=self.opens_at(at))
        return None

    def opens_at(self, at: datetime) -> datetime | None:
        """The first time from this one on at which it is open; None where none is near."""
        found: datetime | None = at
        for _ in range(_TURNS_AT_MOST):
            if found is None or found - at > LOOKED_AHEAD:
                return None
            if self.maintenance.at(found) is not None:
                found = self.maintenance.end(found)
            elif self.windows is not None and self.windows.at(found) is None:
                found = self.windows.next_start(found)
            else:
                return found
        return None

    def open_spans(self, since: datetime) -> Iterator[tuple[datetime, datetime | None]]:
        """The spans from a time on in which it is open, in order; the last one has no end where none is near."""
        start = self.opens_at(since)
        while start is not None:
            end = self._closes_at(start)
            yield start, end
            start = None if end is None or end - since > LOOKED_AHEAD else self.opens_at(end)

    def _closes_at(self, at: datetime) -> datetime | None:
        """When it closes that is open at a time; None where that is not near."""
        ends = [self.maintenance.next_start(at)]
        if self.windows is not None:
            ends.append(self.windows.end(at))
        return min((end for end in ends if end is not None), default=None)


def announced(maintenance: Iterable[Maintenance]) -> tuple[Span, ...]:
    """The spans of maintenance that was announced here."""
    return tuple(Span(start=one.starts_at, end=one.until, reason=one.reason) for one in maintenance)


ALWAYS_OPEN: Final = Timetable()
