"""What a run of reconciliation was asked, how far it is, and what it came to: the JSON that its row keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal

JOB_PREFIX: Final = "reconcile:"
"""A run of a system, or of a source, is the row under (`reconcile:<its name>`, slot)."""


def job_of(system: str) -> str:
    """The job whose runs reconcile a system, or a source."""
    return f"{JOB_PREFIX}{system}"


def id_of(job: str, slot: str) -> str:
    """How a run is named to people and in paths: `<system>.<slot>`."""
    return f"{job.removeprefix(JOB_PREFIX)}.{slot}"


def parse_id(text: str) -> tuple[str, str] | None:
    """The system and the slot that an id names; None where it can be none."""
    system, dot, slot = text.partition(".")
    return (system, slot) if system and dot and slot else None


class RunOutcome(StrEnum):
    """How a run ended; only a complete one judges all that it was asked about."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    """Part of what the system holds could not be read for certain; nothing of that part was mended."""
    IMPLAUSIBLE = "implausible"
    """So much was missing that the listing is not believed; nothing was mended, and an alert says so."""
    CAP_EXCEEDED = "cap_exceeded"
    """It would have sent more than its cap; nothing was mended, and an alert says so."""
    CANCELLED = "cancelled"
    FAILED = "failed"
    MISSED = "missed"
    """Its time came while no process could begin it; a later run read in its place."""


class RunStage(StrEnum):
    """How far a run is."""

    READING = "reading"
    COMPARING = "comparing"
    LOOKING_AGAIN = "looking_again"
    MENDING = "mending"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWish:
    """What a run was asked.

    Attributes:
        mode: `list` only finds; `mend` does what the policy says; `adopt` links what was typed there by hand.
        trigger: whether the schedule or a person began it. by: who. reason: why.
        messages: only these; None: all.
        since, until: the window, ISO 8601; None: as the adapter says.
        cap: sends that it may cause; None: as the adapter says.
        export: the id of an uploaded export that stands for what the system lists; None: the system is asked.
    """

    mode: Literal["list", "mend", "adopt"] = "list"
    trigger: Literal["schedule", "person"] = "person"
    by: str = ""
    reason: str = ""
    messages: tuple[str, ...] | None = None
    since: str | None = None
    until: str | None = None
    cap: int | None = None
    export: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingTotals:
    """What a run counted of one listing.

    Attributes:
        listing: its name. level: what could be read back of it.
        expected: slots that should be there (应报).
        delivered: of these, delivered as far as is known here (已报).
        read: records read that are ours; outside: those that are not.
        verified: slots whose record says what it should (已核验).
        returned: slots that the system gave back, parked (退回).
        unjudged: in flight, in their grace, or written while the run read.
        kinds: discrepancies by kind.
        doubts: why the listing was not read for certain, as codes; empty: it was.
    """

    listing: str
    level: str
    expected: int = 0
    delivered: int = 0
    read: int = 0
    outside: int = 0
    verified: int = 0
    returned: int = 0
    unjudged: int = 0
    kinds: Mapping[str, int] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """All of a run, as its row's `detail` keeps it.

    Attributes:
        wish: what was asked.
        bundle: the digest of the bundle under which it compares.
        stage: how far it is. listing: which listing it is at; records: records read so far, of all listings.
        totals: by listing, in declared order.
        mended: what was done, by action. left: discrepancies that are left to a person.
        ranges: where counts differ: {listing, low, high, expected, actual}.
        offers: rules that would make what is normalised there the same: {message, field, rule, seen}.
        outcome: how it ended; None: it has not.
        cancelled_by: who asked that it end.
        begun_at, ended_at: ISO 8601.
    """

    wish: RunWish
    bundle: str = ""
    stage: RunStage = RunStage.READING
    listing: str = ""
    records: int = 0
    totals: tuple[ListingTotals, ...] = ()
    mended: Mapping[str, int] = field(default_factory=dict)
    left: int = 0
    ranges: tuple[Mapping[str, Any], ...] = ()
    offers: tuple[Mapping[str, Any], ...] = ()
    outcome: RunOutcome | None = None
    cancelled_by: str | None = None
    begun_at: str = ""
    ended_at: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> RunState:
        """What `to_json` gave. Unknown keys of a later version are passed over."""
        wish = dict(stored["wish"])
        if wish.get("messages") is not None:
            wish["messages"] = tuple(wish["messages"])
        totals = (_known(ListingTotals, one) for one in stored.get("totals", ()))
        rest = {name: value for name, value in stored.items() if name not in ("wish", "totals", "stage")}
        if rest.get("outcome") is not None:
            rest["outcome"] = RunOutcome(rest["outcome"])
        for name in ("ranges", "offers"):
            rest[name] = tuple(rest.get(name, ()))
        rest |= {"wish": _known(RunWish, wish), "stage": RunStage(stored["stage"]), "totals": tuple(totals)}
        state: RunState = _known(RunState, rest)
        return state


def _known(kind: Any, stored: Mapping[str, Any]) -> Any:
    values = {name: value for name, value in stored.items() if name in kind.__dataclass_fields__}
    if "doubts" in values:
        values["doubts"] = tuple(values["doubts"])
    return kind(**values)


def slot_of(at: datetime, salt: str = "") -> str:
    """The slot of a run: sorts by time. A scheduled one is the same in every process; a person's has a salt."""
    stamp = at.strftime("%Y%m%dT%H%M%SZ")
    return f"{stamp}-{salt}" if salt else stamp
