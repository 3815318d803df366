"""Whatever happens to a lane whose messages share one retraction: no lost one, no second one, none of nothing.

The model carries decisions out as a lane does, and plays the system, which alone knows what it holds.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from syncgate.domain.delivery import MAYBE_SENT, MOVES, WAITING, Event, Phase, advance
from syncgate.domain.plan import Message, OnChange, OnUnplanned, Planned
from syncgate.domain.replan import Cancel, Decision, Queue, Refresh, SlotName, replan, slots_of
from syncgate.domain.retraction import (
    is_held_up,
    is_needless,
    is_overtaken,
    is_taken_back_later,
    takes_back_under,
)
from syncgate.domain.rows import Change, Delivery
from tests.support.properties import examples
from tests.unit.domain.samples import NOW, a_message, a_row, planned

SLOTS: list[SlotName] = [("application", ""), ("step", "s1"), ("step", "s2")]
VOIDED: SlotName = ("voided", "")
MESSAGES: dict[str, Message] = {
    **{
        name: a_message(name, on_change=OnChange.UPDATE, on_unplanned=OnUnplanned.RETRACT, retraction="voided")
        for name in ("application", "step")
    },
    "voided": a_message("voided", exists=lambda case, part: False),
}
TAKES_BACK = takes_back_under(MESSAGES.values())
ARRIVES = {Event.TAKEN, Event.QUEUED_THERE}
MAY_HAVE_ARRIVED = {Event.UNKNOWN, Event.DUPLICATE, Event.EXPIRED_SENT, Event.RESTORED}
BEHIND_NOTHING_OPEN = {Event.CLAIMED, Event.RESTORED}
"""Nothing that holds it up may be sent when a waiting delivery is sent, or was perhaps sent since a backup."""
KNOWN_ABSENT = {Event.ABSENT, Event.ABSENT_BY_HAND}
KNOWN_THERE = {Event.FOUND, Event.CONFIRMED_BY_HAND}
OUT_OF_MODEL = {
    Event.WITHDRAWN,
    Event.SUPERSEDED,
    Event.FOUND_DIFFERENT,
    Event.RETURNED,
    Event.CANCELLED_BY_HAND,
}
Plan = dict[SlotName, bytes]
_plans = st.fixed_dictionaries(dict.fromkeys(SLOTS, st.sampled_from([None, b"A", b"B"]))).map(
    lambda macs: {slot: mac for slot, mac in macs.items() if mac is not None}
)


def slot_of(delivery: Delivery) -> SlotName:
    return delivery.message, delivery.part


def is_once(delivery: Delivery) -> bool:
    return slot_of(delivery) == VOIDED


class Retractions(RuleBasedStateMachine):
    """One lane with three slots, all taken back by one retraction of the case."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Delivery] = []
        self.held: dict[SlotName, bytes] = {}
        self.arrived: set[UUID] = set()
        self.plan: Plan = {}
        self.made_count = 0
        self.sent_since: set[SlotName] = set()
        """Slots of which bytes left after the last retraction was taken."""

    @initialize(plan=_plans)
    def begin(self, plan: Plan) -> None:
        self.change_plan(plan)

    @rule(plan=_plans)
    def change_plan(self, plan: Plan) -> None:
        self.plan = plan
        self._carry_out(self._decisions())
        assert self._decisions() == [], "a second replan of the same finds nothing to do"

    @rule()
    def withdraw(self) -> None:
        self.change_plan({})

    @precondition(lambda self: bool(self._unsettled()))
    @rule(count=st.integers(1, 6))
    def proceed(self, count: int) -> None:
        """Things go as they should for a while, so that long histories are not rare."""
        for _ in range(count):
            if unsettled := self._unsettled():
                self._settle(min(unsettled, key=lambda row: row.phase in WAITING))

    @precondition(lambda self: any(self._events(row) for row in self.rows))
    @rule(data=st.data())
    def move(self, data: st.DataObject) -> None:
        row = data.draw(st.sampled_from([row for row in self.rows if self._events(row)]))
        self._move(row, data.draw(st.sampled_from(self._events(row))), arrives=data.draw(st.booleans()))

    @invariant()
    def at_most_one_waits_and_at_most_one_may_be_sent(self) -> None:
        for slot in [*SLOTS, VOIDED]:
            phases = [row.phase for row in self.rows if slot_of(row) == slot]
            assert sum(phase in WAITING for phase in phases) <= 1
            assert sum(phase in MAYBE_SENT for phase in phases) <= 1

    @invariant()
    def nothing_is_under_way_together_with_what_takes_it_back(self) -> None:
        under_way = [row for row in self.rows if row.phase in MAYBE_SENT]
        assert len(under_way) <= 1 or not any(map(is_once, under_way))

    def teardown(self) -> None:
        """Once everything is sent and answered, what is planned is held, and of what is not every record taken back,
        unless a person was told."""
        while unsettled := self._unsettled():
            self._settle(min(unsettled, key=lambda row: row.phase in WAITING))
        for slot in SLOTS:
            held, wanted = self.held.get(slot), self.plan.get(slot)
            is_left = held is not None and wanted is None and bool(self.plan)
            told = [row for row in self.rows if row.phase is Phase.PARKED and row.change is Change.RETRACT]
            assert held == wanted or (is_left and told), (slot, held, wanted)

    def _unsettled(self) -> list[Delivery]:
        return [row for row in self.rows if row.phase in WAITING | MAYBE_SENT and not self._is_told(row)]

    def _is_told(self, row: Delivery) -> bool:
        return row.phase is Phase.PARKED and self._is_never_sent(row)

    def _is_never_sent(self, row: Delivery) -> bool:
        if row.change is not Change.RETRACT:
            return False
        return not is_once(row) or is_overtaken(row, self.rows, TAKES_BACK)

    def _settle(self, row: Delivery) -> None:
        is_there = row.delivery_id in self.arrived
        match row.phase:
            case Phase.PARKED:
                self._move(row, Event.REQUEUED)
            case Phase.PENDING:
                self._move(row, Event.CLAIMED)
            case Phase.UNCONFIRMED:
                self._move(row, Event.FOUND if is_there else Event.ABSENT)
            case _:
                self._move(row, Event.REFUSED if self._is_never_sent(row) else Event.TAKEN)

    def _decisions(self) -> list[Decision]:
        wanted = [
            planned(mac, message=slot[0], part=slot[1], part_no=SLOTS.index(slot) + 1)
            for slot, mac in self.plan.items()
        ]
        return replan(wanted, slots_of(self.rows, TAKES_BACK), MESSAGES, lambda name: self._voided())

    def _voided(self) -> Planned:
        return planned(b"V", message="voided")

    def _carry_out(self, decisions: list[Decision]) -> None:
        for decision in decisions:
            match decision:
                case Queue(p, change):
                    self._add(p, change)
                case Refresh(row, p, change) if row in self.rows:
                    phase = advance(row.phase, Event.REQUEUED) if row.phase is Phase.PARKED else row.phase
                    self._write(row, phase=phase, input_mac=p.input_mac, change=change)
                case Cancel(row, event) if row in self.rows:
                    self._write(row, phase=advance(row.phase, event), reason=event.value)
                    self._drop_needless()

    def _add(self, p: Planned, change: Change | None) -> None:
        self.made_count += 1
        at = NOW + timedelta(seconds=self.made_count)
        made = a_row(Phase.PENDING, p.input_mac, message=p.message, part=p.part, change=change, created_at=at)
        self.rows.append(made)

    def _events(self, row: Delivery) -> list[Event]:
        possible = [e for e in MOVES[row.phase] if e not in OUT_OF_MODEL]
        if is_held_up(row, [other for other in self.rows if other is not row], TAKES_BACK):
            possible = [e for e in possible if row.phase not in WAITING or e not in BEHIND_NOTHING_OPEN]
        if self._is_never_sent(row):
            possible = [e for e in possible if row.phase is not Phase.IN_FLIGHT or e is Event.REFUSED]
        if row.delivery_id in self.arrived:
            return [e for e in possible if e not in KNOWN_ABSENT | {Event.REFUSED}]
        return [e for e in possible if e not in KNOWN_THERE]

    def _move(self, row: Delivery, event: Event, *, arrives: bool = False) -> None:
        is_sent = row.phase is Phase.IN_FLIGHT or (event is Event.RESTORED and not self._is_never_sent(row))
        if is_sent and event in ARRIVES | MAY_HAVE_ARRIVED:
            self._leaves(row, arrives=event in ARRIVES or arrives)
        is_content = row.change is not Change.RETRACT
        assert event is not Event.CLAIMED or not is_content or slot_of(row) in self.plan, "sent though nobody wants it"
        is_taken_back = is_taken_back_later(row, self.rows, TAKES_BACK)
        waits = any(o.phase in WAITING and o is not row and slot_of(o) == slot_of(row) for o in self.rows)
        phase = advance(row.phase, event, newer_waits=waits or is_taken_back)
        changes: dict[str, Any] = {"phase": phase, "reason": None if phase is not Phase.CANCELLED else "superseded"}
        if event in ARRIVES | MAY_HAVE_ARRIVED:
            changes["sent_mac"] = row.input_mac
        elif event in KNOWN_ABSENT:
            changes["sent_mac"] = None
        self._write(row, **changes)
        if phase is Phase.CANCELLED or (row.change is Change.RETRACT and phase is Phase.DELIVERED):
            self._drop_needless()

    def _leaves(self, row: Delivery, *, arrives: bool) -> None:
        assert not self._is_never_sent(row)
        if row.change is Change.RETRACT:
            assert self.sent_since, "a retraction where nothing went since the last one"
        else:
            self.sent_since.add(slot_of(row))
        if not arrives:
            return
        self.arrived.add(row.delivery_id)
        if row.change is Change.RETRACT:
            self.held.clear()
            self.sent_since.clear()
        else:
            self.held[slot_of(row)] = row.input_mac

    def _drop_needless(self) -> None:
        for row in [row for row in self.rows if row.change is Change.RETRACT and row.phase in WAITING]:
            if is_needless(row, self.rows, TAKES_BACK):
                self._write(row, phase=advance(row.phase, Event.WITHDRAWN), reason="withdrawn")

    def _write(self, row: Delivery, **changes: Any) -> None:
        after = replace(row, **changes)
        self.rows = [after if each.delivery_id == row.delivery_id else each for each in self.rows]


TestRetractions = Retractions.TestCase
TestRetractions.settings = examples(150)
