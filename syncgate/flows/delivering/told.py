"""What a slot's content would be under one bundle or another: whether a changed mapping says anything else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from syncgate.domain.comparison import is_equal
from syncgate.domain.delivery import Phase
from syncgate.domain.head import Task
from syncgate.domain.plan import Json, PartOf, parts_of
from syncgate.domain.rows import Case, Delivery
from syncgate.flows.delivering.held import references
from syncgate.flows.delivering.mapping import inputs_of, mapped
from syncgate.flows.delivering.work import Payload, Work
from syncgate.flows.gate import Gate
from syncgate.flows.lane import LaneWork
from syncgate.mapping import Refs
from syncgate.mapping.explanation import Given
from syncgate.mapping.hiding import hidden
from syncgate.site.bundle import Bundle
from syncgate.site.shown import shown_case

UNCLAIMED: Final = frozenset({Phase.PENDING})
"""What waits unsent is mapped under the active bundle when its turn comes, whichever planned it."""


def says_the_same(gate: Gate, work: LaneWork, newest: Delivery, revision: int, bundle: Bundle) -> bool:
    """Whether a slot's newest delivery carries what this bundle would make of this revision.

    Only what is compared counts: neither volatile fields nor those that say `compared: false`.
    """
    case = work.tx.case(newest.case_id)
    then = bundle if newest.phase in UNCLAIMED else gate.bundles.get(newest.bundle)
    if case is None or then is None or newest.message not in then.specs:
        return False
    if then is bundle and newest.revision == revision:
        return True
    now = replace(newest, revision=revision)
    before, after = _content(gate, work, case, newest, then), _content(gate, work, case, now, bundle)
    return is_equal(before, after) and is_equal(after, before)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """A field of a payload that would be another one, as people may see it. None: it is not there."""

    field: str
    before: Given | None
    after: Given | None


def changed_fields(gate: Gate, work: LaneWork, newest: Delivery, revision: int, bundle: Bundle) -> tuple[str, ...]:
    """The compared fields of a slot's payload that this bundle makes otherwise of this revision, by name.

    Empty where one of the two cannot be mapped.
    """
    both = _both(gate, work, newest, revision, bundle)
    if both is None:
        return ()
    (before, then), (after, now) = both
    old, new = _payload(gate, before, then), _payload(gate, after, now)
    if old is None or new is None:
        return ()
    return tuple(name for name in {**old, **new} if not _is_same(old, new, name))


def shown_changes(
    gate: Gate,
    work: LaneWork,
    newest: Delivery,
    revision: int,
    bundle: Bundle,
    *,
    names: Sequence[str],
    shows_number: Callable[[str], bool],
) -> tuple[FieldChange, ...]:
    """These fields before and after, personal values hidden.

    Args:
        gate: the running gate.
        work: the lane.
        newest: what the slot was told last.
        revision: the case's; bundle: what maps it now.
        names: as `changed_fields` gives them.
        shows_number: whether the reader may see what a system calls things.
    """
    both = _both(gate, work, newest, revision, bundle)
    if both is None:
        return ()
    before, after = (_shown(gate, *one, shows_number) for one in both)
    return tuple(FieldChange(field=name, before=before.get(name), after=after.get(name)) for name in names)


def _both(
    gate: Gate, work: LaneWork, newest: Delivery, revision: int, bundle: Bundle
) -> tuple[tuple[Work, Bundle], tuple[Work, Bundle]] | None:
    """The slot's newest delivery with its bundle, and the same at this revision with this one."""
    case = work.tx.case(newest.case_id)
    then = gate.bundles.get(newest.bundle)
    if case is None or then is None or newest.message not in then.specs or newest.message not in bundle.specs:
        return None
    before = _serving(work, case, newest, then)
    after = _serving(work, case, replace(newest, revision=revision), bundle)
    return None if before is None or after is None else ((before, then), (after, bundle))


def _payload(gate: Gate, work: Work, bundle: Bundle) -> Mapping[str, Json] | None:
    made = mapped(gate, work, work.delivery, work.submission, bundle, sent_at=work.claimed_at)
    if not isinstance(made, Payload) or not isinstance(made.value, dict):
        return None
    compared = bundle.specs[work.delivery.message].compared_fields
    return {name: value for name, value in made.value.items() if name in compared}


def _is_same(old: Mapping[str, Json], new: Mapping[str, Json], name: str) -> bool:
    return name in old and name in new and is_equal(old[name], new[name]) and is_equal(new[name], old[name])


def _shown(gate: Gate, work: Work, bundle: Bundle, shows_number: Callable[[str], bool]) -> dict[str, Given]:
    """What each field of the payload is, as people may see it."""
    delivery, message = work.delivery, bundle.message(work.delivery.message)
    mapping = bundle.specs[delivery.message].mapping
    inputs = inputs_of(gate, work, delivery, work.submission, bundle, sent_at=work.claimed_at)
    ids = [part for part, _ in parts_of(inputs.case, message.of)]
    part_no = None if message.of is PartOf.CASE or delivery.part not in ids else ids.index(delivery.part)
    shown = shown_case(inputs.case, mapping.reads, part_no, gate.schema)
    told = hidden(mapping.explain(inputs), shown, shows_number=shows_number)
    return {slot.field: slot.trace.given for slot in told.slots if slot.trace is not None and slot.fate == "filled"}


def _content(gate: Gate, work: LaneWork, case: Case, delivery: Delivery, bundle: Bundle) -> Json:
    """The compared fields of a delivery's payload; why there is none where it cannot be mapped."""
    spec, serving = bundle.specs[delivery.message], _serving(work, case, delivery, bundle)
    if serving is None:
        return {"revision": delivery.revision}
    made = mapped(gate, serving, delivery, serving.submission, bundle, sent_at=work.tx.now)
    if not isinstance(made, Payload):
        return {"reason": made.reason, "detail": made.detail, "waits_for": made.waits_for}
    if not isinstance(made.value, dict):
        return made.value
    return {"payload": {name: value for name, value in made.value.items() if name in spec.compared_fields}}


def _serving(work: LaneWork, case: Case, delivery: Delivery, bundle: Bundle) -> Work | None:
    """What mapping a delivery needs; None where its content is kept no more."""
    submission = work.tx.revision(case.case_id, delivery.revision)
    if submission is None or submission.sealed_document is None:
        return None
    needs_references = bundle.specs[delivery.message].needs_references
    return Work(
        lane=work.lane,
        delivery=delivery,
        task=Task.SEND,
        case=case,
        submission=submission,
        refs=references(work.tx, case.case_id) if needs_references else Refs(),
        claimed_at=work.tx.now,
        taken_at=work.tx.now,
    )
