"""Sources that insist until they are answered, and operators who do the wrong thing at the wrong moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from syncgate.domain import ids
from syncgate.domain.case import canonical_bytes
from syncgate.domain.delivery import Phase
from syncgate.domain.errors import Conflict, IllegalMove, StoreUnavailable
from syncgate.domain.rows import Delivery, Principal
from syncgate.flows.accepting.intake import append_stages, patch_case, post_case
from syncgate.flows.accepting.submission import Call as Called
from syncgate.flows.accepting.withdrawal import withdraw_case, withdrawal_in
from syncgate.flows.gate import Accepted, Caller, CaseRef, Gate, Waiting
from syncgate.flows.operating import by_hand
from syncgate.flows.operating.deploy import deploy
from syncgate.ports import DeliveryFilter
from syncgate.site.packing import pack
from tests.simulation.loop import BEGINNING
from tests.simulation.plot import CALM_AFTER, Call, Happening
from tests.simulation.process import SOURCE, Process, World
from tests.simulation.town import BY_NAME, KEYRING, a_case, a_step, bundle, title

Said = Callable[[Gate], Awaitable[Accepted | Waiting]]
"""A call, to whichever process."""
PATIENCE: Final = 6.0
"""Seconds that a source waits for an answer before it says the same again."""
SURE_AFTER: Final = 30.0
"""Seconds after which a person who looks at a system believes that nothing more arrives there."""
NOT_TAKEN: Final = frozenset({"correction_not_taken", "retraction_not_taken"})
"""What a system cannot be told: a person mends it there by hand, and says so."""


@dataclass(slots=True)
class Story:
    """A case as its source knows it: what the gate said yes to.

    Attributes:
        number: the source's.
        case_id: ours, once known.
        edition: counts what was said of the case; record: the edition of its title; steps: of each stage.
        said: each answered call, with its key and body, to say it again.
    """

    number: str
    case_id: UUID | None = None
    edition: int = 1
    record: int = 1
    steps: dict[int, int] = field(default_factory=dict)
    is_withdrawn: bool = False
    said: list[tuple[Said, Accepted]] = field(default_factory=list)

    def said_of(self, delivery: Delivery) -> str:
        """What the case says now in the slot of a delivery."""
        return title(self.steps[int(delivery.part[1:])] if delivery.part else self.record)


def principal(name: str, role: str) -> Principal:
    """A person or a system with a key."""
    sources = (SOURCE,) if role == "source" else ()
    return Principal(
        principal_id=UUID(int=1),
        name=name,
        role=role,
        sources=sources,
        key_hash=b"h" * 16,
        key_hint="",
        created_at=BEGINNING,
    )


CALLER: Final = Caller(principal=principal(SOURCE, "source"), source=SOURCE)
OPERATOR: Final = principal("值守", "admin")


class Source:
    """Says what the plot has it say about one case, each thing until it is answered."""

    def __init__(self, world: World, no: int, calls: tuple[Call, ...]) -> None:
        self.world, self.calls, self.story = world, calls, Story(f"QX{world.plot.seed:08d}{no:02d}")
        self.chance = world.plot.chance("source", no)

    async def run(self) -> None:
        """Until everything was said and answered."""
        for no, call in enumerate(self.calls):
            await asyncio.sleep(call.after)
            if self.story.is_withdrawn:
                return
            said = self._said(call, f"{self.story.number}-{no}")
            if said is not None:
                accepted = await self._insisted(said)
                self.story.case_id = accepted.case_id
                self.story.said.append((said, accepted))
                self.world.note(f"{self.story.number}: {call.does} is answered, revision {accepted.revision}")

    def _said(self, call: Call, key: str) -> Said | None:
        """The call, and what the source holds for said once it is answered; None: it has nothing to say."""
        story = self.story
        ref = CaseRef(system=SOURCE, number=story.number)
        if call.does != "repeat":
            story.edition += 1
        match call.does:
            case "post":
                document = a_case(story.number, story.record)
                return lambda gate: post_case(gate, CALLER, document, _called(document, key))
            case "repeat":
                return story.said[0][0] if story.edition == 1 else None
            case "correct":
                story.record = story.edition
                patch: Any = {"title": title(story.record)}
                return lambda gate: patch_case(gate, CALLER, ref, patch, _called(patch, key))
            case "append":
                story.steps[call.step] = story.edition
                stages = [a_step(call.step, story.edition)]
                return lambda gate: append_stages(gate, CALLER, ref, stages, _called(stages, key))
            case "withdraw":
                story.is_withdrawn = True
                why = withdrawal_in({"reason": "申请人撤回"})
                return lambda gate: withdraw_case(gate, CALLER, ref, why, _called({"reason": 1}, key))

    async def _insisted(self, said: Said) -> Accepted:
        """Says it to one process after another until it is answered. A crash, a silence and a 503 are no answer."""
        while True:
            process = self.chance.choice(self.world.processes)
            try:
                answered = await asyncio.wait_for(_asked(process, said), PATIENCE)
                assert isinstance(answered, Accepted), "the case was posted before"
                return answered
            except (TimeoutError, StoreUnavailable):
                await asyncio.sleep(self.chance.uniform(0.1, 2))


async def _asked(process: Process, said: Said) -> Accepted | Waiting:
    if process.is_dead:
        await asyncio.sleep(0.1)
        raise StoreUnavailable("expected a process, got none")
    return await said(process.gate)


def _called(body: Any, key: str) -> Called:
    mac = KEYRING.mac("request", canonical_bytes(body))
    return Called(method="POST", path="/v1/cases", idempotency_key=key, if_match=None, request_mac=mac, by="tester")


@dataclass(frozen=True, slots=True)
class Paused:
    """A system was paused from then on, until somebody, whoever it was, resumed it."""

    system: str
    since: float
    until: float = float("inf")


class Operators:
    """Do what the plot says, and in the end what a good operator does until nothing is left."""

    def __init__(self, world: World, start: Callable[[str], Process], stories: Sequence[Story]) -> None:
        self.world, self._start, self.stories = world, start, stories
        self.pauses: list[Paused] = []
        self.deployed_at: dict[str, float] = {}
        self.cancelled: set[tuple[UUID, str]] = set()
        self.chance = world.plot.chance("operators")

    async def run(self, happening: Happening) -> None:
        """Lets one thing happen at its time."""
        await asyncio.sleep(happening.at)
        process = next((one for one in self.world.processes if one.place == happening.of), None)
        match happening.act:
            case "crash" if process is not None:
                process.steps_to_crash = happening.at_step
                await asyncio.sleep(happening.lasts)
                if process.is_dead and process in self.world.processes:
                    self._start(happening.of)
                else:
                    process.steps_to_crash = None
            case "freeze" if process is not None:
                process.steps_to_freeze = (happening.at_step, happening.lasts)
            case "lose_commit" if process is not None:
                process.steps_to_lose = happening.at_step
            case "jump" if process is not None:
                process.clock.ahead += timedelta(seconds=happening.lasts * (1 if happening.at_step % 2 else -1))
                self.world.note(f"the clock of {process.name} jumps to {process.clock.ahead.total_seconds():+g} s")
            case "outage":
                self.world.away[happening.of] = min(CALM_AFTER, self.world.now + happening.lasts)
                self.world.note(f"{happening.of} is away for {happening.lasts:g} s")
            case "no_store":
                self.world.store_away_until = min(CALM_AFTER, self.world.now + happening.lasts / 4)
                self.world.note(f"the store is away for {happening.lasts / 4:g} s")
            case "pause":
                await self._paused(happening)
            case "deploy":
                await self._deployed(happening.of)
            case "cancel" | "requeue":
                await self._meddled(happening)
            case _:
                pass

    async def _paused(self, happening: Happening) -> None:
        said = lambda gate: by_hand.pause(gate, OPERATOR, happening.of, reason="检修")  # noqa: E731
        await self._insisted(said)
        self.world.note(f"{happening.of} is paused")
        self.pauses.append(Paused(happening.of, self.world.now))
        await asyncio.sleep(happening.lasts)
        await self._resumed(happening.of)

    async def _resumed(self, system: str) -> None:
        since = self.world.now
        self.pauses = [
            replace(one, until=min(one.until, since)) if one.system == system else one for one in self.pauses
        ]
        await self._insisted(lambda gate: by_hand.resume(gate, OPERATOR, system, reason="恢复"))
        self.world.note(f"{system} is resumed")

    async def _deployed(self, system: str) -> None:
        new = bundle(system, 2)
        packed = {new.digest: pack(new.files)}
        self.deployed_at.setdefault(system, self.world.now)
        said = lambda gate: deploy(gate, [new], packed=packed, sources=gate.sources, by="tester")  # noqa: E731
        if await self._tried(said) is not None:
            self.world.note(f"another mapping of {system} is deployed")

    async def _meddled(self, happening: Happening) -> None:
        """Cancels or requeues something of a system, whatever state it is in."""
        found = [one for one in self._all() if one.system == happening.of]
        if not found:
            return
        chosen = self.chance.choice(found)
        act = by_hand.cancel if happening.act == "cancel" else by_hand.requeue
        said = lambda gate: act(gate, OPERATOR, chosen.delivery_id, reason="试一试")  # noqa: E731
        try:
            await self._tried(said)
        except (Conflict, IllegalMove):
            return
        # Who hears nothing does not know either: it may be cancelled all the same.
        if happening.act == "cancel":
            self.cancelled.add((chosen.case_id, chosen.system))
            self.world.note(f"a person cancels {chosen.message} of {chosen.system}")

    async def clean_up(self) -> bool:
        """One round of a good operator: what waits for a person is mended. Gives whether anything still moves."""
        self.world.is_calm = True
        moving = False
        for row in self.world.store.read(lambda tx: tx.systems()):
            if row.is_paused:
                moving = True
                await self._resumed(row.system)
        for delivery in self._all():
            match delivery.phase:
                case Phase.PENDING if (delivery.case_id, delivery.system) in self.cancelled:
                    pass
                case Phase.PENDING | Phase.IN_FLIGHT | Phase.AWAITING:
                    moving = True
                case Phase.UNCONFIRMED:
                    moving = True
                    await self._looked(delivery)
                case Phase.PARKED if delivery.reason in NOT_TAKEN:
                    moving = True
                    await self._mended_there(delivery)
                case Phase.PARKED:
                    moving = True
                    await self._requeued(delivery)
                case _:
                    pass
        asking = [self.world.store.read(lambda tx, one=name: tx.next_poll_at(one)) for name in self.world.systems]  # type: ignore[misc]
        return moving or any(asking)

    async def _requeued(self, delivery: Delivery) -> None:
        await self._settled(lambda gate: by_hand.requeue(gate, OPERATOR, delivery.delivery_id, reason="再推"))

    async def _mended_there(self, delivery: Delivery) -> None:
        """Has the system's people make of its record what the case says now, and confirms that it is so."""
        story = next(one for one in self.stories if one.case_id == delivery.case_id)
        slot = ids.slot_key(delivery.case_id, delivery.system, delivery.message, delivery.part)
        self.world.systems[delivery.system].mend(slot, None if story.is_withdrawn else story.said_of(delivery))
        self.world.note(f"{delivery.system}'s people mend {delivery.message} {delivery.part} by hand")
        said = lambda gate: by_hand.confirm(  # noqa: E731
            gate, OPERATOR, delivery.delivery_id, held=True, remote_ref=None, reason="对方已更正"
        )
        await self._settled(said)

    async def _looked(self, delivery: Delivery) -> None:
        """Says of what only a person can tell whether the system holds it, once nothing more can arrive."""
        system = self.world.systems[delivery.system]
        last = max((entry.sent_at for entry in system.log if entry.delivery == delivery.delivery_id), default=0.0)
        if delivery.due_at is not None or self.world.now - last < SURE_AFTER:
            return
        is_held = BY_NAME[delivery.system].knows == "hold" and any(
            entry.delivery == delivery.delivery_id and entry.effect in ("created", "changed") for entry in system.log
        )
        said = lambda gate: by_hand.confirm(  # noqa: E731
            gate, OPERATOR, delivery.delivery_id, held=is_held, remote_ref=None, reason="已核对"
        )
        await self._settled(said)

    def _all(self) -> list[Delivery]:
        return self.world.store.read(lambda tx: tx.oldest_deliveries(DeliveryFilter(), after=None, limit=1000))

    async def _settled(self, said: Callable[[Gate], Awaitable[Any]]) -> None:
        """Says it once; what has moved on meanwhile is looked at in the next round."""
        with suppress(Conflict, IllegalMove):
            await self._tried(said)

    async def _tried(self, said: Callable[[Gate], Awaitable[Any]]) -> Any:
        """What came of it; None where no process answered. What was answered may be None too, and is True then."""
        process = next((one for one in self.world.processes if not one.is_dead), None)
        if process is None:
            return None
        try:
            done = await asyncio.wait_for(said(process.gate), PATIENCE)
        except (TimeoutError, StoreUnavailable):
            return None
        return True if done is None else done

    async def _insisted(self, said: Callable[[Gate], Awaitable[Any]]) -> None:
        while await self._tried(said) is None:
            await asyncio.sleep(1)
