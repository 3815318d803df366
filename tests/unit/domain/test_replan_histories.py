"""Whatever happens to a lane: plans come and go, deliveries move, answers get lost, people cancel.

The model carries decisions out on plain rows and plays the system, which alone knows what it holds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from syncgate.domain.delivery import MAYBE_SENT, MOVES, WAITING, Event, Phase, advance
from syncgate.domain.plan import OnChange, OnUnplanned, Planned
from syncgate.domain.replan import Cancel, Decision, Queue, Refresh, SlotName, replan, slots_of
from syncgate.domain.rows import Change, Delivery, Observed
from tests.support.properties import examples
from tests.unit.domain.samples import a_message, a_row, planned

SLOTS: list[SlotName] = [("application", ""), ("step", "s1"), ("step", "s2")]
ARRIVES = {Event.TAKEN, Event.QUEUED_THERE}
MAY_HAVE_ARRIVED = {Event.UNKNOWN, Event.DUPLICATE, Event.EXPIRED_SENT, Event.RESTORED}
BEHIND_NOTHING_OPEN = {Event.CLAIMED, Event.RESTORED}
"""Nothing may be sent in its slot when a waiting delivery is sent, or was perhaps sent since a backup."""
KNOWN_ABSENT = {Event.ABSENT, Event.ABSENT_BY_HAND}
KNOWN_THERE = {Event.FOUND, Event.CONFIRMED_BY_HAND}
BY_REPLAN = {Event.WITHDRAWN, Event.SUPERSEDED}
OUT_OF_MODEL = {Event.FOUND_DIFFERENT, Event.RETURNED}
"""These need a system that changes what it holds by itself."""

TYPED_THERE = b"typed there"

Plan = dict[SlotName, bytes]
_inputs = st.sampled_from([None, b"A", b"B", b"C"])
_plans = st.fixed_dictionaries(dict.fromkeys(SLOTS, _inputs)).map(
    lambda macs: {slot: mac for slot, mac in macs.items() if mac is not None}
)


@dataclass
class Truth:
    """What the system holds by slot, and which open deliveries reached it."""

    held: dict[SlotName, bytes]
    arrived: set[UUID]

    def take(self, delivery: Delivery) -> None:
        self.arrived.add(delivery.delivery_id)
        if delivery.change is Change.RETRACT:
            self.held.pop(slot_of(delivery), None)
        else:
            self.held[slot_of(delivery)] = delivery.input_mac


def slot_of(delivery: Delivery) -> SlotName:
    return delivery.message, delivery.part


def planned_of(plan: Plan) -> list[Planned]:
    return [planned(mac, message=slot[0], part=slot[1], part_no=SLOTS.index(slot) + 1) for slot, mac in plan.items()]


class Histories(RuleBasedStateMachine):
    """One lane with three slots."""

    @initialize(on_change=st.sampled_from(OnChange), on_unplanned=st.sampled_from(OnUnplanned), plan=_plans)
    def begin(self, on_change: OnChange, on_unplanned: OnUnplanned, plan: Plan) -> None:
        self.rows: list[Delivery] = []
        self.truth = Truth({}, set())
        self.messages = {
            name: a_message(name, on_change=on_change, on_unplanned=on_unplanned) for name in ("application", "step")
        }
        self.on_change, self.on_unplanned = on_change, on_unplanned
        self.plan: Plan = {}
        self.by_hand: set[SlotName] = set()
        self.change_plan(plan)

    @rule(plan=_plans)
    def change_plan(self, plan: Plan) -> None:
        before, self.plan = self.plan, plan
        decisions = self._decisions()
        touched = {_slot_decided(d) for d in decisions if not isinstance(d, Cancel)}
        same = {s for s in SLOTS if before.get(s) == plan.get(s) and s in plan}
        assert not touched & (same - self.by_hand), "a slot with the same inputs is left alone"
        assert len(decisions) <= 2 * len({_slot_decided(d) for d in decisions})
        self._carry_out(decisions)

    @rule()
    def repost(self) -> None:
        """The same content again queues nothing, whatever became of it."""
        queued = {_slot_decided(d) for d in self._decisions() if not isinstance(d, Cancel)}
        assert not queued & (set(self.plan) - self.by_hand)

    @precondition(lambda self: any(self._events(row) for row in self.rows))
    @rule(data=st.data())
    def move(self, data: st.DataObject) -> None:
        row = data.draw(st.sampled_from([row for row in self.rows if self._events(row)]))
        self._move(row, data.draw(st.sampled_from(self._events(row))), arrives=data.draw(st.booleans()))

    @precondition(lambda self: self._judged())
    @rule(data=st.data())
    def observe(self, data: st.DataObject) -> None:
        """Somebody changes what the system holds behind our back; reconciliation sees it, and replans."""
        row = data.draw(st.sampled_from(self._judged()))
        slot = slot_of(row)
        if row.change is Change.RETRACT:
            self.truth.held[slot] = TYPED_THERE
            seen = Observed.PRESENT
        elif data.draw(st.booleans()):
            self.truth.held.pop(slot, None)
            seen = Observed.ABSENT
        else:
            self.truth.held[slot] = TYPED_THERE
            seen = Observed.DIFFERENT
        self._write(row, observed=seen)
        decisions = self._decisions()
        withdrawn = {slot_of(d.delivery) for d in decisions if isinstance(d, Cancel)} - set(self.plan)
        assert {_slot_decided(decision) for decision in decisions} <= {slot, *self.by_hand, *withdrawn}, (
            "only what was observed is mended, and only what nobody wants any more is dropped"
        )
        self._carry_out(decisions)
        again = {_slot_decided(decision) for decision in self._decisions()}
        assert again <= self.by_hand, "a second replan of the same finds nothing to do"

    @precondition(lambda self: self._restorable())
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        """Somebody puts back there what was delivered before anything was sent: nothing is sent any more."""
        row = data.draw(st.sampled_from(self._restorable()))
        self.truth.held[slot_of(row)] = row.input_mac
        self._write(row, observed=None)
        self._carry_out(self._decisions())
        waits = [other for other in self.rows if slot_of(other) == slot_of(row) and other.phase in WAITING]
        assert all(other.change is Change.RETRACT or other.input_mac != row.input_mac for other in waits)

    @invariant()
    def at_most_one_waits_and_at_most_one_may_be_sent(self) -> None:
        for slot in SLOTS:
            phases = [row.phase for row in self.rows if slot_of(row) == slot]
            assert sum(phase in WAITING for phase in phases) <= 1
            assert sum(phase in MAYBE_SENT for phase in phases) <= 1

    def teardown(self) -> None:
        """Once everything is sent and answered, the system holds what is planned."""
        if not hasattr(self, "rows"):
            return
        while open_rows := [row for row in self.rows if row.phase in WAITING | MAYBE_SENT]:
            self._settle(min(open_rows, key=lambda row: row.phase in WAITING))
        for slot in set(SLOTS) - self.by_hand:
            self._check_held(slot)

    def _check_held(self, slot: SlotName) -> None:
        held, wanted = self.truth.held.get(slot), self.plan.get(slot)
        if wanted is not None and self.on_change is OnChange.IGNORE:
            assert held is not None, "whatever it holds, it holds something"
        elif wanted is not None or self.on_unplanned is not OnUnplanned.IGNORE:
            assert held == wanted

    def _settle(self, row: Delivery) -> None:
        is_there = row.delivery_id in self.truth.arrived
        match row.phase:
            case Phase.PARKED:
                self._move(row, Event.REQUEUED)
            case Phase.PENDING:
                self._move(row, Event.CLAIMED)
            case Phase.UNCONFIRMED:
                self._move(row, Event.FOUND if is_there else Event.ABSENT)
            case _:
                self._move(row, Event.TAKEN)

    def _judged(self) -> list[Delivery]:
        """What a run judges: the newest delivered of each slot of which nothing is open."""
        newest = {slot_of(row): row for row in self.rows if row.phase is Phase.DELIVERED}
        is_open = {slot_of(row) for row in self.rows if row.phase in WAITING | MAYBE_SENT}
        return [row for slot, row in newest.items() if slot not in is_open and row.observed is None]

    def _restorable(self) -> list[Delivery]:
        newest = {slot_of(row): row for row in self.rows if row.phase is Phase.DELIVERED}
        sent = {slot_of(row) for row in self.rows if row.phase not in {Phase.DELIVERED, Phase.CANCELLED}}
        sent -= {slot_of(row) for row in self.rows if row.phase in WAITING and row.is_never_sent}
        return [
            row
            for slot, row in newest.items()
            if row.observed not in (None, Observed.PRESENT) and slot not in sent | self.by_hand
        ]

    def _decisions(self) -> list[Decision]:
        return replan(planned_of(self.plan), slots_of(self.rows), self.messages)

    def _carry_out(self, decisions: list[Decision]) -> None:
        for decision in decisions:
            match decision:
                case Queue(p, change):
                    self.rows.append(a_row(Phase.PENDING, p.input_mac, message=p.message, part=p.part, change=change))
                case Refresh(row, p):
                    assert row.phase in WAITING, "a maybe-sent delivery is never touched"
                    phase = advance(row.phase, Event.REQUEUED) if row.phase is Phase.PARKED else row.phase
                    self._write(row, phase=phase, input_mac=p.input_mac, change=None)
                    assert slot_of(row) == (p.message, p.part)
                case Cancel(row, event):
                    assert row.phase in WAITING, "a maybe-sent delivery is never touched"
                    self._write(row, phase=advance(row.phase, event), reason=event.value)

    def _events(self, row: Delivery) -> list[Event]:
        """What can happen to it: as the table says, and as the truth allows."""
        possible = [e for e in MOVES[row.phase] if e not in BY_REPLAN | OUT_OF_MODEL]
        slot = [other.phase for other in self.rows if slot_of(other) == slot_of(row)]
        if any(phase in MAYBE_SENT for phase in slot):
            possible = [e for e in possible if row.phase not in WAITING or e not in BEHIND_NOTHING_OPEN]
        if row.delivery_id in self.truth.arrived:
            return [e for e in possible if e not in KNOWN_ABSENT | {Event.REFUSED}]
        return [e for e in possible if e not in KNOWN_THERE]

    def _move(self, row: Delivery, event: Event, *, arrives: bool = False) -> None:
        is_sent = row.phase is Phase.IN_FLIGHT or event is Event.RESTORED
        if is_sent and (event in ARRIVES or (event in MAY_HAVE_ARRIVED and arrives)):
            self.truth.take(row)
        if event is Event.CANCELLED_BY_HAND:
            self.by_hand.add(slot_of(row))
        newer_waits = any(o.phase in WAITING and o is not row and slot_of(o) == slot_of(row) for o in self.rows)
        phase = advance(row.phase, event, newer_waits=newer_waits)
        reason = "cancelled_by_hand" if event is Event.CANCELLED_BY_HAND else "superseded"
        changes: dict[str, Any] = {
            "observed": None,
            "phase": phase,
            "reason": None if phase is not Phase.CANCELLED else reason,
        }
        if event in ARRIVES | MAY_HAVE_ARRIVED:
            changes["sent_mac"] = row.input_mac
        elif event in KNOWN_ABSENT:
            changes["sent_mac"] = None
        self._write(row, **changes)

    def _write(self, row: Delivery, **changes: Any) -> None:
        after = replace(row, **changes)
        self.rows = [after if each.delivery_id == row.delivery_id else each for each in self.rows]


def _slot_decided(decision: Decision) -> SlotName:
    if isinstance(decision, Cancel):
        return slot_of(decision.delivery)
    return decision.planned.message, decision.planned.part


TestHistories = Histories.TestCase
TestHistories.settings = examples(100)
