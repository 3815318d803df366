"""The simulated systems: what each holds, and a log of every request that reached it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from syncgate.domain.outcome import Outcome
from tests.simulation.town import Town

Effect = Literal["created", "doubled", "changed", "removed", "none"]


@dataclass(slots=True)
class Entry:
    """One request as its system saw it.

    Attributes:
        sent_at, at: when it left, and when it was dealt with, in seconds; at is None where it never arrived.
        by: the process.
        kind: `send`, `look_up` or `poll`.
        effect: what it did. outcome: what the system said.
        is_answered: whether the process got to know. is_copy: whether the network made it of another one.
    """

    sent_at: float
    by: str
    kind: Literal["send", "look_up", "poll"]
    slot: str
    delivery: UUID | None
    operation: str
    send_key: str = ""
    payload: Mapping[str, Any] | None = None
    at: float | None = None
    effect: Effect = "none"
    outcome: Outcome | None = None
    is_answered: bool = False
    is_copy: bool = False


@dataclass(slots=True)
class Record:
    """What is held in a slot.

    said: the state of its queue, by the time from which it says so. before: what was held until this came; it still
    is where this is rejected.
    """

    payload: Mapping[str, Any]
    number: str
    said: list[tuple[float, Outcome]] = field(default_factory=list)
    before: Record | None = None

    def outcome_at(self, now: float) -> Outcome:
        """What its queue says of it."""
        return [outcome for since, outcome in self.said if since <= now][-1]


@dataclass
class System:
    """One system: it holds one record a slot, and takes a second one where it cannot know better."""

    town: Town
    log: list[Entry] = field(default_factory=list)
    records: dict[str, Record] = field(default_factory=dict)
    by_key: dict[str, tuple[Outcome, str | None]] = field(default_factory=dict)
    rejected: set[str] = field(default_factory=set)

    def take(self, entry: Entry, *, now: float, fate: str) -> tuple[Outcome, str | None]:
        """What it answers to a send, and the number that it gave."""
        entry.at = now
        known = self.by_key.get(entry.send_key) if self.town.knows == "idempotency_key" else None
        outcome, number = known or self._dealt_with(entry, now, fate)
        if self.town.knows == "idempotency_key" and outcome is not Outcome.REFUSED:
            self.by_key[entry.send_key] = (outcome, number)
        entry.outcome = outcome
        return outcome, number

    def _dealt_with(self, entry: Entry, now: float, fate: str) -> tuple[Outcome, str | None]:
        held = self.held(entry.slot, now)
        if entry.operation == "remove":
            entry.effect = "none" if held is None else "removed"
            self.records.pop(entry.slot, None)
            return Outcome.TAKEN, None
        if entry.operation == "change" and held is None:
            return Outcome.REFUSED, None
        if fate == "rejected" and not self.town.is_queueing and entry.slot not in self.rejected:
            self.rejected.add(entry.slot)
            return Outcome.REFUSED, None
        if entry.operation == "create" and held is not None and self.town.knows == "duplicate_probe":
            return Outcome.DUPLICATE, held.number
        assert entry.payload is not None
        number = held.number if held is not None else f"{self.town.name}-{len(self.log)}"
        entry.effect = "changed" if entry.operation == "change" else "created" if held is None else "doubled"
        self.records[entry.slot] = Record(entry.payload, number, before=held)
        if not self.town.is_queueing:
            return Outcome.TAKEN, number
        self.records[entry.slot].said = self._queue(entry.slot, now, fate)
        return Outcome.QUEUED_THERE, number

    def _queue(self, slot: str, now: float, fate: str) -> list[tuple[float, Outcome]]:
        said = [(now, Outcome.QUEUED_THERE)]
        if fate == "rejected" and slot not in self.rejected:
            self.rejected.add(slot)
            return [*said, (now + 3, Outcome.REFUSED)]
        if fate == "twice" and slot not in self.rejected:
            self.rejected.add(slot)
            return [*said, (now + 3, Outcome.TAKEN), (now + 30, Outcome.REFUSED)]
        return [*said, (now + 3, Outcome.TAKEN)]

    def held(self, slot: str, now: float) -> Record | None:
        """What is in a slot: the newest that was not rejected, at once or after it was taken."""
        found = self.records.get(slot)
        while found is not None and found.said and found.outcome_at(now) is Outcome.REFUSED:
            found = found.before
        return found

    def shown(self, entry: Entry, *, now: float) -> Record | None:
        """What it answers to a look-up."""
        entry.at, entry.is_answered = now, True
        return self.held(entry.slot, now)

    def mend(self, slot: str, text: str | None) -> None:
        """Its own people make a record say this, or remove it (None)."""
        record = self.records.get(slot)
        if text is None:
            self.records.pop(slot, None)
        elif record is not None:
            name = "title" if "title" in record.payload else "said"
            record.payload = {**record.payload, name: text}

    def holds(self, slot: str, now: float) -> Mapping[str, Any] | None:
        """The payload in a slot; None where nothing is held."""
        found = self.held(slot, now)
        return None if found is None else found.payload
