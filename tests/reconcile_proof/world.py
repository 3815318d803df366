"""A gate at work in this process, as fast as it can, under a clock that is moved on.

What is real: the intake, the plan, the claim, the mapping and its contract, the signature, the answer rules, the
settling, the store on SQLite with its seals, and the systems with their own rules and ledgers. What is short-cut: no
socket lies between the gate and the systems over HTTP, cases come without the HTTP of the intake, the dispatcher's
loops are one loop that takes what is due, and the clock is moved on where something waits.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from syncgate.bootstrap.bundles import inputs_mac
from syncgate.bootstrap.machine import SystemEntropy
from syncgate.config import SiteSecrets
from syncgate.domain.case import canonical_bytes
from syncgate.domain.delivery import Phase
from syncgate.domain.head import Task
from syncgate.domain.rows import Principal
from syncgate.flows.accepting.intake import Call, patch_case, post_case
from syncgate.flows.accepting.withdrawal import withdraw_case, withdrawal_in
from syncgate.flows.delivering.claim import claim
from syncgate.flows.delivering.confirm import confirm
from syncgate.flows.delivering.hand_over import HandOver
from syncgate.flows.delivering.polling import Batch, ask, end_batch
from syncgate.flows.delivering.send import send
from syncgate.flows.delivering.settle import settle
from syncgate.flows.delivering.settle_polls import settle_poll
from syncgate.flows.delivering.work import Work
from syncgate.flows.gate import Accepted, Caller, CaseRef, Gate
from syncgate.flows.operating.deploy import deploy, stored_bundles
from syncgate.ports import OnSystem, Transport, Tx
from syncgate.site.folder import recompiled
from syncgate.site.packing import pack, unpack
from syncgate.storage.migrations import migrate
from syncgate.storage.sealing import SiteKeyring, load_master
from syncgate.storage.store import SqlStore
from syncgate.storage.writer import GroupWriter
from tests.reconcile_proof.inside import Inside, systems_inside
from tests.reconcile_proof.place import SECRETS, SYSTEMS, ProofPlace

Json = Any
OWNER = "proof"
AT_ONCE = 250
SOON = timedelta(minutes=5)
"""How far ahead something may be due for the clock to be moved on to it."""


@dataclass
class SetClock:
    """A clock that goes on only where it is moved."""

    at: datetime

    def now(self) -> datetime:
        """The time it was moved to."""
        return self.at

    def seconds(self) -> float:
        """The same as the simulated systems want it."""
        return self.at.timestamp()

    def move(self, by: timedelta) -> None:
        """Let time pass."""
        self.at += by


@dataclass
class World:
    """The gate and the systems, in the hands of a proof."""

    place: ProofPlace
    gate: Gate
    store: SqlStore
    clock: SetClock
    inside: Inside
    secrets: SiteSecrets
    transports: dict[str, Transport] = field(default_factory=dict)

    # what sources do
    async def post(self, documents: Iterable[Json]) -> list[Accepted]:
        """Has the intake take cases, a group at a time."""
        accepted: list[Accepted] = []
        for group in _groups(documents, AT_ONCE):
            caller = caller_of("window")
            taking = (post_case(self.gate, caller, document, self._call(document)) for document in group)
            accepted += await asyncio.gather(*taking)
        return accepted

    async def correct(self, case_id: UUID, patch: Json) -> Accepted:
        """Has the intake take a correction."""
        return await patch_case(self.gate, caller_of("window"), CaseRef(case_id=case_id), patch, self._call(patch))

    async def withdraw(self, case_id: UUID) -> Accepted:
        """Has the intake take a withdrawal."""
        body = {"reason": "申请人不再办理"}
        ref = CaseRef(case_id=case_id)
        return await withdraw_case(self.gate, caller_of("window"), ref, withdrawal_in(body), self._call(body))

    def _call(self, body: Json) -> Call:
        mac = self.gate.keyring.mac("request", canonical_bytes(body))
        return Call(method="POST", path="/v1/cases", idempotency_key=None, if_match=None, request_mac=mac, by="window")

    # what workers do
    async def deliver(self, *systems: str) -> int:
        """Works off what is due at these systems, or all, moving the clock on to what is due soon. Gives how much."""
        count = 0
        while True:
            served = sum([await self.deliver_once(system) for system in systems or SYSTEMS])
            count += served
            if not served and not self._moved_on(systems or SYSTEMS):
                return count

    async def deliver_once(self, system: str, *, is_asking: bool = True) -> int:
        """Claims once at a system, and serves what that brought. Gives how much it was."""
        at_once = self.transport(self.gate.active[system]).polls_at_once if is_asking else None
        claimed = await self.gate.writer.write(
            OnSystem(
                system,
                lambda tx: claim(
                    self.gate, tx, system, owner=OWNER, limit=AT_ONCE, is_granting=False, polls_at_once=at_once
                ),
            )
        )
        await asyncio.gather(*(self._serve_lane(work) for work in claimed.works))
        if claimed.batch is not None:
            await self._ask(claimed.batch)
        self.clock.move(timedelta(milliseconds=20))
        return len(claimed.works) + (claimed.batch is not None)

    async def _serve_lane(self, work: Work) -> None:
        following: Work | None = work
        while following is not None:
            serving = confirm if following.task is Task.CONFIRM else send
            verdict = await serving(self.gate, following, self.transport)
            settled = await self.gate.writer.write(
                lambda tx, one=following, said=verdict: settle(self.gate, tx, one, said, owner=OWNER)  # type: ignore[misc]
            )
            following = settled.next_work

    async def _ask(self, batch: Batch) -> None:
        asked = await ask(self.gate, batch, self.transport)
        for question, answer, at in asked.answers:
            await self.gate.writer.write(
                lambda tx, q=question, a=answer, t=at: settle_poll(self.gate, tx, q, a, started_at=t)  # type: ignore[misc]
            )
        await self.gate.writer.write(
            OnSystem(batch.system, lambda tx: end_batch(self.gate, tx, batch, asked, owner=OWNER))
        )

    def _moved_on(self, systems: Sequence[str]) -> bool:
        """Moves the clock to what is due soon; False where nothing is. What is only watched is let be."""
        dues = [at for system in systems for at in self._dues(system) if at - self.clock.at < SOON]
        if not dues:
            return False
        self.clock.at = max(self.clock.at, min(dues))
        return True

    def _dues(self, system: str) -> list[datetime]:
        def step(tx: Tx) -> list[datetime | None]:
            is_awaiting = any(
                count for (one, phase, _), count in tx.counters().items() if one == system and phase is Phase.AWAITING
            )
            return [tx.next_due_at(system), tx.next_poll_at(system) if is_awaiting else None]

        return [at for at in self.store.read(step) if at is not None]

    def transport(self, digest: str) -> Transport:
        """The transport of a bundle."""
        if digest not in self.transports:
            self.transports[digest] = self.inside.transport(
                self.gate.bundles[digest], secrets=self.secrets, clock=self.clock, entropy=self.gate.entropy
            )
        return self.transports[digest]

    # what an integrator does
    async def activate(self) -> None:
        """Deploys the site's folder as it is now."""
        site = self.place.site.load(mac=inputs_mac(self.gate.keyring))
        bundles = list(site.bundles.values())
        packed = {bundle.digest: pack(bundle.files) for bundle in bundles}
        await deploy(self.gate, bundles, packed=packed, sources=frozenset(site.sources), by="proof")
        for digest, stored in self.store.read(lambda tx: stored_bundles(tx, known=self.gate.bundles)).items():
            mac = inputs_mac(self.gate.keyring)
            self.gate.bundles[digest] = recompiled(site, unpack(stored), mac=mac)


@contextlib.asynccontextmanager
async def world_in(place: ProofPlace, *, at: datetime | None = None) -> AsyncIterator[World]:
    """A world over the folder's stores, new or as they are, from a time on; None: from when it was left."""
    clock = SetClock(at or datetime.fromisoformat(place.time.read_text()))
    with _secrets_told(), systems_inside(place.systems, clock=clock.seconds) as inside:
        keyring = SiteKeyring(load_master(file=place.path / "master.key"))
        url = f"sqlite:///{place.store}"
        migrate(url)
        store = SqlStore(url, keyring=keyring, clock=clock, writer="proof")
        site = place.site.load(mac=inputs_mac(keyring))
        gate = Gate(
            writer=GroupWriter(store),
            keyring=keyring,
            clock=clock,
            entropy=SystemEntropy(),
            schema=site.schema,
            bundles={},
            active={},
            hand_over=HandOver(OWNER),
            sources=frozenset(site.sources),
            on_due=lambda systems: None,
        )
        world = World(place, gate, store, clock, inside, place.site.secrets(site))
        try:
            await world.activate()
            yield world
        finally:
            await gate.writer.aclose()
            for transport in world.transports.values():
                await transport.aclose()
            store.close()
            place.time.write_text(clock.at.isoformat())


@contextlib.contextmanager
def _secrets_told() -> Iterator[None]:
    import os

    before = {name: os.environ.get(name) for name in SECRETS}
    os.environ.update(SECRETS)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def caller_of(source: str) -> Caller:
    """Who posts for a source."""
    principal = Principal(
        principal_id=UUID(int=1),
        name=source,
        role="source",
        sources=(source,),
        key_hash=b"h" * 16,
        key_hint="",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return Caller(principal=principal, source=source)


def _groups(items: Iterable[Json], size: int) -> Iterator[list[Json]]:
    group: list[Json] = []
    for item in items:
        group.append(item)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group
