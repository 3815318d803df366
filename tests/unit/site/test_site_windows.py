"""What an adapter says of hours, days and maintenance becomes a timetable; everything wrong is named at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from syncgate.domain.closures import Why
from tests.unit.site.conftest import ADAPTER, FILES, compiled, problems

A = "adapters/archive/adapter.yaml"
SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def with_more(text: str) -> dict[str, str]:
    return {**FILES, A: ADAPTER + text}


def test_an_adapter_without_hours_is_always_open() -> None:
    bundle = compiled()
    assert bundle.timetable.is_always_open and (bundle.cutoff, bundle.promised_within) == (None, None)


def test_hours_are_the_sites_and_go_over_midnight() -> None:
    bundle = compiled(
        with_more('windows: [{from: "17:30", until: "08:00"}]\ncutoff: "17:30"\npriority: {promised_within: 2d}\n')
    )
    assert bundle.promised_within == timedelta(days=2)
    closure = bundle.timetable.closure(datetime(2026, 11, 23, 1, 0, tzinfo=UTC))
    assert closure is not None and (closure.why, closure.until) == (Why.OUTSIDE_WINDOW, at("2026-11-23T17:30"))
    assert (bundle.cutoff, bundle.zone) == (timedelta(hours=17, minutes=30), SHANGHAI)


def test_public_holidays_and_days_made_up_for_are_those_that_were_announced() -> None:
    """In 2026 the National Day holiday ends on 7 October; Saturday 10 October is worked for it."""
    more = 'windows: [{on: workdays, from: "09:00", until: "17:00"}]\ncalendar: {country: china, rest: [2026-11-24]}\n'
    table = compiled(with_more(more)).timetable
    open_on = [day for day in (1, 7, 8, 10, 11) if table.closure(at(f"2026-10-{day:02}T10:00")) is None]
    assert open_on == [8, 10]
    assert table.closure(at("2026-11-24T10:00")) is not None and table.closure(at("2026-11-25T10:00")) is None


def test_maintenance_comes_back_or_is_meant_once() -> None:
    more = (
        'maintenance: [{on: [sun], from: "02:00", until: "04:00", reason: weekly backup},\n'
        "  {from: 2026-12-31T22:00, until: 2027-01-01T06:00+08:00, reason: both or none},\n"
        "  {from: 2026-12-31T22:00, until: 2027-01-01T06:00, reason: new release}]\n"
    )
    (problem,) = problems(lambda: compiled(with_more(more)))
    assert problem.endswith("expected an offset at both times or at none")
    table = compiled(with_more(more.replace("+08:00", ""))).timetable
    weekly, once = table.closure(at("2026-11-29T03:00")), table.closure(at("2027-01-01T01:00"))
    assert (weekly and weekly.reason, once and once.until) == ("weekly backup", at("2027-01-01T06:00"))


def test_everything_wrong_is_named_at_once() -> None:
    more = (
        'windows: [{from: "24:00", until: "08:00"}, {from: "08:00", until: "08:00"},\n'
        "  {on: [monday], from: 9, until: x},\n"
        '  {on: workday, from: "08:00", until: "09:00"}]\n'
        "calendar: {rest: [2026-10-01], work: [2026-10-01, soon]}\n"
        'maintenance: [{from: "02:00", until: "04:00"}]\ncutoff: 1730\n'
        "priority: {promised_within: 0s}\n"
    )
    told = problems(lambda: compiled(with_more(more)))
    for words in (
        "windows.0.from: expected a time of the day such as 00:00, got 24:00",
        "windows.1: expected hours that end at another time",
        "unknown weekday 'monday'; the nearest known is 'mon'",
        "windows.2.from: expected a time of the day such as 17:30, quoted",
        "windows.2.until: expected a time of the day such as 17:30, quoted",
        "unknown sort of days 'workday'; the nearest known is 'workdays'",
        "calendar.work.1: expected a day such as 2026-10-01",
        "cutoff: expected a time of the day",
        "priority.promised_within: ",
    ):
        assert any(words in one for one in told), (words, told)
    assert any(one.endswith("expected the key 'reason', got none") for one in told), told
