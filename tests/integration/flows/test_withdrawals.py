"""Withdrawn cases (story 8): nothing is sent where nothing went, and what went is taken back once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from syncgate.domain.delivery import Phase
from syncgate.domain.errors import CaseFinished, CaseWithdrawn, InvalidCase, NotFound, StaleRevision
from syncgate.domain.outcome import Evidence, Found, Outcome, Reading
from syncgate.domain.rows import CaseState, Change
from syncgate.flows.accepting.withdrawal import withdrawal_in
from syncgate.flows.delivering.retracting import is_other_sent_so
from syncgate.flows.gate import Caller, CaseRef
from syncgate.flows.operating import by_hand
from syncgate.flows.showing.reading import read_passport
from tests.integration.flows.altered import OPERATOR, UNKNOWN, rewritten
from tests.integration.flows.worksite import ABSENT, Worksite, activate, answer, caller
from tests.support.cases import a_hotline_case, a_stage, an_application
from tests.support.rows import a_delivery, new_id

VOIDED = {
    "doneresult": 2,
    "exitres": "申请人不再办理",
    "isdeliveryresults": "0",
    "resulttype": "99",
    "isfee": "0",
}


def operations(site: Worksite, system: str = "province") -> list[str]:
    """What was sent, but files: which operation, in order."""
    sent = [request.operation for request in site.systems[system].sends]
    return [operation for operation in sent if operation != "receiveApplyFile"]


def retractions(site: Worksite, case_id: UUID, system: str = "province") -> list[tuple[str, str, str | None]]:
    return [
        (d.message, d.phase.value, d.reason) for d in site.deliveries(case_id, system) if d.change is Change.RETRACT
    ]


def open_phases(site: Worksite, case_id: UUID, system: str = "province") -> set[str]:
    kept = (Phase.DELIVERED, Phase.CANCELLED)
    return {d.phase.value for d in site.deliveries(case_id, system) if d.phase not in kept}


def held_by(site: Worksite, case_id: UUID, system: str) -> list[str]:
    """Messages of the slots that the passport says are held."""
    viewer = replace(OPERATOR, role="viewer", sources=())
    passport = site.run(read_passport(site.gate, viewer, CaseRef(case_id=case_id)))
    (holding,) = [one for one in passport.systems if one.system == system]
    return [slot.message for slot in holding.slots if slot.holds is not None]


def state(site: Worksite, case_id: UUID) -> CaseState:
    case = site.store.read(lambda tx: tx.case(case_id))
    assert case is not None
    return case.state


def with_step(site: Worksite) -> UUID:
    """A case of which province holds basic_info and a step."""
    accepted = site.post(an_application(stages=[a_stage("s1", "accepted")]))
    site.run_dry("province")
    assert operations(site) == ["receiveBasicInfo", "receiveProc"]
    return accepted.case_id


class TestBeforeAnythingWasSent:
    def test_nothing_is_sent(self, site: Worksite) -> None:
        """Promise 9, story 8: not sent where it never went."""
        accepted = site.post(an_application(stages=[a_stage("s1", "accepted")]))
        withdrawn = site.withdraw(accepted.case_id)
        for system in ("province", "food"):
            site.run_dry(system)
            assert operations(site, system) == []
            assert {(d.phase, d.reason) for d in site.deliveries(accepted.case_id, system)} == {
                (Phase.CANCELLED, "withdrawn")
            }
        assert (withdrawn.status, withdrawn.revision, withdrawn.in_flight) == (202, 2, 0)
        assert withdrawn.deliveries == ()
        assert state(site, accepted.case_id) is CaseState.WITHDRAWN

    def test_what_is_parked_is_cancelled_too(self, site: Worksite) -> None:
        site.systems["food"].script.append(answer(Outcome.REFUSED, reason="field_refused"))
        accepted = site.post(an_application())
        site.run_dry("food")
        site.withdraw(accepted.case_id)
        assert [(d.phase, d.reason) for d in site.deliveries(accepted.case_id, "food")] == [
            (Phase.CANCELLED, "withdrawn")
        ]

    def test_a_case_that_comes_withdrawn_is_kept_and_goes_nowhere(self, site: Worksite) -> None:
        stage = a_stage("w", "withdrawn") | {"reason": "重复申报"}
        accepted = site.post(an_application(stages=[stage]))
        assert (accepted.deliveries, state(site, accepted.case_id)) == ((), CaseState.WITHDRAWN)


class TestAfterProvinceHasIt:
    def test_it_is_closed_as_void_once_for_the_case(self, site: Worksite) -> None:
        """Story 8: 作废办结 where it went."""
        case_id = with_step(site)
        told = [p for p in site.withdraw(case_id).deliveries if p.system == "province" and p.message != "material"]
        assert [(p.message, p.phase.value) for p in told] == [
            ("basic_info", "delivered"),
            ("step", "delivered"),
            ("voided", "pending"),
        ]
        site.run_dry("province")
        assert operations(site) == ["receiveBasicInfo", "receiveProc", "receiveDone"]
        payload = site.systems["province"].sends[-1].payload
        assert {name: payload[name] for name in VOIDED} == VOIDED
        assert payload["orgbusno"] == str(case_id)
        assert retractions(site, case_id) == [("voided", "delivered", None)]
        assert open_phases(site, case_id) == set()
        assert held_by(site, case_id, "province") == []

    def test_the_passport_shows_what_is_held_until_it_is_taken_back(self, site: Worksite) -> None:
        case_id = with_step(site)
        site.withdraw(case_id)
        assert held_by(site, case_id, "province") == ["basic_info", "step", "material"]
        site.run_dry("province")
        assert held_by(site, case_id, "province") == []

    def test_who_and_when_are_told_as_they_were_given(self, site: Worksite) -> None:
        case_id = with_step(site)
        site.withdraw(case_id, body={"by": "王样本", "at": "2026-07-01T10:00:00+08:00"})
        site.run_dry("province")
        payload = site.systems["province"].sends[-1].payload
        assert (payload["transactor"], payload["occurtime"]) == ("王样本", "2026-07-01 10:00:00")

    def test_a_system_that_takes_no_retraction_is_left_to_a_person(self, site: Worksite) -> None:
        accepted = site.post(a_hotline_case())
        site.run_dry("workorders")
        site.withdraw(accepted.case_id)
        site.run_dry("workorders")
        assert operations(site, "workorders") == ["create"]
        assert retractions(site, accepted.case_id, "workorders") == [("order", "parked", "retraction_not_taken")]

    def test_what_was_not_yet_sent_is_left_out_and_what_was_is_taken_back(self, site: Worksite) -> None:
        accepted = site.post(an_application(stages=[a_stage("s1", "accepted")]))
        work = site.claim_one("province")
        site.settle(work, site.serve(work), keep=False)
        site.withdraw(accepted.case_id)
        site.run_dry("province")
        assert operations(site) == ["receiveBasicInfo", "receiveDone"]

    def test_a_second_withdrawal_changes_nothing(self, site: Worksite) -> None:
        case_id = with_step(site)
        first = site.withdraw(case_id)
        again = site.withdraw(case_id, reason="又一次", if_match=1)
        site.run_dry("province")
        assert (again.status, again.is_unchanged, again.revision) == (200, True, 2)
        assert again.receipt == first.receipt
        assert operations(site)[2:] == ["receiveDone"]

    def test_a_refused_retraction_waits_for_a_person_and_goes_once_requeued(self, site: Worksite) -> None:
        case_id = with_step(site)
        site.systems["province"].script.append(answer(Outcome.REFUSED, reason="field_refused", actor="source"))
        site.withdraw(case_id)
        site.run_dry("province")
        assert retractions(site, case_id) == [("voided", "parked", "field_refused")]
        retraction = site.only(case_id, "province", "voided")
        site.run(by_hand.requeue(site.gate, OPERATOR, retraction.delivery_id, reason="province says so"))
        site.run_dry("province")
        assert retractions(site, case_id) == [("voided", "delivered", None)]


class TestWhileItIsUnderWay:
    def test_what_turns_out_taken_is_taken_back(self, site: Worksite) -> None:
        """Promise 9: the answer says how much was under way."""
        accepted = site.post(an_application())
        work = site.claim_one("province")
        withdrawn = site.withdraw(accepted.case_id)
        assert withdrawn.in_flight == 1
        assert site.step("province") == 0, "the retraction waits for what is under way"
        site.settle(work, site.serve(work))
        site.run_dry("province")
        assert operations(site) == ["receiveBasicInfo", "receiveDone"]
        assert open_phases(site, accepted.case_id) == set()

    @pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.UNAVAILABLE, Outcome.THROTTLED])
    def test_what_turns_out_not_taken_is_neither_sent_again_nor_taken_back(
        self, site: Worksite, outcome: Outcome
    ) -> None:
        accepted = site.post(an_application(stages=[a_stage("s1", "accepted")]))
        work = site.claim_one("province")
        site.systems["province"].script.append(answer(outcome))
        site.withdraw(accepted.case_id)
        site.settle(work, site.serve(work))
        site.run_dry("province")
        assert operations(site) == ["receiveBasicInfo"]
        assert {(d.phase, d.reason) for d in site.deliveries(accepted.case_id, "province")} == {
            (Phase.CANCELLED, "withdrawn")
        }

    def test_an_unknown_answer_is_confirmed_first_and_then_taken_back(self, site: Worksite) -> None:
        """Promise 4."""
        province = site.systems["province"]
        accepted = site.post(an_application())
        work = site.claim_one("province")
        province.script.extend([UNKNOWN, answer(Outcome.DUPLICATE)])
        site.withdraw(accepted.case_id)
        site.settle(work, site.serve(work))
        assert site.step("province") == 0
        site.clock.move(seconds=12)
        site.run_dry("province")
        assert operations(site) == ["receiveBasicInfo", "receiveBasicInfo", "receiveDone"]
        assert retractions(site, accepted.case_id) == [("voided", "delivered", None)]

    def test_an_unknown_answer_of_what_never_arrived_leaves_nothing_to_take_back(self, site: Worksite) -> None:
        keys_only(site)
        food = site.systems["food"]
        accepted = site.post(an_application())
        work = site.claim_one("food")
        food.script.append(UNKNOWN)
        site.withdraw(accepted.case_id)
        site.settle(work, site.serve(work))
        site.clock.move(seconds=12)
        site.run_dry("food")
        assert operations(site, "food") == ["create"]
        assert {d.phase for d in site.deliveries(accepted.case_id, "food")} == {Phase.CANCELLED}

    def test_a_worker_that_died_with_it_does_not_lose_the_retraction(self, site: Worksite) -> None:
        """Crash point: between a claim and its settle, the withdrawal in between. Promises 4 and 9."""
        province = site.systems["province"]
        accepted = site.post(an_application())
        work = site.claim_one("province")
        site.withdraw(accepted.case_id)
        site.clock.at = work.lane.lease_until or site.clock.at
        site.rescue()
        province.script.append(answer(Outcome.DUPLICATE))
        site.clock.move(seconds=12)
        site.run_dry("province")
        assert operations(site) == ["receiveBasicInfo", "receiveDone"]
        assert open_phases(site, accepted.case_id) == set()


class TestTheRetractionItself:
    def test_survives_a_crash_right_after_the_withdrawal(self, site: Worksite) -> None:
        """Crash point: after the withdrawal's commit, before its answer and before any claim. Promises 1 and 3."""
        case_id = with_step(site)
        first = site.withdraw(case_id, key="once")
        again = site.withdraw(case_id, key="once")
        assert (again.status, again.receipt, again.revision) == (202, first.receipt, 2)
        fresh = replace(site, gate=replace(site.gate))
        fresh.run_dry("province")
        assert operations(site)[2:] == ["receiveDone"]

    def test_waits_while_the_system_is_down_and_goes_once_it_is_back(self, site: Worksite) -> None:
        """Promise 6: the weekend; nothing is parked."""
        case_id = with_step(site)
        province = site.systems["province"]
        province.script.extend(answer(Outcome.UNAVAILABLE) for _ in range(8))
        site.withdraw(case_id)
        for _ in range(12):
            site.clock.move(seconds=30)
            site.step("province")
        assert retractions(site, case_id) == [("voided", "delivered", None)]
        assert operations(site).count("receiveDone") == 9

    def test_is_probed_when_its_answer_was_lost(self, site: Worksite) -> None:
        """Promise 4: the same payload again, and a duplicate shows that it was taken."""
        case_id = with_step(site)
        province = site.systems["province"]
        province.script.extend([UNKNOWN, answer(Outcome.DUPLICATE)])
        site.withdraw(case_id)
        site.step("province")
        assert site.step("province") == 0
        site.clock.move(seconds=12)
        site.run_dry("province")
        first, probe = province.sends[-2:]
        assert (first.operation, first.payload) == (probe.operation, probe.payload)
        assert retractions(site, case_id) == [("voided", "delivered", None)]

    def test_is_of_no_use_to_a_case_that_is_finished(self, site: Worksite) -> None:
        case_id = with_step(site)
        site.append(case_id, a_stage("s9", "finished") | {"decision": {"result_code": "0"}})
        with pytest.raises(CaseFinished):
            site.withdraw(case_id)
        with pytest.raises(CaseFinished):
            site.append(case_id, a_stage("w", "withdrawn"))


def keys_only(site: Worksite) -> None:
    """Food takes an application back by its key alone."""
    path = "adapters/food/adapter.yaml"
    unlisted = rewritten(site, "food", path, "messages: [event, withdrawn]", "messages: [event]")
    site.run(activate(site.gate, [unlisted]))
    text = site.gate.active_bundle("food").files[path].decode()
    declared = text[text.index("    on_unplanned:\n") : text.index("    remote_ref: {body: /id}\n")]
    site.run(activate(site.gate, [rewritten(site, "food", path, declared, "    on_unplanned: {retract: replace}\n")]))


class TestByKeysAlone:
    def test_only_what_left_by_the_operation_that_takes_back_could_be_taken_for_it(self, site: Worksite) -> None:
        """Promise 4: a system that answers that it has this already may mean the other."""
        keys_only(site)
        bundle, case_id = site.gate.active_bundle("food"), new_id()
        back = a_delivery(case_id, message="replace", change=Change.RETRACT)
        create, update = (
            a_delivery(case_id, change=change, sent_mac=b"s" * 16, input_mac=b"o" * 16)
            for change in (Change.CREATE, Change.UPDATE)
        )
        assert is_other_sent_so([back, update], bundle, back)
        assert not is_other_sent_so([back, create], bundle, back)
        assert not is_other_sent_so([back, replace(update, sent_mac=None)], bundle, back)

    def test_it_is_sent_without_a_payload_under_the_keys_of_what_is_held(self, site: Worksite) -> None:
        keys_only(site)
        accepted = site.post(an_application())
        site.run_dry("food")
        site.withdraw(accepted.case_id)
        site.run_dry("food")
        created, removed = site.systems["food"].sends
        assert (removed.operation, removed.payload) == ("replace", None)
        assert removed.keys["slot_key"] == created.keys["slot_key"]
        assert removed.keys["send_key"] != created.keys["send_key"]

    def lost(self, site: Worksite, *readings: Reading) -> UUID:
        keys_only(site)
        food = site.systems["food"]
        accepted = site.post(an_application())
        site.run_dry("food")
        food.script.append(UNKNOWN)
        food.readings.extend(readings)
        site.withdraw(accepted.case_id)
        site.step("food")
        site.clock.move(seconds=12)
        return accepted.case_id

    def test_absence_shows_that_it_was_taken(self, site: Worksite) -> None:
        case_id = self.lost(site, ABSENT)
        site.run_dry("food")
        assert retractions(site, case_id, "food") == [("replace", "delivered", None)]
        assert operations(site, "food") == ["create", "replace"]

    def test_a_record_that_is_there_as_it_was_shows_that_it_was_not(self, site: Worksite) -> None:
        case_id = self.lost(site)
        site.run_dry("food")
        assert operations(site, "food") == ["create", "replace", "replace"]
        assert retractions(site, case_id, "food") == [("replace", "delivered", None)]

    def test_any_other_record_shows_nothing(self, site: Worksite) -> None:
        """Never guessed: it is asked about again, and once that is in vain, only a person can tell."""
        other = Reading(Found.RECORD, Evidence(), record={"caseNo": "another"})
        case_id = self.lost(site, *[other] * 400)
        for _ in range(400):
            site.clock.move(seconds=10)
            site.step("food")
        delivery = site.only(case_id, "food", "replace")
        assert (delivery.phase, delivery.reason, delivery.due_at) == (Phase.UNCONFIRMED, "still_there", None)
        assert operations(site, "food") == ["create", "replace"]


class TestAWithdrawnCase:
    def test_takes_no_further_content(self, site: Worksite) -> None:
        case_id = with_step(site)
        site.withdraw(case_id)
        for change in (
            lambda: site.patch(case_id, {"description": "再补充一句"}),
            lambda: site.append(case_id, a_stage("s2", "decided")),
            lambda: site.put(case_id, an_application(channel="portal")),
            lambda: site.post(an_application(channel="portal")),
        ):
            with pytest.raises(CaseWithdrawn):
                change()

    def test_answers_the_same_content_as_ever(self, site: Worksite) -> None:
        """Promise 2."""
        accepted = site.post(an_application())
        site.withdraw(accepted.case_id)
        again = site.post(an_application())
        assert (again.status, again.is_unchanged, again.revision) == (200, True, 2)

    def test_is_withdrawn_by_its_own_sources_and_by_operators_alone(self, site: Worksite) -> None:
        accepted = site.post(an_application())
        with pytest.raises(NotFound):
            site.withdraw(accepted.case_id, as_=caller("hall"))
        operator = Caller(principal=replace(OPERATOR, role="operator", sources=()), source="")
        withdrawn = site.withdraw(accepted.case_id, as_=operator)
        assert withdrawn.status == 202

    def test_is_found_by_its_revision_where_one_is_named(self, site: Worksite) -> None:
        accepted = site.post(an_application())
        with pytest.raises(StaleRevision):
            site.withdraw(accepted.case_id, if_match=7)

    def test_tells_what_is_odd_or_wrong_by_the_names_of_the_withdrawal(self, site: Worksite) -> None:
        accepted = site.post(an_application())
        with pytest.raises(InvalidCase) as refused:
            site.withdraw(accepted.case_id, body={"at": "yesterday"})
        assert {error.pointer for error in refused.value.errors} == {"/at"}
        withdrawn = site.withdraw(accepted.case_id, body={"at": "1999-01-01T00:00:00+08:00"})
        assert [(w.pointer, w.rule) for w in withdrawn.warnings] == [("/at", "stage_not_before_applied")]

    def test_that_its_poster_holds_itself_is_not_taken_back_from_it(self, site: Worksite) -> None:
        """It withdrew it: its own record is its own affair; the others are told."""
        accepted = site.post(an_application("SP9"), source="food")
        site.run_dry("province")
        site.withdraw(accepted.case_id, as_=caller("food"))
        for system in ("food", "province"):
            site.run_dry(system)
        assert operations(site, "food") == []
        assert operations(site) == ["receiveBasicInfo", "receiveDone"]


@pytest.mark.parametrize(
    "body", [{}, {"reason": ""}, {"reason": 7}, {"reason": "x", "who": "y"}, {"reason": "字" * 2001}]
)
def test_a_withdrawal_says_why(site: Worksite, body: dict[str, Any]) -> None:
    with pytest.raises(InvalidCase):
        withdrawal_in(body)
