"""A run that mends: what it found goes through the queue, and the next one is clean."""

from __future__ import annotations

from dataclasses import replace

from syncgate.domain.reconciliation.kinds import Level
from syncgate.domain.reconciliation.run import RunOutcome
from tests.integration.reconciling.listed import World


def test_what_is_missing_is_sent_again_once_and_the_next_run_is_clean(world: World) -> None:
    case_ids = world.deliver(12)
    world.food.remove(case_ids[4])
    sends = len(world.food.sends)
    state = world.reconcile(mode="mend")
    assert state.outcome is RunOutcome.COMPLETE
    assert (dict(state.mended), state.left) == ({"resend": 1}, 0)
    world.settle()
    assert len(world.food.sends) == sends + 1
    assert world.open() == []
    state = world.reconcile(mode="mend")
    assert (dict(state.mended), state.left, state.totals[0].verified) == ({}, 0, 12)
    assert len(world.food.sends) == sends + 1


def test_a_run_that_would_send_more_than_its_cap_mends_nothing(world: World) -> None:
    case_ids = world.deliver(12)
    for case_id in case_ids[:3]:
        world.food.remove(case_id)
    state = world.reconcile(mode="mend", cap=2)
    assert state.outcome is RunOutcome.CAP_EXCEEDED
    assert state.left == 3
    assert world.site.step("food") == 0
    assert len(world.open()) == 3


def test_a_run_that_only_lists_sends_nothing_and_says_what_is_left(world: World) -> None:
    case_ids = world.deliver(3)
    world.food.remove(case_ids[0])
    state = world.reconcile()
    assert state.left == 1
    assert world.site.step("food") == 0


def test_a_rule_that_would_make_what_differs_the_same_is_offered_and_not_applied(world: World) -> None:
    case_ids = world.deliver(6)
    for case_id in case_ids[:4]:
        record = world.food.record(case_id)
        record["itemName"] = f" {record['itemName']} "
    state = world.reconcile()
    assert {row.kind for row in world.open()} == {"normalised_there"}
    assert len(world.open()) == 4
    (offer,) = state.offers
    assert (offer["message"], offer["field"], offer["seen"]) == ("application", "itemName", 4)


def test_counts_by_range_say_where_a_system_holds_too_little_or_too_much(world: World) -> None:
    _counts_only(world)
    case_ids = sorted(world.deliver(40), key=str)
    state = world.reconcile()
    assert (state.outcome, state.ranges, world.open()) == (RunOutcome.COMPLETE, (), [])
    world.food.remove(case_ids[7])
    foreign = {**world.food.record(case_ids[30]), "bizKey": f"{case_ids[30]}x", "id": "N-foreign"}
    world.food.records["list_applications"].append(foreign)
    state = world.reconcile()
    assert state.outcome is RunOutcome.COMPLETE
    less, more = sorted(state.ranges, key=lambda one: one["low"])
    assert less["low"] <= str(case_ids[7])
    assert (less["expected"] - less["actual"], more["actual"] - more["expected"]) == (1, 1)
    assert more["low"] <= f"{case_ids[30]}x"
    assert {row.kind for row in world.open()} == {"count_differs"}


def test_what_is_on_its_way_explains_a_count(world: World) -> None:
    _counts_only(world)
    world.deliver(10)
    late = world.post()
    world.site.run_dry("food")
    assert world.food.record(late)
    state = world.reconcile()
    assert (state.outcome, state.ranges) == (RunOutcome.COMPLETE, ())


def _counts_only(world: World) -> None:
    gate = world.site.gate
    bundle = gate.active_bundle("food")
    assert bundle.readback is not None
    applications, *others = bundle.readback.listings
    counted = replace(applications, level=Level.COUNTS, query=None, read=None)
    gate.bundles[bundle.digest] = replace(bundle, readback=replace(bundle.readback, listings=(counted, *others)))
