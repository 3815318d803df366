"""What reconciliation found, before it is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from syncgate.domain.reconciliation.comparison import FieldDifference
from syncgate.domain.reconciliation.kinds import Kind
from syncgate.domain.rows import Delivery

Json = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One discrepancy that both looks showed.

    Attributes:
        kind: its class. message: whose record it is; of a record that is nobody's here, the listing's first.
        delivery: that should be there, may have come, or was taken back; None where the record is nobody's here.
        taken_back_by: the delivered retraction of what is there still; None of all other classes.
        key: the digest of the record's reference.
        differences: the fields that differ.
        record: what the system shows; None where it shows nothing.
        records_count: how many records it shows under the key.
        remote_ref: the system's own id of the record.
        reference: of a record that is nobody's here, what it bears as our reference.
        counted: of a range of keys, where it begins and ends, and both numbers.
    """

    kind: Kind
    message: str
    delivery: Delivery | None
    taken_back_by: Delivery | None = None
    key: bytes
    differences: Sequence[FieldDifference] = ()
    record: Json = field(default=None, repr=False)
    records_count: int = 0
    remote_ref: str | None = None
    reference: str | None = None
    counted: Mapping[str, Any] | None = None

    @property
    def case_id(self) -> UUID | None:
        """Whose slot it is."""
        return None if self.delivery is None else self.delivery.case_id

    @property
    def judged(self) -> Delivery | None:
        """The delivery that says what should be there."""
        return self.taken_back_by or self.delivery

    @property
    def part(self) -> str:
        """Of which part."""
        return "" if self.delivery is None else self.delivery.part

    @property
    def subject(self) -> str:
        """What names it among the open ones."""
        return self.key.hex() if self.delivery is None else f"{self.delivery.case_id}:{self.delivery.part}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A slot of which nothing was sent, and what was typed at the system by hand in its place.

    Attributes:
        delivery_id: what waits for the slot. case_id, message, part: the slot.
        records: what the system shows; several where it cannot be told which is meant.
        remote_refs: the system's own ids of them, None where it shows none.
        others: slots of ours that the same records match as well.
    """

    delivery_id: UUID
    case_id: UUID
    message: str
    part: str
    records: tuple[Json, ...] = field(repr=False)
    remote_refs: tuple[str | None, ...]
    others: int = 0
