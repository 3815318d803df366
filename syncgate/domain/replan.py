"""What work a lane needs: its plan against the newest deliveries of its slots. Pure, and decided nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from syncgate.domain.delivery import MAYBE_SENT, OF_ITS_OWN, WAITING, Event, Phase
from syncgate.domain.plan import Message, OnChange, OnUnplanned, Planned
from syncgate.domain.rows import Change, Delivery

SlotName = tuple[str, str]
"""(message, part): a slot within its lane."""

WITHDRAWN: Final = "withdrawn"
SUPERSEDED: Final = "superseded"
CANCELLED_BY_HAND: Final = "cancelled_by_hand"
"""Reasons of a cancelled delivery."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot's deliveries, told apart.

    Attributes:
        newest: the one that counts when asking whether anything changed; None when none counts.
        waiting: the pending or parked one. maybe_sent: the one whose outcome is open.
        delivered: the newest that the system holds.
        own: the newest that the system holds of its own accord, where it came after what may be sent.
    """

    newest: Delivery | None = None
    waiting: Delivery | None = None
    maybe_sent: Delivery | None = None
    delivered: Delivery | None = None
    own: Delivery | None = None


@dataclass(frozen=True, slots=True)
class Queue:
    """A new delivery waits for this slot."""

    planned: Planned
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class Refresh:
    """The waiting delivery carries the new content from now on; a parked one becomes pending."""

    delivery: Delivery
    planned: Planned


@dataclass(frozen=True, slots=True)
class Cancel:
    """The waiting delivery is not needed any more."""

    delivery: Delivery
    event: Event


Decision = Queue | Refresh | Cancel


def slots_of(deliveries: Iterable[Delivery]) -> dict[SlotName, Slot]:
    """The slots of a lane, from its deliveries in the order of creation."""
    found: dict[SlotName, Slot] = {}
    for delivery in deliveries:
        name = (delivery.message, delivery.part)
        found[name] = _with(found.get(name, Slot()), delivery)
    return found


def _with(slot: Slot, delivery: Delivery) -> Slot:
    if delivery.phase is Phase.CANCELLED:
        counts = delivery.reason == CANCELLED_BY_HAND
        return replace(slot, newest=delivery) if counts else slot
    own = delivery if is_of_its_own(delivery) else slot.own
    return Slot(
        newest=delivery if slot.waiting is None else slot.waiting,
        waiting=delivery if delivery.phase in WAITING else slot.waiting,
        maybe_sent=delivery if delivery.phase in MAYBE_SENT else slot.maybe_sent,
        delivered=delivery if delivery.phase is Phase.DELIVERED else slot.delivered,
        own=None if delivery.phase in MAYBE_SENT else own,
    )


def is_of_its_own(delivery: Delivery) -> bool:
    """Whether the system holds this of its own accord: nothing was sent."""
    return delivery.phase is Phase.DELIVERED and delivery.reason in OF_ITS_OWN


def replan(
    wanted: Sequence[Planned],
    slots: Mapping[SlotName, Slot],
    messages: Mapping[str, Message],
) -> list[Decision]:
    """What must be done so that the lane's slots come to hold what is planned, and nothing else.

    Args:
        wanted: the plan, each slot's digest taken under the bundle that its newest delivery used.
        slots: what the lane has, as `slots_of` tells.
        messages: by name, for what a change and a retraction mean.
    """
    decisions: list[Decision] = []
    for planned in wanted:
        slot = slots.get((planned.message, planned.part), Slot())
        decisions += _for_wanted(planned, slot, messages[planned.message])
    names = {(planned.message, planned.part) for planned in wanted}
    for name, slot in slots.items():
        if name not in names:
            decisions += _for_unplanned(slot, messages.get(name[0]))
    return decisions


def _for_wanted(planned: Planned, slot: Slot, message: Message) -> list[Decision]:
    held, waiting, newest = _held(slot), slot.waiting, slot.newest
    is_held = held is not None and held.input_mac == planned.input_mac
    if waiting is not None:
        if is_held and _is_never_sent(waiting) and not _is_anew(waiting, held, planned):
            return [Cancel(waiting, Event.SUPERSEDED)]
        return [] if _carries(waiting, planned) else [Refresh(waiting, planned)]
    if is_held or (newest is not None and newest.phase is Phase.CANCELLED and _carries(newest, planned)):
        return []
    is_ignored = message.on_change is OnChange.IGNORE and held is not None and slot.maybe_sent is None
    return [] if is_ignored else [Queue(planned)]


def _for_unplanned(slot: Slot, message: Message | None) -> list[Decision]:
    waiting, newest = slot.waiting, slot.newest
    if newest is None or newest.change is Change.RETRACT:
        return []
    decisions: list[Decision] = [Cancel(waiting, Event.WITHDRAWN)] if waiting is not None else []
    may_hold = _held(slot) or (waiting if waiting is not None and not _is_never_sent(waiting) else None)
    if may_hold is not None and (message is None or message.on_unplanned is not OnUnplanned.IGNORE):
        decisions.append(Queue(_planned_of(may_hold), Change.RETRACT))
    return decisions


def _held(slot: Slot) -> Delivery | None:
    """What the system holds if all that is open arrives; None after a retraction.

    What it said itself while ours was under way counts: which of the two came last nobody knows.
    """
    held = (slot.maybe_sent and slot.own) or slot.maybe_sent or slot.delivered
    return None if held is None or held.change is Change.RETRACT else held


def _carries(delivery: Delivery, planned: Planned) -> bool:
    return delivery.change is not Change.RETRACT and delivery.input_mac == planned.input_mac


def _is_anew(waiting: Delivery, held: Delivery | None, planned: Planned) -> bool:
    """Whether a person has the same inputs sent again, mapped as another bundle maps them."""
    return held is not None and held.bundle != waiting.bundle and _carries(waiting, planned)


def _is_never_sent(delivery: Delivery) -> bool:
    return delivery.sent_mac is None and not delivery.is_other_sent


def _planned_of(delivery: Delivery) -> Planned:
    return Planned(
        message=delivery.message,
        part=delivery.part,
        part_no=delivery.part_no,
        input_mac=delivery.input_mac,
    )
