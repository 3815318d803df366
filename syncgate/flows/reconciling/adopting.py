"""Adopting: what was typed at a system by hand is linked to the case that it is about, instead of being made again.

A link is a delivery that begins as delivered: nothing was sent, and what waited for the slot never is. Where the
record says something else than the case, a discrepancy says so; nothing is overwritten without being asked. Where it
cannot be told which record is meant, a person decides.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import orjson

from syncgate.domain import ids
from syncgate.domain.delivery import Beginning, Event, begin
from syncgate.domain.plan import Json, Planned, part_of
from syncgate.domain.reconciliation.comparison import FieldDifference
from syncgate.domain.reconciliation.kinds import Action, Kind
from syncgate.domain.reconciliation.run import id_of
from syncgate.domain.row import replace
from syncgate.domain.rows import AttemptKind, AuditEntry, Blob, Delivery, Discrepancy
from syncgate.flows.delivering.held import content_mac
from syncgate.flows.delivering.own_number import is_numbering, wake
from syncgate.flows.delivering.work import keys_of
from syncgate.flows.gate import Gate
from syncgate.flows.lane import noted
from syncgate.flows.operating.following import write_following
from syncgate.flows.reconciling.findings import Match
from syncgate.flows.reconciling.mending import Require
from syncgate.flows.reconciling.one_slot import LaneNow, lane_now
from syncgate.flows.reconciling.taking_over import payload_of
from syncgate.flows.replan import after_the_slots_newest
from syncgate.ports import Tx
from syncgate.site.readback import ReadListing

ADOPTED: Final = "adopted"
"""The slot is linked to the record."""
AMBIGUOUS: Final = "ambiguous_match"
"""Why a person must tell: it is not certain which record is meant, or it is another case's by its number."""
_MOVED_ON: Final = "moved"


async def adopt(
    gate: Gate, system: str, run_slot: str, matches: Sequence[Match], *, by: str, require: Require | None = None
) -> Mapping[str, int]:
    """Links slots of which nothing was sent to the records that were typed there by hand.

    Doing it again links what is left, and nothing twice.

    Args:
        gate: the running gate.
        system: whose slots and records they are.
        run_slot: the run that matched them.
        matches: what it matched.
        by: who began the run.
        require: called first in every transaction; what it raises ends the adopting.

    Returns:
        How many were `adopted`, and how many `ask` for a person; what has moved on meanwhile is in neither.
    """
    told: Counter[str] = Counter()
    for match in matches:
        step = partial(_step, gate, system, run_slot, match, by, require)
        what, due = await asyncio.shield(write_following(gate, step))
        gate.on_due(due)
        told[what] += 1
    told.pop(_MOVED_ON, None)
    return dict(told)


def _step(
    gate: Gate, system: str, run_slot: str, match: Match, by: str, require: Require | None, tx: Tx
) -> tuple[str, frozenset[str]]:
    if require is not None:
        require(tx)
    lane = lane_now(gate, tx, match.case_id, system)
    waiting = _waiting(lane, match) if lane is not None else None
    if lane is None or waiting is None:
        return _MOVED_ON, frozenset()
    if len(match.records) != 1 or match.others or _is_anothers(lane, match):
        _keep(lane, waiting, match, run_slot, kind=Kind.DUPLICATE, differing=(), why=AMBIGUOUS)
        return Action.ASK.value, frozenset()
    differing = _differing(lane, waiting, match)
    lane.work.move(waiting, Event.SUPERSEDED)
    linked = _linked(lane, waiting, match, by=by, run=id_of(system, run_slot))
    if differing:
        _keep(lane, linked, match, run_slot, kind=Kind.EDITED_THERE, differing=differing)
    woken = wake(tx, linked)
    if system in woken:
        lane.work.lane = replace(lane.work.lane, waits_for=None)
    lane.replan()
    lane.save()
    return ADOPTED, woken | {system}


def _waiting(lane: LaneNow, match: Match) -> Delivery | None:
    """What waits for the slot, where nothing of it was ever sent and nothing is known to be there."""
    slot = lane.slot((match.message, match.part))
    waiting = slot.waiting
    if waiting is None or slot.delivered is not None or slot.maybe_sent is not None:
        return None
    return waiting if waiting.is_never_sent and waiting.delivery_id == match.delivery_id else None


def _is_anothers(lane: LaneNow, match: Match) -> bool:
    """Whether the record's number is known as another case's, or the case has another one there."""
    number = match.remote_refs[0]
    if number is None or not is_numbering(lane.bundle, match.message):
        return False
    known = lane.tx.case_id_by_ref(lane.work.lane.system, number)
    return known not in (None, match.case_id) or lane.work.lane.case_ref not in (None, number)


def _listing(lane: LaneNow, match: Match) -> ReadListing | None:
    readback = lane.bundle.readback
    return None if readback is None else readback.listing_of(match.message)


def _differing(lane: LaneNow, waiting: Delivery, match: Match) -> Sequence[FieldDifference]:
    """What the record says otherwise than the case; that nobody typed our own reference there says nothing."""
    listing = _listing(lane, match)
    comparison = None if listing is None else listing.comparisons.get(match.message)
    payload = payload_of(lane, waiting, lane.document)
    if listing is None or comparison is None or payload is None:
        return ()
    row = lane.work.lane
    keys = keys_of(waiting, lane.case, case_ref=row.case_ref, held_ref=None)
    ours = set((listing.key_of_ours(keys, payload) or "").split("|"))
    found = comparison.differences(payload, match.records[0])
    return [one for one in found if not (one.actual in (None, "") and str(one.expected) in ours)]


def _linked(lane: LaneNow, waiting: Delivery, match: Match, *, by: str, run: str) -> Delivery:
    """The link: a row that counts as holding what is planned, under the record's number."""
    tx, number = lane.tx, match.remote_refs[0]
    slot = Planned(
        message=waiting.message, part=waiting.part, part_no=waiting.part_no, input_mac=_mac_now(lane, waiting)
    )
    at = after_the_slots_newest(lane.work, slot)
    row = Delivery(
        delivery_id=ids.uuid7(tx.now, lane.gate.entropy.token(10)),
        case_id=match.case_id,
        system=waiting.system,
        message=slot.message,
        part=slot.part,
        part_no=slot.part_no,
        revision=lane.case.revision,
        phase=begin(Beginning.ADOPTED),
        input_mac=slot.input_mac,
        bundle=lane.bundle.digest,
        remote_ref=number,
        reason=Beginning.ADOPTED.value,
        created_at=at,
        changed_at=at,
        delivered_at=tx.now,
    )
    counted, attempt = noted(
        replace(row, sent_mac=content_mac(row)),
        kind=AttemptKind.SYSTEM,
        outcome=Beginning.ADOPTED.value,
        actor=by,
        at=tx.now,
        detail={"run": run},
    )
    lane.work.add(counted)
    tx.insert_attempts([attempt])
    if number is not None and lane.work.lane.case_ref is None and is_numbering(lane.bundle, match.message):
        lane.work.lane = replace(lane.work.lane, case_ref=number)
    thing = f"delivery:{row.delivery_id}"
    tx.append_audit(AuditEntry(at=tx.now, actor=by, action="adopt", object=thing, detail={"run": run}))
    return counted


def _mac_now(lane: LaneNow, waiting: Delivery) -> bytes:
    """What is planned for the slot, its digest taken as the active bundle takes it."""
    message = lane.bundle.message(waiting.message)
    return message.inputs(lane.document, part_of(lane.document, message.of, waiting.part))


def _keep(
    lane: LaneNow,
    delivery: Delivery,
    match: Match,
    run_slot: str,
    *,
    kind: Kind,
    differing: Sequence[FieldDifference],
    why: str = "",
) -> None:
    """Keeps what a person has to decide, once."""
    tx, subject = lane.tx, f"{match.case_id}:{match.part}"
    others = tx.open_discrepancies(delivery.system, match.message, subject)
    if any(row.kind == kind.value for row in others):
        return
    listing = _listing(lane, match)
    fields = [{"name": one.name, "owner": one.owner, "like": one.like} for one in differing]
    detail: dict[str, Any] = {
        "listing": "" if listing is None else listing.name,
        "level": "" if listing is None else listing.level.value,
        "delivery_id": str(delivery.delivery_id),
        "revision": lane.case.revision,
        "bundle": lane.bundle.digest,
        "records": len(match.records),
        "remote_ref": match.remote_refs[0] if len(match.records) == 1 else None,
        "fields": fields,
        "why": why or None,
    }
    tx.insert_discrepancy(
        Discrepancy(
            discrepancy_id=ids.uuid7(tx.now, lane.gate.entropy.token(10)),
            system=delivery.system,
            message=match.message,
            subject=subject,
            kind=kind.value,
            case_id=match.case_id,
            part=match.part,
            run_slot=run_slot,
            action=Action.ASK.value,
            found_at=tx.now,
            seen_at=tx.now,
            observed_mac=_sealed(lane, match, differing),
            detail={name: value for name, value in detail.items() if value is not None},
        )
    )


def _sealed(lane: LaneNow, match: Match, differing: Sequence[FieldDifference]) -> bytes:
    """Seals what was seen among the case's blobs, and gives its digest."""
    record: Json = match.records[0] if len(match.records) == 1 else list(match.records)
    seen = {
        "expected": {one.name: one.expected for one in differing},
        "actual": {one.name: one.actual for one in differing},
        "record": record,
    }
    content, case = orjson.dumps(seen, option=orjson.OPT_SORT_KEYS), lane.case
    mac = lane.gate.keyring.mac("blob", case.case_id.bytes, content)
    place = f"blob:{case.case_id}:{mac.hex()}"
    sealed = lane.gate.keyring.seal(case.wrapped_key, content, bound_to=place)
    lane.tx.put_blobs([Blob(scope=str(case.case_id), mac=mac, sealed=sealed, created_at=lane.tx.now)])
    return mac
