"""What a system calls a delivery, in characters that no store holds: it counts as no number, and nothing hangs."""

from __future__ import annotations

import pytest

from syncgate.domain.delivery import Phase
from syncgate.domain.outcome import Evidence, Found, Outcome, Reading
from tests.integration.flows.worksite import Worksite, answer
from tests.support.cases import an_application

UNKEPT = ["R\0-1", "\0", "R\ud800"]


@pytest.mark.parametrize("number", UNKEPT)
def test_a_number_that_no_store_can_hold_counts_as_none(site: Worksite, number: str) -> None:
    """Promises 3 and 8: what was taken is delivered, not left in flight until its lease ends, again and again."""
    accepted = site.post(an_application())
    site.systems["food"].script.append(answer(Outcome.TAKEN, remote_ref=number))
    site.step("food")
    taken = site.only(accepted.case_id, "food", "application")
    assert (taken.phase, taken.remote_ref) == (Phase.DELIVERED, None)


@pytest.mark.parametrize("number", UNKEPT)
def test_a_number_that_a_look_up_brings_and_no_store_can_hold_counts_as_none(number: str) -> None:
    reading = Reading(found=Found.RECORD, evidence=Evidence(), record={}, remote_ref=number)
    assert reading.remote_ref is None
