"""What a replan found, or did: effects on slots, counted, with some of them shown field by field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal
from uuid import UUID

from syncgate.domain.delivery import Phase
from syncgate.domain.rows import Change, Delivery
from syncgate.flows.delivering.told import FieldChange
from syncgate.ports import Tx

SAMPLED: Final = 20
NAMED: Final = 100
"""Deliveries that a replan names of those that it queued."""
Effect = Literal["queued", "refreshed", "cancelled", "retracted"]
SENT: Final[frozenset[Effect]] = frozenset({"queued", "refreshed", "retracted"})
"""What a cap counts: what will be sent."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One slot that differs, and what follows.

    delivery_id: of what was written. fields: how its payload differs; of a dry run only.
    """

    case_id: UUID
    message: str
    part: str
    effect: Effect
    delivery_id: UUID
    fields: tuple[FieldChange, ...] = ()


@dataclass(slots=True)
class Tally:
    """What a replan found so far, or did.

    Attributes:
        cases: looked at. differing: of these, with something to do.
        effects: how many deliveries, by (message, effect). parks: of those to be sent, by message and reason, how
            many would be parked at once; fields: in how many payloads a field would be another one, by message and
            field; both are counted by a dry run only.
        queued: the first of those that will be sent.
        failed: cases that could not be compared.
    """

    cases: int = 0
    differing: int = 0
    effects: Counter[tuple[str, Effect]] = field(default_factory=Counter)
    parks: Counter[tuple[str, str]] = field(default_factory=Counter)
    fields: Counter[tuple[str, str]] = field(default_factory=Counter)
    queued: list[UUID] = field(default_factory=list)
    failed: list[UUID] = field(default_factory=list)
    sample: list[Sample] = field(default_factory=list)

    @property
    def sent(self) -> int:
        """How many deliveries will be sent."""
        return sum(count for (_, effect), count in self.effects.items() if effect in SENT)

    def note(self, done: Done) -> None:
        """Adds what became of one case."""
        if done.is_failed:
            self.failed.append(done.case_id)
        self.differing += bool(done.effects)
        for sample in done.effects:
            self.effects[sample.message, sample.effect] += 1
        self.parks.update(done.parks)
        self.fields.update(done.fields)
        named = [sample.delivery_id for sample in done.effects if sample.effect in SENT]
        self.queued += named[: max(0, NAMED - len(self.queued))]
        self.sample += done.effects[: max(0, SAMPLED - len(self.sample))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replanned:
    """What a replan came to.

    stopped: `cap_exceeded` where more would be sent than the cap allows; `time_up` where there is more to look at;
    None at the end. following: the case after which to go on; None at the end.
    """

    system: str
    is_dry_run: bool
    cap: int
    tally: Tally
    stopped: Literal["cap_exceeded", "time_up"] | None
    following: UUID | None


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one case."""

    case_id: UUID
    effects: tuple[Sample, ...] = ()
    parks: tuple[tuple[str, str], ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    is_failed: bool = False


def effects(tx: Tx, written: Sequence[Delivery]) -> tuple[Sample, ...]:
    """What written rows come to, against what the store has."""
    before = {row.delivery_id: row for row in written if tx.delivery(row.delivery_id) is not None}
    return effects_against(before, written)


def effects_against(before: Mapping[UUID, Delivery], written: Sequence[Delivery]) -> tuple[Sample, ...]:
    """What written rows come to, against those that were there before."""
    return tuple(
        Sample(row.case_id, row.message, row.part, _effect(row, is_new=row.delivery_id not in before), row.delivery_id)
        for row in written
    )


def _effect(row: Delivery, *, is_new: bool) -> Effect:
    if row.phase is Phase.CANCELLED:
        return "cancelled"
    if row.change is Change.RETRACT:
        return "retracted"
    return "queued" if is_new else "refreshed"


def sent_count(effects: Sequence[Sample]) -> int:
    """How many of these will be sent."""
    return sum(1 for sample in effects if sample.effect in SENT)
