"""What reconciliation has found is mended through the queue, once, where the slot is still as it was judged."""

from __future__ import annotations

from uuid import UUID

import pytest
from structlog.testing import capture_logs

from syncgate.domain.delivery import Phase
from syncgate.domain.outcome import Outcome
from syncgate.domain.reconciliation.kinds import Action, Kind
from syncgate.domain.rows import Change, Delivery, Observed
from syncgate.flows.operating.by_hand import cancel
from syncgate.flows.reconciling.restored import seen_as_delivered
from syncgate.ports import Tx
from tests.integration.flows.altered import OPERATOR, UNKNOWN
from tests.integration.flows.worksite import Worksite, answer, taken
from tests.integration.reconciling.found import found, mended, row_of
from tests.support.cases import a_stage, an_application


def delivered(site: Worksite, case_no: str = "QX1", *, message: str = "application", system: str = "food") -> Delivery:
    """What food holds of a new case."""
    accepted = site.post(an_application(case_no))
    site.run_dry(system)
    return site.only(accepted.case_id, system, message)


def slot(site: Worksite, judged: Delivery) -> list[tuple[str, str | None]]:
    rows = [d for d in site.deliveries(judged.case_id, judged.system) if d.message == judged.message]
    return [(d.phase.value, d.change.value if d.change else None) for d in rows]


def operations(site: Worksite, system: str = "food") -> list[str]:
    return [request.operation for request in site.systems[system].sends]


def test_what_is_missing_is_created_again_and_its_discrepancy_ends_with_the_repair(site: Worksite) -> None:
    """Promise 12: the repair is a delivery as any other."""
    judged = delivered(site)
    missing = found(site, judged, Kind.MISSING)
    did = mended(site, missing)
    assert (dict(did.by_action), did.left, did.sends) == ({"resend": 1}, 0, 1)
    assert slot(site, judged) == [("delivered", "create"), ("pending", None)]
    assert row_of(site, missing).closed_at is None
    site.run_dry("food")
    assert slot(site, judged) == [("delivered", "create"), ("delivered", "create")]
    assert operations(site) == ["create", "create"]
    row = row_of(site, missing)
    assert (row.closed_as, row.closed_by) == ("mended", "syncgate")
    assert row.delivery_id == site.deliveries(judged.case_id, "food")[-1].delivery_id


def test_a_repair_tells_in_both_histories_which_run_made_it(site: Worksite) -> None:
    """Promise 8."""
    judged = delivered(site)
    missing = found(site, judged, Kind.MISSING)
    mended(site, missing)
    repair = site.deliveries(judged.case_id, "food")[-1]
    assert site.attempts(judged) == ["taken", "observed_absent"]
    assert site.attempts(repair) == ["repairs"]
    (entry,) = site.store.read(lambda tx: tx.attempts(repair.delivery_id))
    assert entry.detail["run"] == "food.20260430T183000Z"
    assert entry.detail["discrepancy"] == str(missing)
    audit = site.store.read(lambda tx: tx.list_audit(limit=1))[0]
    assert (audit["action"], audit["object"]) == ("mend", f"discrepancy:{missing}")


def test_what_was_edited_there_is_changed_back(site: Worksite) -> None:
    judged = delivered(site)
    edited = found(site, judged, Kind.EDITED_THERE, action=Action.RESEND, actual={"premises": "x"})
    mended(site, edited)
    site.run_dry("food")
    assert operations(site) == ["create", "replace"]
    assert row_of(site, edited).closed_as == "mended"


def test_mending_again_changes_nothing(site: Worksite) -> None:
    judged = delivered(site)
    missing = found(site, judged, Kind.MISSING)
    mended(site, missing)
    before = site.deliveries(judged.case_id, "food")
    again = mended(site, missing)
    assert again.by_action == {}
    assert site.deliveries(judged.case_id, "food") == before
    site.run_dry("food")
    mended(site, missing)
    site.run_dry("food")
    assert operations(site) == ["create", "create"]


def test_beyond_the_cap_nothing_at_all_is_mended(site: Worksite) -> None:
    """Promise 11: a run that would send more than it may sends nothing."""
    judged = [delivered(site, f"QX{no}") for no in range(3)]
    ids = [found(site, one, Kind.MISSING) for one in judged]
    did = mended(site, *ids, cap=2)
    assert (did.is_beyond_cap, did.sends, did.left, dict(did.by_action)) == (True, 3, 3, {})
    assert [slot(site, one) for one in judged] == [[("delivered", "create")]] * 3
    assert all(one.observed is None for one in (site.only(j.case_id, "food", "application") for j in judged))
    did = mended(site, *ids, cap=3)
    assert (did.is_beyond_cap, dict(did.by_action)) == (False, {"resend": 3})


def test_the_cap_counts_what_would_be_sent_and_nothing_else(site: Worksite) -> None:
    """What has moved on, or is only confirmed, sends nothing; and to count breaks nothing."""
    missing = [found(site, delivered(site, f"QX{no}"), Kind.MISSING) for no in range(2)]
    moved = delivered(site, "QX2")
    others = [found(site, moved, Kind.MISSING)]
    site.patch(moved.case_id, {"form": {"经营面积": "130"}})
    site.systems["food"].script += [taken("R-2"), UNKNOWN]
    site.step("food")
    unknown = site.post(an_application("QX3"))
    site.step("food")
    lost = site.only(unknown.case_id, "food", "application")
    assert lost.phase is Phase.UNCONFIRMED
    others.append(found(site, lost, Kind.CONFIRMED, remote_ref="SPJY77"))
    with capture_logs() as told:
        did = mended(site, *missing, *others, cap=1)
        assert (did.is_beyond_cap, did.sends) == (True, 2)
        did = mended(site, *missing, *others, cap=2)
    assert (did.is_beyond_cap, did.sends, dict(did.by_action)) == (False, 2, {"resend": 2, "confirm": 1})
    assert "mending_broke" not in {one["event"] for one in told}


@pytest.mark.parametrize("done", [0, 1, 2])
def test_a_mend_that_died_between_two_cases_is_gone_on_with(site: Worksite, done: int) -> None:
    """Crash point: after `done` of three transactions. Nothing is mended twice, nothing is forgotten (promise 3)."""
    judged = [delivered(site, f"QX{no}") for no in range(3)]
    ids = [found(site, one, Kind.MISSING) for one in judged]
    count = iter(range(10))

    class Died(Exception):
        pass

    def require(_: Tx) -> None:
        if next(count) == done:
            raise Died

    with pytest.raises(Died):
        mended(site, *ids, cap=3, require=require)
    did = mended(site, *ids, cap=3)
    assert not did.is_beyond_cap, "what was queued before the crash is within the same cap"
    site.run_dry("food")
    assert [slot(site, one) for one in judged] == [[("delivered", "create")] * 2] * 3
    assert [row_of(site, one).closed_as for one in ids] == ["mended"] * 3


def test_what_has_moved_on_since_it_was_judged_is_left_alone(site: Worksite) -> None:
    """No false repair: a correction came between the look and the mending."""
    judged = delivered(site)
    missing = found(site, judged, Kind.MISSING)
    site.patch(judged.case_id, {"form": {"经营面积": "130"}})
    did = mended(site, missing)
    assert (dict(did.by_action), did.left) == ({}, 0)
    site.run_dry("food")
    assert operations(site) == ["create", "replace"]
    assert mended(site, missing).by_action == {}


def test_a_repair_whose_answer_is_lost_is_confirmed_before_anything_else_is_sent(site: Worksite) -> None:
    """Promise 4."""
    judged = delivered(site)
    missing = found(site, judged, Kind.MISSING)
    site.systems["food"].held.clear()
    mended(site, missing)
    site.systems["food"].script.append(UNKNOWN)
    site.systems["food"].takes_silently = True
    site.run_dry("food")
    assert operations(site) == ["create", "create"]
    assert row_of(site, missing).closed_as == "mended"


def test_what_comes_after_the_missing_one_waits_for_its_repair(site: Worksite) -> None:
    """Promise 5."""
    accepted = site.post(an_application())
    site.append(accepted.case_id, a_stage("s1", kind="accepted"))
    site.run_dry("food")
    application, event = (site.only(accepted.case_id, "food", name) for name in ("application", "event"))
    ids = [found(site, event, Kind.MISSING), found(site, application, Kind.MISSING)]
    mended(site, *ids)
    site.systems["food"].script.append(answer(Outcome.UNAVAILABLE))
    site.run_dry("food")
    assert operations(site)[2:] == ["create", "create", "event"]
    assert {row_of(site, one).closed_as for one in ids} == {"mended"}


def test_a_record_made_anew_gets_a_number_of_its_own(site: Worksite) -> None:
    judged = delivered(site)
    mended(site, found(site, judged, Kind.MISSING))
    site.systems["food"].script.append(taken("R-NEW"))
    site.run_dry("food")
    lane = site.store.read(lambda tx: tx.lane(judged.case_id, "food"))
    assert lane is not None
    assert lane.case_ref == "R-NEW"


def test_a_record_that_food_made_itself_and_removed_is_a_persons_matter(site: Worksite) -> None:
    accepted = site.post(an_application("QX1"), source="window")
    site.patch(accepted.case_id, {"references": {"food": "SPJY1"}})
    site.run_dry("food")
    judged = site.deliveries(accepted.case_id, "food")[-1]
    missing = found(site, judged, Kind.MISSING)
    did = mended(site, missing)
    assert (did.left, row_of(site, missing).action, row_of(site, missing).detail["why"]) == (
        1,
        "ask",
        "own_record_gone",
    )


def withdrawn(site: Worksite) -> Delivery:
    """A retraction of food's record, delivered."""
    judged = delivered(site)
    site.withdraw(judged.case_id)
    site.run_dry("food")
    return next(d for d in site.deliveries(judged.case_id, "food") if d.change is Change.RETRACT)


def test_what_is_still_there_though_it_was_taken_back_is_taken_back_again(site: Worksite) -> None:
    retraction = withdrawn(site)
    sent = len(operations(site))
    left = found(site, retraction, Kind.NO_LONGER_PLANNED, slot=("application", ""))
    did = mended(site, left)
    assert dict(did.by_action) == {"retract": 1}
    site.run_dry("food")
    assert len(operations(site)) == sent + 1
    assert row_of(site, left).closed_as == "retracted"
    again = found(site, retraction, Kind.NO_LONGER_PLANNED, slot=("application", ""))
    assert mended(site, again).by_action == {}, "what was judged is not the newest any more"


def test_what_was_taken_back_may_be_named_in_place_of_its_retraction(site: Worksite) -> None:
    retraction = withdrawn(site)
    site.clock.move(seconds=60)
    judged = site.deliveries(retraction.case_id, "food")[0]
    left = found(site, judged, Kind.NO_LONGER_PLANNED)
    assert dict(mended(site, left).by_action) == {"retract": 1}
    assert site.store.read(lambda tx: tx.delivery(retraction.delivery_id)).observed is Observed.PRESENT  # type: ignore[union-attr]


def test_what_was_found_settles_a_delivery_that_only_a_person_could_have_told_of(site: Worksite) -> None:
    site.systems["food"].script.append(UNKNOWN)
    accepted = site.post(an_application())
    site.step("food")
    judged = site.only(accepted.case_id, "food", "application")
    assert judged.phase is Phase.UNCONFIRMED
    confirmed = found(site, judged, Kind.CONFIRMED, remote_ref="SPJY77")
    did = mended(site, confirmed)
    assert dict(did.by_action) == {"confirm": 1}
    after = site.only(accepted.case_id, "food", "application")
    assert (after.phase, after.remote_ref) == (Phase.DELIVERED, "SPJY77")
    assert (row_of(site, confirmed).closed_as, len(operations(site))) == ("confirmed", 1)
    assert site.attempts(after) == ["unknown", "found"]


def test_what_may_be_what_was_there_before_settles_nothing(site: Worksite) -> None:
    judged = delivered(site)
    site.systems["food"].script.append(UNKNOWN)
    site.patch(judged.case_id, {"form": {"经营面积": "130"}})
    site.step("food")
    (_, changed) = site.deliveries(judged.case_id, "food")
    assert changed.phase is Phase.UNCONFIRMED
    confirmed = found(site, changed, Kind.CONFIRMED, actual={"area": "120.00㎡"})
    assert mended(site, confirmed).left == 1
    assert site.deliveries(judged.case_id, "food")[-1].phase is Phase.UNCONFIRMED


def test_a_slot_seen_to_be_as_delivered_again_drops_the_repair_that_never_left(site: Worksite) -> None:
    judged = delivered(site)
    mended(site, found(site, judged, Kind.MISSING))
    site.write(lambda tx: seen_as_delivered(site.gate, tx, judged))
    site.run_dry("food")
    assert slot(site, judged) == [("delivered", "create"), ("cancelled", None)]
    assert operations(site) == ["create"]
    lane = site.store.read(lambda tx: tx.lane(judged.case_id, "food"))
    assert lane is not None
    assert lane.case_ref == judged.remote_ref


def test_a_person_who_cancels_the_repair_is_not_overruled(site: Worksite) -> None:
    judged = delivered(site)
    missing = found(site, judged, Kind.MISSING)
    mended(site, missing)
    repair = site.deliveries(judged.case_id, "food")[-1]
    site.run(cancel(site.gate, OPERATOR, repair.delivery_id, reason="closed down"))
    mended(site, missing)
    site.post(an_application("QX1"))
    site.run_dry("food")
    assert operations(site) == ["create"]


def test_an_edit_of_what_cannot_be_changed_there_is_parked_for_a_person(site: Worksite) -> None:
    """The province takes no corrections: the repair is a delivery like another, and is held as its message says."""
    accepted = site.post(an_application())
    site.run_dry("province")
    judged = next(d for d in site.deliveries(accepted.case_id, "province") if d.phase is Phase.DELIVERED)
    on_change = site.gate.active_bundle("province").message(judged.message).on_change
    edited = found(site, judged, Kind.EDITED_THERE, action=Action.RESEND)
    mended(site, edited, system="province")
    site.run_dry("province")
    repair = next(d for d in site.deliveries(accepted.case_id, "province")[::-1] if d.message == judged.message)
    expected = Phase.PARKED if on_change == "hold" else Phase.DELIVERED
    assert repair.phase is expected
    assert (row_of(site, edited).closed_as == "mended") is (expected is Phase.DELIVERED)


def test_a_deploy_that_made_a_slot_unplanned_takes_nothing_back_by_itself(site: Worksite) -> None:
    """Promise 13: nothing planned it out of the way but a configuration, and that sends nothing."""
    judged = delivered(site)
    unplanned = found(site, judged, Kind.NO_LONGER_PLANNED)
    did = mended(site, unplanned)
    assert (did.left, dict(did.by_action)) == (1, {})
    assert row_of(site, unplanned).detail["why"] == "not_taken_back"
    assert operations(site) == ["create"]


def _observed(site: Worksite, case_id: UUID) -> list[Observed | None]:
    return [d.observed for d in site.deliveries(case_id, "food")]


def test_what_was_observed_is_forgotten_once_the_delivery_moves_on(site: Worksite) -> None:
    judged = delivered(site)
    mended(site, found(site, judged, Kind.MISSING))
    assert _observed(site, judged.case_id) == [Observed.ABSENT, None]
    site.run_dry("food")
    assert _observed(site, judged.case_id) == [Observed.ABSENT, None], "it is history, and counts no more"
    (_, newest) = site.deliveries(judged.case_id, "food")
    mended(site, found(site, newest, Kind.MISSING))
    site.run_dry("food")
    assert operations(site) == ["create"] * 3
