"""What people hold back: which holds reach a lane, and what they make of a due time. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from syncgate.domain.rows import Case, Hold

HELD: Final = "held"
"""The reason shown for a pending delivery that a person holds back; never stored."""


@dataclass(frozen=True, slots=True)
class LaneHolds:
    """The active holds that reach one lane."""

    holds: tuple[Hold, ...] = ()

    def on(self, message: str) -> Hold | None:
        """The hold that keeps deliveries of this message back, of several the one that ends last."""
        held = (hold for hold in self.holds if hold.message in (None, message))
        return max(held, key=lambda hold: (hold.until is None, hold.until or hold.created_at), default=None)

    def due(self, message: str, due_at: datetime | None) -> datetime | None:
        """When a pending delivery of this message is due; None while no time is known."""
        hold = self.on(message) if self.holds else None
        if hold is None or due_at is None:
            return due_at
        return None if hold.until is None else max(due_at, hold.until)


NO_HOLDS: Final = LaneHolds()


def reaching(holds: Iterable[Hold], system: str, case: Case | None) -> LaneHolds:
    """Those of the active holds that reach a case's lane at a system.

    case: needed where a hold is about an item or a source.
    """
    return LaneHolds(tuple(hold for hold in holds if hold.system in (None, system) and _is_about(hold, case)))


def _is_about(hold: Hold, case: Case | None) -> bool:
    if hold.item is None and hold.source is None:
        return True
    return case is not None and hold.item in (None, case.item) and hold.source in (None, case.origin)
