"""Claim: a batch of due lanes of one system is leased, each with its head, under one lock on the system's row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from syncgate.domain.head import Task
from syncgate.domain.priority import first_of
from syncgate.domain.row import replace
from syncgate.domain.rows import (
    BreakerState,
    Case,
    Grant,
    Lane,
    Submission,
    SystemRow,
)
from syncgate.flows.delivering.admitting import admit, closure_of, grant, may_be_sent_to, refilled, spent
from syncgate.flows.delivering.hand_over import GRANTED_FOR
from syncgate.flows.delivering.polling import LATE, Batch, claim_polls, is_asking
from syncgate.flows.delivering.serving import Known, serve_head
from syncgate.flows.delivering.set_aside import set_aside_due
from syncgate.flows.delivering.work import Work
from syncgate.flows.gate import Gate
from syncgate.flows.lane import LaneWork, holds_on
from syncgate.ports import Tx
from syncgate.site.bundle import Bundle

PROBED_AMONG: Final = 5
"""So many of the oldest lanes are tried in turn while the breaker is open."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a claim brought, and when to look again.

    at: the store's time of the claim, by which the times below are meant.
    next_due_at: when the next unleased lane is due; None while there is none.
    granted: sends left over, which this process may start for lanes that fall due until `granted_until`.
    is_held_back: due lanes are left because pause, breaker, rate or concurrency admitted no more.
    batch: what the system is asked; next_poll_at: when it is asked next, None where nothing is.
    is_behind: nothing was claimed, because the store names another bundle active than this process has.
    is_stopped: nothing is until somebody resumes or deploys, or the system opens again.
    """

    at: datetime
    works: tuple[Work, ...] = ()
    next_due_at: datetime | None = None
    is_held_back: bool = True
    granted: int = 0
    granted_until: datetime | None = None
    batch: Batch | None = None
    next_poll_at: datetime | None = None
    is_behind: bool = False
    is_stopped: bool = False


def claim(
    gate: Gate,
    tx: Tx,
    system: str,
    *,
    owner: str,
    limit: int,
    is_granting: bool = True,
    is_careful: bool = False,
    polls_at_once: int | None = None,
    is_polls_turn: bool = False,
) -> Claimed:
    """Leases up to `limit` due lanes of a system, as far as pause, breaker, rate and concurrency admit.

    is_granting: whether what is left over becomes this process's grant; a quiet gate writes none.
    is_careful: each lane by itself, and one that fails is set aside; for the claim after one that failed.
    polls_at_once: how many sendings one question may be about; None: none is asked now.
    is_polls_turn: whether questions that are late come before sends, so that neither starves the other.
    """
    row = tx.system(system, lock=True)
    unused = gate.hand_over.drain(system)
    if row is not None and gate.is_behind(row):
        return Claimed(tx.now, is_behind=True)
    bundle = gate.active_bundle(system)
    if row is None or not may_be_sent_to(row, bundle):
        return Claimed(tx.now, is_stopped=True)
    closure = closure_of(row, bundle, tx.now)
    if closure is not None:
        return Claimed(tx.now, next_due_at=closure.until, is_stopped=True)
    row = refilled(row, bundle.limits, now=tx.now, unused=unused)
    admitted = admit(tx, row, bundle.limits, limit, owner=owner)
    next_poll_at = tx.next_poll_at(system) if polls_at_once is not None and is_asking(gate, system) else None
    is_poll_due = next_poll_at is not None and next_poll_at <= tx.now
    kept = int(is_polls_turn and next_poll_at is not None and next_poll_at + LATE <= tx.now)
    lanes = _due(tx, row, bundle, admitted - kept)
    works = _leased(gate, tx, bundle, lanes, owner=owner, is_careful=is_careful)
    next_due_at = tx.next_due_at(system)
    batch, cost = None, 0
    if is_poll_due and polls_at_once is not None and admitted > len(works):
        batch = claim_polls(gate, tx, row, bundle, owner=owner, at_once=polls_at_once)
        next_poll_at = tx.next_poll_at(system)
        cost = 0 if batch is None else batch.requests_count(polls_at_once)
    left = admitted - len(works) - (batch is not None)
    granted = grant(row, left, next_due_at, now=tx.now) if is_granting else 0
    if granted or unused:
        tx.save_grant(Grant(system=system, process=owner, sends_count=granted, until=tx.now + GRANTED_FOR))
    if works or granted or unused or batch:
        tx.save_system(spent(row, bundle, len(works) + granted + cost, now=tx.now))
    until = min(tx.now + GRANTED_FOR, next_due_at or tx.now + GRANTED_FOR)
    is_shut = row.breaker is BreakerState.OPEN and not admitted
    is_due = next_due_at is not None and next_due_at <= tx.now
    return Claimed(
        tx.now,
        tuple(works),
        row.breaker_until if is_shut else next_due_at,
        is_due and admitted < limit and not is_shut,
        granted,
        until,
        batch=batch,
        next_poll_at=next_poll_at,
    )


def _due(tx: Tx, row: SystemRow, bundle: Bundle, count: int) -> list[Lane]:
    """The next lanes. Probes take turns among the first few: one that fails by itself must not keep it shut for all."""
    if count <= 0 or row.breaker is BreakerState.CLOSED:
        return _first(tx, bundle, count) if count > 0 else []
    first = _first(tx, bundle, PROBED_AMONG)
    turn = row.failures_count % len(first) if first else 0
    return [*first[turn:], *first[:turn]][:count]


def _first(tx: Tx, bundle: Bundle, count: int) -> list[Lane]:
    """The lanes whose turn it is."""
    by_age = tx.due_lanes(bundle.system, limit=count)
    if bundle.promised_within is None:
        return by_age
    return first_of(tx.ranked_lanes(bundle.system, limit=count), by_age, limit=count)


def take_over(
    gate: Gate, work: LaneWork, bundle: Bundle, *, written: tuple[Case, Submission] | None = None
) -> Work | None:
    """The lane's head, leased from this process's grant; None where there is no grant or nothing due.

    written: the case and its newest submission, where the caller has just written them.
    """
    head = work.heads().head
    if work.lane.lease_token is not None or head is None or head.task is not Task.SEND:
        return None
    row = work.tx.system(work.lane.system)
    if row is None or row.breaker is BreakerState.OPEN or not may_be_sent_to(row, bundle):
        return None
    if closure_of(row, bundle, work.tx.now) is not None:
        return None
    if not gate.hand_over.take(work.lane.system, now=work.tx.now):
        return None
    return serve_head(gate, work, bundle, owner=gate.hand_over.owner, known=Known.of(written))


def next_work(gate: Gate, work: LaneWork, row: SystemRow, *, owner: str) -> Work | None:
    """The lane's next head under a fresh lease, where the system may be spoken to right on; else None."""
    bundle = gate.active_bundle(work.lane.system)
    if row.breaker is BreakerState.OPEN or bundle.limits.rate is not None:
        return None
    if not may_be_sent_to(row, bundle) or closure_of(row, bundle, work.tx.now) is not None:
        return None
    return serve_head(gate, work, bundle, owner=owner)


def is_stopped(gate: Gate, tx: Tx, work: Work) -> bool:
    """Whether what was claimed must not be sent any more.

    A pause, a hold or a deploy came after its claim, or the system closed.
    """
    row = tx.system(work.lane.system)
    if row is None or row.is_paused or row.mode != "live":
        return True
    if closure_of(row, gate.active_bundle(row.system), tx.now) is not None:
        return True
    return work.task is Task.SEND and holds_on(tx, work.lane).on(work.delivery.message) is not None


def _leased(gate: Gate, tx: Tx, bundle: Bundle, lanes: list[Lane], *, owner: str, is_careful: bool) -> list[Work]:
    by_lane = tx.deliveries_of([(lane.case_id, lane.system) for lane in lanes])
    opened = [LaneWork(tx, lane, by_lane.get((lane.case_id, lane.system), []), bundle.messages) for lane in lanes]
    if is_careful:
        served = [_served_apart(gate, work, bundle, owner=owner) for work in opened]
    else:
        known = _known(tx, opened)
        served = [serve_head(gate, work, bundle, owner=owner, known=known) for work in opened]
    return [work for work in served if work is not None]


def _known(tx: Tx, works: Sequence[LaneWork]) -> Known:
    """The cases of these lanes and the revisions that their heads carry, each read in one go."""
    heads = [head.delivery for work in works if (head := work.heads().head) is not None]
    revisions = tx.revisions_of({(delivery.case_id, delivery.revision) for delivery in heads})
    return Known(tx.cases({delivery.case_id for delivery in heads}), revisions)


def _served_apart(gate: Gate, work: LaneWork, bundle: Bundle, *, owner: str) -> Work | None:
    """The same for a lane that may fail; one that does is set aside as it was before."""
    before = replace(work, deliveries=list(work.deliveries))
    served = work.tx.apart(lambda: serve_head(gate, work, bundle, owner=owner))
    if not isinstance(served, Exception):
        return served
    set_aside_due(gate, work.tx, before, served)
    return None
