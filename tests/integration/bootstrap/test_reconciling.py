"""Reconciliation in one process: what it knows of its site, and what it clears away at its start."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from syncgate.bootstrap.reconciling import Reconciling
from syncgate.domain.reconciliation.run import RunState, RunWish
from syncgate.domain.rows import Run
from syncgate.flows.reconciling import turns
from syncgate.flows.reconciling.spill import FOLDER
from syncgate.storage import SqlStore
from tests.integration.flows.worksite import worksite
from tests.integration.reconciling.listed import ListedFood, World, as_lines, only_by_file
from tests.support.rows import SetClock

ZONE = ZoneInfo("America/New_York")
"""Where the day is another than in the zone that sites usually have."""


@pytest.fixture
def world(sqlite_store: SqlStore, clock: SetClock, tmp_path: Path) -> World:
    site = worksite(sqlite_store, clock)
    site.gate = replace(site.gate, data=tmp_path / "data")
    food = ListedFood()
    site.systems["food"] = food
    return World(site, food)


def attending(world: World, root: Path) -> Reconciling:
    """What a process does about runs, of a site in this folder."""
    config = SimpleNamespace(site=SimpleNamespace(time_zone=ZONE.key))
    bundles: Any = SimpleNamespace(site=SimpleNamespace(config=config, root=root))
    transports: Any = SimpleNamespace(of=world.site.system_of)
    return Reconciling(world.site.gate, bundles, transports, is_scheduling=False)


def asked(world: World) -> Run:
    """A run that a person asked for."""
    return world.site.write(lambda tx: turns.begin(tx, "food", RunWish(), salt="ab"))


def ended(world: World, reconciling: Reconciling, run: Run) -> RunState:
    """The run, after the process has attended to it."""

    async def work() -> Run | None:
        async with AsyncExitStack() as stack:
            await reconciling.start(opened(is_alone=True), stack)
            await reconciling.attend()
            async with asyncio.timeout(30):
                while True:
                    now = await world.site.gate.writer.read(lambda tx: tx.run(run.job, run.slot))
                    if now is None or now.ended_at is not None:
                        return now
                    await asyncio.sleep(0.01)

    found = world.site.run(work())
    assert found is not None
    return RunState.from_json(found.detail)


def opened(*, is_alone: bool) -> Any:
    return SimpleNamespace(is_alone=is_alone)


def test_the_file_of_the_sites_day_is_found_in_the_sites_folder(world: World, tmp_path: Path) -> None:
    only_by_file(world, file="exports/food-{date}.ndjson")
    case_ids = world.deliver(4)
    world.food.remove(case_ids[3])
    world.site.clock.at = world.site.clock.at.replace(hour=18)
    day = world.site.clock.at.astimezone(ZONE)
    assert day.date() != world.site.clock.at.astimezone(ZoneInfo("Asia/Shanghai")).date()
    file = tmp_path / "exports" / f"food-{day:%Y%m%d}.ndjson"
    file.parent.mkdir()
    file.write_bytes(as_lines(world))
    os.utime(file, (0, datetime(day.year, day.month, day.day, 1, tzinfo=ZONE).timestamp()))
    state = ended(world, attending(world, tmp_path), asked(world))
    assert (state.outcome, state.totals[0].verified) == ("complete", 3)
    assert world.kinds() == [("missing", case_ids[3])]


@pytest.mark.parametrize("is_alone", [True, False])
def test_what_dead_runs_left_goes_at_the_start_and_what_others_work_in_stays(world: World, is_alone: bool) -> None:
    """Crash point: a process killed while a run reads. Nothing of what a system listed outlives the run."""
    run = asked(world)
    data = world.site.gate.data
    assert data is not None
    mine, dead = f"food.{run.slot}", "food.20200101T000000Z"
    for name in (mine, dead):
        (data / FOLDER / name).mkdir(parents=True)
        (data / FOLDER / name / "theirs.0").write_bytes(b"1234")

    async def start() -> None:
        async with AsyncExitStack() as stack:
            await attending(world, data).start(opened(is_alone=is_alone), stack)

    world.site.run(start())
    assert [folder.name for folder in (data / FOLDER).iterdir()] == ([] if is_alone else [mine])
