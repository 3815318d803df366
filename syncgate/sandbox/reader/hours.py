"""A system that is spoken to within its sending hours alone takes nothing before they begin."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from .findings import Finding
from .front import Effect, Front


@dataclass(frozen=True)
class Hours:
    """When a system's hours began."""

    system: str
    begins_at: datetime


def read_hours(path: Path) -> Hours:
    """The hours that the demo wrote down."""
    said = json.loads(path.read_text("utf-8"))
    return Hours(said["system"], datetime.fromisoformat(said["begins_at"]))


def findings(front: Front, hours: Hours) -> list[Finding]:
    """Every row that came too early, by the system's own clock; and that none came, where none did."""
    written = _written(front)
    early = [effect for effect in written if _at(effect) < hours.begins_at]
    said = [(effect.row["project_no"], effect.table, "written before the sending hours began") for effect in early]
    said += [] if written else [("", "", "nothing was written in the sending hours")]
    return [Finding("inconsistent", hours.system, case_no, table, "", words) for case_no, table, words in said]


def told(front: Front, hours: Hours) -> str:
    """One line."""
    first = min(map(_at, _written(front)), default=None)
    after = "nothing came" if first is None else f"the first row came {(first - hours.begins_at).total_seconds():.1f} s"
    return f"{hours.system:<11} sending hours began: {after} after"


def _written(front: Front) -> list[Effect]:
    return [effect for effect in front.effects if (effect.actor, effect.verb) == ("peer", "insert")]


def _at(effect: Effect) -> datetime:
    return datetime.fromisoformat(effect.at).replace(tzinfo=UTC)
