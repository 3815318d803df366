"""Plays a plot to its end and judges it; a failing one is shrunk to a short story."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from structlog.testing import capture_logs

from syncgate.flows.gate import Accepted
from syncgate.flows.operating.deploy import deploy_first
from syncgate.ports import DeliveryFilter
from syncgate.site.packing import pack
from syncgate.storage import SqlStore
from syncgate.storage.migrations import migrate
from tests.simulation.judge import evidence_gaps, violations
from tests.simulation.loop import VirtualClock, VirtualLoop
from tests.simulation.people import Operators, Source, Story
from tests.simulation.plot import CALM_AFTER, PROCESSES, Plot
from tests.simulation.process import Process, World
from tests.simulation.systems import System
from tests.simulation.town import KEYRING, SYSTEMS, bundle

ROUNDS_AT_MOST: Final = 120
"""Rounds of a good operator after which everything must have come to rest."""
ROUND: Final = 15.0
MEMORY: Final = Path("/dev/shm")


@dataclass(frozen=True, slots=True)
class Played:
    """One run. violations: what did not hold; deliveries: how many were made; story: what happened, line by line."""

    plot: Plot
    violations: tuple[str, ...]
    deliveries: int
    story: tuple[str, ...]


def played(plot: Plot, url: str | None = None) -> Played:
    """Plays it. url: of a fresh, migrated store; None: one of its own, in memory."""
    with _store_url() if url is None else _given(url) as at:
        loop = VirtualLoop()
        clock = VirtualClock(loop)
        store = SqlStore(at, keyring=KEYRING, clock=clock, writer="simulation", readers_count=1)
        world = World(plot, loop, clock, store, {town.name: System(town) for town in SYSTEMS})
        try:
            with capture_logs() as logged:
                run = loop.run(_play(world))
        finally:
            store.close()
    return replace(run, violations=(*run.violations, *_defects(logged)))


def _defects(logged: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """What the gate caught of its own mistakes: it goes on after one, so no promise need break by it."""
    broke = (line for line in logged if str(line["event"]).endswith("_broke"))
    yield from dict.fromkeys(f"0: a defect, {line['event']}: {line.get('error')} at {line.get('at')}" for line in broke)


async def _play(world: World) -> Played:
    count = dict.fromkeys(PROCESSES, 0)

    def start(place: str) -> Process:
        count[place] += 1
        process = Process(world, place, count[place])
        world.processes[:] = [one for one in world.processes if one.place != place] + [process]
        process.start()
        world.note(f"{process.name} starts")
        return process

    first = start(PROCESSES[0])
    bundles = [bundle(town.name) for town in SYSTEMS]
    packed = {one.digest: pack(one.files) for one in bundles}
    await deploy_first(first.gate, bundles, packed=packed, sources=first.gate.sources, by="tester")
    for place in PROCESSES[1:]:
        start(place)
    sources = [Source(world, no, calls) for no, calls in enumerate(world.plot.cases)]
    operators = Operators(world, start, [source.story for source in sources])
    said = [asyncio.ensure_future(source.run()) for source in sources]
    doing = [asyncio.ensure_future(operators.run(happening)) for happening in world.plot.happenings]
    await asyncio.gather(*said, *doing)
    await asyncio.sleep(max(0.0, CALM_AFTER - world.now))
    for process in list(world.processes):
        process.steps_to_crash = process.steps_to_freeze = process.steps_to_lose = None
        if process.is_dead:
            start(process.place)
    rounds = 0
    while await operators.clean_up() and rounds < ROUNDS_AT_MOST:
        rounds += 1
        await asyncio.sleep(ROUND)
    return await _judged(world, operators)


async def _judged(world: World, operators: Operators) -> Played:
    stories = operators.stories
    found = violations(world, stories, operators)
    deliveries = world.store.read(lambda tx: tx.oldest_deliveries(DeliveryFilter(), after=None, limit=5000))
    found += evidence_gaps(world, [one.delivery_id for one in deliveries])
    found += [line async for line in _told_otherwise(world, stories)]
    return Played(world.plot, tuple(found), len(deliveries), tuple(_story(world)))


async def _told_otherwise(world: World, stories: Sequence[Story]) -> AsyncIterator[str]:
    """Promise 2: who says the same again under the same key is answered as the first time."""
    gate = world.processes[0].gate
    for story in stories:
        for said, first in story.said:
            again = await said(gate)
            assert isinstance(again, Accepted), "the case is known"
            if (again.receipt, again.case_id, again.revision) != (first.receipt, first.case_id, first.revision):
                yield f"2: {story.number} was answered otherwise when it was said again"


def _story(world: World) -> Iterator[str]:
    lines = list(world.notes)
    for system in world.systems.values():
        for entry in system.log:
            what = f"{entry.by} → {system.town.name}: {entry.kind} {entry.operation} {_short(entry.slot)}"
            said = "" if entry.payload is None else f" {entry.payload.get('title') or entry.payload.get('said')}"
            lines.append((entry.sent_at, f"{what}{said}{'' if entry.is_answered else ', the answer is lost'}"))
            if entry.at is not None and entry.effect != "none":
                lines.append((entry.at, f"{system.town.name}: {_short(entry.slot)} is {entry.effect}"))
    return (f"{at:9.3f}  {text}" for at, text in sorted(lines, key=lambda line: line[0]))


def _short(slot: str) -> str:
    return slot[:8]


def shrunk(failing: Played) -> Played:
    """The smallest run found that breaks the same promise, by leaving out one thing after another."""
    promise = failing.violations[0].split(":")[0]
    smaller = True
    while smaller:
        smaller = False
        for plot in failing.plot.without():
            again = played(plot)
            if any(line.startswith(f"{promise}:") for line in again.violations):
                failing, smaller = again, True
                break
    return failing


@contextmanager
def _given(url: str) -> Iterator[str]:
    yield url


@contextmanager
def _store_url() -> Iterator[str]:
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        path = Path(folder) / "store.sqlite"
        path.write_bytes(_empty_store())
        yield f"sqlite:///{path}"


@cache
def _empty_store() -> bytes:
    """A migrated store without rows."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.sqlite"
        migrate(f"sqlite:///{path}")
        return path.read_bytes()


__all__ = ["Played", "played", "shrunk"]
