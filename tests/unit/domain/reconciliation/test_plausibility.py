"""What is believed of a listing's pages, and of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncgate.domain.reconciliation.plausibility import (
    RECENT_COUNT,
    Doubt,
    Implausible,
    PageWatch,
    is_beyond_cap,
    judge,
)

By = Literal["page", "cursor", "keyset", "none", "file"]


def doubts(
    *pages: Sequence[str], by: By = "page", totals: Sequence[int | None] = (), followings: Sequence[str] = ()
) -> tuple[Doubt, ...]:
    """Reads the pages until the watch or the listing ends."""
    watch = PageWatch(by=by)
    for no, page in enumerate(pages):
        following = None if no + 1 == len(pages) else (followings[no] if followings else f"{no + 1:04}")
        total = totals[min(no, len(totals) - 1)] if totals else None
        if not watch.see(page, following=following, total=total):
            break
    return watch.end()


@given(st.lists(st.lists(st.uuids().map(str), max_size=5), min_size=1, max_size=6), st.sampled_from(["page", "keyset"]))
def test_a_listing_that_shows_everything_once_is_not_doubted(pages: list[list[str]], by: By) -> None:
    assert doubts(*pages, by=by, totals=[sum(map(len, pages))]) == ()


@given(
    st.lists(st.lists(st.uuids().map(str), min_size=1, max_size=5), min_size=2, max_size=6, unique_by=tuple), st.data()
)
def test_a_listing_that_loses_a_page_is_doubted_where_it_says_its_total(
    pages: list[list[str]], data: st.DataObject
) -> None:
    lost = data.draw(st.integers(0, len(pages) - 1))
    shown = [page for no, page in enumerate(pages) if no != lost]
    assert doubts(*shown, totals=[sum(map(len, pages))]) == (Doubt.ENDED_EARLY,)


@given(st.lists(st.lists(st.uuids().map(str), min_size=1, max_size=5), min_size=1, max_size=6), st.data())
def test_a_listing_that_repeats_a_page_is_doubted(pages: list[list[str]], data: st.DataObject) -> None:
    again = data.draw(st.integers(0, len(pages) - 1))
    found = doubts(*pages, pages[again], by=data.draw(st.sampled_from(["page", "cursor", "keyset"])))
    assert set(found) == {Doubt.REPEATED_PAGE, Doubt.REPEATED_RECORDS}


def test_records_that_come_in_while_it_is_read_are_no_doubt() -> None:
    """Two came in at the top: the last two of the page move to the next, and the total tells why."""
    assert doubts(["5", "4", "3"], ["4", "3", "2"], ["1"], totals=[5, 7]) == ()


def test_records_that_move_without_a_reason_are_a_doubt() -> None:
    assert doubts(["5", "4", "3"], ["3", "2", "1"], totals=[5]) == (Doubt.REPEATED_RECORDS,)
    assert doubts(["5", "4", "3"], ["3", "2", "1"]) == (Doubt.REPEATED_RECORDS,)


def test_as_many_may_repeat_as_came_in_and_no_more() -> None:
    """Promise 4: what moves for another reason may have hidden a record between two pages."""
    assert doubts(["5", "4", "3"], ["4", "3", "2"], ["1"], totals=[5, 6]) == (Doubt.REPEATED_RECORDS,)


def test_the_last_page_is_the_last() -> None:
    assert not PageWatch(by="page").see(["1"], following=None)


def test_a_listing_by_keyset_or_cursor_has_no_reason_to_repeat() -> None:
    for by in ("keyset", "cursor"):
        assert doubts(["1", "2"], ["2", "3"], by=by, totals=[3, 4]) == (Doubt.REPEATED_RECORDS,)


def test_what_a_file_lists_again_is_there_again_and_no_doubt() -> None:
    assert doubts(["1", "2"], ["1", "2"], ["2"], by="file") == ()
    watch = PageWatch(by="file")
    watch.see(["1", "1"], following="2")
    watch.see(["1"], following=None)
    assert (watch.read_count, watch.end(repeated=1)) == (3, ())


def test_repetitions_that_lie_far_apart_are_told_by_the_join() -> None:
    watch = PageWatch(by="cursor")
    watch.see(["first", "second"], following="a")
    watch.see([str(no) for no in range(RECENT_COUNT)], following="b")
    watch.see(["first"], following=None)
    assert watch.end(repeated=1) == (Doubt.REPEATED_RECORDS,)
    assert watch.read_count == RECENT_COUNT + 3


def test_what_is_removed_while_it_is_read_is_a_doubt() -> None:
    """The page after it begins one too late: a record is lost between the two."""
    assert Doubt.TOTAL_SHRANK in doubts(["1", "2"], ["4", "5"], totals=[5, 4])


def test_more_than_the_total_is_a_doubt() -> None:
    assert doubts(["1", "2", "3"], totals=[2]) == (Doubt.BEYOND_TOTAL,)


def test_a_keyset_that_goes_back_is_a_doubt() -> None:
    pages = [["1"], ["2"], ["3"], ["4"]]
    assert doubts(*pages, by="keyset", followings=["b", "a", "c"]) == (Doubt.NOT_INCREASING,)


@pytest.mark.parametrize("followings", [["b", "1", "c"], ["1", "01", "2"], ["a", "A", "b"]])
def test_a_keyset_that_stays_or_goes_back_in_every_order_is_a_doubt(followings: list[str]) -> None:
    assert doubts(["1"], ["2"], ["3"], ["4"], by="keyset", followings=followings) == (Doubt.NOT_INCREASING,)


@pytest.mark.parametrize("followings", [["9", "10", "11"], ["09", "1", "2"], ["a", "B", "c"], ["B", "a", "b"]])
def test_a_keyset_may_sort_by_number_by_code_point_or_without_case(followings: list[str]) -> None:
    assert doubts(["1"], ["2"], ["3"], ["4"], by="keyset", followings=followings) == ()


class TestAListingWithoutEnd:
    def test_that_leads_back_is_left(self) -> None:
        watch = PageWatch(by="cursor")
        assert watch.see(["1"], following="a") and watch.see(["2"], following="b")
        assert not watch.see(["3"], following="a")
        assert Doubt.ENDLESS in watch.end()

    def test_that_shows_its_last_page_for_ever_is_left(self) -> None:
        watch = PageWatch(by="page")
        asked = [watch.see(["1", "2"], following=str(no)) for no in range(5)]
        assert asked.index(False) == 3
        assert Doubt.ENDLESS in watch.end()

    def test_that_goes_on_far_beyond_its_total_is_left(self) -> None:
        watch = PageWatch(by="page")
        pages = (watch.see([f"{no}-{i}" for i in range(100)], following=str(no), total=10) for no in range(10**6))
        assert next(no for no, reads_on in enumerate(pages) if not reads_on) < 100


@pytest.mark.parametrize("doubt", [Doubt.UNAVAILABLE, Doubt.UNREADABLE])
def test_a_page_that_could_not_be_had_is_the_only_doubt(doubt: Doubt) -> None:
    watch = PageWatch(by="page")
    watch.see(["1"], following="2", total=5)
    watch.doubt(doubt)
    assert watch.end() == (doubt,)


class TestARunIsNotBelieved:
    def test_where_nothing_is_listed_any_more(self) -> None:
        assert _judged(expected=11, missing=11, read=0, missing_at_most=1.0) is Implausible.EMPTY

    def test_where_less_than_half_is_listed_of_what_was(self) -> None:
        assert _judged(expected=100, missing=0, read=49, read_before=100) is Implausible.HALVED

    def test_where_a_larger_share_is_missing_than_allowed(self) -> None:
        assert _judged(expected=1000, missing=51, read=949) is Implausible.MOSTLY_MISSING


class TestARunIsBelieved:
    def test_where_as_much_is_missing_as_allowed(self) -> None:
        assert _judged(expected=1000, missing=50, read=950) is None

    def test_where_a_handful_is_missing_however_few_there_are(self) -> None:
        """A system in its first week holds five records; one that is missing is a fifth of them."""
        assert _judged(expected=10, missing=10, read=0) is None
        assert _judged(expected=20, missing=10, read=10, read_before=20) is None

    def test_where_just_half_is_listed_of_what_was_or_more(self) -> None:
        assert _judged(expected=100, missing=0, read=50, read_before=100) is None
        assert _judged(expected=100, missing=0, read=90, read_before=100) is None

    def test_where_only_a_handful_less_is_listed_though_that_is_more_than_half(self) -> None:
        assert _judged(expected=15, missing=0, read=5, read_before=15) is None
        assert _judged(expected=16, missing=0, read=5, read_before=16) is Implausible.HALVED

    def test_where_nothing_was_expected(self) -> None:
        assert _judged(expected=0, missing=0, read=0) is None


def _judged(
    *, expected: int, missing: int, read: int, read_before: int | None = None, missing_at_most: float = 0.05
) -> Implausible | None:
    return judge(
        expected=expected, missing=missing, read=read, read_before=read_before, missing_at_most=missing_at_most
    )


def test_a_run_may_send_as_many_as_its_cap() -> None:
    assert [is_beyond_cap(sends, 100) for sends in (99, 100, 101)] == [False, False, True]
