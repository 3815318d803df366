"""Reading back: what a transport can list and count of what its system holds. Changes nothing there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Literal, Protocol, runtime_checkable

from syncgate.domain.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """How one page leads to the next.

    Attributes:
        by: `page`: numbered from `first`; `cursor`: the answer names the next, at `at`; `keyset`: the next begins
            after the value that the last record has at `at`; `none`: there is one page; `file`: pages are pieces of a
            file, which nobody is asked for, and which does not move while it is read.
        at: JSON Pointer: for `cursor` within the answer, for `keyset` within a record.
        first: number of the first page.
        size: records that a full page has. By `page` a shorter one is the last, unless the total says that there are
            more; None: an empty page is the last. By `keyset` an empty page is the last. A database pages by the keys
            of its own operation, so that the rest of this counts for nothing there.
    """

    by: Literal["page", "cursor", "keyset", "none", "file"] = "none"
    at: str = ""
    first: int = 1
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A listing to read, or to count.

    Attributes:
        operation: name of an operation of the adapter's options.
        keys: values for its placeholders, the same for every page; `from` and `until` of a window are ISO 8601 with
            the site's offset. `page`, `size`, `cursor` and `after` are the transport's to fill.
        records_at: JSON Pointer of the list of records in the answer; empty: the answer is the list.
        total_at: where the answer says how many records there are in all; None: it does not.
        count_at: where the answer to a counting question says how many.
        paging: how one page leads to the next.
    """

    operation: str
    keys: Mapping[str, str] = field(default_factory=dict)
    records_at: str = ""
    total_at: str | None = None
    count_at: str = ""
    paging: Paging = Paging()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a listing.

    Attributes:
        records: as the system shows them (JSON), in its order.
        following: what to pass to get the next page; None: this was the last.
        total: how many records the system says that there are in all; None: it does not say.
    """

    records: Sequence[Any]
    following: str | None
    total: int | None = None


UNREADABLE: Final = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """Why a page or a count could not be read.

    Attributes:
        reason: `unavailable`, `throttled`, `denied`, or `unreadable` (another charset, no JSON, no list where one was
            expected).
        words: what happened in neutral words, without a value.
        retry_after: the wait that the system asked for.
    """

    reason: Literal["unavailable", "throttled", "denied", "unreadable"]
    words: str
    outcome: Outcome | None = None
    retry_after: timedelta | None = None


@runtime_checkable
class Listing(Protocol):
    """A transport that can list what its system holds; the others are read back by look-ups, or not at all."""

    async def list_page(self, query: Query, following: str | None) -> Page | Unread:
        """One page.

        Args:
            query: the same for every page of a listing.
            following: what the page before said; None: the first page. It is a text, and may be stored.
        """
        ...

    async def count(self, query: Query, *, low: str, high: str | None) -> int | Unread:
        """How many records there are whose key is at least `low` and below `high`, as texts by code point; None: no
        upper end. They go to the operation as the keys `low` and `high`."""
        ...
