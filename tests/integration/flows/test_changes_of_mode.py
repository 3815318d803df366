"""Changing a system's mode sends nothing, whatever waits for it and whoever queued it meanwhile (promise 13)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from syncgate.domain.delivery import Phase
from syncgate.domain.outcome import Outcome
from syncgate.domain.rows import Delivery
from syncgate.flows.operating import by_hand
from syncgate.flows.operating.by_hand import NotLive, requeue
from syncgate.flows.operating.failed import Failed
from syncgate.flows.operating.replan_wish import ReplanWish
from syncgate.flows.operating.replanning import replan_system
from syncgate.flows.operating.requeueing import begin
from tests.integration.flows.altered import OPERATOR, UNKNOWN, altered, held_for_a_person
from tests.integration.flows.worksite import Worksite, activate, answer
from tests.support.cases import a_hotline_case

SYSTEM = "workorders"
MODES = ("draft", "shadow", "live", "manual", "retired")
REASONS = {
    "manual": "typed_by_hand",
    "shadow": "only_checked",
    "draft": "system_not_in_use",
    "retired": "system_not_in_use",
}
PERSON = replace(OPERATOR, role="operator", sources=())


def in_mode(site: Worksite, mode: str) -> None:
    site.run(activate(site.gate, [altered(site, SYSTEM, mode=mode)]))


def stands(site: Worksite, case_id: UUID) -> list[tuple[str, str | None]]:
    return [(d.phase.value, d.reason) for d in site.deliveries(case_id, SYSTEM)]


def sent(site: Worksite) -> int:
    return len(site.systems[SYSTEM].sends)


def refused(site: Worksite, number: str = "HL-REFUSED") -> Delivery:
    """One that the system, live, did not take."""
    site.systems[SYSTEM].script.append(answer(Outcome.REFUSED, reason="field_refused", actor="source"))
    accepted = site.post(a_hotline_case(number))
    site.run_dry(SYSTEM)
    (delivery,) = site.deliveries(accepted.case_id, SYSTEM)
    assert delivery.phase is Phase.PARKED
    return delivery


def expected_of(mode: str) -> list[tuple[str, str | None]]:
    """What a case that comes in this mode gets."""
    if mode in ("draft", "retired"):
        return []
    return [("delivered", None)] if mode == "live" else [("parked", REASONS[mode])]


@pytest.mark.parametrize(("former", "later"), list(permutations(MODES, 2)))
class TestEveryChangeOfMode:
    def test_sends_nothing_that_came_before_it(self, site: Worksite, former: str, later: str) -> None:
        """Promises 3 and 13: nothing goes, nothing is lost, and what was held stays."""
        held = site.post(a_hotline_case("HL1"))
        site.run_dry(SYSTEM)
        failed = refused(site)
        waiting = site.post(a_hotline_case("HL2"))
        before = sent(site)
        in_mode(site, former)
        between = site.post(a_hotline_case("HL3"))
        in_mode(site, later)
        if former != "live":
            site.run_dry(SYSTEM)
            assert sent(site) == before
            assert stands(site, waiting.case_id) == [("parked", REASONS[former])]
            assert stands(site, between.case_id) == expected_of(former)
        elif later != "live":
            site.run_dry(SYSTEM)
            assert sent(site) == before
            assert stands(site, waiting.case_id) == stands(site, between.case_id) == [("parked", REASONS[later])]
        assert stands(site, held.case_id) == [("delivered", None)]
        assert stands(site, failed.case_id) == [("parked", "field_refused")]

    def test_is_what_the_next_case_is_treated_by(self, site: Worksite, former: str, later: str) -> None:
        in_mode(site, former)
        in_mode(site, later)
        accepted = site.post(a_hotline_case("HL4"))
        site.run_dry(SYSTEM)
        assert stands(site, accepted.case_id) == expected_of(later)
        assert sent(site) == (later == "live")


def test_what_is_live_already_goes_on_with_what_waits(site: Worksite) -> None:
    """Only a change of mode sets aside: another mapping, address or limit does not."""
    accepted = site.post(a_hotline_case())
    in_mode(site, "live")
    site.run_dry(SYSTEM)
    assert stands(site, accepted.case_id) == [("delivered", None)]


@pytest.mark.parametrize("mode", sorted(REASONS))
class TestWhileASystemIsNotLive:
    def test_nothing_of_it_is_requeued(self, site: Worksite, mode: str) -> None:
        """Promise 13: else it would go out when the mode changes."""
        delivery = refused(site)
        before = sent(site)
        in_mode(site, mode)
        with pytest.raises(NotLive, match=mode):
            site.run(requeue(site.gate, PERSON, delivery.delivery_id, reason="mended"))
        failed = Failed(system=SYSTEM, reason="field_refused")
        with pytest.raises(NotLive):
            site.run(begin(site.gate, PERSON, failed, cap=10, canary=0, reason="mended"))
        in_mode(site, "live")
        site.run_dry(SYSTEM)
        assert sent(site) == before
        assert stands(site, delivery.case_id) == [("parked", "field_refused")]

    def test_what_turns_out_not_to_be_there_is_set_aside(self, site: Worksite, mode: str) -> None:
        """A person says that the system has it not: it is not sent when the mode changes."""
        site.run(activate(site.gate, [held_for_a_person(site, SYSTEM)]))
        site.systems[SYSTEM].script.append(UNKNOWN)
        accepted = site.post(a_hotline_case())
        site.run_dry(SYSTEM)
        (delivery,) = site.deliveries(accepted.case_id, SYSTEM)
        assert delivery.phase is Phase.UNCONFIRMED
        in_mode(site, mode)
        site.run(
            by_hand.confirm(site.gate, PERSON, delivery.delivery_id, held=False, remote_ref=None, reason="looked it up")
        )
        in_mode(site, "live")
        site.run_dry(SYSTEM)
        assert (sent(site), stands(site, accepted.case_id)) == (1, [("parked", REASONS[mode])])


@pytest.mark.parametrize("mode", ["manual", "shadow"])
class TestWhileASystemIsSentNothing:
    def test_new_content_of_what_failed_is_set_aside(self, site: Worksite, mode: str) -> None:
        delivery = refused(site)
        before = sent(site)
        in_mode(site, mode)
        site.patch(delivery.case_id, {"location": {"text": "东示区示例路9号"}})
        assert stands(site, delivery.case_id) == [("parked", REASONS[mode])]
        in_mode(site, "live")
        site.run_dry(SYSTEM)
        assert sent(site) == before

    def test_what_was_set_aside_goes_by_a_persons_requeue_once_it_is_live(self, site: Worksite, mode: str) -> None:
        in_mode(site, mode)
        accepted = site.post(a_hotline_case())
        in_mode(site, "live")
        site.clock.move(seconds=1)
        failed = Failed(system=SYSTEM, reason=REASONS[mode])
        done = site.run(begin(site.gate, PERSON, failed, cap=10, canary=0, reason="went live"))
        site.run_dry(SYSTEM)
        assert (done.queued, stands(site, accepted.case_id)) == (1, [("delivered", None)])

    def test_what_another_process_queued_late_is_set_aside_before_it_goes_live(self, site: Worksite, mode: str) -> None:
        """Crash point: a process that does not know the new mode yet queues between the deploys."""
        knows = site.gate.active_bundle(SYSTEM)
        in_mode(site, mode)
        late = replace(site.gate, active={**site.gate.active, SYSTEM: knows.digest})
        waiting = Worksite(site.store, site.clock, late, site.systems).post(a_hotline_case())
        assert stands(site, waiting.case_id) == [("pending", None)]
        in_mode(site, "live")
        site.run_dry(SYSTEM)
        assert (sent(site), stands(site, waiting.case_id)) == (0, [("parked", REASONS[mode])])


def test_a_retired_systems_leftovers_go_by_a_persons_replan(site: Worksite) -> None:
    accepted = site.post(a_hotline_case())
    in_mode(site, "retired")
    in_mode(site, "live")
    wish: Any = ReplanWish(since=site.clock.at - timedelta(days=1))
    done = site.run(replan_system(site.gate, PERSON, SYSTEM, wish, cap=10, reason="back again"))
    site.run_dry(SYSTEM)
    assert (done.tally.sent, stands(site, accepted.case_id)) == (1, [("delivered", None)])


def test_what_a_person_typed_meanwhile_is_not_overwritten_by_what_was_in_doubt_before(site: Worksite) -> None:
    """Promise 5: the look-up shows the older content absent, because the newer one was typed in its place."""
    site.systems[SYSTEM].script.append(UNKNOWN)
    accepted = site.post(a_hotline_case())
    site.step(SYSTEM)
    in_mode(site, "manual")
    site.patch(accepted.case_id, {"location": {"text": "东示区示例路9号"}})
    older, newer = site.deliveries(accepted.case_id, SYSTEM)
    assert (older.phase, newer.reason) == (Phase.UNCONFIRMED, REASONS["manual"])
    confirming = by_hand.confirm(site.gate, PERSON, newer.delivery_id, held=True, remote_ref=None, reason="typed")
    site.run(confirming)
    in_mode(site, "live")
    site.clock.move(minutes=1)
    site.run_dry(SYSTEM)
    assert (sent(site), stands(site, accepted.case_id)) == (
        1,
        [("cancelled", "superseded"), ("delivered", "confirmed_by_hand")],
    )
