"""Runs of reconciliation in a world, as a process that serves makes them."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from syncgate.domain.reconciliation.run import RunState, RunWish
from syncgate.domain.rows import Discrepancy, Run
from syncgate.flows.reconciling import turns
from syncgate.flows.reconciling.attending import Attendant
from syncgate.flows.reconciling.run import reconcile
from syncgate.flows.reconciling.sourced import Local
from syncgate.ports import DiscrepancyFilter, Tx
from syncgate.sandbox.city.applications import CHINA
from tests.reconcile_proof.interrupted import Pause, PausingTransport, PausingWriter
from tests.reconcile_proof.world import World


async def run(world: World, system: str, *, pause: Pause | None = None, **wish: Any) -> Run:
    """One run of a system, to its end; province lays down what it holds before. pause: between the run's steps."""
    begun = await begin(world, system, **wish)
    await work_on(world, pause)
    ended = world.store.read(lambda tx: tx.run(begun.job, begun.slot))
    assert ended is not None
    return ended


async def begin(world: World, system: str, **wish: Any) -> Run:
    """A run that nobody works on yet."""
    world.clock.move(timedelta(seconds=1))
    if system == "province":
        file = world.place.export(world.clock.at.astimezone(CHINA).date())
        world.inside.export(file)
        written_at = world.clock.seconds() - 3_600
        os.utime(file, (written_at, written_at))
    return await world.gate.writer.write(partial(_begun, system=system, wish=RunWish(**wish)))


async def work_on(world: World, pause: Pause | None = None) -> None:
    """Takes up what is to be done, as a process that serves does, to its end. pause: between its steps."""
    work = partial(reconcile, local=Local(root=world.place.root))
    gate, transport_of = world.gate, world.transport
    if pause is not None:
        gate = replace(gate, writer=PausingWriter(gate.writer, pause))
        transport_of = partial(_pausing, world, pause)
    attendant = Attendant(gate, work=work, transport_of=transport_of)
    await attendant.take_up()
    await attendant.idle()


def _pausing(world: World, pause: Pause, digest: str) -> Any:
    return PausingTransport(world.transport(digest), pause)


def _begun(tx: Tx, *, system: str, wish: RunWish) -> Run:
    return turns.begin(tx, system, wish, salt="proof")


def state_of(run: Run) -> RunState:
    """What a run says of itself."""
    return RunState.from_json(run.detail)


def discrepancies(world: World, **where: Any) -> list[Discrepancy]:
    """All discrepancies that match."""
    found: list[Discrepancy] = []
    after: UUID | None = None
    while page := world.store.read(partial(_page, where=DiscrepancyFilter(**where), after=after)):
        found += page
        after = page[-1].discrepancy_id
    return found


def _page(tx: Tx, *, where: DiscrepancyFilter, after: UUID | None) -> list[Discrepancy]:
    return tx.list_discrepancies(where, after=after, limit=500)
