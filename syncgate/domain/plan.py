"""What a system should hold of a case: `plan`, the one notion of truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from syncgate.domain.case import is_withdrawn

Json = Any
"""A JSON value: dict, list, str, int, float, bool or None."""


class PartOf(StrEnum):
    """What a message exists once for."""

    CASE = "case"
    STAGE = "stage"
    MATERIAL = "material"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A slot that should be filled: the message's part, its number by arrival, and the digest of its inputs."""

    message: str
    part: str
    part_no: int
    input_mac: bytes


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
    return [planned for message in messages for planned in _of_message(case, message, numbers)]


def _of_message(case: Json, message: Message, numbers: Mapping[tuple[str, str], int]) -> list[Planned]:
    given = {part: no for (name, part), no in numbers.items() if name == message.name}
    next_no = max(given.values(), default=0) + 1
    found: list[Planned] = []
    for part_id, part in parts_of(case, message.of):
        if not message.exists(case, part):
            continue
        part_no = given.get(part_id)
        if part_no is None:
            part_no, next_no = next_no, next_no + 1
        found.append(
            Planned(
                message=message.name,
                part=part_id,
                part_no=part_no,
                input_mac=message.inputs(case, part),
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


def part_of(case: Json, of: PartOf, part_id: str) -> Json:
    """The part with this id, None for a message of the case itself or a part that is not there."""
    return dict(parts_of(case, of)).get(part_id)
