"""Questions about an unknown outcome that could not be asked or answered."""

from __future__ import annotations

from datetime import timedelta

from syncgate.domain.delivery import Phase
from syncgate.domain.outcome import Evidence, Found, Reading
from tests.integration.flows.altered import (
    UNKNOWN,
)
from tests.integration.flows.worksite import (
    Worksite,
)
from tests.support.cases import an_application
from tests.support.rows import START


def test_an_outage_longer_than_final_after_leaves_nothing_to_a_person_that_the_system_can_tell(
    site: Worksite,
) -> None:
    """An unconfirmed delivery without a due time although the system can be asked again after its outage."""
    food = site.systems["food"]
    food.script.append(UNKNOWN)
    food.takes_silently = True
    accepted = site.post(an_application())
    site.step("food")
    food.readings.extend(Reading(Found.DENIED, Evidence("GET /", None, b"", 401)) for _ in range(40))
    for _ in range(40):
        site.clock.move(minutes=1)
        site.step("food")
    food.readings.clear()
    site.clock.move(minutes=1)
    site.run_dry("food")
    assert site.only(accepted.case_id, "food", "application").phase is Phase.DELIVERED


def test_a_question_that_was_not_asked_is_not_the_last_one(site: Worksite) -> None:
    """An unconfirmed delivery without a due time; crash point: stopped for longer than final_after, then too busy."""
    food = site.systems["food"]
    food.script.append(UNKNOWN)
    food.takes_silently = True
    accepted = site.post(an_application())
    site.step("food")
    site.clock.move(hours=1)
    work = site.claim_one("food")
    site.clock.at = (work.lane.lease_until or START) - timedelta(seconds=1)
    site.settle(work, site.serve(work))
    site.run_dry("food")
    assert site.only(accepted.case_id, "food", "application").phase is Phase.DELIVERED
