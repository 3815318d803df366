"""A source that usually posts and is silent is told of once, until it posts again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from syncgate.domain.alerts import AlertKind
from syncgate.flows.alerting.listening import look_for_silence
from syncgate.storage import SqlStore
from tests.integration.flows.returnsite import return_site
from tests.integration.flows.worksite import Worksite
from tests.support.cases import an_application
from tests.support.rows import SetClock

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 3, 2, 9, 10, tzinfo=ZONE).astimezone(UTC)


@pytest.fixture
def site(store: SqlStore, clock: SetClock) -> Worksite:
    return return_site(store, clock)


def listen(site: Worksite, **how: object) -> None:
    site.run(look_for_silence(site.gate, zone=ZONE, after=2, **how))  # type: ignore[arg-type]


def open_kinds(site: Worksite) -> list[AlertKind]:
    return [alert.kind for alert in site.store.read(lambda tx: tx.open_alerts("window"))]


def post_for_weeks(site: Worksite, weeks: int) -> None:
    """Two posts every Monday, at nine and at ten."""
    for week in range(weeks):
        for hour in range(2):
            site.clock.at = MONDAY + timedelta(weeks=week, hours=hour)
            site.post(an_application(f"W{week}-{hour}"))


def test_a_silent_monday_is_told_once_and_is_over_with_the_next_post(site: Worksite) -> None:
    post_for_weeks(site, 4)
    site.clock.at = MONDAY + timedelta(weeks=4, hours=1)
    listen(site)
    assert open_kinds(site) == [], "the second usual hour is not over"
    site.clock.move(hours=1)
    listen(site)
    site.clock.move(hours=5)
    listen(site)
    assert open_kinds(site) == [AlertKind.SILENT_SOURCE]
    (alert,) = site.store.read(lambda tx: tx.open_alerts("window"))
    assert alert.raised_at == MONDAY + timedelta(weeks=4, hours=2)
    site.post(an_application("late"))
    listen(site)
    assert open_kinds(site) == []


def test_a_declared_holiday_and_a_new_source_are_quiet(site: Worksite) -> None:
    post_for_weeks(site, 4)
    site.clock.at = MONDAY + timedelta(weeks=4, hours=6)
    listen(site, holidays={site.clock.at.astimezone(ZONE).date()})
    assert open_kinds(site) == []


def test_two_processes_that_listen_count_each_post_once(site: Worksite) -> None:
    post_for_weeks(site, 1)
    listen(site)
    listen(site)
    assert sum(site.store.read(lambda tx: tx.posts("window", since=MONDAY - timedelta(days=1))).values()) == 2
