"""The end of a discrepancy: mended once its repair is delivered, ended by a person, or taken over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from syncgate.domain.delivery import Phase
from syncgate.domain.replan import SlotName
from syncgate.domain.retraction import TakesBack
from syncgate.domain.row import replace
from syncgate.domain.rows import Change, Delivery, Discrepancy
from syncgate.ports import DiscrepancyFilter, Tx

MENDED: Final = "mended"
GONE: Final = "gone"
"""A complete run no longer sees it."""
RETRACTED: Final = "retracted"
CONFIRMED: Final = "confirmed"
IGNORED: Final = "ignored"
ACCEPTED: Final = "accepted"
ADOPTED: Final = "adopted"
GATE: Final = "syncgate"
_AT_MOST: Final = 200
"""Open discrepancies of one case at one system that are looked at."""


def closed(tx: Tx, row: Discrepancy, *, how: str, by: str = GATE, **changes: Any) -> Discrepancy:
    """Ends a discrepancy and writes it."""
    ended = replace(row, closed_at=tx.now, closed_by=by, closed_as=how, **changes)
    tx.save_discrepancy(ended)
    return ended


def close_repaired(tx: Tx, delivered: Delivery, deliveries: Sequence[Delivery], takes_back: TakesBack) -> None:
    """Ends the discrepancies that a delivery has mended by coming there. Asks the store only where there may be any.

    Args:
        tx: the step's transaction.
        delivered: what has just been delivered.
        deliveries: all of its lane.
        takes_back: what the lane's retractions take back.
    """
    if not any(_is_repaired(other, delivered) for other in deliveries):
        return
    where = DiscrepancyFilter(systems=(delivered.system,), case_id=delivered.case_id, is_open=True)
    for row in tx.list_discrepancies(where, after=None, limit=_AT_MOST):
        if row.delivery_id is not None and _is_of(delivered, (row.message, row.part), takes_back):
            how = RETRACTED if delivered.change is Change.RETRACT else MENDED
            closed(tx, row, how=how, delivery_id=delivered.delivery_id)


def _is_repaired(other: Delivery, delivered: Delivery) -> bool:
    """Whether the other was seen not to be what it was delivered as, or may have been left standing there."""
    is_before = other.delivery_id != delivered.delivery_id and other.phase is Phase.DELIVERED
    return is_before and (other.observed is not None or delivered.change is Change.RETRACT)


def _is_of(delivered: Delivery, slot: SlotName, takes_back: TakesBack) -> bool:
    return (delivered.message, delivered.part) == slot or slot[0] in takes_back(delivered)
