"""Story 3: province is gone from Friday 18:00 to Monday 08:00."""

from __future__ import annotations

from datetime import timedelta

from structlog.testing import capture_logs

from syncgate.domain.delivery import Phase
from syncgate.domain.outcome import Outcome
from tests.integration.flows.worksite import Worksite, answer
from tests.support.cases import an_application

WEEKEND = timedelta(hours=62)
STEP = timedelta(minutes=10)
STEPS = WEEKEND // STEP


def test_a_weekend_without_province_parks_nothing_is_told_once_and_leaves_nothing_behind(site: Worksite) -> None:
    """Promises 3 and 6: whoever posts at the weekend waits for province alone, and nobody is woken twice for it."""
    site.systems["province"].script.extend(answer(Outcome.UNAVAILABLE) for _ in range(STEPS))
    posted = []
    with capture_logs() as told:
        for number in range(STEPS):
            if number % 30 == 0:
                posted.append(site.post(an_application(f"QX{number:04d}")))
                site.run_dry("food")
            site.step("province")
            site.clock.move(seconds=int(STEP.total_seconds()))
        waiting = [d for case in posted for d in site.deliveries(case.case_id, "province")]
        assert {delivery.phase for delivery in waiting} == {Phase.PENDING}
        site.run_dry("province")
    assert [line["event"] for line in told if line.get("system") == "province"] == ["breaker_opened", "breaker_closed"]
    for case in posted:
        held = [d for system in ("province", "food") for d in site.deliveries(case.case_id, system)]
        assert {delivery.phase for delivery in held} == {Phase.DELIVERED}


def test_a_breaker_that_opens_again_is_told_again(site: Worksite) -> None:
    denied = answer(Outcome.DENIED, reason="credentials_refused", actor="operations")
    site.systems["food"].script.append(denied)
    with capture_logs() as told:
        site.post(an_application())
        for _ in range(3):
            site.step("food")
            site.clock.move(seconds=30)
        site.systems["food"].script.append(denied)
        site.post(an_application("QX2"))
        site.run_dry("food")
    events = [line["event"] for line in told if line.get("system") == "food"]
    assert events[:3] == ["breaker_opened", "breaker_closed", "breaker_opened"]
