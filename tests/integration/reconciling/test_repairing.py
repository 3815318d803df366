"""What a person does about one discrepancy."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from syncgate.domain.errors import NotFound
from syncgate.domain.reconciliation.kinds import Action, Kind
from syncgate.domain.rows import Delivery, Discrepancy
from syncgate.flows.operating.by_hand import cancel
from syncgate.flows.reconciling.closing import closed
from syncgate.flows.reconciling.repairing import InvalidRepair, NotRepairable, actions_for, repair
from tests.integration.flows.altered import OPERATOR
from tests.integration.flows.worksite import Worksite
from tests.integration.reconciling.found import found, row_of
from tests.support.cases import an_application
from tests.support.rows import new_id

PERSON = replace(OPERATOR, name="王样本", role="operator", sources=())


def delivered(site: Worksite) -> Delivery:
    accepted = site.post(an_application())
    site.run_dry("food")
    return site.only(accepted.case_id, "food", "application")


def repaired(site: Worksite, row: object, action: Action, *, by: object = PERSON) -> Discrepancy:
    return site.run(repair(site.gate, by, row, action=action, reason="与对方核实"))  # type: ignore[arg-type]


def test_a_person_has_what_was_left_to_them_sent_again(site: Worksite) -> None:
    """Promise 12: by a delivery, with who and why in its history."""
    judged = delivered(site)
    edited = found(site, judged, Kind.EDITED_THERE, action=Action.ASK)
    row = repaired(site, edited, Action.RESEND)
    assert row.delivery_id is not None
    (entry,) = site.store.read(lambda tx: tx.attempts(row.delivery_id))  # type: ignore[arg-type]
    assert (entry.kind, entry.actor, entry.detail["reason"]) == ("by_hand", "王样本", "与对方核实")
    site.run_dry("food")
    assert row_of(site, edited).closed_as == "mended"


def test_what_is_ignored_is_ended_and_nothing_is_sent(site: Worksite) -> None:
    judged = delivered(site)
    edited = found(site, judged, Kind.EDITED_THERE, action=Action.ASK)
    row = repaired(site, edited, Action.IGNORE)
    assert (row.closed_as, row.closed_by) == ("ignored", "王样本")
    assert row.observed_mac is not None, "by which the next run knows that it sees the same"
    site.run_dry("food")
    assert len(site.systems["food"].sends) == 1
    audit = site.store.read(lambda tx: tx.list_audit(limit=1))[0]
    assert (audit["action"], audit["actor"], audit["reason"]) == ("mend", "王样本", "与对方核实")


@pytest.mark.parametrize("action", [Action.RESEND, Action.IGNORE])
def test_the_same_repair_is_done_once_however_often_it_is_asked_for(site: Worksite, action: Action) -> None:
    judged = delivered(site)
    missing = found(site, judged, Kind.MISSING, action=Action.ASK)
    first = repaired(site, missing, action)
    assert repaired(site, missing, action) == first
    site.run_dry("food")
    assert repaired(site, missing, action).closed_as == {"resend": "mended", "ignore": "ignored"}[action]
    assert len(site.systems["food"].sends) == 1 + (action is Action.RESEND)


@pytest.mark.parametrize(("first", "then"), [(Action.RESEND, Action.IGNORE), (Action.IGNORE, Action.RESEND)])
def test_what_is_repaired_is_not_repaired_otherwise(site: Worksite, first: Action, then: Action) -> None:
    judged = delivered(site)
    missing = found(site, judged, Kind.MISSING, action=Action.ASK)
    repaired(site, missing, first)
    for _ in ("under way", "ended"):
        with pytest.raises(NotRepairable):
            repaired(site, missing, then)
        site.run_dry("food")
    assert len(site.systems["food"].sends) == 1 + (first is Action.RESEND)


def test_a_repair_that_is_stopped_is_not_called_done(site: Worksite) -> None:
    judged = delivered(site)
    missing = found(site, judged, Kind.MISSING, action=Action.ASK)
    row = repaired(site, missing, Action.RESEND)
    assert row.delivery_id is not None
    site.run(cancel(site.gate, PERSON, row.delivery_id, reason="unsure"))
    with pytest.raises(NotRepairable, match=str(row.delivery_id)):
        repaired(site, missing, Action.RESEND)


def test_what_the_next_run_did_not_find_was_not_repaired(site: Worksite) -> None:
    """Its row still says what the policy would have done."""
    judged = delivered(site)
    missing = found(site, judged, Kind.MISSING, action=Action.RESEND)
    site.write(lambda tx: closed(tx, row_of(site, missing), how="gone"))
    with pytest.raises(NotRepairable, match="gone"):
        repaired(site, missing, Action.RESEND)


def test_a_slot_that_has_moved_on_is_left_to_the_next_run(site: Worksite) -> None:
    judged = delivered(site)
    missing = found(site, judged, Kind.MISSING, action=Action.ASK)
    site.patch(judged.case_id, {"form": {"从业人数": 13}})
    with pytest.raises(NotRepairable, match="moved on"):
        repaired(site, missing, Action.RESEND)


def test_why_it_cannot_be_done_is_said_and_nothing_is_kept(site: Worksite) -> None:
    judged = delivered(site)
    edited = found(site, judged, Kind.EDITED_THERE, action=Action.ASK, record={"area": "?"}, actual={"area": "?"})
    before = row_of(site, edited)
    with pytest.raises(NotRepairable, match="not_reversible"):
        repaired(site, edited, Action.ACCEPT)
    assert row_of(site, edited) == before


@pytest.mark.parametrize(
    ("kind", "action"),
    [(Kind.MISSING, Action.ACCEPT), (Kind.UNEXPECTED, Action.RESEND), (Kind.MAPPING_CHANGED, Action.RESEND)],
)
def test_a_kind_has_only_its_own_repairs(site: Worksite, kind: Kind, action: Action) -> None:
    judged = delivered(site)
    row = found(site, judged, kind, action=Action.ASK)
    with pytest.raises(InvalidRepair):
        repaired(site, row, action)


def test_a_difference_from_a_source_can_only_be_ignored() -> None:
    assert actions_for("not_posted") == {Action.IGNORE}
    assert Action.ASK not in actions_for("missing")


def test_what_is_out_of_scope_is_not_there(site: Worksite) -> None:
    """Promise 10."""
    judged = delivered(site)
    missing = found(site, judged, Kind.MISSING, action=Action.ASK)
    for by in (replace(PERSON, systems=("province",)), replace(PERSON, regions=("9902",))):
        with pytest.raises(NotFound):
            repaired(site, missing, Action.RESEND, by=by)
    with pytest.raises(NotFound):
        repaired(site, uuid4(), Action.RESEND)


def test_what_is_of_no_case_is_for_those_who_see_every_case(site: Worksite) -> None:
    """Promise 10."""
    judged = delivered(site)
    row = row_of(site, found(site, judged, Kind.MISSING, action=Action.ASK))
    nobodys = replace(row, discrepancy_id=new_id(), kind="unexpected", case_id=None, subject="ab" * 16)
    site.write(lambda tx: tx.insert_discrepancy(nobodys))
    with pytest.raises(NotFound):
        repaired(site, nobodys.discrepancy_id, Action.IGNORE, by=replace(PERSON, regions=("9901",)))
    assert repaired(site, nobodys.discrepancy_id, Action.IGNORE).closed_as == "ignored"
