"""The first look: both sides joined, what is as it should be counted, what may not be kept for a second look."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from syncgate.domain.reconciliation.join import KEY_SIZE, ROLE_AT, Group, Look, Role, look_at, merge_join
from syncgate.flows.reconciling.ours import (
    CASE,
    COMPARISON_AT,
    FLAGS_AT,
    IS_MAPPED_OTHERWISE,
    IS_OBSERVED,
    delivery_of,
)
from syncgate.flows.reconciling.spill import Piece, Spill, in_step
from syncgate.flows.reconciling.theirs import mac_of

CANDIDATES_AT_MOST: Final = 50_000
"""Keys that are looked at again; where more are suspected, the listing is not believed."""
CASE_SIZE: Final = 16
SEEN_SIZE: Final = CASE_SIZE + 1
"""Bytes of a note of what was seen of a slot: its case 16, and 1 where it is as it should be, else 0."""
AS_IT_SHOULD: Final = b"\1"
IN_DOUBT: Final = b"\0"
REMAPPED_SIZE: Final = 32
"""Bytes of a note of a slot that another mapping filled: case 16, delivery 16."""
_JUDGED_BY_LOOK: Final = {
    Look.ABSENT: Role.EXPECTED,
    Look.SEVERAL: Role.EXPECTED,
    Look.DIFFERENT: Role.EXPECTED,
    Look.STILL_THERE: Role.GONE,
    Look.CAME: Role.OPEN,
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A key that is looked at again.

    Attributes:
        look: what was seen. key: the key.
        entries: those of our entries that are suspected, or one that may be there where nothing else is ours.
    """

    look: Look
    key: bytes
    entries: tuple[bytes, ...]


@dataclass(slots=True)
class FirstLook:
    """What the join of a listing came to.

    Attributes:
        verified: slots that are as they should be.
        missing: slots that are not listed.
        candidates: what is looked at again.
        repeated: how often a record was listed again.
        is_beyond: whether more was suspected than is looked at again.
        again_right: deliveries that are as they should be, of which something else was seen before.
    """

    verified: int = 0
    missing: int = 0
    candidates: list[Candidate] = field(default_factory=list)
    repeated: int = 0
    is_beyond: bool = False
    again_right: list[UUID] = field(default_factory=list)


def same_by_number(ours: bytes, theirs: bytes) -> bool:
    """Whether both hold the same, by the comparison of our entry's message."""
    return ours[16:32] == mac_of(theirs, ours[COMPARISON_AT])


def look_first(ours: Spill, theirs: Spill, *, seen: Spill, remapped: Spill) -> FirstLook:
    """Joins both sides.

    Args:
        ours: our entries. theirs: those of the listing.
        seen: gets a note of every slot that is as it should be.
        remapped: gets a note of those of them that another mapping filled.
    """
    found = FirstLook()
    for mine, other in in_step(ours, theirs, key_size=KEY_SIZE):
        for group in merge_join(*_without_plain(found, mine, other, seen)):
            found.repeated += group.repeated_count
            look = look_at(group, same_by_number)
            if look is Look.VERIFIED:
                _note_verified(found, group, seen, remapped)
            elif look.is_suspicion:
                _suspect(found, group, look)
    return found


def _without_plain(
    found: FirstLook, ours: Piece, theirs: Piece, seen: Spill
) -> tuple[Iterable[bytes], Iterable[bytes]]:
    """Both sides without what is usual, which is noted: one slot, expected, and one record that holds what it should.

    It says what the join would say, for nearly all records of nearly all runs at a fraction of the time.
    """
    if not isinstance(ours, list) or not isinstance(theirs, list):
        return ours, theirs
    entries, records = _by_key(ours), _by_key(theirs)
    if len(entries) < len(ours) or len(records) < len(theirs):
        return ours, theirs
    plain = [key for key, entry in entries.items() if key in records and _is_plain(entry, records[key])]
    seen.add([entries.pop(key)[CASE] + AS_IT_SHOULD for key in plain])
    found.verified += len(plain)
    for key in plain:
        del records[key]
    return entries.values(), records.values()


def _by_key(entries: Sequence[bytes]) -> dict[bytes, bytes]:
    return {entry[:KEY_SIZE]: entry for entry in entries}


def _is_plain(ours: bytes, theirs: bytes) -> bool:
    return ours[ROLE_AT] == Role.EXPECTED and not ours[FLAGS_AT] and same_by_number(ours, theirs)


def _note_verified(found: FirstLook, group: Group, seen: Spill, remapped: Spill) -> None:
    for entry in group.ours:
        if entry[ROLE_AT] != Role.EXPECTED:
            continue
        found.verified += 1
        case = entry[CASE]
        seen.add((case + AS_IT_SHOULD,))
        if entry[FLAGS_AT] & IS_OBSERVED and len(found.again_right) < CANDIDATES_AT_MOST:
            found.again_right.append(delivery_of(entry))
        if entry[FLAGS_AT] & IS_MAPPED_OTHERWISE:
            remapped.add((case + delivery_of(entry).bytes,))


def _suspect(found: FirstLook, group: Group, look: Look) -> None:
    entries = _suspected(group.ours, look)
    if look is Look.ABSENT:
        found.missing += len(entries)
    if len(found.candidates) < CANDIDATES_AT_MOST:
        found.candidates.append(Candidate(look, group.key, entries))
    else:
        found.is_beyond = True


def _suspected(ours: Sequence[bytes], look: Look) -> tuple[bytes, ...]:
    role = _JUDGED_BY_LOOK.get(look)
    return tuple(entry for entry in ours if entry[ROLE_AT] == role) or tuple(ours[:1])
