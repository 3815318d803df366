"""When a backlog is gone: the same time as sending one after another at the rate would show, or no time at all."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncgate.domain.closures import ALWAYS_OPEN, Timetable
from syncgate.domain.forecast import Pace, Unknown, drained_at, forecast, next_cutoff
from syncgate.domain.windows import Span, Times
from tests.unit.domain.test_windows import NIGHT, OFFICE, SHANGHAI, at, moments, timetables

SECOND = timedelta(seconds=1)
NOON = at("2026-11-23T12:00:00")


def pace(rate: float = 2.0, *, burst: int = 2, tokens: float = 0.0) -> Pace:
    return Pace(rate=rate, burst=burst, tokens=tokens)


def test_twenty_thousand_at_ten_a_second_take_as_long_as_that_takes() -> None:
    assert drained_at(20_000, pace=pace(10.0), timetable=ALWAYS_OPEN, now=NOON) == NOON + 2000 * SECOND


def test_what_does_not_fit_into_tonight_goes_on_tomorrow_night() -> None:
    night = timedelta(hours=14, minutes=30)
    count = 2 * int(night.total_seconds()) + 100
    done_at = drained_at(count, pace=pace(), timetable=Timetable(windows=NIGHT), now=NOON)
    assert done_at is not None
    assert timedelta(0) <= done_at - at("2026-11-24T17:30:00") <= 50 * SECOND


def test_the_office_is_closed_at_the_weekend() -> None:
    friday = at("2026-11-20T16:59:00")
    done_at = drained_at(200, pace=pace(), timetable=Timetable(windows=OFFICE), now=friday)
    assert done_at is not None and done_at.astimezone(SHANGHAI).date().isoformat() == "2026-11-23"


@pytest.mark.parametrize(
    ("minutes", "is_before"), [(1, True), (19, True), (21, False)], ids=["early", "just before", "after"]
)
def test_a_forecast_says_whether_all_is_sent_by_the_cut_off(minutes: int, is_before: bool) -> None:
    cutoff_at = NOON + timedelta(minutes=20)
    found = forecast(120 * minutes, pace=pace(), timetable=ALWAYS_OPEN, cutoff_at=cutoff_at, stopped_by=None, now=NOON)
    assert (found.is_before_cutoff, found.unknown) == (is_before, None)
    assert (found.waiting_count, found.cutoff_at) == (120 * minutes, cutoff_at)


def test_a_stopped_system_has_no_time_and_is_too_late_where_even_the_best_one_is() -> None:
    cutoff_at = NOON + timedelta(minutes=20)
    known = {"pace": pace(), "timetable": ALWAYS_OPEN, "cutoff_at": cutoff_at, "now": NOON}
    early = forecast(120, stopped_by=Unknown.BREAKER_OPEN, **known)  # type: ignore[arg-type]
    late = forecast(12_000, stopped_by=Unknown.BREAKER_OPEN, **known)  # type: ignore[arg-type]
    assert (early.drained_at, early.unknown, early.is_before_cutoff) == (None, Unknown.BREAKER_OPEN, None)
    assert (late.drained_at, late.is_before_cutoff) == (None, False)
    assert early.at_best_at == NOON + 60 * SECOND


def test_without_a_rate_nothing_is_foretold_and_an_empty_queue_is_gone_already() -> None:
    unlimited = forecast(5, pace=None, timetable=ALWAYS_OPEN, cutoff_at=None, stopped_by=None, now=NOON)
    empty = forecast(0, pace=None, timetable=ALWAYS_OPEN, cutoff_at=NOON, stopped_by=Unknown.PAUSED, now=NOON)
    assert (unlimited.drained_at, unlimited.at_best_at, unlimited.unknown) == (None, None, Unknown.NO_RATE)
    assert (empty.drained_at, empty.unknown, empty.is_before_cutoff) == (NOON, None, True)


def test_a_system_that_never_opens_is_never_drained() -> None:
    never = Timetable(windows=Times(spans=(Span(start=at("2020-01-01T00:00:00"), end=at("2020-01-02T00:00:00")),)))
    found = forecast(5, pace=pace(), timetable=never, cutoff_at=None, stopped_by=None, now=NOON)
    assert (found.drained_at, found.unknown) == (None, Unknown.TOO_FAR)


def test_the_cut_off_is_todays_until_it_is_over() -> None:
    cutoff = timedelta(hours=17, minutes=30)
    assert next_cutoff(cutoff, zone=SHANGHAI, now=NOON) == at("2026-11-23T17:30:00")
    assert next_cutoff(cutoff, zone=SHANGHAI, now=at("2026-11-23T17:30:00")) == at("2026-11-23T17:30:00")
    assert next_cutoff(cutoff, zone=SHANGHAI, now=at("2026-11-23T17:30:01")) == at("2026-11-24T17:30:00")
    assert next_cutoff(None, zone=SHANGHAI, now=NOON) is None


def sent_one_by_one(count: int, pace: Pace, timetable: Timetable, now: datetime, *, most: int) -> datetime | None:
    """The same by trying it out, token by token."""
    step = SECOND / pace.rate
    tokens, moment = pace.tokens, now
    for _ in range(most):
        if timetable.closure(moment) is None:
            sent = min(count, int(tokens + 1e-6))
            count, tokens = count - sent, tokens - sent
        if not count:
            return moment
        moment += step
        tokens = min(float(pace.burst), tokens + 1)
    return None


@given(
    st.integers(1, 400),
    st.sampled_from([1.0, 2.0, 5.0]),
    st.integers(0, 3),
    st.lists(st.tuples(st.integers(0, 300), st.integers(1, 120)), max_size=4),
)
def test_a_forecast_is_what_sending_one_after_another_comes_to(
    count: int, rate: float, tokens: int, closed: list[tuple[int, int]]
) -> None:
    works = tuple(Span(start=NOON + begin * SECOND, end=NOON + (begin + length) * SECOND) for begin, length in closed)
    table = Timetable(maintenance=Times(spans=works))
    at_pace = Pace(rate=rate, burst=int(rate), tokens=min(tokens, rate))
    tried = sent_one_by_one(count, at_pace, table, NOON, most=2000)
    told_at = drained_at(count, pace=at_pace, timetable=table, now=NOON)
    assert tried is not None and told_at is not None
    assert abs(tried - told_at) < timedelta(milliseconds=1)


@given(st.integers(1, 100_000), st.integers(0, 1000), timetables, moments)
def test_more_takes_no_less_time_and_the_last_is_sent_while_it_is_open(
    count: int, more: int, table: Timetable, now: datetime
) -> None:
    fewer = drained_at(count, pace=pace(), timetable=table, now=now)
    longer = drained_at(count + more, pace=pace(), timetable=table, now=now)
    if fewer is None:
        assert longer is None
        return
    assert fewer >= now and table.closure(fewer) is None
    assert longer is None or longer >= fewer
