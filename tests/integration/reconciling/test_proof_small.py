"""The proof of reconciliation, small: `make reconcile-proof` runs it over many more cases."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from tests.reconcile_proof.built import fill, plant, prepare
from tests.reconcile_proof.findings import compare
from tests.reconcile_proof.place import ProofPlace
from tests.reconcile_proof.plants import Plan
from tests.reconcile_proof.runs import discrepancies, run
from tests.reconcile_proof.shares import WEIGHTS
from tests.reconcile_proof.truth import untrue
from tests.reconcile_proof.world import world_in

CASES, DIFFERENCES, SEED = 500, 60, 1


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> ProofPlace:
    """A city with differences planted, built once."""
    place = ProofPlace(tmp_path_factory.mktemp("proof") / "planted")

    async def build() -> None:
        async with world_in(place, at=prepare(place)) as world:
            await plant(world, await fill(world, CASES, seed=SEED), DIFFERENCES, seed=SEED)

    asyncio.run(build())
    return place


@pytest.fixture
def place(planted: ProofPlace, tmp_path: Path) -> ProofPlace:
    """The same, for one test to change."""
    copy = ProofPlace(tmp_path / "proof")
    copy.copy(planted)
    return copy


def test_what_the_plan_says_was_planted_is_so_at_the_systems(place: ProofPlace) -> None:
    async def look() -> None:
        plan = Plan.read(place.plan)
        async with world_in(place) as world:
            assert untrue(world.inside, plan.planted) == []
        kinds = Counter(((one.system, one.message), one.kind) for one in plan.planted)
        assert set(WEIGHTS) <= set(kinds)

    asyncio.run(look())


@pytest.mark.parametrize("system", ["food", "workorders", "frontdb"])
def test_all_that_was_planted_is_found_as_what_it_is_and_nothing_else(place: ProofPlace, system: str) -> None:
    async def look() -> None:
        plan = Plan.read(place.plan)
        async with world_in(place) as world:
            ended = await run(world, system)
            assert ended.outcome == "complete"
            verdict = compare((one for one in plan.planted if one.system == system), discrepancies(world))
            assert verdict.is_right, verdict.words()

    asyncio.run(look())
