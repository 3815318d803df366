"""What a report says: runs with their totals, the discrepancies that they found, and sums over both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from syncgate.domain.meter import Meter
from syncgate.domain.reconciliation.kinds import FOUND_AT, Kind, Level
from syncgate.domain.reconciliation.run import ListingTotals, RunOutcome

Titles = Mapping[str, str]
"""What something is called, by language; empty where only its name is known."""
OPEN: Final = "open"
QUEUED: Final = "queued"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldLine:
    """A field that differs; its values are not part of a report.

    Attributes:
        name: of the payload's field. title: what its contract calls it; empty where it does not say.
        owner: whose word counts. like: the rule under which both would be the same, empty where none is known.
    """

    name: str
    title: str = ""
    owner: str = "ours"
    like: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One discrepancy.

    Attributes:
        case_no: the number that its source gave the case; None where the record is nobody's here.
        key: the reference that a record which is nobody's here bears.
        remote_ref: what the system calls the record.
        records: how many there are of it at the system.
        action: what is to be done about it.
        why: the code of why it is left to a person; empty where the policy alone says so.
        state: `open`, `queued` (its repair waits or is under way), or how it was closed.
    """

    discrepancy_id: UUID
    system: str
    listing: str
    message: str
    part: str
    kind: str
    action: str
    state: str
    why: str = ""
    case_id: UUID | None = None
    case_no: str | None = None
    item: str = ""
    region: str = ""
    key: str = ""
    remote_ref: str = ""
    records: int | None = None
    fields: tuple[FieldLine, ...] = ()
    found_at: datetime
    seen_at: datetime
    closed_at: datetime | None = None
    closed_by: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it still is so, as far as is known."""
        return self.closed_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunShown:
    """One run.

    Attributes:
        run_id: `<system>.<slot>`.
        title: what the system is called.
        outcome: how it ended; None while it has not.
        mode, trigger, by, reason, since, until, messages: what it was asked.
        cap: sends that it might have caused; None where the wish left it to the adapter.
        totals, mended, left, ranges, offers: what it came to.
    """

    run_id: str
    system: str
    title: Titles = field(default_factory=dict)
    outcome: RunOutcome | None = None
    mode: str = "list"
    trigger: str = "person"
    by: str = ""
    reason: str = ""
    messages: tuple[str, ...] | None = None
    since: str | None = None
    until: str | None = None
    cap: int | None = None
    begun_at: datetime | None = None
    ended_at: datetime | None = None
    bundle: str = ""
    records: int = 0
    totals: tuple[ListingTotals, ...] = ()
    mended: Mapping[str, int] = field(default_factory=dict)
    left: int = 0
    ranges: tuple[Mapping[str, Any], ...] = ()
    offers: tuple[Mapping[str, Any], ...] = ()

    @property
    def sum(self) -> ListingTotals:
        """The totals of all listings in one."""
        return summed(self.totals)

    @property
    def doubts(self) -> tuple[tuple[str, str], ...]:
        """(listing, code) of everything that was not read for certain."""
        return tuple((totals.listing, doubt) for totals in self.totals for doubt in totals.doubts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a run of a system, or all runs over a time, came to.

    Attributes:
        site: what the deployment is called, by language. zone: the one in which times are shown.
        made_at: when.
        since, until: the time that it is about; None: it is about one run.
        runs: newest first; the totals count the newest of each system.
        lines: discrepancies, open ones first, by system; `is_cut`: there are more than are kept here.
        unseen_count: discrepancies that are counted and are in no line: they are of cases outside the reader's scope.
        meter: what the meter of double entry says; None: it was not asked.
    """

    site: Titles
    zone: ZoneInfo
    made_at: datetime
    since: datetime | None = None
    until: datetime | None = None
    runs: tuple[RunShown, ...]
    lines: Sequence[Line] = ()
    meter: Meter | None = None
    is_cut: bool = False
    unseen_count: int = 0

    @property
    def newest(self) -> tuple[RunShown, ...]:
        """Of each system its newest run that judged anything, by system: what the totals are made of."""
        found: dict[str, RunShown] = {}
        for run in self.runs:
            if run.totals:
                found.setdefault(run.system, run)
        return tuple(found[system] for system in sorted(found))

    @property
    def sum(self) -> ListingTotals:
        """The totals of all systems in one."""
        return summed([totals for run in self.newest for totals in run.totals])

    @property
    def by_kind(self) -> tuple[KindSum, ...]:
        """How many discrepancies of each kind there are, in the order of the kinds."""
        found, still = Counter(line.kind for line in self.lines), Counter(_open_kinds(self.lines))
        order = [*Kind, *sorted(set(found) - set(Kind))]
        return tuple(KindSum(kind, found[kind], still[kind]) for kind in order if found[kind])


@dataclass(frozen=True, slots=True)
class KindSum:
    """How many of a kind were found, and how many of them are open."""

    kind: str
    found: int
    still_open: int

    @property
    def closed(self) -> int:
        """How many are closed."""
        return self.found - self.still_open


def _open_kinds(lines: Sequence[Line]) -> list[str]:
    return [line.kind for line in lines if line.is_open]


def summed(totals: Sequence[ListingTotals]) -> ListingTotals:
    """The sum of totals, as those of a listing without a name."""
    kinds: Counter[str] = Counter()
    for one in totals:
        kinds.update(one.kinds)
    names = ("expected", "delivered", "read", "outside", "verified", "returned", "unjudged")
    counts = {name: sum(getattr(one, name) for one in totals) for name in names}
    doubts = tuple(doubt for one in totals for doubt in one.doubts)
    return ListingTotals(listing="", level="", kinds=dict(kinds), doubts=doubts, **counts)


def differing(totals: ListingTotals) -> int:
    """How many discrepancies were counted."""
    return sum(totals.kinds.values())


def share(part: int, whole: int) -> str:
    """A share in per cent, never rounded up to all or down to nothing; empty where there is no whole."""
    if not whole:
        return ""
    tenths = min(part * 1000 // whole, 1000)
    return f"{max(tenths, 1 if part else 0) / 10:.1f}%"


def unseen_at(level: str) -> tuple[str, ...]:
    """The kinds that what a level shows cannot find, in their order."""
    known = FOUND_AT.get(Level(level), frozenset()) if level in set(Level) else frozenset()
    return tuple(kind.value for kind in Kind if kind not in known and kind is not Kind.COUNT_DIFFERS)
