"""Replan by a person: what a system should hold under the active bundle, against what was made for it.

Only this compares under the active bundle (promise 13): a deploy queues nothing. It goes through the cases in short
transactions, each of which queues what its cases lack, so that it may stop anywhere and the same again goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Literal
from uuid import UUID

import structlog

from syncgate.domain.errors import Conflict, StoreUnavailable
from syncgate.domain.rows import AuditEntry, Case, Principal, Run
from syncgate.flows.delivering.defects import place_of
from syncgate.flows.gate import Gate
from syncgate.flows.operating.following import write_following
from syncgate.flows.operating.replan_case import Meant
from syncgate.flows.operating.replan_tally import SAMPLED, Done, Replanned, Tally, effects_against, sent_count
from syncgate.flows.operating.replan_wish import ReplanWish, Scanning, scanning
from syncgate.ports import Tx

log = structlog.get_logger("syncgate.replan")
JOB: Final = "replan"
PAGE: Final = 100
"""Cases that are compared in one reading."""
BATCH: Final = 10
"""Cases that one transaction queues for."""
WITHIN: Final = timedelta(seconds=20)
"""How long one call works; where there is more, it says where to go on."""
LEASE: Final = timedelta(seconds=60)


class ReplanUnderWay(Conflict):
    """Another replan of the same system is under way."""

    code = "replan_under_way"


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
    meant = await scanning(gate, principal, system, wish)
    work = _Replanning(gate, system, meant, cap, is_dry_run, gate.clock.now() + WITHIN)
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


@dataclass(frozen=True, slots=True)
class _Replanning:
    """One call at work."""

    gate: Gate
    system: str
    scanning: Scanning
    cap: int
    is_dry_run: bool
    until: datetime
    claimed_by: str = ""

    @property
    def meant(self) -> Meant:
        """The cases of the replan, one by one."""
        return Meant(self.gate, self.system, self.scanning)

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

    async def _compared(self, cases: Sequence[Case]) -> list[Done]:
        """What each case would come to; read beside the writing, and computed where nothing is kept."""
        found = await self.gate.writer.read(partial(self._rehearsed, cases))
        if found is None and self.gate.follow is not None:
            await self.gate.follow()
            found = await self.gate.writer.read(partial(self._rehearsed, cases))
        if found is None:
            raise StoreUnavailable("expected to replan under the active bundle, got a process that does not have it")
        return found

    def _rehearsed(self, cases: Sequence[Case], tx: Tx) -> list[Done] | None:
        row = tx.system(self.system)
        if row is None or self.gate.is_behind(row):
            return None
        left = SAMPLED
        found: list[Done] = []
        for case in cases:
            found.append(self.meant.compared(tx, case, shown=left, is_dry_run=self.is_dry_run))
            left = max(0, left - len(found[-1].effects))
        return found

    async def _take(self, tally: Tally, batch: Sequence[Done], after: UUID | None) -> _Stop | None:
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

    def _written(self, case_ids: Sequence[UUID], left: int, tx: Tx) -> list[Done]:
        """Queues what these cases lack, up to the first that would be sent beyond what is left."""
        run = tx.run(JOB, self.system, lock=True)
        if run is None or run.claimed_by != self.claimed_by:
            raise ReplanUnderWay("expected this replan to go on, got another one in its place")
        done: list[Done] = []
        for case_id in case_ids:
            one = tx.apart(partial(self._write, tx, case_id, left))
            if isinstance(one, _BeyondCap):
                break
            if isinstance(one, Exception):
                log.error("replan_broke", system=self.system, error=type(one).__name__, at=place_of(one))
                one = Done(case_id, is_failed=True)
            left -= sent_count(one.effects)
            done.append(one)
        return done

    def _write(self, tx: Tx, case_id: UUID, left: int) -> Done:
        before = {row.delivery_id: row for row in tx.deliveries(case_id, self.system)}
        case = tx.case(case_id, lock=True)
        assert case is not None
        effects = effects_against(before, self.meant.replanned(tx, case))
        if sent_count(effects) > left:
            raise _BeyondCap
        return Done(case_id, effects)


@dataclass(frozen=True, slots=True)
class _Stop:
    """A cap was reached. following: the last case that is done; None where there is none."""

    following: UUID | None


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
    tx.append_audit(
        AuditEntry(
            at=tx.now,
            actor=principal.name,
            action="replan",
            object=f"system:{work.system}",
            reason=reason,
            detail={**wish.document(), "cap": work.cap},
        )
    )


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
