"""Dispatch: the asynchronous shell around claim, send, confirm and settle; one loop a system."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from syncgate.domain.delivery import Event
from syncgate.domain.errors import StoreUnavailable
from syncgate.domain.head import Task
from syncgate.domain.outcome import Answer
from syncgate.flows.delivering.claim import Claimed, claim, is_stopped
from syncgate.flows.delivering.confirm import confirm
from syncgate.flows.delivering.defects import place_of
from syncgate.flows.delivering.hand_over import GRANTED_FOR
from syncgate.flows.delivering.polling import Asked, Batch, Question, ask, end_batch, is_asking
from syncgate.flows.delivering.send import send
from syncgate.flows.delivering.settle import Settled, settle
from syncgate.flows.delivering.settle_polls import settle_poll
from syncgate.flows.delivering.work import Verdict, Work
from syncgate.flows.gate import Gate
from syncgate.ports import OnSystem, Step, Transport

log = structlog.get_logger("syncgate.dispatch")
BUSY_FOR = timedelta(seconds=10)
"""How long after something fell due grants are kept up."""
LOCKED_FOR = timedelta(milliseconds=10)
"""How long to leave alone what is due and was skipped, because another process has its lane in hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchSettings:
    """How this process works on the lanes.

    Attributes:
        owner: names this process in leases.
        poll_interval: the longest time between two looks at the store while nobody tells this process what is due.
        safety_interval: the same while others' notices are heard.
        batch: how many lanes one claim leases at most.
        grace: how long a stop waits for what is under way.
        store_wait: the pause after the store did not answer.
    """

    owner: str
    poll_interval: timedelta = timedelta(seconds=1)
    safety_interval: timedelta = timedelta(seconds=1)
    batch: int = 64
    grace: timedelta = timedelta(seconds=10)
    store_wait: timedelta = timedelta(seconds=1)


@dataclass(slots=True)
class _Loop:
    """One system's loop: what is under way, and what wakes it.

    busy_until: more is likely to come until then. is_careful: the last claim failed, the next takes lane by lane.
    is_asking: questions are under way. is_polls_turn: late ones come before sends, unless they did the last time.
    """

    system: str
    busy_until: datetime
    is_careful: bool = False
    is_asking: bool = False
    is_polls_turn: bool = True
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    running: set[asyncio.Task[None]] = field(default_factory=set)


class Dispatcher:
    """Works on the lanes of every system that has an active bundle, until it is stopped."""

    def __init__(
        self,
        gate: Gate,
        transport_of: Callable[[str], Transport],
        settings: DispatchSettings,
        *,
        is_told: Callable[[], bool] = lambda: False,
    ) -> None:
        """Args: transport_of: the transport of a bundle, by digest; it is kept and closed by the caller; is_told:
        whether other processes' notices are heard now, so that looking by itself is only a safety net."""
        self._gate = gate
        self._transport_of = transport_of
        self._settings = settings
        self._is_told = is_told
        self._loops: dict[str, _Loop] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._is_stopping = False

    def on_due(self, systems: Iterable[str]) -> None:
        """Wakes the loops of these systems; called after a commit that made lanes due. Never blocks."""
        known = [system for system in sorted(systems) if system in self._loops]
        self._note_busy(known)
        for system in known:
            self._loops[system].wake.set()

    def start(self) -> None:
        """Starts the loops; call it within a running event loop, and again after a deploy."""
        self._gate.hand_over.connect(self.take_over)
        for system in self._gate.active:
            if system not in self._loops:
                loop = self._loops[system] = _Loop(system, self._gate.clock.now())
                self._tasks.append(asyncio.create_task(self._system_loop(loop), name=f"dispatch {system}"))

    async def stop(self) -> None:
        """Claims nothing more, hands back what has not begun, and waits for what is under way."""
        self._is_stopping = True
        for loop in self._loops.values():
            loop.wake.set()
            self._gate.hand_over.drain(loop.system)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.grace.total_seconds()):
                await self._drained()
        left = [*self._tasks, *(task for loop in self._loops.values() for task in loop.running)]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _drained(self) -> None:
        """Returns once no loop claims any more and nothing is under way; what a last claim brought is handed back."""
        if self._tasks:
            await asyncio.wait(self._tasks)
        while running := [task for loop in self._loops.values() for task in loop.running]:
            await asyncio.wait(running)

    async def _system_loop(self, loop: _Loop) -> None:
        while not self._is_stopping:
            loop.wake.clear()
            try:
                wait = await self._claim_once(loop)
            except StoreUnavailable as error:
                log.warning("claim_failed", system=loop.system, code=error.code, reason=error.message)
                wait = self._settings.store_wait
            except Exception as error:
                log.error("claim_broke", system=loop.system, error=type(error).__name__, at=place_of(error))
                wait = self._settings.store_wait if loop.is_careful else timedelta(0)
                loop.is_careful = True
            if wait > timedelta(0):
                await self._wait(loop, wait)

    async def _claim_once(self, loop: _Loop) -> timedelta:
        """Claims and starts what may be started. Gives how long to wait before looking again."""
        bundle = self._gate.active_bundle(loop.system)
        free = min(self._settings.batch, bundle.limits.concurrency - len(loop.running))
        if free <= 0:
            return self._settings.poll_interval
        is_busy = self._gate.clock.now() < loop.busy_until
        claimed = await self._gate.writer.write(self._claiming(loop, free, is_granting=is_busy))
        if claimed.is_behind:
            return await self._caught_up(loop)
        loop.is_careful = False
        if claimed.granted_until is not None:
            self._gate.hand_over.refill(loop.system, claimed.granted, claimed.granted_until)
        for work in claimed.works:
            self._begin(loop, work)
        loop.is_polls_turn = claimed.batch is None
        if claimed.batch is not None:
            self._begin_asking(loop, claimed.batch)
        return self._pause_after(loop, claimed, free)

    def _claiming(self, loop: _Loop, limit: int, *, is_granting: bool) -> Step[Claimed]:
        owner, is_careful, is_polls_turn = self._settings.owner, loop.is_careful, loop.is_polls_turn
        at_once = self._polls_at_once(loop)
        return OnSystem(
            loop.system,
            lambda tx: claim(
                self._gate,
                tx,
                loop.system,
                owner=owner,
                limit=limit,
                is_granting=is_granting,
                is_careful=is_careful,
                polls_at_once=at_once,
                is_polls_turn=is_polls_turn,
            ),
        )

    def _polls_at_once(self, loop: _Loop) -> int | None:
        """How many sendings one question may be about; None while questions are under way, or none is ever asked."""
        if loop.is_asking or loop.is_careful or not is_asking(self._gate, loop.system):
            return None
        return self._transport_of(self._gate.active[loop.system]).polls_at_once

    async def _caught_up(self, loop: _Loop) -> timedelta:
        """Takes over what another process deployed. Gives how long to wait where that cannot be done here."""
        digest = self._gate.active.get(loop.system)
        if self._gate.follow is not None:
            await self._gate.follow()
        is_caught_up = self._gate.active.get(loop.system) != digest
        return timedelta(0) if is_caught_up else self._settings.poll_interval

    def take_over(self, works: Sequence[Work]) -> None:
        """Serves lanes that the intake leased from this process's grant."""
        self._note_busy(work.lane.system for work in works)
        for work in works:
            self._begin(self._loops[work.lane.system], work)

    def _note_busy(self, systems: Iterable[str]) -> None:
        until = self._gate.clock.now() + BUSY_FOR
        for system in systems:
            if system in self._loops:
                self._loops[system].busy_until = until

    def _begin(self, loop: _Loop, work: Work) -> None:
        task = asyncio.create_task(self._serve_lane(work))
        loop.running.add(task)
        task.add_done_callback(lambda done: _ended(loop, done))

    def _begin_asking(self, loop: _Loop, batch: Batch) -> None:
        loop.is_asking = True
        task = asyncio.create_task(self._ask(loop, batch))
        loop.running.add(task)
        task.add_done_callback(lambda done: _ended(loop, done))

    async def _ask(self, loop: _Loop, batch: Batch) -> None:
        """Asks, settles every answer, and gives the place at the system free."""
        asked = Asked()
        try:
            if not self._is_stopping:
                asked = await self._answered(batch)
        finally:
            loop.is_asking = False
            await self._end(batch, asked)

    async def _end(self, batch: Batch, asked: Asked) -> None:
        """Gives a question's place at the system free; where the store does not take that, its lease ends by itself."""
        owner = self._settings.owner
        ending: Step[None] = OnSystem(batch.system, lambda tx: end_batch(self._gate, tx, batch, asked, owner=owner))
        try:
            await self._gate.writer.write(ending)
        except StoreUnavailable as error:
            log.warning("settle_failed", system=batch.system, code=error.code, reason=error.message)

    async def _answered(self, batch: Batch) -> Asked:
        try:
            asked = await ask(self._gate, batch, self._transport_of)
        except Exception as error:
            log.error("asking_broke", system=batch.system, error=type(error).__name__, at=place_of(error))
            return Asked()
        settled = await asyncio.gather(*(self._settled_poll(batch, *one) for one in asked.answers))
        self.on_due({system for woken in settled for system in woken})
        return asked

    async def _settled_poll(
        self, batch: Batch, question: Question, answer: Answer, started_at: datetime
    ) -> frozenset[str]:
        """Settles one answer; where the store does not take it, the system is asked again."""
        at = batch.claimed_at + (started_at - batch.taken_at)
        try:
            return await self._gate.writer.write(
                lambda tx: settle_poll(self._gate, tx, question, answer, started_at=at)
            )
        except StoreUnavailable as error:
            log.warning("settle_failed", system=batch.system, code=error.code, reason=error.message)
        except Exception as error:
            log.error("settle_broke", system=batch.system, error=type(error).__name__, at=place_of(error))
        return frozenset()

    def _pause_after(self, loop: _Loop, claimed: Claimed, free: int) -> timedelta:
        if len(claimed.works) == free:
            return timedelta(0)
        if claimed.is_held_back and not claimed.is_stopped:
            return self._settings.poll_interval / 4
        longest = self._settings.safety_interval if self._is_told() else self._settings.poll_interval
        polled = None if loop.is_asking or claimed.next_poll_at is None else claimed.next_poll_at - claimed.at
        if polled is not None:
            longest = min(longest, max(polled, self._settings.poll_interval / 4))
        if claimed.next_due_at is None:
            return longest
        return min(longest, max(claimed.next_due_at - claimed.at, LOCKED_FOR))

    async def _wait(self, loop: _Loop, wait: timedelta) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(loop.wake.wait(), wait.total_seconds())

    async def _serve_lane(self, work: Work) -> None:
        """Serves a head and, while the lane keeps its lease, the next ones."""
        following: Work | None = work
        while following is not None:
            following = await self._serve(following)

    async def _serve(self, work: Work) -> Work | None:
        if self._is_stopping:
            verdict = _not_begun(work)
        else:
            begun_at = self._gate.clock.now()
            try:
                verdict = await self._verdict(work)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log.error("serving_broke", system=work.lane.system, error=type(error).__name__, at=place_of(error))
                verdict = _defect(work).begun(begun_at)
        settled = await self._settled(work, verdict)
        self.on_due(settled.woken)
        log.debug("settled", system=work.lane.system, outcome=verdict.event.value)
        return settled.next_work

    def _settling(self, work: Work, verdict: Verdict) -> Step[Settled]:
        keep, owner = not self._is_stopping, self._settings.owner
        return lambda tx: settle(self._gate, tx, work, verdict, owner=owner, keep=keep)

    async def _verdict(self, work: Work) -> Verdict:
        if await self._is_stopped_since(work):
            return _not_begun(work)
        if work.task is Task.CONFIRM:
            return await confirm(self._gate, work, self._transport_of)
        return await send(self._gate, work, self._transport_of)

    async def _is_stopped_since(self, work: Work) -> bool:
        """Whether a pause or hold elsewhere overtook a claim that this process was slow to act on (promise 9)."""
        if self._gate.follow is None or self._gate.clock.now() - work.taken_at < GRANTED_FOR:
            return False
        try:
            return await self._gate.writer.read(lambda tx: is_stopped(self._gate, tx, work))
        except StoreUnavailable:
            return True

    async def _settled(self, work: Work, verdict: Verdict) -> Settled:
        """Settles, again and again while the store does not answer: the answer of a system is never dropped."""
        while True:
            try:
                return await self._gate.writer.write(self._settling(work, verdict))
            except StoreUnavailable as error:
                log.warning("settle_failed", system=work.lane.system, code=error.code, reason=error.message)
                await asyncio.sleep(self._settings.store_wait.total_seconds())
            except Exception as error:
                log.error("settle_broke", system=work.lane.system, error=type(error).__name__, at=place_of(error))
                if verdict.rule == "defect":
                    raise
                verdict = replace(_defect(work), started_at=verdict.started_at, evidence=verdict.evidence)


def _ended(loop: _Loop, task: asyncio.Task[None]) -> None:
    loop.running.discard(task)
    loop.wake.set()
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("lane_broke", system=loop.system, error=type(error).__name__, at=place_of(error))


def _not_begun(work: Work) -> Verdict:
    if work.task is Task.CONFIRM:
        return Verdict(event=Event.UNDECIDED, rule="handed_back", reason="handed_back")
    return Verdict(event=Event.HANDED_BACK, rule="stopping")


def _defect(work: Work) -> Verdict:
    """After a defect of ours: the bytes of a send may have left."""
    event = Event.UNDECIDED if work.task is Task.CONFIRM else Event.UNKNOWN
    return Verdict(event=event, rule="defect", reason="defect", actor="developer")
