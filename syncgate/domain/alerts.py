"""Alerts: what somebody must know of, who was told when, and when they are told again. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID


class AlertKind(StrEnum):
    """Why somebody is told. There is one open alert of a kind for each system."""

    IMPLAUSIBLE_RUN = "implausible_run"
    """So much was missing at the system that its listing is not believed; nothing was mended."""
    CAP_EXCEEDED = "cap_exceeded"
    """A run would have sent more than its cap; nothing was mended."""
    INCOMPLETE_RUNS = "incomplete_runs"
    """Two runs in a row could not read for certain what the system holds."""
    FAILED_RUN = "failed_run"
    """A run broke."""
    MISSED_RUN = "missed_run"
    """A run did not begin when it was due."""
    DISCREPANCIES_LEFT = "discrepancies_left"
    """A run left discrepancies that a person must decide."""
    SYSTEM_DOWN = "system_down"
    """The breaker of a system is open: it does not answer, or does not let us in."""
    SILENT_SOURCE = "silent_source"
    """A source that usually posts at this time of the week does not."""
    HELD_ARRIVALS = "held_arrivals"
    """What a source brought cannot be taken in, and waits for a person."""
    CASE_NOT_COME = "case_not_come"
    """What a source said of a case waits too long for that case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One thing that somebody must know of.

    Attributes:
        system: what it is about. raised_at: since when; seen_at: when it was last found to be so.
        detail: what the words need: numbers, names of runs; never a value.
        due_at: when it is to be told next; None: it is not.
        told_at, told_count: when it was told last, and how often.
        reached: the ways by which the telling that is under way came through.
        tries_count: how often that telling failed.
        lease_token, lease_until: set together while a process tells it.
        acknowledged_at, acknowledged_by, acknowledged_reason: set together once somebody has taken it on.
        ended_at: when it was over.
    """

    alert_id: UUID
    kind: AlertKind
    system: str
    raised_at: datetime
    seen_at: datetime
    detail: dict[str, Any] = field(default_factory=dict)
    due_at: datetime | None = None
    told_at: datetime | None = None
    told_count: int = 0
    reached: tuple[str, ...] = ()
    tries_count: int = 0
    lease_token: UUID | None = None
    lease_until: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    acknowledged_reason: str | None = None
    ended_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is still so."""
        return self.ended_at is None

    @property
    def is_to_be_told(self) -> bool:
        """Whether anybody is still to hear of it."""
        return self.ended_at is None and self.acknowledged_at is None


RETRIED_AFTER: Final = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10))
"""How long after a telling that failed the next try is; the last one holds on."""


def raised(
    alert_id: UUID,
    kind: AlertKind,
    system: str,
    *,
    detail: Mapping[str, Any],
    now: datetime,
    due_at: datetime | None = None,
) -> Alert:
    """A new alert, to be told at once, or then."""
    told_at = due_at or now
    return Alert(
        alert_id=alert_id, kind=kind, system=system, raised_at=now, seen_at=now, detail=dict(detail), due_at=told_at
    )


def seen_again(alert: Alert, *, detail: Mapping[str, Any], now: datetime) -> Alert:
    """An open alert that is found to be so once more: it is told no sooner for that."""
    return replace(alert, seen_at=now, detail=dict(detail))


def acknowledged(alert: Alert, *, by: str, reason: str, now: datetime) -> Alert:
    """An alert that somebody has taken on: it is told no more, and ends when it is over."""
    if alert.acknowledged_at is not None:
        return alert
    return replace(alert, acknowledged_at=now, acknowledged_by=by, acknowledged_reason=reason, due_at=None)


def ended(alert: Alert, *, now: datetime) -> Alert:
    """An alert that is over."""
    return replace(alert, ended_at=now, due_at=None)


def leased(alert: Alert, *, token: UUID, until: datetime) -> Alert:
    """An alert that a process tells now."""
    return replace(alert, lease_token=token, lease_until=until)


def told(alert: Alert, *, reached: tuple[str, ...], ways: tuple[str, ...], repeat: timedelta, now: datetime) -> Alert:
    """An alert after a try to tell it.

    A telling is over once every way came through; what failed is tried again, by the ways that did not.

    Args:
        alert: as it is stored now, under the lease of who told it.
        reached: by which ways this try came through.
        ways: all that there are.
        repeat: after how long it is told anew.
        now: the store's time.
    """
    free = replace(alert, lease_token=None, lease_until=None)
    through = tuple(way for way in ways if way in reached or way in alert.reached)
    if through == ways:
        due_at = now + repeat if alert.is_to_be_told else None
        return replace(free, reached=(), tries_count=0, told_at=now, told_count=alert.told_count + 1, due_at=due_at)
    wait = RETRIED_AFTER[min(alert.tries_count, len(RETRIED_AFTER) - 1)]
    due_at = now + wait if alert.is_to_be_told else None
    return replace(free, reached=through, tries_count=alert.tries_count + 1, due_at=due_at)
