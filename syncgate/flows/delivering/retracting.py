"""Taking back: which slots a claimed retraction is about, and what its keys and its look-ups mean."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from syncgate.domain.comparison import different_fields
from syncgate.domain.delivery import Event
from syncgate.domain.outcome import Found, Outcome, Reading
from syncgate.domain.plan import Json
from syncgate.domain.replan import SlotName
from syncgate.domain.retraction import concerns
from syncgate.domain.rows import Change, Delivery
from syncgate.flows.delivering.work import Verdict, Work
from syncgate.flows.gate import Gate
from syncgate.flows.lane import LaneWork
from syncgate.site.bundle import Bundle

RETRACTION_NOT_TAKEN: Final = "retraction_not_taken"
STILL_THERE: Final = "still_there"
"""Why an unknown retraction is asked about again: the system shows a record, of which nobody knows what it is."""


def slots_taken_back(work: LaneWork, retraction: Delivery) -> list[SlotName]:
    """The slots that a retraction is about, in the declared order and that of creation."""
    found = dict.fromkeys(
        (other.message, other.part)
        for other in work.deliveries
        if other.change is not Change.RETRACT and concerns(retraction, other, work.takes_back)
    )
    rank_by_message = {message.name: rank for rank, message in enumerate(work.messages)}
    return sorted(found, key=lambda slot: rank_by_message.get(slot[0], len(rank_by_message)))


def is_other_sent_so(deliveries: Iterable[Delivery], bundle: Bundle | None, retraction: Delivery) -> bool:
    """Whether something else than this retraction may have left by the same operation, so that a system which knows
    the case by its number there could take the one for the other."""
    others = [d for d in deliveries if d.delivery_id != retraction.delivery_id and d.sent_mac is not None]
    operation = _operation(bundle, retraction)
    return any(
        d.input_mac != retraction.input_mac or d.bundle != retraction.bundle
        for d in others
        if (d.change is Change.RETRACT and (d.message, d.part) == (retraction.message, retraction.part))
        or (operation is not None and _operation(bundle, d) == operation)
    )


def _operation(bundle: Bundle | None, delivery: Delivery) -> str | None:
    if bundle is None:
        return None
    if delivery.change is Change.RETRACT:
        retraction = bundle.retractions.get(delivery.message)
        return None if retraction is None else retraction.operation
    message = next((m for m in bundle.messages if m.name == delivery.message), None)
    if message is None:
        return None
    return message.update_operation if delivery.change is Change.UPDATE else message.operation


def cannot_be_taken_back(gate: Gate, work: Work) -> bool:
    """Whether a claimed retraction must not be sent: its message declares none for this slot, or it would take back
    what has become wanted again."""
    bundle = gate.bundles.get(work.delivery.bundle)
    is_declared = bundle is not None and work.delivery.message in bundle.retractions
    return not is_declared or work.is_overtaken


def after_look_up(reading: Reading, before: Json | None, *, compared: frozenset[str]) -> Verdict:
    """What a look-up says of a retraction by keys alone: taken where nothing is there any more. Pure.

    Args:
        reading: what the system showed.
        before: what the slot held before, as far as that can be derived.
        compared: the fields to look at.
    """
    found = {"outcome": Outcome.REFUSED, "evidence": reading.evidence}
    match reading.found:
        case Found.ABSENT:
            return Verdict(event=Event.FOUND, rule="absent", **found)  # type: ignore[arg-type]
        case Found.RECORD if compared and before is not None and _is_same(before, reading.record, compared):
            return Verdict(event=Event.ABSENT, rule="still_as_before", **found)  # type: ignore[arg-type]
        case Found.RECORD:
            return Verdict(event=Event.UNDECIDED, rule=STILL_THERE, reason=STILL_THERE, **found)  # type: ignore[arg-type]
        case Found.DENIED:
            found["outcome"], reason = Outcome.DENIED, "denied"
        case _:
            found["outcome"], reason = reading.outcome, "look_up_failed"
    return Verdict(event=Event.UNDECIDED, rule=reason, reason=reason, retry_after=reading.retry_after, **found)  # type: ignore[arg-type]


def _is_same(before: Json, record: Json, compared: frozenset[str]) -> bool:
    return not different_fields(before, record, compared=compared)
