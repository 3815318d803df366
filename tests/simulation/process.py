"""One process of the gate: the product's own dispatcher and flows over the common store, and every way to stop it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any, TypeVar

from syncgate.domain.errors import CommitUnknown, StoreUnavailable
from syncgate.domain.outcome import Answer, Evidence, Found, Outcome, Reading
from syncgate.flows.delivering.dispatch import Dispatcher, DispatchSettings
from syncgate.flows.delivering.hand_over import HandOver
from syncgate.flows.delivering.rescue import rescue_all
from syncgate.flows.gate import Gate
from syncgate.ports import Request, Step
from syncgate.storage import SqlStore
from tests.simulation.loop import VirtualClock, VirtualLoop
from tests.simulation.plot import LATE_AT_MOST, Fate, Plot
from tests.simulation.systems import Entry, System
from tests.simulation.town import CONNECT, KEYRING, SYSTEMS, TIMEOUT, bundle, schema

T = TypeVar("T")
SOURCE = "window"
RESCUED_EVERY = 5.0
"""Seconds between two looks for leases that ran out."""


@dataclass
class World:
    """What all processes share. versions: of the bundle of each system that may be deployed; notes: the story."""

    plot: Plot
    loop: VirtualLoop
    clock: VirtualClock
    store: SqlStore
    systems: dict[str, System] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)
    dead: list[Process] = field(default_factory=list)
    away: dict[str, float] = field(default_factory=dict)
    notes: list[tuple[float, str]] = field(default_factory=list)
    is_calm: bool = False
    store_away_until: float = 0.0
    asked_count: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return self.loop.time()

    def note(self, text: str) -> None:
        """Adds a line to the story."""
        self.notes.append((self.now, text))

    def on_due(self, systems: Iterable[str]) -> None:
        """Tells every process, a moment later, that something is due."""
        told = frozenset(systems)
        for process in self.processes:
            self.loop.call_later(0.02, process.told, told)


class Process:
    """One process. It dies and freezes between any two of its steps."""

    def __init__(self, world: World, place: str, no: int) -> None:
        self.world, self.place = world, place
        self.name = f"{place}-{no}"
        self.is_dead, self.thaws_at = False, 0.0
        self.steps_to_crash: int | None = None
        self.steps_to_freeze: tuple[int, float] | None = None
        self.steps_to_lose: int | None = None
        self.chance = world.plot.chance("process", self.name)
        self.clock = VirtualClock(world.loop)
        self.gate = Gate(
            writer=_Writer(self),
            keyring=KEYRING,
            clock=self.clock,
            entropy=_Entropy(self.chance),
            schema=schema(),
            bundles={bundle(town.name).digest: bundle(town.name) for town in SYSTEMS},
            active={town.name: bundle(town.name).digest for town in SYSTEMS},
            hand_over=HandOver(self.name),
            sources=frozenset({SOURCE}),
            on_due=world.on_due,
            follow=self.follow,
        )
        settings = DispatchSettings(
            owner=self.name, poll_interval=timedelta(seconds=2), safety_interval=timedelta(seconds=15)
        )
        self.dispatcher = Dispatcher(self.gate, self.transport_of, settings, is_told=lambda: True)
        self.tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins to work."""
        self.dispatcher.start()
        self.tasks.append(self.world.loop.create_task(self._rescue()))

    def told(self, systems: Iterable[str]) -> None:
        """Hears that something is due."""
        if not self.is_dead:
            self.dispatcher.on_due(systems)

    def crash(self) -> None:
        """Dies where it stands; nothing of it runs any more."""
        self.is_dead = True
        self.world.dead.append(self)
        self.world.note(f"{self.name} dies")

    async def _rescue(self) -> None:
        while True:
            await asyncio.sleep(RESCUED_EVERY)
            try:
                await rescue_all(self.gate)
            except StoreUnavailable:
                continue

    async def follow(self) -> None:
        """Takes over what the store names active."""

        def active(tx: Any) -> dict[str, str]:
            return {row.system: row.active_bundle for row in tx.systems() if row.active_bundle}

        for system, digest in (await self.gate.writer.read(active)).items():
            for version in (1, 2):
                if bundle(system, version).digest == digest:
                    self.gate.bundles[digest] = bundle(system, version)
                    self.gate.active[system] = digest

    async def step(self) -> None:
        """Between two steps: where it dies, freezes, or goes on."""
        if self.steps_to_crash is not None and not self.is_dead:
            self.steps_to_crash -= 1
            if self.steps_to_crash < 0:
                self.steps_to_crash = None
                self.crash()
        if self.is_dead:
            await self.world.loop.create_future()
        if self.steps_to_freeze is not None:
            left, lasts = self.steps_to_freeze
            self.steps_to_freeze = (left - 1, lasts)
            if left <= 0:
                self.steps_to_freeze, self.thaws_at = None, self.world.now + lasts
                self.world.note(f"{self.name} is frozen for {lasts:g} s")
        while self.thaws_at > self.world.now:
            await asyncio.sleep(self.thaws_at - self.world.now)
        if self.is_dead:
            await self.world.loop.create_future()

    def transport_of(self, digest: str) -> _Transport:
        """How the system of a bundle is spoken to."""
        return _Transport(self, self.world.systems[self.gate.bundles[digest].system])


class _Entropy:
    def __init__(self, chance: Random) -> None:
        self._chance = chance

    def token(self, size: int) -> bytes:
        return self._chance.randbytes(size)

    def draw(self) -> float:
        return self._chance.random()


@dataclass
class _Writer:
    """Commits each step by itself; the answer of a commit can get lost, and the store can be away."""

    process: Process

    async def write(self, step: Step[T]) -> T:
        await self.process.step()
        await self._reached()
        (result,) = self.process.world.store.write([step])
        if self.process.steps_to_lose is not None:
            self.process.steps_to_lose -= 1
            if self.process.steps_to_lose < 0:
                self.process.steps_to_lose = None
                self.process.world.note(f"{self.process.name} never hears of its commit")
                raise CommitUnknown("expected the answer of a commit, got none")
        await asyncio.sleep(0.001 * self.process.chance.random())
        await self.process.step()
        if isinstance(result, BaseException):
            raise result
        return result  # type: ignore[no-any-return]

    async def read(self, step: Step[T]) -> T:
        await self.process.step()
        await self._reached()
        return self.process.world.store.read(step)

    async def _reached(self) -> None:
        if self.process.world.store_away_until > self.process.world.now:
            await asyncio.sleep(0.01)
            raise StoreUnavailable("expected the store, got none")

    async def aclose(self) -> None:
        pass

    @property
    def is_taking(self) -> bool:
        return True


@dataclass
class _Transport:
    """The network between one process and one system: what left arrives even if its sender is dead by then."""

    process: Process
    system: System

    @property
    def polls_at_once(self) -> int:
        return 4

    async def send(self, request: Request) -> Answer:
        world, keys = self.process.world, request.keys
        entry = self._entry("send", request)
        fate = self._fate(request, "send")
        if self._is_away() or fate == "refused_connection":
            await asyncio.sleep(0.01 if self.process.chance.random() < 0.5 else CONNECT)
            await self.process.step()
            return Answer(Outcome.UNAVAILABLE, Evidence(keys["slot_key"], None, None, None, note="no connection"))
        self.system.log.append(entry)
        trip, back = self.process.chance.uniform(0.005, 0.4), self.process.chance.uniform(0.005, 0.4)
        if fate in ("busy", "down"):
            await asyncio.sleep(trip + back)
            await self.process.step()
            entry.at, entry.is_answered = world.now, True
            outcome = entry.outcome = Outcome.THROTTLED if fate == "busy" else Outcome.UNAVAILABLE
            return Answer(outcome, Evidence(keys["slot_key"], b"sent", b"{}", 503))
        if fate == "lost_request":
            return await self._never_answered(0.0)
        if fate == "late":
            trip = TIMEOUT + self.process.chance.uniform(-0.5, LATE_AT_MOST)
        arrived: asyncio.Future[tuple[Outcome, str | None]] = world.loop.create_future()
        world.loop.call_later(trip, lambda: self._arrive(entry, fate, arrived))
        if fate == "lost_answer" or trip + back >= TIMEOUT:
            return await self._never_answered(0.0)
        outcome, number = await arrived
        await asyncio.sleep(back)
        await self.process.step()
        entry.is_answered = True
        evidence = Evidence(keys["slot_key"], b"sent", b"{}", 200)
        return Answer(outcome, evidence, rule=outcome.value, reason="refused_there", actor="source", remote_ref=number)

    def _arrive(self, entry: Entry, fate: Fate, arrived: asyncio.Future[tuple[Outcome, str | None]]) -> None:
        said = self.system.take(entry, now=self.process.world.now, fate=fate)
        is_safe = self.system.town.knows in ("idempotency_key", "duplicate_probe") and not self.system.town.is_queueing
        if fate == "twice" and is_safe:
            again = replace(entry, is_copy=True)
            self.system.log.append(again)
            self.system.take(again, now=self.process.world.now, fate="well")
        arrived.set_result(said)

    async def _never_answered(self, after: float) -> Answer:
        await asyncio.sleep(TIMEOUT + after)
        await self.process.step()
        return Answer(Outcome.UNKNOWN, Evidence("", b"sent", None, None, note="no answer in time"))

    async def look_up(self, request: Request, *, record_at: str, absent: Mapping[str, Any]) -> Reading:
        evidence = Evidence(request.keys["slot_key"], None, b"{}", 200)
        if not await self._asked(request):
            return Reading(Found.UNDECIDED, evidence, outcome=Outcome.UNAVAILABLE)
        entry = self._entry("look_up", request)
        self.system.log.append(entry)
        shown = self.system.shown(entry, now=self.process.world.now)
        await asyncio.sleep(self.process.chance.uniform(0.005, 0.4))
        await self.process.step()
        if shown is None:
            return Reading(Found.ABSENT, evidence)
        return Reading(Found.RECORD, evidence, record=dict(shown.payload), remote_ref=shown.number)

    async def poll(self, requests: Sequence[Request]) -> Sequence[Answer]:
        if not await self._asked(requests[0]):
            return [Answer(Outcome.UNAVAILABLE, Evidence("", None, None, None)) for _ in requests]
        found = [self._polled(request) for request in requests]
        await asyncio.sleep(self.process.chance.uniform(0.005, 0.4))
        await self.process.step()
        return found

    def _polled(self, request: Request) -> Answer:
        entry = self._entry("poll", request)
        entry.at, entry.is_answered = self.process.world.now, True
        self.system.log.append(entry)
        held = self.system.records.get(entry.slot)
        outcome = Outcome.UNKNOWN if held is None else held.outcome_at(self.process.world.now)
        entry.outcome = outcome
        evidence = Evidence(entry.slot, b"", b"{}", 200)
        rule = "forgotten" if outcome is Outcome.UNKNOWN else outcome.value
        return Answer(outcome, evidence, rule=rule, reason="rejected_there", actor="source")

    async def _asked(self, request: Request) -> bool:
        """Whether a question reaches the system."""
        fate = self._fate(request, "ask")
        if self._is_away() or fate in ("refused_connection", "busy", "down"):
            await asyncio.sleep(0.05)
            await self.process.step()
            return False
        if fate in ("lost_request", "lost_answer", "late"):
            await asyncio.sleep(TIMEOUT)
            await self.process.step()
            return False
        await asyncio.sleep(self.process.chance.uniform(0.005, 0.4))
        return True

    def _is_away(self) -> bool:
        return self.process.world.away.get(self.system.town.name, 0.0) > self.process.world.now

    def _fate(self, request: Request, kind: str) -> Fate:
        world = self.process.world
        if world.is_calm:
            return "well"
        about = (self.system.town.name, f"{request.keys['slot_key']}/{kind}")
        world.asked_count[about] += 1
        return world.plot.fate(*about, world.asked_count[about])

    def _entry(self, kind: Any, request: Request) -> Entry:
        return Entry(
            sent_at=self.process.world.now,
            by=self.process.name,
            kind=kind,
            slot=request.keys["slot_key"],
            delivery=request.delivery_id,
            operation=request.operation,
            send_key=request.keys.get("send_key", ""),
            payload=request.payload,
        )

    async def aclose(self) -> None:
        pass
