"""Whether what a system listed can be believed: of its pages one by one, and of a run as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

FEW: Final = 10
"""So many may always be missing: of a handful of records a share says nothing."""
RECENT_COUNT: Final = 5_000
"""Records that a page is compared with for repetitions: the join finds those that lie further apart."""
REPEATED_PAGES_AT_MOST: Final = 3
"""A system that shows its last page for every number beyond it is not asked for ever."""


class Doubt(StrEnum):
    """Why a listing was not read for certain. What it shows is there; what it does not show may be there too."""

    REPEATED_PAGE = "repeated_page"
    """A page showed what an earlier one had shown, whole."""
    REPEATED_RECORDS = "repeated_records"
    """Records were listed twice, and no more came in meanwhile: it moved while it was read, or sorts by nothing."""
    NOT_INCREASING = "not_increasing"
    """A page began before the end of its predecessor, where the next page is asked by the last value."""
    TOTAL_SHRANK = "total_shrank"
    """It said that there are fewer records than it had said before: what was removed moves others between pages."""
    ENDED_EARLY = "ended_early"
    """It ended before it had shown as many records as it says that there are."""
    BEYOND_TOTAL = "beyond_total"
    """It showed more records than it says that there are."""
    ENDLESS = "endless"
    """It led back to a page that had been read, or went on far beyond its total."""
    UNREADABLE = "unreadable"
    """A page was no list of records."""
    UNAVAILABLE = "unavailable"
    """A page could not be had."""


class Implausible(StrEnum):
    """Why a run is not believed."""

    EMPTY = "empty"
    """Nothing is listed where much was."""
    HALVED = "halved"
    """Less than half is listed of what the run before had read."""
    MOSTLY_MISSING = "mostly_missing"
    """A larger share is missing than the adapter allows."""
    TOO_MANY_DIFFER = "too_many_differ"
    """More keys differ than are looked at again."""


@dataclass(slots=True)
class _Totals:
    first: int
    last: int
    greatest: int

    def then(self, total: int) -> None:
        self.last, self.greatest = total, max(self.greatest, total)

    @property
    def grown_by(self) -> int:
        return max(0, self.last - self.first)


class PageWatch:
    """Looks at the pages of one listing as they come. Keeps digests of pages, and the records of the last ones.

    A file does not move while it is read: what it lists again is there again, and speaks against nothing.
    `see` each page in turn; stop reading where it says so; `end` gives the doubts.
    """

    def __init__(self, *, by: Literal["page", "cursor", "keyset", "none", "file"]) -> None:
        self.read_count = 0
        """Records seen, ours and others, repeated ones once; of a file all of them."""
        self._by = by
        self._pages: set[int] = set()
        self._followings: set[str] = set()
        self._recent: dict[str, None] = {}
        self._totals: _Totals | None = None
        self._repeated_count = 0
        self._repeated_pages_count = 0
        self._last = ""
        self._doubts: dict[Doubt, None] = {}

    def doubt(self, doubt: Doubt) -> None:
        """Notes what was found elsewhere: a page that could not be read."""
        self._doubts[doubt] = None

    def see(self, refs: Sequence[str], *, following: str | None, total: int | None = None) -> bool:
        """Looks at the next page and says whether to read on; False also where `following` is None.

        Args:
            refs: what tells all of its records apart, ours and others, in its order: the system's own ids, or their
                keys, or digests of either.
            following: what the page says comes next, as `ports.Page` has it.
            total: how many records it says that there are.
        """
        self._see_records(refs)
        self._see_total(total)
        if following is None:
            return False
        self._see_following(following)
        return Doubt.ENDLESS not in self._doubts

    def end(self, *, repeated: int = 0) -> tuple[Doubt, ...]:
        """All doubts, in the order of arising. After a page that could not be had or read, nothing is said of totals.

        Args:
            repeated: how often the join found records listed again, near each other or far apart.
        """
        totals = self._totals
        is_whole = not {Doubt.ENDLESS, Doubt.UNREADABLE, Doubt.UNAVAILABLE} & set(self._doubts)
        repeated = 0 if self._by == "file" else max(repeated, self._repeated_count)
        read_count = self.read_count + self._repeated_count - repeated
        if totals is not None and is_whole:
            if read_count < totals.first:
                self.doubt(Doubt.ENDED_EARLY)
            if read_count > totals.greatest:
                self.doubt(Doubt.BEYOND_TOTAL)
        may_repeat = totals.grown_by if totals is not None and self._by == "page" else 0
        if repeated > may_repeat:
            self.doubt(Doubt.REPEATED_RECORDS)
        return tuple(self._doubts)

    def _see_records(self, refs: Sequence[str]) -> None:
        if self._by == "file":
            self.read_count += len(refs)
            return
        page = hash(tuple(refs))
        if refs and page in self._pages:
            self._repeated_pages_count += 1
            self.doubt(Doubt.REPEATED_PAGE)
        self._pages.add(page)
        for ref in refs:
            if ref in self._recent:
                self._repeated_count += 1
            else:
                self.read_count += 1
                self._recent[ref] = None
        for ref in list(self._recent)[: max(0, len(self._recent) - RECENT_COUNT)]:
            del self._recent[ref]

    def _see_total(self, total: int | None) -> None:
        if total is None:
            return
        if self._totals is None:
            self._totals = _Totals(total, total, total)
        if total < self._totals.last:
            self.doubt(Doubt.TOTAL_SHRANK)
        self._totals.then(total)

    def _see_following(self, following: str) -> None:
        if following in self._followings or self._is_without_end():
            self.doubt(Doubt.ENDLESS)
        if self._by == "keyset" and self._followings and not _comes_after(following, self._last):
            self.doubt(Doubt.NOT_INCREASING)
        self._last = following
        self._followings.add(following)

    def _is_without_end(self) -> bool:
        is_far_beyond = self._totals is not None and self.read_count > 2 * self._totals.greatest + RECENT_COUNT
        return is_far_beyond or self._repeated_pages_count >= REPEATED_PAGES_AT_MOST


def _comes_after(later: str, earlier: str) -> bool:
    """By number, by code point or without regard to case: systems sort in one of these ways."""
    if later.isdecimal() and earlier.isdecimal() and int(later) > int(earlier):
        return True
    return later > earlier or later.casefold() > earlier.casefold()


def judge(
    *, expected: int, missing: int, read: int, read_before: int | None, missing_at_most: float
) -> Implausible | None:
    """Why a listing's run is not believed; None: it is.

    Args:
        expected: records of ours that should be there.
        missing: of these, found missing by both looks, or suspected by the first where no second was taken.
        read: records of ours that were read.
        read_before: the same of the last complete run over the same window; None: there was none.
        missing_at_most: the share of what is expected that may be missing.
    """
    if read == 0 and expected > FEW:
        return Implausible.EMPTY
    if read_before is not None and read_before - read > FEW and read < read_before / 2:
        return Implausible.HALVED
    if missing > FEW and missing > missing_at_most * expected:
        return Implausible.MOSTLY_MISSING
    return None


def is_beyond_cap(sends: int, cap: int) -> bool:
    """Whether mending would cause more sends than one run may; then none is made."""
    return sends > cap
