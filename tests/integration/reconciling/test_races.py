"""What is in flight, in its grace, or written while a run reads is never reported."""

from __future__ import annotations

import copy
from datetime import timedelta

import pytest

from syncgate.domain.delivery import Phase
from syncgate.domain.outcome import Outcome
from syncgate.domain.reconciliation.run import RunOutcome
from tests.integration.flows.worksite import answer
from tests.integration.reconciling.listed import World


def test_what_was_just_delivered_is_not_judged(world: World) -> None:
    world.deliver(4)
    late = world.post()
    world.site.run_dry("food")
    world.food.remove(late)
    state = world.reconcile()
    assert world.open() == []
    assert (state.totals[0].expected, state.totals[0].verified, state.totals[0].unjudged) == (5, 4, 1)


def test_a_correction_that_waits_or_is_in_flight_leaves_its_slot_alone(world: World) -> None:
    case_id, *_ = world.deliver(4)
    world.site.patch(case_id, {"form": {"从业人数": 13}})
    world.food.remove(case_id)
    world.pass_grace()
    world.reconcile()
    assert world.open() == []
    world.site.claim_one("food")
    world.pass_grace()
    world.reconcile()
    assert world.open() == []


@pytest.mark.parametrize("at_page", [0, 1, 2])
def test_a_correction_posted_between_two_pages_is_no_difference(world: World, at_page: int) -> None:
    case_ids = world.deliver(8)

    def correct(listing: str, no: int) -> None:
        if (listing, no) == ("list_applications", at_page):
            for case_id in case_ids:
                world.site.patch(case_id, {"form": {"从业人数": 20 + at_page}})
            world.site.run_dry("food", rounds=200)

    world.food.between = correct
    state = world.reconcile()
    assert state.outcome is RunOutcome.COMPLETE
    assert world.open() == []
    assert state.totals[0].unjudged == 8


def test_cases_posted_while_a_run_reads_are_neither_unexpected_nor_missing(world: World) -> None:
    world.deliver(5)

    def post(listing: str, no: int) -> None:
        if listing == "list_applications" and world.posted < 12:
            world.post()
            world.site.run_dry("food", rounds=200)

    world.food.between = post
    state = world.reconcile()
    assert world.open() == []
    assert state.outcome is RunOutcome.COMPLETE


def test_what_is_right_again_at_the_second_look_was_never_wrong(world: World) -> None:
    case_id, *_ = world.deliver(4)
    edited = copy.deepcopy(world.food.record(case_id))
    edited["premises"] = "样本路 1 号"

    right = copy.deepcopy(world.food.record(case_id))
    world.food.record(case_id).update(edited)

    def heal(listing: str, no: int) -> None:
        if listing == "list_applications" and no == 1:
            world.food.record(case_id).update(right)

    world.food.between = heal
    state = world.reconcile()
    assert world.open() == []
    assert state.totals[0].verified == 4


def test_a_lost_answer_is_found_to_have_come_and_is_nothing_else(world: World) -> None:
    world.deliver(3)
    world.food.takes_silently = True
    world.food.script.append(answer(Outcome.UNKNOWN))
    case_id = world.post()
    world.site.step("food")
    assert world.site.only(case_id, "food", "application").phase is Phase.UNCONFIRMED
    world.site.clock.at += timedelta(minutes=11)
    world.reconcile()
    assert world.kinds() == [("confirmed", case_id)]


def test_what_may_have_been_sent_and_is_not_there_says_nothing(world: World) -> None:
    world.deliver(3)
    world.food.script.append(answer(Outcome.UNKNOWN))
    case_id = world.post()
    world.site.step("food")
    assert world.site.only(case_id, "food", "application").phase is Phase.UNCONFIRMED
    world.site.clock.at += timedelta(minutes=11)
    state = world.reconcile()
    assert world.open() == []
    assert state.totals[0].unjudged == 1


def test_a_correction_posted_between_the_two_looks_leaves_its_slot_alone(world: World) -> None:
    case_id, *_ = world.deliver(4)
    world.food.record(case_id)["premises"] = "样本路 2 号"

    def correct() -> None:
        world.food.on_read = lambda: None
        world.site.patch(case_id, {"form": {"从业人数": 14}})

    world.food.on_read = correct
    state = world.reconcile()
    assert world.food.reads == [str(case_id)]
    assert world.open() == []
    assert (state.totals[0].verified, state.totals[0].unjudged) == (3, 1)


def test_what_is_open_stays_open_while_its_slot_is_not_judged(world: World) -> None:
    case_id, *_ = world.deliver(4)
    world.food.remove(case_id)
    world.reconcile()
    world.site.patch(case_id, {"form": {"从业人数": 14}})
    world.pass_grace()
    state = world.reconcile()
    assert state.outcome is RunOutcome.COMPLETE
    assert world.kinds() == [("missing", case_id)]
