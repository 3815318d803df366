"""The proof of reconciliation, small: `make reconcile-proof` runs it over many more cases."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from tests.reconcile_proof.built import fill, plant, prepare
from tests.reconcile_proof.place import ProofPlace
from tests.reconcile_proof.plants import Plan
from tests.reconcile_proof.shares import WEIGHTS
from tests.reconcile_proof.truth import untrue
from tests.reconcile_proof.world import world_in

CASES, DIFFERENCES, SEED = 500, 60, 1


def test_what_the_plan_says_was_planted_is_so_at_the_systems(tmp_path: Path) -> None:
    place = ProofPlace(tmp_path / "proof")

    async def planted() -> None:
        async with world_in(place, at=prepare(place)) as world:
            plan = await plant(world, await fill(world, CASES, seed=SEED), DIFFERENCES, seed=SEED)
            assert untrue(world.inside, plan.planted) == []
            assert Plan.read(place.plan).planted == plan.planted
            kinds = Counter(((one.system, one.message), one.kind) for one in plan.planted)
            assert set(WEIGHTS) <= set(kinds)

    asyncio.run(planted())
