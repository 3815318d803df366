"""Reconciliation in one process: the runs that it attends to, and the times at which it begins them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from zoneinfo import ZoneInfo

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from syncgate.bootstrap.bundles import Bundles
from syncgate.bootstrap.opening import OpenStore
from syncgate.bootstrap.transports import Transports
from syncgate.domain.reconciliation.due import Rhythm
from syncgate.domain.reconciliation.run import RunState, job_of
from syncgate.domain.rows import Run
from syncgate.flows.gate import Gate
from syncgate.flows.reconciling.attending import Attendant, Planned, planned_systems
from syncgate.flows.reconciling.exports import remove_old
from syncgate.flows.reconciling.run import reconcile
from syncgate.flows.reconciling.source_run import reconcile_source
from syncgate.flows.reconciling.sourced import Local
from syncgate.flows.reconciling.spill import left_behind, sweep
from syncgate.flows.reconciling.turns import Save, is_of_source, release_dead
from syncgate.ports import Transport, Tx
from syncgate.schedule import Timetable


class Reconciling:
    """What this process does about reconciliation, and when."""

    def __init__(self, gate: Gate, bundles: Bundles, transports: Transports, *, is_scheduling: bool) -> None:
        """Args: is_scheduling: whether runs are begun when they are due, too; else only those that people ask for."""
        self._gate = gate
        self._bundles = bundles
        self._is_scheduling = is_scheduling
        self._timetable: Timetable | None = None
        self._attendant = Attendant(
            gate,
            work=self._reconcile,
            transport_of=transports.of,
            planned=self._planned,
        )

    async def start(self, opened: OpenStore, stack: AsyncExitStack) -> None:
        """Takes over what a process left that can no longer be alive; stopped with the stack."""
        if opened.is_alone:
            await self._gate.writer.write(lambda tx: release_dead(tx, [row.system for row in tx.systems()]))
        await self._sweep(opened)
        stack.push_async_callback(self._attendant.stop)

    def keep_times(self, periodic: AsyncIOScheduler) -> None:
        """Begins runs at their times from now on."""
        self._timetable = Timetable(periodic, rhythms=self._rhythms, run=self._attendant.begin_due)

    async def attend(self) -> None:
        """Follows changed times, begins what is due, takes up what waits."""
        if self._timetable is not None:
            self._timetable.renew()
        await self._attendant.attend()

    async def tidy(self) -> None:
        """Removes uploaded files whose time is over."""
        await asyncio.to_thread(remove_old, self._gate)

    async def _sweep(self, opened: OpenStore) -> None:
        """Removes what dead runs left behind; beside others, only what is of no open run."""
        left = await asyncio.to_thread(left_behind, self._gate.data)
        # Only after the folders: what is begun from here on is none of them.
        kept = set() if opened.is_alone else await self._gate.writer.read(_open_runs)
        await asyncio.to_thread(sweep, [folder for folder in left if folder.name not in kept])

    async def _reconcile(
        self, gate: Gate, run: Run, *, transport_of: Callable[[str], Transport], save: Save
    ) -> RunState:
        if is_of_source(run):
            return await reconcile_source(gate, run, save=save)
        site = self._bundles.site
        local = Local(zone=ZoneInfo(site.config.site.time_zone), root=site.root)
        return await reconcile(gate, run, transport_of=transport_of, save=save, local=local)

    def _planned(self) -> Mapping[str, Planned]:
        if not self._is_scheduling:
            return {}
        return planned_systems(self._gate, ZoneInfo(self._bundles.site.config.site.time_zone))

    def _rhythms(self) -> Mapping[str, Rhythm]:
        return {system: planned.rhythm for system, planned in self._planned().items()}


def _open_runs(tx: Tx) -> set[str]:
    """The names of the runs that have not ended."""
    systems = {job_of(row.system): row.system for row in tx.systems()}
    found = tx.page_runs(list(systems), after=None, limit=len(systems) + 1, is_open=True)
    return {f"{systems[run.job]}.{run.slot}" for run in found}
