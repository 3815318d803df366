"""An answer as one page of a listing, or as a count: a page only where nothing speaks against it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal

from syncgate.domain.outcome import Outcome
from syncgate.ports import UNREADABLE, Page, Query, Unread
from syncgate.transports.answer_view import AnswerView
from syncgate.transports.answers import Verdict
from syncgate.transports.pointer import MISSING, follow, follow_list, parse_pointer

Reason = Literal["unavailable", "throttled", "denied", "unreadable"]

_SAID: Final[Mapping[Outcome, Reason]] = {
    Outcome.DENIED: "denied",
    Outcome.THROTTLED: "throttled",
    Outcome.UNAVAILABLE: "unavailable",
}
_MOST_DIGITS: Final = 18


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a listing a page is.

    Attributes:
        number: of the page; counted for every way of paging.
        read: records that the pages before had.
        at: the cursor, or the value to go on after; empty on the first page.
    """

    number: int
    read: int = 0
    at: str = ""

    @classmethod
    def of(cls, query: Query, following: str | None) -> Place:
        """The place that the page before gave; the first without one. Raises ValueError for another text."""
        if following is None:
            return cls(query.paging.first)
        number, read, at = following.split("+", 2)
        return cls(int(number), int(read), at)

    def then(self, count: int, at: str = "") -> str:
        """The place behind a page of so many records, as text."""
        return f"{self.number + 1}+{self.read + count}+{at}"


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer, what the rules say about it, and the wait that it asks for."""

    view: AnswerView
    verdict: Verdict
    wait: timedelta | None = None


def keys_of(query: Query, place: Place) -> dict[str, str]:
    """The values that the question for a page is filled with."""
    paging, keys = query.paging, dict(query.keys)
    if paging.size is not None:
        keys["size"] = str(paging.size)
    if paging.by == "page":
        keys["page"] = str(place.number)
    elif place.at:
        keys["cursor" if paging.by == "cursor" else "after"] = place.at
    return keys


def page_of(query: Query, place: Place, heard: Heard) -> Page | Unread:
    """The page that an answer is."""
    objection = _objection(heard)
    if objection is not None:
        return objection
    records = follow_list(heard.view.document, parse_pointer(query.records_at))
    if records is MISSING:
        return _unreadable("expected a list of records in the answer, got none", heard.verdict)
    total = None
    if query.total_at is not None:
        total = _count(follow(heard.view.document, parse_pointer(query.total_at)))
        if total is MISSING:
            return _unreadable("expected a whole number as total in the answer, got something else", heard.verdict)
    following = _following(query, place, heard.view, records, total)
    if isinstance(following, _Objection):
        return _unreadable(following.words, heard.verdict)
    return Page(records=records, following=following, total=total)


def count_of(query: Query, heard: Heard) -> int | Unread:
    """The count that an answer tells."""
    objection = _objection(heard)
    if objection is not None:
        return objection
    found = _count(follow(heard.view.document, parse_pointer(query.count_at)))
    if found is None or found is MISSING:
        return _unreadable("expected a whole number as count in the answer, got something else", heard.verdict)
    return int(found)


@dataclass(frozen=True, slots=True)
class _Objection:
    words: str


def _objection(heard: Heard) -> Unread | None:
    """Why an answer is no page. Only what a rule calls taken, or no rule calls anything, may be one."""
    view, verdict, outcome = heard.view, heard.verdict, heard.verdict.outcome
    if outcome in _SAID:
        words = f"the answer is {outcome.value}, by the rule {verdict.rule}"
        return Unread(reason=_SAID[outcome], words=words, outcome=outcome, retry_after=heard.wait)
    if view.status in (401, 403):
        return Unread(reason="denied", words=f"the answer is HTTP {view.status}", outcome=Outcome.DENIED)
    if view.status == 429 or view.status >= 500:
        # A question changes nothing, so whatever a send would make of it, it can be asked again.
        reason: Reason = "throttled" if view.status == 429 else "unavailable"
        words = f"the answer is HTTP {view.status}"
        return Unread(reason=reason, words=words, outcome=outcome, retry_after=heard.wait)
    if not (outcome is Outcome.TAKEN or verdict.is_implied):
        return _unreadable(f"the answer is {outcome.value}, by the rule {verdict.rule}", heard.verdict)
    if not 200 <= view.status < 300:
        return _unreadable(f"the answer is HTTP {view.status}", heard.verdict)
    if view.document is MISSING:
        return _unreadable(f"expected {view.format.upper()} in its declared charset, got something else", heard.verdict)
    if view.is_misdeclared:
        return _unreadable("expected the charset that the answer declares, got UTF-8", heard.verdict)
    return None


def _following(query: Query, place: Place, view: AnswerView, records: list[Any], total: Any) -> str | _Objection | None:
    match query.paging.by:
        case "page":
            return place.then(len(records)) if _goes_on(query, place, records, total) else None
        case "cursor":
            return _next_cursor(query, place, view, records)
        case "keyset":
            return _next_key(query, place, records)
        case _:
            return None


def _goes_on(query: Query, place: Place, records: list[Any], total: int | None) -> bool:
    """Whether there may be a page more. A total that is too low ends nothing; one that says more is followed, as far
    as there are records: a system that gives fewer to a page than it was asked for is read to its end."""
    size = query.paging.size
    is_short = size is not None and len(records) < size
    return bool(records) and not (is_short and (total is None or place.read + len(records) >= total))


def _next_cursor(query: Query, place: Place, view: AnswerView, records: list[Any]) -> str | _Objection | None:
    cursor = _text(follow(view.document, parse_pointer(query.paging.at)))
    if cursor == place.at and records and cursor:
        return _Objection("expected another cursor than the one that was asked with, got the same")
    return None if cursor in ("", place.at) else place.then(len(records), cursor)


def _next_key(query: Query, place: Place, records: list[Any]) -> str | _Objection | None:
    if not records:
        return None
    last = _text(follow(records[-1], parse_pointer(query.paging.at)))
    if not last:
        return _Objection("expected a value to go on after in the last record, got none")
    if last == place.at:
        return _Objection("expected a last record beyond the one of the page before, got the same")
    return place.then(len(records), last)


def _text(value: Any) -> str:
    return str(value) if type(value) is int else value if isinstance(value, str) else ""


def _count(value: Any) -> Any:
    """A whole number, also where a text says it; None where nothing is said; MISSING for anything else."""
    if value is None or value is MISSING or value == "":
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS:
        return int(value)
    return value if type(value) is int and value >= 0 else MISSING


def _unreadable(words: str, verdict: Verdict) -> Unread:
    return Unread(reason=UNREADABLE, words=words, outcome=verdict.outcome)
