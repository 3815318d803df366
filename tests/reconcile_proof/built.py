"""A world full of cases, with differences planted: where every part of the proof begins."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

from tests.reconcile_proof.cases import documents
from tests.reconcile_proof.place import SYSTEMS, ProofPlace
from tests.reconcile_proof.planting import Planting, by_turn
from tests.reconcile_proof.plants import Plan, Pool
from tests.reconcile_proof.slots import Known, write_known
from tests.reconcile_proof.world import World

LONG_AGO = timedelta(days=6)
"""How far back the proof begins, so that what is planted lies in the past by the time that it is looked for."""
Say = Callable[[str], None]


def prepare(place: ProofPlace) -> datetime:
    """An empty place; gives the time at which its world is to begin."""
    place.create()
    # Nobody listens there: within one process the systems are asked without a socket.
    place.configure({system: port for port, system in enumerate(SYSTEMS, 1)})
    return datetime.now(UTC) - LONG_AGO


async def fill(world: World, count: int, *, seed: int, say: Say = lambda words: None) -> list[Known]:
    """Has the gate take and deliver so many cases."""
    made = documents(count, seed=seed)
    known: list[Known] = []
    while chunk := [one for _, one in zip(range(5_000), made, strict=False)]:
        accepted = await world.post(document for _, document in chunk)
        known += [Known(one.case_id, case["case_no"], turn) for one, (turn, case) in zip(accepted, chunk, strict=True)]
        await world.deliver()
        say(f"{len(known)} of {count} cases are delivered")
    return known


async def plant(world: World, known: list[Known], total: int, *, seed: int) -> Plan:
    """Plants so many differences, and writes down what was planted before anything is reconciled."""
    random = Random(f"plants-{seed}")
    pool = Pool(by_turn(known), random)
    plan = await Planting(world, random, pool).plant(total)
    plan.write(world.place.plan)
    write_known(world.place.free, pool.left())
    return plan
