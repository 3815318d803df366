"""The meter of double entry: what nobody had to type a second time, and what is still typed by hand. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemMeter:
    """What the meter counts of one system.

    Attributes:
        verified: records that the last run that read something read back there, and that say what they should.
        own: of what it holds, delivered of its own accord, or typed there by hand and then linked: its own clerks
            typed it.
        by_hand: delivered because a person said so: typed there by hand, or looked up there.
        duplicates: records that are open as duplicates.
        verified_at: when that run ended.
    """

    system: str
    verified: int
    own: int = 0
    by_hand: int = 0
    duplicates: int = 0
    verified_at: datetime | None = None

    @property
    def spared(self) -> int:
        """Entries that nobody typed there; never less than none."""
        return max(0, self.verified - self.own - self.by_hand - self.duplicates)


@dataclass(frozen=True, slots=True, kw_only=True)
class StillTyped:
    """What is still typed by hand: records of an item that wait at a system of the mode `manual`."""

    system: str
    item: str
    records: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSample:
    """Fields of the newest cases.

    Attributes:
        cases: how many were looked at.
        typed: values in their records as the sources posted them, at any depth.
        delivered: top-level fields with a value in what was delivered of them, at all systems.
    """

    cases: int
    typed: int
    delivered: int

    @property
    def times(self) -> float | None:
        """How often a field that was typed once was delivered, on average; None where nothing was typed."""
        return round(self.delivered / self.typed, 2) if self.typed else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """What the meter says.

    Attributes:
        systems: those that were read back, by name. unread: those that get cases and never were, or are only counted.
        still_typed: by system and item.
        sample: of fields.
        minutes_per_entry: what the site says that one entry takes; None: it says nothing.
    """

    systems: tuple[SystemMeter, ...]
    unread: tuple[str, ...] = ()
    still_typed: tuple[StillTyped, ...] = ()
    sample: FieldSample
    minutes_per_entry: float | None = None

    @property
    def spared(self) -> int:
        """Entries that nobody typed a second time, at all systems."""
        return sum(one.spared for one in self.systems)

    @property
    def hours(self) -> float | None:
        """The same as hours; None where the site does not say how long an entry takes."""
        return None if self.minutes_per_entry is None else round(self.spared * self.minutes_per_entry / 60, 1)


def plain(meter: Meter) -> dict[str, Any]:
    """The meter as JSON-able values, with its sums."""
    told = asdict(meter)
    told["systems"] = [asdict(one) | {"spared": one.spared} for one in meter.systems]
    told["sample"] |= {"times": meter.sample.times}
    return told | {"spared": meter.spared, "hours": meter.hours}
