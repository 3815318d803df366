"""Check: what a post would do now, and what would park, while the citizen is still at the window.

The very steps that take a case in, claim its deliveries and prepare their payloads run in a rehearsal, so that
there is one truth. Nothing is stored, nobody is spoken to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from syncgate.domain.delivery import Event, Phase
from syncgate.domain.errors import FieldError, StoreUnavailable
from syncgate.domain.modes import ONLY_CHECKED
from syncgate.domain.plan import Json
from syncgate.domain.rows import Case, Delivery
from syncgate.flows.accepting.intake import posting_step
from syncgate.flows.accepting.rehearsal import Rehearsal
from syncgate.flows.accepting.submission import Call, Done, checked
from syncgate.flows.delivering.claim import take_over
from syncgate.flows.delivering.hand_over import HandOver
from syncgate.flows.delivering.send import prepared
from syncgate.flows.delivering.work import PayloadFault, Verdict
from syncgate.flows.gate import Caller, Gate
from syncgate.flows.lane import LaneWork
from syncgate.ports import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What would become of one slot.

    Attributes:
        phase: pending where it can be sent, parked where it cannot; of what the post leaves alone its own phase.
        is_changed: whether the post queues, changes or cancels it.
        reason, actor: why it is or would be parked, and who must act.
        waits_for: the system whose number it needs first.
        faults: what keeps the payload from being sent.
    """

    system: str
    message: str
    part: str
    phase: Phase
    is_changed: bool
    reason: str = ""
    actor: str = ""
    waits_for: str | None = None
    faults: tuple[PayloadFault, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedCase:
    """What a post would come to.

    case_id: of the known case that it means, None for a new one. revision: that it would have then. is_unchanged:
    whether the post would change nothing. is_joining: whether it would join a case under a number that is new.
    """

    case_id: UUID | None
    case_no: str
    revision: int
    is_unchanged: bool
    is_joining: bool
    deliveries: tuple[Expected, ...] = ()
    warnings: tuple[FieldError, ...] = ()


class _Willing(HandOver):
    """Grants any send: a rehearsal sends none."""

    def take(self, system: str, *, now: datetime) -> bool:
        return True


async def check_case(gate: Gate, caller: Caller, document: Json, call: Call) -> CheckedCase:
    """What `post_case` would do with this case now. Stores nothing.

    Raises:
        InvalidCase, Conflict, StaleRevision: as `post_case`.
        StoreUnavailable: the store cannot be read, or names bundles active that this process does not have.
    """
    warnings = checked(gate, document)
    quiet = replace(gate, hand_over=HandOver("check"))
    step = posting_step(quiet, caller, document, call)

    def rehearsed(tx: Tx) -> CheckedCase | None:
        is_behind = gate.follow is not None and any(gate.is_behind(row) for row in tx.systems())
        return None if is_behind else _checked(quiet, tx, caller, step)

    found = await gate.writer.read(rehearsed)
    if found is None and gate.follow is not None:
        await gate.follow()
        found = await gate.writer.read(rehearsed)
    if found is None:
        raise StoreUnavailable("expected to check under the active bundles, got a process that has not all of them")
    return replace(found, warnings=found.warnings or warnings)


def rehearse(gate: Gate, tx: Tx, delivery: Delivery) -> Expected:
    """What sending a waiting delivery now would come to under the active bundle. Stores nothing."""
    waiting = replace(delivery, phase=Phase.PENDING, reason=None)
    return _prepared(gate, Rehearsal(tx).tx, waiting, _now(waiting, is_changed=True))


def _checked(gate: Gate, tx: Tx, caller: Caller, step: Callable[[Tx], Done]) -> CheckedCase:
    rehearsal = Rehearsal(tx)
    accepted = step(rehearsal.tx).accepted
    known = tx.case(accepted.case_id)
    by_id = {delivery.delivery_id: delivery for delivery in rehearsal.deliveries(accepted.case_id)}
    shown = [by_id[placed.delivery_id] for placed in accepted.deliveries]
    return CheckedCase(
        case_id=accepted.case_id if known is not None else None,
        case_no=accepted.case_no,
        revision=accepted.revision,
        is_unchanged=accepted.is_unchanged,
        is_joining=known is not None and not _knows(tx, caller.source, known),
        deliveries=tuple(_expected(gate, rehearsal, delivery) for delivery in shown),
        warnings=accepted.warnings,
    )


def _knows(tx: Tx, source: str, case: Case) -> bool:
    """Whether the source has a number for the case already."""
    lane = tx.lane(case.case_id, source)
    return source == case.origin or (lane is not None and lane.case_ref is not None)


def _expected(gate: Gate, rehearsal: Rehearsal, delivery: Delivery) -> Expected:
    now = _now(delivery, is_changed=delivery.delivery_id in rehearsal.written)
    if delivery.reason == ONLY_CHECKED:
        # What a system in shadow mode is for: whether it could be sent, not that it is not.
        return replace(rehearse(gate, rehearsal.tx, delivery), is_changed=now.is_changed)
    if delivery.phase is not Phase.PENDING or delivery.system not in gate.active:
        return now
    return _prepared(gate, Rehearsal(rehearsal.tx).tx, delivery, replace(now, reason="", actor=""))


def _now(delivery: Delivery, *, is_changed: bool) -> Expected:
    return Expected(
        system=delivery.system,
        message=delivery.message,
        part=delivery.part,
        phase=delivery.phase,
        is_changed=is_changed,
        reason=delivery.reason or "",
        actor=delivery.actor,
    )


def _prepared(gate: Gate, tx: Tx, delivery: Delivery, now: Expected) -> Expected:
    """What claiming and preparing a pending delivery would come to, were its turn now."""
    bundle = replace(gate.active_bundle(delivery.system), mode="live")
    lane = tx.lane(delivery.case_id, delivery.system)
    assert lane is not None
    held = [
        other
        for other in tx.deliveries(delivery.case_id, delivery.system)
        if other.phase is Phase.DELIVERED and (other.message, other.part) == (delivery.message, delivery.part)
    ]
    free = replace(lane, lease_token=None, lease_until=None, lease_owner=None, waits_for=None)
    lane_work = LaneWork(tx, free, [*held, replace(delivery, due_at=tx.now, reason=None)], bundle.messages)
    work = take_over(replace(gate, hand_over=_Willing("check")), lane_work, bundle)
    if work is None:
        return replace(now, phase=Phase.CANCELLED)
    verdict = prepared(gate, work)
    return _judged(now, verdict) if isinstance(verdict, Verdict) else now


def _judged(now: Expected, verdict: Verdict) -> Expected:
    if verdict.event is not Event.REFUSED:
        return replace(now, waits_for=verdict.waits_for)
    return replace(now, phase=Phase.PARKED, reason=verdict.reason, actor=verdict.actor, faults=verdict.faults)
