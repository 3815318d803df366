"""After a restore: what was open in an older store is put in question before anything is sent (promise 4).

Nothing else may work on the store meanwhile. Killed in the middle it is run again; run again it changes nothing more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from syncgate.domain import ids
from syncgate.domain.delivery import MAYBE_SENT, Phase
from syncgate.domain.retraction import is_held_up
from syncgate.domain.row import replace
from syncgate.domain.rows import AuditEntry, Change, Delivery, Hold, SystemRow
from syncgate.flows.delivering.questioning import Way, asked_about, put_in_question, way_of
from syncgate.flows.gate import Gate
from syncgate.flows.lane import LaneWork, open_lane
from syncgate.ports import DeliveryFilter, Tx
from syncgate.site.bundle import Bundle

AT_ONCE: Final = 500
"""Deliveries that one commit puts in question, so that a million of them are never in memory."""
IN_DOUBT: Final = (Phase.PENDING, Phase.IN_FLIGHT, Phase.UNCONFIRMED)
"""Phases out of which something may have been sent since. What is awaiting is asked about as ever."""


@dataclass(slots=True)
class InQuestion:
    """What is in question at one system.

    Attributes:
        asked: is looked up before anything is sent. held: only a person can tell.
        in_turn: is asked about, or held, once what is open in its slot is known.
        sent_again: goes out in its turn, because the system recognises what it holds.
    """

    asked: int = 0
    held: int = 0
    in_turn: int = 0
    sent_again: int = 0


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore put in question. restored_at: from then on; systems: by name, those where anything is."""

    restored_at: datetime
    systems: dict[str, InQuestion] = field(default_factory=dict)


async def put_all_in_question(
    gate: Gate,
    *,
    by: str,
    reason: str,
    is_holding: bool = False,
    on_progress: Callable[[int], None] = lambda count: None,
) -> Restored:
    """Puts in question whatever the restored store believes open.

    Args:
        gate: nobody else's, and dispatching nothing.
        by: who restored it, for the audit; reason: which backup, say.
        is_holding: whether every system is held besides, until somebody lifts that.
        on_progress: told how many deliveries were looked at since it was told last.
    """
    restored_at = await gate.writer.write(_begin)
    for system in sorted(gate.active):
        for phase in IN_DOUBT:
            async for page in _pages(gate, system, phase):
                cases = {one.case_id: None for one in page if not _is_asked(one, restored_at)}
                await gate.writer.write(partial(_lanes, gate, system, tuple(cases)))
                on_progress(len(page))
    restored = Restored(restored_at, await _counted(gate))
    await gate.writer.write(lambda tx: _end(gate, tx, restored, by=by, reason=reason, is_holding=is_holding))
    return restored


async def _pages(gate: Gate, system: str, phase: Phase) -> AsyncIterator[list[Delivery]]:
    after: UUID | None = None
    where = DeliveryFilter(phases=(phase,), systems=(system,))
    while page := await gate.writer.read(partial(_page, where, after)):
        yield page
        after = page[-1].delivery_id


def _page(where: DeliveryFilter, after: UUID | None, tx: Tx) -> list[Delivery]:
    return tx.oldest_deliveries(where, after=after, limit=AT_ONCE)


def _begin(tx: Tx) -> datetime:
    """Says of every system that the store is older than it, and leaves out the numbers that readers may know."""
    for name in [row.system for row in tx.systems()]:
        row = tx.system(name, lock=True)
        assert row is not None
        tx.save_system(replace(row, restored_at=tx.now))
    tx.leave_numbers_out()
    return tx.now


def _is_asked(delivery: Delivery, restored_at: datetime) -> bool:
    return delivery.restored_at is not None and delivery.restored_at >= restored_at


def _lanes(gate: Gate, system: str, case_ids: Sequence[UUID], tx: Tx) -> None:
    row, bundle = tx.system(system, lock=True), gate.active_bundle(system)
    assert row is not None and row.restored_at is not None
    for case_id in sorted(case_ids):
        lane = tx.lane(case_id, system, lock=True)
        if lane is not None:
            _lane(gate, open_lane(tx, lane, bundle.messages), bundle, row)


def _lane(gate: Gate, work: LaneWork, bundle: Bundle, row: SystemRow) -> None:
    """Puts one lane's open deliveries in question: first what may be there, then what waits behind nothing open."""
    token = work.lane.lease_token
    _unconfirmed(gate, work, row)
    for delivery in [d for d in work.deliveries if d.phase is Phase.IN_FLIGHT]:
        put_in_question(gate, work, bundle, delivery)
        work.released()
    waiting = [d for d in work.deliveries if d.phase is Phase.PENDING and way_of(bundle, d) is not Way.SENDING]
    for delivery in sorted(waiting, key=lambda d: d.change is Change.RETRACT):
        known_open = [d for d in work.deliveries if d.phase in MAYBE_SENT]
        if not is_held_up(delivery, known_open, work.takes_back):
            put_in_question(gate, work, bundle, delivery)
    work.save(expected_token=token)


def _unconfirmed(gate: Gate, work: LaneWork, row: SystemRow) -> None:
    """What was in doubt already is asked about anew, unless only a person could tell: it may have been sent since."""
    for delivery in [d for d in work.deliveries if d.phase is Phase.UNCONFIRMED]:
        asked = dict(asked_about(delivery, gate.bundles.get(delivery.bundle), row, now=work.tx.now))
        is_timed = delivery.due_at is not None and asked["due_at"] is not None
        times = {"due_at": max(delivery.due_at, asked["due_at"])} if is_timed else {}
        work.write(delivery, replace(delivery, restored_at=row.restored_at, **times))


async def _counted(gate: Gate) -> dict[str, InQuestion]:
    found: dict[str, InQuestion] = {}
    for system in sorted(gate.active):
        counts: Counter[str] = Counter()
        for phase in (Phase.PENDING, Phase.UNCONFIRMED):
            async for page in _pages(gate, system, phase):
                counts.update(_sorts(gate.active_bundle(system), page))
        if counts:
            found[system] = InQuestion(**counts)
    return found


def _sorts(bundle: Bundle, page: Iterable[Delivery]) -> Iterable[str]:
    for delivery in page:
        if delivery.phase is Phase.UNCONFIRMED:
            yield "held" if delivery.due_at is None else "asked"
        else:
            yield "sent_again" if way_of(bundle, delivery) is Way.SENDING else "in_turn"


def _end(gate: Gate, tx: Tx, restored: Restored, *, by: str, reason: str, is_holding: bool) -> None:
    if is_holding:
        held = {hold.system for hold in tx.active_holds() if hold.message is hold.item is hold.source is None}
        for system in sorted(gate.active.keys() - held):
            hold_id = ids.uuid7(tx.now, gate.entropy.token(10))
            tx.insert_hold(Hold(hold_id=hold_id, system=system, reason=reason, by=by, created_at=tx.now))
    for system, found in restored.systems.items():
        detail = {name: getattr(found, name) for name in InQuestion.__slots__}
        tx.append_audit(_entry(tx, by, f"system:{system}", reason, detail))
    tx.append_audit(_entry(tx, by, "store", reason, {"is_holding": is_holding}))


def _entry(tx: Tx, by: str, thing: str, reason: str, detail: dict[str, str | int | bool | None]) -> AuditEntry:
    return AuditEntry(at=tx.now, actor=by, action="restored", object=thing, reason=reason, detail=detail)
