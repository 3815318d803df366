"""Promise 6: what one system does delays no other. Promise 12: whatever reaches a system is a delivery's attempt."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from syncgate.domain.delivery import Phase
from syncgate.domain.outcome import Outcome
from syncgate.domain.rows import AttemptKind, BreakerState
from tests.integration.flows.worksite import Worksite, answer
from tests.support.cases import an_application

AT_ONCE = 8
"""The concurrency of province and of food."""


def _hangs(site: Worksite) -> None:
    """Province keeps as many requests open as it may have."""
    assert len(site.claim("province", limit=2 * AT_ONCE).works) == AT_ONCE


def _is_down(site: Worksite) -> None:
    for _ in range(AT_ONCE):
        site.systems["province"].script.append(answer(Outcome.UNAVAILABLE))
    site.step("province")
    assert site.row("province").breaker is BreakerState.OPEN


def _refuses_all(site: Worksite) -> None:
    for _ in range(2 * AT_ONCE):
        site.systems["province"].script.append(answer(Outcome.REFUSED, reason="field_refused", actor="source"))
    site.step("province")


@pytest.mark.parametrize("trouble", [_hangs, _is_down, _refuses_all])
def test_a_system_in_trouble_takes_nothing_from_another(site: Worksite, trouble: Callable[[Worksite], None]) -> None:
    """Promise 6."""
    cases = [site.post(an_application(f"QX{no}")) for no in range(2 * AT_ONCE)]
    trouble(site)
    assert len(site.claim("food", limit=2 * AT_ONCE, owner="worker-2").works) == AT_ONCE
    assert site.row("food").breaker is BreakerState.CLOSED
    assert all(d.phase is not Phase.PARKED for case in cases for d in site.deliveries(case.case_id, "food"))


@pytest.mark.parametrize(
    "outcome", [Outcome.TAKEN, Outcome.REFUSED, Outcome.THROTTLED, Outcome.UNAVAILABLE, Outcome.UNKNOWN]
)
def test_every_request_that_a_system_gets_is_an_attempt(site: Worksite, outcome: Outcome) -> None:
    """Promises 8 and 12: a look-up is none, since it writes nothing there."""
    accepted = site.post(an_application())
    if outcome is not Outcome.TAKEN:
        site.systems["food"].script.append(answer(outcome, reason="field_refused"))
    site.run_dry("food")
    attempts = [
        attempt
        for delivery in site.deliveries(accepted.case_id, "food")
        for attempt in site.store.read(lambda tx, d=delivery: tx.attempts(d.delivery_id))  # type: ignore[misc]
        if attempt.kind is AttemptKind.SEND
    ]
    assert len(site.systems["food"].sends) == len(attempts) > 0
