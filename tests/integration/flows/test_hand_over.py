"""Lanes that the intake takes from a grant, already leased: never more than granted, never past a pause."""

from __future__ import annotations

from datetime import timedelta

from syncgate.domain.delivery import Phase
from syncgate.domain.outcome import Outcome
from syncgate.domain.rows import Grant
from syncgate.flows.delivering.claim import claim
from syncgate.flows.delivering.work import Work
from syncgate.flows.operating.by_hand import pause
from tests.integration.flows.worksite import WORKER, Worksite, answer, caller
from tests.support.cases import an_application


def test_a_case_taken_in_under_a_grant_is_leased_with_its_commit(site: Worksite, handed: list[Work]) -> None:
    assert site.grant("food").granted == 4
    accepted = site.post(an_application())
    (work,) = handed
    assert (work.lane.system, work.delivery.phase) == ("food", Phase.IN_FLIGHT)
    assert site.claim("food").works == ()
    site.settle(work, site.serve(work))
    assert site.only(accepted.case_id, "food", "application").phase is Phase.DELIVERED
    assert len(site.systems["food"].sends) == 1


def test_no_more_is_handed_over_than_was_granted(site: Worksite, handed: list[Work]) -> None:
    site.grant("food", limit=2)
    for number in range(5):
        site.post(an_application(f"QX{number}"))
    assert len(handed) == 2
    assert len(site.claim("food").works) == 3


def test_a_grant_ends_by_itself(site: Worksite, handed: list[Work]) -> None:
    site.grant("food")
    site.clock.move(seconds=2)
    site.post(an_application())
    assert handed == []


def test_nothing_is_handed_over_while_something_older_waits(site: Worksite, handed: list[Work]) -> None:
    """A lane that falls due ends the grant, so that nobody is overtaken for ever."""
    site.systems["food"].script.append(answer(Outcome.THROTTLED, retry_after=timedelta(milliseconds=1)))
    site.post(an_application("QX1"))
    site.step("food")
    claimed = site.grant("food")
    assert claimed.next_due_at is not None
    site.clock.at = claimed.next_due_at
    site.post(an_application("QX2"))
    assert handed == []


def test_a_pause_ends_the_grant_at_once(site: Worksite, handed: list[Work]) -> None:
    """Promise 9."""
    site.grant("food")
    site.run(pause(site.gate, caller("operator").principal, "food", reason="their maintenance"))
    site.post(an_application())
    assert handed == []


def test_an_opened_breaker_ends_the_grant_at_once(site: Worksite, handed: list[Work]) -> None:
    site.systems["food"].script.append(answer(Outcome.DENIED))
    site.post(an_application("QX1"))
    work = site.claim_one("food")
    site.gate.hand_over.refill("food", 3, site.clock.at + timedelta(seconds=1))
    site.settle(work, site.serve(work))
    site.post(an_application("QX2"))
    assert handed == []


def test_the_grants_of_others_count_as_in_use(site: Worksite) -> None:
    for number in range(10):
        site.post(an_application(f"QX{number}"))
    allowed = site.gate.active_bundle("food").limits.concurrency
    other = Grant(
        system="food", process="worker-2", sends_count=allowed - 3, until=site.clock.at + timedelta(seconds=1)
    )
    site.write(lambda tx: tx.save_grant(other))
    assert len(site.claim("food", limit=100).works) == 3


def test_a_worker_that_dies_with_a_handed_over_lane_loses_nothing(site: Worksite, handed: list[Work]) -> None:
    """Crash point: after the intake's commit, before the send. Promise 3."""
    site.grant("food")
    accepted = site.post(an_application())
    (work,) = handed
    site.clock.at = work.lane.lease_until or site.clock.at
    site.rescue()
    site.clock.move(seconds=12)
    site.run_dry("food")
    assert site.only(accepted.case_id, "food", "application").phase is Phase.DELIVERED
    assert len(site.systems["food"].sends) == 1


def test_rate_tokens_that_a_grant_left_unused_come_back(site: Worksite) -> None:
    before = site.grant("food").granted
    tokens = site.row("food").rate_tokens
    again = site.claim("food", limit=4)
    assert again.granted == before
    assert site.row("food").rate_tokens == tokens


def test_a_quiet_gate_writes_no_grants(site: Worksite) -> None:
    claimed = site.write(lambda tx: claim(site.gate, tx, "food", owner=WORKER, limit=4, is_granting=False))
    assert (claimed.works, claimed.granted) == ((), 0)
    assert site.store.read(lambda tx: tx.grants("food")) == []
