"""When a system is asked next what became of something: what its rows say from a send, an answer or a find on."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from syncgate.domain import schedule
from syncgate.domain.delivery import Event
from syncgate.domain.rows import Delivery
from syncgate.site.bundle import Acknowledgement, Bundle

UNWATCHED: Final[dict[str, Any]] = {"poll_at": None, "watched_until": None}


def acknowledgement_of(delivery: Delivery, bundle: Bundle | None) -> Acknowledgement | None:
    """How the system is asked about a delivery under the bundle that sent it; None where it is not."""
    return None if bundle is None else bundle.acknowledgements.get(delivery.message)


def awaited(
    delivery: Delivery, bundle: Bundle, *, final_after: timedelta, now: datetime, draw: float
) -> dict[str, Any]:
    """What a delivery's row says once it lies in the system's queue.

    Args:
        delivery: as it was in flight.
        bundle: that sent it.
        final_after: how long it is awaited where nobody is asked.
        now: the store's time.
        draw: for jitter.
    """
    policy = acknowledgement_of(delivery, bundle)
    fresh: dict[str, Any] = {"queued_at": now, "polled_at": None, "confirms_count": 0, "watched_until": None}
    if policy is None:
        return {**fresh, "due_at": now + final_after, "poll_at": None}
    wait = schedule.wait_after(policy.waits, 1, draw=draw)
    return {**fresh, "due_at": now + policy.final_after, "poll_at": now + wait}


def watched(delivery: Delivery, bundle: Bundle | None, event: Event, *, now: datetime, draw: float) -> dict[str, Any]:
    """What the row of a delivery that the system has taken, or was found to hold, says of its watch.

    What nobody acknowledged may still be rejected once its consumer comes to it, so it is watched as long as an
    acknowledgement would have been awaited.
    """
    policy = acknowledgement_of(delivery, bundle)
    if policy is None:
        return UNWATCHED
    length = policy.returned_for or timedelta(0)
    if event is not Event.TAKEN:
        length = max(length, policy.final_after)
    if not length:
        return UNWATCHED
    wait = schedule.wait_after(policy.waits, len(policy.waits), draw=draw)
    return {"poll_at": now + min(wait, length), "watched_until": now + length, "polled_at": None}


def asked_later(
    delivery: Delivery,
    policy: Acknowledgement,
    *,
    is_answered: bool,
    is_taken: bool,
    least: timedelta,
    now: datetime,
    draw: float,
) -> dict[str, Any]:
    """What the row of a delivery says after an answer that moved nothing.

    The watch of what was taken ends with the first answer when its time is up, so that an outage hides no return.
    What was watched because nobody had acknowledged it is acknowledged by a word that it was taken.

    Args:
        delivery: awaiting or delivered.
        policy: how it is asked about.
        is_answered: whether the system said anything about it; is_taken: whether it said that it took it.
        least: the wait that the system asked for.
        now: the store's time.
        draw: for jitter.
    """
    count = delivery.confirms_count + is_answered
    told: dict[str, Any] = {"confirms_count": count, "polled_at": now if is_answered else delivery.polled_at}
    until = delivery.watched_until
    if until is None:
        wait = schedule.wait_after(policy.waits, count + 1, draw=draw)
        return {**told, "poll_at": now + max(wait, least)}
    if is_taken:
        until = told["watched_until"] = min(until, now + (policy.returned_for or timedelta(0)))
    if now >= until and is_answered:
        return {**told, **UNWATCHED}
    at = now + max(schedule.wait_after(policy.waits, len(policy.waits), draw=draw), least)
    return {**told, "poll_at": min(at, until) if now < until else at}


def given_back(delivery: Delivery) -> dict[str, Any]:
    """What the row of a delivery says that the system had and gave back: it holds nothing of it under its number."""
    return {
        "sent_mac": None,
        "given_back_no": delivery.version_no,
        "delivered_at": None,
        "tries_count": 0,
        "confirms_count": 0,
        "first_failed_at": None,
    }
