"""Messages and deliveries for tests of the pure core: valid ones, of which a test changes what it is about."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from syncgate.domain.delivery import Phase
from syncgate.domain.plan import Message, PartOf, Planned
from syncgate.domain.rows import Delivery
from tests.support.rows import START, a_delivery, new_id

CASE_ID = UUID(int=1)
NOW: datetime = START


def a_message(name: str = "application", **changes: Any) -> Message:
    """A message of the case that exists always and reads nothing."""
    shape: dict[str, Any] = {
        "name": name,
        "of": PartOf.CASE,
        "after": (),
        "operation": "send",
        "exists": lambda case, part: True,
        "inputs": lambda case, part: b"",
    }
    return Message(**shape | changes)


def a_row(phase: Phase = Phase.PENDING, mac: bytes = b"A", **changes: Any) -> Delivery:
    """A delivery of one slot, due now, a cancelled one superseded unless the changes say otherwise."""
    row: dict[str, Any] = {"phase": phase, "input_mac": mac, "due_at": NOW}
    if phase is Phase.CANCELLED:
        row["reason"] = "superseded"
    return a_delivery(CASE_ID, delivery_id=new_id(), **row | changes)


def planned(mac: bytes = b"A", *, message: str = "application", part: str = "", part_no: int = 1) -> Planned:
    """A planned slot with these inputs."""
    return Planned(message=message, part=part, part_no=part_no, input_mac=mac)
