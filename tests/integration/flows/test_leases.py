"""Leases and clocks: who died, who woke late, and what may still be running."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from syncgate.domain.delivery import Event, Phase
from syncgate.domain.errors import StoreUnavailable
from syncgate.flows.delivering.send import send
from syncgate.flows.operating import by_hand
from syncgate.ports import Step
from tests.integration.flows.altered import (
    LONGEST_REQUEST,
    OPERATOR,
    UNKNOWN,
    VISIBLE_AFTER,
    due_at,
    held_for_a_person,
)
from tests.integration.flows.worksite import (
    Worksite,
    activate,
    taken,
)
from tests.support.cases import an_application
from tests.support.rows import START, SetClock

T = TypeVar("T")


def test_a_worker_whose_clock_is_behind_does_not_send_after_its_lease(site: Worksite) -> None:
    """Promise 4; crash point: frozen between claim and send, on a machine a minute behind the store."""
    late = SetClock(START - timedelta(minutes=1))
    behind = replace(site, gate=replace(site.gate, clock=late))
    behind.post(an_application())
    work = behind.claim_one("food")
    lease = (work.lane.lease_until or START) - START
    site.clock.at, late.at = site.clock.at + lease, late.at + lease
    site.rescue()
    behind.serve(work)
    assert site.systems["food"].sends == []


def test_a_worker_whose_clock_is_ahead_does_not_claim_in_circles(site: Worksite) -> None:
    """A hot loop that sends nothing and adds an attempt at each turn."""
    ahead = replace(site, gate=replace(site.gate, clock=SetClock(START + timedelta(minutes=1))))
    ahead.post(an_application())
    ahead.step("food")
    sent = len(site.systems["food"].sends)
    assert sent == 1 or (due_at(site, "food") or START) > site.clock.at


def test_a_worker_whose_clock_is_behind_does_not_ask_while_its_request_can_still_run(site: Worksite) -> None:
    """Promise 4: the store's clock says when absence may be believed, whatever the worker's own says."""
    behind = replace(site, gate=replace(site.gate, clock=SetClock(START - timedelta(minutes=1))))
    accepted = behind.post(an_application())
    site.systems["food"].script.append(UNKNOWN)
    work = behind.claim_one("food")
    behind.settle(work, behind.serve(work))
    delivery = site.only(accepted.case_id, "food", "application")
    assert delivery.due_at == site.clock.at + LONGEST_REQUEST + VISIBLE_AFTER
    assert delivery.sent_at == site.clock.at


def test_noting_the_start_of_a_send_keeps_what_the_lane_learned_since(site: Worksite) -> None:
    """Promise 2 and design §6; race: a post that names the system's number between claim and send."""
    site.run(activate(site.gate, [held_for_a_person(site, "food")]))
    accepted = site.post(an_application("QX1"))
    work = site.claim_one("food")
    site.put(accepted.case_id, an_application("QX1", references={"food": "SP7"}))
    site.systems["food"].script.append(taken(None))
    site.settle(work, site.serve(work))
    assert site.store.read(lambda tx: tx.case_id_by_ref("food", "SP7")) == accepted.case_id


class Down:
    """A writer whose store is gone."""

    async def write(self, step: Step[T]) -> T:
        raise StoreUnavailable("expected the store, got none")

    async def read(self, step: Step[T]) -> T:
        raise StoreUnavailable("expected the store, got none")

    async def aclose(self) -> None:
        pass

    @property
    def is_taking(self) -> bool:
        return True


def test_a_start_that_cannot_be_noted_leaves_nothing_to_ask_a_person(site: Worksite) -> None:
    """Not yet sent is not maybe sent; crash point: the store goes between claim and send."""
    site.run(activate(site.gate, [held_for_a_person(site, "food")]))
    site.post(an_application())
    work = site.claim_one("food")
    gate = replace(site.gate, writer=Down())
    assert site.run(send(gate, work, site.system_of)).event is Event.HANDED_BACK


def test_a_worker_that_dies_before_its_send_began_loses_nothing_and_asks_nobody(site: Worksite) -> None:
    """Promise 3; crash point: between the claim and the noted start, at a system that nobody can ask."""
    site.run(activate(site.gate, [held_for_a_person(site, "food")]))
    accepted = site.post(an_application())
    work = site.claim_one("food")
    site.clock.at = work.lane.lease_until or START
    site.rescue()
    assert site.step("food") == 1
    assert site.only(accepted.case_id, "food", "application").phase is Phase.DELIVERED


def test_a_worker_that_dies_with_a_probe_leaves_an_entry(site: Worksite) -> None:
    """Promise 8: a probe is a send. Crash point: between the probe and its settle."""
    site.systems["province"].script.append(UNKNOWN)
    accepted = site.post(an_application())
    site.step("province")
    site.clock.move(seconds=12)
    work = site.claim_one("province")
    site.serve(work)
    site.clock.at = work.lane.lease_until or START
    site.rescue()
    assert len(site.attempts(site.only(accepted.case_id, "province", "basic_info"))) == 2


def test_after_a_crash_absence_is_not_believed_while_the_request_can_still_run(site: Worksite) -> None:
    """Promise 4; crash point: `kill -9` right after the bytes left, and a start right after that."""
    accepted = site.post(an_application())
    site.serve(site.claim_one("food"))
    site.write(lambda tx: tx.expire_leases())
    site.rescue()
    asked_at = site.only(accepted.case_id, "food", "application").due_at
    assert asked_at is not None
    assert asked_at >= site.clock.at + LONGEST_REQUEST + VISIBLE_AFTER


def test_a_person_who_decides_during_a_look_up_does_not_keep_the_lane_leased(site: Worksite) -> None:
    """A lease that nobody uses until it runs out."""
    site.systems["food"].script.append(UNKNOWN)
    accepted = site.post(an_application())
    site.step("food")
    site.clock.move(seconds=12)
    work = site.claim_one("food")
    delivery = site.only(accepted.case_id, "food", "application")
    site.run(by_hand.confirm(site.gate, OPERATOR, delivery.delivery_id, held=False, remote_ref=None, reason="seen"))
    site.settle(work, site.serve(work))
    assert len(site.claim("food").works) == 1
