"""One process attends to runs: begins what is due, takes up what waits or was left by the dead, and ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from syncgate.domain.errors import StoreUnavailable
from syncgate.domain.reconciliation.due import Rhythm
from syncgate.domain.reconciliation.run import RunOutcome, RunState, RunWish, job_of
from syncgate.domain.rows import Run
from syncgate.flows.alerting.raising import note_ended_run, note_missed_run
from syncgate.flows.delivering.defects import place_of
from syncgate.flows.gate import Gate
from syncgate.flows.reconciling import turns
from syncgate.ports import Transport, Tx

if TYPE_CHECKING:
    from syncgate.site.bundle import Bundle

log = structlog.get_logger("syncgate.reconcile")
LOOKS_EVERY: Final = timedelta(seconds=1)
"""How soon a cancelled run is seen to be."""
ENDS_WITHIN: Final = timedelta(seconds=2)
"""How long a run that is to stop may take to come to an end by itself."""
AT_ONCE: Final = 2
"""Runs that one process works on side by side."""


class Work(Protocol):
    """What a run does. Raises anything; StoreUnavailable leaves the run to be gone on with."""

    async def __call__(
        self, gate: Gate, run: Run, *, transport_of: Callable[[str], Transport], save: turns.Save
    ) -> RunState: ...


@dataclass(frozen=True, slots=True)
class Planned:
    """How a system is reconciled by itself."""

    rhythm: Rhythm
    wish: RunWish


class Attendant:
    """The runs of one process."""

    def __init__(
        self,
        gate: Gate,
        *,
        work: Work,
        transport_of: Callable[[str], Transport],
        planned: Callable[[], Mapping[str, Planned]] = dict,
    ) -> None:
        """Args: work: what a run does; transport_of: a bundle's; planned: what is reconciled by itself, as of now."""
        self._gate = gate
        self._work = work
        self._transport_of = transport_of
        self._planned = planned
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._settled: dict[str, tuple[str, datetime]] = {}
        self._is_ending = False

    async def attend(self) -> None:
        """Begins what came due and is not settled, and takes up every run that nobody works on."""
        for system in sorted(self._planned()):
            await self.begin_due(system)
        await self.take_up()

    async def begin_due(self, system: str) -> None:
        """Begins a system's run if its time came, and no process did."""
        planned = self._planned().get(system)
        if planned is None:
            return
        seen = (planned.rhythm.words, planned.rhythm.latest(self._gate.clock.now()))
        if self._settled.get(system) == seen:
            return
        begun = await self._gate.writer.write(partial(self._begin_due, system, planned))
        for slot in begun.missed:
            log.warning("run_missed", system=system, slot=slot)
        if begun.run is not None:
            log.info("run_begun", system=system, slot=begun.run.slot)
        if begun.is_settled and (begun.run is not None or not await self._is_early(seen[1])):
            self._settled[system] = seen

    def _begin_due(self, system: str, planned: Planned, tx: Tx) -> turns.Begun:
        """A process that is behind leaves it alone: it may know another rhythm."""
        row = tx.system(system, lock=True)
        if row is None or self._gate.is_behind(row):
            return turns.Begun(None, is_settled=False)
        begun = turns.begin_due(tx, system, planned.wish, planned.rhythm)
        for slot in begun.missed:
            note_missed_run(self._gate, tx, system=system, slot=slot)
        return begun

    async def take_up(self) -> None:
        """Takes up runs that nobody works on, as many as this process has room for."""
        if self._is_ending or len(self._tasks) >= AT_ONCE:
            return
        for run in await self._gate.writer.read(_left):
            system = run.job.partition(":")[2]
            if len(self._tasks) >= AT_ONCE or system in self._tasks or not await self._can_work(run):
                continue
            by = f"{self._gate.hand_over.owner}:{self._gate.entropy.token(8).hex()}"
            claimed = await self._gate.writer.write(partial(self._claim, system, by))
            if claimed is not None and claimed.ended_at is None:
                self._start(system, claimed)

    def _claim(self, system: str, by: str, tx: Tx) -> Run | None:
        run = turns.claim(tx, system, by=by)
        if run is not None and run.ended_at is not None:
            _note_ended(self._gate, tx, run)
        return run

    async def stop(self) -> None:
        """Stops what is under way; any process may go on with it at once."""
        self._is_ending = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def idle(self) -> None:
        """Returns when nothing is under way in this process."""
        while self._tasks:
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _start(self, system: str, run: Run) -> None:
        task = asyncio.create_task(self._run(system, run))
        self._tasks[system] = task
        task.add_done_callback(lambda _: self._tasks.pop(system, None))

    async def _can_work(self, run: Run) -> bool:
        """Whether this process has the bundle under which a run compares."""
        bundle = str(run.detail.get("bundle", ""))
        if not bundle or bundle in self._gate.bundles:
            return True
        if self._gate.follow is not None:
            await self._gate.follow()
        return bundle in self._gate.bundles

    async def _is_early(self, due: datetime) -> bool:
        """Whether that time has not come yet by the store's clock."""
        return await self._gate.writer.read(lambda tx: tx.now < due)

    async def _run(self, system: str, run: Run) -> None:
        turn = _Turn(self._gate, run)
        try:
            await turn.work(self._work, self._transport_of)
        except asyncio.CancelledError:
            await turn.release()
            raise
        except StoreUnavailable as error:
            log.warning("run_left", system=system, slot=run.slot, code=error.code, reason=error.message)
        except Exception as error:
            log.error("run_broke", system=system, slot=run.slot, error=type(error).__name__, at=place_of(error))


def _left(tx: Tx) -> list[Run]:
    """Open runs without a lease that holds, oldest first."""
    jobs = [job_of(row.system) for row in tx.systems()]
    found = tx.page_runs(jobs, after=None, limit=len(jobs) + 1, is_open=True)
    return [run for run in reversed(found) if run.lease_until is None or run.lease_until <= tx.now]


class _Turn:
    """One claim of a run."""

    def __init__(self, gate: Gate, run: Run) -> None:
        self._gate = gate
        self._run = run
        self._state = RunState.from_json(run.detail)

    async def save(self, state: RunState, *, cursor: str | None = None) -> bool:
        self._state = state
        return await self._gate.writer.write(lambda tx: turns.keep(tx, self._run, state, cursor=cursor))

    async def work(self, work: Work, transport_of: Callable[[str], Transport]) -> None:
        """Works on the run until it ends, is cancelled or lost, and says how it ended."""
        doing = asyncio.ensure_future(work(self._gate, self._run, transport_of=transport_of, save=self.save))
        watching = asyncio.create_task(self._stopped())
        try:
            await asyncio.wait({doing, watching}, return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                await asyncio.wait({doing}, timeout=ENDS_WITHIN.total_seconds())
        finally:
            for task in (doing, watching):
                task.cancel()
            await asyncio.gather(doing, watching, return_exceptions=True)
        await self._end(doing)

    async def release(self) -> None:
        """Lets another process go on at once, if that can still be said."""
        try:
            await self._gate.writer.write(lambda tx: turns.release(tx, self._run))
        except StoreUnavailable as error:
            log.warning("run_not_released", slot=self._run.slot, code=error.code)

    async def _stopped(self) -> None:
        """Returns once the run was cancelled or lost; keeps its lease meanwhile."""
        renewed_at = self._gate.clock.now()
        while True:
            await asyncio.sleep(LOOKS_EVERY.total_seconds())
            now = self._gate.clock.now()
            is_old = now - renewed_at > turns.LEASE / 3
            try:
                if not await (self._renewed() if is_old else self._is_ours()):
                    return
            except StoreUnavailable:
                if now - renewed_at > turns.LEASE:
                    return
                continue
            renewed_at = now if is_old else renewed_at

    async def _renewed(self) -> bool:
        return await self._gate.writer.write(lambda tx: turns.renew(tx, self._run))

    async def _is_ours(self) -> bool:
        now = await self._gate.writer.read(lambda tx: tx.run(self._run.job, self._run.slot))
        is_ours = now is not None and now.ended_at is None and now.claimed_by == self._run.claimed_by
        return is_ours and now is not None and now.detail.get("cancelled_by") is None

    async def _end(self, doing: asyncio.Future[RunState]) -> None:
        state, outcome = self._state, RunOutcome.FAILED
        error = None if doing.cancelled() else doing.exception()
        if isinstance(error, StoreUnavailable):
            raise error
        if error is None and not doing.cancelled():
            state = doing.result()
            outcome = state.outcome or RunOutcome.FAILED
        ended = await self._gate.writer.write(lambda tx: self._ended(tx, state, outcome))
        if ended is not None:
            log.info("run_ended", system=ended.job.partition(":")[2], slot=ended.slot, outcome=ended.outcome)
        if error is not None:
            raise error

    def _ended(self, tx: Tx, state: RunState, outcome: RunOutcome) -> Run | None:
        run = turns.end(tx, self._run, state, outcome)
        if run is not None:
            _note_ended(self._gate, tx, run)
        return run


def _note_ended(gate: Gate, tx: Tx, run: Run) -> None:
    """Raises and ends the alerts that the end of a run gives reason for."""
    state = RunState.from_json(run.detail)
    wish = state.wish
    note_ended_run(
        gate,
        tx,
        system=run.job.partition(":")[2],
        slot=run.slot,
        outcome=RunOutcome(run.outcome),
        left=state.left,
        is_whole=wish.messages is None and wish.since is None and wish.until is None,
    )


def planned_systems(gate: Gate, zone: tzinfo) -> dict[str, Planned]:
    """The systems that are reconciled by themselves under their active bundles. zone: the site's."""
    return {
        system: planned for system in gate.active if (planned := _planned(gate.active_bundle(system), zone)) is not None
    }


def _planned(bundle: Bundle, zone: tzinfo) -> Planned | None:
    readback = bundle.readback
    if readback is None or readback.every is None or bundle.mode in ("draft", "retired"):
        return None
    at = time.fromisoformat(readback.at) if readback.at is not None else None
    wish = RunWish(mode="mend" if readback.mends else "list", trigger="schedule", by="schedule")
    return Planned(Rhythm(every=readback.every, at=at, zone=zone), wish)
