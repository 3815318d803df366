"""How much of what a system holds can be read back, as people and machines read it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from syncgate.domain.reconciliation.kinds import Kind, Level
from syncgate.site.readback import ReadBack, ReadListing


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingView:
    """One collection of records at a system, and how much of it can be read back.

    Attributes:
        listing: its name. messages: whose records it has.
        level: fields, ids, counts or none. ways: in which it is read: list, export, read, count.
        finds, cannot_find: kinds of discrepancies.
    """

    listing: str
    messages: tuple[str, ...]
    level: Level
    ways: tuple[str, ...]
    finds: tuple[Kind, ...]
    cannot_find: tuple[Kind, ...]

    @classmethod
    def of(cls, listing: ReadListing) -> ListingView:
        """The listing as it is shown."""
        return cls(
            listing=listing.name,
            messages=listing.messages,
            level=listing.level,
            ways=listing.ways,
            finds=_in_order(listing.finds),
            cannot_find=_in_order(listing.misses),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBackView:
    """How a system is reconciled. every_seconds: how often; None: not by itself. unlisted: messages in no listing."""

    every_seconds: float | None
    listings: tuple[ListingView, ...]
    unlisted: tuple[str, ...]

    @classmethod
    def of(cls, readback: ReadBack) -> ReadBackView:
        """The same as it is shown."""
        return cls(
            every_seconds=None if readback.every is None else readback.every.total_seconds(),
            listings=tuple(map(ListingView.of, readback.listings)),
            unlisted=readback.unlisted,
        )


def _in_order(kinds: Iterable[Kind]) -> tuple[Kind, ...]:
    found = frozenset(kinds)
    return tuple(kind for kind in Kind if kind in found)
