"""What a system took while it was gone, and how it was drained when it was back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from .findings import Finding
from .ledger import DID_IT, NOT_SENT, Ledger

SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Outage:
    """When a system was gone, and how long it took until nothing waited for it any more."""

    system: str
    gone_at: datetime
    back_at: datetime
    drained_within: timedelta


@dataclass(frozen=True)
class Drain:
    """Records that were taken: while the system was gone, after, and in the busiest second of that."""

    taken_meanwhile: int
    taken_after: int
    busiest_second: int


def read_outage(path: Path) -> Outage:
    """The outage that the demo wrote down."""
    said = json.loads(path.read_text("utf-8"))
    gone_at, back_at = datetime.fromisoformat(said["gone_at"]), datetime.fromisoformat(said["back_at"])
    return Outage(said["system"], gone_at, back_at, timedelta(seconds=said["drained_seconds"]))


def drain(ledger: Ledger, outage: Outage) -> Drain:
    """Counts what the system took, by its own clock."""
    times = [r.at for r in ledger.requests if r.effect in DID_IT and r.operation not in NOT_SENT]
    # It stops and starts with its answers given: a moment at both ends is nobody's.
    gone = [at for at in times if outage.gone_at + SECOND < at < outage.back_at - SECOND]
    after = sorted(at for at in times if outage.back_at - SECOND <= at <= outage.back_at + outage.drained_within)
    busiest = max((sum(begin <= at < begin + SECOND for at in after) for begin in after), default=0)
    return Drain(len(gone), len(after), busiest)


def findings(outage: Outage, found: Drain) -> list[Finding]:
    """A system that is gone takes nothing, and one that is back takes what waited."""
    said = []
    if found.taken_meanwhile:
        said.append(f"{found.taken_meanwhile} records were taken while it was gone")
    if not found.taken_after:
        said.append("nothing was taken when it was back")
    return [Finding("inconsistent", outage.system, "", "", "", detail) for detail in said]


def told(outage: Outage, found: Drain) -> str:
    """One line."""
    gone = (outage.back_at - outage.gone_at).total_seconds()
    after = f"{found.taken_after} in the {outage.drained_within.total_seconds():.1f} s after"
    took = f"took {found.taken_meanwhile} records meanwhile, {after}, at most {found.busiest_second} in one second"
    return f"{outage.system:<11} gone for {gone:.1f} s: {took}"
