"""What can be read back of a system, what can be found wrong there, and what can be done about it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Level(StrEnum):
    """How much a system lets us read back of a listing."""

    FIELDS = "fields"
    """Records with their fields."""
    IDS = "ids"
    """Which records there are, without their fields."""
    COUNTS = "counts"
    """How many records there are, by range of their keys."""
    NONE = "none"


class Kind(StrEnum):
    """The class of a discrepancy."""

    MISSING = "missing"
    """The system took it, and does not hold it."""
    DUPLICATE = "duplicate"
    """It holds it more than once."""
    STALE = "stale"
    """It holds what an earlier revision said."""
    EDITED_THERE = "edited_there"
    """It holds what nobody here ever said."""
    NORMALISED_THERE = "normalised_there"
    """It writes the same otherwise, in a way that a comparison rule could tell."""
    NO_LONGER_PLANNED = "no_longer_planned"
    """It holds what is not to be there any more."""
    UNEXPECTED = "unexpected"
    """It holds something of ours, as it says, that is not known here."""
    CONFIRMED = "confirmed"
    """It holds what was unconfirmed or awaited here."""
    MAPPING_CHANGED = "mapping_changed"
    """It holds what was sent; the mapping of today would say something else."""
    COUNT_DIFFERS = "count_differs"
    """It counts other than it should within a range of keys; which records, its level does not tell."""


class SourceKind(StrEnum):
    """The class of a discrepancy between a source and what was accepted from it."""

    NOT_POSTED = "not_posted"
    """There, and never posted (应报未报)."""
    NOT_THERE = "not_there"
    """Posted, and not there (多报)."""
    DIFFERS = "differs"
    """There with another content than was posted (不一致)."""


class Action(StrEnum):
    """What is done about a discrepancy."""

    RESEND = "resend"
    """What was observed is noted on the slot, and it is planned anew: created, changed or held, as its message says."""
    RETRACT = "retract"
    """Taken back as its message says."""
    ACCEPT = "accept"
    """The system's value becomes a revision of the case, by that system."""
    CONFIRM = "confirm"
    """What was found settles the delivery that was open."""
    ASK = "ask"
    """A person decides."""
    IGNORE = "ignore"


FOUND_AT: Final[Mapping[Level, frozenset[Kind]]] = {
    Level.FIELDS: frozenset(Kind) - {Kind.COUNT_DIFFERS},
    Level.IDS: frozenset(
        {Kind.MISSING, Kind.DUPLICATE, Kind.NO_LONGER_PLANNED, Kind.UNEXPECTED, Kind.CONFIRMED, Kind.MAPPING_CHANGED}
    ),
    Level.COUNTS: frozenset({Kind.COUNT_DIFFERS}),
    Level.NONE: frozenset(),
}
"""What each level allows to be found. Mapping changed since is known from what was sent alone."""

ACTIONS: Final[Mapping[Kind, frozenset[Action]]] = {
    Kind.MISSING: frozenset({Action.RESEND, Action.ASK, Action.IGNORE}),
    Kind.DUPLICATE: frozenset({Action.ASK, Action.IGNORE}),
    Kind.STALE: frozenset({Action.RESEND, Action.ASK, Action.IGNORE}),
    Kind.EDITED_THERE: frozenset({Action.RESEND, Action.ACCEPT, Action.ASK, Action.IGNORE}),
    Kind.NORMALISED_THERE: frozenset({Action.RESEND, Action.ASK, Action.IGNORE}),
    Kind.NO_LONGER_PLANNED: frozenset({Action.RETRACT, Action.ASK, Action.IGNORE}),
    Kind.UNEXPECTED: frozenset({Action.ASK, Action.IGNORE}),
    Kind.CONFIRMED: frozenset({Action.CONFIRM, Action.ASK}),
    Kind.MAPPING_CHANGED: frozenset({Action.ASK, Action.IGNORE}),
    Kind.COUNT_DIFFERS: frozenset({Action.ASK, Action.IGNORE}),
}
"""What a policy may say to each class. A changed mapping sends nothing by itself (promise 13)."""

DEFAULT_POLICY: Final[Mapping[Kind, Action]] = {
    Kind.MISSING: Action.RESEND,
    Kind.DUPLICATE: Action.ASK,
    Kind.STALE: Action.RESEND,
    Kind.EDITED_THERE: Action.ASK,
    Kind.NORMALISED_THERE: Action.ASK,
    Kind.NO_LONGER_PLANNED: Action.RETRACT,
    Kind.UNEXPECTED: Action.ASK,
    Kind.CONFIRMED: Action.CONFIRM,
    Kind.MAPPING_CHANGED: Action.ASK,
    Kind.COUNT_DIFFERS: Action.ASK,
}
"""What is done where an adapter says nothing."""
