"""What a system's own people typed there becomes a revision of the case, where that is certain (story 12)."""

from __future__ import annotations

import copy
from typing import Any
from uuid import UUID

import pytest

from syncgate.domain.delivery import Phase
from syncgate.domain.reconciliation.kinds import Action, Kind
from syncgate.domain.rows import Delivery
from syncgate.site.sources import Source
from tests.integration.flows.altered import rewritten
from tests.integration.flows.worksite import Worksite, activate
from tests.integration.reconciling.found import found, mended, row_of
from tests.support.cases import an_application


def delivered(site: Worksite) -> Delivery:
    accepted = site.post(an_application())
    site.run_dry("food")
    site.run_dry("province")
    return site.only(accepted.case_id, "food", "application")


def shown(site: Worksite, **changes: Any) -> dict[str, Any]:
    """The record as food shows it, with what its people changed."""
    (payload,) = [copy.deepcopy(sent.payload) for sent in site.systems["food"].sends if sent.operation == "create"]
    return {"id": "SPJY1", **payload, **changes}


def accepted_of(site: Worksite, judged: Delivery, **changes: Any) -> UUID:
    record = shown(site, **changes)
    return found(site, judged, Kind.EDITED_THERE, action=Action.ACCEPT, record=record, actual=changes)


def test_a_value_that_food_owns_becomes_a_revision_by_food_and_is_not_echoed(site: Worksite) -> None:
    judged = delivered(site)
    sent = len(site.systems["food"].sends)
    edited = accepted_of(site, judged, area="150.50㎡", warehouse="东示区仓储路2号")
    did = mended(site, edited)
    assert (dict(did.by_action), did.left) == ({"accept": 1}, 0)
    document = site.document(judged.case_id)
    assert document["form"]["经营面积"] == 150.5
    assert document["form"]["仓库地址"] == "东示区仓储路2号"
    assert document["form"] == an_application()["form"] | {"经营面积": 150.5, "仓库地址": "东示区仓储路2号"}
    submission = site.store.read(lambda tx: tx.revision(judged.case_id, 2))
    assert submission is not None
    assert (submission.source, submission.by) == ("food", "schedule")
    site.run_dry("food")
    assert len(site.systems["food"].sends) == sent, "food has it already"
    row = row_of(site, edited)
    assert (row.closed_as, row.detail["accepted_as"]) == ("accepted", 2)


def province_reads_the_area(site: Worksite) -> None:
    """From here on, the province's record of a case names the area; it takes no corrections."""
    other = "{number: case.form.经营面积, as: text, decimals: 2}"
    path = "mappings/province/basic_info.yaml"
    bundle = rewritten(site, "province", path, "projectname: case.title", f"projectname: {other}")
    site.run(activate(site.gate, [bundle]))


def test_other_systems_get_it_as_any_other_revision(site: Worksite) -> None:
    """Story 12: the province cannot be corrected, so that a person prints a letter."""
    province_reads_the_area(site)
    judged = delivered(site)
    mended(site, accepted_of(site, judged, area="150.50㎡"))
    site.run_dry("province")
    changed = [d for d in site.deliveries(judged.case_id, "province") if d.revision == 2]
    assert [(d.message, d.phase, d.reason) for d in changed] == [("basic_info", Phase.PARKED, "correction_not_taken")]


def test_what_was_taken_over_is_known_again_by_its_marks(site: Worksite) -> None:
    judged = delivered(site)
    mended(site, accepted_of(site, judged, area="150.50㎡"))
    newest = site.deliveries(judged.case_id, "food")[-1]
    assert (newest.phase, newest.reason, newest.remote_ref) == (Phase.DELIVERED, "held_by_source", judged.remote_ref)
    assert newest.held_key == judged.held_key
    assert newest.held_mac not in (None, judged.held_mac)
    assert site.attempts(newest) == ["held_by_source"]


def test_the_next_correction_changes_the_record_that_was_taken_over(site: Worksite) -> None:
    judged = delivered(site)
    mended(site, accepted_of(site, judged, area="150.50㎡"))
    site.patch(judged.case_id, {"form": {"从业人数": 13}})
    site.run_dry("food")
    last = site.systems["food"].sends[-1]
    assert (last.operation, last.payload["area"], last.payload["staff"]) == ("replace", "150.50㎡", 13)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"area": "一百五十平方米"}, "not_reversible"),
        ({"bizForm": "ZZ"}, "not_reversible"),
        ({"applicantName": "李示例"}, "not_reversible"),
        ({"area": "150.50㎡", "applicantName": "李示例"}, "not_reversible"),
        ({"area": "150.505㎡"}, "not_reversible"),
        ({"staff": -1}, "not_reversible"),
    ],
    ids=["no number", "no such code", "not read inward", "one of two", "loses a digit", "breaks the contract"],
)
def test_what_is_not_certain_is_a_persons_matter(site: Worksite, changes: dict[str, Any], why: str) -> None:
    """Promise 7: no value is made up, cut or left out on the way back."""
    judged = delivered(site)
    before = site.document(judged.case_id)
    edited = accepted_of(site, judged, **changes)
    did = mended(site, edited)
    assert (dict(did.by_action), did.left) == ({}, 1)
    row = row_of(site, edited)
    assert (row.action, row.detail["why"], row.closed_at) == ("ask", why, None)
    assert site.document(judged.case_id) == before
    assert len(site.deliveries(judged.case_id, "food")) == 1


def test_what_the_system_does_not_own_is_a_persons_matter(site: Worksite) -> None:
    """Its word does not count for the form: the record differs, and the case stays as its owner said."""
    judged = delivered(site)
    for name, owns in (("window", {"/form"}), ("food", set[str]())):
        site.gate.inbound[name] = Source(name=name, title={}, mapping=None, formats={}, owns=frozenset(owns))
    edited = accepted_of(site, judged, area="150.50㎡")
    did = mended(site, edited)
    assert (dict(did.by_action), did.left) == ({}, 1)
    assert row_of(site, edited).detail["why"] == "not_owned"
    assert site.document(judged.case_id) == an_application()


def test_nothing_of_the_case_is_touched_that_no_difference_explains(site: Worksite) -> None:
    """The case says the area as a text; the record's mapping would make a number of it, and is not asked."""
    accepted = site.post(an_application(form=an_application()["form"] | {"经营面积": "120"}))
    site.run_dry("food")
    judged = site.only(accepted.case_id, "food", "application")
    mended(site, accepted_of(site, judged, warehouse="东示区仓储路2号"))
    assert site.document(judged.case_id)["form"]["经营面积"] == "120"


def test_taking_over_again_makes_no_second_revision(site: Worksite) -> None:
    """Crash point: after the commit, before anybody heard of it (promise 2)."""
    judged = delivered(site)
    edited = accepted_of(site, judged, area="150.50㎡")
    mended(site, edited)
    mended(site, edited)
    case = site.store.read(lambda tx: tx.case(judged.case_id))
    assert case is not None
    assert case.revision == 2


def test_a_correction_that_came_meanwhile_wins(site: Worksite) -> None:
    judged = delivered(site)
    edited = accepted_of(site, judged, area="150.50㎡")
    site.patch(judged.case_id, {"form": {"从业人数": 13}})
    assert mended(site, edited).by_action == {}
    assert site.document(judged.case_id)["form"]["经营面积"] == 120


def test_a_withdrawn_case_takes_nothing_over(site: Worksite) -> None:
    judged = delivered(site)
    edited = accepted_of(site, judged, area="150.50㎡")
    site.withdraw(judged.case_id)
    assert mended(site, edited).by_action == {}


def test_sends_to_all_systems_count_towards_the_cap(site: Worksite) -> None:
    province_reads_the_area(site)
    judged = delivered(site)
    edited = accepted_of(site, judged, area="150.50㎡")
    before = site.document(judged.case_id)
    did = mended(site, edited, cap=0)
    assert did.is_beyond_cap
    assert site.document(judged.case_id) == before
