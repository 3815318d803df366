"""What became of the deliveries that were in flight when something was killed, by their own histories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

IN_FLIGHT: Final = "SELECT delivery_id, lease_token FROM deliveries WHERE phase = 'in_flight'"
HISTORIES: Final = "SELECT delivery_id, kind, outcome, lease_token FROM attempts ORDER BY delivery_id, entry_no"
FATES: Final = ("answered", "found there", "sent again", "not sent", "other")
_BY_OUTCOME: Final = {
    "taken": "answered",
    "queued_there": "answered",
    "handed_back": "not sent",
    "expired_unsent": "not sent",
    "unavailable": "not sent",
    "throttled": "not sent",
    "denied": "not sent",
}
_ASKED: Final = {"found": "found there", "absent": "sent again"}
_IS_UNKNOWN: Final = ("unknown", "expired_sent", "duplicate")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a history."""

    kind: str
    outcome: str
    token: str


def named(value: Any) -> str:
    """An id as either engine gives it."""
    return value.hex() if isinstance(value, bytes) else str(value).replace("-", "")


def histories(rows: Iterable[Sequence[Any]]) -> dict[str, list[Entry]]:
    """Each delivery's entries in order, from the rows of HISTORIES."""
    known = ((named(row[0]), Entry(row[1], row[2], named(row[3]))) for row in rows)
    return {name: [entry for _, entry in group] for name, group in groupby(known, key=lambda pair: pair[0])}


def fate(history: Sequence[Entry], token: str) -> str:
    """One of FATES: what became of the send under this lease. `sent again` after it was known to be absent."""
    at = next((n for n, one in enumerate(history) if one.token == token and one.kind != "late"), None)
    if at is None:
        return "other"
    if history[at].outcome not in _IS_UNKNOWN:
        return _BY_OUTCOME.get(history[at].outcome, "other")
    asked = (_ASKED[one.outcome] for one in history[at + 1 :] if one.outcome in _ASKED)
    return next(asked, "other")


def fates(in_flight: Iterable[tuple[str, str]], known: Mapping[str, Sequence[Entry]]) -> Counter[str]:
    """How many of these (delivery, lease) came to each end."""
    return Counter(fate(known.get(delivery, ()), token) for delivery, token in in_flight)
