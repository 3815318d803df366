"""Which due lanes go first: what is promised soon, and nothing that waited long is passed for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from syncgate.domain.priority import first_of, rank_at
from syncgate.domain.rows import Lane

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
DAY = timedelta(days=1)
hours = st.integers(-1000, 1000).map(lambda number: timedelta(hours=number))


def promised(at: datetime) -> dict[str, str]:
    return {"promised_at": at.isoformat()}


def lane(no: int, *, due: datetime, rank: datetime | None = None) -> Lane:
    return Lane(case_id=UUID(int=no), system="province", due_at=due, rank_at=rank)


def test_without_a_promise_or_without_priority_a_lane_goes_by_its_due_time() -> None:
    assert rank_at({}, promised_within=DAY, now=NOW) is None
    assert rank_at(promised(NOW), promised_within=None, now=NOW) is None


@given(hours, hours)
def test_what_is_promised_sooner_never_ranks_after_what_is_promised_later(one: timedelta, other: timedelta) -> None:
    sooner, later = (rank_at(promised(NOW + at), promised_within=DAY, now=NOW) for at in sorted((one, other)))
    assert sooner is not None and later is not None and sooner <= later


@given(hours)
def test_nothing_ranks_before_what_had_waited_longer_than_the_time_ahead(at: timedelta) -> None:
    rank = rank_at(promised(NOW + at), promised_within=DAY, now=NOW)
    assert rank is not None and rank >= NOW - DAY


def test_a_promise_in_another_zone_is_the_same_moment() -> None:
    document = {"promised_at": "2026-11-23T20:00:00+08:00"}
    assert rank_at(document, promised_within=DAY, now=NOW) == datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_the_urgent_pass_those_who_wait_and_each_comes_once() -> None:
    waited, urgent, calm = (
        lane(1, due=NOW - DAY / 2),
        lane(2, due=NOW, rank=NOW - DAY),
        lane(3, due=NOW, rank=NOW + DAY),
    )
    assert first_of([urgent, calm], [waited, calm, urgent], limit=3) == [urgent, waited, calm]


@given(
    st.lists(st.tuples(hours, st.none() | hours), max_size=12),
    st.integers(1, 6),
)
def test_the_first_by_rank_and_by_age_hold_the_first_of_all(
    made: list[tuple[timedelta, timedelta | None]], limit: int
) -> None:
    """What a claim reads, so many of each order, is enough to know whose turn it is."""
    lanes = [lane(no, due=NOW + due, rank=None if rank is None else NOW + rank) for no, (due, rank) in enumerate(made)]
    lanes = [one for one in lanes if one.due_at is not None and one.due_at <= NOW]
    ranked = sorted((one for one in lanes if one.rank_at is not None and one.rank_at <= NOW), key=_by_rank)
    by_age = sorted(lanes, key=lambda one: (one.due_at, one.case_id))
    assert first_of(ranked[:limit], by_age[:limit], limit=limit) == first_of(lanes, limit=limit)


def _by_rank(one: Lane) -> tuple[datetime, UUID]:
    assert one.rank_at is not None
    return (one.rank_at, one.case_id)
