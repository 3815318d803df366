"""The times of a rhythm: none is lost or doubled where the clock is put, and every process has the same."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncgate.domain.reconciliation.due import Rhythm

BERLIN, SHANGHAI = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")
NIGHTLY = Rhythm(every=timedelta(days=1), at=time(2, 30), zone=SHANGHAI)
RHYTHMS = st.builds(
    Rhythm,
    every=st.integers(1, 10).map(lambda days: timedelta(days=days)),
    at=st.times().map(lambda at: at.replace(second=0, microsecond=0, fold=0)),
    zone=st.sampled_from([UTC, BERLIN, SHANGHAI, ZoneInfo("America/St_Johns"), ZoneInfo("Pacific/Apia")]),
) | st.builds(Rhythm, every=st.integers(1, 3 * 86_400).map(lambda seconds: timedelta(seconds=seconds)))
TIMES = st.datetimes(datetime(2011, 12, 1), datetime(2031, 1, 1), timezones=st.just(UTC))


def test_a_nightly_run_is_due_at_the_sites_own_time() -> None:
    now = datetime(2026, 4, 30, 1, 0, tzinfo=SHANGHAI)
    assert NIGHTLY.latest(now) == datetime(2026, 4, 28, 18, 30, tzinfo=UTC)
    assert NIGHTLY.following(now) == datetime(2026, 4, 29, 18, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "hour", "minute"),
    [(datetime(2026, 3, 29, tzinfo=UTC), 1, 30), (datetime(2026, 10, 25, tzinfo=UTC), 0, 30)],
    ids=["the clock is put forward, and has no 02:30", "the clock is put back, and has 02:30 twice"],
)
def test_a_day_whose_clock_is_put_has_its_time_once(day: datetime, hour: int, minute: int) -> None:
    rhythm = Rhythm(every=timedelta(days=1), at=time(2, 30), zone=BERLIN)
    found = list(rhythm.between(day - timedelta(hours=3), day + timedelta(hours=20)))
    assert found == [day.replace(hour=hour, minute=minute)]


@given(RHYTHMS, TIMES)
def test_the_latest_is_not_later_and_the_following_comes_next(rhythm: Rhythm, now: datetime) -> None:
    latest, following = rhythm.latest(now), rhythm.following(now)
    assert latest <= now < following
    assert rhythm.following(latest) == following
    assert rhythm.latest(following) == following
    assert (latest.utcoffset(), following.utcoffset()) == (timedelta(0), timedelta(0))


@given(RHYTHMS, TIMES, st.integers(-14, 14))
def test_where_a_process_is_changes_no_time(rhythm: Rhythm, now: datetime, hours: int) -> None:
    elsewhere = now.astimezone(timezone(timedelta(hours=hours)))
    assert (rhythm.latest(elsewhere), rhythm.following(elsewhere)) == (rhythm.latest(now), rhythm.following(now))


def test_every_second_day_is_every_second_day_over_the_end_of_a_month() -> None:
    rhythm = Rhythm(every=timedelta(days=2), at=time(2, 30), zone=SHANGHAI)
    start = datetime(2026, 1, 29, tzinfo=UTC)
    found = list(rhythm.between(start, start + timedelta(days=8)))
    assert len(found) == 4 and {b - a for a, b in pairwise(found)} == {timedelta(days=2)}


def test_the_times_between_two_end_with_the_last_of_them() -> None:
    at = datetime(2026, 4, 29, 18, 30, tzinfo=UTC)
    assert list(NIGHTLY.between(at, at)) == []
    assert list(NIGHTLY.between(at - timedelta(seconds=1), at)) == [at]


def test_another_rhythm_has_other_words() -> None:
    others = [NIGHTLY, Rhythm(every=timedelta(days=1)), Rhythm(every=timedelta(days=1), at=time(2, 30), zone=BERLIN)]
    assert len({rhythm.words for rhythm in others}) == 3
