"""Whoever is in charge of a case holds its own leg of it, and is told when that is over (story 7)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from syncgate.domain.delivery import Phase
from syncgate.domain.errors import NotFound
from syncgate.domain.outcome import Outcome
from syncgate.flows.gate import CaseRef
from syncgate.flows.showing.scope import find_case
from syncgate.storage import SqlStore
from tests.integration.flows.desksite import ORGS, a_complaint, desk, desks, turn
from tests.integration.flows.worksite import Worksite, activate, answer, caller, taken
from tests.support.rows import SetClock

ASSIGNED = turn("assigned", 9, "urban")
RETURNED = (turn("return_requested", 10, org=ORGS["urban"]), turn("return_agreed", 11, reason="职责不符"))
REASSIGNED = turn("reassigned", 12, "ecology")


@pytest.fixture
def site(store: SqlStore, clock: SetClock) -> Worksite:
    return desks(store, clock)


def sent(site: Worksite, system: str) -> list[tuple[str, Any]]:
    return [(request.operation, request.payload) for request in site.systems[system].sends]


def names(site: Worksite, system: str) -> list[str]:
    return [operation for operation, _ in sent(site, system)]


def phases(site: Worksite, case_id: UUID, system: str) -> list[tuple[str, str, str]]:
    return [(d.message, d.part, d.phase.value) for d in site.deliveries(case_id, system)]


class TestTheStory:
    def test_the_old_desk_holds_a_closed_leg_and_the_new_one_the_live_one(self, site: Worksite) -> None:
        """Story 7: 退单, 转办, 重办."""
        accepted = site.post(a_complaint(ASSIGNED, turn("urged", 10) | {"id": "u"}))
        site.run_dry("urban")
        site.append(accepted.case_id, *RETURNED)
        site.run_dry("urban")
        site.append(accepted.case_id, REASSIGNED)
        site.run_dry("ecology")
        site.append(accepted.case_id, turn("reopened", 15))
        site.run_dry("ecology")
        site.run_dry("urban")
        assert [(name, payload.get("turn"), payload.get("how")) for name, payload in sent(site, "urban")] == [
            ("create", 1, None),
            ("remind", None, None),
            ("close", None, "returned"),
        ]
        assert [(name, payload.get("turn"), payload.get("how")) for name, payload in sent(site, "ecology")] == [
            ("create", 2, None),
            ("close", None, "reopened"),
            ("create", 3, None),
        ]

    def test_each_leg_has_its_own_number_and_is_closed_under_it(self, site: Worksite) -> None:
        accepted = site.post(a_complaint(ASSIGNED))
        site.run_dry("urban")
        site.append(accepted.case_id, turn("reopened", 13), turn("urged", 14))
        site.run_dry("urban")
        first, closing, _second, urge = site.systems["urban"].sends
        assert (first.operation, closing.operation, urge.operation) == ("create", "close", "remind")
        assert (closing.payload["order"], closing.keys["remote_ref"]) == ("R1", "R1")
        assert urge.payload["order"] == "R3"

    def test_legs_are_numbered_by_the_desks_own_turns(self, site: Worksite) -> None:
        accepted = site.post(a_complaint(ASSIGNED))
        site.run_dry("urban")
        site.append(accepted.case_id, REASSIGNED, turn("reassigned", 13, "urban"))
        orders = [d for d in site.deliveries(accepted.case_id, "urban") if d.message == "order"]
        assert [(d.part, d.part_no) for d in orders] == [("assigned-9", 1), ("reassigned-13", 2)]


class TestWhatWasNeverSent:
    def test_of_a_leg_that_is_over_is_cancelled_and_nothing_is_closed(self, site: Worksite) -> None:
        accepted = site.post(a_complaint(ASSIGNED, turn("urged", 10)))
        site.append(accepted.case_id, REASSIGNED)
        site.run_dry("urban")
        assert names(site, "urban") == []
        assert {phase for _, _, phase in phases(site, accepted.case_id, "urban")} == {"cancelled"}

    def test_nothing_is_told_to_a_desk_whose_turn_was_over_when_the_case_came(self, site: Worksite) -> None:
        accepted = site.post(a_complaint(ASSIGNED, *RETURNED, REASSIGNED))
        assert {(p.system, p.message) for p in accepted.deliveries} == {("ecology", "order")}

    def test_what_was_refused_is_cancelled_too(self, site: Worksite) -> None:
        site.systems["urban"].script.append(answer(Outcome.REFUSED, reason="field_refused"))
        accepted = site.post(a_complaint(ASSIGNED))
        site.run_dry("urban")
        site.append(accepted.case_id, REASSIGNED)
        assert phases(site, accepted.case_id, "urban") == [("order", "assigned-9", "cancelled")]

    def test_what_may_have_come_is_closed_once_it_is_known(self, site: Worksite) -> None:
        """Promise 4: the crash point is between the send and its answer."""
        site.systems["urban"].takes_silently = True
        site.systems["urban"].script.append(answer(Outcome.UNKNOWN))
        accepted = site.post(a_complaint(ASSIGNED))
        site.step("urban")
        site.append(accepted.case_id, REASSIGNED)
        site.run_dry("urban")
        assert phases(site, accepted.case_id, "urban") == [
            ("order", "assigned-9", "delivered"),
            ("closing", "assigned-9", "pending"),
        ]

    def test_a_finished_leg_is_sent_whole_and_then_closed(self, site: Worksite) -> None:
        site.post(a_complaint(ASSIGNED, turn("urged", 10), turn("finished", 11)))
        site.run_dry("urban")
        assert names(site, "urban") == ["create", "remind", "close"]


class TestWhatIsThere:
    def test_of_a_leg_that_is_over_stays_as_it_is(self, site: Worksite) -> None:
        """Promise 10: what is corrected later is none of the old desk's business."""
        accepted = site.post(a_complaint(ASSIGNED))
        site.run_dry("urban")
        site.append(accepted.case_id, REASSIGNED)
        site.patch(accepted.case_id, {"location": {"text": "东示区示例路9号"}})
        site.run_dry("urban")
        site.run_dry("ecology")
        assert names(site, "urban") == ["create", "close"]
        assert sent(site, "ecology")[-1][1]["place"] == "东示区示例路9号"

    def test_of_the_live_leg_follows_a_correction(self, site: Worksite) -> None:
        accepted = site.post(a_complaint(ASSIGNED))
        site.run_dry("urban")
        site.patch(accepted.case_id, {"location": {"text": "东示区示例路9号"}})
        site.run_dry("urban")
        assert [payload["place"] for _, payload in sent(site, "urban")] == ["东示区示例路2号", "东示区示例路9号"]

    def test_a_later_leg_waits_until_the_earlier_one_is_closed(self, site: Worksite) -> None:
        accepted = site.post(a_complaint(ASSIGNED))
        site.run_dry("urban")
        site.systems["urban"].script.append(answer(Outcome.REFUSED, reason="field_refused"))
        site.append(accepted.case_id, turn("reopened", 13))
        site.run_dry("urban")
        assert phases(site, accepted.case_id, "urban") == [
            ("order", "assigned-9", "delivered"),
            ("order", "reopened-13", "pending"),
            ("closing", "assigned-9", "parked"),
        ]

    def test_a_stage_of_another_desks_leg_goes_nowhere_else(self, site: Worksite) -> None:
        accepted = site.post(a_complaint(ASSIGNED))
        site.run_dry("urban")
        site.append(accepted.case_id, REASSIGNED, turn("urged", 14))
        site.run_dry("urban")
        site.run_dry("ecology")
        assert names(site, "urban") == ["create", "close"]
        assert names(site, "ecology") == ["create", "remind"]

    def test_an_assignment_that_arrives_late_finds_its_place(self, site: Worksite) -> None:
        """The reassignment is posted before the return that led to it."""
        accepted = site.post(a_complaint(ASSIGNED))
        site.run_dry("urban")
        site.append(accepted.case_id, REASSIGNED)
        site.append(accepted.case_id, *RETURNED)
        site.run_dry("urban")
        assert sent(site, "urban")[-1] == ("close", {"order": "R1", "how": "returned", "why": "职责不符"})

    def test_a_deploy_closes_nothing_by_itself(self, site: Worksite) -> None:
        """Promise 13."""
        accepted = site.post(a_complaint(ASSIGNED))
        site.run_dry("urban")
        site.append(accepted.case_id, REASSIGNED)
        site.run_dry("urban")
        site.run(activate(site.gate, [desk("urban", ("how: leg.ended", "how: leg.org.name")), desk("ecology")]))
        site.append(accepted.case_id, turn("urged", 14))
        site.run_dry("urban")
        assert names(site, "urban") == ["create", "close"]
        assert all(d.phase is Phase.DELIVERED for d in site.deliveries(accepted.case_id, "urban"))


class TestACaseByTheNumberOfALeg:
    def test_is_found_whichever_turn_it_was(self, site: Worksite) -> None:
        """The old desk's number leads to the case as the new one's does."""
        accepted = site.post(a_complaint(ASSIGNED))
        site.run_dry("urban")
        site.append(accepted.case_id, *RETURNED, REASSIGNED)
        site.run_dry("urban")
        site.run_dry("ecology")
        for system in ("urban", "ecology"):
            numbers = {d.remote_ref for d in site.deliveries(accepted.case_id, system) if d.part and d.remote_ref}
            assert numbers
            for number in numbers:
                assert found(site, system, number) == accepted.case_id

    def test_is_nobodys_where_two_cases_have_a_part_of_that_number(self, site: Worksite) -> None:
        """Promise 2: nothing is guessed."""
        for no in (1, 2):
            site.systems["urban"].script.append(taken("TWICE"))
            site.post(a_complaint(ASSIGNED) | {"case_no": f"HL{no}"})
            site.run_dry("urban")
        assert found(site, "urban", "TWICE") is None

    def test_is_out_of_sight_of_who_may_not_see_it(self, site: Worksite) -> None:
        """Promise 10."""
        accepted = site.post(a_complaint(ASSIGNED))
        site.run_dry("urban")
        number = next(d.remote_ref for d in site.deliveries(accepted.case_id, "urban") if d.part and d.remote_ref)
        assert found(site, "urban", number, sources=("nobody",)) is None


def found(site: Worksite, system: str, number: str, *, sources: tuple[str, ...] = ()) -> UUID | None:
    """The case that a path with this number means to an operator."""
    who = replace(caller("operator").principal, role="operator", sources=sources)
    try:
        return site.store.read(lambda tx: find_case(tx, who, CaseRef(system=system, number=number))).case_id
    except NotFound:
        return None
