"""A gate over a real store whose systems are scripted: a test says what each answers, and moves the clock."""

from __future__ import annotations

import asyncio
import copy
import itertools
from collections import defaultdict, deque
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from syncgate.domain.case import canonical_bytes
from syncgate.domain.delivery import Phase
from syncgate.domain.head import Task
from syncgate.domain.outcome import Answer, Evidence, Found, Outcome, Reading
from syncgate.domain.rows import Delivery, Principal, SystemRow
from syncgate.flows.accepting.intake import Call, append_stages, patch_case, post_case, put_case
from syncgate.flows.accepting.merging import merge_case
from syncgate.flows.accepting.withdrawal import reopen_case, void_case, withdraw_case, withdrawal_in
from syncgate.flows.delivering.claim import Claimed, claim
from syncgate.flows.delivering.confirm import confirm
from syncgate.flows.delivering.hand_over import HandOver
from syncgate.flows.delivering.rescue import rescue
from syncgate.flows.delivering.send import send
from syncgate.flows.delivering.settle import Settled, settle
from syncgate.flows.delivering.work import Verdict, Work
from syncgate.flows.documents import open_document
from syncgate.flows.gate import Accepted, Caller, CaseRef, Gate
from syncgate.flows.operating.deploy import deploy
from syncgate.ports import Request, Step, Tx
from syncgate.site.bundle import Bundle
from syncgate.site.folder import Site, load_site
from syncgate.site.packing import pack
from syncgate.storage import SiteKeyring, SqlStore
from tests.support.rows import START, SetClock

T = TypeVar("T")
ROOT = Path(__file__).parents[3]
KEYRING = SiteKeyring(bytes(range(32)))
WORKER = "worker-1"


class CountingEntropy:
    """Bytes that differ at every draw and repeat from run to run."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def token(self, size: int) -> bytes:
        return next(self._numbers).to_bytes(size, "big")

    def draw(self) -> float:
        return 0.0


@dataclass
class DirectWriter:
    """Commits each step by itself, at once."""

    store: SqlStore

    async def write(self, step: Step[T]) -> T:
        (result,) = self.store.write([step])
        if isinstance(result, BaseException):
            raise result
        return result  # type: ignore[no-any-return]

    async def read(self, step: Step[T]) -> T:
        return self.store.read(step)

    async def aclose(self) -> None:
        pass

    @property
    def is_taking(self) -> bool:
        return True


def taken(remote_ref: str | None = None) -> Answer:
    return Answer(Outcome.TAKEN, Evidence("POST /", b"sent", b"taken", 200), rule="taken", remote_ref=remote_ref)


def answer(outcome: Outcome, **more: Any) -> Answer:
    """An answer of the system; by default its bytes left."""
    return Answer(outcome, Evidence("POST /", b"sent", b"{}", 200), rule=outcome.value, **more)


ABSENT = Reading(Found.ABSENT, Evidence("GET /", None, b"", 404))


@dataclass
class ScriptedSystem:
    """A system that answers as told, takes by default, and remembers what was sent and what it holds."""

    sends: list[Request] = field(default_factory=list)
    held: dict[str, Any] = field(default_factory=dict)
    """Payloads taken, by slot key."""
    script: deque[Answer] = field(default_factory=deque)
    readings: deque[Reading] = field(default_factory=deque)
    takes_silently: bool = False
    """Takes the next send although its answer says otherwise: a lost answer."""

    async def send(self, request: Request) -> Answer:
        self.sends.append(request)
        said = self.script.popleft() if self.script else taken(f"R{len(self.sends)}")
        if said.outcome is Outcome.TAKEN or self.takes_silently:
            self.held[request.keys["slot_key"]] = copy.deepcopy(request.payload)
            self.takes_silently = False
        return said

    async def look_up(self, request: Request, *, record_at: str, absent: Mapping[str, Any]) -> Reading:
        if self.readings:
            return self.readings.popleft()
        key = request.keys["slot_key"]
        if key not in self.held:
            return ABSENT
        return Reading(Found.RECORD, Evidence("GET /", None, b"{}", 200), record=self.held[key])

    async def aclose(self) -> None:
        pass


@cache
def example_site() -> Site:
    """The repository's own site, loaded once."""
    return load_site(ROOT, mac=lambda content: KEYRING.mac("inputs", content))


@dataclass
class Worksite:
    """One gate with its scripted systems."""

    store: SqlStore
    clock: SetClock
    gate: Gate
    systems: dict[str, ScriptedSystem] = field(default_factory=lambda: defaultdict(ScriptedSystem))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(work)

    def write(self, step: Step[T]) -> T:
        return self.run(self.gate.writer.write(step))

    # the intake
    def post(self, document: Any, *, source: str = "window", key: str | None = None) -> Accepted:
        return self.run(post_case(self.gate, caller(source), document, call(document, key=key)))

    def put(self, case_id: UUID, document: Any, **call_as: Any) -> Accepted:
        ref = CaseRef(case_id=case_id)
        return self.run(put_case(self.gate, caller("window"), ref, document, call(document, **call_as)))

    def patch(self, case_id: UUID, patch: Any, *, source: str = "window", **call_as: Any) -> Accepted:
        ref = CaseRef(case_id=case_id)
        return self.run(patch_case(self.gate, caller(source), ref, patch, call(patch, **call_as)))

    def append(self, case_id: UUID, *stages: Any) -> Accepted:
        ref = CaseRef(case_id=case_id)
        return self.run(append_stages(self.gate, caller("window"), ref, list(stages), call(stages)))

    def withdraw(
        self, case_id: UUID, reason: str = "申请人不再办理", *, as_: Caller | None = None, **how: Any
    ) -> Accepted:
        return self._ended(withdraw_case, case_id, reason, as_=as_, **how)

    def void(self, case_id: UUID, reason: str = "录入有误", *, as_: Caller | None = None, **how: Any) -> Accepted:
        return self._ended(void_case, case_id, reason, as_=as_, **how)

    def reopen(self, case_id: UUID, reason: str = "继续办理", *, as_: Caller | None = None, **how: Any) -> Accepted:
        return self._ended(reopen_case, case_id, reason, as_=as_, **how)

    def merge(
        self, case_id: UUID, into: UUID, reason: str = "同一诉求", *, as_: Caller | None = None, **how: Any
    ) -> Accepted:
        body = {"into": str(into), "reason": reason}
        work = merge_case(
            self.gate,
            as_ or caller("window"),
            CaseRef(case_id=case_id),
            CaseRef(case_id=into),
            withdrawal_in({"reason": reason}),
            call(body, **how),
        )
        return self.run(work)

    def _ended(self, act: Any, case_id: UUID, reason: str, *, as_: Caller | None, **how: Any) -> Accepted:
        body = {"reason": reason, **how.pop("body", {})}
        ref = CaseRef(case_id=case_id)
        done: Accepted = self.run(act(self.gate, as_ or caller("window"), ref, withdrawal_in(body), call(body, **how)))
        return done

    def document(self, case_id: UUID) -> Any:
        """The case as it is stored now."""

        def step(tx: Tx) -> Any:
            case = tx.case(case_id)
            assert case is not None
            return open_document(self.gate, tx, case)

        return self.store.read(step)

    # the dispatch, step by step
    def claim(self, system: str, *, limit: int = 10, owner: str = WORKER) -> Claimed:
        return self.write(lambda tx: claim(self.gate, tx, system, owner=owner, limit=limit))

    def grant(self, system: str, *, limit: int = 4) -> Claimed:
        """Claims, and notes what is left over as the dispatcher does."""
        claimed = self.claim(system, limit=limit)
        assert claimed.granted_until is not None
        self.gate.hand_over.refill(system, claimed.granted, claimed.granted_until)
        return claimed

    def claim_one(self, system: str) -> Work:
        (work,) = self.claim(system, limit=1).works
        return work

    def serve(self, work: Work) -> Verdict:
        serving = confirm if work.task is Task.CONFIRM else send
        return self.run(serving(self.gate, work, lambda digest: self.system_of(digest)))

    def settle(self, work: Work, verdict: Verdict, *, keep: bool = True) -> Settled:
        return self.write(lambda tx: settle(self.gate, tx, work, verdict, owner=WORKER, keep=keep))

    def rescue(self) -> frozenset[str]:
        return self.write(lambda tx: rescue(self.gate, tx, limit=100))

    def step(self, system: str) -> int:
        """Claims, serves and settles what is due now, each lane until it has nothing. Gives how many sends."""
        before = len(self.systems[system].sends)
        for work in self.claim(system).works:
            following: Work | None = work
            while following is not None:
                following = self.settle(following, self.serve(following)).next_work
        return len(self.systems[system].sends) - before

    def run_dry(self, system: str, *, rounds: int = 60) -> None:
        """Steps until nothing is due within a minute, moving the clock to the next due time."""
        for _ in range(rounds):
            self.step(system)
            due_at = self.store.read(lambda tx: tx.next_due_at(system))
            if due_at is None or due_at - self.clock.at > timedelta(minutes=1):
                return
            self.clock.at = max(self.clock.at, due_at)

    # what is there
    def system_of(self, digest: str) -> ScriptedSystem:
        return self.systems[self.gate.bundles[digest].system]

    def deliveries(self, case_id: UUID, system: str) -> list[Delivery]:
        return self.store.read(lambda tx: tx.deliveries(case_id, system))

    def phases(self, case_id: UUID, system: str) -> list[tuple[str, str]]:
        return [(d.message, d.phase.value) for d in self.deliveries(case_id, system)]

    def only(self, case_id: UUID, system: str, message: str) -> Delivery:
        """The one delivery of this message that is not cancelled."""
        (delivery,) = [
            d for d in self.deliveries(case_id, system) if d.message == message and d.phase is not Phase.CANCELLED
        ]
        return delivery

    def row(self, system: str) -> SystemRow:
        row = self.store.read(lambda tx: tx.system(system))
        assert row is not None
        return row

    def attempts(self, delivery: Delivery) -> list[str]:
        return [a.outcome for a in self.store.read(lambda tx: tx.attempts(delivery.delivery_id))]

    def counted(self) -> int:
        return sum(self.store.read(lambda tx: tx.counters()).values())


def worksite(store: SqlStore, clock: SetClock, bundles: Iterable[Bundle] | None = None) -> Worksite:
    """A gate over this store with the example site's bundles, deployed."""
    site = example_site()
    gate = Gate(
        writer=DirectWriter(store),
        keyring=KEYRING,
        clock=clock,
        entropy=CountingEntropy(),
        schema=site.schema,
        bundles={},
        active={},
        hand_over=HandOver(WORKER),
        sources=frozenset({"window", "hall", "food"}),
        on_due=lambda systems: None,
    )
    chosen = list(site.bundles.values() if bundles is None else bundles)
    made = Worksite(store, clock, gate)
    made.run(activate(gate, chosen))
    return made


async def activate(gate: Gate, bundles: Iterable[Bundle]) -> None:
    """Deploys bundles."""
    chosen = list(bundles)
    packed = {bundle.digest: pack(bundle.files) for bundle in chosen}
    await deploy(gate, chosen, packed=packed, sources=gate.sources, by="tester")


def caller(source: str) -> Caller:
    principal = Principal(
        principal_id=UUID(int=1),
        name=source,
        role="source",
        sources=(source,),
        key_hash=b"h" * 16,
        key_hint="",
        created_at=START,
    )
    return Caller(principal=principal, source=source)


def call(body: Any, *, key: str | None = None, if_match: int | None = None) -> Call:
    mac = KEYRING.mac("request", canonical_bytes(body))
    return Call(method="POST", path="/v1/cases", idempotency_key=key, if_match=if_match, request_mac=mac, by="tester")
