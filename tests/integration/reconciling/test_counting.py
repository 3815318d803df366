"""A system that only tells numbers, and rules that are seen to fit."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from syncgate.domain.outcome import Outcome
from syncgate.domain.reconciliation.kinds import Level
from syncgate.domain.reconciliation.run import RunOutcome
from syncgate.ports import Query, Unread
from tests.integration.flows.worksite import answer
from tests.integration.reconciling.listed import World


def only_count(world: World) -> None:
    """Food's applications are no longer listed, only counted by ranges of their keys."""
    gate = world.site.gate
    bundle = gate.active_bundle("food")
    assert bundle.readback is not None
    applications, *_ = bundle.readback.listings
    counted = replace(applications, level=Level.COUNTS, query=None, read=None, comparisons={})
    readback = replace(bundle.readback, listings=(counted,))
    gate.bundles[bundle.digest] = replace(bundle, readback=readback)


@pytest.fixture
def counted(world: World) -> World:
    world.deliver(9)
    only_count(world)
    return world


def ranges_in(world: World) -> list[dict[str, Any]]:
    return [row.detail["range"] for row in world.open()]


def test_a_system_that_counts_what_it_should_has_no_range_that_differs(counted: World) -> None:
    state = counted.reconcile()
    (totals,) = state.totals
    assert (state.outcome, totals.expected, totals.read, totals.kinds) == (RunOutcome.COMPLETE, 9, 9, {})
    assert counted.open() == [] and state.ranges == ()


def test_a_record_that_is_missing_is_told_by_a_range_around_its_key(counted: World) -> None:
    record = counted.food.records["list_applications"].pop(4)
    state = counted.reconcile()
    (found,) = ranges_in(counted)
    assert found["low"] <= record["bizKey"] and (found["high"] is None or record["bizKey"] < found["high"])
    assert (found["expected"], found["actual"]) == (1, 0)
    assert state.ranges == ({"listing": "applications", **found},)
    (row,) = counted.open()
    assert (row.kind, row.action, row.case_id) == ("count_differs", "ask", None)


def test_a_record_too_many_is_told_and_closed_once_it_is_gone(counted: World) -> None:
    records = counted.food.records["list_applications"]
    records.append({**records[0], "id": "N-second"})
    counted.reconcile()
    assert [(one["expected"], one["actual"]) for one in ranges_in(counted)] == [(1, 2)]
    records.pop()
    counted.pass_grace()
    assert counted.reconcile().outcome is RunOutcome.COMPLETE
    assert counted.open() == []


def test_what_is_on_its_way_is_told_neither_where_it_came_nor_where_it_did_not(counted: World) -> None:
    counted.food.script.extend([answer(Outcome.UNKNOWN)] * 2)
    for takes in (True, False):
        counted.food.takes_silently = takes
        counted.post()
        counted.site.step("food")
    counted.pass_grace()
    assert len(counted.food.records["list_applications"]) == 10
    state = counted.reconcile()
    assert (ranges_in(counted), state.ranges, state.totals[0].unjudged) == ([], (), 2)


def test_what_is_delivered_while_it_counts_is_not_told(counted: World) -> None:
    """Our side is read again after the last answer, because the counts already hold what came meanwhile."""
    real, asked = counted.food.count, []

    def deliver_another() -> None:
        counted.post()
        counted.site.run_dry("food", rounds=5)

    async def count(query: Query, *, low: str, high: str | None) -> int | Unread:
        asked.append(low)
        await asyncio.to_thread(deliver_another)
        return await real(query, low=low, high=high)

    counted.food.count = count  # type: ignore[method-assign]
    state = counted.reconcile()
    assert len(asked) > 4 and len(counted.food.records["list_applications"]) == 9 + len(asked)
    assert (ranges_in(counted), state.totals[0].kinds) == ([], {})


def test_a_system_that_counts_nothing_any_more_is_not_believed(world: World) -> None:
    world.deliver(12)
    only_count(world)
    world.food.records["list_applications"].clear()
    state = world.reconcile()
    assert (state.outcome, state.totals[0].doubts) == (RunOutcome.IMPLAUSIBLE, ("empty",))
    assert world.open() == []


def test_a_count_that_cannot_be_had_leaves_the_run_incomplete(counted: World) -> None:
    async def count(query: Query, *, low: str, high: str | None) -> Unread:
        return Unread(reason="denied", words="status 403")

    counted.food.count = count  # type: ignore[method-assign]
    state = counted.reconcile()
    assert (state.outcome, state.totals[0].doubts) == (RunOutcome.INCOMPLETE, ("unavailable",))


def test_a_rule_that_would_fit_is_offered_and_not_applied(world: World) -> None:
    for case_id in world.deliver(40)[:3]:
        record = world.food.record(case_id)
        record["caseNo"] = f" {record['caseNo']}"
    state = world.reconcile()
    assert state.offers == ({"message": "application", "field": "caseNo", "rule": "trimmed", "seen": 3},)
    assert [kind for kind, _ in world.kinds()] == ["normalised_there"] * 3
    world.pass_grace()
    assert world.reconcile().totals[0].kinds == {"normalised_there": 3}
