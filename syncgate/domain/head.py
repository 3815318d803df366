"""Which delivery of a lane is next, and when the lane is due. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from syncgate.domain.delivery import MAYBE_SENT, Phase
from syncgate.domain.holds import NO_HOLDS, LaneHolds
from syncgate.domain.observation import is_gone
from syncgate.domain.plan import Message, NextAfter, PartOf
from syncgate.domain.replan import CANCELLED_BY_HAND, SlotName
from syncgate.domain.retraction import is_held_up, takes_back_under
from syncgate.domain.rows import Delivery

WAITS_FOR_REMOTE_REF: Final = "waits_for_remote_ref"
"""The reason of a pending delivery whose mapping needs another system's number."""


class Task(StrEnum):
    """What a head needs done."""

    SEND = "send"
    CONFIRM = "confirm"
    OVERDUE = "overdue"
    """Its acknowledgement never came; it becomes unconfirmed."""


@dataclass(frozen=True, slots=True)
class Head:
    """A delivery that is next in its lane, and what it needs."""

    delivery: Delivery
    task: Task


@dataclass(frozen=True, slots=True)
class Heads:
    """What a lane offers.

    Attributes:
        head: the one to take now; None when nothing is due.
        due_at: when the lane is due (past when `head` is set); None while nothing of it can become due by itself.
    """

    head: Head | None
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Polls:
    """What a lane's system is to be asked about.

    Attributes:
        due: what to ask about now, in the order of creation.
        poll_at: when something of the lane is asked about next (past when `due` holds any); None: nothing is.
    """

    due: tuple[Delivery, ...]
    poll_at: datetime | None


def heads(
    deliveries: Sequence[Delivery],
    messages: Sequence[Message],
    *,
    now: datetime,
    waits_for: str | None,
    holds: LaneHolds = NO_HOLDS,
) -> Heads:
    """The lane's next head and its due time.

    Due confirmations come first, then due pending deliveries whose slot has no maybe-sent one and whose
    predecessors are there, by message order, part, age (design §5, "Which head").

    Args:
        deliveries: all of the lane, in the order of creation.
        messages: of the active bundle, in declared order.
        now: the store's time.
        waits_for: the system whose number the lane waits for.
        holds: what keeps pending ones from being due; what is asked of the system goes on.
    """
    state = _State(deliveries, messages)
    open_ones = [(d, _task(d)) for d in deliveries if d.phase in (Phase.UNCONFIRMED, Phase.AWAITING)]
    sends = [(d, Task.SEND) for d in state.eligible()]
    timed = [(d, task, _due(d, waits_for, now, holds)) for d, task in [*open_ones, *sends]]
    times = [due for _, _, due in timed if due is not None]
    due = [Head(d, task) for d, task, at in timed if at is not None and at <= now]
    return Heads(due[0] if due else None, min(times, default=None))


def polls(deliveries: Sequence[Delivery], *, now: datetime) -> Polls:
    """What the lane's system is asked about, beside its heads: a question neither waits for a send nor holds one up.

    What is awaiting is asked about before its deadline, never after. What was delivered is asked about until its
    answer came at `watched_until`, and only while nothing was sent for its slot after it: from then on the system
    would answer about the other, also where it gave that one back.

    Args:
        deliveries: all of the lane, in the order of creation.
        now: the store's time.
    """
    timed = [(d, d.poll_at) for d in deliveries if d.poll_at is not None]
    asked = [(d, at) for d, at in timed if _is_asked_about(d, deliveries, at=max(at, now))]
    return Polls(tuple(d for d, at in asked if at <= now), min((at for _, at in asked), default=None))


def _is_asked_about(delivery: Delivery, deliveries: Sequence[Delivery], *, at: datetime) -> bool:
    if delivery.phase is Phase.AWAITING:
        return delivery.due_at is None or at < delivery.due_at
    if delivery.phase is not Phase.DELIVERED or delivery.watched_until is None:
        return False
    later = deliveries[deliveries.index(delivery) + 1 :]
    return not any((d.message, d.part) == (delivery.message, delivery.part) and _has_come_there(d) for d in later)


def _has_come_there(delivery: Delivery) -> bool:
    is_given_back = delivery.given_back_no is not None
    return is_given_back or delivery.phase in MAYBE_SENT | {Phase.DELIVERED} or delivery.sent_mac is not None


def blockers(delivery: Delivery, deliveries: Sequence[Delivery], messages: Sequence[Message]) -> list[Delivery]:
    """The deliveries that hold this one back, one a slot: why it waits."""
    return _State(deliveries, messages).blockers(delivery)


def _task(delivery: Delivery) -> Task:
    return Task.CONFIRM if delivery.phase is Phase.UNCONFIRMED else Task.OVERDUE


def _due(delivery: Delivery, waits_for: str | None, now: datetime, holds: LaneHolds) -> datetime | None:
    if delivery.phase is not Phase.PENDING:
        return delivery.due_at
    return holds.due(delivery.message, _due_unheld(delivery, waits_for, now))


def _due_unheld(delivery: Delivery, waits_for: str | None, now: datetime) -> datetime | None:
    if delivery.reason == WAITS_FOR_REMOTE_REF:
        return None if waits_for is not None else now
    return delivery.due_at


class _State:
    """The slots of a lane, as far as order needs them."""

    def __init__(self, deliveries: Sequence[Delivery], messages: Sequence[Message]) -> None:
        self._message_by_name = messages_by_name(messages)
        self._rank_by_name = {message.name: rank for rank, message in enumerate(messages)}
        self._by_slot: dict[SlotName, list[Delivery]] = {}
        self._has_legs = any(message.of is PartOf.LEG for message in messages)
        self._since_by_slot: dict[SlotName, datetime] = {}
        for delivery in deliveries:
            if self._has_legs:
                self._since_by_slot.setdefault((delivery.message, delivery.part), delivery.created_at)
            if delivery.phase is Phase.CANCELLED and delivery.reason != CANCELLED_BY_HAND:
                continue
            self._by_slot.setdefault((delivery.message, delivery.part), []).append(delivery)
        self._first_missing_by_name = self._first_missing()
        self._takes_back = takes_back_under(messages)
        self._open = [delivery for delivery in deliveries if delivery.phase in MAYBE_SENT]

    def _first_missing(self) -> dict[str, int]:
        """By message the lowest number of a part that is not there yet; messages that lack none are left out."""
        lowest: dict[str, int] = {}
        for (name, _), slot in self._by_slot.items():
            if not self._is_there(slot):
                lowest[name] = min(lowest.get(name, slot[0].part_no), slot[0].part_no)
        return lowest

    def eligible(self) -> list[Delivery]:
        """Pending deliveries that nothing holds back, in the declared order."""
        pending = [d for slot in self._by_slot.values() for d in slot if d.phase is Phase.PENDING]
        free = [d for d in pending if not self._is_slot_open(d) and self._is_free(d)]
        return sorted(free, key=self._rank)

    def _is_free(self, delivery: Delivery) -> bool:
        """Whether nothing holds it back: as `blockers`, without looking at every slot again for each delivery."""
        if self._has_legs:
            return not self.blockers(delivery)
        message = self._message_by_name.get(delivery.message)
        if message is None:
            return True
        missing = self._first_missing_by_name
        is_next = not message.is_ordered or missing.get(message.name, delivery.part_no) >= delivery.part_no
        return is_next and not any(name in missing for name in message.after if name != message.name)

    def blockers(self, delivery: Delivery) -> list[Delivery]:
        """The slots that are declared to come before and are not there, by their newest delivery."""
        message = self._message_by_name.get(delivery.message)
        if message is None:
            return []
        return [slot[-1] for slot in self._before(delivery, message) if not self._is_there(slot)]

    def _before(self, delivery: Delivery, message: Message) -> Iterable[list[Delivery]]:
        if self._has_legs:
            yield from self._before_in_legs(delivery, message)
            return
        for (name, part), slot in self._by_slot.items():
            if name == delivery.message and part != delivery.part:
                if message.is_ordered and slot[0].part_no < delivery.part_no:
                    yield slot
            elif name in message.after:
                yield slot

    def _before_in_legs(self, delivery: Delivery, message: Message) -> Iterable[list[Delivery]]:
        """As `_before`, where legs follow one another: a leg is closed before the next one begins."""
        for name, slot in self._by_slot.items():
            if name != (delivery.message, delivery.part) and self._comes_before(name, slot, delivery, message):
                yield slot

    def _comes_before(self, name: SlotName, slot: list[Delivery], delivery: Delivery, message: Message) -> bool:
        """Whether a slot comes before a delivery of another.

        A message of a leg comes after all of earlier legs, and after what it is declared to come after of its own.
        Between a leg and a stage it counts which leg the stage is of: one that was planned no later than the stage.
        """
        is_earlier = slot[0].part_no < delivery.part_no
        is_declared = name[0] in message.after and name[0] != message.name
        if self._is_of_leg(name[0]) and message.of is PartOf.LEG:
            return is_declared if name[1] == delivery.part else is_earlier and message.is_ordered
        since = self._since_by_slot[delivery.message, delivery.part]
        if self._is_of_leg(name[0]):
            return is_declared and self._since_by_slot[name] <= since
        if message.of is PartOf.LEG:
            return is_declared and not self._is_of_later_leg(name, delivery.part_no)
        return is_declared or (name[0] == message.name and message.is_ordered and is_earlier)

    def _is_of_later_leg(self, name: SlotName, leg_no: int) -> bool:
        legs = ((one, slot) for one, slot in self._by_slot.items() if self._is_of_leg(one[0]))
        later = (one for one, slot in legs if slot[0].part_no > leg_no)
        return any(self._since_by_slot[one] <= self._since_by_slot[name] for one in later)

    def _is_of_leg(self, name: str) -> bool:
        message = self._message_by_name.get(name)
        return message is not None and message.of is PartOf.LEG

    def _is_there(self, slot: Sequence[Delivery]) -> bool:
        phases = {d.phase for d in slot}
        if phases & {Phase.IN_FLIGHT, Phase.UNCONFIRMED}:
            return False
        message = self._message_by_name.get(slot[0].message)
        is_queued_enough = message is not None and message.next_after is NextAfter.QUEUED_THERE
        return self._is_delivered(slot) or (is_queued_enough and Phase.AWAITING in phases)

    @staticmethod
    def _is_delivered(slot: Sequence[Delivery]) -> bool:
        """Whether the newest that the system took is there still, as far as is known."""
        newest = next((d for d in reversed(slot) if d.phase is Phase.DELIVERED), None)
        return newest is not None and not is_gone(newest)

    def _is_slot_open(self, delivery: Delivery) -> bool:
        """Whether it waits for another of its slot, for what it takes back, or for what takes its slot back."""
        return bool(self._open) and is_held_up(delivery, self._open, self._takes_back)

    def _rank(self, delivery: Delivery) -> tuple[int, int, int]:
        rank = self._rank_by_name.get(delivery.message, len(self._rank_by_name))
        return (rank, delivery.part_no, delivery.version_no or 0)


def messages_by_name(messages: Iterable[Message]) -> Mapping[str, Message]:
    """The messages by name."""
    return {message.name: message for message in messages}
