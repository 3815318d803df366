"""What each delivery of a lane says about the record under its key."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from syncgate.domain.delivery import Phase
from syncgate.domain.reconciliation.join import Role
from syncgate.domain.rows import Change, HeldRow
from syncgate.flows.reconciling.roles import Judging, SideCounts, roles_in
from tests.support.rows import START

CASE = UUID(int=1)
LONG_AGO = START - timedelta(days=1)
JUDGING = Judging(
    messages=frozenset({"application", "withdrawn"}),
    takes_back={"withdrawn": frozenset({"application"})},
    is_removed=False,
    settled_before=START,
)
REMOVING = Judging(
    messages=frozenset({"application"}),
    takes_back={"withdrawn": frozenset({"application"})},
    is_removed=True,
    settled_before=START,
)


def a_row(number: int, **changes: Any) -> HeldRow:
    row = HeldRow(
        delivery_id=UUID(int=number),
        case_id=CASE,
        message="application",
        part="",
        revision=1,
        phase=Phase.DELIVERED,
        change=Change.CREATE,
        bundle="b",
        reason=None,
        changed_at=LONG_AGO,
        sent_at=LONG_AGO,
        held_key=b"k" * 16,
        held_mac=bytes([number]) * 16,
        observed=None,
    )
    return row._replace(**changes)


def seen(*rows: HeldRow, judging: Judging = JUDGING) -> tuple[dict[int, Role], SideCounts]:
    counts = SideCounts()
    return {row.delivery_id.int: role for row, role in roles_in(rows, judging, counts)}, counts


def test_the_newest_delivered_one_is_expected_and_hides_older_ones_under_its_key() -> None:
    roles, counts = seen(a_row(1), a_row(2, change=Change.UPDATE))
    assert roles == {2: Role.EXPECTED}
    assert (counts.expected, counts.delivered, counts.unjudged) == (1, 1, 0)


def test_an_older_version_under_a_key_of_its_own_may_be_there() -> None:
    roles, _ = seen(a_row(1), a_row(2, held_key=b"2" * 16, change=Change.NEW_VERSION))
    assert roles == {1: Role.ALLOWED, 2: Role.EXPECTED}


def test_a_slot_with_anything_on_its_way_or_in_its_grace_is_not_judged() -> None:
    for moving in (
        a_row(2, phase=Phase.PENDING, held_key=None),
        a_row(2, phase=Phase.IN_FLIGHT, held_key=None),
        a_row(2, changed_at=START),
    ):
        roles, counts = seen(a_row(1), moving)
        assert set(roles.values()) == {Role.ALLOWED}
        assert (counts.expected, counts.unjudged) == (1, 1)


def test_what_is_unconfirmed_or_awaited_may_have_come() -> None:
    for phase in (Phase.UNCONFIRMED, Phase.AWAITING):
        roles, counts = seen(a_row(1, phase=phase))
        assert roles == {1: Role.OPEN}
        assert (counts.expected, counts.delivered, counts.unjudged) == (1, 0, 1)


def test_what_a_retraction_took_back_should_be_gone_where_such_records_go() -> None:
    withdrawn = a_row(2, message="withdrawn", part="s2", change=Change.RETRACT, held_key=b"w" * 16)
    assert seen(a_row(1), withdrawn, judging=REMOVING)[0] == {1: Role.GONE}


def test_what_a_retraction_took_back_may_stay_where_it_is_kept_and_its_own_record_is_expected() -> None:
    withdrawn = a_row(2, message="withdrawn", part="s2", change=Change.RETRACT, held_key=b"w" * 16)
    roles, counts = seen(a_row(1), withdrawn)
    assert roles == {1: Role.ALLOWED, 2: Role.EXPECTED}
    assert counts.expected == 1


def test_a_retraction_of_the_slot_itself_leaves_no_record_of_its_own() -> None:
    roles, counts = seen(a_row(1), a_row(2, change=Change.RETRACT, held_key=None), judging=REMOVING)
    assert roles == {1: Role.GONE}
    assert counts.expected == 0


def test_what_was_sent_again_after_it_was_taken_back_is_expected() -> None:
    roles, _ = seen(a_row(1), a_row(2, change=Change.RETRACT, held_key=None), a_row(3), judging=REMOVING)
    assert roles == {3: Role.EXPECTED}


def test_a_retraction_under_way_leaves_its_slots_unjudged() -> None:
    for phase in (Phase.PENDING, Phase.IN_FLIGHT, Phase.UNCONFIRMED):
        withdrawn = a_row(2, message="withdrawn", part="s2", change=Change.RETRACT, phase=phase, held_key=None)
        roles, counts = seen(a_row(1), withdrawn, judging=REMOVING)
        assert roles == {1: Role.ALLOWED}
        assert counts.unjudged == 1


def test_what_the_system_holds_of_its_own_accord_is_not_judged_by_our_key() -> None:
    own = a_row(2, reason="held_by_source", held_key=None)
    assert seen(own)[0] == {}
    roles, counts = seen(a_row(1), own)
    assert roles == {1: Role.ALLOWED}
    assert counts.unjudged == 1


def test_what_was_given_back_is_counted_and_not_expected() -> None:
    roles, counts = seen(a_row(1, phase=Phase.PARKED, reason="returned"))
    assert roles == {1: Role.ALLOWED}
    assert (counts.expected, counts.delivered, counts.returned) == (1, 0, 1)


def test_what_was_sent_before_the_window_may_be_there_and_need_not_be_listed() -> None:
    windowed = Judging(
        messages=JUDGING.messages,
        takes_back={},
        is_removed=False,
        settled_before=START,
        sent_from=LONG_AGO + timedelta(hours=1),
    )
    assert seen(a_row(1), judging=windowed)[0] == {1: Role.ALLOWED}
    assert seen(a_row(1, sent_at=LONG_AGO + timedelta(hours=2)), judging=windowed)[0] == {1: Role.EXPECTED}
