"""Letters about what a system holds and takes no change of, and the proof of when a case was sent where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import orjson

from syncgate.domain.delivery import Phase
from syncgate.domain.errors import Conflict, Forbidden
from syncgate.domain.rows import Attempt, AttemptKind, AuditEntry, Case, Change, Delivery, Principal
from syncgate.flows.delivering.retracting import RETRACTION_NOT_TAKEN
from syncgate.flows.delivering.send import CORRECTION_NOT_TAKEN
from syncgate.flows.gate import CaseRef, Gate
from syncgate.flows.operating.people import LOCAL, Action, may
from syncgate.flows.reconciling.expected import Maker
from syncgate.flows.showing.files import ReasonMissing
from syncgate.flows.showing.scope import find_case, find_delivery, sees_open, sees_system
from syncgate.ports import Tx
from syncgate.reports.letter_model import (
    HIDDEN,
    Letter,
    LetterFace,
    LetterLine,
    Proof,
    Sending,
    SubmittedRecord,
    SubmittedTo,
)

Json = Any
WRITTEN_FOR: Final = (CORRECTION_NOT_TAKEN, RETRACTION_NOT_TAKEN)
_LONGEST: Final = 2_000


async def write_letter(
    gate: Gate, principal: Principal, delivery_id: UUID, *, face: LetterFace, reveals: bool, reason: str
) -> Letter:
    """The letter about a correction, or a retraction, that a system does not take.

    Args:
        gate: the running gate.
        principal: who asks.
        delivery_id: of the delivery that is parked for it.
        face: how the deployment shows itself.
        reveals: whether values are shown; noted in the audit before they are.
        reason: why they are; not asked of the source that posted the case.

    Raises:
        NotFound: no such delivery in scope. Conflict: it is not parked for that.
        Forbidden, ReasonMissing: values are not shown to this principal, or not without a reason.
    """

    def step(tx: Tx) -> Letter:
        delivery, case = find_delivery(tx, principal, delivery_id)
        if delivery.phase is not Phase.PARKED or delivery.reason not in WRITTEN_FOR:
            raise Conflict("expected a delivery parked because its system takes no change, got another")
        if reveals:
            _require(principal, case, reason)
            thing = f"delivery:{delivery_id}"
            tx.append_audit(
                AuditEntry(at=tx.now, actor=principal.name, action="letter_revealed", object=thing, reason=reason)
            )
        return _letter(gate, tx, delivery, case, face, is_masked=not reveals)

    return await gate.writer.write(step) if reveals else await gate.writer.read(step)


def _require(principal: Principal, case: Case, reason: str) -> None:
    if sees_open(principal, case):
        return
    if principal.role == "source" or (principal.role != LOCAL and not may(principal, Action.READ_CONTENT)):
        raise Forbidden("expected a key that may read content, got one that may not")
    if not reason:
        raise ReasonMissing("expected X-Reason to say why values are shown, got none")


def _letter(gate: Gate, tx: Tx, delivery: Delivery, case: Case, face: LetterFace, *, is_masked: bool) -> Letter:
    of_lane = tx.deliveries(case.case_id, delivery.system)
    held = _held(delivery, of_lane)
    bundle = gate.active_bundle(delivery.system)
    maker = Maker(gate, tx, delivery.system)
    before = None if held is None else maker.made(held)
    is_retraction = delivery.change is Change.RETRACT
    after = None if is_retraction else maker.made(delivery, bundle=bundle)
    spec = bundle.specs.get(delivery.message)
    titles = {} if spec is None else _titles(spec.contract.document)
    is_known = before is not None and (is_retraction or after is not None)
    lines = _lines(before and before.payload, after and after.payload, titles, hides=is_masked) if is_known else ()
    lane = tx.lane(case.case_id, delivery.system)
    return Letter(
        number=f"{case.case_no}-{delivery.delivery_id.hex[-8:]}",
        face=face,
        is_retraction=is_retraction,
        system=delivery.system,
        system_title=dict(bundle.title),
        case_no=case.case_no,
        item=case.item,
        case_ref=None if lane is None else lane.case_ref,
        remote_ref=held.remote_ref if held is not None else delivery.remote_ref,
        message=str(spec.contract.document.get("title", delivery.message)) if spec is not None else delivery.message,
        revision=delivery.revision,
        delivered_at=None if held is None else held.delivered_at,
        made_at=tx.now,
        lines=tuple(lines),
        is_masked=is_masked,
        is_known=is_known,
    )


def _held(delivery: Delivery, of_lane: Sequence[Delivery]) -> Delivery | None:
    """What the system holds in the delivery's slot."""
    slot = [d for d in of_lane if (d.message, d.part) == (delivery.message, delivery.part)]
    return next((d for d in reversed(slot) if d.phase is Phase.DELIVERED and d.change is not Change.RETRACT), None)


def _titles(schema: Mapping[str, Any], at: str = "") -> dict[str, str]:
    """The titles of a contract's fields, by their place."""
    found: dict[str, str] = {}
    for name, field in schema.get("properties", {}).items():
        if not isinstance(field, Mapping):
            continue
        place = f"{at}/{name}"
        if "title" in field:
            found[place] = str(field["title"])
        found |= _titles(field, place)
    return found


def _lines(before: Json, after: Json, titles: Mapping[str, str], *, hides: bool) -> Iterator[LetterLine]:
    """What differs between two payloads, field by field."""
    held, right = dict(_leaves(before)), dict(_leaves(after))
    for place in dict.fromkeys([*held, *right]):
        if held.get(place) == right.get(place):
            continue
        yield LetterLine(
            place=place.removeprefix("/"),
            title=titles.get(place, ""),
            held=_shown(held.get(place), hides=hides),
            right=_shown(right.get(place), hides=hides),
        )


def _leaves(value: Json, at: str = "") -> Iterator[tuple[str, Json]]:
    if isinstance(value, Mapping) and value:
        for name, below in value.items():
            yield from _leaves(below, f"{at}/{name}")
    elif value is not None:
        yield at, value


def _shown(value: Json, *, hides: bool) -> str | None:
    if value is None:
        return None
    if hides:
        return HIDDEN
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


async def prove(gate: Gate, principal: Principal, ref: CaseRef, *, face: LetterFace) -> Proof:
    """When a case came, and when each system was sent what of it and answered what. Raises NotFound."""

    def step(tx: Tx) -> Proof:
        case = find_case(tx, principal, ref)
        lanes = [lane for lane in tx.lanes(case.case_id) if sees_system(principal, lane.system)]
        submissions = [one for one in tx.list_submissions(case.case_id) if one.is_change]
        systems = [
            SubmittedTo(
                system=lane.system,
                title=dict(gate.active_bundle(lane.system).title) if lane.system in gate.active else {},
                case_ref=lane.case_ref,
                records=records,
            )
            for lane in lanes
            if (records := tuple(_records(tx, tx.deliveries(case.case_id, lane.system))))
        ]
        return Proof(
            face=face,
            case_id=case.case_id,
            case_no=case.case_no,
            origin=case.origin,
            item=case.item,
            made_at=tx.now,
            received=tuple((one.revision, one.source, one.received_at) for one in submissions),
            systems=tuple(systems),
        )

    return await gate.writer.read(step)


def _records(tx: Tx, deliveries: Sequence[Delivery]) -> Iterator[SubmittedRecord]:
    for delivery in deliveries:
        sendings = tuple(_sending(one) for one in tx.attempts(delivery.delivery_id) if _is_told(one))
        if sendings:
            yield SubmittedRecord(
                delivery_id=delivery.delivery_id,
                message=delivery.message,
                part=delivery.part,
                phase=delivery.phase.value,
                remote_ref=delivery.remote_ref,
                delivered_at=delivery.delivered_at,
                sendings=sendings,
            )


def _is_told(attempt: Attempt) -> bool:
    return attempt.kind in (AttemptKind.SEND, AttemptKind.CONFIRM, AttemptKind.POLL, AttemptKind.BY_HAND)


def _sending(attempt: Attempt) -> Sending:
    return Sending(
        kind=attempt.kind.value,
        outcome=attempt.outcome,
        started_at=attempt.started_at,
        ended_at=attempt.ended_at,
        revision=attempt.revision,
        digest="" if attempt.sent_blob is None else attempt.sent_blob.hex(),
    )
