"""A lane and its deliveries as one thing: moves are collected, then written with their evidence and the due time.

Every flow that moves a delivery goes through here, so that a lane's due time always says what its heads say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from syncgate.domain.delivery import MOVES, WAITING, Event, Phase, advance
from syncgate.domain.errors import IllegalMove
from syncgate.domain.head import Heads, heads, polls
from syncgate.domain.holds import NO_HOLDS, LaneHolds, reaching
from syncgate.domain.modes import SET_ASIDE_BY_MODE
from syncgate.domain.observation import is_as_delivered
from syncgate.domain.plan import Message
from syncgate.domain.replan import SUPERSEDED, is_of_its_own
from syncgate.domain.retraction import TakesBack, is_needless, is_taken_back_later, takes_back_under
from syncgate.domain.row import replace
from syncgate.domain.rows import Attempt, AttemptKind, Change, Delivery, Lane
from syncgate.flows.reconciling.closing import close_repaired
from syncgate.ports import Tx


@dataclass(slots=True)
class LaneWork:
    """One lane under a step's transaction.

    Attributes:
        tx: the step's transaction.
        lane: the row as it will be written.
        deliveries: all of the lane, in the order of creation, as they are by now.
        messages: of the active bundle, in declared order; empty for a system without one.
        stored: the row as this step is known to have written it, where it is.
    """

    tx: Tx
    lane: Lane
    deliveries: list[Delivery]
    messages: tuple[Message, ...]
    stored: Lane | None = None
    _holds: LaneHolds | None = field(default=None, init=False)
    _takes_back: TakesBack | None = field(default=None, init=False)
    _heads: tuple[list[Delivery], int, str | None, Heads] | None = field(default=None, init=False)

    def delivery(self, delivery_id: UUID) -> Delivery | None:
        """The delivery as it is by now."""
        return next((d for d in self.deliveries if d.delivery_id == delivery_id), None)

    def move(self, delivery: Delivery, event: Event, *, reason: str | None = None, **changes: Any) -> Delivery:
        """Moves a delivery and writes it. Gives the row after the move.

        Args:
            delivery: as read in this step.
            event: what happened.
            reason: kept where the new phase is a waiting one; a cancelled one gets the event's name, and what would
                wait for a system that is sent nothing in its mode that mode's.
            **changes: other fields of the row.

        Raises:
            IllegalMove: the phase does not know the event, or the row was moved by somebody else meanwhile.
        """
        is_taken_back = is_taken_back_later(delivery, self.deliveries, self.takes_back)
        aside = self._set_aside(delivery.phase, event)
        newer_waits = is_taken_back or self.is_replaced(delivery)
        phase = advance(delivery.phase, event, newer_waits=newer_waits, is_sent_to=aside is None)
        after = replace(delivery, **_NOTHING_OBSERVED, **changes, phase=phase, changed_at=self.tx.now)
        if aside is not None and phase is Phase.PARKED:
            after, reason = replace(after, due_at=None, actor=_BY_A_PERSON, detail=""), aside
        ended = Event.WITHDRAWN if is_taken_back and event not in _CANCELS else event
        written = self.write(delivery, _settled(after, ended, reason))
        if written.phase is Phase.DELIVERED:
            close_repaired(self.tx, written, self.deliveries, self.takes_back)
        is_done = written.change is Change.RETRACT and written.phase in (Phase.DELIVERED, *WAITING)
        if written.phase is Phase.CANCELLED or is_done:
            self._drop_needless()
        return self.delivery(written.delivery_id) or written

    def set_aside(self, delivery: Delivery, mode: str, **changes: Any) -> Delivery:
        """Parks what waits, since nothing is sent in this mode. Gives the row after the move."""
        kept = {**changes, "due_at": None, "actor": _BY_A_PERSON}
        reason = SET_ASIDE_BY_MODE[mode]
        if delivery.phase is Phase.PENDING:
            return self.move(delivery, Event.SET_ASIDE, reason=reason, **kept)
        return self.write(delivery, replace(delivery, **kept, reason=reason, changed_at=self.tx.now))

    def _set_aside(self, phase: Phase, event: Event) -> str | None:
        """Why what would wait now does not: its system is sent nothing in its mode. None where it waits."""
        if MOVES[phase].get(event) is not Phase.PENDING:
            return None
        row = self.tx.system(self.lane.system)
        return None if row is None else SET_ASIDE_BY_MODE.get(row.mode)

    @property
    def takes_back(self) -> TakesBack:
        """What the lane's retractions take back."""
        if self._takes_back is None:
            self._takes_back = takes_back_under(self.messages)
        return self._takes_back

    def _drop_needless(self) -> None:
        """Cancels retractions that wait for what turned out never to be there: nothing is sent where nothing went."""
        for retraction in [d for d in self.deliveries if d.change is Change.RETRACT and d.phase in WAITING]:
            if is_needless(retraction, self.deliveries, self.takes_back):
                self.move(retraction, Event.WITHDRAWN)

    def write(self, before: Delivery, after: Delivery) -> Delivery:
        """Replaces a row. Raises IllegalMove when somebody else moved it meanwhile."""
        if not self.tx.save_delivery(after, before=before):
            raise IllegalMove("expected a delivery that is {phase}, got one moved meanwhile", phase=before.phase)
        self.deliveries = [after if d.delivery_id == after.delivery_id else d for d in self.deliveries]
        return after

    def note(self, delivery: Delivery, outcome: str, *, started_at: datetime | None = None, **more: Any) -> int:
        """Adds what the gate itself did to a delivery's history. Gives its `entries_count`, which the caller writes."""
        counted, attempt = noted(
            delivery,
            kind=AttemptKind.SYSTEM,
            outcome=str(outcome),
            actor="syncgate",
            at=self.tx.now,
            started_at=started_at,
            **more,
        )
        self.tx.insert_attempts([attempt])
        return counted.entries_count

    def add(self, delivery: Delivery) -> None:
        """Inserts a new delivery."""
        self.tx.insert_deliveries([delivery])
        self.deliveries.append(delivery)

    def heads(self) -> Heads:
        """What the lane offers now; worked out once until a delivery or what the lane waits for changes."""
        if self._holds is None:
            self._holds = holds_on(self.tx, self.lane)
        known, count, waits_for = self._heads, len(self.deliveries), self.lane.waits_for
        if known is not None and known[0] is self.deliveries and known[1:3] == (count, waits_for):
            return known[3]
        found = heads(self.deliveries, self.messages, now=self.tx.now, waits_for=waits_for, holds=self._holds)
        self._heads = (self.deliveries, count, waits_for, found)
        return found

    def leased(self, *, token: UUID, until: datetime, owner: str) -> None:
        """Notes a lease; written by `save`."""
        self.lane = replace(self.lane, lease_token=token, lease_until=until, lease_owner=owner)

    def released(self) -> None:
        """Notes the end of the lease; written by `save`."""
        self.lane = replace(self.lane, lease_token=None, lease_until=None, lease_owner=None, send_started_at=None)

    def save(self, *, expected_token: UUID | None) -> bool:
        """Writes the lane with its due time if the lease is still the expected one."""
        poll_at = polls(self.deliveries, now=self.tx.now).poll_at
        self.lane = replace(self.lane, due_at=self.heads().due_at, poll_at=poll_at)
        if self.lane == self.stored:
            return True
        return self.tx.save_lane(self.lane, expected_token=expected_token)

    def is_replaced(self, delivery: Delivery) -> bool:
        """Whether another stands in its place: one that waits, or a later one that the system has."""
        slot = [
            other
            for other in self.deliveries
            if other.delivery_id != delivery.delivery_id
            and (other.message, other.part) == (delivery.message, delivery.part)
        ]
        return any(other.phase in WAITING or _is_held_since(other, delivery) for other in slot)


def _is_held_since(other: Delivery, delivery: Delivery) -> bool:
    """Whether the system has a later one: of its own accord the same, or another that a person said is there."""
    if other.phase is not Phase.DELIVERED or other.created_at <= delivery.created_at:
        return False
    if is_of_its_own(other):
        is_same = (other.input_mac, other.bundle) == (delivery.input_mac, delivery.bundle)
        return is_same and is_as_delivered(other)
    return delivery.phase is not Phase.DELIVERED


def _settled(delivery: Delivery, event: Event, reason: str | None) -> Delivery:
    """The row made consistent with its new phase."""
    match delivery.phase:
        case Phase.CANCELLED:
            why = event.value if event in _CANCELS else SUPERSEDED
            return replace(delivery, **_NO_POLLS, lease_token=None, due_at=None, reason=why)
        case Phase.DELIVERED:
            said = event.value if event is Event.CONFIRMED_BY_HAND else None
            return replace(delivery, lease_token=None, due_at=None, reason=said, detail="", actor="")
        case Phase.IN_FLIGHT:
            none = {**_NO_POLLS, **_NO_MARKS}
            return replace(delivery, **none, due_at=None, reason=None, detail="", actor="", queued_at=None)
        case Phase.PARKED:
            return replace(delivery, **_NO_POLLS, lease_token=None, due_at=None, reason=reason or event.value)
        case Phase.PENDING | Phase.UNCONFIRMED:
            return replace(delivery, **_NO_POLLS, lease_token=None, reason=reason)
        case Phase.AWAITING:
            return replace(delivery, lease_token=None, reason=reason)


_BY_A_PERSON = "operator"
"""Who must act on what is set aside."""
_NO_POLLS: dict[str, Any] = {"poll_at": None, "watched_until": None}
"""Only what is awaiting or delivered is asked about."""
_NO_MARKS: dict[str, Any] = {"held_key": None, "held_mac": None}
"""What is sent next may be another content, and has its own once it may have left."""
_NOTHING_OBSERVED: dict[str, Any] = {"observed": None, "observed_at": None}
"""What was seen in the place of what was delivered is of no account once that has moved on."""
_CANCELS = frozenset({Event.WITHDRAWN, Event.SUPERSEDED, Event.CANCELLED_BY_HAND})


def noted(
    delivery: Delivery,
    *,
    kind: AttemptKind,
    outcome: str,
    actor: str,
    at: datetime,
    **more: Any,
) -> tuple[Delivery, Attempt]:
    """The next entry of a delivery's history, and the delivery that counts it."""
    entry_no = delivery.entries_count + 1
    attempt = Attempt(
        delivery_id=delivery.delivery_id,
        entry_no=entry_no,
        kind=kind,
        outcome=outcome,
        actor=actor,
        revision=delivery.revision,
        bundle=delivery.bundle,
        started_at=more.pop("started_at", at),
        ended_at=at,
        **more,
    )
    return replace(delivery, entries_count=entry_no), attempt


def holds_on(tx: Tx, lane: Lane) -> LaneHolds:
    """The holds that reach a lane; its case is read only where one asks for its item or source."""
    near = [hold for hold in tx.active_holds() if hold.system in (None, lane.system)]
    if not near:
        return NO_HOLDS
    is_about_case = any(hold.item is not None or hold.source is not None for hold in near)
    case = tx.case(lane.case_id) if is_about_case else None
    return reaching(near, lane.system, case)


def open_lane(tx: Tx, lane: Lane, messages: tuple[Message, ...]) -> LaneWork:
    """The lane with its deliveries as this transaction sees them."""
    return LaneWork(tx, lane, tx.deliveries(lane.case_id, lane.system), messages)
