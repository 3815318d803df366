"""Whether a source that usually posts is silent: what it usually does is learned from its own last weeks. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

HOUR: Final = timedelta(hours=1)
WEEK: Final = timedelta(days=7)
WEEKS_NEEDED: Final = 3
"""Weeks that must be known before anything is usual."""
WEEKS_LOOKED_BACK: Final = 8
MOST_OF: Final = 0.75
"""In so many of its weeks an hour of a weekday must have had a post to be usual, and in three at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A source that is silent. last_post_at: the hour of its last post; since: the first usual hour without one.

    missed: how many usual hours have passed without any.
    """

    last_post_at: datetime
    since: datetime
    missed: int


def hour_of(at: datetime) -> datetime:
    """The hour, in UTC, that a time belongs to."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def usual_hours(
    posts: Mapping[datetime, int], *, zone: tzinfo, holidays: Collection[date] = frozenset()
) -> frozenset[tuple[int, int]]:
    """The (weekday, hour) in which a source usually posts, as known at its last post; empty while too little is known.

    Args:
        posts: how many it posted, by hour in UTC; only hours with any.
        zone: in which its people live.
        holidays: days that say nothing of its habits.
    """
    if not posts:
        return frozenset()
    last = max(posts)
    first = max(min(posts), last - WEEKS_LOOKED_BACK * WEEK)
    if last - first < WEEKS_NEEDED * WEEK:
        return frozenset()
    seen: dict[tuple[int, int], int] = {}
    had: dict[tuple[int, int], int] = {}
    for at, slot in _slots(first, last + HOUR, zone, holidays):
        seen[slot] = seen.get(slot, 0) + 1
        had[slot] = had.get(slot, 0) + (posts.get(at, 0) > 0)
    return frozenset(slot for slot, count in had.items() if count >= WEEKS_NEEDED and count >= MOST_OF * seen[slot])


def silence(
    posts: Mapping[datetime, int],
    *,
    now: datetime,
    zone: tzinfo,
    after: int,
    holidays: Collection[date] = frozenset(),
) -> Silence | None:
    """A source's silence; None while it posts as usual, or too little is known of it.

    Args:
        posts: as for `usual_hours`.
        now: the hour that is under way is not judged.
        zone: in which its people live.
        after: so many usual hours must have passed without a post.
        holidays: days on which nobody is expected to post.
    """
    usual = usual_hours(posts, zone=zone, holidays=holidays)
    if not usual:
        return None
    last = max(posts)
    missed = [at for at, slot in _slots(last + HOUR, hour_of(now), zone, holidays) if slot in usual]
    return Silence(last_post_at=last, since=missed[0], missed=len(missed)) if len(missed) >= max(after, 1) else None


def _slots(
    since: datetime, until: datetime, zone: tzinfo, holidays: Collection[date]
) -> Iterator[tuple[datetime, tuple[int, int]]]:
    """Every hour of a time with its weekday and hour there; none of a holiday."""
    at = since
    while at < until:
        local = at.astimezone(zone)
        if local.date() not in holidays:
            yield at, (local.weekday(), local.hour)
        at += HOUR
