"""Voided and reopened cases: what was posted in error goes away everywhere, and what is taken up again comes back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from syncgate.domain.delivery import Phase
from syncgate.domain.errors import CaseFinished, CaseVoid, CaseWithdrawn, StaleRevision
from syncgate.domain.outcome import Outcome
from syncgate.domain.rows import CaseState
from syncgate.flows.gate import Caller, CaseRef
from syncgate.flows.showing.reading import read_passport
from tests.integration.flows.altered import OPERATOR
from tests.integration.flows.test_withdrawals import held_by, operations, retractions, state, with_step
from tests.integration.flows.worksite import Worksite, answer, caller
from tests.support.cases import a_hotline_case, a_stage, an_application

FINISHED = a_stage("f", "finished", decision={"result_code": "0"})


class TestAVoidedCase:
    def test_what_was_never_sent_is_cancelled(self, site: Worksite) -> None:
        accepted = site.post(an_application())
        voided = site.void(accepted.case_id)
        for system in ("province", "food"):
            site.run_dry(system)
            assert operations(site, system) == []
        assert (voided.status, voided.revision, voided.deliveries) == (202, 2, ())
        assert state(site, accepted.case_id) is CaseState.VOID

    def test_what_was_sent_is_taken_back_once_as_declared(self, site: Worksite) -> None:
        case_id = with_step(site)
        site.void(case_id, reason="录入有误")
        site.run_dry("province")
        assert operations(site) == ["receiveBasicInfo", "receiveProc", "receiveDone"]
        assert site.systems["province"].sends[-1].payload["exitres"] == "录入有误"
        assert held_by(site, case_id, "province") == []

    def test_the_passport_says_so(self, site: Worksite) -> None:
        case_id = with_step(site)
        site.void(case_id)
        viewer = replace(OPERATOR, role="viewer", sources=())
        passport = site.run(read_passport(site.gate, viewer, CaseRef(case_id=case_id)))
        assert passport.case.state is CaseState.VOID

    def test_it_may_have_come_to_its_end(self, site: Worksite) -> None:
        """A finished case cannot be withdrawn, but it can have been posted in error."""
        case_id = site.post(an_application(stages=[FINISHED])).case_id
        with pytest.raises(CaseFinished):
            site.withdraw(case_id)
        site.void(case_id)
        assert state(site, case_id) is CaseState.VOID

    def test_a_second_voiding_changes_nothing(self, site: Worksite) -> None:
        case_id = with_step(site)
        first = site.void(case_id)
        again = site.void(case_id, reason="又一次", if_match=1)
        assert (again.status, again.is_unchanged, again.revision, again.receipt) == (200, True, 2, first.receipt)

    def test_it_takes_no_content_and_no_other_end(self, site: Worksite) -> None:
        case_id = with_step(site)
        site.void(case_id)
        with pytest.raises(CaseVoid):
            site.patch(case_id, {"channel": "app"})
        with pytest.raises(CaseVoid):
            site.withdraw(case_id)

    def test_a_withdrawn_case_is_not_voided_as_well(self, site: Worksite) -> None:
        case_id = with_step(site)
        site.withdraw(case_id)
        with pytest.raises(CaseWithdrawn):
            site.void(case_id)


class TestAReopenedCase:
    @pytest.mark.parametrize("end", ["withdraw", "void"])
    def test_what_is_planned_again_is_sent_again(self, site: Worksite, end: str) -> None:
        """Promise 3."""
        case_id = with_step(site)
        getattr(site, end)(case_id)
        site.run_dry("province")
        reopened = site.reopen(case_id)
        site.run_dry("province")
        assert operations(site) == [
            "receiveBasicInfo",
            "receiveProc",
            "receiveDone",
            "receiveBasicInfo",
            "receiveProc",
        ]
        assert (reopened.status, reopened.revision, state(site, case_id)) == (202, 3, CaseState.OPEN)
        assert held_by(site, case_id, "province")[:2] == ["basic_info", "step"]

    def test_what_was_not_taken_back_yet_is_left_as_it_is(self, site: Worksite) -> None:
        """Promise 11: the retraction is cancelled, and nothing is sent twice."""
        case_id = with_step(site)
        site.withdraw(case_id)
        site.reopen(case_id)
        site.run_dry("province")
        assert operations(site) == ["receiveBasicInfo", "receiveProc"]
        assert retractions(site, case_id) == [("voided", "cancelled", "superseded")]

    def test_a_system_that_takes_no_retraction_holds_it_still_and_gets_nothing(self, site: Worksite) -> None:
        case_id = site.post(a_hotline_case()).case_id
        site.run_dry("workorders")
        site.withdraw(case_id)
        assert retractions(site, case_id, "workorders") == [("order", "pending", None)]
        site.run_dry("workorders")
        assert retractions(site, case_id, "workorders") == [("order", "parked", "retraction_not_taken")]
        site.reopen(case_id)
        site.run_dry("workorders")
        assert operations(site, "workorders") == ["create"]
        assert retractions(site, case_id, "workorders") == [("order", "cancelled", "superseded")]

    def test_what_was_cancelled_unsent_is_sent_for_the_first_time(self, site: Worksite) -> None:
        accepted = site.post(an_application())
        site.withdraw(accepted.case_id)
        site.reopen(accepted.case_id)
        site.run_dry("food")
        assert operations(site, "food") == ["create"]

    def test_no_system_is_told_of_the_withdrawal_that_no_longer_stands(self, site: Worksite) -> None:
        accepted = site.post(an_application(stages=[a_stage("s1", "accepted")]))
        site.run_dry("food")
        site.withdraw(accepted.case_id)
        site.reopen(accepted.case_id)
        site.run_dry("food")
        parts = {d.part for d in site.deliveries(accepted.case_id, "food") if d.message == "event"}
        assert parts == {"s1"}

    def test_it_can_be_withdrawn_again(self, site: Worksite) -> None:
        case_id = with_step(site)
        for _ in range(2):
            site.withdraw(case_id)
            site.run_dry("province")
            site.reopen(case_id)
            site.run_dry("province")
        site.withdraw(case_id)
        site.run_dry("province")
        assert operations(site).count("receiveDone") == 3
        assert held_by(site, case_id, "province") == []

    def test_the_source_repeating_its_withdrawal_stage_does_not_end_it_again(self, site: Worksite) -> None:
        """Promise 2: a known stage says nothing new."""
        withdrawn = an_application(stages=[a_stage("w", "withdrawn") | {"reason": "不办了"}])
        case_id = site.post(withdrawn).case_id
        site.reopen(case_id)
        again = site.post(withdrawn | {"channel": "app"})
        assert (again.revision, state(site, case_id)) == (3, CaseState.OPEN)

    @pytest.mark.parametrize("how", ["stage", "time"])
    def test_a_finished_case_goes_on_and_may_then_be_withdrawn(self, site: Worksite, how: str) -> None:
        more = {"stages": [FINISHED]} if how == "stage" else {"finished_at": "2026-06-30T09:00:00+08:00"}
        case_id = site.post(an_application(**more)).case_id
        site.reopen(case_id, body={"at": "2026-07-01T09:00:00+08:00"})
        site.withdraw(case_id, body={"at": "2026-07-02T09:00:00+08:00"})
        assert state(site, case_id) is CaseState.WITHDRAWN

    def test_an_open_case_is_left_as_it_is(self, site: Worksite) -> None:
        accepted = site.post(an_application())
        done = site.reopen(accepted.case_id)
        assert (done.status, done.is_unchanged, done.revision) == (200, True, 1)

    def test_a_stale_revision_is_refused(self, site: Worksite) -> None:
        case_id = with_step(site)
        site.withdraw(case_id)
        with pytest.raises(StaleRevision):
            site.reopen(case_id, if_match=1)

    def test_an_operator_reopens_for_the_first_source(self, site: Worksite) -> None:
        case_id = with_step(site)
        site.withdraw(case_id)
        site.reopen(case_id, as_=Caller(principal=replace(OPERATOR, role="operator", sources=()), source=""))
        submission = site.store.read(lambda tx: tx.list_submissions(case_id))[-1]
        assert (submission.source, state(site, case_id)) == ("window", CaseState.OPEN)

    def test_a_source_that_took_its_own_record_back_holds_it_again(self, site: Worksite) -> None:
        """No echo: what food withdrew and took up again itself is not sent to it."""
        case_id = site.post(an_application("SP9"), source="food").case_id
        site.withdraw(case_id, as_=caller("food"))
        site.reopen(case_id, as_=caller("food"))
        site.run_dry("food")
        assert operations(site, "food") == []
        assert held_by(site, case_id, "food") == ["application"]

    def test_a_refused_creation_is_pending_again(self, site: Worksite) -> None:
        site.systems["food"].script.append(answer(Outcome.REFUSED, reason="field_refused"))
        accepted = site.post(an_application())
        site.run_dry("food")
        site.withdraw(accepted.case_id)
        site.reopen(accepted.case_id)
        assert [d.phase for d in site.deliveries(accepted.case_id, "food")] == [Phase.CANCELLED, Phase.PENDING]
