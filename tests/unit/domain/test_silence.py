"""A source is silent against its own habit, and against nothing else."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from syncgate.domain.silence import HOUR, silence, usual_hours

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 3, 2, tzinfo=ZONE).astimezone(UTC)
OFFICE = [(day, hour) for day in range(5) for hour in range(9, 17)]


def posted(slots: list[tuple[int, int]], weeks: int) -> dict[datetime, int]:
    """A source that posts in each of these hours of every week."""
    return {
        MONDAY + timedelta(weeks=week, days=day, hours=hour): 1 + hour for week in range(weeks) for day, hour in slots
    }


SLOTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 23)), min_size=1, max_size=12, unique=True)
LATER = st.integers(min_value=0, max_value=24 * 21)


def at(weeks: int, day: int = 0, hour: int = 0) -> datetime:
    return MONDAY + timedelta(weeks=weeks, days=day, hours=hour, minutes=30)


def test_a_silent_monday_morning_is_told_after_two_usual_hours_and_a_night_is_not() -> None:
    posts = posted(OFFICE, 5)
    assert silence(posts, now=at(5, 0, 8), zone=ZONE, after=2) is None, "Monday, before anybody works"
    assert silence(posts, now=at(5, 0, 10), zone=ZONE, after=2) is None, "one usual hour is over"
    found = silence(posts, now=at(5, 0, 11), zone=ZONE, after=2)
    assert found is not None
    assert (found.since, found.missed) == (MONDAY + timedelta(weeks=5, hours=9), 2)


def test_a_declared_holiday_is_quiet() -> None:
    posts = posted(OFFICE, 5)
    monday = (MONDAY + timedelta(weeks=5)).astimezone(ZONE).date()
    assert silence(posts, now=at(5, 0, 20), zone=ZONE, after=2, holidays={monday}) is None
    assert silence(posts, now=at(5, 1, 11), zone=ZONE, after=2, holidays={monday}) is not None


def test_a_holiday_of_the_past_makes_nothing_less_usual() -> None:
    posts = posted(OFFICE, 4)
    week = {(MONDAY + timedelta(weeks=1, days=day)).astimezone(ZONE).date() for day in range(5)}
    worked = {hour: count for hour, count in posts.items() if hour.astimezone(ZONE).date() not in week}
    assert usual_hours(worked, zone=ZONE, holidays=week) == usual_hours(posts, zone=ZONE)


@given(SLOTS, st.integers(1, 3), LATER)
def test_less_than_three_weeks_say_nothing(slots: list[tuple[int, int]], weeks: int, later: int) -> None:
    assert silence(posted(slots, weeks), now=at(weeks) + later * HOUR, zone=ZONE, after=1) is None


@given(SLOTS, st.integers(4, 7))
def test_who_posts_in_every_usual_hour_is_never_silent(slots: list[tuple[int, int]], weeks: int) -> None:
    posts = posted(slots, weeks)
    for now in sorted(posts)[len(slots) * 3 :]:
        until = {hour: count for hour, count in posts.items() if hour < now}
        assert silence(until, now=now + HOUR / 2, zone=ZONE, after=1) is None


@given(SLOTS, st.integers(4, 7), LATER, LATER, st.integers(1, 4))
def test_a_silence_lasts_until_a_post(
    slots: list[tuple[int, int]], weeks: int, later: int, more: int, after: int
) -> None:
    posts = posted(slots, weeks)
    now = at(weeks) + later * HOUR
    found = silence(posts, now=now, zone=ZONE, after=after)
    still = silence(posts, now=now + more * HOUR, zone=ZONE, after=after)
    if found is not None:
        assert found.missed >= after and found.since > found.last_post_at
        assert still is not None and still.since == found.since and still.missed >= found.missed
        again = posts | {now.replace(minute=0): 1}
        assert silence(again, now=now + HOUR / 2, zone=ZONE, after=after) is None


@given(SLOTS, st.integers(4, 7), LATER)
def test_where_every_day_is_a_holiday_nobody_is_silent(slots: list[tuple[int, int]], weeks: int, later: int) -> None:
    every = {date(2026, 1, 1) + timedelta(days=day) for day in range(365)}
    assert silence(posted(slots, weeks), now=at(weeks) + later * HOUR, zone=ZONE, after=1, holidays=every) is None


def test_how_many_it_posts_does_not_matter() -> None:
    posts = posted(OFFICE, 5)
    assert usual_hours(posts, zone=ZONE) == usual_hours(dict.fromkeys(posts, 1), zone=ZONE) == frozenset(OFFICE)
