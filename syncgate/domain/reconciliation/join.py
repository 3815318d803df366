"""The first look: our entries and theirs, both sorted by key, joined in one pass and in bounded memory.

An entry is bytes, so that it can be spilled to a file and sorted there as it is:

    ours    key 16 | mac 16 | role 1 | anything of the caller's
    theirs  key 16 | mac 16 | ref 8  | anything of the caller's

`key` is the digest of the reference under which the record is known, `mac` that of its compared fields, `ref` a digest
of the system's own id of the record, all zero where it shows none. Several messages may share a record (one creates it,
another fills in its end): then the record has an entry of ours for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

KEY_SIZE: Final = 16
MAC_END: Final = 32
ROLE_AT: Final = 32
REF_END: Final = 40
NO_REF: Final = bytes(REF_END - MAC_END)
KEPT_AT_MOST: Final = 16
"""Entries of one key that a group keeps on either side; a system that lists one key a million times fills no memory."""

Same = Callable[[bytes, bytes], bool]
"""Whether an entry of ours and one of theirs hold the same content."""


class Role(IntEnum):
    """What one of our entries says about the record under its key."""

    EXPECTED = 0
    """It should be there, and hold this: the newest delivered one of its slot."""
    ALLOWED = 1
    """It may be there: an older version under a key of its own, or one taken back at a system that keeps those."""
    GONE = 2
    """It should not be there: taken back, at a system from which such records disappear."""
    OPEN = 3
    """It may have come: maybe sent, or awaiting its acknowledgement. Its slot is not judged by what is there."""


class Look(StrEnum):
    """What the first look sees at a key. All but the first two are suspicions, and are looked at again."""

    VERIFIED = "verified"
    """Expected, and there once, as expected."""
    QUIET = "quiet"
    """Nothing is expected and nothing is wrong, or what is there cannot be judged yet."""
    ABSENT = "absent"
    """Expected, and not listed."""
    SEVERAL = "several"
    """Several records under one key."""
    DIFFERENT = "different"
    """Expected, listed, and with another digest."""
    STILL_THERE = "still_there"
    """Taken back, and listed."""
    UNKNOWN = "unknown"
    """Listed, and nothing of ours."""
    CAME = "came"
    """Maybe sent, and listed with what was sent."""

    @property
    def is_suspicion(self) -> bool:
        """Whether the key is looked at again."""
        return self not in (Look.VERIFIED, Look.QUIET)


@dataclass(slots=True)
class Group:
    """All entries of one key.

    Attributes:
        key: the key.
        ours: our entries, in their order. theirs: their records, each once. At most `KEPT_AT_MOST` of either.
        theirs_count: how many records there are under the key, also beyond those kept.
        repeated_count: how often a record was listed again: the listing moved while it was read.
    """

    key: bytes
    ours: list[bytes]
    theirs: list[bytes]
    theirs_count: int = 0
    repeated_count: int = 0


def same_mac(ours: bytes, theirs: bytes) -> bool:
    """Whether both digests are equal."""
    return ours[KEY_SIZE:MAC_END] == theirs[KEY_SIZE:MAC_END]


def same_by_key(ours: bytes, theirs: bytes) -> bool:
    """What counts at a level that shows no fields: that both are of one key says all there is to say."""
    return True


def merge_join(ours: Iterable[bytes], theirs: Iterable[bytes]) -> Iterator[Group]:
    """The groups of every key on either side, in the order of keys.

    Raises:
        ValueError: a side is not sorted; what follows would be told as missing.
    """
    left, right = _by_key(ours, "ours"), _by_key(theirs, "theirs")
    mine, other = next(left, None), next(right, None)
    while mine is not None or other is not None:
        if other is None or (mine is not None and mine[0] < other[0]):
            assert mine is not None
            yield Group(mine[0], mine[1], [])
            mine = next(left, None)
        elif mine is None or other[0] < mine[0]:
            yield _told_apart(other[0], [], other)
            other = next(right, None)
        else:
            yield _told_apart(other[0], mine[1], other)
            mine, other = next(left, None), next(right, None)


_OfKey = tuple[bytes, list[bytes], int]


def _by_key(entries: Iterable[bytes], side: str) -> Iterator[_OfKey]:
    key, count = b"", 0
    kept: list[bytes] = []
    for entry in entries:
        of = entry[:KEY_SIZE]
        if of == key and count:
            count += 1
            if len(kept) < KEPT_AT_MOST:
                kept.append(entry)
            continue
        if of < key:
            raise ValueError(f"expected the entries of {side} sorted by key, got one that comes before its predecessor")
        if count:
            yield key, kept, count
        key, kept, count = of, [entry], 1
    if count:
        yield key, kept, count


def _told_apart(key: bytes, ours: list[bytes], theirs: _OfKey) -> Group:
    """One entry of each record: a page that moved shows a record twice, and that is no second record."""
    _, entries, count = theirs
    if count == 1:
        return Group(key, ours, entries, 1)
    by_ref: dict[bytes, bytes] = {}
    for no, entry in enumerate(entries):
        ref = entry[MAC_END:REF_END]
        by_ref.setdefault(ref if ref != NO_REF else no.to_bytes(2, "big"), entry)
    beyond = count - len(entries)
    return Group(key, ours, list(by_ref.values()), len(by_ref) + beyond, len(entries) - len(by_ref))


def look_at(group: Group, same: Same = same_mac) -> Look:
    """What the first look sees at a key.

    | ours | nothing listed | one record | several |
    |---|---|---|---|
    | nothing | - | unknown | unknown |
    | any maybe sent | quiet | came, where it holds what was sent; else quiet | the same |
    | expected | absent | verified, if it holds what all of them expect; else different | several |
    | taken back | quiet | still there | still there |
    | only allowed | quiet | quiet | several |
    """
    ours, theirs = group.ours, group.theirs
    if len(ours) == 1 and ours[0][ROLE_AT] == Role.EXPECTED:
        return _of_expected(group, ours, same)
    expected = [entry for entry in ours if entry[ROLE_AT] == Role.EXPECTED]
    maybe_sent = [entry for entry in ours if entry[ROLE_AT] == Role.OPEN]
    if maybe_sent:
        has_come = any(same(entry, record) for entry in maybe_sent for record in theirs)
        return Look.CAME if has_come else Look.QUIET
    if expected:
        return _of_expected(group, expected, same)
    return _of_unexpected(group)


def _of_expected(group: Group, expected: list[bytes], same: Same) -> Look:
    if not group.theirs:
        return Look.ABSENT
    if group.theirs_count > 1:
        return Look.SEVERAL
    record = group.theirs[0]
    return Look.VERIFIED if all(same(entry, record) for entry in expected) else Look.DIFFERENT


def _of_unexpected(group: Group) -> Look:
    if not group.theirs:
        return Look.QUIET
    if not group.ours:
        return Look.UNKNOWN
    if all(entry[ROLE_AT] == Role.GONE for entry in group.ours):
        return Look.STILL_THERE
    return Look.SEVERAL if group.theirs_count > 1 else Look.QUIET
