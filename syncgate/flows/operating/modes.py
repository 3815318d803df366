"""A change of a system's mode sends nothing (promise 13): what waits when it comes to be set aside stays visible.

What waits is set aside when the system is no longer live, and again before it goes live: between the two a process that
did not know yet may have queued something.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Final
from uuid import UUID

from syncgate.domain.delivery import Phase
from syncgate.domain.modes import LIVE
from syncgate.domain.rows import SystemRow
from syncgate.flows.gate import Gate
from syncgate.flows.lane import open_lane
from syncgate.ports import DeliveryFilter, Tx

BATCH: Final = 100
"""Deliveries that one transaction sets aside."""


async def set_aside_waiting(gate: Gate, systems: Collection[str]) -> None:
    """Sets aside what waits for those of these systems that are not live."""
    rows = await gate.writer.read(lambda tx: tx.systems())
    for row in rows:
        if row.system in systems and row.active_bundle and row.mode != LIVE:
            await _set_aside(gate, row)


def set_aside_rest(gate: Gate, tx: Tx, row: SystemRow) -> None:
    """Sets aside, within the step that makes a system live, what came to wait for it since."""
    after: UUID | None = None
    while (after := _set_aside_page(gate, row, after, tx)) is not None:
        pass


async def _set_aside(gate: Gate, row: SystemRow) -> None:
    after: UUID | None = None
    while (after := await gate.writer.write(partial(_set_aside_page, gate, row, after))) is not None:
        pass


def _set_aside_page(gate: Gate, row: SystemRow, after: UUID | None, tx: Tx) -> UUID | None:
    """Sets aside the next deliveries that wait. Gives the last one, None at the end."""
    where = DeliveryFilter(phases=(Phase.PENDING,), systems=(row.system,))
    page = tx.oldest_deliveries(where, after=after, limit=BATCH)
    bundle = gate.bundles.get(row.active_bundle or "")
    for found in page:
        lane = tx.lane(found.case_id, found.system, lock=True)
        now = tx.delivery(found.delivery_id)
        if lane is None or now is None or now.phase is not Phase.PENDING:
            continue
        work = open_lane(tx, lane, () if bundle is None else bundle.messages)
        work.set_aside(now, row.mode)
        work.save(expected_token=lane.lease_token)
    return page[-1].delivery_id if len(page) == BATCH else None
