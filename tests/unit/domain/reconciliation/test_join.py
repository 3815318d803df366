"""The first look: sorted entries of both sides, joined."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncgate.domain.reconciliation.join import (
    KEPT_AT_MOST,
    NO_REF,
    ROLE_AT,
    Group,
    Look,
    Role,
    look_at,
    merge_join,
    same_by_key,
    same_mac,
)

_small = st.integers(0, 9)


def key(no: int) -> bytes:
    return bytes([no]) * 16


def ours(no: int, mac: int = 0, role: Role = Role.EXPECTED, rest: int = 0) -> bytes:
    return key(no) + key(mac) + bytes([role, rest])


def theirs(no: int, mac: int = 0, ref: int | None = None, position: int = 0) -> bytes:
    return key(no) + key(mac) + (NO_REF if ref is None else bytes([ref + 1]) * 8) + position.to_bytes(8, "big")


def look(*entries: bytes, there: list[bytes]) -> Look:
    (group,) = merge_join(entries, there)
    return look_at(group)


@given(
    st.lists(st.builds(ours, _small, _small, st.sampled_from(Role), _small), unique=True),
    st.lists(st.builds(theirs, _small, _small, st.none() | _small, _small), unique=True, max_size=KEPT_AT_MOST),
)
def test_a_merge_join_gives_what_a_lookup_table_gives(mine: list[bytes], other: list[bytes]) -> None:
    groups = {group.key: group for group in merge_join(sorted(mine), sorted(other))}
    assert list(groups) == sorted({entry[:16] for entry in mine + other})
    for of, group in groups.items():
        listed = [entry for entry in sorted(other) if entry[:16] == of]
        refs = {entry[32:40] for entry in listed} - {NO_REF}
        nameless = [entry for entry in listed if entry[32:40] == NO_REF]
        assert group.ours == [entry for entry in sorted(mine) if entry[:16] == of][:KEPT_AT_MOST]
        assert group.theirs_count == len(group.theirs) == len(refs) + len(nameless)
        assert group.repeated_count == len(listed) - group.theirs_count
        assert set(group.theirs) <= set(listed)
        assert {entry[32:40] for entry in group.theirs} - {NO_REF} == refs


def test_one_key_that_is_listed_without_end_is_counted_and_not_kept() -> None:
    def endless() -> Iterator[bytes]:
        for position in range(100_000):
            yield theirs(1, position=position)

    (group,) = merge_join([ours(1)], endless())
    assert (len(group.theirs), group.theirs_count) == (KEPT_AT_MOST, 100_000)
    assert look_at(group) is Look.SEVERAL


def test_reading_goes_on_only_as_far_as_the_groups_are_taken() -> None:
    taken = []

    def counted() -> Iterator[bytes]:
        for no in range(100):
            taken.append(no)
            yield theirs(no)

    groups = merge_join([], counted())
    next(groups), next(groups)
    assert len(taken) <= 4


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_entries_that_are_not_sorted_are_refused(side: str) -> None:
    """Read as sorted they would tell what is there as missing."""
    both = {"ours": [], "theirs": []} | {side: [ours(2) + bytes(8), ours(1) + bytes(8)]}
    with pytest.raises(ValueError, match=f"entries of {side} sorted"):
        list(merge_join(both["ours"], both["theirs"]))


def test_a_record_that_a_moving_listing_shows_twice_is_one_record() -> None:
    (group,) = merge_join([ours(1)], [theirs(1, ref=7, position=1), theirs(1, ref=7, position=9)])
    assert (look_at(group), group.repeated_count) == (Look.VERIFIED, 1)


class TestTheFirstLook:
    def test_verifies_what_is_there_as_expected(self) -> None:
        assert look(ours(1, 5), there=[theirs(1, 5)]) is Look.VERIFIED

    def test_suspects_another_digest(self) -> None:
        assert look(ours(1, 5), there=[theirs(1, 6)]) is Look.DIFFERENT

    def test_suspects_what_is_expected_and_not_listed(self) -> None:
        assert look(ours(1), there=[]) is Look.ABSENT

    def test_suspects_several_records_under_one_key(self) -> None:
        assert look(ours(1), there=[theirs(1, ref=1), theirs(1, ref=2)]) is Look.SEVERAL
        assert look(ours(1, role=Role.ALLOWED), there=[theirs(1, ref=1), theirs(1, ref=2)]) is Look.SEVERAL

    def test_suspects_what_is_nobodys_here(self) -> None:
        assert look(there=[theirs(1)]) is Look.UNKNOWN

    def test_suspects_what_was_taken_back_and_is_there(self) -> None:
        assert look(ours(1, role=Role.GONE), there=[theirs(1)]) is Look.STILL_THERE
        assert look(ours(1, role=Role.GONE), there=[]) is Look.QUIET

    def test_lets_an_older_version_be_there_or_not(self) -> None:
        assert look(ours(1, role=Role.ALLOWED), there=[theirs(1, 3)]) is Look.QUIET
        assert look(ours(1, role=Role.ALLOWED), there=[]) is Look.QUIET

    def test_sees_that_what_was_maybe_sent_came(self) -> None:
        assert look(ours(1, 5, role=Role.OPEN), there=[theirs(1, 5)]) is Look.CAME

    @pytest.mark.parametrize("there", [[], [theirs(1, 4)], [theirs(1, 3)], [theirs(1, 3), theirs(1, 4)]])
    def test_judges_nothing_else_of_a_slot_that_is_open(self, there: list[bytes]) -> None:
        """In flight is never reported: neither the old content, nor another, nor that nothing is there."""
        assert look(ours(1, 4), ours(1, 5, role=Role.OPEN), there=there) is Look.QUIET

    def test_verifies_a_record_that_two_messages_share_only_if_it_holds_what_both_sent(self) -> None:
        mine = (ours(1, 5), ours(1, 6, rest=1))

        def of_either(entry: bytes, record: bytes) -> bool:
            return entry[16:32] in (record[16:32], key(record[-1]))

        groups = [
            Group(key(1), list(mine), [theirs(1, 5, position=6)], 1),
            Group(key(1), list(mine), [theirs(1, 5, position=7)], 1),
        ]
        assert [look_at(group, of_either) for group in groups] == [Look.VERIFIED, Look.DIFFERENT]

    def test_asks_for_no_content_where_no_field_is_shown(self) -> None:
        (group,) = merge_join([ours(1, 5)], [theirs(1, 6)])
        assert look_at(group, same_by_key) is Look.VERIFIED


@given(
    st.lists(st.builds(ours, st.just(1), _small, st.sampled_from(Role), _small), max_size=4),
    st.lists(st.builds(theirs, st.just(1), _small, _small, _small), max_size=4),
)
def test_a_suspicion_or_a_verification_always_has_its_reason(mine: list[bytes], there: list[bytes]) -> None:
    for group in merge_join(sorted(mine), sorted(there)):
        seen = look_at(group)
        roles = {entry[ROLE_AT] for entry in group.ours}
        if seen is Look.VERIFIED:
            assert len(group.theirs) == 1 and Role.OPEN not in roles
            assert all(same_mac(entry, group.theirs[0]) for entry in group.ours if entry[ROLE_AT] == Role.EXPECTED)
        if seen in (Look.ABSENT, Look.DIFFERENT, Look.VERIFIED):
            assert Role.EXPECTED in roles
        assert not (Role.OPEN in roles and seen not in (Look.CAME, Look.QUIET))
