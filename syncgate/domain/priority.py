"""Priority: which of a system's due lanes go first, where what is promised soon passes what waited longer. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from syncgate.domain.plan import Json
from syncgate.domain.rows import Lane


def rank_at(case: Json, *, promised_within: timedelta | None, now: datetime) -> datetime | None:
    """Since when a lane counts as waiting, for its turn alone: the sooner it is promised, the longer ago.

    At most `promised_within` before now: later ones, however urgent, pass nothing that has waited longer than that.

    Args:
        case: the document.
        promised_within: how far ahead of its time a promise counts; None: the system has no priority.
        now: the store's time.

    Returns:
        None where nothing is promised: its turn comes by its due time.
    """
    promised_at = case.get("promised_at")
    if promised_within is None or promised_at is None:
        return None
    urgent_from = datetime.fromisoformat(promised_at).astimezone(UTC) - promised_within
    return max(urgent_from, now - promised_within)


def is_other_promise(before: Json, after: Json) -> bool:
    """Whether a change of the case moves its lanes to another place."""
    return bool(before.get("promised_at") != after.get("promised_at"))


def first_of(*lanes: Iterable[Lane], limit: int) -> list[Lane]:
    """The first of these due lanes, each once: by the earlier of due time and rank."""
    by_key = {(lane.case_id, lane.system): lane for several in lanes for lane in several}
    return sorted(by_key.values(), key=_turn)[:limit]


def _turn(lane: Lane) -> tuple[datetime, UUID]:
    assert lane.due_at is not None
    return (lane.due_at if lane.rank_at is None else min(lane.due_at, lane.rank_at), lane.case_id)
