"""Whatever a system that is also a source and another source say, in whatever order, while deliveries come and go.

The content of a slot is food's word and the window's word. The model plays food, which alone knows what it holds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from syncgate.domain.delivery import MAYBE_SENT, MOVES, WAITING, Event, Phase, advance, begin
from syncgate.domain.holding import UNTOLD, Saying, hold_said
from syncgate.domain.plan import OnChange, Planned
from syncgate.domain.replan import Cancel, Queue, Refresh, SlotName, is_of_its_own, replan, slots_of
from syncgate.domain.rows import Delivery
from tests.support.properties import examples
from tests.unit.domain.samples import a_message, a_row, planned

SLOTS: list[SlotName] = [("application", ""), ("step", "s1")]
MESSAGES = {name: a_message(name, on_change=OnChange.UPDATE) for name in ("application", "step")}
BUNDLE = a_row().bundle
ARRIVES = {Event.TAKEN, Event.QUEUED_THERE}
MAY_HAVE_ARRIVED = {Event.UNKNOWN, Event.DUPLICATE, Event.EXPIRED_SENT, Event.RESTORED}
BEHIND_NOTHING_OPEN = {Event.CLAIMED, Event.RESTORED}
"""Nothing may be sent in its slot when a waiting delivery is sent, or was perhaps sent since a backup."""
KNOWN_THERE = {Event.FOUND, Event.CONFIRMED_BY_HAND}
KNOWN_ABSENT = {Event.ABSENT, Event.ABSENT_BY_HAND}
OUT_OF_MODEL = {Event.WITHDRAWN, Event.SUPERSEDED, Event.RETURNED, Event.CANCELLED_BY_HAND, Event.REFUSED}

Words = dict[SlotName, str]
_slots = st.sampled_from(SLOTS)
_words = st.sampled_from("AB")


def mac(foods: str, ours: str) -> bytes:
    return f"{foods}/{ours}".encode()


def slot_of(delivery: Delivery) -> SlotName:
    return delivery.message, delivery.part


class Histories(RuleBasedStateMachine):
    """food's lane with two slots."""

    @initialize(is_foods_first=st.booleans())
    def begin(self, is_foods_first: bool) -> None:
        self.rows: list[Delivery] = []
        self.foods: Words = {}
        self.current: Words = {}
        """food's share of the case as it is now: its own word, or the one that the window put in its place."""
        self.ours: Words = {}
        self.held: dict[SlotName, bytes] = {}
        self.arrived: set[UUID] = set()
        if is_foods_first:
            self.food_says(SLOTS[0], "A")
        else:
            self.window_says(SLOTS[0], "A")

    @rule(slot=_slots, word=_words)
    def window_says(self, slot: SlotName, word: str) -> None:
        self.ours[slot] = word
        self._replan()

    @precondition(lambda self: self.current)
    @rule(data=st.data(), word=_words)
    def window_corrects_what_food_said(self, data: st.DataObject, word: str) -> None:
        self.current[data.draw(st.sampled_from(sorted(self.current)))] = word
        self._replan()

    @rule(slot=_slots, word=_words)
    def food_says(self, slot: SlotName, word: str) -> None:
        """food types its word over what it holds in the slot, and posts all its words."""
        before, was = self._plan(), dict(self.foods)
        is_new = self.foods.get(slot) != word
        self.foods[slot] = word
        self.current |= self.foods
        if is_new:
            ours = self.held.get(slot, b"/").decode().split("/")[1]
            self.held[slot] = mac(word, ours)
        holds = hold_said(
            Saying(
                said=_planned({s: mac(w, "") for s, w in self.foods.items()}),
                said_before=_planned({s: mac(w, "") for s, w in was.items()}),
                planned=_planned(self._plan()),
                planned_before=_planned(before),
                said_then=_planned({s: mac(w, "") for s, w in was.items()}),
                bundle=BUNDLE,
                is_whole=True,
            ),
            slots_of(self.rows),
        )
        assert {(hold.planned.message, hold.planned.part) for hold in holds} <= ({slot} if is_new else set())
        for hold in holds:
            if hold.replaces is not None:
                self._write(hold.replaces, phase=advance(hold.replaces.phase, Event.SUPERSEDED), reason="superseded")
            self.rows.append(_row(begin(hold.beginning), hold.planned, reason=hold.beginning.value))
            assert hold.planned.input_mac in (UNTOLD, self.held[slot]), "what is written down is what food holds"
        self._replan()

    @precondition(lambda self: any(self._events(row) for row in self.rows))
    @rule(data=st.data())
    def move(self, data: st.DataObject) -> None:
        row = data.draw(st.sampled_from([row for row in self.rows if self._events(row)]))
        self._move(row, data.draw(st.sampled_from(self._events(row))), arrives=data.draw(st.booleans()))

    @invariant()
    def at_most_one_waits_and_at_most_one_may_be_sent(self) -> None:
        for slot in SLOTS:
            phases = [row.phase for row in self.rows if slot_of(row) == slot]
            assert sum(phase in WAITING for phase in phases) <= 1
            assert sum(phase in MAYBE_SENT for phase in phases) <= 1

    def teardown(self) -> None:
        """Once everything is sent and answered, food holds what is planned."""
        if not hasattr(self, "rows"):
            return
        while open_rows := [row for row in self.rows if row.phase in WAITING | MAYBE_SENT]:
            self._settle(min(open_rows, key=lambda row: row.phase in WAITING))
        assert self.held == self._plan()

    def _plan(self) -> dict[SlotName, bytes]:
        return {
            slot: mac(self.current.get(slot, ""), self.ours.get(slot, ""))
            for slot in SLOTS
            if slot in self.current or slot in self.ours
        }

    def _replan(self) -> None:
        for decision in replan(list(_planned(self._plan()).values()), slots_of(self.rows), MESSAGES):
            match decision:
                case Queue(p, change):
                    self.rows.append(_row(Phase.PENDING, p, change=change))
                case Refresh(row, p):
                    phase = advance(row.phase, Event.REQUEUED) if row.phase is Phase.PARKED else row.phase
                    self._write(row, phase=phase, input_mac=p.input_mac, change=None)
                case Cancel(row, event):
                    self._write(row, phase=advance(row.phase, event), reason=event.value)

    def _settle(self, row: Delivery) -> None:
        match row.phase:
            case Phase.PARKED:
                self._move(row, Event.REQUEUED)
            case Phase.PENDING:
                self._move(row, Event.CLAIMED)
            case Phase.UNCONFIRMED:
                self._move(row, self._look_up(row))
            case _:
                self._move(row, Event.TAKEN)

    def _look_up(self, row: Delivery) -> Event:
        """What food shows: this content, another one in its place, or that it never came."""
        if self.held.get(slot_of(row)) == row.input_mac:
            return Event.FOUND
        return Event.FOUND_DIFFERENT if row.delivery_id in self.arrived else Event.ABSENT

    def _events(self, row: Delivery) -> list[Event]:
        possible = [event for event in MOVES[row.phase] if event not in OUT_OF_MODEL]
        slot = [other.phase for other in self.rows if slot_of(other) == slot_of(row)]
        if any(phase in MAYBE_SENT for phase in slot):
            possible = [event for event in possible if row.phase not in WAITING or event not in BEHIND_NOTHING_OPEN]
        shown = self._look_up(row)
        wrong = (KNOWN_THERE | KNOWN_ABSENT | {Event.FOUND_DIFFERENT}) - _agreeing(shown)
        return [event for event in possible if event not in wrong]

    def _move(self, row: Delivery, event: Event, *, arrives: bool = False) -> None:
        if event is Event.CLAIMED:
            self._refuse_a_second_record(row)
        is_sent = row.phase is Phase.IN_FLIGHT or event is Event.RESTORED
        if is_sent and (event in ARRIVES or (event in MAY_HAVE_ARRIVED and arrives)):
            self.arrived.add(row.delivery_id)
            self.held[slot_of(row)] = row.input_mac
        phase = advance(row.phase, event, newer_waits=self._is_replaced(row))
        changes: dict[str, Any] = {"phase": phase, "reason": "superseded" if phase is Phase.CANCELLED else None}
        if event in ARRIVES | MAY_HAVE_ARRIVED:
            changes["sent_mac"] = row.input_mac
        elif event in KNOWN_ABSENT:
            changes["sent_mac"] = None
        if phase is Phase.PARKED:
            changes["reason"] = "correction_not_taken"
        self._write(row, **changes)

    def _refuse_a_second_record(self, row: Delivery) -> None:
        is_creation = not any(o.phase is Phase.DELIVERED for o in self.rows if slot_of(o) == slot_of(row))
        assert not (is_creation and slot_of(row) in self.foods), "what food made itself is never made again"

    def _is_replaced(self, row: Delivery) -> bool:
        """As a lane's moves know it."""
        later = False
        for other in self.rows:
            if other.delivery_id == row.delivery_id:
                later = True
            elif slot_of(other) == slot_of(row) and (
                other.phase in WAITING or (later and self._is_held_since(other, row))
            ):
                return True
        return False

    @staticmethod
    def _is_held_since(other: Delivery, row: Delivery) -> bool:
        if is_of_its_own(other):
            return other.input_mac == row.input_mac
        return other.phase is Phase.DELIVERED and row.phase is not Phase.DELIVERED

    def _write(self, row: Delivery, **changes: Any) -> None:
        after = replace(row, **changes)
        self.rows = [after if each.delivery_id == row.delivery_id else each for each in self.rows]


def _agreeing(shown: Event) -> set[Event]:
    if shown is Event.FOUND:
        return KNOWN_THERE
    return KNOWN_ABSENT if shown is Event.ABSENT else {shown}


def _planned(plan: dict[SlotName, bytes]) -> dict[SlotName, Planned]:
    return {
        slot: planned(digest, message=slot[0], part=slot[1], part_no=SLOTS.index(slot) + 1)
        for slot, digest in plan.items()
    }


def _row(phase: Phase, p: Planned, **changes: Any) -> Delivery:
    return a_row(phase, p.input_mac, message=p.message, part=p.part, part_no=p.part_no, **changes)


TestHistories = Histories.TestCase
TestHistories.settings = examples(100)
