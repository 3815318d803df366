"""Which delivery of a lane is next, when the lane is due, and what holds a delivery back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncgate.domain.delivery import MAYBE_SENT, Phase
from syncgate.domain.head import (
    WAITS_FOR_REMOTE_REF,
    Head,
    Heads,
    Polls,
    Task,
    blockers,
    heads,
    messages_by_name,
    polls,
)
from syncgate.domain.plan import Message, NextAfter
from syncgate.domain.rows import Delivery
from tests.unit.domain.samples import NOW, a_message, a_row

P = Phase
LATER = NOW + timedelta(minutes=1)
MUCH_LATER = NOW + timedelta(hours=1)
BASE, STEP, DONE = "basic_info", "step", "done"
MESSAGES = (a_message(BASE), a_message(STEP, after=(BASE,)), a_message(DONE, after=(BASE, STEP)))


def offered(
    *deliveries: Delivery,
    messages: tuple[Message, ...] = MESSAGES,
    now: datetime = NOW,
    waits_for: str | None = None,
) -> Heads:
    return heads(deliveries, messages, now=now, waits_for=waits_for)


def next_of(*deliveries: Delivery, **more: Any) -> Delivery | None:
    head = offered(*deliveries, **more).head
    return head.delivery if head else None


def base(phase: Phase = P.DELIVERED, **changes: Any) -> Delivery:
    return a_row(phase, message=BASE, **changes)


def step(no: int, phase: Phase = P.PENDING, **changes: Any) -> Delivery:
    return a_row(phase, message=STEP, part=f"s{no}", part_no=no, **changes)


def done(phase: Phase = P.PENDING, **changes: Any) -> Delivery:
    return a_row(phase, message=DONE, **changes)


class TestOrder:
    def test_follows_the_declaration_and_not_the_age(self) -> None:
        rows = done(), step(1), base(P.PENDING)
        assert next_of(*rows) == rows[2]

    def test_follows_the_numbers_of_parts_and_not_the_age(self) -> None:
        rows = base(), step(2), step(1)
        assert next_of(*rows) == rows[2]

    def test_of_messages_that_wait_for_nothing_is_the_declared_one_too(self) -> None:
        messages = a_message("a"), a_message("b")
        rows = a_row(message="b"), a_row(message="a")
        assert next_of(*rows, messages=messages) == rows[1]

    def test_of_parts_that_do_not_wait_for_one_another_is_by_number_too(self) -> None:
        messages = MESSAGES[0], a_message(STEP, after=(BASE,), is_ordered=False)
        rows = base(), step(2), step(1)
        assert next_of(*rows, messages=messages) == rows[2]

    def test_puts_a_message_that_the_bundle_no_longer_knows_last_and_lets_it_wait_for_nothing(self) -> None:
        gone = a_row(message="gone")
        assert next_of(gone, base(P.PENDING)) != gone
        assert next_of(base(P.PARKED), gone) == gone

    def test_skips_what_is_not_due_where_nothing_declares_that_it_waits(self) -> None:
        messages = a_message("a"), a_message("b")
        rows = a_row(message="a", due_at=LATER), a_row(message="b")
        assert next_of(*rows, messages=messages) == rows[1]

    def test_waits_for_what_is_declared_to_come_first_even_when_that_is_not_due(self) -> None:
        assert next_of(base(P.PENDING, due_at=LATER), step(1)) is None


class TestWhatComesAfter:
    @pytest.mark.parametrize("phase", [p for p in Phase if p not in (P.DELIVERED, P.CANCELLED)])
    def test_waits_for_a_predecessor_that_is_not_there(self, phase: Phase) -> None:
        first, second = base(phase, due_at=None), step(1)
        assert next_of(first, second) is None
        assert blockers(second, [first, second], MESSAGES) == [first]

    def test_goes_once_its_predecessor_is_delivered(self) -> None:
        rows = base(), step(1)
        assert next_of(*rows) == rows[1]
        assert blockers(rows[1], rows, MESSAGES) == []

    def test_waits_for_a_slot_that_a_person_cancelled_before_it_was_delivered(self) -> None:
        first, second = base(P.CANCELLED, reason="cancelled_by_hand"), step(1)
        assert next_of(first, second) is None
        assert blockers(second, [first, second], MESSAGES) == [first]

    @pytest.mark.parametrize("reason", ["superseded", "withdrawn"])
    def test_does_not_wait_for_a_slot_that_nothing_is_planned_for(self, reason: str) -> None:
        rows = base(P.CANCELLED, reason=reason), step(1)
        assert next_of(*rows) == rows[1]

    @pytest.mark.parametrize("phase", [P.PENDING, P.PARKED, P.AWAITING])
    def test_does_not_wait_for_a_change_of_what_was_delivered(self, phase: Phase) -> None:
        rows = base(), base(phase, due_at=LATER), step(1)
        assert next_of(*rows) == rows[2]

    def test_does_not_wait_for_a_change_that_a_person_cancelled(self) -> None:
        rows = base(), base(P.CANCELLED, reason="cancelled_by_hand"), step(1)
        assert next_of(*rows) == rows[2]

    @pytest.mark.parametrize("phase", [P.IN_FLIGHT, P.UNCONFIRMED])
    @pytest.mark.parametrize("next_after", NextAfter)
    def test_waits_for_a_change_whose_outcome_is_open(self, phase: Phase, next_after: NextAfter) -> None:
        first = a_message(BASE, next_after=next_after)
        rows = base(), base(phase, due_at=None), step(1)
        assert next_of(*rows, messages=(first, *MESSAGES[1:])) is None

    def test_goes_once_its_predecessor_lies_in_their_queue_where_that_is_enough(self) -> None:
        rows = base(P.AWAITING, due_at=LATER), step(1)
        enough = a_message(BASE, next_after=NextAfter.QUEUED_THERE), *MESSAGES[1:]
        assert next_of(*rows, messages=enough) == rows[1]
        assert next_of(*rows) is None

    def test_waits_for_earlier_parts_of_its_own_message(self) -> None:
        rows = base(), step(1, P.PARKED), step(2)
        assert next_of(*rows) is None
        assert blockers(rows[2], rows, MESSAGES) == [rows[1]]

    def test_does_not_wait_for_later_parts_of_its_own_message(self) -> None:
        rows = base(), step(1), step(2, P.PARKED)
        assert next_of(*rows) == rows[1]

    def test_does_not_wait_for_other_parts_where_they_are_not_ordered(self) -> None:
        messages = MESSAGES[0], a_message(STEP, after=(BASE,), is_ordered=False)
        rows = base(), step(1, P.PARKED), step(2)
        assert next_of(*rows, messages=messages) == rows[2]

    def test_waits_for_every_part_of_a_predecessor(self) -> None:
        rows = base(), step(1, P.DELIVERED), step(2, P.PARKED), done()
        assert next_of(*rows) is None
        assert blockers(rows[3], rows, MESSAGES) == [rows[2]]

    def test_waits_only_for_what_it_is_declared_after(self) -> None:
        """What is parked holds back only what is declared to come after it."""
        messages = *MESSAGES, a_message("material", after=(BASE,))
        rows = base(), step(1, P.PARKED), a_row(message="material", part="m1")
        assert next_of(*rows, messages=messages) == rows[2]

    def test_names_one_blocker_a_slot_its_newest(self) -> None:
        rows = base(P.CANCELLED, reason="cancelled_by_hand"), base(P.PARKED), step(1, P.PARKED), done()
        assert blockers(rows[3], rows, MESSAGES) == [rows[1], rows[2]]

    def test_waits_for_nothing_where_its_message_is_not_known(self) -> None:
        gone = a_row(message="gone")
        assert blockers(gone, [base(P.PARKED), gone], MESSAGES) == []


class TestOneSlot:
    @pytest.mark.parametrize("phase", sorted(MAYBE_SENT))
    def test_sends_nothing_while_an_outcome_is_open(self, phase: Phase) -> None:
        """Promise 4."""
        assert next_of(base(phase, due_at=None), base(P.PENDING)) is None

    def test_sends_its_change_once_the_first_is_delivered(self) -> None:
        rows = base(), base(P.PENDING)
        assert offered(*rows).head == Head(rows[1], Task.SEND)

    @pytest.mark.parametrize("phase", [P.IN_FLIGHT, P.DELIVERED, P.PARKED, P.CANCELLED])
    def test_offers_nothing_that_only_others_can_move(self, phase: Phase) -> None:
        assert offered(base(phase)) == Heads(None, None)


class TestConfirmations:
    def test_come_before_sends(self) -> None:
        messages = a_message("a"), a_message("b")
        rows = a_row(message="a"), a_row(P.UNCONFIRMED, message="b")
        assert offered(*rows, messages=messages).head == Head(rows[1], Task.CONFIRM)

    def test_that_are_not_due_let_others_go(self) -> None:
        messages = a_message("a"), a_message("b")
        rows = a_row(P.UNCONFIRMED, message="a", due_at=LATER), a_row(message="b")
        assert offered(*rows, messages=messages) == Heads(Head(rows[1], Task.SEND), NOW)

    def test_come_even_when_a_predecessor_is_parked(self) -> None:
        rows = base(P.PARKED), step(1, P.UNCONFIRMED)
        assert offered(*rows).head == Head(rows[1], Task.CONFIRM)

    def test_are_never_due_once_only_a_person_can_tell(self) -> None:
        assert offered(base(P.UNCONFIRMED, due_at=None)) == Heads(None, None)

    def test_that_wait_for_an_acknowledgement_become_overdue_at_their_deadline(self) -> None:
        row = base(P.AWAITING, due_at=LATER)
        assert offered(row) == Heads(None, LATER)
        assert offered(row, now=LATER) == Heads(Head(row, Task.OVERDUE), LATER)


class TestDueTime:
    def test_is_the_earliest_of_what_could_be_head(self) -> None:
        messages = a_message("a"), a_message("b"), a_message("c")
        rows = (
            a_row(message="a", due_at=MUCH_LATER),
            a_row(P.UNCONFIRMED, message="b", due_at=LATER),
            a_row(P.AWAITING, message="c", due_at=MUCH_LATER),
        )
        assert offered(*rows, messages=messages) == Heads(None, LATER)

    def test_ignores_what_is_held_back(self) -> None:
        assert offered(base(P.PENDING, due_at=MUCH_LATER), step(1, due_at=LATER)).due_at == MUCH_LATER

    def test_includes_the_moment_itself(self) -> None:
        row = base(P.PENDING, due_at=LATER)
        assert offered(row, now=LATER).head == Head(row, Task.SEND)
        assert offered(row, now=LATER - timedelta(microseconds=1)).head is None

    def test_may_be_before_the_heads_own(self) -> None:
        """The head is by order, the due time by time: both are past."""
        messages = a_message("a"), a_message("b")
        rows = a_row(message="a", due_at=NOW), a_row(message="b", due_at=NOW - timedelta(hours=1))
        assert offered(*rows, messages=messages) == Heads(Head(rows[0], Task.SEND), rows[1].due_at)

    def test_of_an_empty_lane_is_none(self) -> None:
        assert offered() == Heads(None, None)


class TestALaneThatWaitsForAnothersNumber:
    waiting = base(P.PENDING, reason=WAITS_FOR_REMOTE_REF)

    def test_offers_nothing_that_needs_it(self) -> None:
        assert offered(self.waiting, waits_for="food") == Heads(None, None)

    def test_offers_what_does_not_need_it(self) -> None:
        messages = *MESSAGES, a_message("notice")
        other = a_row(message="notice")
        assert offered(self.waiting, other, messages=messages, waits_for="food").head == Head(other, Task.SEND)

    def test_is_due_at_once_when_the_number_came(self) -> None:
        late = base(P.PENDING, reason=WAITS_FOR_REMOTE_REF, due_at=MUCH_LATER)
        assert offered(late) == Heads(Head(late, Task.SEND), NOW)

    def test_still_confirms(self) -> None:
        row = base(P.UNCONFIRMED, reason=WAITS_FOR_REMOTE_REF)
        assert offered(row, waits_for="food").head == Head(row, Task.CONFIRM)


def test_messages_are_found_by_name() -> None:
    assert messages_by_name(MESSAGES) == {BASE: MESSAGES[0], STEP: MESSAGES[1], DONE: MESSAGES[2]}


_NAMES = ("a", "b", "c", "d")


@st.composite
def _lanes(draw: st.DrawFn) -> tuple[tuple[Message, ...], list[Delivery], str | None]:
    """Any declared order of four messages, and up to two deliveries a slot as a store could hold them."""
    messages = tuple(
        a_message(
            name,
            after=tuple(draw(st.lists(st.sampled_from(_NAMES[:no]), unique=True))) if no else (),
            is_ordered=draw(st.booleans()),
            next_after=draw(st.sampled_from(NextAfter)),
        )
        for no, name in enumerate(_NAMES)
    )
    rows: list[Delivery] = []
    for name in _NAMES:
        for part_no in range(draw(st.integers(0, 3))):
            rows += draw(_slots(name, part_no + 1))
    return messages, draw(st.permutations(rows)), draw(st.sampled_from([None, "food"]))


@st.composite
def _slots(draw: st.DrawFn, name: str, part_no: int) -> list[Delivery]:
    settled = draw(st.sampled_from([None, P.DELIVERED, P.CANCELLED]))
    open_phase = draw(st.sampled_from([None, *sorted(MAYBE_SENT)]))
    waiting = draw(st.sampled_from([None, P.PENDING, P.PARKED]))
    due = st.sampled_from([None, NOW - timedelta(1), NOW, LATER])
    reason = st.sampled_from(["superseded", "cancelled_by_hand", WAITS_FOR_REMOTE_REF])
    return [
        a_row(phase, message=name, part=str(part_no), part_no=part_no, due_at=draw(due), reason=draw(reason))
        for phase in (settled, open_phase, waiting)
        if phase is not None
    ]


def _predecessors(row: Delivery, rows: list[Delivery], messages: tuple[Message, ...]) -> list[list[Delivery]]:
    """Slots that are declared to come before, said once more."""
    message = next(m for m in messages if m.name == row.message)
    slots: dict[tuple[str, str], list[Delivery]] = {}
    for other in rows:
        is_earlier_part = message.is_ordered and other.message == row.message and other.part_no < row.part_no
        if other.message in message.after or is_earlier_part:
            slots.setdefault((other.message, other.part), []).append(other)
    return list(slots.values())


@given(_lanes())
def test_a_head_to_send_never_overtakes_a_declared_predecessor(
    lane: tuple[tuple[Message, ...], list[Delivery], str | None],
) -> None:
    """Promise 5, for any declaration and any state of a lane."""
    messages, rows, waits_for = lane
    head = heads(rows, messages, now=NOW, waits_for=waits_for).head
    if head is None or head.task is not Task.SEND:
        return
    for slot in _predecessors(head.delivery, rows, messages):
        phases = {row.phase for row in slot}
        next_after = next(m for m in messages if m.name == slot[0].message).next_after
        assert not phases & {P.IN_FLIGHT, P.UNCONFIRMED}
        is_forgotten = all(r.phase is P.CANCELLED and r.reason != "cancelled_by_hand" for r in slot)
        is_queued = next_after is NextAfter.QUEUED_THERE and P.AWAITING in phases
        assert P.DELIVERED in phases or is_queued or is_forgotten


@given(_lanes())
def test_a_head_is_due_alone_in_its_slot_and_after_every_due_confirmation(
    lane: tuple[tuple[Message, ...], list[Delivery], str | None],
) -> None:
    messages, rows, waits_for = lane
    offer = heads(rows, messages, now=NOW, waits_for=waits_for)
    assert (offer.head is not None) == (offer.due_at is not None and offer.due_at <= NOW)
    open_ones = [r for r in rows if r.phase in (P.UNCONFIRMED, P.AWAITING) and r.due_at and r.due_at <= NOW]
    if open_ones:
        assert offer.head is not None
        assert offer.head.delivery in open_ones
    elif offer.head is not None:
        head = offer.head.delivery
        same = [r for r in rows if (r.message, r.part) == (head.message, head.part)]
        assert head.phase is P.PENDING
        assert not [r for r in same if r.phase in MAYBE_SENT]
        assert not blockers(head, rows, messages)


@given(_lanes())
def test_a_lane_where_nothing_can_become_due_is_blocked_for_a_reason_that_can_be_shown(
    lane: tuple[tuple[Message, ...], list[Delivery], str | None],
) -> None:
    messages, rows, waits_for = lane
    if heads(rows, messages, now=NOW, waits_for=waits_for).due_at is not None:
        return
    for row in rows:
        same = [r for r in rows if (r.message, r.part) == (row.message, row.part)]
        if row.phase is not P.PENDING or any(r.phase in MAYBE_SENT for r in same):
            continue
        waits = row.reason == WAITS_FOR_REMOTE_REF and waits_for is not None
        assert blockers(row, rows, messages) or row.due_at is None or waits


def awaiting(no: int = 1, **changes: Any) -> Delivery:
    """What lies in their queue until MUCH_LATER, and is asked about at LATER."""
    return step(no, P.AWAITING, **{"due_at": MUCH_LATER, "poll_at": LATER, **changes})


def watched(**changes: Any) -> Delivery:
    """What was taken and may be given back until MUCH_LATER."""
    return base(**{"due_at": None, "poll_at": LATER, "watched_until": MUCH_LATER, **changes})


class TestQuestions:
    def test_are_asked_when_due_and_not_before(self) -> None:
        row = awaiting()
        assert polls([row], now=NOW) == Polls((), LATER)
        assert polls([row], now=LATER) == Polls((row,), LATER)

    def test_about_several_slots_of_a_lane_are_separate(self) -> None:
        rows = awaiting(1), awaiting(2, poll_at=NOW), awaiting(3, poll_at=NOW)
        assert polls(rows, now=NOW) == Polls(rows[1:], NOW)

    def test_stop_at_the_deadline_and_overdue_takes_over(self) -> None:
        row = awaiting()
        assert polls([row], now=MUCH_LATER) == Polls((), None)
        assert offered(row, now=MUCH_LATER).head == Head(row, Task.OVERDUE)
        assert polls([awaiting(poll_at=MUCH_LATER)], now=NOW) == Polls((), None)

    def test_neither_are_heads_nor_make_a_lane_due(self) -> None:
        assert offered(awaiting(), now=LATER) == Heads(None, MUCH_LATER)
        assert offered(watched(), now=MUCH_LATER) == Heads(None, None)

    def test_go_on_about_what_was_taken_until_an_answer_came_at_the_end(self) -> None:
        row = watched()
        late = MUCH_LATER + timedelta(days=1)
        assert polls([row], now=late).due == (row,)

    def test_are_not_asked_about_what_nobody_gives_back(self) -> None:
        assert polls([watched(watched_until=None)], now=MUCH_LATER) == Polls((), None)

    @pytest.mark.parametrize("phase", [*sorted(MAYBE_SENT), P.DELIVERED])
    def test_stop_once_something_newer_of_the_slot_may_be_there(self, phase: Phase) -> None:
        """The answer would be about the newer one."""
        assert polls([watched(), base(phase)], now=LATER) == Polls((), None)
        older = base(phase)
        row = watched()
        assert polls([older, row], now=LATER).due == (row,)

    def test_go_on_while_what_is_newer_was_never_sent(self) -> None:
        row = watched()
        assert polls([row, base(P.PENDING), step(1, P.AWAITING)], now=LATER).due == (row,)
        assert polls([row, base(P.PARKED, sent_mac=b"s")], now=LATER).due == ()
        assert polls([row, base(P.PARKED, given_back_no=2)], now=LATER).due == (), "the answer would be about that one"

    @pytest.mark.parametrize("phase", [p for p in Phase if p not in (P.AWAITING, P.DELIVERED)])
    def test_are_asked_in_no_other_phase(self, phase: Phase) -> None:
        assert polls([base(phase, poll_at=NOW, watched_until=LATER)], now=NOW) == Polls((), None)


@st.composite
def _asked_lanes(draw: st.DrawFn) -> tuple[list[Delivery], datetime]:
    times = st.sampled_from([None, *(NOW + timedelta(minutes=no) for no in range(-3, 4))])
    rows = [
        a_row(
            draw(st.sampled_from(Phase)),
            message=draw(st.sampled_from(_NAMES)),
            due_at=draw(times),
            poll_at=draw(times),
            watched_until=draw(times),
        )
        for _ in range(draw(st.integers(0, 6)))
    ]
    return rows, NOW + timedelta(minutes=draw(st.integers(-3, 4)))


@given(_asked_lanes())
def test_a_question_is_due_exactly_when_the_lane_says_so_and_never_at_or_after_a_deadline(
    lane: tuple[list[Delivery], datetime],
) -> None:
    rows, now = lane
    found = polls(rows, now=now)
    assert bool(found.due) == (found.poll_at is not None and found.poll_at <= now)
    for row in found.due:
        assert row.poll_at is not None
        assert row.poll_at <= now
        assert row.phase in (P.AWAITING, P.DELIVERED)
        if row.phase is P.AWAITING and row.due_at is not None:
            assert now < row.due_at
        if row.phase is P.DELIVERED:
            slot = [other for other in rows if other.message == row.message]
            assert slot[-1] == row or all(
                o.phase in (P.PENDING, P.PARKED, P.CANCELLED) for o in slot[slot.index(row) + 1 :]
            )
    if found.poll_at is not None and found.poll_at > now:
        assert polls(rows, now=found.poll_at).due, "the lane is looked at when something is due, not for nothing"


@given(_asked_lanes())
def test_questions_change_nothing_about_what_is_sent_next(lane: tuple[list[Delivery], datetime]) -> None:
    """Promise 5: the order knows nothing of questions."""
    rows, now = lane
    messages = tuple(a_message(name) for name in _NAMES)
    unasked = [replace(row, poll_at=None, watched_until=None) for row in rows]
    asked, plain = (heads(some, messages, now=now, waits_for=None) for some in (rows, unasked))
    assert asked.due_at == plain.due_at
    assert (asked.head is None) == (plain.head is None)
    if asked.head is not None and plain.head is not None:
        assert (asked.head.task, asked.head.delivery.delivery_id) == (plain.head.task, plain.head.delivery.delivery_id)
