"""What a system should hold of a case: `plan`, the one notion of truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from syncgate.domain.assignment import Leg, assignment_of
from syncgate.domain.case import is_withdrawn

Json = Any
"""A JSON value: dict, list, str, int, float, bool or None."""


class PartOf(StrEnum):
    """What a message exists once for."""

    CASE = "case"
    STAGE = "stage"
    MATERIAL = "material"
    LEG = "leg"
    """One organisation's turn at the case."""


class NextAfter(StrEnum):
    """When what comes after a message may be sent."""

    ACKNOWLEDGED = "acknowledged"
    QUEUED_THERE = "queued_there"


class OnChange(StrEnum):
    """What a message does when its slot is delivered and its inputs change."""

    HOLD = "hold"
    IGNORE = "ignore"
    NEW_VERSION = "new_version"
    UPDATE = "update"


class OnUnplanned(StrEnum):
    """What a message does when its slot may hold something and is no longer planned."""

    HOLD = "hold"
    IGNORE = "ignore"
    RETRACT = "retract"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One kind of record that a system takes, as far as planning needs to know it.

    Attributes:
        name: its name in the adapter.
        of: what it exists once for.
        after: names of the messages that must be there before it (already resolved: never None).
        is_ordered: whether its own parts follow one another.
        exists: `exists(case, part)`: whether the system takes it for this case and part.
        inputs: `inputs(case, part)`: keyed digest of what its mapping reads.
        operation, update_operation, retract_operation: names of the transport's operations.
        retraction: the message that takes back, once for the case, what the slots of this one hold; None where each
            slot is taken back by itself, or none is.
    """

    name: str
    of: PartOf
    after: tuple[str, ...]
    is_ordered: bool = True
    next_after: NextAfter = NextAfter.ACKNOWLEDGED
    on_change: OnChange = OnChange.HOLD
    on_unplanned: OnUnplanned = OnUnplanned.HOLD
    operation: str
    update_operation: str | None = None
    retract_operation: str | None = None
    retraction: str | None = None
    exists: Callable[[Json, Json], bool]
    inputs: Callable[[Json, Json], bytes]
    owns: Callable[[Json, Json], bool] | None = None
    closes: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A slot that should be filled: the message's part, its number by arrival, and the digest of its inputs.

    is_over: whether the case went on without the leg that it is of: then only what is there is closed.
    """

    message: str
    part: str
    part_no: int
    input_mac: bytes
    is_over: bool = False

    @property
    def slot(self) -> tuple[str, str]:
        """Message and part: which slot of its lane it is."""
        return (self.message, self.part)


def plan(
    case: Json,
    messages: Sequence[Message],
    *,
    applies: bool,
    numbers: Mapping[tuple[str, str], int],
) -> list[Planned]:
    """The slots that a system should hold of this case, in the declared order; none of a withdrawn one.

    Args:
        case: the canonical case.
        messages: the active bundle's messages, in their declared order.
        applies: whether the system takes this case at all.
        numbers: part numbers given before, by (message, part); they are for good.

    Returns:
        One `Planned` a slot, by message order, then by part number.
    """
    if not applies or is_withdrawn(case):
        return []
    owns = next((message.owns for message in messages if message.owns is not None), None)
    turns = None if owns is None else _Turns.of(case, owns)
    legs = {message.name for message in messages if message.of is PartOf.LEG}
    return [planned for m in messages for planned in _of_message(case, m, _given(m, legs, numbers), turns)]


@dataclass(frozen=True, slots=True)
class _Turns:
    """The legs of a case that are a system's own."""

    own: tuple[Leg, ...]

    @classmethod
    def of(cls, case: Json, owns: Callable[[Json, Json], bool]) -> _Turns:
        return cls(tuple(leg for leg in assignment_of(case).legs if owns(case, leg.document())))

    def takes(self, message: Message, part: str) -> bool:
        """Whether the message's part is one of an own leg."""
        if message.of not in (PartOf.LEG, PartOf.STAGE):
            return bool(self.own)
        leg = self._leg_of(message, part)
        return leg is not None and (message.closes is None or not leg.is_live)

    def is_over(self, message: Message, part: str) -> bool:
        """Whether the case went on without what the part is of."""
        leg = self._leg_of(message, part)
        return all(own.has_moved_on for own in self.own) if leg is None else leg.has_moved_on

    def _leg_of(self, message: Message, part: str) -> Leg | None:
        if message.of is PartOf.LEG:
            return next((leg for leg in self.own if leg.id == part), None)
        if message.of is PartOf.STAGE:
            return next((leg for leg in self.own if any(stage["id"] == part for stage in leg.stages)), None)
        return None


def _given(message: Message, legs: set[str], numbers: Mapping[tuple[str, str], int]) -> dict[str, int]:
    """The numbers that the message's parts have; a leg has the same one in every message of it."""
    names = legs if message.of is PartOf.LEG else {message.name}
    return {part: no for (name, part), no in numbers.items() if name in names}


def _of_message(case: Json, message: Message, given: Mapping[str, int], turns: _Turns | None) -> list[Planned]:
    next_no = max(given.values(), default=0) + 1
    found: list[Planned] = []
    for part_id, part in parts_of(case, message.of):
        if turns is not None and not turns.takes(message, part_id):
            continue
        part_no = given.get(part_id)
        if message.of is PartOf.LEG and part_no is None:
            part_no, next_no = next_no, next_no + 1
        if not message.exists(case, part):
            continue
        if part_no is None:
            part_no, next_no = next_no, next_no + 1
        found.append(
            Planned(
                message=message.name,
                part=part_id,
                part_no=part_no,
                input_mac=message.inputs(case, part),
                is_over=turns is not None and turns.is_over(message, part_id),
            )
        )
    return sorted(found, key=lambda planned: planned.part_no)


def parts_of(case: Json, of: PartOf) -> list[tuple[str, Json]]:
    """(id, part) of every part of this sort in the order of the document; one ('', None) for the case itself."""
    match of:
        case PartOf.CASE:
            return [("", None)]
        case PartOf.STAGE:
            return [(stage["id"], stage) for stage in case.get("stages") or ()]
        case PartOf.MATERIAL:
            return [(material["id"], material) for material in case.get("materials") or ()]
        case PartOf.LEG:
            return [(leg.id, leg.document()) for leg in assignment_of(case).legs]


def legs_of(case: Json) -> list[Json]:
    """The case's legs as mappings read them, in the order of what happened."""
    return [leg for _, leg in parts_of(case, PartOf.LEG)]


def part_of(case: Json, of: PartOf, part_id: str) -> Json:
    """The part with this id, None for a message of the case itself or a part that is not there."""
    return dict(parts_of(case, of)).get(part_id)
