"""Taking over what a system's own people typed there: a new revision of the case by that system, which is not echoed.

It is done only where it is certain what the record says of the case. Its inbound mapping is applied twice: to the
record as it is, and to the record as it would be had nobody changed the differing fields. What differs between the two
is what those fields explain, and nothing else of the case is touched. Mapped outward again, the case must then give
what the record shows in every compared field. Otherwise a person decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson

from syncgate.domain.case import patched
from syncgate.domain.delivery import Phase
from syncgate.domain.errors import Conflict, InvalidCase, NotOwned, StaleRevision
from syncgate.domain.head import Task
from syncgate.domain.plan import Json
from syncgate.domain.reconciliation.comparison import Comparison, FieldDifference
from syncgate.domain.reconciliation.kinds import Action
from syncgate.domain.reconciliation.patches import ABSENT, patch_between, with_value
from syncgate.domain.row import replace
from syncgate.domain.rows import Delivery, Principal
from syncgate.flows.accepting.holding import TakenOver
from syncgate.flows.accepting.submission import Call, Taking, sealed_document
from syncgate.flows.delivering.held import references
from syncgate.flows.delivering.mapping import mapped
from syncgate.flows.delivering.work import Marks, Payload, Work, keys_of
from syncgate.flows.gate import Caller
from syncgate.flows.reconciling.closing import ACCEPTED, closed
from syncgate.flows.reconciling.marks import marks_of
from syncgate.flows.reconciling.one_slot import MOVED_ON, Done, LaneNow, SlotNow
from syncgate.flows.reconciling.recording import observation
from syncgate.mapping import Context, Inputs, Mapped
from syncgate.mapping import Mapping as FieldMapping

NOT_REVERSIBLE: Final = "not_reversible"
"""Why a person must tell: what the record says of the case is not certain."""
NOT_A_VALID_CASE: Final = "not_a_valid_case"
"""Why a person must tell: the case may not be changed so."""
NOT_OWNED: Final = "not_owned"
"""Why a person must tell: another source's word counts for what the record says otherwise."""
_NOT_THEIRS: Final = frozenset({"references", "source_version", "kind", "case_no"})
"""What a record says nothing of, whatever its mapping makes of it."""


@dataclass(frozen=True, slots=True)
class _Record:
    """A record with what reads it."""

    shown: Json
    inbound: FieldMapping
    comparison: Comparison


def take_over(now: SlotNow) -> Done:
    """Makes the record's differing values a revision of the case by that system; other systems get it as any other."""
    if not now.is_still_newest:
        return MOVED_ON
    record = _record(now)
    if record is None:
        return Done(why=NOT_REVERSIBLE)
    differing = record.comparison.differences(payload_of(now.lane, now.judged, now.lane.document) or {}, record.shown)
    if not differing:
        return MOVED_ON
    document = _document(now, record, differing)
    if document is None:
        return Done(why=NOT_REVERSIBLE)
    try:
        return _revised(now, document)
    except NotOwned:
        return Done(why=NOT_OWNED)
    except (InvalidCase, Conflict, StaleRevision):
        return Done(why=NOT_A_VALID_CASE)


def _record(now: SlotNow) -> _Record | None:
    readback, name = now.lane.bundle.readback, now.row.message
    listing = None if readback is None else readback.listing_of(name)
    seen = observation(now.lane.gate, now.tx, now.row)
    if listing is None or seen is None or name not in listing.accept or name not in listing.comparisons:
        return None
    if not isinstance(seen.record, Mapping):
        return None
    return _Record(seen.record, listing.accept[name], listing.comparisons[name])


def _document(now: SlotNow, record: _Record, differing: Iterable[FieldDifference]) -> Json | None:
    """The case as the record says that it is; None where that is not certain."""
    places = {one.name: one.at for one in record.comparison.fields}
    payload = payload_of(now.lane, now.judged, now.lane.document)
    untouched = record.shown
    for one in differing:
        value = (payload or {}).get(one.name, ABSENT)
        untouched = with_value(untouched, places[one.name], value)
    said, said_before = _inward(record.inbound, record.shown), _inward(record.inbound, untouched)
    if said is None or said_before is None:
        return None
    patch = patch_between(said_before, said)
    if not patch or _NOT_THEIRS & patch.keys():
        return None
    try:
        document = patched(now.lane.document, patch)
    except (Conflict, StaleRevision):
        return None
    outward = payload_of(now.lane, now.judged, document)
    is_back = outward is not None and not record.comparison.differences(outward, record.shown)
    return document if is_back else None


def _inward(inbound: FieldMapping, record: Json) -> dict[str, Json] | None:
    made = inbound.apply(Inputs(case=record, part=record, context=Context()))
    return made.payload if isinstance(made, Mapped) and isinstance(made.payload, dict) else None


def payload_of(lane: LaneNow, delivery: Delivery, document: Json) -> dict[str, Json] | None:
    """What the active bundle makes of a document in a delivery's slot; None where it makes nothing."""
    tx, gate = lane.tx, lane.gate
    submission = tx.revision(lane.case.case_id, lane.case.revision)
    if submission is None or lane.bundle.payload_of(delivery) is None:
        return None
    sealed = sealed_document(gate, lane.case.case_id, lane.case.wrapped_key, document)
    work = Work(
        lane=lane.work.lane,
        delivery=delivery,
        task=Task.SEND,
        case=lane.case,
        submission=replace(submission, sealed_document=sealed),
        refs=references(tx, lane.case.case_id),
        claimed_at=tx.now,
        taken_at=tx.now,
    )
    made = mapped(gate, work, work.delivery, work.submission, lane.bundle, sent_at=tx.now)
    return made.value if isinstance(made, Payload) and isinstance(made.value, dict) else None


def _revised(now: SlotNow, document: Json) -> Done:
    """The next revision by the system, with its own slot held as it is there; the discrepancy ends with it."""
    tx, row, mender = now.tx, now.row, now.mender
    before = {one.delivery_id: one for one in tx.deliveries(now.lane.case.case_id)}
    taking = Taking(now.lane.gate, tx, _caller(now), _call(now))
    held = TakenOver(now.judged, seen_mac=row.observed_mac, run=mender.run, marks=_marks(now, document))
    done = taking.take_over(now.lane.case, now.lane.document, document, held)
    closed(tx, row, how=ACCEPTED, by=mender.by, action=Action.ACCEPT.value, detail=_told(now, done.accepted.revision))
    mender.audit(tx, row, Action.ACCEPT)
    after = tx.deliveries(now.lane.case.case_id)
    sends = [
        one for one in after if one.phase in (Phase.PENDING, Phase.IN_FLIGHT) and before.get(one.delivery_id) != one
    ]
    return Done(
        action=Action.ACCEPT,
        sends=len(sends),
        due=done.systems_due | {row.system},
        handed_over=done.handed_over,
    )


def _marks(now: SlotNow, document: Json) -> Marks | None:
    """What the record is known by from now on: its reference is the same, its content what the case says now."""
    lane, judged = now.lane, now.judged
    keys = keys_of(judged, lane.case, case_ref=lane.work.lane.case_ref, held_ref=judged.remote_ref)
    payload = payload_of(now.lane, now.judged, document)
    under = replace(judged, bundle=lane.bundle.digest)
    return marks_of(lane.gate.keyring, lane.bundle, under, keys=lambda: keys, payload=payload)


def _told(now: SlotNow, revision: int) -> dict[str, Any]:
    return {**now.row.detail, "accepted_as": revision, "mended_in": now.mender.run}


def _caller(now: SlotNow) -> Caller:
    """The system, for which whoever mends speaks."""
    principal = Principal(
        principal_id=UUID(int=0),
        name=now.mender.by,
        role="source",
        sources=(now.row.system,),
        key_hash=b"",
        key_hint="",
        created_at=now.tx.now,
    )
    return Caller(principal=principal, source=now.row.system)


def _call(now: SlotNow) -> Call:
    path = f"/v1/discrepancies/{now.row.discrepancy_id}/repair"
    body = orjson.dumps({"action": Action.ACCEPT.value, "discrepancy": str(now.row.discrepancy_id)})
    mac = now.lane.gate.keyring.mac("request", path.encode(), body)
    return Call(method="POST", path=path, idempotency_key=None, if_match=None, request_mac=mac, by=now.mender.by)
