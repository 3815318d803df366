"""Mending what a run has found, as the adapter's policy says: case by case, in short transactions, through the queue.

Everything that it needs is stored with the discrepancy, so that whoever goes on after a crash mends the rest: a
discrepancy that has its repair, or has ended, is done.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final
from uuid import UUID

import structlog

from syncgate.domain.errors import StoreUnavailable
from syncgate.domain.reconciliation.kinds import Action
from syncgate.domain.reconciliation.plausibility import is_beyond_cap
from syncgate.domain.reconciliation.run import id_of
from syncgate.domain.row import replace
from syncgate.domain.rows import Discrepancy
from syncgate.flows.accepting.rehearsal import Rehearsal
from syncgate.flows.delivering.defects import place_of
from syncgate.flows.delivering.hand_over import HandOver
from syncgate.flows.gate import Gate
from syncgate.flows.operating.following import write_following
from syncgate.flows.reconciling.one_slot import (
    MENDED_IN,
    MOVED_ON,
    NOT_LIVE,
    Done,
    Mender,
    SlotNow,
    confirm,
    resend,
    retract,
    slot_now,
)
from syncgate.flows.reconciling.policy import MENDED
from syncgate.flows.reconciling.taking_over import take_over
from syncgate.ports import Tx

log = structlog.get_logger("syncgate.reconcile")
AT_A_TIME: Final = 50
"""Discrepancies that one reading rehearses."""
FAILED: Final = "mending_failed"
"""Why a person must tell: mending it broke; the log has the place."""


@dataclass(frozen=True, slots=True)
class Mended:
    """What a run mended.

    Attributes:
        by_action: how many discrepancies, by what was done about them.
        left: how many are left to a person.
        is_beyond_cap: whether more would have been sent than the cap allows; then nothing was done.
        sends: deliveries that wait to be sent because of it, or would.
    """

    by_action: Mapping[str, int] = field(default_factory=dict)
    left: int = 0
    is_beyond_cap: bool = False
    sends: int = 0


Require = Callable[[Tx], None]
"""Raises where the run is not the caller's any more."""


async def mend(
    gate: Gate,
    system: str,
    run_slot: str,
    discrepancy_ids: Sequence[UUID],
    *,
    cap: int,
    by: str,
    require: Require | None = None,
) -> Mended:
    """Mends discrepancies as their rows say, unless that would send more than the cap allows.

    Doing it again, after a crash or a lost turn, mends what is left and nothing twice.

    Args:
        gate: the running gate.
        system: all of them are of this system.
        run_slot: the run that saw them.
        discrepancy_ids: which.
        cap: how many deliveries may wait to be sent because of this run, counted before the first is queued.
        by: who began the run.
        require: called first in every transaction that writes; what it raises ends the mending.
    """
    run = id_of(system, run_slot)
    mender = Mender(gate=gate, by=by, run=run)
    ids, sends, left = await _to_mend(mender, discrepancy_ids)
    if is_beyond_cap(sends, cap):
        return Mended(left=left + len(ids), is_beyond_cap=True, sends=sends)
    by_action: Counter[str] = Counter()
    for discrepancy_id in ids:
        done = await mended(mender, discrepancy_id, require=require)
        if done.action is not None:
            by_action[done.action.value] += 1
        left += bool(done.why)
    return Mended(by_action=dict(by_action), left=left, sends=sends)


async def mended(mender: Mender, discrepancy_id: UUID, *, require: Require | None = None) -> Done:
    """Mends one discrepancy as its row says, to its end though the caller may be gone by then."""
    step = partial(_step, mender, discrepancy_id, require or _nothing_required)
    return await asyncio.shield(_committed(mender.gate, step))


async def _committed(gate: Gate, step: Callable[[Tx], Done]) -> Done:
    done = await write_following(gate, step)
    gate.hand_over.deliver(done.handed_over)
    gate.on_due(done.due)
    return done


def _nothing_required(_: Tx) -> None:
    return None


def _step(mender: Mender, discrepancy_id: UUID, require: Require, tx: Tx) -> Done:
    require(tx)
    row = tx.discrepancy(discrepancy_id)
    if row is None or not _is_to_mend(row):
        return MOVED_ON
    done = tx.apart(partial(mend_row, mender, tx, row, Action(row.action)))
    if isinstance(done, StoreUnavailable):
        raise done
    if isinstance(done, Exception):
        log.error("mending_broke", system=row.system, error=type(done).__name__, at=place_of(done))
        done = Done(why=FAILED)
    if done.why:
        leave(tx, row, done.why)
    return done


def leave(tx: Tx, row: Discrepancy, why: str) -> None:
    """Leaves a discrepancy to a person, and says why."""
    tx.save_discrepancy(replace(row, action=Action.ASK.value, detail={**row.detail, "why": why}))


def mend_row(mender: Mender, tx: Tx, row: Discrepancy, action: Action) -> Done:
    """Does this about one open discrepancy; writes nothing where it cannot be done, and says why."""
    if row.system not in mender.gate.active or mender.gate.active_bundle(row.system).mode != "live":
        return Done(why=NOT_LIVE)
    now = slot_now(mender, tx, row)
    if now is None or _has_ended(now):
        return MOVED_ON
    match action:
        case Action.RESEND:
            return resend(now)
        case Action.RETRACT:
            return retract(now)
        case Action.CONFIRM:
            return confirm(now)
        case Action.ACCEPT:
            return take_over(now)
        case _:
            return MOVED_ON


def _has_ended(now: SlotNow) -> bool:
    """Whether another did something about it before the locks were taken."""
    row = now.tx.discrepancy(now.row.discrepancy_id, lock=True)
    return row is None or not _is_open(row)


def _is_open(row: Discrepancy) -> bool:
    return row.closed_at is None and row.delivery_id is None


def _is_to_mend(row: Discrepancy) -> bool:
    return _is_open(row) and row.action in MENDED


async def _to_mend(mender: Mender, ids: Sequence[UUID]) -> tuple[list[UUID], int, int]:
    """Which are to be mended, how many sends they and what was mended before come to, how many ask for a person."""
    found: list[UUID] = []
    sends, left = 0, 0
    for start in range(0, len(ids), AT_A_TIME):
        rows = await mender.gate.writer.read(partial(_rows, ids[start : start + AT_A_TIME]))
        sends += sum(row.detail.get(MENDED_IN) == mender.run for row in rows)
        left += sum(_is_open(row) and row.action not in MENDED for row in rows)
        asked = [row for row in rows if _is_to_mend(row)]
        found += [row.discrepancy_id for row in asked]
        sends += await mender.gate.writer.read(partial(_rehearsed, mender, asked))
    return found, sends, left


def _rows(ids: Sequence[UUID], tx: Tx) -> list[Discrepancy]:
    found = (tx.discrepancy(discrepancy_id) for discrepancy_id in ids)
    return [row for row in found if row is not None]


def _rehearsed(mender: Mender, rows: Sequence[Discrepancy], tx: Tx) -> int:
    quiet = replace(mender, gate=replace(mender.gate, hand_over=HandOver("mend")))
    return sum(_sends(quiet, tx, row) for row in rows)


def _sends(mender: Mender, tx: Tx, row: Discrepancy) -> int:
    """How many deliveries mending it would have wait; one that breaks counts as one."""
    try:
        return mend_row(mender, Rehearsal(tx).tx, row, Action(row.action)).sends
    except Exception as error:
        log.error("mending_broke", system=row.system, error=type(error).__name__, at=place_of(error))
        return 1
