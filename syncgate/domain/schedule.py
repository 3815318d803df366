"""When to try again: a list of waits, jitter applied last, the draw passed in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

JITTER = 0.2
"""The share of a wait that jitter may add."""


def wait_after(waits: Sequence[timedelta], tries_count: int, *, draw: float) -> timedelta:
    """The wait after the `tries_count`-th try (from 1); the last one repeats.

    Args:
        waits: the declared waits, at least one.
        tries_count: tries so far, including the one that just failed.
        draw: a number in [0, 1).
    """
    wait = waits[min(max(tries_count, 1), len(waits)) - 1]
    return wait * (1 + JITTER * draw)


def is_used_up(waits: Sequence[timedelta], tries_count: int) -> bool:
    """Whether the schedule holds no further wait."""
    return tries_count > len(waits)


def is_exhausted(
    waits: Sequence[timedelta],
    *,
    tries_count: int,
    first_failed_at: datetime | None,
    last_taken_at: datetime | None,
) -> bool:
    """Whether a delivery gives up: its schedule is used up and the system has taken others meanwhile."""
    if not is_used_up(waits, tries_count) or first_failed_at is None or last_taken_at is None:
        return False
    return last_taken_at > first_failed_at


def clamp(asked: timedelta | None, *, least: timedelta, most: timedelta) -> timedelta:
    """The wait that a system asked for, within our bounds; `least` when it asked for none."""
    return min(max(asked or least, least), most)
