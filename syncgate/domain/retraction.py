"""Which slots of its lane a retraction takes back, and whether it is needed or out of date. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from syncgate.domain.delivery import MAYBE_SENT, Phase
from syncgate.domain.observation import is_gone, took_nothing_back
from syncgate.domain.plan import Message
from syncgate.domain.rows import Change, Delivery

TakesBack = Callable[[Delivery], frozenset[str]]
"""Names of the messages whose slots a retraction of the case takes back; empty for every other delivery."""

_NONE: Final[frozenset[str]] = frozenset()


def takes_back_under(messages: Iterable[Message]) -> TakesBack:
    """What retractions take back as these messages declare it."""
    by_retraction: dict[str, set[str]] = {}
    for message in messages:
        if message.retraction is not None:
            by_retraction.setdefault(message.retraction, set()).add(message.name)
    found = {name: frozenset(names) for name, names in by_retraction.items()}
    return lambda delivery: found.get(delivery.message, _NONE) if delivery.change is Change.RETRACT else _NONE


def concerns(retraction: Delivery, other: Delivery, takes_back: TakesBack) -> bool:
    """Whether a retraction takes back what the other delivery's slot holds."""
    is_same_slot = (retraction.message, retraction.part) == (other.message, other.part)
    return is_same_slot or other.message in takes_back(retraction)


def is_needless(retraction: Delivery, deliveries: Iterable[Delivery], takes_back: TakesBack) -> bool:
    """Whether the system can hold nothing of what a retraction would take back.

    Args:
        retraction: one that waits.
        deliveries: all of its lane, in the order of creation.
        takes_back: what retractions of the lane take back.
    """
    holding: set[tuple[str, str]] = set()
    for delivery in deliveries:
        if is_gone(delivery):
            holding.discard((delivery.message, delivery.part))
        elif delivery.change is Change.RETRACT:
            if delivery.phase is Phase.DELIVERED and not took_nothing_back(delivery):
                holding -= {name for name in holding if _is_of(delivery, name, takes_back)}
        elif _may_be_held(delivery) and concerns(retraction, delivery, takes_back):
            holding.add((delivery.message, delivery.part))
    return not holding


def is_overtaken(retraction: Delivery, deliveries: Iterable[Delivery], takes_back: TakesBack) -> bool:
    """Whether something that a retraction takes back became wanted again after it was made."""
    return any(
        other.created_at > retraction.created_at
        and other.change is not Change.RETRACT
        and other.phase is not Phase.CANCELLED
        and other.message in takes_back(retraction)
        for other in deliveries
    )


def is_taken_back_later(delivery: Delivery, deliveries: Iterable[Delivery], takes_back: TakesBack) -> bool:
    """Whether a later retraction stands for what the delivery's slot may hold: then it is not sent again."""
    return any(
        other.change is Change.RETRACT
        and other.phase is not Phase.CANCELLED
        and not took_nothing_back(other)
        and other.created_at > delivery.created_at
        and concerns(other, delivery, takes_back)
        for other in deliveries
    )


def is_held_up(delivery: Delivery, deliveries: Sequence[Delivery], takes_back: TakesBack) -> bool:
    """Whether the delivery waits for what is on its way or in doubt.

    That is another of its slot; for a retraction any that it takes back; for any other a retraction of its slot.
    """
    return any(
        other.phase in MAYBE_SENT and (concerns(delivery, other, takes_back) or concerns(other, delivery, takes_back))
        for other in deliveries
    )


def _is_of(retraction: Delivery, name: tuple[str, str], takes_back: TakesBack) -> bool:
    return (retraction.message, retraction.part) == name or name[0] in takes_back(retraction)


def _may_be_held(delivery: Delivery) -> bool:
    is_there = delivery.phase is Phase.DELIVERED or delivery.phase in MAYBE_SENT
    return is_there or not delivery.is_never_sent
