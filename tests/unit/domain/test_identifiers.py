"""Identifiers: ours for cases and deliveries, and the stable keys that systems see."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

from hypothesis import example, given
from hypothesis import strategies as st

from syncgate.domain.ids import send_key, slot_key, uuid7

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
CASE, OTHER = UUID(int=1), UUID(int=2)

_times = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC))
_random = st.binary(min_size=10, max_size=10)
_names = st.text(max_size=5)


class TestAUuid7:
    def test_is_the_one_of_the_standard(self) -> None:
        """Source: RFC 9562 appendix A.6."""
        at = datetime.fromisoformat("2022-02-22T14:22:22-05:00")
        random = ((0xCC3 << 64) | 0x18C4DC0C0C07398F).to_bytes(10, "big")
        assert uuid7(at, random) == UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")

    @given(_times, _random)
    def test_has_version_and_variant_wherever_randomness_would_have_put_others(
        self, at: datetime, random: bytes
    ) -> None:
        made = uuid7(at, random)
        assert (made.version, made.variant) == (7, "specified in RFC 4122")

    @given(_times, _random)
    def test_keeps_all_randomness_but_the_six_bits_of_version_and_variant(self, at: datetime, random: bytes) -> None:
        drawn = int.from_bytes(random, "big")
        fixed = (0xF << 76) | (0x3 << 62)
        assert uuid7(at, random).int & ((1 << 80) - 1) & ~fixed == drawn & ~fixed

    @given(_times, _random)
    @example(datetime(2039, 1, 1, 0, 0, 0, 2000, tzinfo=UTC), bytes(10))
    def test_begins_with_the_milliseconds_since_1970(self, at: datetime, random: bytes) -> None:
        assert uuid7(at, random).int >> 80 == (at - EPOCH) // MILLISECOND

    @given(_times, _random)
    def test_begins_with_the_milliseconds_since_1970_give_or_take_one(self, at: datetime, random: bytes) -> None:
        assert abs((uuid7(at, random).int >> 80) - (at - EPOCH) // MILLISECOND) <= 1

    @given(_times, _random, _random, st.timedeltas(2 * MILLISECOND, timedelta(days=10_000)))
    def test_sorts_by_time_whatever_was_drawn(self, at: datetime, one: bytes, other: bytes, later: timedelta) -> None:
        first, second = uuid7(at, one), uuid7(at + later, other)
        assert first < second
        assert str(first) < str(second)

    def test_is_the_same_for_the_same_instant_in_any_zone(self) -> None:
        at = datetime(2026, 4, 30, 9, 0, tzinfo=timezone(timedelta(hours=8)))
        assert uuid7(at, bytes(10)) == uuid7(at.astimezone(UTC), bytes(10))

    def test_takes_no_more_than_ten_random_bytes(self) -> None:
        at = datetime(2026, 4, 30, tzinfo=UTC)
        assert uuid7(at, b"\x01" * 16) == uuid7(at, b"\x01" * 10)


class TestASlotKey:
    def test_is_for_good(self) -> None:
        """Systems hold it; a change of how it is made would fill every slot anew."""
        assert slot_key(CASE, "food", "application", "") == "f463cd7f-391a-8cae-bc30-703727125192"

    @given(st.tuples(_names, _names, _names), st.tuples(_names, _names, _names))
    def test_is_the_slots_own(self, one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
        assert (slot_key(CASE, *one) == slot_key(CASE, *other)) == (one == other)

    def test_does_not_run_names_together(self) -> None:
        keys = {slot_key(CASE, "a", "b", "c"), slot_key(CASE, "ab", "", "c"), slot_key(CASE, "", "ab", "c")}
        assert len(keys | {slot_key(CASE, "a", "bc", ""), slot_key(CASE, "abc", "", "")}) == 5

    def test_differs_by_case(self) -> None:
        assert slot_key(CASE, "food", "application", "") != slot_key(OTHER, "food", "application", "")

    def test_is_a_uuid_in_36_characters(self) -> None:
        key = slot_key(CASE, "省统一办件库", "办件", "环节一")
        assert len(key) == 36
        assert str(UUID(key)) == key
        assert UUID(key).version == 8


class TestASendKey:
    def test_is_for_good(self) -> None:
        """A re-send after an upgrade must be known as the same."""
        assert send_key(CASE, 1, "b" * 64) == "4f0131ff-7103-8b1a-9e18-7fc50ff12f6e"

    @given(
        st.tuples(st.sampled_from([CASE, OTHER]), st.integers(1, 99), _names),
        st.tuples(st.sampled_from([CASE, OTHER]), st.integers(1, 99), _names),
    )
    def test_is_the_same_for_the_same_content_and_another_for_any_other(
        self, one: tuple[UUID, int, str], other: tuple[UUID, int, str]
    ) -> None:
        assert (send_key(*one) == send_key(*other)) == (one == other)

    def test_of_what_was_given_back_is_another_also_of_the_same_content(self) -> None:
        """Promise 4: under the first key the system would answer for what it gave back."""
        keys = [send_key(CASE, 1, "b" * 64, given_back_no=no) for no in (None, 1, 2)]
        assert len(set(keys)) == 3
        assert keys[1] == "74e97831-72b9-8f38-bf4d-a483ecf9479a", "a re-send after an upgrade must be known as the same"

    def test_is_never_a_slot_key(self) -> None:
        assert send_key(CASE, 1, "b") not in {slot_key(CASE, "1", "b", ""), slot_key(CASE, "", "1", "b")}
