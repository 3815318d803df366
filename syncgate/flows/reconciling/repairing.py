"""What a person does about one discrepancy: the same steps as a run's mending, asked for by name and with a reason."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final
from uuid import UUID

from syncgate.domain.delivery import Phase
from syncgate.domain.errors import Conflict, RequestError
from syncgate.domain.reconciliation.kinds import ACTIONS, Action, Kind
from syncgate.domain.rows import Discrepancy, Principal
from syncgate.flows.gate import Gate
from syncgate.flows.operating.following import write_following
from syncgate.flows.reconciling.asking import find_discrepancy
from syncgate.flows.reconciling.closing import ACCEPTED, CONFIRMED, IGNORED, MENDED, RETRACTED, closed
from syncgate.flows.reconciling.mending import mend_row
from syncgate.flows.reconciling.one_slot import MOVED_ON, Done, Mender
from syncgate.ports import Tx

_OF_SOURCES: Final = frozenset({Action.IGNORE})
"""What can be done about a difference from a source's own listing: the source posts, and the next run sees it."""
_ENDS: Final = {
    Action.RESEND: MENDED,
    Action.RETRACT: RETRACTED,
    Action.ACCEPT: ACCEPTED,
    Action.CONFIRM: CONFIRMED,
    Action.IGNORE: IGNORED,
}
"""How a discrepancy ends by each repair."""
_STOPPED: Final = frozenset({Phase.PARKED, Phase.CANCELLED})


class InvalidRepair(RequestError):
    """A discrepancy was to be repaired in a way that its kind does not have."""

    code = "invalid_request"
    status = 422


class NotRepairable(Conflict):
    """The discrepancy cannot be repaired so as things are; nothing was done. The message says why, as a code."""

    code = "not_repairable"


async def repair(gate: Gate, principal: Principal, discrepancy_id: UUID, *, action: Action, reason: str) -> Discrepancy:
    """Does what a person decided about one discrepancy; gives it as it is then.

    A repair that sends waits in the queue, and its delivery ends the discrepancy. One that is ignored is ended, and
    not found again while the same is seen. What was done already is not done again: it is given as it is now.

    Args:
        gate: the running gate.
        principal: whose decision it is.
        discrepancy_id: an open discrepancy in scope.
        action: what to do.
        reason: kept in the audit and in the histories.

    Raises:
        NotFound: no such discrepancy in scope.
        InvalidRepair: its kind has no such action.
        NotRepairable: it has ended or is being repaired otherwise, its slot has moved on, or the message does not
            allow it.
    """
    mender = Mender(gate=gate, by=principal.name, reason=reason)
    return await asyncio.shield(_committed(gate, partial(_step, mender, principal, discrepancy_id, action)))


def actions_for(kind: str) -> frozenset[Action]:
    """What a person can do about a discrepancy of this kind."""
    if kind not in {one.value for one in Kind}:
        return _OF_SOURCES
    return ACTIONS[Kind(kind)] - {Action.ASK}


async def _committed(gate: Gate, step: partial[tuple[Discrepancy, Done]]) -> Discrepancy:
    row, done = await write_following(gate, step)
    gate.hand_over.deliver(done.handed_over)
    gate.on_due(done.due)
    return row


def _step(
    mender: Mender, principal: Principal, discrepancy_id: UUID, action: Action, tx: Tx
) -> tuple[Discrepancy, Done]:
    row = find_discrepancy(tx, principal, discrepancy_id)
    if action not in actions_for(row.kind):
        known = ", ".join(sorted(one.value for one in actions_for(row.kind)))
        raise InvalidRepair(
            "expected one of {known} for {kind}, got {got}", known=known, kind=row.kind, got=action.value
        )
    if _is_done(tx, row, action):
        return row, Done()
    _refuse_ended(row)
    done = _ignored(mender, tx, row) if action is Action.IGNORE else mend_row(mender, tx, row, action)
    if done.why:
        raise NotRepairable("expected a discrepancy that can be repaired so, got {why}", why=done.why)
    if done == MOVED_ON:
        raise NotRepairable("expected a slot that is as the run saw it, got one that has moved on")
    after = tx.discrepancy(discrepancy_id)
    assert after is not None
    return after, done


def _is_done(tx: Tx, row: Discrepancy, action: Action) -> bool:
    """Whether this was done about it before, and holds: its repair is under way, or has ended it."""
    if row.closed_at is not None:
        return row.closed_as == _ENDS[action]
    repair = None if row.delivery_id is None else tx.delivery(row.delivery_id)
    return repair is not None and repair.phase not in _STOPPED and row.action == action.value


def _refuse_ended(row: Discrepancy) -> None:
    """Raises NotRepairable."""
    if row.closed_at is not None:
        raise NotRepairable("expected an open discrepancy, got one that is {how}", how=row.closed_as or "closed")
    if row.delivery_id is not None:
        raise NotRepairable(
            "expected a discrepancy without a repair, got one that delivery {id} repairs", id=str(row.delivery_id)
        )


def _ignored(mender: Mender, tx: Tx, row: Discrepancy) -> Done:
    locked = tx.discrepancy(row.discrepancy_id, lock=True)
    if locked is None or locked.closed_at is not None:
        return MOVED_ON
    mender.audit(tx, locked, Action.IGNORE)
    closed(tx, locked, how=IGNORED, by=mender.by, action=Action.IGNORE.value)
    return Done(action=Action.IGNORE)
