"""Fetching: what a source that cannot post has ready, and telling it what was taken in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from syncgate.ports.listing import Unread


@dataclass(frozen=True, slots=True)
class Whole:
    """A file of which nothing can be read: its format, and its bytes."""

    format: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """One record that a source has ready.

    Attributes:
        key: what tells it from the source's others, for good.
        value: the record (JSON).
        fault: why it cannot be taken in as it came, without a value; empty: nothing speaks against it.
        place: the line where it begins; 0: it has none.
        whole: what is kept in the value's place where not even one record could be read.
    """

    key: str = field(repr=False)
    value: Any = field(repr=False)
    fault: str = ""
    place: int = 0
    whole: Whole | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A page of records, in the order in which they are to be taken in.

    Attributes:
        following: what to pass to get the next page; None: this was the last.
        cursor: where the next poll begins, once this page is taken in; None: at the beginning.
    """

    records: Sequence[Fetched]
    following: str | None = None
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """A record whose fate is committed. is_held: whether it waits for a person."""

    record: Fetched
    is_held: bool


class Fetching(Protocol):
    """One source that is asked for its records."""

    async def page(self, following: str | None) -> Ready | Unread:
        """A page of what is ready; None: from the beginning."""
        ...

    async def settle(self, settled: Sequence[Settled]) -> int | Unread:
        """Tells the source that these are taken in; gives how many it noted. Whatever it does not note comes again."""
        ...

    async def aclose(self) -> None:
        """Closes connections."""
        ...
