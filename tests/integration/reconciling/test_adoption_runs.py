"""A run that links what was typed by hand, from the listing to the last delivery."""

from __future__ import annotations

import copy
from typing import Any
from uuid import UUID

from syncgate.domain.reconciliation.run import RunOutcome
from tests.integration.reconciling.listed import World


def typed(world: World, case_no: str, number: str, **changes: Any) -> None:
    """A clerk types an application in by hand: it bears the case's number, and no key of ours."""
    model = copy.deepcopy(world.food.records["list_applications"][0])
    del model["bizKey"]
    world.food.records["list_applications"].append({**model, "caseNo": case_no, "id": number, **changes})


def reasons(world: World, case_id: UUID) -> list[str | None]:
    return [row.reason for row in world.site.deliveries(case_id, "food")]


def test_the_first_run_links_what_is_there_and_nothing_is_doubled(world: World) -> None:
    world.deliver(1)
    second, third = world.post(), world.post()
    typed(world, "QX0000000002", "T2")
    state = world.reconcile(mode="adopt")
    assert (state.outcome, dict(state.mended)) == (RunOutcome.COMPLETE, {"adopted": 1})
    assert reasons(world, second) == ["superseded", "adopted"]
    world.settle()
    assert len(world.food.records["list_applications"]) == 3
    assert reasons(world, third) == [None]
    state = world.reconcile()
    assert (state.outcome, world.kinds()) == (RunOutcome.COMPLETE, [])


def test_what_a_clerk_typed_otherwise_is_told_with_its_fields(world: World) -> None:
    world.deliver(1)
    second = world.post()
    typed(world, "QX0000000002", "T2", staff=77)
    state = world.reconcile(mode="adopt")
    assert world.kinds() == [("edited_there", second)]
    (row,) = world.open()
    assert [one["name"] for one in row.detail["fields"]] == ["staff"], "that it lacks our key is no difference"
    assert state.left == 1
    world.settle()
    assert world.food.records["list_applications"][1]["staff"] == 77


def test_a_run_that_only_lists_links_nothing(world: World) -> None:
    world.deliver(1)
    second = world.post()
    typed(world, "QX0000000002", "T2")
    world.reconcile(mode="mend")
    assert "adopted" not in reasons(world, second)
