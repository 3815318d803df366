"""What a run finds, and what it lets go."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import datetime, timedelta

from syncgate.domain.reconciliation.run import RunOutcome
from syncgate.domain.rows import Change
from syncgate.flows.reconciling.recording import observation
from tests.integration.reconciling.listed import World
from tests.support.cases import a_stage


def test_a_system_that_holds_what_it_should_is_verified_lane_by_lane(world: World) -> None:
    case_ids = world.deliver(7)
    state = world.reconcile()
    applications, events = state.totals
    assert state.outcome is RunOutcome.COMPLETE
    assert (applications.expected, applications.delivered, applications.read) == (7, 7, 7)
    assert (applications.verified, applications.unjudged, dict(applications.kinds)) == (7, 0, {})
    assert (events.expected, events.read, events.doubts) == (0, 0, ())
    assert world.open() == []
    lanes = [world.site.store.read(lambda tx, c=c: tx.lane(c, "food")) for c in case_ids]  # type: ignore[misc]
    assert all(lane is not None and lane.verified_at is not None for lane in lanes)


def test_each_class_is_found_and_nothing_else(world: World) -> None:
    case_ids = world.deliver(40)
    missing, edited, doubled, stale, _ = case_ids[3], case_ids[8], case_ids[11], case_ids[20], case_ids[30]
    before = copy.deepcopy(world.food.record(stale))
    world.site.patch(stale, {"form": {"经营场所": "西示区样本路 5 号"}})
    world.settle()
    world.food.record(stale).update(before)
    world.food.remove(missing)
    world.food.record(edited)["premises"] = "样本路 99 号"
    world.food.records["list_applications"].append({**world.food.record(doubled), "id": "N-second"})
    foreign = {**world.food.record(case_ids[0]), "bizKey": "01936f00-0000-7000-8000-00000000ffff", "id": "N-foreign"}
    world.food.records["list_applications"].append(foreign)
    state = world.reconcile()
    assert state.outcome is RunOutcome.COMPLETE
    found = sorted(world.kinds(), key=lambda one: one[0])
    assert found == [
        ("duplicate", doubled),
        ("edited_there", edited),
        ("missing", missing),
        ("stale", stale),
        ("unexpected", None),
    ]
    assert dict(state.totals[0].kinds) == dict.fromkeys([kind for kind, _ in found], 1)
    assert state.totals[0].verified == 36


def test_what_is_found_again_is_the_same_and_what_is_gone_is_closed(world: World) -> None:
    (case_id, *_) = world.deliver(4)
    record = copy.deepcopy(world.food.record(case_id))
    world.food.remove(case_id)
    world.reconcile()
    (first,) = world.open()
    world.pass_grace()
    world.reconcile()
    (again,) = world.open()
    assert again.discrepancy_id == first.discrepancy_id
    assert again.seen_at > first.seen_at
    world.food.records["list_applications"].append(record)
    world.pass_grace()
    world.reconcile()
    assert world.open() == []
    closed = world.site.store.read(lambda tx: tx.discrepancy(first.discrepancy_id))
    assert closed is not None
    assert closed.closed_as == "gone"


def test_events_and_a_withdrawal_are_records_of_their_own(world: World) -> None:
    kept, withdrawn = world.deliver(2)
    world.site.append(kept, a_stage("s1", "accepted"))
    world.settle()
    world.site.withdraw(withdrawn)
    world.settle()
    state = world.reconcile()
    assert state.outcome is RunOutcome.COMPLETE
    applications, events = state.totals
    assert (applications.read, applications.expected, applications.verified) == (2, 1, 1)
    assert (events.read, events.expected, events.verified) == (2, 2, 2)
    assert world.open() == []
    event = next(one for one in world.food.records["list_events"] if one["kind"] == "withdrawn")
    world.food.records["list_events"].remove(event)
    world.pass_grace()
    world.reconcile()
    assert [(row.kind, row.message, row.case_id) for row in world.open()] == [("missing", "withdrawn", withdrawn)]


def test_what_was_taken_back_and_is_there_again_is_told_with_the_retraction(world: World) -> None:
    gate = world.site.gate
    bundle = gate.active_bundle("food")
    assert bundle.readback is not None
    first, *others = bundle.readback.listings
    removing = (replace(first, is_removed=True), *others)
    gate.bundles[bundle.digest] = replace(bundle, readback=replace(bundle.readback, listings=removing))
    (case_id, *_) = world.deliver(3)
    record = copy.deepcopy(world.food.record(case_id))
    world.site.withdraw(case_id)
    world.settle()
    world.food.remove(case_id)
    world.reconcile()
    assert world.open() == []
    world.food.records["list_applications"].append(record)
    world.reconcile()
    (row,) = world.open()
    retraction = next(d for d in world.site.deliveries(case_id, "food") if d.change is Change.RETRACT)
    assert (row.kind, row.message, row.case_id) == ("no_longer_planned", "application", case_id)
    assert row.detail["delivery_id"] == str(retraction.delivery_id)


def test_what_a_person_ignores_is_not_told_again_until_something_else_is_seen(world: World) -> None:
    case_id, *_ = world.deliver(4)
    world.food.record(case_id)["premises"] = "样本路 5 号"
    world.reconcile()
    (row,) = world.open()
    ended = replace(row, closed_at=world.site.clock.at, closed_by="tester", closed_as="ignored")
    world.site.write(lambda tx: tx.save_discrepancy(ended))
    world.pass_grace()
    assert world.reconcile().totals[0].kinds == {}
    assert world.open() == []
    world.food.record(case_id)["premises"] = "样本路 6 号"
    world.pass_grace()
    world.reconcile()
    assert world.kinds() == [("edited_there", case_id)]


def test_a_listing_by_window_says_nothing_of_what_was_sent_before_it(world: World) -> None:
    gate = world.site.gate
    bundle = gate.active_bundle("food")
    assert bundle.readback is not None
    first, *_ = bundle.readback.listings
    windowed = replace(first, has_window=True, read=None)
    readback = replace(bundle.readback, listings=(windowed,), window=timedelta(days=2))
    gate.bundles[bundle.digest] = replace(bundle, readback=readback)
    old = world.deliver(3)
    world.site.clock.at += timedelta(days=5)
    new = world.deliver(3)
    for case_id in (old[0], old[1], new[1]):
        world.food.remove(case_id)
    world.food.record(old[2])["premises"] = "样本路 9 号"
    state = world.reconcile()
    assert world.kinds() == [("missing", new[1])]
    assert state.totals[0].verified == 2
    asked = {query.keys["from"] for query in world.food.queries}
    begun_at = datetime.fromisoformat(state.begun_at)
    assert [datetime.fromisoformat(text) for text in asked] == [begun_at.replace(microsecond=0) - timedelta(days=2)]
    assert all(text.endswith("+08:00") for text in asked)


def test_values_that_were_seen_are_sealed_and_no_row_says_them(world: World) -> None:
    case_id, *_ = world.deliver(3)
    world.food.record(case_id)["applicantName"] = "李示例"
    world.reconcile()
    (row,) = world.open()
    assert "李示例" not in str(row)
    assert "张示例" not in str(row)
    assert row.detail["fields"] == [{"name": "applicantName", "owner": "ours", "like": ""}]
    seen = world.site.store.read(lambda tx: observation(world.site.gate, tx, row))
    assert seen is not None
    assert (seen.expected, seen.actual) == ({"applicantName": "张示例"}, {"applicantName": "李示例"})
    assert seen.record["bizKey"] == str(case_id)
