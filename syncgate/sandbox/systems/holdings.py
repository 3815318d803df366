"""Records that are created and replaced under idempotency keys, as food and workorders hold them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from syncgate.sandbox.ledger import Change
from syncgate.sandbox.systems.altering import Alteration, Standing, change_of
from syncgate.sandbox.systems.interface import parse_json
from syncgate.sandbox.systems.shelf import Shelf, Shelved

NUMBER_DIGITS = 6
"""How many digits the running part of a number has; what a clerk typed in brings its number along as its key."""


@dataclass(frozen=True, slots=True)
class Held:
    """A record as it stands: its number within its kind, its version, its JSON text."""

    number: int
    version: int
    record: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What a request key was used for, and what stood after it."""

    change: Change
    held: Held

    def is_for(self, change: Change) -> bool:
        """Whether a request under the same key asks for the same thing."""
        mine = (self.change.operation, self.change.key, self.change.part)
        if mine != (change.operation, change.key, change.part):
            return False
        return self.change.record == change.record or (parse_json(self.change.record) == parse_json(change.record))


class Holdings:
    """The contents of a system: records by (key, part), numbered apart with and without a part."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], Held] = {}
        self._before: dict[tuple[str, str], str] = {}
        self._doubles: dict[tuple[str, str], list[Held]] = {}
        self._answered: dict[str, Answered] = {}
        self._last_numbers = {False: 0, True: 0}
        self._shelves = {has_part: Shelf(partial(self._shelved, has_part)) for has_part in (False, True)}

    def shelf(self, *, has_part: bool) -> Shelf:
        """The records with or without a part, in the order of their numbers."""
        return self._shelves[has_part]

    def find(self, key: str, part: str = "") -> Held | None:
        """The record as it stands."""
        return self._held.get((key, part))

    def answered(self, request_key: str) -> Answered | None:
        """What a request key was used for, None if for nothing that had an effect."""
        return self._answered.get(request_key)

    def preview(self, change: Change) -> Held:
        """What will stand once a change is applied."""
        held = self.find(change.key, change.part)
        if held is not None and change.kind != "doubled":
            return Held(held.number, held.version + 1, change.record)
        if change.kind == "typed":
            return Held(int((change.part or change.key)[-NUMBER_DIGITS:]), 1, change.record)
        return Held(self._last_numbers[bool(change.part)] + 1, 1, change.record)

    def apply(self, change: Change) -> None:
        """Hold what the change says."""
        place, held = (change.key, change.part), self.preview(change)
        if change.kind == "removed":
            for known in (self._held, self._before, self._doubles):
                known.pop(place, None)
            self._shelves[bool(change.part)].forget()
            return
        is_new = change.kind == "doubled" or place not in self._held
        if change.kind == "doubled":
            self._doubles.setdefault(place, []).append(held)
        else:
            self._keep(place, held, change)
        self._shelves[bool(change.part)].put(_row(held), is_new=is_new)
        if is_new and change.kind != "typed":
            self._last_numbers[bool(change.part)] = held.number
        if change.request_key:
            self._answered[change.request_key] = Answered(change, held)

    def alter(self, alteration: Alteration) -> Change:
        """What an alteration changes. Raises BadAlteration."""
        place = (alteration.key, alteration.part)
        held = self._held.get(place)
        return change_of(alteration, Standing(held.record if held else None, self._before.get(place)))

    def texts(self, key: str, part: str = "") -> list[str]:
        """The texts of a record and its doubles."""
        held = self._held.get((key, part))
        return [one.record for one in ([] if held is None else [held, *self._doubles.get((key, part), ())])]

    def records(self, *, has_part: bool) -> Iterator[tuple[str, str, Held]]:
        """All records with or without a part, doubles too, by number."""
        kept = [(key, part, held) for (key, part), held in self._held.items() if bool(part) is has_part]
        kept += [(*place, held) for place, held in self._all_doubles() if bool(place[1]) is has_part]
        yield from sorted(kept, key=lambda one: one[2].number)

    def _shelved(self, has_part: bool) -> Iterator[Shelved]:
        return (_row(held) for _, _, held in self.records(has_part=has_part))

    def _all_doubles(self) -> Iterator[tuple[tuple[str, str], Held]]:
        return ((place, held) for place, doubles in self._doubles.items() for held in doubles)

    def _keep(self, place: tuple[str, str], held: Held, change: Change) -> None:
        if change.kind == "updated":
            self._before[place] = self._held[place].record
        self._held[place] = held


def _row(held: Held) -> Shelved:
    return Shelved(held.number, held.version, held.record)
