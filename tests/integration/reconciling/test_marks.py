"""What a delivery keeps of its payload, so that a run knows it again without making it anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from syncgate.domain.delivery import Phase
from syncgate.domain.outcome import Outcome
from syncgate.domain.rows import Delivery
from tests.integration.flows.worksite import answer
from tests.integration.reconciling.listed import World
from tests.support.cases import a_stage


def _marks(delivery: Delivery) -> tuple[bytes | None, bytes | None]:
    return delivery.held_key, delivery.held_mac


def test_what_was_delivered_has_marks_and_a_run_makes_nothing_again(world: World) -> None:
    case_ids = world.deliver(5)
    world.site.append(case_ids[0], a_stage("s1", "accepted"))
    world.site.patch(case_ids[1], {"form": {"从业人数": 13}})
    world.settle()
    gate = world.site.gate
    bundle = gate.active_bundle("food")
    gate.bundles[bundle.digest] = replace(bundle, specs={})
    state = world.reconcile()
    assert [one.verified for one in state.totals] == [5, 1]


def test_two_slots_differ_in_their_key_and_two_contents_in_their_digest(world: World) -> None:
    first, second = world.deliver(2)
    world.site.patch(first, {"form": {"从业人数": 13}})
    world.settle()
    created, changed = world.site.deliveries(first, "food")
    other = world.site.only(second, "food", "application")
    assert created.held_key == changed.held_key != other.held_key
    assert created.held_mac != changed.held_mac


def test_what_was_lost_and_found_has_the_marks_of_what_was_sent(world: World) -> None:
    world.food.takes_silently = True
    world.food.script.append(answer(Outcome.UNKNOWN))
    case_id = world.post()
    world.site.step("food")
    unknown = world.site.only(case_id, "food", "application")
    assert unknown.phase is Phase.UNCONFIRMED
    assert None not in _marks(unknown)
    world.settle()
    found = world.site.only(case_id, "food", "application")
    assert found.phase is Phase.DELIVERED
    assert _marks(found) == _marks(unknown)


def test_what_was_refused_or_never_left_has_none(world: World) -> None:
    world.food.script += [answer(Outcome.REFUSED, reason="field_refused", actor="source")]
    refused = world.post()
    world.site.step("food")
    assert _marks(world.site.only(refused, "food", "application")) == (None, None)
    waiting = world.post()
    assert _marks(world.site.only(waiting, "food", "application")) == (None, None)


def test_what_is_sent_again_after_it_was_corrected_loses_its_old_marks_with_the_claim(world: World) -> None:
    """Crash point: between the claim and the answer. Old marks would tell the wrong content."""
    world.food.script += [answer(Outcome.UNKNOWN)]
    case_id = world.post()
    world.site.step("food")
    world.site.clock.at += timedelta(minutes=1)
    world.site.step("food")
    assert world.site.only(case_id, "food", "application").phase is Phase.PENDING
    world.site.patch(case_id, {"form": {"从业人数": 13}})
    work = world.site.claim_one("food")
    assert _marks(work.delivery) == (None, None)


def test_a_system_that_is_not_read_back_costs_no_marks(world: World) -> None:
    case_id = world.post()
    gate = world.site.gate
    bundle = gate.active_bundle("food")
    gate.bundles[bundle.digest] = replace(bundle, readback=None)
    world.settle()
    assert _marks(world.site.only(case_id, "food", "application")) == (None, None)


def test_marks_of_other_rules_are_made_anew_from_what_was_sent(world: World) -> None:
    case_ids = world.deliver(4)
    gate = world.site.gate
    before = gate.active_bundle("food")
    assert before.readback is not None
    listings = tuple(replace(one, profile=f"{one.profile}+") for one in before.readback.listings)
    after = replace(before, digest="sha256:after", readback=replace(before.readback, listings=listings))
    gate.bundles[after.digest] = after
    gate.active["food"] = after.digest
    world.site.write(lambda tx: tx.save_system(replace(tx.system("food"), active_bundle=after.digest)))  # type: ignore[type-var]
    world.food.remove(case_ids[1])
    state = world.reconcile()
    assert world.kinds() == [("missing", case_ids[1])]
    assert state.totals[0].verified == 3


def test_a_record_whose_slot_can_no_longer_be_mapped_is_not_called_unexpected(world: World) -> None:
    world.deliver(3)
    gate = world.site.gate
    before = gate.active_bundle("food")
    assert before.readback is not None
    listings = tuple(replace(one, profile=f"{one.profile}+") for one in before.readback.listings)
    after = replace(before, digest="sha256:after", readback=replace(before.readback, listings=listings))
    del gate.bundles[before.digest]
    gate.bundles[after.digest] = after
    gate.active["food"] = after.digest
    world.site.write(lambda tx: tx.save_system(replace(tx.system("food"), active_bundle=after.digest)))  # type: ignore[type-var]
    state = world.reconcile()
    assert world.open() == []
    assert (state.totals[0].verified, state.totals[0].unjudged) == (0, 3)


def test_a_record_whose_slot_bears_no_marks_and_cannot_be_mapped_is_known_by_its_requests_keys(world: World) -> None:
    """Sent before its system was read back, under a bundle that this process cannot compile."""
    gate = world.site.gate
    before = gate.active_bundle("food")
    gate.bundles[before.digest] = replace(before, readback=None)
    case_ids = world.deliver(3)
    assert _marks(world.site.only(case_ids[0], "food", "application")) == (None, None)
    after = replace(before, digest="sha256:after", specs={})
    del gate.bundles[before.digest]
    gate.bundles[after.digest] = after
    gate.active["food"] = after.digest
    world.site.write(lambda tx: tx.save_system(replace(tx.system("food"), active_bundle=after.digest)))  # type: ignore[type-var]
    state = world.reconcile()
    assert world.open() == []
    assert (state.totals[0].verified, state.totals[0].unjudged) == (0, 3)
