"""When a delivery is tried again, and when it gives up."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncgate.domain.schedule import JITTER, clamp, is_exhausted, is_used_up, wait_after
from tests.unit.domain.samples import NOW

S = timedelta(seconds=1)
WAITS = [1 * S, 5 * S, 30 * S]
SOON = NOW + S

_waits = st.lists(st.timedeltas(S / 1000, timedelta(days=30)), min_size=1, max_size=8)
_draws = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize(("tries", "seconds"), [(0, 1), (1, 1), (2, 5), (3, 30), (4, 30), (10**9, 30)])
def test_each_try_waits_as_declared_and_the_last_wait_repeats(tries: int, seconds: int) -> None:
    assert wait_after(WAITS, tries, draw=0.0) == seconds * S


def test_jitter_adds_its_share_of_the_wait() -> None:
    assert wait_after(WAITS, 2, draw=0.5) == 5.5 * S


@given(_waits, st.integers(0, 100), _draws)
def test_jitter_never_shortens_a_wait_nor_leads_beyond_its_bound(
    waits: list[timedelta], tries: int, draw: float
) -> None:
    """Jitter is applied last: at the longest wait too deliveries spread out, and none comes early."""
    bare = wait_after(waits, tries, draw=0.0)
    assert bare in waits
    assert bare <= wait_after(waits, tries, draw=draw) <= bare * (1 + JITTER)


@given(_waits, st.integers(0, 100), _draws, _draws)
def test_a_higher_draw_never_waits_less(waits: list[timedelta], tries: int, one: float, other: float) -> None:
    low, high = sorted([one, other])
    assert wait_after(waits, tries, draw=low) <= wait_after(waits, tries, draw=high)


def test_the_last_wait_spreads_too() -> None:
    assert wait_after(WAITS, 99, draw=0.9) > wait_after(WAITS, 99, draw=0.1) > WAITS[-1]


def test_a_schedule_is_used_up_after_a_try_more_than_it_has_waits() -> None:
    assert [is_used_up(WAITS, tries) for tries in range(6)] == [False, False, False, False, True, True]


class TestADeliveryGivesUp:
    def test_when_its_schedule_is_used_up_and_the_system_took_others_since(self) -> None:
        assert is_exhausted(WAITS, tries_count=4, first_failed_at=NOW, last_taken_at=SOON)

    def test_never_while_its_schedule_holds_a_wait(self) -> None:
        assert not is_exhausted(WAITS, tries_count=3, first_failed_at=NOW, last_taken_at=SOON)

    @pytest.mark.parametrize("last_taken_at", [None, NOW - S, NOW])
    def test_never_when_the_system_took_nothing_since_its_first_failure(self, last_taken_at: object) -> None:
        assert not is_exhausted(WAITS, tries_count=99, first_failed_at=NOW, last_taken_at=last_taken_at)  # type: ignore[arg-type]

    def test_never_before_it_failed(self) -> None:
        assert not is_exhausted(WAITS, tries_count=99, first_failed_at=None, last_taken_at=NOW)


class TestAWaitThatASystemAskedFor:
    @pytest.mark.parametrize(
        ("asked", "given"),
        [(None, 1), (timedelta(0), 1), (-S, 1), (S / 2, 1), (7 * S, 7), (60 * S, 60), (61 * S, 60)],
    )
    def test_is_honoured_within_our_bounds(self, asked: timedelta | None, given: int) -> None:
        assert clamp(asked, least=1 * S, most=60 * S) == given * S

    @given(st.none() | st.timedeltas(), st.timedeltas(timedelta(0)), st.timedeltas(timedelta(0)))
    def test_is_never_out_of_bounds(self, asked: timedelta | None, one: timedelta, other: timedelta) -> None:
        least, most = sorted([one, other])
        assert least <= clamp(asked, least=least, most=most) <= most

    def test_never_exceeds_the_upper_bound_even_where_the_lower_one_does(self) -> None:
        assert clamp(None, least=9 * S, most=5 * S) == 5 * S
