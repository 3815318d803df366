"""When what waits for a system will be gone: at its declared rate, within its hours. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Final

from syncgate.domain.closures import Timetable
from syncgate.domain.windows import DAY

_ALMOST: Final = 1e-6
"""A rate token lacking less than this is there: what is added up in fractions of a second is never quite whole."""


class Unknown(StrEnum):
    """Why no time is known at which nothing waits any more."""

    NOT_SENT_TO = "not_sent_to"
    """Its mode lets nothing be sent."""
    PAUSED = "paused"
    HELD = "held"
    """A hold has no end, or is about a part of what waits."""
    BREAKER_OPEN = "breaker_open"
    """When it answers again nobody knows."""
    NO_RATE = "no_rate"
    """How fast it is sent to is declared nowhere."""
    TOO_FAR = "too_far"
    """It would take longer than any calendar is known for, or its hours never come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast a system may be sent to: so many a second, so many at once after a quiet time, so many right now."""

    rate: float
    burst: int
    tokens: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """When nothing waits for a system any more, if nothing new comes and every send is taken.

    Attributes:
        waiting_count: deliveries that are to be sent; what waits for a person or another system is not among them.
        drained_at: when the last of them is sent; None where that is unknown.
        unknown: why it is.
        at_best_at: the same if whatever makes it unknown were over now; None where not even that can be said.
        cutoff_at: the next time of the day by which the system's day is closed; None: it has none.
        is_before_cutoff: whether all is sent by then; None where that is unknown.
    """

    waiting_count: int
    drained_at: datetime | None
    unknown: Unknown | None
    at_best_at: datetime | None
    cutoff_at: datetime | None
    is_before_cutoff: bool | None


def forecast(
    waiting_count: int,
    *,
    pace: Pace | None,
    timetable: Timetable,
    cutoff_at: datetime | None,
    stopped_by: Unknown | None,
    now: datetime,
) -> Forecast:
    """What can be said of a backlog.

    Args:
        waiting_count: deliveries to be sent, one request each.
        pace: how fast; None: no rate is declared.
        timetable: when the system may be spoken to.
        cutoff_at: the next cut-off.
        stopped_by: what keeps it from being sent to for a time that nobody knows.
        now: the store's time.
    """
    at_best_at = now if not waiting_count else drained_at(waiting_count, pace=pace, timetable=timetable, now=now)
    unknown = _unknown(waiting_count, pace, at_best_at, stopped_by)
    known_at = at_best_at if unknown is None else None
    is_too_late = at_best_at is not None and cutoff_at is not None and at_best_at > cutoff_at
    is_before = False if is_too_late else None if known_at is None or cutoff_at is None else True
    return Forecast(
        waiting_count=waiting_count,
        drained_at=known_at,
        unknown=unknown,
        at_best_at=at_best_at,
        cutoff_at=cutoff_at,
        is_before_cutoff=is_before,
    )


def _unknown(
    waiting_count: int, pace: Pace | None, at_best_at: datetime | None, stopped_by: Unknown | None
) -> Unknown | None:
    if not waiting_count:
        return None
    if stopped_by is not None:
        return stopped_by
    if pace is None:
        return Unknown.NO_RATE
    return Unknown.TOO_FAR if at_best_at is None else None


def drained_at(count: int, *, pace: Pace | None, timetable: Timetable, now: datetime) -> datetime | None:
    """When the last of so many sends may begin; None where no rate is declared or that is too far ahead.

    Tokens come in while the system is closed too, up to its burst.
    """
    if pace is None:
        return None
    left, tokens, at = count, pace.tokens, now
    for start, end in timetable.open_spans(now):
        tokens = min(float(pace.burst), tokens + (start - at).total_seconds() * pace.rate)
        done_at = start + timedelta(seconds=max(0.0, left - tokens) / pace.rate)
        if end is None or done_at < end:
            return done_at
        at_once, tokens = math.floor(tokens + _ALMOST), tokens + (end - start).total_seconds() * pace.rate
        sent = min(left - 1, max(at_once, math.ceil(tokens - _ALMOST) - 1))
        left, tokens, at = left - sent, tokens - sent, end
    return None


def next_cutoff(cutoff: timedelta | None, *, zone: tzinfo, now: datetime) -> datetime | None:
    """The first time from now on at which the local clock shows the cut-off.

    cutoff: counted from midnight; None: there is none.
    """
    if cutoff is None:
        return None
    today = now.astimezone(zone).date()
    times: Iterable[datetime] = (
        (datetime.combine(today + no * DAY, time.min) + cutoff).replace(tzinfo=zone).astimezone(UTC) for no in range(3)
    )
    return next(at for at in times if at >= now)
