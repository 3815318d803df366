"""Which delivery a row of a list of returns is about: by the case's number, our key or the sending's. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from syncgate.domain import ids
from syncgate.domain.delivery import Event, Phase
from syncgate.domain.replan import is_of_its_own
from syncgate.domain.returns import RETURNED, RowResult
from syncgate.domain.rows import Delivery

_LYING: Final = frozenset({Phase.DELIVERED, Phase.AWAITING, Phase.UNCONFIRMED, Phase.IN_FLIGHT})
"""Phases of what lies, or may lie, at the system."""
_BY_BATCH_ALONE: Final = frozenset({Phase.AWAITING, Phase.UNCONFIRMED})
"""Phases in which a row says something only if it names the very sending."""
KEY_LENGTH: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnRow:
    """A row as read.

    Attributes:
        no: its line in the file.
        case_no: the case's number; empty: not told. slot_key, batch: our keys, as `plain_key` writes them.
        message: the message that it names; None: none. meant: messages that a row means which names none; empty: any.
        reason: why it is given back.
        returned_at: not before this it was found; None: not told.
        record: all of its cells.
    """

    no: int
    case_no: str = ""
    slot_key: str = ""
    batch: str = ""
    message: str | None = None
    meant: frozenset[str] = frozenset()
    reason: str = field(default="", repr=False)
    returned_at: datetime | None = None
    record: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def keys(self) -> frozenset[str]:
        """Our keys that it names."""
        return frozenset({self.slot_key, self.batch} - {""})


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What a row is about. delivery: None where that is not known, or is more than one; event: None where none follows.

    count: how many it can mean.
    """

    result: RowResult
    delivery: Delivery | None = None
    event: Event | None = None
    count: int = 0


def plain_key(text: str) -> str:
    """A key of ours as it is compared: without hyphens, in lower case."""
    return text.strip().replace("-", "").lower()


def slot_key(delivery: Delivery) -> str:
    """Our key of a delivery's slot, as compared."""
    return plain_key(ids.slot_key(delivery.case_id, delivery.system, delivery.message, delivery.part))


def batches(delivery: Delivery) -> Iterator[str]:
    """The keys of what a delivery carries now, as compared: that of before it was given back, too."""
    numbers: list[int | None] = [delivery.given_back_no]
    if delivery.phase is Phase.PARKED:
        numbers += [None, *range(1, delivery.given_back_no or 1)]
    for number in dict.fromkeys(numbers):
        yield plain_key(ids.send_key(delivery.delivery_id, delivery.revision, delivery.bundle, number))


def matched(row: ReturnRow, deliveries: Sequence[Delivery], older: frozenset[str] = frozenset()) -> Match:
    """What a row is about among a case's deliveries at the system, and what follows.

    Args:
        row: as read, with a number or a key.
        deliveries: of the case at the system, in the order of creation.
        older: keys of sendings that were overtaken, as compared.
    """
    lying = list(_lying(deliveries))
    fitting = [d for d in lying if _fits(row, d)]
    if len(fitting) > 1:
        return Match(result=RowResult.SEVERAL_MEANT, count=len(fitting))
    if not fitting:
        return _none(row, deliveries, lying, older)
    (delivery,) = fitting
    if _is_returned(delivery):
        return Match(result=RowResult.ALREADY_RETURNED, delivery=delivery, count=1)
    if row.batch not in batches(delivery) and _is_before(row, delivery):
        return Match(result=RowResult.OUTDATED, delivery=delivery, count=1)
    event = _event(row, delivery)
    result = RowResult.NOT_DELIVERED if event is None else RowResult.RETURNED
    return Match(result=result, delivery=delivery, event=event, count=1)


def _event(row: ReturnRow, delivery: Delivery) -> Event | None:
    if delivery.phase is Phase.DELIVERED:
        return Event.RETURNED
    is_named = delivery.phase in _BY_BATCH_ALONE and row.batch in batches(delivery)
    return Event.REFUSED if is_named else None


def _none(row: ReturnRow, deliveries: Sequence[Delivery], lying: Sequence[Delivery], older: frozenset[str]) -> Match:
    if row.batch and row.batch in older | {key for d in deliveries for key in batches(d)}:
        return Match(result=RowResult.OVERTAKEN)
    if row.keys and any(_is_meant(row, d) for d in lying) and not any(_has_key(row, d) for d in deliveries):
        return Match(result=RowResult.CONTRADICTORY)
    waiting = [d for d in deliveries if d.phase is not Phase.CANCELLED and _is_meant(row, d)]
    return Match(result=RowResult.NOT_DELIVERED, delivery=waiting[-1] if len(waiting) == 1 else None)


def _has_key(row: ReturnRow, delivery: Delivery) -> bool:
    return row.slot_key == slot_key(delivery) if row.slot_key else row.batch in batches(delivery)


def _lying(deliveries: Sequence[Delivery]) -> Iterator[Delivery]:
    """Of each slot the last that lies at the system, or was given back by it."""
    last: dict[tuple[str, str], Delivery] = {}
    for delivery in deliveries:
        if not is_of_its_own(delivery) and (delivery.phase in _LYING or _is_returned(delivery)):
            last[delivery.message, delivery.part] = delivery
    yield from last.values()


def _is_returned(delivery: Delivery) -> bool:
    return delivery.phase is Phase.PARKED and delivery.reason == RETURNED


def _fits(row: ReturnRow, delivery: Delivery) -> bool:
    return (
        _is_meant(row, delivery)
        and row.slot_key in ("", slot_key(delivery))
        and (not row.batch or row.batch in batches(delivery))
    )


def _is_meant(row: ReturnRow, delivery: Delivery) -> bool:
    if row.message is not None:
        return delivery.message == row.message
    return not row.meant or bool(row.keys) or delivery.message in row.meant


def _is_before(row: ReturnRow, delivery: Delivery) -> bool:
    return row.returned_at is not None and delivery.sent_at is not None and row.returned_at < delivery.sent_at
