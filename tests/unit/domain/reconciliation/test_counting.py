"""Finding by counts alone where a system holds more or less."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from math import log2

from hypothesis import given
from hypothesis import strategies as st

from syncgate.domain.reconciliation.counting import FIRST_RANGES, Asking, Counted, KeyRange, SortedKeys, bisect

_keys = st.sets(st.text("0123", min_size=1, max_size=4), max_size=60)
PLENTY = 10_000


def answered(asking: Asking, count: Callable[[str, str | None], int | None]) -> Counted:
    try:
        asked = next(asking)
        while True:
            asked = asking.send(count(asked.low, asked.high))
    except StopIteration as ended:
        found = ended.value
        assert isinstance(found, Counted)
        return found


def counted(ours: set[str], theirs: set[str], questions_at_most: int = PLENTY) -> Counted:
    mine = SortedKeys(sorted(ours))
    asking = bisect(mine.count, mine.split, questions_at_most=questions_at_most)
    return answered(asking, counting(theirs))


def counting(keys: Iterable[str]) -> Callable[[str, str | None], int]:
    """The system's side."""
    theirs = sorted(keys)
    return lambda low, high: sum(low <= key and (high is None or key < high) for key in theirs)


def within(found: Counted, key: str) -> int:
    return sum(part.low <= key and (part.high is None or key < part.high) for part in found.ranges)


@given(_keys, st.data())
def test_every_missing_key_is_in_a_range_of_its_own(ours: set[str], data: st.DataObject) -> None:
    missing = data.draw(st.sets(st.sampled_from(sorted(ours)))) if ours else set()
    found = counted(ours, ours - missing)
    assert all(within(found, key) == 1 for key in missing)
    assert [(part.expected, part.actual) for part in found.ranges] == [(1, 0)] * len(missing)


@given(_keys, _keys)
def test_every_range_that_is_told_differs_and_no_other_range_is_off(ours: set[str], theirs: set[str]) -> None:
    found = counted(ours, theirs)
    mine, count = counting(ours), counting(theirs)
    for part in found.ranges:
        assert (part.expected, part.actual) == (mine(part.low, part.high), count(part.low, part.high))
        assert part.expected != part.actual and part.expected <= 1
    assert sum(part.actual - part.expected for part in found.ranges) == len(theirs) - len(ours)
    ends = [(part.low, part.high) for part in found.ranges]
    assert all(high is not None and high <= low for (_, high), (low, _) in pairwise(ends))


@given(_keys, _keys, st.integers(2, 40))
def test_it_is_never_asked_more_often_than_allowed(ours: set[str], theirs: set[str], most: int) -> None:
    asked = []
    mine, theirs_in = SortedKeys(sorted(ours)), counting(theirs)

    def count(low: str, high: str | None) -> int:
        asked.append((low, high))
        return theirs_in(low, high)

    found = answered(bisect(mine.count, mine.split, questions_at_most=most), count)
    assert len(asked) == found.questions_count <= most
    assert bool(found.ranges) or len(ours) == len(theirs) or most < 4


def test_few_differences_among_many_take_few_questions() -> None:
    ours = {f"{no:06}" for no in range(100_000)}
    missing = {"000017", "050000", "099999"}
    found = counted(ours, ours - missing)
    assert len(found.ranges) == 3
    assert found.questions_count <= FIRST_RANGES + len(missing) * (log2(100_000 / FIRST_RANGES) + 2)


def test_where_nothing_differs_each_part_is_asked_once() -> None:
    ours = {f"{no:04}" for no in range(1000)}
    assert counted(ours, ours) == Counted((), 1000, FIRST_RANGES)


def test_a_difference_that_is_gone_when_asked_again_is_not_told() -> None:
    """A record came in while we counted."""
    mine = SortedKeys(["1", "2"])
    answers = iter([1, 0, 1])
    asking = bisect(mine.count, mine.split, questions_at_most=8)
    found = answered(asking, lambda low, high: next(answers))
    assert found.ranges == ()


@given(_keys, st.data())
def test_what_may_be_there_or_not_is_never_told(ours: set[str], data: st.DataObject) -> None:
    """Half of what is on its way has come."""
    unsure = data.draw(st.sets(st.text("45", min_size=1, max_size=3), max_size=20))
    came = data.draw(st.sets(st.sampled_from(sorted(unsure)))) if unsure else set()
    mine = SortedKeys(ours, unsure)
    found = answered(bisect(mine.count, mine.split, questions_at_most=PLENTY), counting(ours | came))
    assert found.ranges == ()


def test_what_came_since_our_side_was_read_is_not_told_of_it_as_it_is_by_now() -> None:
    found = counted({"1", "2"}, {"1", "2", "3", "4"})
    assert [(part.expected, part.actual) for part in found.ranges] == [(1, 3)]
    assert found.still(SortedKeys(["1", "2", "3"], ["4"]).count).ranges == ()
    (left,) = found.still(SortedKeys(["1", "2"], ["4"]).count).ranges
    assert (left.expected, left.actual) == (2, 3)


def test_a_count_that_cannot_be_had_ends_it_incomplete() -> None:
    mine = SortedKeys([str(no) for no in range(9)])
    asked: list[str] = []

    def count(low: str, high: str | None) -> int | None:
        asked.append(low)
        return 0 if len(asked) < 6 else None

    found = answered(bisect(mine.count, mine.split, questions_at_most=100), count)
    assert not found.is_complete and found.questions_count == 5


def test_what_is_there_and_nothing_of_ours_is_told_as_one_range() -> None:
    assert [(part.low, part.high, part.actual) for part in counted(set(), {"1", "2"}).ranges] == [("", None, 2)]


@given(
    st.lists(st.text("01", max_size=3), max_size=12), st.text("01", max_size=3), st.none() | st.text("01", max_size=3)
)
def test_a_split_leaves_keys_on_either_side(keys: list[str], low: str, high: str | None) -> None:
    mine = SortedKeys(keys)
    middle = mine.split(low, high)
    within_it = {key for key in keys if low <= key and (high is None or key < high)}
    assert (middle is None) == (len(within_it) < 2)
    if middle is not None:
        before, after = mine.count(low, middle).least, mine.count(middle, high).least
        assert before and after and before + after == mine.count(low, high).least


def test_ranges_begin_with_the_whole() -> None:
    mine = SortedKeys(["1"])
    assert next(bisect(mine.count, mine.split, questions_at_most=9)) == KeyRange("", None)
