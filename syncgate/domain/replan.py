"""What work a lane needs: its plan against the newest deliveries of its slots. Pure, and decided nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from syncgate.domain.delivery import MAYBE_SENT, OF_ITS_OWN, WAITING, Event, Phase
from syncgate.domain.observation import is_as_delivered, is_gone, took_nothing_back, with_untold_content
from syncgate.domain.plan import Message, OnChange, OnUnplanned, Planned
from syncgate.domain.retraction import TakesBack
from syncgate.domain.rows import Change, Delivery

OPEN: Final = WAITING | MAYBE_SENT
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
        delivered: the newest that the system took; None where it was seen to hold it no more.
        own: the newest that the system holds of its own accord, where it came after what may be sent.
        message: whose slot it is.
    """

    newest: Delivery | None = None
    waiting: Delivery | None = None
    maybe_sent: Delivery | None = None
    delivered: Delivery | None = None
    own: Delivery | None = None
    message: str = field(default="", compare=False)

    def is_own(self, delivery: Delivery) -> bool:
        """Whether the delivery is of this very slot, and not a retraction of the case that stands in it."""
        return delivery.message == self.message


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
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """The waiting delivery is not needed any more."""

    delivery: Delivery
    event: Event


Decision = Queue | Refresh | Cancel


def _of_its_slot(_: Delivery) -> frozenset[str]:
    """What retractions take back where nothing says that one is of the whole case."""
    return frozenset()


def slots_of(deliveries: Iterable[Delivery], takes_back: TakesBack = _of_its_slot) -> dict[SlotName, Slot]:
    """The slots of a lane, from its deliveries in the order of creation.

    A retraction of the case stands in every slot that it takes back, from when it may be sent on. After one that was
    seen to have taken nothing back, the slot holds something still, whatever it is.

    Args:
        deliveries: all of the lane.
        takes_back: what retractions of the case take back.
    """
    found: dict[SlotName, Slot] = {}
    for delivery in deliveries:
        own = (delivery.message, delivery.part)
        names = takes_back(delivery) if delivery.change is Change.RETRACT else frozenset()
        if took_nothing_back(delivery):
            found |= {name: _still_held(slot) for name, slot in found.items() if name == own or name[0] in names}
            continue
        found[own] = _with(found.get(own, Slot(message=delivery.message)), delivery)
        if delivery.change is Change.RETRACT and delivery.phase not in WAITING:
            found |= {name: _with(slot, delivery) for name, slot in found.items() if name[0] in names}
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
        delivered=_unless_gone(delivery) if delivery.phase is Phase.DELIVERED else slot.delivered,
        own=None if delivery.phase in MAYBE_SENT or own is None else _unless_gone(own),
        message=slot.message,
    )


def _still_held(slot: Slot) -> Slot:
    delivered = slot.delivered
    is_content = delivered is not None and delivered.change is not Change.RETRACT
    return replace(slot, delivered=with_untold_content(delivered)) if delivered is not None and is_content else slot


def _unless_gone(delivery: Delivery) -> Delivery | None:
    return None if is_gone(delivery) else delivery


def is_of_its_own(delivery: Delivery) -> bool:
    """Whether the system holds this of its own accord: nothing was sent."""
    return delivery.phase is Phase.DELIVERED and delivery.reason in OF_ITS_OWN


def replan(
    wanted: Sequence[Planned],
    slots: Mapping[SlotName, Slot],
    messages: Mapping[str, Message],
    retraction: Callable[[str], Planned] | None = None,
    still: Callable[[], Collection[str]] | None = None,
) -> list[Decision]:
    """What must be done so that the lane's slots come to hold what is planned, and nothing else.

    Args:
        wanted: the plan, each slot's digest taken under the bundle that its newest delivery used.
        slots: what the lane has, as `slots_of` tells.
        messages: by name, for what a change and a retraction mean.
        retraction: the slot of the case's one retraction of that name, its digest likewise.
        still: names of the messages of the whole plan, where `wanted` is a part of it; asked only if it matters.
    """
    decisions: list[Decision] = []
    for planned in wanted:
        slot = slots.get((planned.message, planned.part), Slot())
        decisions += _for_wanted(planned, slot, messages[planned.message])
    names = {(planned.message, planned.part) for planned in wanted}
    by_retraction: dict[str, list[Slot]] = {}
    for name, slot in slots.items():
        if name in names:
            continue
        message = messages.get(name[0])
        if message is None or message.retraction is None:
            decisions += _for_unplanned(slot, message)
        else:
            by_retraction.setdefault(message.retraction, []).append(slot)
    for once in dict.fromkeys(message.retraction for message in messages.values()):
        if once is None:
            continue
        unplanned, waiting = by_retraction.get(once, []), _waiting_in(slots, once)
        if not unplanned and waiting is None:
            continue
        names_planned = {planned.message for planned in wanted} if still is None else still()
        if any(messages[name].retraction == once for name in names_planned if name in messages):
            decisions += _each_by_itself(unplanned, waiting)
        elif unplanned:
            assert retraction is not None
            decisions += _once_for_the_case(unplanned, waiting, partial(retraction, once))
    return decisions


def _waiting_in(slots: Mapping[SlotName, Slot], message: str) -> Delivery | None:
    return next((slot.waiting for name, slot in slots.items() if name[0] == message and slot.waiting), None)


def _once_for_the_case(
    unplanned: Iterable[Slot], waiting: Delivery | None, planned: Callable[[], Planned]
) -> list[Decision]:
    """One retraction for all of these slots, if any may hold something that no retraction has taken back.

    One that was made before something was sent again of what it takes back gives way to a new one.
    """
    decisions: list[Decision] = []
    is_needed = False
    for slot in unplanned:
        if slot.waiting is not None:
            is_retraction = slot.waiting.change is Change.RETRACT
            decisions.append(Cancel(slot.waiting, Event.SUPERSEDED if is_retraction else Event.WITHDRAWN))
        is_needed = is_needed or _is_to_be_taken_back(slot)
    if waiting is not None and not _is_overtaken(waiting, unplanned):
        now = planned()
        is_same = waiting.input_mac == now.input_mac
        return decisions if is_same else [*decisions, Refresh(waiting, now, Change.RETRACT)]
    if waiting is not None:
        decisions.append(Cancel(waiting, Event.SUPERSEDED))
    return [*decisions, Queue(planned(), Change.RETRACT)] if is_needed else decisions


def _each_by_itself(unplanned: Iterable[Slot], waiting: Delivery | None) -> list[Decision]:
    """A retraction in each of these slots, none of which is ever sent: the case's one would take back too much."""
    decisions: list[Decision] = [] if waiting is None else [Cancel(waiting, Event.SUPERSEDED)]
    for slot in unplanned:
        decisions += _taken_back(slot)
    return decisions


def _is_overtaken(retraction: Delivery, slots: Iterable[Slot]) -> bool:
    return any(slot.newest is not None and slot.newest.created_at > retraction.created_at for slot in slots)


def _is_to_be_taken_back(slot: Slot) -> bool:
    """Whether it may hold something that no retraction takes back: one of the slot itself is never sent."""
    newest = slot.newest
    if newest is None or (newest.change is Change.RETRACT and not _is_never_to_be_sent(slot, newest)):
        return False
    maybe_sent = slot.maybe_sent
    if maybe_sent is not None and _is_never_to_be_sent(slot, maybe_sent):
        slot = replace(slot, maybe_sent=None)
    return what_may_be_held(slot) is not None


def _is_never_to_be_sent(slot: Slot, delivery: Delivery) -> bool:
    return delivery.change is Change.RETRACT and delivery.phase in OPEN and slot.is_own(delivery)


def _for_wanted(planned: Planned, slot: Slot, message: Message) -> list[Decision]:
    held, waiting, newest = _held(slot), slot.waiting, slot.newest
    is_held = held is not None and is_as_delivered(held) and held.input_mac == planned.input_mac
    if waiting is not None:
        if is_held and waiting.is_never_sent and not _is_anew(waiting, held, planned):
            return [Cancel(waiting, Event.SUPERSEDED)]
        if _carries(waiting, planned):
            return []
        if _is_taken_back_since(slot, waiting):
            return [Cancel(waiting, Event.SUPERSEDED), Queue(planned)]
        return [Refresh(waiting, planned)]
    if is_held or (newest is not None and newest.phase is Phase.CANCELLED and _carries(newest, planned)):
        return []
    is_ignored = message.on_change is OnChange.IGNORE and held is not None and slot.maybe_sent is None
    return [] if is_ignored else [Queue(planned)]


def _for_unplanned(slot: Slot, message: Message | None) -> list[Decision]:
    decisions = _taken_back(slot)
    is_ignored = message is not None and message.on_unplanned is OnUnplanned.IGNORE
    return [decision for decision in decisions if isinstance(decision, Cancel)] if is_ignored else decisions


def _taken_back(slot: Slot) -> list[Decision]:
    """What waits is cancelled; what may be held is taken back in the slot itself, once."""
    waiting, newest = slot.waiting, slot.newest
    if newest is None or newest.change is Change.RETRACT:
        return []
    decisions: list[Decision] = [Cancel(waiting, Event.WITHDRAWN)] if waiting is not None else []
    may_hold = what_may_be_held(slot)
    return decisions if may_hold is None else [*decisions, Queue(_planned_of(may_hold), Change.RETRACT)]


def what_may_be_held(slot: Slot) -> Delivery | None:
    """What of the slot the system may hold, as far as is known now; None where it surely holds nothing of it."""
    waiting = slot.waiting
    is_content = waiting is not None and waiting.change is not Change.RETRACT
    return _held(slot) or (waiting if waiting is not None and is_content and not waiting.is_never_sent else None)


def _held(slot: Slot) -> Delivery | None:
    """What the system holds if all that is open arrives; None after a retraction.

    What it said itself while ours was under way counts: which of the two came last nobody knows.
    """
    if slot.maybe_sent is not None and _is_left_behind(slot.maybe_sent, slot.delivered):
        slot = replace(slot, maybe_sent=None)
    held = (slot.maybe_sent and slot.own) or slot.maybe_sent or slot.delivered
    return None if held is None or held.change is Change.RETRACT else held


def _is_left_behind(retraction: Delivery, delivered: Delivery | None) -> bool:
    """Whether something was delivered after a retraction was made: nothing is while one may be sent, so it is not."""
    is_later = delivered is not None and delivered.created_at > retraction.created_at
    return retraction.change is Change.RETRACT and is_later


def _carries(delivery: Delivery, planned: Planned) -> bool:
    return delivery.change is not Change.RETRACT and delivery.input_mac == planned.input_mac


def _is_anew(waiting: Delivery, held: Delivery | None, planned: Planned) -> bool:
    """Whether a person has the same inputs sent again, mapped as another bundle maps them."""
    return held is not None and held.bundle != waiting.bundle and _carries(waiting, planned)


def _is_taken_back_since(slot: Slot, waiting: Delivery) -> bool:
    """Whether a retraction came after what waits was made: what is sent after it must be seen to be newer."""
    others = (slot.maybe_sent, slot.delivered)
    return any(o is not None and o.change is Change.RETRACT and o.created_at > waiting.created_at for o in others)


def _planned_of(delivery: Delivery) -> Planned:
    return Planned(
        message=delivery.message,
        part=delivery.part,
        part_no=delivery.part_no,
        input_mac=delivery.input_mac,
    )
