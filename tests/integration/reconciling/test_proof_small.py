"""The proof of reconciliation, small: `make reconcile-proof` runs it over many more cases."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.reconcile_proof.built import fill, plant, prepare
from tests.reconcile_proof.counted import prove_counts
from tests.reconcile_proof.crash import killed_at_every_stage
from tests.reconcile_proof.disasters import forget, list_nothing, remembered
from tests.reconcile_proof.findings import compare
from tests.reconcile_proof.mended import sent_again, unmended
from tests.reconcile_proof.place import ProofPlace
from tests.reconcile_proof.plants import Plan
from tests.reconcile_proof.proof import Proof
from tests.reconcile_proof.runs import discrepancies, run
from tests.reconcile_proof.shares import WEIGHTS
from tests.reconcile_proof.truth import untrue
from tests.reconcile_proof.under_intake import UnderIntake
from tests.reconcile_proof.world import world_in

CASES, DIFFERENCES, SEED = 500, 60, 1
READ_BACK = ("food", "workorders", "frontdb", "province")


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


@pytest.mark.parametrize("system", READ_BACK)
def test_all_that_was_planted_is_found_as_what_it_is_and_nothing_else(place: ProofPlace, system: str) -> None:
    async def look() -> None:
        plan = Plan.read(place.plan)
        async with world_in(place) as world:
            ended = await run(world, system)
            assert ended.outcome == "complete"
            verdict = compare((one for one in plan.planted if one.system == system), discrepancies(world))
            assert verdict.is_right, verdict.words()

    asyncio.run(look())


def test_what_the_policy_mends_is_as_it_was_and_the_next_run_finds_nothing_new(place: ProofPlace) -> None:
    async def mend() -> None:
        async with world_in(place) as world:
            proof = Proof(world, Plan.read(place.plan), say=lambda words: None)
            with capture_logs() as told:
                await proof.mend(READ_BACK)
                await proof.find_nothing_new(READ_BACK)
            assert proof.wrong == []
            assert [one for one in told if one["log_level"] in ("error", "critical")] == []

    asyncio.run(mend())


def test_nothing_is_found_that_was_not_planted_while_cases_come_in_and_are_delivered(place: ProofPlace) -> None:
    """New cases, corrections and withdrawals come in at 50 a second of its clock, a few before every page."""
    place.page_by(25)

    async def look() -> None:
        async with world_in(place) as world:
            proof = Proof(world, Plan.read(place.plan), say=lambda words: None)
            under = UnderIntake.of(proof, seed=SEED, every=14)
            await under.find()
            assert proof.wrong == []
            assert set(under.intake.done) == {"new", "correct", "withdraw"}

    asyncio.run(look())


def test_what_only_counts_can_tell_is_told_by_ranges_of_one_key(tmp_path: Path) -> None:
    proving = prove_counts(ProofPlace(tmp_path), cases=200, total=9, seed=SEED, say=lambda words: None)
    assert asyncio.run(proving) == (9, [])


@pytest.mark.parametrize("system", ["food", "workorders"])
def test_a_system_that_lists_nothing_all_at_once_is_sent_nothing(place: ProofPlace, system: str) -> None:
    async def look() -> None:
        async with world_in(place) as world:
            assert await list_nothing(world, system) == []

    asyncio.run(look())


def test_what_systems_hold_beyond_a_restored_store_is_listed_for_its_source(place: ProofPlace) -> None:
    async def look() -> None:
        keys = await forget(place, seed=SEED)
        others = [one.key for one in Plan.read(place.plan).planted if one.key]
        async with world_in(place) as world:
            assert await remembered(world, keys, others=others) == []

    asyncio.run(look())


def test_a_run_whose_process_is_killed_while_it_reads_and_while_it_mends_is_ended_once(place: ProofPlace) -> None:
    """Crash points: kill -9 amid pages, and amid the transactions of mending. Promises 3 and 4."""
    said: list[str] = []
    assert killed_at_every_stage(place, "food", stages=("reading", "mending"), say=said.append) == []

    async def look() -> None:
        async with world_in(place) as world:
            await world.deliver()
            food = [one for one in Plan.read(place.plan).planted if one.system == "food"]
            assert unmended(world.inside, food) == []
            assert sent_again(place, food) == []

    asyncio.run(look())
