"""`make reconcile-proof`: builds a city, plants differences, has them found, under intake as well, mended, and gone."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from pathlib import Path

import structlog

from tests.reconcile_proof.built import fill, plant, prepare
from tests.reconcile_proof.counted import prove_counts
from tests.reconcile_proof.place import SYSTEMS, ProofPlace
from tests.reconcile_proof.plants import Plan
from tests.reconcile_proof.proof import Proof
from tests.reconcile_proof.shares import COUNTED
from tests.reconcile_proof.truth import untrue
from tests.reconcile_proof.under_intake import UnderIntake
from tests.reconcile_proof.world import world_in


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.reconcile_proof", description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--discrepancies", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--systems", default=",".join(SYSTEMS), help="those that are reconciled")
    parser.add_argument("--folder", type=Path, help="where it is kept; left out: nowhere")
    parser.add_argument("--built", action="store_true", help="begin with what the folder has")
    return parser.parse_args()


COUNTED_CASES = 5_000


class _Told:
    """Says what is done, and when."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self, words: str) -> None:
        print(f"{time.monotonic() - self._began:7.1f} s  {words}", file=sys.stderr, flush=True)


async def _build(place: ProofPlace, asked: argparse.Namespace, say: _Told) -> None:
    async with world_in(place, at=prepare(place)) as world:
        known = await fill(world, asked.cases, seed=asked.seed, say=say)
        plan = await plant(world, known, asked.discrepancies, seed=asked.seed)
        say(f"{len(plan.planted)} differences are planted, and written down")
        if lies := untrue(world.inside, plan.planted):
            raise SystemExit("expected to have planted what the plan says:\n" + "\n".join(lies[:20]))


async def _prove(place: ProofPlace, asked: argparse.Namespace, say: _Told) -> list[str]:
    systems = asked.systems.split(",")
    async with world_in(place) as world:
        proof = Proof(world, Plan.read(place.plan), say)
        found = await proof.find(systems)
        for what, count in sorted(found.items()):
            print(f"{count:6} {' '.join(what)}")
        await UnderIntake.of(proof, seed=asked.seed).find(systems)
        await proof.mend(systems)
        await proof.find_nothing_new(systems)
        return proof.wrong


async def _prove_counts(place: ProofPlace, asked: argparse.Namespace, say: _Told) -> list[str]:
    cases = min(asked.cases, COUNTED_CASES)
    found, wrong = await prove_counts(place, cases=cases, total=COUNTED, seed=asked.seed, say=say)
    print(f"{found:6} workorders order count_differs")
    return wrong


def main() -> int:
    """0 where it holds."""
    asked, say = _asked(), _Told()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory(prefix="syncgate-proof-") as made:
        place = ProofPlace(asked.folder or Path(made) / "place")
        if not asked.built:
            asyncio.run(_build(place, asked, say))
        wrong = asyncio.run(_prove(place, asked, say))
        wrong += asyncio.run(_prove_counts(ProofPlace(Path(made) / "counted"), asked, say))
    for one in wrong[:100]:
        print(f"wrong: {one}")
    print("the proof does NOT hold" if wrong else "the proof holds")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
