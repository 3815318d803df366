"""What can go wrong at a target's database, sorted by: could it have acted?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final

from syncgate.domain.outcome import Outcome


class Stage(Enum):
    """How far a transaction had come. Only from `COMMITTING` on can the database have acted."""

    CONNECTING = "connecting"
    WORKING = "working"
    COMMITTING = "committing"


class FaultKind(StrEnum):
    """What went wrong, whatever the engine calls it."""

    DUPLICATE = "duplicate"
    VALUE_TOO_LONG = "value_too_long"
    VALUE_MISSING = "value_missing"
    VALUE_OF_WRONG_TYPE = "value_of_wrong_type"
    VALUE_OUT_OF_RANGE = "value_out_of_range"
    UNENCODABLE = "unencodable"
    CHECK_VIOLATED = "check_violated"
    REFERENCE_MISSING = "reference_missing"
    TABLE_MISSING = "table_missing"
    COLUMN_MISSING = "column_missing"
    DEFINITION_DIFFERS = "definition_differs"
    PERMISSION_DENIED = "permission_denied"
    CREDENTIALS_REFUSED = "credentials_refused"
    READ_ONLY = "read_only"
    BUSY = "busy"
    """A lock, a deadlock, or the engine's own time-out."""
    FULL = "full"
    TOO_MANY_CONNECTIONS = "too_many_connections"
    STOPPING = "stopping"
    FAILED = "failed"
    """Anything else that the engine said."""
    LOST = "lost"
    """No connection, or none any more: the engine said nothing."""
    UNREADABLE = "unreadable"
    """Something came that is no answer of this engine, or no value that JSON shows."""


SILENT: Final = frozenset({FaultKind.LOST, FaultKind.UNREADABLE})
"""Kinds of which the engine itself said nothing; no answer rule is asked."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a kind amounts to where no answer rule says otherwise and nothing can have been committed."""

    outcome: Outcome
    actor: str = ""


MEANINGS: Final = {
    FaultKind.DUPLICATE: Meaning(Outcome.DUPLICATE),
    FaultKind.VALUE_TOO_LONG: Meaning(Outcome.REFUSED, "source"),
    FaultKind.VALUE_MISSING: Meaning(Outcome.REFUSED, "source"),
    FaultKind.VALUE_OF_WRONG_TYPE: Meaning(Outcome.REFUSED, "mapping"),
    FaultKind.VALUE_OUT_OF_RANGE: Meaning(Outcome.REFUSED, "mapping"),
    FaultKind.UNENCODABLE: Meaning(Outcome.REFUSED, "source"),
    FaultKind.CHECK_VIOLATED: Meaning(Outcome.REFUSED, "source"),
    FaultKind.REFERENCE_MISSING: Meaning(Outcome.REFUSED, "system"),
    FaultKind.TABLE_MISSING: Meaning(Outcome.DENIED, "operations"),
    FaultKind.COLUMN_MISSING: Meaning(Outcome.DENIED, "operations"),
    FaultKind.DEFINITION_DIFFERS: Meaning(Outcome.DENIED, "operations"),
    FaultKind.PERMISSION_DENIED: Meaning(Outcome.DENIED, "operations"),
    FaultKind.CREDENTIALS_REFUSED: Meaning(Outcome.DENIED, "operations"),
    FaultKind.READ_ONLY: Meaning(Outcome.UNAVAILABLE),
    FaultKind.BUSY: Meaning(Outcome.UNAVAILABLE),
    FaultKind.FULL: Meaning(Outcome.UNAVAILABLE),
    FaultKind.TOO_MANY_CONNECTIONS: Meaning(Outcome.UNAVAILABLE),
    FaultKind.STOPPING: Meaning(Outcome.UNAVAILABLE),
    FaultKind.FAILED: Meaning(Outcome.UNAVAILABLE),
    FaultKind.LOST: Meaning(Outcome.UNAVAILABLE),
    FaultKind.UNREADABLE: Meaning(Outcome.UNAVAILABLE),
}


@dataclass(frozen=True, slots=True)
class Said:
    """What a driver's exception says.

    Attributes:
        kind: what went wrong.
        code: as the engine writes it: an errno, a SQLSTATE, a name; empty where it said nothing.
        message: its own words, which may repeat a value: evidence only.
        is_rolled_back: whether this, as the answer to COMMIT, is the engine's word that nothing was committed.
    """

    kind: FaultKind
    code: str = ""
    message: str = ""
    is_rolled_back: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a transaction did not come to its end."""

    stage: Stage
    said: Said
    note: str

    @property
    def could_have_acted(self) -> bool:
        """Whether the database may hold what was sent."""
        return self.stage is Stage.COMMITTING and not self.said.is_rolled_back
