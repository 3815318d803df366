"""After an outage what is promised soon goes first, each case in its own order, and nobody is passed for ever."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from syncgate.domain.delivery import Phase
from tests.integration.flows.altered import rewritten
from tests.integration.flows.worksite import Worksite, activate
from tests.support.cases import a_stage, an_application

ADAPTER = "adapters/food/adapter.yaml"
HOUR = timedelta(hours=1)


@pytest.fixture
def hurried(site: Worksite) -> Worksite:
    """A site whose food sends first what is promised within a day."""
    more = "system: food\npriority: {promised_within: 24h}\n"
    site.run(activate(site.gate, [rewritten(site, "food", ADAPTER, "system: food\n", more)]))
    return site


def posted(site: Worksite, case_no: str, *, promised_in: timedelta) -> UUID:
    """A case that comes now and is promised so long from now."""
    at: datetime = site.clock.at + promised_in
    document = an_application(case_no, promised_at=at.isoformat(), stages=[a_stage("s1", "accepted")])
    return site.post(document).case_id


def order(site: Worksite) -> list[str]:
    """The cases that food took, in the order in which it took the first of each."""
    return list(dict.fromkeys(request.keys["case_no"] for request in site.systems["food"].sends))


def serve_one_by_one(site: Worksite) -> None:
    while works := site.claim("food", limit=1).works:
        site.settle(works[0], site.serve(works[0]))


def test_what_is_promised_soon_passes_what_waited_longer(hurried: Worksite) -> None:
    for number in range(3):
        posted(hurried, f"CALM{number}", promised_in=20 * 24 * HOUR)
        hurried.clock.at += HOUR
    urgent = [posted(hurried, f"SOON{number}", promised_in=(3 - number) * HOUR) for number in range(2)]
    serve_one_by_one(hurried)
    assert order(hurried) == ["SOON1", "SOON0", "CALM0", "CALM1", "CALM2"]
    for case in urgent:
        assert {delivery.phase for delivery in hurried.deliveries(case, "food")} == {Phase.DELIVERED}


def test_nothing_that_waited_longer_than_the_time_ahead_is_passed(hurried: Worksite) -> None:
    posted(hurried, "OLD", promised_in=20 * 24 * HOUR)
    hurried.clock.at += 25 * HOUR
    posted(hurried, "LATE", promised_in=-5 * HOUR)
    serve_one_by_one(hurried)
    assert order(hurried) == ["OLD", "LATE"]


def test_a_correction_of_the_promise_moves_the_case(hurried: Worksite) -> None:
    calm = posted(hurried, "CALM", promised_in=20 * 24 * HOUR)
    hurried.clock.at += HOUR
    moved = posted(hurried, "MOVED", promised_in=20 * 24 * HOUR)
    hurried.patch(moved, {"promised_at": (hurried.clock.at + HOUR).isoformat()})
    serve_one_by_one(hurried)
    assert order(hurried) == ["MOVED", "CALM"]
    assert hurried.deliveries(calm, "food")


def test_without_priority_age_alone_counts(site: Worksite) -> None:
    posted(site, "CALM", promised_in=20 * 24 * HOUR)
    site.clock.at += HOUR
    posted(site, "SOON", promised_in=HOUR)
    serve_one_by_one(site)
    assert order(site) == ["CALM", "SOON"]
