"""The model of an adapter's `windows`, `calendar`, `maintenance` and `cutoff`: when its system is spoken to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo

from chinese_calendar import constants as china
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    PlainValidator,
    StrictStr,
    Tag,
    model_validator,
)

from syncgate.documents import unknown
from syncgate.domain.closures import Timetable
from syncgate.domain.windows import DAY, EVERY_WEEKDAY, Calendar, DaySort, Hours, Span, Times
from syncgate.values import Model

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK: Final = re.compile(r"(?:([01]\d|2[0-3]):([0-5]\d))|24:00")
_SORTS: Final = tuple(sort.value for sort in DaySort)


def clock(text: Any) -> timedelta:
    """The time since midnight that a text such as `17:30` names; `24:00` is the end of the day."""
    if isinstance(text, timedelta):
        return text
    found = _CLOCK.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError("expected a time of the day such as 17:30, quoted, got something else")
    return DAY if found[1] is None else timedelta(hours=int(found[1]), minutes=int(found[2]))


def _begins(since_midnight: timedelta) -> timedelta:
    if since_midnight == DAY:
        raise ValueError("expected a time of the day such as 00:00, got 24:00, which is the next day's beginning")
    return since_midnight


def _day(text: Any) -> date:
    if isinstance(text, date):
        return text
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        raise ValueError("expected a day such as 2026-10-01, got something else") from None


def _moment(text: Any) -> datetime:
    if isinstance(text, datetime):
        return text
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise ValueError("expected a time such as 2026-12-31T22:00, got something else") from None


def _days(value: Any) -> Any:
    """The sort of days, or the weekdays, that a person wrote."""
    if isinstance(value, str) and value in _SORTS:
        return value
    if isinstance(value, str):
        raise ValueError(unknown("sort of days", value, _SORTS))
    if not isinstance(value, list | tuple) or not value:
        raise ValueError("expected a sort of days or at least one weekday, got something else")
    for name in value:
        if name not in WEEKDAYS:
            raise ValueError(unknown("weekday", str(name), WEEKDAYS))
    return tuple(value)


def _some_hours(hours: tuple[Any, ...]) -> tuple[Any, ...]:
    if not hours:
        raise ValueError("expected hours, got none; a system that may be spoken to at any time has no windows")
    return hours


Clock = Annotated[timedelta, BeforeValidator(clock)]
"""A time of the day, counted from midnight."""
Beginning = Annotated[Clock, AfterValidator(_begins)]
Day = Annotated[date, BeforeValidator(_day)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
"""A time; without an offset it is the site's."""
Days = Annotated[str | tuple[str, ...], PlainValidator(_days)]
"""`every_day`, `workdays` or `rest_days`, or names of weekdays."""
Reason = Annotated[StrictStr, Field(min_length=1, max_length=200)]


class HoursOfDays(Model):
    """Hours of some days; where they end no later than they begin, they last until the next day.

    Attributes:
        on: `every_day`, `workdays`, `rest_days`, or names of weekdays; it is the day on which they begin.
        start: when they begin, written `from`.
        until: when they end.
    """

    on: Days = "every_day"
    start: Annotated[Beginning, Field(alias="from")]
    until: Clock

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.start == self.until:
            raise ValueError("expected hours that end at another time than they begin; a whole day is 00:00 to 24:00")
        return self

    def hours(self, reason: str = "") -> Hours:
        """What they mean."""
        end = self.until if self.until > self.start else self.until + DAY
        days = EVERY_WEEKDAY if isinstance(self.on, str) else frozenset(map(WEEKDAYS.index, self.on))
        sort = DaySort(self.on) if isinstance(self.on, str) else DaySort.EVERY_DAY
        return Hours(start=self.start, end=end, sort=sort, weekdays=days, reason=reason)


class WeeklyMaintenance(HoursOfDays):
    """Maintenance that comes back.

    Attributes:
        reason: what for; it is shown.
    """

    reason: Reason


class DatedMaintenance(Model):
    """Maintenance that was announced for once.

    Attributes:
        start: when it begins, written `from`; until: when it is over. Without an offset they are the site's times.
        reason: what for; it is shown.
    """

    start: Annotated[Moment, Field(alias="from")]
    until: Moment
    reason: Reason

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if (self.start.tzinfo is None) != (self.until.tzinfo is None):
            raise ValueError("expected an offset at both times or at none")
        if self.until <= self.start:
            raise ValueError("expected maintenance that ends later than it begins, got another")
        return self

    def span(self, zone: ZoneInfo) -> Span:
        """What it means."""
        start, end = ((at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC) for at in self._both)
        return Span(start=start, end=end, reason=self.reason)

    @property
    def _both(self) -> tuple[datetime, datetime]:
        return self.start, self.until


Windows = Annotated[tuple[HoursOfDays, ...], AfterValidator(_some_hours)]


def _shape(value: Any) -> str:
    """By `from`: a time of the day comes back, any longer text is meant as a date."""
    if isinstance(value, Model):
        return "weekly" if isinstance(value, WeeklyMaintenance) else "dated"
    begins = value.get("from") if isinstance(value, dict) else None
    return "dated" if isinstance(begins, str) and len(begins) > len("17:30") else "weekly"


Maintenance = Annotated[
    Annotated[WeeklyMaintenance, Tag("weekly")] | Annotated[DatedMaintenance, Tag("dated")], Discriminator(_shape)
]


class WorkCalendar(Model):
    """Which days are worked, where `workdays` and `rest_days` ask.

    Attributes:
        country: whose public holidays: `china`, as far as they are announced; left out: nobody's.
        rest: more days off.
        work: more days that are worked although they are a Saturday or a Sunday, or a holiday elsewhere.
    """

    country: Literal["china"] | None = None
    rest: tuple[Day, ...] = ()
    work: tuple[Day, ...] = ()

    @model_validator(mode="after")
    def _apart(self) -> Self:
        both = sorted(set(self.rest) & set(self.work))
        if both:
            raise ValueError(f"expected each day under rest or work, got {both[0]} under both")
        return self

    def calendar(self) -> Calendar:
        """What it means."""
        rest = frozenset(china.holidays if self.country == "china" else ())
        work = frozenset(china.workdays if self.country == "china" else ())
        own_rest, own_work = frozenset(self.rest), frozenset(self.work)
        return Calendar(rest=(rest | own_rest) - own_work, work=(work | own_work) - own_rest)


def timetable(
    windows: Iterable[HoursOfDays] | None,
    maintenance: Iterable[Maintenance],
    calendar: WorkCalendar,
    *,
    zone: ZoneInfo,
) -> Timetable:
    """When a system may be spoken to, by what its adapter says. windows: None: at any time."""
    days, announced = calendar.calendar(), tuple(maintenance)
    weekly = tuple(one.hours(one.reason) for one in announced if isinstance(one, WeeklyMaintenance))
    dated = tuple(one.span(zone) for one in announced if isinstance(one, DatedMaintenance))
    hours = None if windows is None else tuple(one.hours() for one in windows)
    return Timetable(
        windows=None if hours is None else Times(hours=hours, calendar=days, zone=zone),
        maintenance=Times(hours=weekly, spans=dated, calendar=days, zone=zone),
    )
