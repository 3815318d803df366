"""Merged cases (stories 5 and 9): one survives, every name of the other leads to it, and no system holds both."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from syncgate.domain.delivery import Phase
from syncgate.domain.errors import CaseMerged, CaseVoid, Conflict, NotFound, StaleRevision
from syncgate.domain.rows import CaseState, Change
from syncgate.flows.gate import Caller, CaseRef
from syncgate.flows.showing.reading import read_case, read_passport
from tests.integration.flows.altered import OPERATOR
from tests.integration.flows.test_withdrawals import held_by, operations, state
from tests.integration.flows.worksite import Worksite, caller
from tests.support.cases import a_hotline_case, a_stage, an_application

PERSON = Caller(principal=replace(OPERATOR, role="operator", sources=()), source="")
VIEWER = replace(OPERATOR, role="viewer", sources=())


def two_calls(site: Worksite) -> tuple[UUID, UUID]:
    """Two calls with the same text: two cases."""
    return site.post(a_hotline_case("HL1")).case_id, site.post(a_hotline_case("HL2")).case_id


def revision(site: Worksite, case_id: UUID) -> int:
    case = site.store.read(lambda tx: tx.case(case_id))
    assert case is not None
    return case.revision


def by_name(site: Worksite, system: str, number: str) -> UUID:
    """The case that a reader finds by this name."""
    return site.run(read_case(site.gate, VIEWER, CaseRef(system=system, number=number))).case.case_id


class TestWhatEnds:
    def test_what_was_never_sent_is_cancelled(self, site: Worksite) -> None:
        """Story 9."""
        first, second = two_calls(site)
        site.merge(second, first, as_=PERSON)
        site.run_dry("workorders")
        assert [request.payload["sourceNo"] for request in site.systems["workorders"].sends] == ["HL1"]
        assert {(d.phase, d.reason) for d in site.deliveries(second, "workorders")} == {(Phase.CANCELLED, "withdrawn")}
        assert (state(site, first), state(site, second)) == (CaseState.OPEN, CaseState.MERGED)

    def test_what_was_sent_is_taken_back_as_declared(self, site: Worksite) -> None:
        first = site.post(an_application("QX1")).case_id
        second = site.post(an_application("QX2")).case_id
        site.run_dry("province")
        site.merge(second, first)
        site.run_dry("province")
        sent = [(s.operation, s.payload["orgbusno"]) for s in site.systems["province"].sends]
        assert [one for one in sent if one[0] == "receiveDone"] == [("receiveDone", str(second))]
        assert held_by(site, first, "province")[0] == "basic_info"

    def test_the_answer_is_the_surviving_cases(self, site: Worksite) -> None:
        first, second = two_calls(site)
        done = site.merge(second, first)
        assert (done.status, done.case_id, done.case_no, done.in_flight) == (202, first, "HL1", 0)

    def test_a_finished_case_is_merged_too(self, site: Worksite) -> None:
        first, second = two_calls(site)
        site.append(second, a_stage("f", "finished"))
        site.merge(second, first)
        assert state(site, second) is CaseState.MERGED


class TestEveryName:
    def test_leads_to_the_survivor(self, site: Worksite) -> None:
        first, second = two_calls(site)
        site.merge(second, first)
        assert by_name(site, "window", "HL2") == first
        assert site.run(read_case(site.gate, VIEWER, CaseRef(case_id=second))).case.case_id == first
        merged = site.run(read_passport(site.gate, VIEWER, CaseRef(case_id=second))).merged
        assert [(one.case_id, one.case_no) for one in merged] == [(second, "HL2")]

    def test_of_a_chain_leads_to_its_end(self, site: Worksite) -> None:
        first, second = two_calls(site)
        third = site.post(a_hotline_case("HL3")).case_id
        site.merge(third, second)
        site.merge(second, first)
        assert by_name(site, "window", "HL3") == first
        merged = site.run(read_passport(site.gate, VIEWER, CaseRef(case_id=first))).merged
        assert {one.case_no for one in merged} == {"HL2", "HL3"}

    def test_a_department_keeps_its_own_record_which_is_the_survivors_from_then_on(self, site: Worksite) -> None:
        """Story 5, found late: one case, two references, no echo."""
        first = site.post(an_application("QX1")).case_id
        second = site.post(an_application("SP9"), source="food").case_id
        site.merge(second, first, as_=PERSON)
        site.run_dry("food")
        assert "create" not in operations(site, "food")
        assert site.document(first)["references"] == {"food": "SP9"}
        assert by_name(site, "food", "SP9") == first
        last = site.deliveries(second, "food")[-1]
        assert (last.change, last.reason) == (Change.RETRACT, "held_by_source")
        assert held_by(site, first, "food") == ["application"]
        joined = site.post(an_application("SP9") | {"title": "变更"}, source="food")
        assert (joined.case_id, site.document(first)["case_no"]) == (first, "QX1")

    def test_what_is_under_way_where_a_number_moves_is_awaited_first(self, site: Worksite) -> None:
        first = site.post(an_application("QX1")).case_id
        second = site.post(an_application("SP9"), source="food").case_id
        work = site.claim_one("food")
        assert work.lane.case_id == first
        with pytest.raises(Conflict, match="under way"):
            site.merge(second, first, as_=PERSON)
        assert state(site, second) is CaseState.OPEN


class TestAPostByTheOldNumber:
    def test_that_says_nothing_new_changes_nothing(self, site: Worksite) -> None:
        """Promise 2."""
        first, second = two_calls(site)
        site.merge(second, first)
        before = revision(site, first)
        for _ in range(2):
            assert site.post(a_hotline_case("HL2")).case_id == first
            assert site.post(a_hotline_case("HL1")).case_id == first
        assert revision(site, first) == before

    def test_that_says_something_new_changes_the_survivor_in_that_alone(self, site: Worksite) -> None:
        first, second = two_calls(site)
        site.patch(first, {"title": "更正后的标题"})
        site.merge(second, first)
        done = site.post(a_hotline_case("HL2") | {"channel": "app"})
        document = site.document(first)
        assert (done.case_id, document["channel"], document["title"]) == (first, "app", "更正后的标题")
        assert (document["case_no"], state(site, second)) == ("HL1", CaseState.MERGED)

    def test_a_new_stage_comes_under_an_id_of_its_own_once(self, site: Worksite) -> None:
        first, second = two_calls(site)
        site.append(first, a_stage("s9", "assigned"))
        site.merge(second, first)
        posted = a_hotline_case("HL2", stages=[a_stage("s9", "urged")])
        site.post(posted)
        site.post(posted | {"channel": "app"})
        kinds = [(stage["id"][-2:], stage["kind"]) for stage in site.document(first)["stages"][-2:]]
        assert kinds == [("s9", "assigned"), ("s9", "urged")]

    def test_a_patch_changes_the_survivor(self, site: Worksite) -> None:
        first, second = two_calls(site)
        site.merge(second, first)
        assert site.patch(second, {"channel": "app"}).case_id == first
        assert (site.document(first)["channel"], site.document(first)["case_no"]) == ("app", "HL1")

    def test_it_does_not_withdraw_the_survivor(self, site: Worksite) -> None:
        first, second = two_calls(site)
        site.merge(second, first)
        with pytest.raises(CaseMerged):
            site.withdraw(second)
        with pytest.raises(CaseMerged):
            site.withdraw(second, as_=PERSON)
        with pytest.raises(CaseMerged):
            site.post(a_hotline_case("HL2", stages=[a_stage("w", "withdrawn") | {"reason": "不办了"}]))
        with pytest.raises(CaseMerged):
            site.reopen(second)
        assert state(site, first) is CaseState.OPEN

    def test_a_reference_to_either_is_one_case(self, site: Worksite) -> None:
        first = site.post(an_application("QX1")).case_id
        second = site.post(an_application("QX2")).case_id
        site.merge(second, first)
        joined = site.post(an_application("H7", references={"window": "QX2"}), source="hall")
        assert joined.case_id == first
        assert by_name(site, "hall", "H7") == first

    def test_a_key_answers_as_the_first_time(self, site: Worksite) -> None:
        """Promise 2."""
        first = site.post(a_hotline_case("HL1")).case_id
        posted = site.post(a_hotline_case("HL2"), key="k1")
        done = site.merge(posted.case_id, first, key="k2")
        again = site.post(a_hotline_case("HL2"), key="k1")
        assert (again.case_id, again.receipt, again.revision) == (posted.case_id, posted.receipt, 1)
        once_more = site.merge(posted.case_id, first, key="k2")
        assert (once_more.status, once_more.receipt) == (done.status, done.receipt)


class TestWhatIsRefused:
    def test_a_second_merge_changes_nothing(self, site: Worksite) -> None:
        first, second = two_calls(site)
        site.merge(second, first)
        before = revision(site, first), revision(site, second)
        again = site.merge(second, first, reason="又一次")
        assert (again.status, again.is_unchanged, again.case_id) == (200, True, first)
        assert (revision(site, first), revision(site, second)) == before

    def test_a_case_is_not_merged_into_itself(self, site: Worksite) -> None:
        first, _ = two_calls(site)
        with pytest.raises(Conflict):
            site.merge(first, first)

    def test_a_cycle_is_refused(self, site: Worksite) -> None:
        first, second = two_calls(site)
        site.merge(second, first)
        with pytest.raises(Conflict, match="one and the same"):
            site.merge(first, second)

    def test_a_merged_case_is_not_merged_into_a_third(self, site: Worksite) -> None:
        first, second = two_calls(site)
        third = site.post(a_hotline_case("HL3")).case_id
        site.merge(second, first)
        with pytest.raises(CaseMerged, match=str(first)):
            site.merge(second, third)

    def test_a_closed_case_stands_for_none(self, site: Worksite) -> None:
        first, second = two_calls(site)
        site.void(first)
        with pytest.raises(CaseVoid):
            site.merge(second, first)

    def test_a_source_merges_only_what_is_its_own(self, site: Worksite) -> None:
        first, second = two_calls(site)
        with pytest.raises(NotFound):
            site.merge(second, first, as_=caller("hall"))

    def test_a_stale_revision_is_refused(self, site: Worksite) -> None:
        first, second = two_calls(site)
        site.append(second, a_stage("s9", "assigned"))
        with pytest.raises(StaleRevision):
            site.merge(second, first, if_match=1)

    def test_numbers_of_two_cases_name_each(self, site: Worksite) -> None:
        site.post(an_application("QX1"))
        site.post(an_application("H7"), source="hall")
        document = an_application("SP9", references={"window": "QX1", "hall": "H7"})
        with pytest.raises(Conflict) as refused:
            site.post(document, source="food")
        assert [e.pointer for e in refused.value.errors] == ["/references/hall", "/references/window"]
