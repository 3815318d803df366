"""Sending hours and maintenance: by local time, over midnight, by the calendar that people work by."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncgate.domain.closures import ALWAYS_OPEN, Closure, Timetable, Why
from syncgate.domain.windows import EVERY_WEEKDAY, Calendar, DaySort, Hours, Span, Times

SHANGHAI = ZoneInfo("Asia/Shanghai")
MINUTE = timedelta(minutes=1)


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def hours(start: str, end: str, **more: object) -> Hours:
    first, last = (timedelta(hours=int(t[:2]), minutes=int(t[3:])) for t in (start, end))
    over = timedelta(days=1) if last <= first else timedelta(0)
    return Hours(start=first, end=last + over, **more)  # type: ignore[arg-type]


NIGHT = Times(hours=(hours("17:30", "08:00"),), zone=SHANGHAI)
OFFICE = Times(hours=(hours("09:00", "17:00", sort=DaySort.WORKDAYS),), zone=SHANGHAI)


@pytest.mark.parametrize(
    ("text", "is_open"),
    [
        ("2026-11-23T17:29:59", False),
        ("2026-11-23T17:30:00", True),
        ("2026-11-23T23:59:59", True),
        ("2026-11-24T00:00:00", True),
        ("2026-11-24T07:59:59", True),
        ("2026-11-24T08:00:00", False),
        ("2026-11-24T12:00:00", False),
    ],
)
def test_hours_over_midnight_belong_to_both_days(text: str, is_open: bool) -> None:
    assert (Timetable(windows=NIGHT).closure(at(text)) is None) is is_open


def test_outside_its_hours_a_system_says_when_they_begin() -> None:
    closure = Timetable(windows=NIGHT).closure(at("2026-11-24T12:00:00"))
    assert closure == Closure(why=Why.OUTSIDE_WINDOW, until=at("2026-11-24T17:30:00"))


def test_workdays_leave_out_weekends_and_holidays_and_take_in_days_made_up_for() -> None:
    calendar = Calendar(rest=frozenset({date(2026, 10, 1)}), work=frozenset({date(2026, 10, 10)}))
    office = Times(hours=OFFICE.hours, calendar=calendar, zone=SHANGHAI)
    open_on = [day for day in range(1, 13) if office.at(at(f"2026-10-{day:02}T10:00:00")) is not None]
    assert open_on == [2, 5, 6, 7, 8, 9, 10, 12], "Thursday the 1st is off, Saturday the 10th is worked"


def test_hours_of_rest_days_are_those_of_the_other_days() -> None:
    rest = Times(hours=(hours("00:00", "24:00", sort=DaySort.REST_DAYS),), zone=SHANGHAI)
    assert [rest.at(at(f"2026-11-{day}T10:00:00")) is not None for day in (20, 21, 22, 23)] == [
        False,
        True,
        True,
        False,
    ]


def test_hours_that_touch_are_one_and_close_at_the_last_end() -> None:
    both = Times(hours=(hours("08:00", "12:00"), hours("12:00", "18:00")), zone=SHANGHAI)
    spans = Timetable(windows=both).open_spans(at("2026-11-23T09:00:00"))
    assert next(spans) == (at("2026-11-23T09:00:00"), at("2026-11-23T18:00:00"))
    assert next(spans) == (at("2026-11-24T08:00:00"), at("2026-11-24T18:00:00"))


def test_maintenance_closes_within_the_hours_and_ends_only_where_they_are_open() -> None:
    works = Span(start=at("2026-11-23T16:00:00"), end=at("2026-11-23T20:00:00"), reason="new release")
    table = Timetable(windows=OFFICE, maintenance=Times(spans=(works,), zone=SHANGHAI))
    closure = table.closure(at("2026-11-23T16:30:00"))
    assert closure == Closure(why=Why.IN_MAINTENANCE, until=at("2026-11-24T09:00:00"), reason="new release")


def test_weekly_maintenance_comes_back() -> None:
    weekly = Times(hours=(hours("02:00", "04:00", weekdays=frozenset({6}), reason="backup"),), zone=SHANGHAI)
    table = Timetable(maintenance=weekly)
    assert table.closure(at("2026-11-22T03:00:00")) is not None
    assert table.closure(at("2026-11-23T03:00:00")) is None
    assert table.closure(at("2026-11-29T02:00:00")) is not None


def test_hours_that_never_come_leave_the_time_unknown() -> None:
    never = Times(spans=(Span(start=at("2020-01-01T00:00:00"), end=at("2020-01-02T00:00:00")),))
    closure = Timetable(windows=never).closure(at("2026-11-23T12:00:00"))
    assert closure == Closure(why=Why.OUTSIDE_WINDOW, until=None)


def test_an_hour_that_the_clock_leaves_out_is_later_by_as_much() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    table = Timetable(windows=Times(hours=(hours("02:30", "05:00"),), zone=berlin))
    assert table.opens_at(at("2026-03-29T00:00:00", berlin)) == at("2026-03-29T03:30:00", berlin)


def test_what_nothing_closes_is_open() -> None:
    assert ALWAYS_OPEN.is_always_open
    assert list(ALWAYS_OPEN.open_spans(at("2026-11-23T09:00:00"))) == [(at("2026-11-23T09:00:00"), None)]


clock_times = st.integers(0, 24 * 60 - 1).map(lambda minute: timedelta(minutes=minute))
some_hours = st.builds(
    lambda start, length, sort, days: Hours(
        start=start, end=start + timedelta(minutes=length), sort=sort, weekdays=frozenset(days)
    ),
    clock_times,
    st.integers(1, 24 * 60),
    st.sampled_from(DaySort),
    st.sets(st.sampled_from(sorted(EVERY_WEEKDAY)), min_size=1),
)
moments = st.integers(0, 60 * 24 * 30).map(lambda minute: at("2026-11-01T00:00:00") + minute * MINUTE)
spans = st.builds(
    lambda start, length: Span(start=start, end=start + length * MINUTE), moments, st.integers(1, 60 * 24 * 3)
)
calendars = st.builds(Calendar, rest=st.frozensets(st.dates(date(2026, 11, 1), date(2026, 12, 31)), max_size=5))
some_times = st.builds(
    Times,
    hours=st.lists(some_hours, max_size=3).map(tuple),
    spans=st.lists(spans, max_size=2).map(tuple),
    calendar=calendars,
    zone=st.just(SHANGHAI),
)
timetables = st.builds(Timetable, windows=st.none() | some_times, maintenance=some_times)


@given(timetables, moments)
def test_it_is_open_when_it_says_that_it_opens_and_closed_until_then(table: Timetable, now: datetime) -> None:
    closure = table.closure(now)
    if closure is None:
        assert table.opens_at(now) == now
    elif closure.until is not None:
        assert table.closure(closure.until) is None
        assert table.closure(closure.until - timedelta(seconds=1)) is not None
        between = [now + (closure.until - now) * share / 7 for share in range(7)]
        assert all(table.closure(one) is not None for one in between)


@given(timetables, moments)
def test_open_spans_are_open_and_what_lies_between_them_is_not(table: Timetable, now: datetime) -> None:
    before = now
    for _, (start, end) in zip(range(4), table.open_spans(now), strict=False):
        assert table.closure(start) is None
        if start > before:
            assert table.closure(before + (start - before) / 2) is not None
        if end is None:
            break
        assert table.closure(end) is not None and table.closure(start + (end - start) / 2) is None
        before = end
