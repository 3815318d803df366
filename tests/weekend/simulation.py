"""A weekend without a system: what a gate accepts meanwhile, what becomes of it afterwards, and what others notice.

What is real: intake, plan, claim, mapping and contract, settling, breaker, alerts and the store. The systems are
scripted and answer at once; the clock is moved on, ten minutes at a time while the system is away, a second at a time
while its backlog is drained. A latency is therefore how long a delivery waited for its turn, to the length of a step.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Final
from uuid import UUID

from syncgate.domain.alerts import Alert, AlertKind
from syncgate.domain.delivery import Phase
from syncgate.domain.outcome import Answer, Outcome
from syncgate.flows.accepting.intake import post_case
from syncgate.flows.delivering.claim import claim
from syncgate.flows.delivering.send import send
from syncgate.flows.delivering.settle import settle
from syncgate.flows.delivering.work import Work
from syncgate.flows.showing.systems import forecast_of
from syncgate.ports import OnSystem, Request, Tx
from syncgate.storage import SqlStore
from syncgate.storage.writer import GroupWriter
from tests.integration.flows.altered import altered
from tests.integration.flows.worksite import WORKER, Worksite, activate, answer, call, caller, taken, worksite
from tests.support.cases import an_application
from tests.support.rows import SetClock

AWAY: Final = "province"
OTHER: Final = "food"
OUTAGE: Final = timedelta(hours=62)
SECOND: Final = timedelta(seconds=1)
STEP: Final = timedelta(minutes=10)
BEFORE: Final = timedelta(hours=1)
SHORT: Final = timedelta(seconds=10)
"""A step before the outage: short enough that the rate leaves nothing behind which the outage would be blamed for."""
RATE: Final = 20
"""Sends a second that the system which was away can bear."""
COMING: Final = 0.2
"""Cases a second that come while the backlog is drained."""


@dataclass
class LoggedSystem:
    """A system that is away or takes everything, and remembers when it took what of which case."""

    clock: SetClock
    is_away: bool = False
    asked_count: int = 0
    took: list[tuple[str, datetime]] = field(default_factory=list)

    async def send(self, request: Request) -> Answer:
        """Refuses the connection, or takes what is sent."""
        self.asked_count += 1
        if self.is_away:
            return answer(Outcome.UNAVAILABLE)
        self.took.append((request.keys["case_no"], self.clock.at))
        return taken(f"R{len(self.took)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Weekend:
    """What was seen.

    Attributes:
        cases_count: accepted while the system was away. probes_count: requests that it got meanwhile.
        parked_count: deliveries parked at any look, at either system.
        alerts: all that were raised.
        took: the number of its case for each send of the weekend's cases, in the order in which they were taken.
        ideal, drained_in: how long the backlog takes at the rate, and took, from the system's return on.
        foretold: what the forecast said once the system was back, counted from its return.
        tried_count: how many failed before the breaker opened; they wait as their schedule says, and may come later.
        latencies: of the other system by span of time, in seconds, sorted.
    """

    cases_count: int
    probes_count: int
    parked_count: int
    alerts: tuple[Alert, ...]
    took: tuple[int, ...]
    ideal: timedelta
    drained_in: timedelta
    foretold: timedelta | None
    tried_count: int
    latencies: dict[str, Sequence[float]]

    @property
    def first_taken(self) -> tuple[int, ...]:
        """Each case once, in the order in which the system took the first of it."""
        return tuple(dict.fromkeys(self.took))

    @property
    def is_as_promised(self) -> bool:
        """Nothing parked, one alert that is over, drained in order within a tenth of the ideal, others undisturbed."""
        (alert,) = self.alerts if len(self.alerts) == 1 else (None,)
        is_told_once = alert is not None and alert.kind is AlertKind.SYSTEM_DOWN and alert.ended_at is not None
        is_whole = len(self.first_taken) == self.cases_count and not len(self.took) % self.cases_count
        is_in_order = (
            is_whole and inversions(self.first_taken) <= self.tried_count and self.drained_in <= 1.1 * self.ideal
        )
        slowest = {span: max(latencies, default=0.0) for span, latencies in self.latencies.items()}
        is_undisturbed = slowest["away"] <= slowest["before"] and slowest["drained"] <= slowest["before"]
        return self.parked_count == 0 and is_told_once and is_in_order and is_undisturbed


def weekend(store: SqlStore, clock: SetClock, *, cases: int) -> Weekend:
    """Plays it: so many cases come evenly over the outage, and go on coming while the backlog is drained."""
    return asyncio.run(_Played(store, clock, cases).play())


class _Played:
    def __init__(self, store: SqlStore, clock: SetClock, cases: int) -> None:
        self.clock, self.cases, self.store = clock, cases, store
        self.site: Worksite = worksite(store, clock)
        limits = self.site.gate.active_bundle(AWAY).limits
        self.slow = altered(self.site, AWAY, limits=replace(limits, rate=float(RATE), burst=RATE))
        self.systems = {name: LoggedSystem(clock) for name in (AWAY, OTHER)}
        self.accepted_at: dict[str, datetime] = {}
        self.case_ids: list[UUID] = []
        self.parked_count, self.due = 0, 0.0
        self.numbers = count()

    async def play(self) -> Weekend:
        await activate(self.site.gate, [self.slow])
        writer = GroupWriter(self.store)
        self.site.gate = replace(self.site.gate, writer=writer)
        try:
            return await self._played()
        finally:
            await writer.aclose()

    async def _played(self) -> Weekend:
        away = self.systems[AWAY]
        await self._pass_by(BEFORE // SHORT, per_step=self.cases / (OUTAGE / SHORT), step=SHORT)
        gone_at, away.is_away = self.clock.at, True
        first = len(self.accepted_at)
        await self._pass_by(OUTAGE // STEP, per_step=self.cases / (OUTAGE // STEP), step=STEP)
        probes, waiting = away.asked_count - len(away.took), len(self.accepted_at) - first
        back_at, away.is_away = self.clock.at, False
        names = [name for name, at in self.accepted_at.items() if gone_at <= at < back_at]
        foretold: timedelta | None = None
        weekends, left = set(names), self._pending_count()
        while left > 0 and self.clock.at - back_at < OUTAGE:
            seen = len(away.took)
            await self._pass_by(1, per_step=COMING, step=SECOND)
            left -= sum(name in weekends for name, _ in away.took[seen:])
            foretold = foretold or self._foretold(back_at)
        took = [(name, at) for name, at in away.took if gone_at <= self.accepted_at[name] < back_at]
        return Weekend(
            cases_count=waiting,
            probes_count=probes,
            parked_count=self.parked_count,
            alerts=tuple(self.store.read(lambda tx: tx.list_alerts(systems=None, is_open=False, limit=100))),
            took=tuple(int(name.removeprefix("QX")) for name, _ in took),
            ideal=timedelta(seconds=len(took) / RATE),
            drained_in=took[-1][1] - back_at,
            foretold=foretold,
            tried_count=self.slow.breaker.failures,
            latencies={
                "before": self._latencies(until=gone_at),
                "away": self._latencies(since=gone_at, until=back_at),
                "drained": self._latencies(since=back_at),
            },
        )

    async def _pass_by(self, steps: int, *, per_step: float, step: timedelta) -> None:
        """Lets time pass: what comes is posted, and what is due at each system is served."""
        for _ in range(steps):
            self.due += per_step
            await self._post(int(self.due))
            self.due -= int(self.due)
            for system in (AWAY, OTHER):
                while await self._served(system):
                    pass
            self._look()
            self.clock.at += step

    async def _post(self, number: int) -> None:
        names = [f"QX{next(self.numbers)}" for _ in range(number)]
        for name in names:
            self.accepted_at[name] = self.clock.at
        await asyncio.gather(*(self._accepted(name) for name in names))

    async def _accepted(self, name: str) -> None:
        document = an_application(name)
        done = await post_case(self.site.gate, caller("window"), document, call(document))
        self.case_ids.append(done.case_id)

    async def _served(self, system: str) -> int:
        """Claims once, and serves what that brought. Gives how much it was."""
        gate = self.site.gate
        claimed = await gate.writer.write(
            OnSystem(system, lambda tx: claim(gate, tx, system, owner=WORKER, limit=64, is_granting=False))
        )
        await asyncio.gather(*(self._serve(work) for work in claimed.works))
        return len(claimed.works)

    async def _serve(self, work: Work) -> None:
        gate, following = self.site.gate, work
        while True:
            verdict = await send(gate, following, lambda digest: self.systems[gate.bundles[digest].system])  # type: ignore[arg-type, return-value]
            settled = await gate.writer.write(
                lambda tx, one=following, said=verdict: settle(gate, tx, one, said, owner=WORKER)  # type: ignore[misc]
            )
            if settled.next_work is None:
                return
            following = settled.next_work

    def _look(self) -> None:
        counters = self.store.read(lambda tx: tx.counters())
        self.parked_count = max(
            self.parked_count, sum(n for (_, phase, _), n in counters.items() if phase is Phase.PARKED)
        )

    def _pending_count(self) -> int:
        counters = self.store.read(lambda tx: tx.counters())
        return sum(
            number for (system, phase, _), number in counters.items() if (system, phase) == (AWAY, Phase.PENDING)
        )

    def _foretold(self, back_at: datetime) -> timedelta | None:
        def step(tx: Tx) -> datetime | None:
            row = tx.system(AWAY)
            assert row is not None
            return forecast_of(tx, row, self.site.gate.active_bundle(AWAY), tx.counters()).drained_at

        drained_at = self.store.read(step)
        return None if drained_at is None else drained_at - back_at

    def _latencies(self, *, since: datetime | None = None, until: datetime | None = None) -> Sequence[float]:
        def of_span() -> Iterator[float]:
            for name, at in self.systems[OTHER].took:
                accepted_at = self.accepted_at[name]
                if (since is None or accepted_at >= since) and (until is None or accepted_at < until):
                    yield (at - accepted_at).total_seconds()

        return sorted(of_span())


def share_of(latencies: Sequence[float], share: float) -> float:
    """The latency that this share of them does not exceed; of none 0."""
    return latencies[min(int(len(latencies) * share), len(latencies) - 1)] if latencies else 0.0


def inversions(numbers: Iterable[int]) -> int:
    """How many were taken after one that had come later."""
    highest, late = -1, 0
    for number in numbers:
        late += number < highest
        highest = max(highest, number)
    return late
