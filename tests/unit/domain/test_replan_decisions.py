"""What replan decides for one slot, situation by situation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncgate.domain.delivery import MAYBE_SENT, WAITING, Event, Phase
from syncgate.domain.plan import Message, OnChange, OnUnplanned, Planned
from syncgate.domain.replan import Cancel, Decision, Queue, Refresh, Slot, replan, slots_of
from syncgate.domain.retraction import takes_back_under
from syncgate.domain.rows import Change, Delivery
from tests.unit.domain.samples import NOW, a_message, a_row, planned

P = Phase
BY_HAND: dict[str, Any] = {"reason": "cancelled_by_hand"}


def decided(
    *deliveries: Delivery,
    wanted: list[Planned] | None = None,
    on_change: OnChange = OnChange.UPDATE,
    on_unplanned: OnUnplanned = OnUnplanned.RETRACT,
    messages: list[Message] | None = None,
) -> list[Decision]:
    """The decisions for a lane of one message; wanted is what the plan says, nothing by default."""
    known = messages or [a_message(on_change=on_change, on_unplanned=on_unplanned)]
    return replan(wanted or [], slots_of(deliveries), {message.name: message for message in known})


class TestASlotThatIsPlanned:
    def test_is_queued_when_it_has_no_delivery(self) -> None:
        assert decided(wanted=[planned(b"A")]) == [Queue(planned(b"A"))]

    @pytest.mark.parametrize("phase", [p for p in Phase if p is not P.CANCELLED])
    @pytest.mark.parametrize("on_change", OnChange)
    def test_is_left_alone_while_its_newest_delivery_has_the_same_inputs(
        self, phase: Phase, on_change: OnChange
    ) -> None:
        """A re-post of the same content queues nothing, whatever became of it: a parked one stays parked."""
        assert decided(a_row(phase), wanted=[planned(b"A")], on_change=on_change) == []

    @pytest.mark.parametrize("phase", [P.PENDING, P.PARKED])
    @pytest.mark.parametrize("on_change", OnChange)
    def test_refreshes_what_waits_when_its_inputs_change(self, phase: Phase, on_change: OnChange) -> None:
        row = a_row(phase)
        assert decided(row, wanted=[planned(b"B")], on_change=on_change) == [Refresh(row, planned(b"B"))]

    @pytest.mark.parametrize("phase", [P.IN_FLIGHT, P.AWAITING, P.UNCONFIRMED, P.DELIVERED])
    @pytest.mark.parametrize("on_change", [o for o in OnChange if o is not OnChange.IGNORE])
    def test_is_queued_beside_what_may_have_been_sent_when_its_inputs_change(
        self, phase: Phase, on_change: OnChange
    ) -> None:
        assert decided(a_row(phase), wanted=[planned(b"B")], on_change=on_change) == [Queue(planned(b"B"))]

    @pytest.mark.parametrize("phase", [P.IN_FLIGHT, P.AWAITING, P.UNCONFIRMED])
    def test_is_queued_again_where_the_system_spoke_while_the_same_content_was_under_way(self, phase: Phase) -> None:
        """Which of the two came last nobody knows: without a change after both, the difference would stay unseen."""
        own = a_row(P.DELIVERED, b"", reason="held_by_source")
        assert decided(a_row(phase), own, wanted=[planned(b"A")]) == [Queue(planned(b"A"))]
        waiting = a_row(P.PENDING)
        assert decided(a_row(phase), own, waiting, wanted=[planned(b"A")]) == []
        assert decided(own, a_row(phase), wanted=[planned(b"A")]) == []

    def test_keeps_what_is_there_when_its_message_ignores_changes(self) -> None:
        assert decided(a_row(P.DELIVERED), wanted=[planned(b"B")], on_change=OnChange.IGNORE) == []

    @pytest.mark.parametrize("phase", [P.IN_FLIGHT, P.AWAITING, P.UNCONFIRMED])
    def test_waits_behind_what_may_be_there_though_its_message_ignores_changes(self, phase: Phase) -> None:
        """If the first content never arrives, the newest is created, not a stale one."""
        assert decided(a_row(phase), wanted=[planned(b"B")], on_change=OnChange.IGNORE) == [Queue(planned(b"B"))]

    def test_is_queued_though_its_message_ignores_changes_while_nothing_of_it_was_sent(self) -> None:
        row = a_row(P.CANCELLED, **BY_HAND)
        assert decided(row, wanted=[planned(b"B")], on_change=OnChange.IGNORE) == [Queue(planned(b"B"))]

    @pytest.mark.parametrize("reason", ["superseded", "withdrawn"])
    def test_forgets_a_delivery_that_was_superseded_or_withdrawn(self, reason: str) -> None:
        assert decided(a_row(P.CANCELLED, reason=reason), wanted=[planned(b"A")]) == [Queue(planned(b"A"))]

    def test_stays_cancelled_by_hand_while_its_inputs_are_the_same(self) -> None:
        assert decided(a_row(P.CANCELLED, **BY_HAND), wanted=[planned(b"A")]) == []

    def test_is_queued_again_after_a_cancellation_by_hand_when_its_inputs_change(self) -> None:
        assert decided(a_row(P.CANCELLED, **BY_HAND), wanted=[planned(b"B")]) == [Queue(planned(b"B"))]

    def test_stays_cancelled_by_hand_beside_what_was_delivered_before(self) -> None:
        rows = a_row(P.DELIVERED, b"A"), a_row(P.CANCELLED, b"B", **BY_HAND)
        assert decided(*rows, wanted=[planned(b"B")]) == []

    def test_moves_on_from_a_cancellation_by_hand_once_something_newer_exists(self) -> None:
        rows = a_row(P.CANCELLED, b"A", **BY_HAND), a_row(P.DELIVERED, b"B")
        assert decided(*rows, wanted=[planned(b"A")]) == [Queue(planned(b"A"))]
        assert decided(*rows, wanted=[planned(b"B")]) == []

    def test_needs_nothing_after_a_cancellation_by_hand_when_it_changes_back_to_what_is_delivered(self) -> None:
        """One cancelled by hand counts until its inputs change; then the delivered one is the newest."""
        rows = a_row(P.DELIVERED, b"A"), a_row(P.CANCELLED, b"B", **BY_HAND)
        assert decided(*rows, wanted=[planned(b"A")]) == []


class TestAChangeBackToWhatTheSystemHolds:
    @pytest.mark.parametrize("held", [P.DELIVERED, P.IN_FLIGHT, P.AWAITING, P.UNCONFIRMED])
    @pytest.mark.parametrize("waits", [P.PENDING, P.PARKED])
    def test_is_cancelled_when_it_was_never_sent(self, held: Phase, waits: Phase) -> None:
        change = a_row(waits, b"B")
        assert decided(a_row(held, b"A"), change, wanted=[planned(b"A")]) == [Cancel(change, Event.SUPERSEDED)]

    @pytest.mark.parametrize("sent", [{"sent_mac": b"B"}, {"is_other_sent": True}])
    def test_is_sent_again_when_it_may_have_arrived(self, sent: dict[str, Any]) -> None:
        change = a_row(P.PARKED, b"B", **sent)
        rows = a_row(P.DELIVERED, b"A"), change
        assert decided(*rows, wanted=[planned(b"A")]) == [Refresh(change, planned(b"A"))]

    def test_is_measured_against_the_open_delivery_before_the_delivered_one(self) -> None:
        """The open one is newer: what it carries is what the system holds if it was taken."""
        change = a_row(P.PENDING, b"C")
        rows = a_row(P.DELIVERED, b"A"), a_row(P.UNCONFIRMED, b"B"), change
        assert decided(*rows, wanted=[planned(b"A")]) == [Refresh(change, planned(b"A"))]
        assert decided(*rows, wanted=[planned(b"B")]) == [Cancel(change, Event.SUPERSEDED)]

    def test_to_something_delivered_long_ago_is_sent(self) -> None:
        change = a_row(P.PENDING, b"C")
        rows = a_row(P.DELIVERED, b"A"), a_row(P.DELIVERED, b"B"), change
        assert decided(*rows, wanted=[planned(b"A")]) == [Refresh(change, planned(b"A"))]

    def test_is_cancelled_too_when_it_was_queued_behind_one_that_never_arrived(self) -> None:
        """A delivered, B in flight, back to A is queued, then B is refused and superseded by it."""
        change = a_row(P.PENDING, b"A")
        rows = a_row(P.DELIVERED, b"A"), a_row(P.CANCELLED, b"B"), change
        assert decided(*rows, wanted=[planned(b"A")]) == [Cancel(change, Event.SUPERSEDED)]


class TestASlotThatIsNoLongerPlanned:
    @pytest.mark.parametrize("phase", [P.PENDING, P.PARKED])
    def test_is_withdrawn_when_nothing_was_sent(self, phase: Phase) -> None:
        row = a_row(phase)
        assert decided(row) == [Cancel(row, Event.WITHDRAWN)]

    @pytest.mark.parametrize("phase", [P.DELIVERED, P.IN_FLIGHT, P.AWAITING, P.UNCONFIRMED])
    @pytest.mark.parametrize("on_unplanned", [OnUnplanned.RETRACT, OnUnplanned.HOLD])
    def test_is_retracted_when_the_system_may_hold_it(self, phase: Phase, on_unplanned: OnUnplanned) -> None:
        """On hold too: the retraction is then parked for a person when it is claimed."""
        row = a_row(phase, part="s1", part_no=4)
        retraction = Queue(planned(b"A", part="s1", part_no=4), Change.RETRACT)
        assert decided(row, on_unplanned=on_unplanned) == [retraction]

    @pytest.mark.parametrize("phase", [P.DELIVERED, P.IN_FLIGHT, P.AWAITING, P.UNCONFIRMED])
    def test_stays_there_when_its_message_ignores_that(self, phase: Phase) -> None:
        assert decided(a_row(phase), on_unplanned=OnUnplanned.IGNORE) == []

    @pytest.mark.parametrize("phase", [P.PENDING, P.PARKED])
    def test_is_withdrawn_though_its_message_ignores_that_when_nothing_was_sent(self, phase: Phase) -> None:
        row = a_row(phase)
        assert decided(row, on_unplanned=OnUnplanned.IGNORE) == [Cancel(row, Event.WITHDRAWN)]

    def test_loses_its_waiting_change_and_is_retracted(self) -> None:
        change = a_row(P.PENDING, b"B")
        decisions = decided(a_row(P.DELIVERED, b"A"), change)
        assert decisions == [Cancel(change, Event.WITHDRAWN), Queue(planned(b"A"), Change.RETRACT)]

    def test_is_retracted_by_what_is_in_flight_rather_than_by_what_was_delivered(self) -> None:
        decisions = decided(a_row(P.DELIVERED, b"A"), a_row(P.IN_FLIGHT, b"B"))
        assert decisions == [Queue(planned(b"B"), Change.RETRACT)]

    @pytest.mark.parametrize("phase", [p for p in Phase if p is not P.CANCELLED])
    def test_is_retracted_once(self, phase: Phase) -> None:
        assert decided(a_row(P.DELIVERED), a_row(phase, change=Change.RETRACT)) == []

    def test_keeps_a_retraction_that_was_cancelled_by_hand_cancelled(self) -> None:
        assert decided(a_row(P.DELIVERED), a_row(P.CANCELLED, change=Change.RETRACT, **BY_HAND)) == []

    @pytest.mark.parametrize("reason", ["superseded", "withdrawn", "cancelled_by_hand"])
    def test_needs_nothing_when_all_that_it_had_is_cancelled(self, reason: str) -> None:
        assert decided(a_row(P.CANCELLED, reason=reason)) == []

    @pytest.mark.parametrize("phase", [P.DELIVERED, P.UNCONFIRMED])
    def test_is_retracted_even_if_the_adapter_no_longer_knows_its_message(self, phase: Phase) -> None:
        gone = a_row(phase, message="gone")
        assert decided(gone) == [Queue(planned(b"A", message="gone"), Change.RETRACT)]

    @pytest.mark.parametrize("phase", [P.DELIVERED, P.IN_FLIGHT, P.AWAITING, P.UNCONFIRMED])
    def test_is_retracted_though_a_later_change_was_cancelled_by_hand(self, phase: Phase) -> None:
        rows = a_row(phase, b"A"), a_row(P.CANCELLED, b"B", **BY_HAND)
        assert decided(*rows) == [Queue(planned(b"A"), Change.RETRACT)]

    @pytest.mark.parametrize("sent", [{"sent_mac": b"A"}, {"is_other_sent": True}])
    def test_is_retracted_when_its_parked_delivery_may_have_arrived(self, sent: dict[str, Any]) -> None:
        """Parked as correction_not_taken, or given back: the system may hold a record of ours."""
        row = a_row(P.PARKED, **sent)
        assert Queue(planned(b"A"), Change.RETRACT) in decided(row)

    @pytest.mark.parametrize("phase", [P.DELIVERED, P.IN_FLIGHT, P.AWAITING, P.UNCONFIRMED])
    def test_is_not_retracted_twice_when_it_was_wanted_for_a_while(self, phase: Phase) -> None:
        """Withdrawn, reopened, withdrawn again before anything new was sent."""
        change = a_row(P.PENDING, b"B")
        rows = a_row(P.DELIVERED), a_row(phase, change=Change.RETRACT), change
        assert decided(*rows) == [Cancel(change, Event.WITHDRAWN)]


ONCE = [
    a_message("application", on_unplanned=OnUnplanned.RETRACT, retraction="voided"),
    a_message("step", on_unplanned=OnUnplanned.RETRACT, retraction="voided"),
    a_message("voided", exists=lambda case, part: False),
]
VOIDED = planned(b"V", message="voided")


def decided_once(*deliveries: Delivery, wanted: list[Planned] | None = None) -> list[Decision]:
    """The decisions where both messages name the same retraction of the case."""
    slots = slots_of(deliveries, takes_back_under(ONCE))
    return replan(wanted or [], slots, {message.name: message for message in ONCE}, lambda name: VOIDED)


class TestACaseThatIsTakenBackAtOnce:
    def test_gets_one_retraction_for_all_that_may_be_held(self) -> None:
        rows = a_row(P.DELIVERED), a_row(P.IN_FLIGHT, message="step", part="s1"), a_row(message="step", part="s2")
        assert decided_once(*rows) == [Cancel(rows[2], Event.WITHDRAWN), Queue(VOIDED, Change.RETRACT)]

    def test_gets_none_where_nothing_went(self) -> None:
        row = a_row(P.PENDING)
        assert decided_once(row) == [Cancel(row, Event.WITHDRAWN)]

    @pytest.mark.parametrize("phase", [P.PENDING, P.PARKED, P.IN_FLIGHT, P.UNCONFIRMED, P.DELIVERED])
    def test_is_not_taken_back_twice(self, phase: Phase) -> None:
        retraction = a_row(phase, b"V", message="voided", change=Change.RETRACT)
        assert decided_once(a_row(P.DELIVERED), a_row(P.DELIVERED, message="step", part="s1"), retraction) == []

    def test_refreshes_its_waiting_retraction_when_what_it_says_changes(self) -> None:
        retraction = a_row(P.PARKED, b"old", message="voided", change=Change.RETRACT)
        assert decided_once(a_row(P.DELIVERED), retraction) == [Refresh(retraction, VOIDED, Change.RETRACT)]

    def test_stays_while_another_record_of_it_is_planned_and_a_person_is_told(self) -> None:
        """Closing the whole case as void because one record of it is out would be the worse error."""
        rows = a_row(P.DELIVERED), a_row(P.DELIVERED, message="step", part="s1")
        own = Queue(planned(message="step", part="s1"), Change.RETRACT)
        assert decided_once(*rows, wanted=[planned()]) == [own]

    def test_gives_its_waiting_retraction_up_when_something_is_planned_again(self) -> None:
        retraction = a_row(P.PENDING, b"V", message="voided", change=Change.RETRACT)
        assert decided_once(a_row(P.DELIVERED), retraction, wanted=[planned()]) == [
            Cancel(retraction, Event.SUPERSEDED)
        ]

    def test_is_taken_back_anew_where_something_was_sent_after_the_waiting_retraction(self) -> None:
        retraction = a_row(P.PARKED, b"V", message="voided", change=Change.RETRACT)
        later = a_row(P.DELIVERED, b"B", created_at=NOW + timedelta(seconds=1))
        assert decided_once(a_row(P.DELIVERED), retraction, later) == [
            Cancel(retraction, Event.SUPERSEDED),
            Queue(VOIDED, Change.RETRACT),
        ]


class TestASlotThatIsPlannedAgain:
    @pytest.mark.parametrize("phase", [P.DELIVERED, P.IN_FLIGHT, P.AWAITING, P.UNCONFIRMED])
    @pytest.mark.parametrize("on_change", OnChange)
    def test_is_queued_after_its_retraction_was_sent(self, phase: Phase, on_change: OnChange) -> None:
        rows = a_row(P.DELIVERED), a_row(phase, change=Change.RETRACT)
        assert decided(*rows, wanted=[planned(b"A")], on_change=on_change) == [Queue(planned(b"A"))]

    @pytest.mark.parametrize("phase", [P.PENDING, P.PARKED])
    def test_turns_its_waiting_retraction_into_the_change(self, phase: Phase) -> None:
        retraction = a_row(phase, change=Change.RETRACT)
        rows = a_row(P.DELIVERED, b"A"), retraction
        assert decided(*rows, wanted=[planned(b"B")]) == [Refresh(retraction, planned(b"B"))]

    @pytest.mark.parametrize("phase", [P.PENDING, P.PARKED])
    def test_cancels_its_retraction_that_was_never_sent_when_the_inputs_are_the_delivered_ones(
        self, phase: Phase
    ) -> None:
        retraction = a_row(phase, change=Change.RETRACT)
        rows = a_row(P.DELIVERED, b"A"), retraction
        assert decided(*rows, wanted=[planned(b"A")]) == [Cancel(retraction, Event.SUPERSEDED)]

    @pytest.mark.parametrize("phase", [P.DELIVERED, P.IN_FLIGHT, P.AWAITING, P.UNCONFIRMED])
    def test_is_sent_again_even_with_the_inputs_that_were_retracted(self, phase: Phase) -> None:
        """Withdrawn, reopened with B, corrected back to A before B went out: the system holds nothing."""
        change = a_row(P.PENDING, b"B")
        rows = a_row(P.DELIVERED, b"A"), a_row(phase, b"A", change=Change.RETRACT), change
        assert decided(*rows, wanted=[planned(b"A")]) == [Refresh(change, planned(b"A"))]


class TestALane:
    def test_queues_exactly_the_slot_whose_inputs_changed(self) -> None:
        rows = [a_row(P.DELIVERED, part=part, part_no=no) for no, part in enumerate(["s1", "s2", "s3"], 1)]
        wanted = [planned(b"A", part="s1"), planned(b"B", part="s2", part_no=2), planned(b"A", part="s3", part_no=3)]
        assert decided(*rows, wanted=wanted) == [Queue(planned(b"B", part="s2", part_no=2))]

    def test_keeps_the_parts_of_different_messages_apart(self) -> None:
        messages = [a_message("step"), a_message("special")]
        wanted = [planned(b"A", message="step", part="s1"), planned(b"A", message="special", part="s1")]
        assert decided(a_row(P.PENDING, message="step", part="s1"), wanted=wanted, messages=messages) == [
            Queue(wanted[1])
        ]

    def test_queues_in_the_order_of_the_plan_and_then_takes_back(self) -> None:
        messages = [a_message(n) for n in ("step", "done")]
        gone = a_row(P.PENDING, message="old")
        wanted = [planned(message="step", part="s1"), planned(message="step", part="s2"), planned(message="done")]
        assert decided(gone, wanted=wanted, messages=messages) == [
            *(Queue(each) for each in wanted),
            Cancel(gone, Event.WITHDRAWN),
        ]

    def test_of_an_empty_plan_without_deliveries_needs_nothing(self) -> None:
        assert decided() == []


class TestASlotsDeliveries:
    def test_are_told_apart(self) -> None:
        held, open_one, waiting = a_row(P.DELIVERED), a_row(P.AWAITING), a_row(P.PARKED)
        slot = slots_of([held, open_one, waiting])["application", ""]
        assert slot == Slot(newest=waiting, waiting=waiting, maybe_sent=open_one, delivered=held)

    def test_count_the_waiting_one_as_newest_whenever_it_was_made(self) -> None:
        """A delivery that was given back waits again, though a later one was delivered since."""
        returned, later = a_row(P.PARKED, b"A"), a_row(P.DELIVERED, b"B")
        assert slots_of([returned, later])["application", ""].newest == returned

    def test_hold_the_delivery_that_was_made_last(self) -> None:
        rows = a_row(P.DELIVERED, b"A"), a_row(P.DELIVERED, b"B")
        assert slots_of(rows)["application", ""].delivered == rows[1]

    def test_of_a_cancelled_kind_are_nothing_unless_a_person_cancelled(self) -> None:
        assert slots_of([a_row(P.CANCELLED)])["application", ""] == Slot()
        by_hand = a_row(P.CANCELLED, **BY_HAND)
        assert slots_of([by_hand])["application", ""] == Slot(newest=by_hand)

    def test_keep_the_others_beside_one_that_a_person_cancelled(self) -> None:
        held, open_one, by_hand = a_row(P.DELIVERED), a_row(P.UNCONFIRMED), a_row(P.CANCELLED, **BY_HAND)
        slot = slots_of([held, open_one, by_hand])["application", ""]
        assert slot == Slot(newest=by_hand, waiting=None, maybe_sent=open_one, delivered=held)

    def test_are_grouped_by_message_and_part(self) -> None:
        rows = a_row(message="step", part="s1"), a_row(message="step", part="s2"), a_row(message="done")
        assert list(slots_of(rows)) == [("step", "s1"), ("step", "s2"), ("done", "")]


_phases = st.sampled_from(Phase)
_row = st.builds(
    a_row,
    _phases,
    st.sampled_from([b"A", b"B", b"C"]),
    change=st.sampled_from([None, Change.CREATE, Change.RETRACT]),
    sent_mac=st.sampled_from([None, b"A"]),
    reason=st.sampled_from(["superseded", "withdrawn", "cancelled_by_hand"]),
)


def _is_possible(rows: list[Delivery]) -> bool:
    phases = [row.phase for row in rows]
    return all(sum(p in group for p in phases) <= 1 for group in (WAITING, MAYBE_SENT))


@given(
    st.lists(_row, max_size=5).filter(_is_possible),
    st.sampled_from([None, b"A", b"B", b"C"]),
    st.sampled_from(OnChange),
    st.sampled_from(OnUnplanned),
)
def test_whatever_a_slot_has_only_its_waiting_delivery_is_touched_and_at_most_one_is_made(
    rows: list[Delivery], mac: bytes | None, on_change: OnChange, on_unplanned: OnUnplanned
) -> None:
    wanted = [] if mac is None else [planned(mac)]
    decisions = decided(*rows, wanted=wanted, on_change=on_change, on_unplanned=on_unplanned)
    waiting = [row for row in rows if row.phase in WAITING]
    assert [d.delivery for d in decisions if not isinstance(d, Queue)] in ([], waiting)
    queued = [d for d in decisions if isinstance(d, Queue)]
    freed = len(waiting) - sum(isinstance(d, Cancel) for d in decisions)
    assert freed + len(queued) <= 1
    assert all((d.change is Change.RETRACT) == (mac is None) for d in queued)
