"""Replan by a person: what a system should hold under the active bundle, against what was made for it.

Only this compares under the active bundle (promise 13): a deploy queues nothing. It goes through the cases in short
transactions, each of which queues what its cases lack, so that it may stop anywhere and the same again goes on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, Literal
from uuid import UUID

import structlog

from syncgate.domain.delivery import Phase
from syncgate.domain.errors import Conflict, FieldError, NotFound, RequestError, StoreUnavailable
from syncgate.domain.rows import AuditEntry, Case, Change, Delivery, Lane, Principal, Run
from syncgate.flows.accepting.check import rehearse
from syncgate.flows.accepting.rehearsal import Rehearsal
from syncgate.flows.delivering.defects import place_of
from syncgate.flows.documents import open_document
from syncgate.flows.gate import CaseRef, Gate
from syncgate.flows.lane import open_lane
from syncgate.flows.operating.failed import unknown_source
from syncgate.flows.operating.following import write_following
from syncgate.flows.replan import CaseNow, replan_lane
from syncgate.flows.showing.scope import find_case, narrowed, narrowed_prefixes, sees_case, sees_system
from syncgate.ports import CaseFilter, Tx

log = structlog.get_logger("syncgate.replan")
JOB: Final = "replan"
PAGE: Final = 100
"""Cases that are compared in one reading."""
BATCH: Final = 10
"""Cases that one transaction queues for."""
WITHIN: Final = timedelta(seconds=20)
"""How long one call works; where there is more, it says where to go on."""
LEASE: Final = timedelta(seconds=60)
SAMPLED: Final = 20
BOUNDS: Final = "item, message, source, case, region or since"
"""What bounds a replan."""
Effect = Literal["queued", "refreshed", "cancelled", "retracted"]
_SENT: Final[frozenset[Effect]] = frozenset({"queued", "refreshed", "retracted"})
"""What a cap counts: what will be sent."""


class InvalidReplan(RequestError):
    """A replan was asked for that is bounded by nothing, or by something unknown."""

    code = "invalid_request"
    status = 422


class ReplanUnderWay(Conflict):
    """Another replan of the same system is under way."""

    code = "replan_under_way"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplanWish:
    """What to compare. None: no condition; at least one of all but `until` is given.

    Attributes:
        item: of the case. source: the one that posted it first. region: how its region code begins.
        message: only its slots. case: only this one.
        since, until: when the case came; from inclusive, until exclusive.
    """

    item: str | None = None
    message: str | None = None
    source: str | None = None
    region: str | None = None
    case: CaseRef | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_bounded(self) -> bool:
        """Whether it says less than everything."""
        return replace(self, until=None) != ReplanWish()


@dataclass(frozen=True, slots=True)
class Sample:
    """One slot that differs, and what follows."""

    case_id: UUID
    message: str
    part: str
    effect: Effect


@dataclass(slots=True)
class Tally:
    """What a replan found so far, or did.

    Attributes:
        cases: looked at. differing: of these, with something to do.
        effects: how many deliveries, by (message, effect). parks: of those to be sent, by message and reason, how
            many would be parked at once; counted by a dry run only.
        failed: cases that could not be compared.
    """

    cases: int = 0
    differing: int = 0
    effects: Counter[tuple[str, Effect]] = field(default_factory=Counter)
    parks: Counter[tuple[str, str]] = field(default_factory=Counter)
    failed: list[UUID] = field(default_factory=list)
    sample: list[Sample] = field(default_factory=list)

    @property
    def sent(self) -> int:
        """How many deliveries will be sent."""
        return sum(count for (_, effect), count in self.effects.items() if effect in _SENT)

    def note(self, done: _Done) -> None:
        """Adds what became of one case."""
        if done.is_failed:
            self.failed.append(done.case_id)
        self.differing += bool(done.effects)
        for sample in done.effects:
            self.effects[sample.message, sample.effect] += 1
        self.parks.update(done.parks)
        self.sample += done.effects[: max(0, SAMPLED - len(self.sample))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replanned:
    """What a replan came to.

    stopped: `cap_exceeded` where more would be sent than the cap allows; `time_up` where there is more to look at;
    None at the end. following: the case after which to go on; None at the end.
    """

    system: str
    is_dry_run: bool
    cap: int
    tally: Tally
    stopped: Literal["cap_exceeded", "time_up"] | None
    following: UUID | None


@dataclass(frozen=True, slots=True)
class _Done:
    """What became of one case."""

    case_id: UUID
    effects: tuple[Sample, ...] = ()
    parks: tuple[tuple[str, str], ...] = ()
    is_failed: bool = False


class _BeyondCap(Exception):
    """The case would queue more than may still be queued."""


async def replan_system(
    gate: Gate,
    principal: Principal,
    system: str,
    wish: ReplanWish,
    *,
    cap: int,
    reason: str,
    is_dry_run: bool = False,
    after: UUID | None = None,
) -> Replanned:
    """Brings what waits for a system to what it should hold under the active bundle, for the cases that are meant.

    Args:
        gate: the running gate.
        principal: who asks; only what is in scope is compared.
        system: one that is sent to.
        wish: which cases and messages.
        cap: before a case that would be sent beyond it, nothing more is queued.
        reason: kept in the audit.
        is_dry_run: only count; nothing is stored.
        after: where an earlier call stopped.

    Raises:
        NotFound: no such system, or case, in scope.
        InvalidReplan: the wish is bounded by nothing, or names a message that the system does not take.
        Conflict: the system is a draft or retired. ReplanUnderWay: another one is under way.
    """
    scanning = await _scanning(gate, principal, system, wish)
    work = _Replanning(gate, system, scanning, cap, is_dry_run, gate.clock.now() + WITHIN)
    if is_dry_run:
        return await work.run(after)
    claimed_by = f"{gate.hand_over.owner}:{gate.entropy.token(8).hex()}"
    asked = replace(work, claimed_by=claimed_by)
    await write_following(gate, partial(_claim, asked, principal, wish, reason))
    outcome = "failed"
    try:
        done = await asked.run(after)
        outcome = done.stopped or "done"
        await gate.writer.write(lambda tx: tx.append_audit(_ended(tx, principal, done)))
        return done
    finally:
        await gate.writer.write(lambda tx: tx.end_run(JOB, system, by=claimed_by, outcome=outcome))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scanning:
    """Which cases to go through. case_id: only this one."""

    principal: Principal
    where: CaseFilter
    only: frozenset[str] | None
    case_id: UUID | None


async def _scanning(gate: Gate, principal: Principal, system: str, wish: ReplanWish) -> _Scanning:
    if system not in gate.active or not sees_system(principal, system):
        raise NotFound("expected a system of this site, got none of that name")
    bundle = gate.active_bundle(system)
    errors = [] if wish.is_bounded else [FieldError("/filter", "unbounded", BOUNDS)]
    known = [message.name for message in bundle.messages]
    if wish.message is not None and wish.message not in known:
        errors.append(FieldError("/filter/message", "enum", ", ".join(known)))
    errors += await unknown_source(gate, wish.source)
    if errors:
        raise InvalidReplan("expected a replan that is bounded by what this site knows, got another", errors=errors)
    if bundle.mode in ("draft", "retired"):
        raise Conflict("expected a system that takes cases, got one that is {mode}", mode=bundle.mode)
    case_id: UUID | None = None
    if wish.case is not None:
        ref = wish.case
        case_id = await gate.writer.read(lambda tx: find_case(tx, principal, ref).case_id)
    where = CaseFilter(
        origins=narrowed(None if wish.source is None else (wish.source,), principal.sources),
        regions=narrowed_prefixes(None if wish.region is None else (wish.region,), principal.regions),
        items=None if wish.item is None else (wish.item,),
        created_from=wish.since,
        created_until=wish.until,
    )
    only = None if wish.message is None else frozenset({wish.message})
    return _Scanning(principal=principal, where=where, only=only, case_id=case_id)


@dataclass(frozen=True, slots=True)
class _Replanning:
    """One call at work."""

    gate: Gate
    system: str
    scanning: _Scanning
    cap: int
    is_dry_run: bool
    until: datetime
    claimed_by: str = ""

    async def run(self, after: UUID | None) -> Replanned:
        tally = Tally()
        while True:
            cases = await self.gate.writer.read(partial(self._page, after))
            seen = await self._compared(cases)
            for start in range(0, len(seen), BATCH):
                batch = seen[start : start + BATCH]
                stopped_at = await self._take(tally, batch, after)
                if stopped_at is not None:
                    return self._over(tally, "cap_exceeded", stopped_at.following)
                after = batch[-1].case_id
            if len(cases) < PAGE or self.scanning.case_id is not None:
                return self._over(tally, None, None)
            after = cases[-1].case_id
            if self.gate.clock.now() >= self.until:
                return self._over(tally, "time_up", after)

    def _over(
        self, tally: Tally, stopped: Literal["cap_exceeded", "time_up"] | None, following: UUID | None
    ) -> Replanned:
        return Replanned(
            system=self.system,
            is_dry_run=self.is_dry_run,
            cap=self.cap,
            tally=tally,
            stopped=stopped,
            following=following,
        )

    def _page(self, after: UUID | None, tx: Tx) -> list[Case]:
        if self.scanning.case_id is not None:
            case = tx.case(self.scanning.case_id)
            return [] if case is None else [case]
        return tx.oldest_cases(self.scanning.where, after=after, limit=PAGE)

    async def _compared(self, cases: Sequence[Case]) -> list[_Done]:
        """What each case would come to; read beside the writing, and computed where nothing is kept."""
        found = await self.gate.writer.read(partial(self._rehearsed, cases))
        if found is None and self.gate.follow is not None:
            await self.gate.follow()
            found = await self.gate.writer.read(partial(self._rehearsed, cases))
        if found is None:
            raise StoreUnavailable("expected to replan under the active bundle, got a process that does not have it")
        return found

    def _rehearsed(self, cases: Sequence[Case], tx: Tx) -> list[_Done] | None:
        row = tx.system(self.system)
        if row is None or self.gate.is_behind(row):
            return None
        return [self._rehearse(tx, case) for case in cases]

    def _rehearse(self, tx: Tx, case: Case) -> _Done:
        rehearsal = Rehearsal(tx)
        try:
            written = self._replanned(rehearsal.tx, case)
            sent = [row for row in written if row.phase is Phase.PENDING] if self.is_dry_run else []
            expected = [rehearse(self.gate, rehearsal.tx, row) for row in sent]
        except Exception as error:
            log.error("replan_broke", system=self.system, error=type(error).__name__, at=place_of(error))
            return _Done(case.case_id, is_failed=True)
        parks = tuple((one.message, one.reason) for one in expected if one.phase is Phase.PARKED)
        return _Done(case.case_id, _effects(tx, written), parks)

    async def _take(self, tally: Tally, batch: Sequence[_Done], after: UUID | None) -> _Stop | None:
        """Notes a batch, and queues what it lacks unless this is a dry run; where to go on after a cap, else None."""
        differing = [done.case_id for done in batch if done.effects]
        if self.is_dry_run or not differing:
            for done in batch:
                tally.cases += 1
                tally.note(done)
            return None
        step = partial(self._written, differing, self.cap - tally.sent)
        by_case = {done.case_id: done for done in await write_following(self.gate, step)}
        self.gate.on_due([self.system])
        for done in batch:
            if done.effects and done.case_id not in by_case:
                return _Stop(after)
            tally.cases += 1
            tally.note(by_case.get(done.case_id, done))
            after = done.case_id
        return None

    def _written(self, case_ids: Sequence[UUID], left: int, tx: Tx) -> list[_Done]:
        """Queues what these cases lack, up to the first that would be sent beyond what is left."""
        run = tx.run(JOB, self.system, lock=True)
        if run is None or run.claimed_by != self.claimed_by:
            raise ReplanUnderWay("expected this replan to go on, got another one in its place")
        done: list[_Done] = []
        for case_id in case_ids:
            one = tx.apart(partial(self._write, tx, case_id, left))
            if isinstance(one, _BeyondCap):
                break
            if isinstance(one, Exception):
                log.error("replan_broke", system=self.system, error=type(one).__name__, at=place_of(one))
                one = _Done(case_id, is_failed=True)
            left -= _sent(one.effects)
            done.append(one)
        return done

    def _write(self, tx: Tx, case_id: UUID, left: int) -> _Done:
        before = {row.delivery_id: row for row in tx.deliveries(case_id, self.system)}
        case = tx.case(case_id, lock=True)
        assert case is not None
        effects = _effects_against(before, self._replanned(tx, case))
        if _sent(effects) > left:
            raise _BeyondCap
        return _Done(case_id, effects)

    def _replanned(self, tx: Tx, case: Case) -> list[Delivery]:
        """The rows that the case's lane at the system needs written; none where the case began there."""
        bundle = self.gate.active_bundle(self.system)
        if case.origin == self.system or not case.wrapped_key or not self._is_in_scope(tx, case):
            return []
        document = open_document(self.gate, tx, case)
        lane = tx.lane(case.case_id, self.system, lock=True)
        if lane is None:
            if not bundle.applies(document):
                return []
            lane = Lane(case_id=case.case_id, system=self.system)
            tx.insert_lanes([lane])
        work = open_lane(tx, lane, bundle.messages)
        now = CaseNow(
            case_id=case.case_id,
            revision=case.revision,
            document=document,
            before=document,
            by_person=True,
            only=self.scanning.only,
        )
        written = replan_lane(self.gate, work, now, bundle)
        if written:
            work.save(expected_token=lane.lease_token)
        return written

    def _is_in_scope(self, tx: Tx, case: Case) -> bool:
        return sees_case(self.scanning.principal, case, tx.lanes(case.case_id))


@dataclass(frozen=True, slots=True)
class _Stop:
    """A cap was reached. following: the last case that is done; None where there is none."""

    following: UUID | None


def _effects(tx: Tx, written: Sequence[Delivery]) -> tuple[Sample, ...]:
    before = {row.delivery_id: row for row in written if tx.delivery(row.delivery_id) is not None}
    return _effects_against(before, written)


def _effects_against(before: dict[UUID, Delivery], written: Sequence[Delivery]) -> tuple[Sample, ...]:
    return tuple(
        Sample(row.case_id, row.message, row.part, _effect(row, is_new=row.delivery_id not in before))
        for row in written
    )


def _effect(row: Delivery, *, is_new: bool) -> Effect:
    if row.phase is Phase.CANCELLED:
        return "cancelled"
    if row.change is Change.RETRACT:
        return "retracted"
    return "queued" if is_new else "refreshed"


def _sent(effects: Sequence[Sample]) -> int:
    return sum(1 for sample in effects if sample.effect in _SENT)


def _claim(work: _Replanning, principal: Principal, wish: ReplanWish, reason: str, tx: Tx) -> None:
    """Takes the system's turn. Raises ReplanUnderWay while another one has it."""
    run = Run(
        job=JOB,
        slot=work.system,
        claimed_by=work.claimed_by,
        claimed_at=tx.now,
        lease_until=tx.now + LEASE,
        detail={"by": principal.name},
    )
    last = tx.run(JOB, work.system, lock=True)
    if last is None:
        tx.insert_run(run)
    elif last.ended_at is None and last.lease_until is not None and tx.now < last.lease_until:
        raise ReplanUnderWay(
            "expected no other replan of this system, got one since {at}", at=last.claimed_at.isoformat()
        )
    else:
        tx.save_run(run)
    told = {name: _flat(value) for name, value in asdict(wish).items() if value is not None}
    tx.append_audit(
        AuditEntry(
            at=tx.now,
            actor=principal.name,
            action="replan",
            object=f"system:{work.system}",
            reason=reason,
            detail={**told, "cap": work.cap},
        )
    )


def _flat(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return ":".join(str(part) for part in value.values() if part is not None)
    return str(value)


def _ended(tx: Tx, principal: Principal, done: Replanned) -> AuditEntry:
    counts = dict.fromkeys(("queued", "refreshed", "cancelled", "retracted"), 0)
    for (_, effect), count in done.tally.effects.items():
        counts[effect] += count
    return AuditEntry(
        at=tx.now,
        actor=principal.name,
        action="replan_ended",
        object=f"system:{done.system}",
        detail={"cases": done.tally.cases, **counts, "stopped": done.stopped},
    )
