"""Announced maintenance: no sends, no probes, no breaker, no alarm; then all goes on by itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from syncgate.domain.alerts import AlertKind
from syncgate.domain.delivery import Phase
from syncgate.domain.errors import NotFound
from syncgate.domain.outcome import Outcome
from syncgate.domain.rows import BreakerState
from syncgate.flows.alerting.telling import tell_due
from syncgate.flows.alerting.wording import Wording
from syncgate.flows.operating.by_hand import resume
from syncgate.flows.operating.maintenance import (
    Announced,
    InvalidMaintenance,
    MaintenanceWish,
    announce_maintenance,
    end_maintenance,
)
from syncgate.flows.showing.systems import read_system
from syncgate.telling import Message
from tests.integration.flows.test_closures import PERSON
from tests.integration.flows.worksite import Worksite, answer
from tests.support.cases import an_application

HOUR = timedelta(hours=1)


class Heard:
    """A way of telling that only remembers."""

    name = "heard"

    def __init__(self) -> None:
        self.said: list[str] = []

    async def tell(self, message: Message) -> None:
        self.said.append(message.subject)


def announce(
    site: Worksite, system: str = "food", *, starts_in: timedelta | None = None, hours: float = 8
) -> Announced:
    now = site.clock.at
    begins = None if starts_in is None else now + starts_in
    wish = MaintenanceWish(starts_at=begins, until=(begins or now) + hours * HOUR, reason="new release")
    return site.run(announce_maintenance(site.gate, PERSON, system, wish))


def tell(site: Worksite, heard: Heard) -> None:
    wording = Wording(site={"en": "City"}, language="en", zone=ZoneInfo("Asia/Shanghai"), repeat=4 * HOUR)
    site.run(tell_due(site.gate, [heard], wording))


def alerts(site: Worksite, system: str = "food") -> Sequence[AlertKind]:
    return [alert.kind for alert in site.store.read(lambda tx: tx.open_alerts(system))]


def goes_down(site: Worksite, system: str, outcome: Outcome = Outcome.UNAVAILABLE, *, times: int = 8) -> None:
    site.systems[system].script.extend(answer(outcome) for _ in range(times))


def test_maintenance_stops_one_system_and_resumes_by_itself(site: Worksite) -> None:
    """Promises 6 and 9."""
    announce(site)
    case = site.post(an_application())
    assert (site.step("food"), site.step("province") > 0) == (0, True)
    site.clock.move(hours=7, minutes=59)
    assert site.step("food") == 0
    site.clock.move(minutes=1)
    assert site.step("food") == 1
    assert site.only(case.case_id, "food", "application").phase is Phase.DELIVERED


def test_maintenance_to_come_stops_nothing_yet(site: Worksite) -> None:
    announce(site, starts_in=HOUR)
    site.post(an_application())
    assert site.step("food") == 1
    site.clock.move(hours=1)
    site.post(an_application("QX2"))
    assert site.step("food") == 0


def test_no_probe_goes_out_and_nobody_is_told_while_it_lasts(site: Worksite) -> None:
    heard = Heard()
    goes_down(site, "food")
    for no in range(8):
        site.post(an_application(f"QX{no}"))
    site.step("food")
    assert site.row("food").breaker is BreakerState.OPEN and alerts(site) == [AlertKind.SYSTEM_DOWN]
    announce(site)
    sent = len(site.systems["food"].sends)
    for _ in range(16):
        tell(site, heard)
        site.step("food")
        site.clock.move(minutes=29)
    assert (heard.said, len(site.systems["food"].sends) - sent) == ([], 0)
    site.clock.move(minutes=16)
    tell(site, heard)
    assert len(heard.said) == 1, "what is still so when it is over is told then"
    site.run_dry("food")
    assert site.row("food").breaker is BreakerState.CLOSED and alerts(site) == []


def test_what_was_on_its_way_when_it_began_counts_for_nothing(site: Worksite) -> None:
    cases = [site.post(an_application(f"QX{no}")) for no in range(8)]
    works = site.claim("food").works
    assert announce(site).in_flight == 8
    goes_down(site, "food")
    for work in works:
        site.settle(work, site.serve(work))
    assert site.row("food").breaker is BreakerState.CLOSED and alerts(site) == []
    waiting = [site.only(case.case_id, "food", "application") for case in cases]
    assert {(one.phase, one.tries_count) for one in waiting} == {(Phase.PENDING, 0)}


def test_a_system_that_lets_nobody_in_is_told_at_once_and_one_that_is_away_after_two_probes(site: Worksite) -> None:
    heard = Heard()
    goes_down(site, "food", Outcome.DENIED)
    goes_down(site, "province")
    for no in range(8):
        site.post(an_application(f"QX{no}"))
    site.step("food")
    site.step("province")
    assert (alerts(site), alerts(site, "province")) == ([AlertKind.SYSTEM_DOWN], [AlertKind.SYSTEM_DOWN])
    tell(site, heard)
    assert len(heard.said) == 1 and "a system is down" in heard.said[0]
    site.clock.at += 2 * site.gate.active_bundle("province").breaker.probe_after
    tell(site, heard)
    assert len(heard.said) == 2
    site.run(resume(site.gate, PERSON, "province", reason="they called"))
    assert alerts(site, "province") == []


def test_maintenance_that_is_called_off_leaves_nothing_behind(site: Worksite) -> None:
    first, second = announce(site), announce(site, starts_in=2 * HOUR)
    shown = site.run(read_system(site.gate, PERSON, "food"))
    assert [one.maintenance_id for one in shown.maintenance] == [
        first.maintenance.maintenance_id,
        second.maintenance.maintenance_id,
    ]
    assert shown.closure is not None and shown.closure.until == site.clock.at + 10 * HOUR
    site.post(an_application())
    site.run(end_maintenance(site.gate, PERSON, "food", first.maintenance.maintenance_id))
    assert site.step("food") == 1
    site.run(end_maintenance(site.gate, PERSON, "food", second.maintenance.maintenance_id))
    assert site.row("food").maintenance is None
    with pytest.raises(NotFound):
        site.run(end_maintenance(site.gate, PERSON, "food", second.maintenance.maintenance_id))
    audited = site.store.read(lambda tx: tx.list_audit(limit=4))
    assert [entry["action"] for entry in audited] == [
        "maintenance_ended",
        "maintenance_ended",
        "maintenance",
        "maintenance",
    ]


@pytest.mark.parametrize("hours", [0, -1])
def test_maintenance_that_is_over_before_it_begins_is_refused(site: Worksite, hours: float) -> None:
    with pytest.raises(InvalidMaintenance):
        announce(site, hours=hours)
    with pytest.raises(NotFound):
        announce(site, "window")
    assert site.row("food").maintenance is None


def test_the_forecast_waits_for_its_end_and_says_nothing_certain_of_an_open_breaker(site: Worksite) -> None:
    def forecast() -> tuple[datetime | None, str | None]:
        found = site.run(read_system(site.gate, PERSON, "food")).forecast
        assert found is not None
        return found.drained_at, found.unknown

    goes_down(site, "food", Outcome.DENIED, times=1)
    site.post(an_application())
    announced = announce(site)
    assert forecast() == (announced.maintenance.until, None)
    site.run(end_maintenance(site.gate, PERSON, "food", announced.maintenance.maintenance_id))
    site.step("food")
    assert forecast() == (None, "breaker_open")
