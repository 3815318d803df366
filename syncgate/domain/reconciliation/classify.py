"""What a discrepancy is, decided from all that both looks know. Pure, total, and decided nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from syncgate.domain.reconciliation.comparison import Comparison, FieldDifference
from syncgate.domain.reconciliation.forms import Json
from syncgate.domain.reconciliation.kinds import Kind
from syncgate.domain.reconciliation.learning import likeness

Payload = Mapping[str, Json]


class Standing(StrEnum):
    """What the newest delivery of a slot says about the record under its key."""

    NOBODYS = "nobodys"
    """There is no such delivery: nothing of ours is known under this key."""
    DELIVERED = "delivered"
    """It was delivered, and nothing of the slot is maybe sent."""
    OPEN = "open"
    """It is unconfirmed, or awaits its acknowledgement."""
    TAKEN_BACK = "taken_back"
    """It is a delivered retraction, at a system from which such records disappear."""


def _nothing_earlier() -> Iterable[tuple[int, Payload]]:
    return ()


def _nothing_changed() -> Sequence[FieldDifference]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of one key after the second look.

    Attributes:
        standing: of the slot.
        records: what the system holds under the key, each record once.
        records_count: how many there are, where more than these; 0: just these.
        comparison: how the message is compared; None at a level that shows no fields.
        expected: what the newest delivery sent, or, of an open one, may have sent; None where that is not known, as of
            what the system holds of its own accord: then nothing is compared.
        is_planned: whether the slot is to be filled. Also true where its message leaves what is not planned any more.
        proves_absence: whether what was not found is not there: a single look-up said so, or a listing without doubts.
        is_sole: whether nothing but `expected` was ever sent for the slot: then being there says enough.
        earlier: the revisions before, the newest first, and what each said: asked only if it matters.
        changed: what today's mapping would say otherwise than what was sent: asked only if it matters.
    """

    standing: Standing
    records: Sequence[Json] = field(repr=False)
    records_count: int = 0
    comparison: Comparison | None = None
    expected: Payload | None = field(default=None, repr=False)
    is_planned: bool = True
    proves_absence: bool = True
    is_sole: bool = True
    earlier: Callable[[], Iterable[tuple[int, Payload]]] = field(default=_nothing_earlier, repr=False)
    changed: Callable[[], Sequence[FieldDifference]] = field(default=_nothing_changed, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A discrepancy that both looks showed.

    Attributes:
        kind: its class.
        differences: the fields that differ, in the payload's order; of a duplicate, those of the record that is nearest
            to what was sent; of a changed mapping, what it would say.
        record: the record that was judged; None where there is none.
        records_count: how many records there are.
        revision: the earlier revision that a stale record says; None of others.
    """

    kind: Kind
    differences: tuple[FieldDifference, ...] = ()
    record: Json = field(default=None, repr=False)
    records_count: int = 0
    revision: int | None = None


def classify(seen: Seen) -> Finding | None:
    """The discrepancy at one key; None: there is none, or none can be told.

    | standing | no record | one | several |
    |---|---|---|---|
    | nobody's | - | unexpected | unexpected |
    | delivered, planned | missing, if that is proved | see below | duplicate |
    | delivered, not planned | - | no longer planned | no longer planned |
    | taken back | - | no longer planned | no longer planned |
    | open | - | confirmed, if it holds what was sent; else - | confirmed, if any does; else - |

    Of one record that should be there:

    | it says | it is |
    |---|---|
    | what was sent, and today's mapping would say the same | as it should be |
    | what was sent, and today's mapping would say something else | mapping changed |
    | what an earlier revision said | stale |
    | the same in every field but for how it is written | normalised there |
    | anything else | edited there |

    At a level without fields a record is taken to say what was sent; that an open one came is told only where nothing
    else was ever sent for its slot.
    """
    match seen.standing:
        case Standing.NOBODYS:
            return _found(Kind.UNEXPECTED, seen) if seen.records else None
        case Standing.TAKEN_BACK:
            return _found(Kind.NO_LONGER_PLANNED, seen) if seen.records else None
        case Standing.OPEN:
            return _of_open(seen)
        case Standing.DELIVERED:
            return _of_delivered(seen)


def _found(kind: Kind, seen: Seen, record: Json = None, differences: Sequence[FieldDifference] = ()) -> Finding:
    shown = record if record is not None or not seen.records else seen.records[0]
    count = max(seen.records_count, len(seen.records))
    return Finding(kind=kind, differences=tuple(differences), record=shown, records_count=count)


def _of_open(seen: Seen) -> Finding | None:
    if seen.comparison is None or seen.expected is None:
        return _found(Kind.CONFIRMED, seen) if seen.records and seen.is_sole else None
    for record in seen.records:
        if not seen.comparison.differences(seen.expected, record):
            return _found(Kind.CONFIRMED, seen, record)
    return None


def _of_delivered(seen: Seen) -> Finding | None:
    if not seen.records:
        return _found(Kind.MISSING, seen) if seen.is_planned and seen.proves_absence else None
    if not seen.is_planned:
        return _found(Kind.NO_LONGER_PLANNED, seen)
    record, differences = min(((one, _differences(seen, one)) for one in seen.records), key=lambda pair: len(pair[1]))
    if max(seen.records_count, len(seen.records)) > 1:
        return _found(Kind.DUPLICATE, seen, record, differences)
    if differences:
        return _of_different(seen, record, differences)
    changed = seen.changed()
    return _found(Kind.MAPPING_CHANGED, seen, record, changed) if changed else None


def _differences(seen: Seen, record: Json) -> Sequence[FieldDifference]:
    if seen.comparison is None or seen.expected is None:
        return ()
    return seen.comparison.differences(seen.expected, record)


def _of_different(seen: Seen, record: Json, differences: Sequence[FieldDifference]) -> Finding:
    assert seen.comparison is not None
    for revision, payload in seen.earlier():
        if not seen.comparison.differences(payload, record):
            return replace(_found(Kind.STALE, seen, record, differences), revision=revision)
    fields = {one.name: one for one in seen.comparison.fields}
    named = [replace(one, like=likeness(fields[one.name], one.expected, one.actual)) for one in differences]
    kind = Kind.NORMALISED_THERE if all(one.like for one in named) else Kind.EDITED_THERE
    return _found(kind, seen, record, named)
