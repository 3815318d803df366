"""What a slot counts as holding once reconciliation has seen something else in it than was delivered."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncgate.domain.delivery import Beginning, Event, Phase
from syncgate.domain.head import heads
from syncgate.domain.holding import UNTOLD, Saying, hold_known, hold_said
from syncgate.domain.plan import Message, OnChange, OnUnplanned, Planned
from syncgate.domain.replan import Cancel, Decision, Queue, replan, slots_of
from syncgate.domain.retraction import is_needless, is_taken_back_later, takes_back_under
from syncgate.domain.rows import Change, Delivery, Observed
from tests.unit.domain.samples import NOW, a_message, a_row, planned

ONCE = "voided"


def decided(wanted: list[Planned], rows: list[Delivery], *messages: Message) -> list[Decision]:
    """What a replan of these rows decides, with one retraction of the case where the messages declare one."""
    named = {message.name: message for message in [*messages, a_message(ONCE, exists=lambda case, part: False)]}
    takes_back = takes_back_under(named.values())
    return replan(wanted, slots_of(rows, takes_back), named, lambda name: planned(b"V", message=name))


def delivered(mac: bytes = b"A", observed: Observed | None = None, **changes: object) -> Delivery:
    return a_row(Phase.DELIVERED, mac, observed=observed, sent_mac=mac, due_at=None, **changes)


def retracted(observed: Observed | None = None, *, minutes: int = 1, **changes: object) -> Delivery:
    at = NOW + timedelta(minutes=minutes)
    return delivered(observed=observed, change=Change.RETRACT, created_at=at, delivered_at=at, **changes)


@pytest.mark.parametrize("seen", [Observed.ABSENT, Observed.DIFFERENT])
def test_what_was_seen_in_a_slot_queues_the_same_content_again(seen: Observed) -> None:
    (decision,) = decided([planned()], [delivered(observed=seen)], a_message())
    assert decision == Queue(planned())


@pytest.mark.parametrize("seen", [Observed.ABSENT, Observed.DIFFERENT])
def test_the_repair_that_waits_is_not_queued_a_second_time(seen: Observed) -> None:
    rows = [delivered(observed=seen), a_row(Phase.PENDING)]
    assert decided([planned()], rows, a_message()) == []


def test_a_message_that_ignores_changes_is_sent_anew_where_nothing_is_there() -> None:
    message = a_message(on_change=OnChange.IGNORE)
    assert decided([planned()], [delivered(observed=Observed.ABSENT)], message) == [Queue(planned())]
    assert decided([planned()], [delivered(observed=Observed.DIFFERENT)], message) == []


def test_what_is_gone_is_not_taken_back() -> None:
    message = a_message(on_unplanned=OnUnplanned.RETRACT)
    assert decided([], [delivered(observed=Observed.ABSENT)], message) == []
    (decision,) = decided([], [delivered(observed=Observed.DIFFERENT)], message)
    assert isinstance(decision, Queue)
    assert decision.change is Change.RETRACT


def test_an_emptied_slot_hides_what_was_delivered_there_before() -> None:
    rows = [delivered(b"A"), delivered(b"B", observed=Observed.ABSENT)]
    assert slots_of(rows)["application", ""].delivered is None
    assert decided([planned(b"A")], rows, a_message()) == [Queue(planned(b"A"))]


def test_a_retraction_that_took_nothing_back_is_made_again() -> None:
    message = a_message(on_unplanned=OnUnplanned.RETRACT)
    rows = [delivered(), retracted(Observed.PRESENT)]
    (decision,) = decided([], rows, message)
    assert isinstance(decision, Queue)
    assert (decision.change, decision.planned.message) == (Change.RETRACT, "application")
    assert decided([], [*rows, a_row(Phase.PENDING, change=Change.RETRACT)], message) == []


def test_a_retraction_of_the_case_that_took_nothing_back_is_made_again_once() -> None:
    messages = [a_message(name, on_unplanned=OnUnplanned.RETRACT, retraction=ONCE) for name in ("application", "step")]
    rows = [delivered(), delivered(message="step", part="s1"), retracted(Observed.PRESENT, message=ONCE)]
    assert decided([], rows, *messages) == [Queue(planned(b"V", message=ONCE), Change.RETRACT)]


def test_after_such_a_retraction_what_is_wanted_again_is_sent_as_its_content_is_untold() -> None:
    rows = [delivered(), retracted(Observed.PRESENT)]
    assert decided([planned()], rows, a_message()) == [Queue(planned())]
    waiting = a_row(Phase.PENDING, change=Change.RETRACT)
    (decision,) = decided([planned()], [*rows, waiting], a_message())
    assert not isinstance(decision, Cancel), "the same content again is not yet there for certain"


def test_what_comes_after_waits_until_what_is_gone_is_there_again() -> None:
    """Promise 5: a part never overtakes what it is declared to follow, though that was there once."""
    messages = [a_message(), a_message("step", after=("application",))]
    step = a_row(Phase.PENDING, message="step", part="s1")
    gone = delivered(observed=Observed.ABSENT)
    again = a_row(Phase.PENDING, due_at=NOW + timedelta(minutes=1))
    assert heads([gone, again, step], messages, now=NOW, waits_for=None).head is None
    there = heads([gone, delivered(), step], messages, now=NOW, waits_for=None).head
    assert there is not None
    assert there.delivery is step


def test_a_retraction_of_what_is_gone_is_needless() -> None:
    takes_back = takes_back_under([a_message()])
    waiting = a_row(Phase.PENDING, change=Change.RETRACT)
    assert is_needless(waiting, [delivered(b"A"), delivered(b"B", observed=Observed.ABSENT)], takes_back)
    assert not is_needless(waiting, [delivered(b"A"), retracted(Observed.PRESENT)], takes_back)
    assert is_needless(waiting, [delivered(b"A"), retracted()], takes_back)


def test_a_retraction_that_took_nothing_back_stands_for_nothing() -> None:
    takes_back = takes_back_under([a_message()])
    assert not is_taken_back_later(delivered(), [retracted(Observed.PRESENT)], takes_back)
    assert is_taken_back_later(delivered(), [retracted()], takes_back)


def test_a_sources_word_counts_beside_what_was_seen_to_be_otherwise() -> None:
    """It changed a field that it owns: what else its record holds since somebody typed there, nobody told us."""
    name = ("application", "")
    saying = Saying(
        said={name: planned(b"F2")},
        said_before={name: planned(b"F1")},
        planned={name: planned(b"B")},
        planned_before={name: planned(b"A")},
        said_then={name: planned(b"A")},
        bundle=a_row().bundle,
        is_whole=True,
    )
    (hold,) = hold_said(saying, slots_of([delivered(b"A", observed=Observed.DIFFERENT)]))
    assert hold.planned.input_mac == UNTOLD
    (hold,) = hold_said(saying, slots_of([delivered(b"A")]))
    assert hold.planned.input_mac == b"B"


def test_a_number_told_for_what_is_gone_stands_for_a_record_again() -> None:
    slots = slots_of([delivered(observed=Observed.ABSENT)])
    assert hold_known({("application", ""): planned()}, slots)
    assert not hold_known({("application", ""): planned()}, slots_of([delivered()]))


def test_a_number_stands_for_a_record_of_which_nobody_knows_the_content_and_takes_the_place_of_what_waits() -> None:
    """Promise 4: a record that exists is never made a second time."""
    waiting = a_row(Phase.PENDING)
    for slots in (slots_of([waiting]), {}):
        (hold,) = hold_known({("application", ""): planned(b"A")}, slots)
        assert hold.beginning is Beginning.KNOWN_BY_NUMBER
        assert (hold.planned.message, hold.planned.part, hold.planned.input_mac) == ("application", "", UNTOLD)
        assert hold.replaces == (waiting if slots else None)


def test_the_change_back_to_what_was_delivered_goes_out_where_something_else_was_seen() -> None:
    rows = [delivered(b"A", observed=Observed.DIFFERENT), a_row(Phase.PENDING, b"B")]
    assert not any(isinstance(d, Cancel) for d in decided([planned(b"A")], rows, a_message()))
    rows = [delivered(b"A"), a_row(Phase.PENDING, b"B")]
    assert decided([planned(b"A")], rows, a_message()) == [Cancel(rows[1], Event.SUPERSEDED)]
