"""What each delivery of a lane says about the record under its key. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Final
from uuid import UUID

from syncgate.domain.delivery import OF_ITS_OWN, Phase
from syncgate.domain.plan import Message
from syncgate.domain.reconciliation.join import Role
from syncgate.domain.rows import Change, Delivery, HeldRow

RETURNED: Final = "returned"
"""Why a delivery is parked that the system gave back."""
_OPEN: Final = frozenset({Phase.AWAITING, Phase.UNCONFIRMED})
_MOVING: Final = frozenset({Phase.IN_FLIGHT, Phase.PENDING})


@dataclass(slots=True)
class SideCounts:
    """What our side comes to, in slots of one listing.

    Attributes:
        expected: that should be there. delivered: of these, delivered as far as is known here.
        returned: that the system gave back. unjudged: in flight, in their grace, or of a content that nobody knows.
    """

    expected: int = 0
    delivered: int = 0
    returned: int = 0
    unjudged: int = 0

    def add(self, other: SideCounts) -> None:
        """Adds what another page came to."""
        self.expected += other.expected
        self.delivered += other.delivered
        self.returned += other.returned
        self.unjudged += other.unjudged


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """How the slots of one listing are judged.

    Attributes:
        messages: whose records it has.
        takes_back: by retraction of the case, the messages whose slots it takes back.
        is_removed: whether a record that was taken back disappears.
        settled_before: what changed later is not judged.
        sent_from: only what was sent first at this time or later must be listed; None: all.
    """

    messages: frozenset[str]
    takes_back: Mapping[str, frozenset[str]]
    is_removed: bool
    settled_before: datetime
    sent_from: datetime | None = None

    @property
    def read_messages(self) -> frozenset[str]:
        """Whose deliveries tell: those of the listing, and what takes them back."""
        return self.messages | {name for name, names in self.takes_back.items() if names & self.messages}


@dataclass(slots=True)
class _Slot:
    """One slot's rows, told apart, in the order of creation."""

    rows: list[HeldRow] = field(default_factory=list)
    held: HeldRow | None = None
    retraction: HeldRow | None = None
    first_sent_at: datetime | None = None
    is_moving: bool = False


def takes_back_by(messages: Iterable[Message]) -> dict[str, frozenset[str]]:
    """By retraction of the case, the messages whose slots it takes back."""
    found: dict[str, set[str]] = {}
    for message in messages:
        if message.retraction is not None:
            found.setdefault(message.retraction, set()).add(message.name)
    return {name: frozenset(names) for name, names in found.items()}


_narrow = attrgetter(*HeldRow._fields)


def held_row(delivery: Delivery) -> HeldRow:
    """What is read of a delivery in bulk."""
    return HeldRow._make(_narrow(delivery))


def by_case(rows: Sequence[HeldRow]) -> Iterator[tuple[UUID, Sequence[HeldRow]]]:
    """The rows of each case. Runs for every delivery: two ids are compared as the numbers that they are."""
    start, count = 0, len(rows)
    while start < count:
        case_id = rows[start].case_id
        number, end = case_id.int, start + 1
        while end < count and rows[end].case_id.int == number:
            end += 1
        yield case_id, rows[start:end]
        start = end


def roles_in(rows: Sequence[HeldRow], judging: Judging, counts: SideCounts) -> Iterable[tuple[HeldRow, Role]]:
    """Each row of one lane that may have a record in the listing, with what it says of it; adds to the counts.

    Args:
        rows: all of the lane, in the order of creation.
        judging: of the listing.
        counts: to be added to.
    """
    if len(rows) == 1 and _is_plain(row := rows[0], judging):
        counts.expected += 1
        counts.delivered += 1
        return [(row, Role.EXPECTED)]
    return _roles_of_lane(rows, judging, counts)


def _roles_of_lane(rows: Iterable[HeldRow], judging: Judging, counts: SideCounts) -> Iterator[tuple[HeldRow, Role]]:
    for slot in _slots(rows, judging).values():
        yield from _roles_of(slot, judging, counts)


def _is_plain(row: HeldRow, judging: Judging) -> bool:
    """Whether a lane's only row was delivered, once, and long enough ago."""
    return (
        row.phase is Phase.DELIVERED
        and row.message in judging.messages
        and row.change is not Change.RETRACT
        and not _is_untold(row)
        and row.changed_at < judging.settled_before
        and judging.sent_from is None
    )


def _is_untold(row: HeldRow) -> bool:
    """Whether the system holds it of its own accord under a reference, and with a content, that nobody told us.

    What reconciliation took over, or linked, bears marks.
    """
    return row.reason in OF_ITS_OWN and row.held_key is None


def _slots(rows: Iterable[HeldRow], judging: Judging) -> dict[tuple[str, str], _Slot]:
    slots: dict[tuple[str, str], _Slot] = {}
    for row in rows:
        slot = slots.setdefault((row.message, row.part), _Slot())
        is_content = row.change is not Change.RETRACT
        if row.change is Change.RETRACT:
            names = judging.takes_back.get(row.message)
            _stand_over([other for name, other in slots.items() if name[0] in (names or ())], row, judging)
            if names is None:
                _stand_over([slot], row, judging)
            is_content = names is not None
        if is_content:
            _note(slot, row, judging)
    return {name: slot for name, slot in slots.items() if name[0] in judging.messages}


def _stand_over(slots: Iterable[_Slot], retraction: HeldRow, judging: Judging) -> None:
    """Notes in these slots that a retraction is on its way, or has taken back what they held."""
    if retraction.phase is Phase.CANCELLED:
        return
    for slot in slots:
        if retraction.phase is Phase.DELIVERED:
            slot.retraction = retraction
        slot.is_moving |= retraction.phase in _OPEN or _moves(retraction, judging)


def _note(slot: _Slot, row: HeldRow, judging: Judging) -> None:
    slot.rows.append(row)
    slot.is_moving |= _moves(row, judging)
    slot.first_sent_at = slot.first_sent_at or row.sent_at
    if row.phase is Phase.DELIVERED:
        slot.held, slot.retraction = row, None


def _moves(row: HeldRow, judging: Judging) -> bool:
    return row.phase in _MOVING or row.changed_at >= judging.settled_before


def _roles_of(slot: _Slot, judging: Judging, counts: SideCounts) -> Iterator[tuple[HeldRow, Role]]:
    rows = [row for row in slot.rows if not _is_untold(row)]
    open_row = next((row for row in rows if row.phase in _OPEN), None)
    last = slot.rows[-1] if slot.rows else None
    if last is None:
        return
    _count(slot, last, counts)
    special: dict[UUID, Role] = {}
    held = slot.held
    if slot.is_moving or (held is not None and _is_untold(held)):
        counts.unjudged += 1
    elif open_row is not None:
        counts.unjudged += 1
        special[open_row.delivery_id] = Role.OPEN
    elif slot.retraction is not None:
        special = dict.fromkeys((row.delivery_id for row in rows), Role.GONE) if judging.is_removed else {}
    elif held is not None and _is_in_window(slot, judging):
        special[held.delivery_id] = Role.EXPECTED
    yield from _once_each(rows, special)


def _is_in_window(slot: _Slot, judging: Judging) -> bool:
    if judging.sent_from is None:
        return True
    return slot.first_sent_at is not None and slot.first_sent_at >= judging.sent_from


def _count(slot: _Slot, last: HeldRow, counts: SideCounts) -> None:
    if slot.retraction is not None or last.phase is Phase.CANCELLED:
        return
    counts.expected += 1
    counts.delivered += slot.held is not None
    counts.returned += last.phase is Phase.PARKED and last.reason == RETURNED


def _once_each(rows: Sequence[HeldRow], special: Mapping[UUID, Role]) -> Iterator[tuple[HeldRow, Role]]:
    """The rows with their roles. An older version under the key of one that is judged says nothing of its own."""
    judged = {row.held_key for row in rows if row.delivery_id in special} - {None}
    for row in rows:
        role = special.get(row.delivery_id)
        if role is None and (row.phase in (Phase.PENDING, Phase.PARKED, Phase.CANCELLED) and row.held_key is None):
            continue
        if role is None and row.held_key in judged:
            continue
        yield row, role if role is not None else Role.ALLOWED


def is_judged(rows: Iterable[HeldRow], judging: Judging, *, message: str, part: str) -> bool:
    """Whether a slot is judged: nothing of it is on its way, in its grace, or outside the window.

    Args:
        rows: all of its lane, in the order of creation.
        judging: of the listing. message, part: the slot.
    """
    slot = _slots(rows, judging).get((message, part))
    if slot is None:
        return True
    is_own = slot.held is not None and _is_untold(slot.held)
    is_open = any(row.phase in _OPEN for row in slot.rows)
    return not (slot.is_moving or is_own or is_open) and _is_in_window(slot, judging)


def messages_of(names: Collection[str], only: Collection[str] | None) -> frozenset[str]:
    """Those of a listing's messages that a run is about."""
    return frozenset(name for name in names if only is None or name in only)
