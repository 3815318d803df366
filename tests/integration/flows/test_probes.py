"""Pauses, grants and the breaker's probes between claim and settle."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from syncgate.domain.delivery import Phase
from syncgate.domain.outcome import Outcome
from syncgate.domain.rows import BreakerState, Delivery
from syncgate.flows.delivering.work import Work
from syncgate.flows.operating import by_hand
from syncgate.ports.store import DeliveryFilter
from tests.integration.flows.altered import (
    OPERATOR,
)
from tests.integration.flows.worksite import (
    Worksite,
    answer,
)
from tests.support.cases import an_application


def test_a_pause_between_a_claims_commit_and_its_return_ends_the_grant(site: Worksite, handed: list[Work]) -> None:
    """Promise 9; race: the writer thread commits claim and pause before the event loop notes the claim's grant."""
    claimed = site.claim("food", limit=4)
    assert claimed.granted_until is not None
    site.run(by_hand.pause(site.gate, OPERATOR, "food", reason="their maintenance"))
    site.gate.hand_over.refill("food", claimed.granted, claimed.granted_until)
    site.post(an_application())
    assert handed == []


def test_a_claim_that_sends_nothing_begins_no_probe(site: Worksite) -> None:
    """A probe that never settles: the open time grows from probe_after to a lease."""
    row = replace(site.row("food"), breaker=BreakerState.OPEN, breaker_until=site.clock.at + timedelta(seconds=2))
    site.write(lambda tx: tx.save_system(row))
    site.gate.hand_over.refill("food", 3, site.clock.at + timedelta(seconds=1))
    site.gate.hand_over.connect(lambda works: None)
    assert site.claim("food").works == ()
    assert not site.row("food").is_probing


def test_a_probe_that_is_parked_unsent_makes_way_for_the_next(site: Worksite) -> None:
    """Promise 6: each case that cannot be mapped keeps a system that is well again shut for a whole lease."""
    site.systems["food"].script.append(answer(Outcome.DENIED))
    site.post(an_application("QX0"))
    site.step("food")
    site.clock.move(seconds=1)
    bad = {**an_application()["form"], "主体业态": "9"}
    site.write(lambda tx: tx.save_system(replace(site.row("food"), breaker_until=site.clock.at)))
    (first,) = _all_food(site)
    site.run(by_hand.cancel(site.gate, OPERATOR, first.delivery_id, reason="not of this test"))
    site.post(an_application("QX1", form=bad))
    site.clock.move(seconds=1)
    site.post(an_application("QX2"))
    site.step("food")
    assert [d.reason for d in _all_food(site) if d.phase is Phase.PARKED] == ["unmapped_code"]
    assert site.step("food") == 1


def _all_food(site: Worksite) -> list[Delivery]:
    where = DeliveryFilter(systems=("food",))
    return site.store.read(lambda tx: tx.list_deliveries(where, after=None, limit=9))


def test_a_settle_that_is_repeated_counts_one_failure(site: Worksite) -> None:
    """Promise 8: a late entry moves nothing else. Crash point: the commit of a settle is not seen."""
    site.systems["food"].script.append(answer(Outcome.UNAVAILABLE))
    site.post(an_application())
    work = site.claim_one("food")
    verdict = site.serve(work)
    site.settle(work, verdict)
    assert site.settle(work, verdict).is_late
    assert site.row("food").failures_count == 1
