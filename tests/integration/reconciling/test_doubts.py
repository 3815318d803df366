"""A listing that cannot be believed: the run ends with what it knows, and reports nothing of the doubtful part."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from syncgate.domain.reconciliation import plausibility
from syncgate.domain.reconciliation.run import RunOutcome
from syncgate.ports import Page, Unread
from tests.integration.reconciling.listed import World

APPLICATIONS = "list_applications"


def lie(world: World, name: str) -> Any:
    """How the listing of applications misbehaves."""
    first: list[Page] = []

    def lies(listing: str, no: int, page: Page) -> Page | Unread:
        if listing != APPLICATIONS:
            return page
        first.append(page)
        match name:
            case "repeats a page" if no == 2:
                return replace(first[0], following=page.following)
            case "loses a page" if no == 2:
                return replace(page, records=[])
            case "ends early" if no == 1:
                return replace(page, following=None)
            case "says too many":
                return replace(page, total=(page.total or 0) + 5)
            case "says too few":
                return replace(page, total=2)
            case "answers another charset" if no == 1:
                return Unread(reason="unreadable", words="no JSON")
            case "fails in the middle" if no == 2:
                return Unread(reason="unavailable", words="status 500")
            case "leads round" if no == 2:
                return replace(page, following="1")
        return page

    return lies


LIES = [
    "repeats a page",
    "loses a page",
    "ends early",
    "says too many",
    "says too few",
    "answers another charset",
    "fails in the middle",
    "leads round",
]


@pytest.fixture
def quick(world: World) -> World:
    """The world, where nothing is waited for before it is asked again."""
    bundle = world.site.gate.active_bundle("food")
    world.site.gate.bundles[bundle.digest] = replace(bundle, schedule=())
    return world


@pytest.mark.parametrize("name", LIES)
def test_a_listing_in_doubt_proves_no_absence_and_single_reads_do(quick: World, name: str) -> None:
    case_ids = quick.deliver(10)
    quick.food.lies = lie(quick, name)
    quick.food.remove(case_ids[4])
    state = quick.reconcile()
    assert state.outcome is RunOutcome.INCOMPLETE
    assert state.totals[0].doubts
    assert quick.kinds() == [("missing", case_ids[4])]


@pytest.mark.parametrize("name", LIES)
def test_a_listing_in_doubt_reports_nothing_missing_where_nothing_is_read_singly(quick: World, name: str) -> None:
    case_ids = quick.deliver(10)
    _without_reads(quick)
    quick.food.lies = lie(quick, name)
    quick.food.remove(case_ids[4])
    quick.food.record(case_ids[0])["premises"] = "样本路 3 号"
    state = quick.reconcile()
    assert state.outcome is RunOutcome.INCOMPLETE
    assert quick.kinds() == [("edited_there", case_ids[0])]
    assert state.totals[0].unjudged >= 1


def test_a_second_pass_that_repeats_far_apart_proves_no_absence(quick: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was shown long before is known to be repeated by the records that are looked for, as in the first pass."""
    monkeypatch.setattr(plausibility, "RECENT_COUNT", 2)
    case_ids = quick.deliver(10)
    _without_reads(quick)
    quick.food.remove(case_ids[4])
    quick.food.record(case_ids[0])["premises"] = "样本路 3 号"
    shown: list[Page] = []

    def moves(listing: str, no: int, page: Page) -> Page:
        if listing != APPLICATIONS:
            return page
        shown.append(page)
        is_end_of_second = len(shown) == 6
        return replace(page, records=[*page.records[:-1], shown[3].records[0]]) if is_end_of_second else page

    quick.food.lies = moves
    state = quick.reconcile()
    assert (len(shown), state.outcome) == (6, RunOutcome.INCOMPLETE)
    assert state.totals[0].doubts == ("ended_early", "repeated_records")
    assert quick.kinds() == [("edited_there", case_ids[0])]


def test_a_doubtful_run_closes_nothing(quick: World) -> None:
    case_ids = quick.deliver(10)
    record = copy.deepcopy(quick.food.record(case_ids[4]))
    quick.food.remove(case_ids[4])
    quick.reconcile()
    quick.food.records[APPLICATIONS].append(record)
    quick.food.lies = lie(quick, "says too many")
    quick.pass_grace()
    quick.reconcile()
    assert quick.kinds() == [("missing", case_ids[4])]


def test_a_system_that_suddenly_lists_nothing_is_not_believed(world: World) -> None:
    world.deliver(14)
    world.food.records[APPLICATIONS].clear()
    state = world.reconcile(mode="mend")
    assert state.outcome is RunOutcome.IMPLAUSIBLE
    assert world.open() == []
    assert state.totals[0].kinds == {"missing": 14}
    assert world.site.step("food") == 0


def test_a_system_that_lost_a_large_share_is_not_believed_whatever_it_says_singly(world: World) -> None:
    case_ids = world.deliver(40)
    for case_id in case_ids[:12]:
        world.food.remove(case_id)
    state = world.reconcile(mode="mend")
    assert state.outcome is RunOutcome.IMPLAUSIBLE
    assert world.open() == []
    assert world.site.step("food") == 0


def test_a_listing_that_hides_a_share_of_what_is_there_finds_nothing_missing(world: World) -> None:
    case_ids = world.deliver(40)
    hidden = {str(case_id) for case_id in case_ids[:12]}

    def hide(listing: str, no: int, page: Page) -> Page:
        return replace(page, records=[one for one in page.records if one.get("bizKey") not in hidden], total=None)

    world.food.lies = hide
    state = world.reconcile(mode="mend")
    assert state.outcome is RunOutcome.COMPLETE
    assert world.open() == []
    assert state.totals[0].verified == 40


def test_single_records_that_cannot_be_read_leave_the_run_incomplete(world: World) -> None:
    case_ids = world.deliver(4)
    world.food.remove(case_ids[0])
    world.food.can_be_read = False
    state = world.reconcile()
    assert state.outcome is RunOutcome.INCOMPLETE
    assert world.open() == []
    assert state.totals[0].unjudged == 1


def test_a_record_that_is_there_and_out_of_the_listings_scope_is_not_judged(world: World) -> None:
    """A row that its reader has still to take in, say: neither missing nor as it should be, whatever it says."""
    case_ids = world.deliver(5)
    _with_scope(world, lambda record: record.get("isSync", 1) == 1)
    world.food.record(case_ids[0])["isSync"] = 0
    world.food.record(case_ids[1]).update(isSync=0, premises="样本路 3 号")
    world.food.remove(case_ids[2])
    state = world.reconcile()
    assert {str(one) for one in case_ids[:3]} <= set(world.food.reads)
    assert state.outcome is RunOutcome.COMPLETE
    assert world.kinds() == [("missing", case_ids[2])]
    assert (state.totals[0].verified, state.totals[0].unjudged) == (2, 2)


def test_records_that_are_not_ours_may_bear_our_reference_as_often_as_they_like(quick: World) -> None:
    case_ids = quick.deliver(6)
    _without_reads(quick)
    _with_scope(quick, lambda record: "step" not in record)
    steps = [{"bizKey": str(case_id), "step": no} for case_id in case_ids for no in (1, 2)]
    quick.food.remove(case_ids[2])
    quick.food.records[APPLICATIONS] += steps
    state = quick.reconcile()
    assert (state.outcome, state.totals[0].doubts) == (RunOutcome.COMPLETE, ())
    assert quick.kinds() == [("missing", case_ids[2])]
    assert (state.totals[0].verified, state.totals[0].outside) == (5, 12)


def _with_scope(world: World, is_ours: Callable[[Any], bool]) -> None:
    """Of the applications only these are ours."""
    gate = world.site.gate
    bundle = gate.active_bundle("food")
    assert bundle.readback is not None
    first, *others = bundle.readback.listings
    scoped = replace(first, is_ours=is_ours, is_in_scope=is_ours)
    gate.bundles[bundle.digest] = replace(bundle, readback=replace(bundle.readback, listings=(scoped, *others)))


def _without_reads(world: World) -> None:
    gate = world.site.gate
    bundle = gate.active_bundle("food")
    assert bundle.readback is not None
    listings = tuple(replace(one, read=None) for one in bundle.readback.listings)
    gate.bundles[bundle.digest] = replace(bundle, readback=replace(bundle.readback, listings=listings))
