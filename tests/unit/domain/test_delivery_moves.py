"""Every phase with every event, against the table of design §4 written out a second time, by event."""

from __future__ import annotations

import pytest

from syncgate.domain.delivery import BY_HAND, MAYBE_SENT, WAITING, Event, Phase, advance, is_final
from syncgate.domain.errors import IllegalMove
from syncgate.domain.outcome import Outcome

LEGAL = {
    "claimed": {"pending": "in_flight"},
    "withdrawn": {"pending": "cancelled", "parked": "cancelled"},
    "superseded": {"pending": "cancelled", "parked": "cancelled"},
    "taken": {"in_flight": "delivered", "awaiting": "delivered"},
    "queued_there": {"in_flight": "awaiting"},
    "refused": {"in_flight": "parked", "awaiting": "parked", "unconfirmed": "parked"},
    "throttled": {"in_flight": "pending"},
    "unavailable": {"in_flight": "pending"},
    "denied": {"in_flight": "pending"},
    "exhausted": {"in_flight": "parked"},
    "duplicate": {"in_flight": "unconfirmed"},
    "unknown": {"in_flight": "unconfirmed", "awaiting": "unconfirmed"},
    "expired_sent": {"in_flight": "unconfirmed"},
    "expired_unsent": {"in_flight": "pending"},
    "handed_back": {"in_flight": "pending"},
    "restored": {"pending": "unconfirmed", "in_flight": "unconfirmed"},
    "overdue": {"awaiting": "unconfirmed"},
    "found": {"unconfirmed": "delivered"},
    "found_different": {"unconfirmed": "parked"},
    "absent": {"unconfirmed": "pending"},
    "undecided": {"unconfirmed": "unconfirmed"},
    "confirmed_by_hand": {"unconfirmed": "delivered", "parked": "delivered"},
    "absent_by_hand": {"unconfirmed": "pending"},
    "requeued": {"parked": "pending"},
    "set_aside": {"pending": "parked"},
    "returned": {"delivered": "parked"},
    "cancelled_by_hand": {"pending": "cancelled", "parked": "cancelled"},
}
"""By event: from phase to phase. Read off the design, not off the code."""

PAIRS = [(phase, event) for phase in Phase for event in Event]


@pytest.mark.parametrize(("phase", "event"), PAIRS)
def test_every_event_moves_every_phase_as_designed_or_is_refused(phase: Phase, event: Event) -> None:
    expected = LEGAL[event].get(phase)
    if expected is None:
        with pytest.raises(IllegalMove):
            advance(phase, event)
    else:
        assert advance(phase, event) == expected


@pytest.mark.parametrize(("phase", "event"), PAIRS)
def test_while_a_newer_one_waits_no_move_ends_in_a_waiting_phase(phase: Phase, event: Event) -> None:
    """A move into pending or parked becomes cancelled; every other one, legal or not, is as ever."""
    expected = LEGAL[event].get(phase)
    if expected is None:
        with pytest.raises(IllegalMove):
            advance(phase, event, newer_waits=True)
    else:
        wanted = "cancelled" if expected in ("pending", "parked") else expected
        assert advance(phase, event, newer_waits=True) == wanted


@pytest.mark.parametrize(("phase", "event"), PAIRS)
def test_while_a_system_is_sent_nothing_no_move_ends_in_pending(phase: Phase, event: Event) -> None:
    """Promise 13: what would wait is parked instead; every other move, legal or not, is as ever."""
    expected = LEGAL[event].get(phase)
    if expected is None:
        with pytest.raises(IllegalMove):
            advance(phase, event, is_sent_to=False)
    else:
        assert advance(phase, event, is_sent_to=False) == ("parked" if expected == "pending" else expected)


def test_every_event_is_legal_somewhere() -> None:
    assert all(LEGAL[event] for event in Event)
    assert LEGAL.keys() == {event.value for event in Event}


def test_only_a_cancelled_delivery_is_final() -> None:
    assert [phase for phase in Phase if is_final(phase)] == [Phase.CANCELLED]


def test_every_phase_is_reached_from_pending() -> None:
    reached, frontier = {"pending"}, {"pending"}
    while frontier:
        frontier = {moves[p] for moves in LEGAL.values() for p in frontier if p in moves} - reached
        reached |= frontier
    assert reached == {phase.value for phase in Phase}


def test_every_phase_is_waiting_or_maybe_sent_or_settled() -> None:
    assert {*WAITING} == {"pending", "parked"}
    assert {*MAYBE_SENT} == {"in_flight", "awaiting", "unconfirmed"}
    assert {*Phase} - WAITING - MAYBE_SENT == {"delivered", "cancelled"}


def test_what_may_have_been_sent_waits_again_only_when_it_is_known_not_to_have_been_taken() -> None:
    """Promise 4: no way leads from unconfirmed back to sending but a proof of absence."""
    back = {event for event in Event if LEGAL[event].get("unconfirmed") == "pending"}
    assert back == {"absent", "absent_by_hand"}
    from_flight = {event for event in Event if LEGAL[event].get("in_flight") == "pending"}
    assert from_flight == {"throttled", "unavailable", "denied", "expired_unsent", "handed_back"}


def test_a_stop_reaches_only_what_waits() -> None:
    for event in ("withdrawn", "superseded", "cancelled_by_hand"):
        assert LEGAL[event].keys() == WAITING


def test_the_four_decisions_of_a_person_are_by_hand() -> None:
    assert {*BY_HAND} == {"confirmed_by_hand", "absent_by_hand", "requeued", "cancelled_by_hand"}


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_is_an_event_that_ends_a_flight(outcome: Outcome) -> None:
    assert outcome.event.value == outcome.value
    assert advance(Phase.IN_FLIGHT, outcome.event) is not Phase.IN_FLIGHT


def test_a_refused_move_names_phase_and_event() -> None:
    with pytest.raises(IllegalMove, match="expected an event that moves a delivered delivery, got claimed"):
        advance(Phase.DELIVERED, Event.CLAIMED)
