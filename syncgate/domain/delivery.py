"""The life of a delivery: its phases, the events that move it, and the one table of moves.

Nothing else in syncgate decides a phase. Storage repeats the table's shape as CHECKs, the diagram in the
documentation is generated from `BEGINNINGS` and `MOVES`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from syncgate.domain.errors import IllegalMove


class Phase(StrEnum):
    """Where a delivery stands. It is in exactly one phase at every moment (promise 3)."""

    PENDING = "pending"
    """Waits to be sent, or sent again."""
    IN_FLIGHT = "in_flight"
    """Claimed under a lease; its bytes may be leaving."""
    AWAITING = "awaiting"
    """The system took it in and has still to say what became of it."""
    UNCONFIRMED = "unconfirmed"
    """It may have been taken; nothing is sent for its slot until that is known (promise 4)."""
    DELIVERED = "delivered"
    """The system holds it."""
    PARKED = "parked"
    """A person or new content must act; carries a reason."""
    CANCELLED = "cancelled"
    """Will never be sent. Final."""


class Beginning(StrEnum):
    """How a delivery comes to be. One that a system needs no sending for begins as delivered, and keeps the
    beginning's name as its reason."""

    PLANNED = "planned"
    """Something that the system lacks shall be sent."""
    SET_ASIDE = "set_aside"
    """Something that a system lacks to which nothing is sent: a person types it by hand, or it is only checked."""
    HELD_BY_SOURCE = "held_by_source"
    """The system is itself a source of the case, and says that it holds this."""
    KNOWN_BY_NUMBER = "known_by_number"
    """The system's own number for the case was told, so it holds a record, of unknown content."""
    ADOPTED = "adopted"
    """A record that was typed there by hand was found to be this one: it is linked instead of made a second time."""


class Event(StrEnum):
    """What happens to a delivery. An attempt's outcome is an event."""

    CLAIMED = "claimed"
    WITHDRAWN = "withdrawn"
    """Its message is no longer planned."""
    SUPERSEDED = "superseded"
    """A newer delivery of its slot waits in its place."""
    TAKEN = "taken"
    QUEUED_THERE = "queued_there"
    REFUSED = "refused"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    DENIED = "denied"
    EXHAUSTED = "exhausted"
    """The schedule is used up while the system takes others."""
    DUPLICATE = "duplicate"
    UNKNOWN = "unknown"
    EXPIRED_SENT = "expired_sent"
    """The lease ran out and the bytes may have left."""
    EXPIRED_UNSENT = "expired_unsent"
    """The lease ran out and the bytes are known not to have left."""
    HANDED_BACK = "handed_back"
    """Its holder gave it back unsent: a graceful stop, or a wait for another system's number."""
    RESTORED = "restored"
    """The store was put back to an older state: it may have been sent since, of which the store knows nothing."""
    OVERDUE = "overdue"
    """No acknowledgement came by the deadline."""
    FOUND = "found"
    FOUND_DIFFERENT = "found_different"
    ABSENT = "absent"
    UNDECIDED = "undecided"
    CONFIRMED_BY_HAND = "confirmed_by_hand"
    ABSENT_BY_HAND = "absent_by_hand"
    REQUEUED = "requeued"
    SET_ASIDE = "set_aside"
    """Its system is sent nothing any more in its mode."""
    RETURNED = "returned"
    """Taken, then given back by the system later."""
    CANCELLED_BY_HAND = "cancelled_by_hand"


_WITHDRAWN: Final = {Event.WITHDRAWN: Phase.CANCELLED, Event.SUPERSEDED: Phase.CANCELLED}
_CANCELLED_BY_HAND: Final = {Event.CANCELLED_BY_HAND: Phase.CANCELLED}

MOVES: Final[dict[Phase, dict[Event, Phase]]] = {
    Phase.PENDING: {
        Event.CLAIMED: Phase.IN_FLIGHT,
        Event.SET_ASIDE: Phase.PARKED,
        Event.RESTORED: Phase.UNCONFIRMED,
    }
    | _WITHDRAWN
    | _CANCELLED_BY_HAND,
    Phase.IN_FLIGHT: {
        Event.TAKEN: Phase.DELIVERED,
        Event.QUEUED_THERE: Phase.AWAITING,
        Event.REFUSED: Phase.PARKED,
        Event.EXHAUSTED: Phase.PARKED,
        Event.THROTTLED: Phase.PENDING,
        Event.UNAVAILABLE: Phase.PENDING,
        Event.DENIED: Phase.PENDING,
        Event.DUPLICATE: Phase.UNCONFIRMED,
        Event.UNKNOWN: Phase.UNCONFIRMED,
        Event.EXPIRED_SENT: Phase.UNCONFIRMED,
        Event.EXPIRED_UNSENT: Phase.PENDING,
        Event.HANDED_BACK: Phase.PENDING,
        Event.RESTORED: Phase.UNCONFIRMED,
    },
    Phase.AWAITING: {
        Event.TAKEN: Phase.DELIVERED,
        Event.REFUSED: Phase.PARKED,
        Event.OVERDUE: Phase.UNCONFIRMED,
        Event.UNKNOWN: Phase.UNCONFIRMED,
    },
    Phase.UNCONFIRMED: {
        Event.FOUND: Phase.DELIVERED,
        Event.FOUND_DIFFERENT: Phase.PARKED,
        Event.REFUSED: Phase.PARKED,
        Event.ABSENT: Phase.PENDING,
        Event.UNDECIDED: Phase.UNCONFIRMED,
        Event.CONFIRMED_BY_HAND: Phase.DELIVERED,
        Event.ABSENT_BY_HAND: Phase.PENDING,
    },
    Phase.PARKED: {Event.REQUEUED: Phase.PENDING, Event.CONFIRMED_BY_HAND: Phase.DELIVERED}
    | _WITHDRAWN
    | _CANCELLED_BY_HAND,
    Phase.DELIVERED: {Event.RETURNED: Phase.PARKED},
    Phase.CANCELLED: {},
}
"""Every legal move. An event that a phase does not list is illegal there."""

BEGINNINGS: Final[dict[Beginning, Phase]] = {
    Beginning.PLANNED: Phase.PENDING,
    Beginning.SET_ASIDE: Phase.PARKED,
    Beginning.HELD_BY_SOURCE: Phase.DELIVERED,
    Beginning.KNOWN_BY_NUMBER: Phase.DELIVERED,
    Beginning.ADOPTED: Phase.DELIVERED,
}
"""Where each beginning leads."""

OF_ITS_OWN: Final = frozenset({Beginning.HELD_BY_SOURCE, Beginning.KNOWN_BY_NUMBER, Beginning.ADOPTED})
"""Beginnings of what a system holds of its own accord: nothing was sent."""

WAITING: Final = frozenset({Phase.PENDING, Phase.PARKED})
"""A slot has at most one delivery in these phases."""

MAYBE_SENT: Final = frozenset({Phase.IN_FLIGHT, Phase.AWAITING, Phase.UNCONFIRMED})
"""A slot has at most one delivery in these phases, and nothing else is sent for it meanwhile."""

BY_HAND: Final = frozenset({Event.CONFIRMED_BY_HAND, Event.ABSENT_BY_HAND, Event.REQUEUED, Event.CANCELLED_BY_HAND})
"""Events that only a person causes."""


def advance(phase: Phase, event: Event, *, newer_waits: bool = False, is_sent_to: bool = True) -> Phase:
    """The phase that follows.

    Args:
        phase: where the delivery stands.
        event: what happened to it.
        newer_waits: whether another delivery of its slot already waits; then a move into a waiting phase
            becomes `cancelled` (superseded).
        is_sent_to: whether its system is sent anything in its mode; if not, a move into pending becomes `parked`.

    Raises:
        IllegalMove: the phase does not know the event.
    """
    try:
        after = MOVES[phase][event]
    except KeyError:
        raise IllegalMove(
            "expected an event that moves a {phase} delivery, got {event}", phase=phase, event=event
        ) from None
    if newer_waits and after in WAITING:
        return Phase.CANCELLED
    return after if is_sent_to or after is not Phase.PENDING else Phase.PARKED


def begin(beginning: Beginning) -> Phase:
    """The phase that a new delivery stands in."""
    return BEGINNINGS[beginning]


def is_final(phase: Phase) -> bool:
    """Whether no event can move a delivery out of this phase."""
    return not MOVES[phase]
