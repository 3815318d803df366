"""Rescue: leases whose time is up are ended, each delivery moved by whether its bytes can have left."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import structlog

from syncgate.domain.delivery import Event, Phase
from syncgate.domain.errors import StoreUnavailable
from syncgate.domain.head import Task
from syncgate.domain.rows import Delivery, Lane
from syncgate.flows.delivering.defects import place_of
from syncgate.flows.delivering.held import maybe_held
from syncgate.flows.delivering.set_aside import set_aside_leased
from syncgate.flows.gate import Gate
from syncgate.flows.lane import LaneWork, open_lane
from syncgate.flows.operating.following import write_following
from syncgate.ports import Tx
from syncgate.site.bundle import Bundle

log = structlog.get_logger("syncgate.rescue")
LOST: Final = {"note": "its worker did not come back; the sending time is unknown"}


def rescue(gate: Gate, tx: Tx, *, limit: int, is_careful: bool = False) -> frozenset[str]:
    """Ends up to `limit` expired leases. Gives the systems whose lanes may now be due.

    is_careful: each lane by itself, and one that fails is set aside; for the rescue after one that failed.
    """
    expire = _expire_apart if is_careful else _expire
    return frozenset(lane.system for lane in tx.expired_lanes(limit=limit) if expire(gate, tx, lane))


async def rescue_all(gate: Gate, *, batch: int = 200) -> None:
    """Ends every expired lease, batch by batch, and wakes the systems concerned."""
    while systems := await _rescued(gate, batch):
        gate.on_due(systems)


async def _rescued(gate: Gate, limit: int) -> frozenset[str]:
    """One batch; under the active bundles, because what a lost send needs depends on the bundle that sent it."""
    try:
        return await write_following(gate, lambda tx: rescue(gate, tx, limit=limit))
    except StoreUnavailable:
        raise
    except Exception as error:
        log.error("rescue_broke", error=type(error).__name__, at=place_of(error))
    return await write_following(gate, lambda tx: rescue(gate, tx, limit=limit, is_careful=True))


def _expire_apart(gate: Gate, tx: Tx, lane: Lane) -> bool:
    expired = tx.apart(lambda: _expire(gate, tx, lane))
    return set_aside_leased(tx, lane, expired) if isinstance(expired, Exception) else expired


def _expire(gate: Gate, tx: Tx, lane: Lane) -> bool:
    """Whether the lease ended; what is written is written whole."""
    messages = gate.active_bundle(lane.system).messages if lane.system in gate.active else ()
    work = open_lane(tx, lane, messages)
    sent = [d for d in work.deliveries if d.phase is Phase.IN_FLIGHT and d.lease_token == lane.lease_token]
    for delivery in sent:
        _end(gate, work, delivery)
    if not sent:
        _end_question(gate, work)
    token = lane.lease_token
    work.released()
    return work.save(expected_token=token)


def _end_question(gate: Gate, work: LaneWork) -> None:
    """Notes that nobody came back from a look-up or a probe; a probe's bytes may have left."""
    head = work.heads().head
    if head is None or head.task is not Task.CONFIRM:
        return
    count = work.note(head.delivery, Event.UNDECIDED, lease_token=work.lane.lease_token, detail=LOST)
    due_at = _due_at(work, head.delivery, gate.bundles.get(head.delivery.bundle))
    work.move(head.delivery, Event.UNDECIDED, reason="worker_lost", due_at=due_at, entries_count=count)


def _end(gate: Gate, work: LaneWork, delivery: Delivery) -> None:
    bundle = gate.bundles.get(delivery.bundle)
    event = _event(work.lane, delivery, bundle)
    count = work.note(delivery, event, lease_token=delivery.lease_token, detail=LOST)
    if event is Event.EXPIRED_UNSENT:
        work.move(delivery, event, due_at=work.tx.now, entries_count=count)
        return
    work.move(
        delivery,
        event,
        reason="worker_lost",
        due_at=_due_at(work, delivery, bundle),
        **maybe_held(delivery),
        sent_at=work.tx.now,
        confirms_count=0,
        entries_count=count,
    )


def _event(lane: Lane, delivery: Delivery, bundle: Bundle | None) -> Event:
    """Unsent only where the instant before bytes leave would have been committed, and was not."""
    policy = bundle.confirm_of(delivery) if bundle is not None else None
    is_start_noted = policy is not None and policy.by == "hold"
    return Event.EXPIRED_UNSENT if is_start_noted and lane.send_started_at is None else Event.EXPIRED_SENT


def _due_at(work: LaneWork, delivery: Delivery, bundle: Bundle | None) -> datetime | None:
    policy = bundle.confirm_of(delivery) if bundle is not None else None
    if bundle is None or policy is None or policy.by == "hold":
        return None
    return work.tx.now + bundle.limits.longest_request + policy.visible_after
