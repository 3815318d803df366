"""Bulk requeue: what failed under one fault goes on once it is mended (promise 11): a few first, then the rest.

It is kept as a run and goes on in short transactions, each of which moves deliveries and the run together. So a
process that stops neither forgets nor doubles any, and whichever process looks next goes on with it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from uuid import UUID

import structlog

from syncgate.domain import ids
from syncgate.domain.delivery import Event, Phase
from syncgate.domain.errors import Conflict, NotFound
from syncgate.domain.rows import AuditEntry, Delivery, Principal
from syncgate.flows.gate import Gate
from syncgate.flows.operating.by_hand import REQUEUED_ANEW, moved_by_hand, require_live
from syncgate.flows.operating.failed import Failed, meant_of, survey
from syncgate.flows.operating.requeue import JOB, Requeue, State
from syncgate.flows.showing.scope import sees_system
from syncgate.ports import Tx

log = structlog.get_logger("syncgate.requeue")
BATCH: Final = 50
"""Deliveries that one transaction moves at most."""
_LISTED: Final = 200
_NOT_TAKEN: Final = frozenset({Phase.PARKED, Phase.CANCELLED})


async def begin(gate: Gate, principal: Principal, failed: Failed, *, cap: int, canary: int, reason: str) -> Requeue:
    """Begins a bulk requeue and goes on with it as far as it comes by itself: to its end, or to its canaries.

    The same again while one is under way is that one.

    Args:
        gate: the running gate.
        principal: who asks; only what is in scope is requeued.
        failed: what is meant; more than a system.
        cap: where more match, none is requeued.
        canary: so many first, and the rest only once these are delivered; 0: all at once.
        reason: kept in the history and the audit.
    """
    await gate.writer.read(lambda tx: require_live(tx, failed.system))
    found = await survey(gate, principal, failed)
    begun = Requeue(
        requeue_id=ids.uuid7(gate.clock.now(), gate.entropy.token(10)),
        state=State.BEGUN if canary else State.QUEUING,
        who=principal,
        reason=reason,
        filter=failed,
        cap=cap,
        canary=canary,
        matched=len(found.found),
        is_whole=found.is_whole,
        left_alone=found.left_alone,
        started_at=gate.clock.now(),
    )
    if begun.matched > cap:
        return replace(begun, requeue_id=None, state=State.CAP_EXCEEDED, ended_at=begun.started_at)
    kept = await gate.writer.write(lambda tx: _kept(tx, begun))
    return await go_on(gate, kept)


async def go_on(gate: Gate, requeue: Requeue) -> Requeue:
    """The requeue after all that can be done of it now."""
    assert requeue.requeue_id is not None
    requeue_id = str(requeue.requeue_id)
    while True:
        before, after = await gate.writer.write(lambda tx: _stepped(gate, tx, requeue_id))
        if after.queued > before.queued:
            gate.on_due([after.filter.system])
        if after.is_over or after == before:
            return after


async def go_on_with_all(gate: Gate) -> None:
    """Goes on with every bulk requeue that is not over; whichever process does it first."""
    for run in await gate.writer.read(lambda tx: tx.list_runs(JOB, limit=_LISTED, is_open=True)):
        after = await go_on(gate, Requeue.of(run))
        if after.is_over:
            log.info("requeue_ended", system=after.filter.system, state=after.state.value, count=after.queued)


async def read_requeue(gate: Gate, principal: Principal, requeue_id: UUID) -> Requeue:
    """One bulk requeue as it is now. Raises NotFound."""
    return await gate.writer.read(lambda tx: _find(tx, principal, requeue_id))


async def list_requeues(gate: Gate, principal: Principal) -> tuple[Requeue, ...]:
    """The newest bulk requeues in scope."""
    runs = await gate.writer.read(lambda tx: tx.list_runs(JOB, limit=_LISTED))
    return tuple(requeue for run in runs if _sees(principal, requeue := Requeue.of(run)))


async def stop(gate: Gate, principal: Principal, requeue_id: UUID, *, reason: str) -> Requeue:
    """The requeue, of which nothing more is queued. What is queued already goes. Raises NotFound, Conflict."""

    def step(tx: Tx) -> Requeue:
        requeue = _find(tx, principal, requeue_id, lock=True)
        if requeue.is_over:
            raise Conflict("expected a bulk requeue that is under way, got one that is over")
        tx.append_audit(_entry(tx, requeue, "requeue_stopped", by=principal.name, reason=reason))
        return _saved(tx, replace(requeue, state=State.STOPPED))

    return await gate.writer.write(step)


def canary_phases(tx: Tx, requeue: Requeue) -> dict[Phase, int]:
    """Where the canaries of a requeue stand."""
    counts = dict.fromkeys(Phase, 0)
    for delivery in _canaries(tx, requeue):
        counts[delivery.phase] += 1
    return {phase: count for phase, count in counts.items() if count}


def _kept(tx: Tx, begun: Requeue) -> Requeue:
    for run in tx.list_runs(JOB, limit=_LISTED, is_open=True):
        open_one = Requeue.of(run)
        if (open_one.filter, open_one.who.name) == (begun.filter, begun.who.name):
            return open_one
    requeue = replace(begun, started_at=tx.now)
    tx.insert_run(requeue.run())
    tx.append_audit(_entry(tx, requeue, "requeue_begun", by=requeue.who.name, reason=requeue.reason))
    return requeue


def _stepped(gate: Gate, tx: Tx, requeue_id: str) -> tuple[Requeue, Requeue]:
    """One step of a requeue: as it was, and as it is now."""
    run = tx.run(JOB, requeue_id, lock=True)
    if run is None:
        raise NotFound("expected a bulk requeue that is known here, got none of that id")
    before = Requeue.of(run)
    if before.is_over:
        return before, before
    after = _judged(tx, before) if before.state is State.CANARY else _queued(gate, tx, before)
    return before, _saved(tx, after) if after != before else after


def _judged(tx: Tx, requeue: Requeue) -> Requeue:
    """What the canaries show: one that was not taken ends it, and only when all are delivered the rest follows."""
    canaries = _canaries(tx, requeue)
    failed = tuple(delivery.delivery_id for delivery in canaries if delivery.phase in _NOT_TAKEN)
    if failed:
        return replace(requeue, state=State.CANARY_FAILED, failed=failed)
    is_well = all(delivery.phase is Phase.DELIVERED for delivery in canaries)
    return replace(requeue, state=State.QUEUING) if is_well else requeue


def _canaries(tx: Tx, requeue: Requeue) -> list[Delivery]:
    found = (tx.delivery(delivery_id) for delivery_id in requeue.canaries)
    return [delivery for delivery in found if delivery is not None]


def _queued(gate: Gate, tx: Tx, requeue: Requeue) -> Requeue:
    """The requeue after its next batch, or after all its canaries."""
    failed = requeue.filter.before(requeue.started_at)
    page, meant = meant_of(
        tx, principal=requeue.who, failed=failed, phases=(Phase.PARKED,), after=requeue.cursor, limit=BATCH
    )
    for delivery in meant:
        if requeue.queued >= requeue.cap:
            return replace(requeue, state=State.CAP_EXCEEDED)
        is_moved = _requeued(gate, tx, requeue, delivery)
        requeue = _counted(requeue, delivery, is_moved=is_moved)
        if requeue.state is State.BEGUN and len(requeue.canaries) == requeue.canary:
            return replace(requeue, state=State.CANARY)
    if len(page) == BATCH:
        return replace(requeue, cursor=page[-1].delivery_id)
    return replace(requeue, state=State.CANARY if requeue.state is State.BEGUN and requeue.canaries else State.DONE)


def _counted(requeue: Requeue, delivery: Delivery, *, is_moved: bool) -> Requeue:
    cursor = delivery.delivery_id
    if not is_moved:
        return replace(requeue, cursor=cursor, skipped=requeue.skipped + 1)
    more = (cursor,) if requeue.state is State.BEGUN else ()
    return replace(requeue, cursor=cursor, queued=requeue.queued + 1, canaries=requeue.canaries + more)


def _requeued(gate: Gate, tx: Tx, requeue: Requeue, found: Delivery) -> bool:
    """Whether it waits to be sent now; one that moved meanwhile, or that fails in our hands, is left as it is."""
    tx.lane(found.case_id, found.system, lock=True)
    now = tx.delivery(found.delivery_id)
    if now is None or now.phase is not Phase.PARKED or now.changed_at >= requeue.started_at:
        return False
    after = tx.apart(
        lambda: moved_by_hand(
            gate,
            tx,
            requeue.who.name,
            found.delivery_id,
            Event.REQUEUED,
            reason=requeue.reason,
            note={"requeue": str(requeue.requeue_id)},
            is_due=True,
            **REQUEUED_ANEW,
        )
    )
    if isinstance(after, Exception):
        log.warning("requeue_skipped", delivery_id=str(found.delivery_id), error=type(after).__name__)
        return False
    return after.phase is Phase.PENDING


def _saved(tx: Tx, requeue: Requeue) -> Requeue:
    if requeue.is_over:
        requeue = replace(requeue, ended_at=tx.now)
        tx.append_audit(_entry(tx, requeue, f"requeue_{requeue.state.value}", by="syncgate", reason=requeue.reason))
    tx.save_run(requeue.run())
    return requeue


def _find(tx: Tx, principal: Principal, requeue_id: UUID, *, lock: bool = False) -> Requeue:
    run = tx.run(JOB, str(requeue_id), lock=lock)
    requeue = None if run is None else Requeue.of(run)
    if requeue is None or not _sees(principal, requeue):
        raise NotFound("expected a bulk requeue that is known here, got none of that id")
    return requeue


def _sees(principal: Principal, requeue: Requeue) -> bool:
    """Whether a requeue is in scope; its counts may reach beyond sources and regions, so those see only their own."""
    is_narrow = bool(principal.sources or principal.regions)
    return sees_system(principal, requeue.filter.system) and (not is_narrow or requeue.who.name == principal.name)


def _entry(tx: Tx, requeue: Requeue, action: str, *, by: str, reason: str) -> AuditEntry:
    return AuditEntry(
        at=tx.now,
        actor=by,
        action=action,
        object=f"requeue:{requeue.requeue_id}",
        reason=reason,
        detail={"system": requeue.filter.system, "queued": requeue.queued, "matched": requeue.matched},
    )
