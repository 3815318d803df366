"""Story 3: province is gone from Friday 18:00 to Monday 08:00."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from structlog.testing import capture_logs

from syncgate.domain.alerts import AlertKind
from syncgate.domain.delivery import Phase
from syncgate.domain.outcome import Outcome
from syncgate.domain.rows import BreakerState
from syncgate.flows.delivering.claim import PROBED_AMONG
from syncgate.storage import SqlStore
from tests.integration.flows.worksite import Worksite, answer
from tests.support.cases import an_application
from tests.support.rows import START, SetClock
from tests.weekend.simulation import inversions, share_of, weekend

WEEKEND = timedelta(hours=62)
STEP = timedelta(minutes=10)
STEPS = WEEKEND // STEP


def moves(told: Sequence[Mapping[str, Any]], system: str) -> list[str]:
    """What the log says of a system's breaker."""
    events = [line["event"] for line in told if line.get("system") == system]
    return [event for event in events if event.startswith("breaker_")]


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
    assert moves(told, "province") == ["breaker_opened", "breaker_closed"]
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
    assert moves(told, "food")[:3] == ["breaker_opened", "breaker_closed", "breaker_opened"]


def test_what_a_weekend_left_is_drained_in_order_at_the_rate_and_nobody_else_notices(
    sqlite_store: SqlStore, clock: SetClock
) -> None:
    """Promises 3, 5 and 6, at a size that takes seconds; `make weekend` plays the full one."""
    seen = weekend(sqlite_store, clock, cases=200)
    assert (seen.parked_count, [alert.kind for alert in seen.alerts]) == (0, [AlertKind.SYSTEM_DOWN])
    assert len(seen.first_taken) == seen.cases_count >= 190 and inversions(seen.first_taken) <= seen.tried_count
    assert seen.drained_in <= 1.1 * seen.ideal
    assert seen.foretold is not None and abs(seen.foretold - seen.ideal) <= 0.1 * seen.ideal
    assert {span: share_of(latencies, 1.0) for span, latencies in seen.latencies.items()} == {
        "before": 0,
        "away": 0,
        "drained": 0,
    }
    assert all(seen.latencies.values()) and seen.is_as_promised


def test_a_delivery_that_the_system_cannot_bear_does_not_keep_the_breaker_open(site: Worksite) -> None:
    """Promise 6: of a probe that always fails the next one tries another lane, and none loses its place."""
    cases = [site.post(an_application(f"QX{no}")) for no in range(8)]
    site.systems["food"].script.extend(answer(Outcome.UNAVAILABLE) for _ in range(8))
    site.step("food")
    assert site.row("food").breaker is BreakerState.OPEN
    probed = []
    for _ in range(2 * PROBED_AMONG):
        site.clock.move(minutes=5)
        (work,) = site.claim("food").works
        probed.append(work.case.case_id)
        site.systems["food"].script.append(answer(Outcome.UNAVAILABLE))
        site.settle(work, site.serve(work))
    assert len(set(probed)) >= PROBED_AMONG
    due = {site.only(case.case_id, "food", "application").due_at for case in cases if case.case_id in probed}
    assert due == {START}
