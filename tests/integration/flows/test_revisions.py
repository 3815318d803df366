"""What a source sends again, corrects and adds (promise 2), and what of it reaches the systems."""

from __future__ import annotations

import pytest

from syncgate.domain.delivery import Event, Phase
from syncgate.domain.errors import Conflict, InvalidCase, KeyReused, NotFound, StaleRevision
from syncgate.domain.outcome import Outcome
from syncgate.flows.delivering.work import Verdict
from tests.integration.flows.worksite import Worksite, answer
from tests.support.cases import a_hotline_case, a_stage, an_application

WRONG_ID = {"type": "natural_person", "name": "张示例", "id_type": "111", "id_no": "990101197802130002"}


def test_the_same_content_again_changes_nothing(site: Worksite) -> None:
    first = site.post(an_application())
    again = site.post(an_application())
    assert (again.status, again.is_unchanged, again.revision) == (200, True, 1)
    assert (again.case_id, again.receipt, again.deliveries) == (first.case_id, first.receipt, first.deliveries)


def test_the_same_key_with_the_same_body_answers_as_the_first_time(site: Worksite) -> None:
    first = site.post(an_application(), key="K1")
    site.put(first.case_id, an_application(channel="portal"))
    again = site.post(an_application(), key="K1")
    assert (again.status, again.revision, again.receipt) == (202, 1, first.receipt)


def test_the_same_key_with_another_body_is_refused(site: Worksite) -> None:
    site.post(an_application(), key="K1")
    with pytest.raises(KeyReused):
        site.post(an_application(channel="portal"), key="K1")


def test_two_calls_that_look_alike_stay_two(site: Worksite) -> None:
    first, second = site.post(a_hotline_case("H1")), site.post(a_hotline_case("H2"))
    assert first.case_id != second.case_id


def test_a_correction_reaches_those_that_take_it_and_parks_where_they_do_not(site: Worksite) -> None:
    """Story 1: food is updated, province holds the old and is parked as correction_not_taken."""
    accepted = site.post(an_application(applicant=WRONG_ID))
    site.run_dry("food")
    site.run_dry("province")
    after = site.put(accepted.case_id, an_application())
    assert after.revision == 2
    site.run_dry("food")
    site.run_dry("province")
    food, province = site.systems["food"], site.systems["province"]
    assert [r.payload["idNo"] for r in food.sends] == [WRONG_ID["id_no"], "99010119780213002X"]
    assert [r.operation for r in province.sends].count("receiveBasicInfo") == 1
    parked = [d for d in site.deliveries(accepted.case_id, "province") if d.phase is Phase.PARKED]
    assert [(d.message, d.reason) for d in parked] == [("basic_info", "correction_not_taken")]


def test_a_correction_of_what_was_never_sent_replaces_it(site: Worksite) -> None:
    accepted = site.post(an_application(applicant=WRONG_ID))
    site.put(accepted.case_id, an_application())
    site.run_dry("province")
    (sent,) = [r for r in site.systems["province"].sends if r.operation == "receiveBasicInfo"]
    assert sent.payload["applyerpagecode"] == "99010119780213002X"


def test_a_correction_releases_what_was_refused(site: Worksite) -> None:
    site.systems["food"].script.append(answer(Outcome.REFUSED, reason="field_refused", actor="source"))
    accepted = site.post(an_application(applicant=WRONG_ID))
    site.run_dry("food")
    assert site.only(accepted.case_id, "food", "application").phase is Phase.PARKED
    site.put(accepted.case_id, an_application())
    site.run_dry("food")
    delivered = site.only(accepted.case_id, "food", "application")
    assert (delivered.phase, delivered.revision) == (Phase.DELIVERED, 2)


def test_a_correction_and_its_undoing_send_nothing(site: Worksite) -> None:
    accepted = site.post(an_application())
    site.run_dry("food")
    site.put(accepted.case_id, an_application(channel="portal"))
    site.put(accepted.case_id, an_application())
    site.run_dry("food")
    assert len(site.systems["food"].sends) == 1


@pytest.mark.parametrize("system", ["province", "food"])
def test_an_undoing_while_the_correction_is_in_hand_and_never_leaves_sends_nothing(site: Worksite, system: str) -> None:
    """The correction is claimed, undone, and then held back unsent: what is delivered is what is wanted."""
    accepted = site.post(an_application())
    site.run_dry(system)
    sent = len(site.systems[system].sends)
    site.put(accepted.case_id, an_application(applicant=WRONG_ID))
    work = site.claim_one(system)
    site.put(accepted.case_id, an_application())
    site.settle(work, Verdict(event=Event.HANDED_BACK, rule="stopping"))
    site.run_dry(system)
    assert len(site.systems[system].sends) == sent
    assert {d.phase for d in site.deliveries(accepted.case_id, system)} == {Phase.DELIVERED, Phase.CANCELLED}


def test_an_undoing_while_the_correction_is_under_way_is_sent_once_that_was_taken(site: Worksite) -> None:
    accepted = site.post(an_application())
    site.run_dry("food")
    site.put(accepted.case_id, an_application(applicant=WRONG_ID))
    work = site.claim_one("food")
    site.put(accepted.case_id, an_application())
    site.settle(work, site.serve(work))
    site.run_dry("food")
    numbers = [request.payload["idNo"] for request in site.systems["food"].sends]
    assert numbers == ["99010119780213002X", WRONG_ID["id_no"], "99010119780213002X"]


def test_a_revision_that_never_came_there_leaves_no_gap_in_the_versions(site: Worksite) -> None:
    """Its send was in hand when the next revision came, and the system was not to be had."""
    accepted = site.post(an_application())
    work = site.claim_one("food")
    site.put(accepted.case_id, an_application(applicant=WRONG_ID))
    site.systems["food"].script.append(answer(Outcome.UNAVAILABLE))
    site.settle(work, site.serve(work))
    site.run_dry("food")
    versions = [
        (d.revision, d.version_no) for d in site.deliveries(accepted.case_id, "food") if d.phase is Phase.DELIVERED
    ]
    assert versions == [(2, 1)]


def test_stages_unite_and_posting_again_removes_none(site: Worksite) -> None:
    accepted = site.post(an_application())
    site.append(accepted.case_id, a_stage("s1", "accepted"))
    again = site.post(an_application())
    assert again.is_unchanged
    assert again.revision == 2


def test_a_known_stage_with_other_content_is_refused_and_nothing_is_stored(site: Worksite) -> None:
    accepted = site.post(an_application())
    site.append(accepted.case_id, a_stage("s1", "accepted"))
    with pytest.raises(Conflict) as refused:
        site.append(accepted.case_id, a_stage("s2", "step"), a_stage("s1", "declined"))
    assert [error.pointer for error in refused.value.errors] == ["/stages/1"]
    assert site.post(an_application()).revision == 2


def test_a_correcting_stage_is_appended_under_its_own_id(site: Worksite) -> None:
    accepted = site.post(an_application())
    site.append(accepted.case_id, a_stage("s1", "accepted"))
    assert site.append(accepted.case_id, a_stage("s2", "corrected", corrects="s1")).revision == 3


def test_a_stale_if_match_is_refused(site: Worksite) -> None:
    accepted = site.post(an_application())
    site.patch(accepted.case_id, {"channel": "portal"}, if_match=1)
    with pytest.raises(StaleRevision):
        site.patch(accepted.case_id, {"channel": "app"}, if_match=1)


def test_an_older_source_version_is_refused(site: Worksite) -> None:
    accepted = site.post(an_application(source_version=10))
    with pytest.raises(StaleRevision):
        site.put(accepted.case_id, an_application(source_version=9, channel="portal"))


def test_a_patch_is_checked_as_a_whole(site: Worksite) -> None:
    accepted = site.post(an_application())
    with pytest.raises(InvalidCase) as refused:
        site.patch(accepted.case_id, {"applicant": {"name": None}, "channel": "fax"})
    assert {error.pointer for error in refused.value.errors} == {"/applicant/name", "/channel"}
    assert site.post(an_application()).is_unchanged


def test_another_source_cannot_change_a_case_that_it_does_not_know(site: Worksite) -> None:
    accepted = site.post(an_application())
    with pytest.raises(NotFound):
        site.patch(accepted.case_id, {"channel": "portal"}, source="hall")


def test_a_reference_joins_a_post_to_the_case_it_names(site: Worksite) -> None:
    accepted = site.post(an_application("QX1"))
    joined = site.post(an_application("SP9", references={"window": "QX1"}), source="food")
    assert joined.case_id == accepted.case_id
    assert site.store.read(lambda tx: tx.case_id_by_ref("food", "SP9")) == accepted.case_id


def test_references_that_name_two_cases_are_refused(site: Worksite) -> None:
    site.post(an_application("QX1"))
    site.post(an_application("HL1"), source="hall")
    with pytest.raises(Conflict):
        site.post(an_application("SP1", references={"window": "QX1", "hall": "HL1"}), source="food")
