"""What can be read: cases, where they stand, deliveries with their evidence. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

import orjson

from syncgate.domain.delivery import MAYBE_SENT, WAITING, Phase
from syncgate.domain.material import material_ids
from syncgate.domain.replan import is_of_its_own
from syncgate.domain.rows import Attempt, Case, Change, Delivery, Lane, Principal
from syncgate.flows.documents import open_document
from syncgate.flows.files import kept_file
from syncgate.flows.gate import CaseRef, Gate
from syncgate.flows.merged import merged_names
from syncgate.flows.replan import takes_back_in
from syncgate.flows.showing.closed import SHOWN_ONLY, as_shown
from syncgate.flows.showing.scope import (
    find_case,
    find_delivery,
    is_unbounded,
    narrowed,
    narrowed_prefixes,
    sees_case,
    sees_delivery,
    sees_open,
    sees_system,
)
from syncgate.flows.showing.shape import shape_of
from syncgate.flows.showing.views import (
    AttemptView,
    CasePage,
    CaseSummary,
    CaseView,
    DeliveryDetail,
    DeliveryPage,
    DeliveryView,
    EvidenceView,
    Held,
    Holding,
    MaterialView,
    Open,
    Passport,
    RevisionView,
    SlotView,
)
from syncgate.ports import CaseFilter, DeliveryFilter, Tx

Json = Any
_SCANS_AT_MOST: Final = 20
"""Pages of the store that one page of a scoped principal may look through; its cursor goes on from there."""
_IN_SLOT_ORDER: Final = WAITING | MAYBE_SENT


async def read_case(gate: Gate, principal: Principal, ref: CaseRef) -> CaseView:
    """One case, masked for all but the source that posted it. Raises NotFound."""

    def step(tx: Tx) -> CaseView:
        case = find_case(tx, principal, ref)
        document = open_document(gate, tx, case) if case.wrapped_key else None
        is_masked = not sees_open(principal, case)
        shown = gate.schema.mask(document) if is_masked else document
        materials = () if document is None else tuple(_materials(gate, tx, case, document))
        return CaseView(case=CaseSummary.of(case), is_masked=is_masked, document=shown, materials=materials)

    return await gate.writer.read(step)


def _materials(gate: Gate, tx: Tx, case: Case, document: Json) -> Iterator[MaterialView]:
    stored = {material.material: material for material in tx.materials(case.case_id)}
    for material in material_ids(document):
        if material not in stored:
            yield MaterialView(material=material, is_stored=False)
            continue
        facts = kept_file(gate, case, stored[material]).facts
        yield MaterialView(
            material=material,
            is_stored=True,
            size=facts.size,
            sha256=facts.sha256,
            media_type=facts.media_type,
            stored_at=stored[material].stored_at,
        )


async def case_id_of(gate: Gate, principal: Principal, ref: CaseRef) -> UUID:
    """Our id of the case that a name means. Raises NotFound."""
    return await gate.writer.read(lambda tx: find_case(tx, principal, ref).case_id)


async def read_revisions(gate: Gate, principal: Principal, ref: CaseRef) -> tuple[RevisionView, ...]:
    """Every accepted submission of a case, the oldest first. Raises NotFound."""

    def step(tx: Tx) -> tuple[RevisionView, ...]:
        case = find_case(tx, principal, ref)
        return tuple(
            RevisionView(**{name: getattr(submission, name) for name in RevisionView.__slots__})
            for submission in tx.list_submissions(case.case_id)
        )

    return await gate.writer.read(step)


async def read_passport(gate: Gate, principal: Principal, ref: CaseRef) -> Passport:
    """What each system holds of a case, and what it waits for. Raises NotFound."""

    def step(tx: Tx) -> Passport:
        case = find_case(tx, principal, ref)
        deliveries = as_shown(gate, tx, tx.deliveries(case.case_id))
        holdings = (
            _holding(gate, case, lane, [d for d in deliveries if d.system == lane.system])
            for lane in tx.lanes(case.case_id)
            if sees_system(principal, lane.system)
        )
        merged = tuple(CaseSummary.of(one) for one in merged_names(tx, case))
        return Passport(case=CaseSummary.of(case), systems=tuple(holdings), merged=merged)

    return await gate.writer.read(step)


async def list_cases(
    gate: Gate, principal: Principal, where: CaseFilter, *, after: UUID | None = None, limit: int = 50
) -> CasePage:
    """Cases in scope, newest first. after: the last one of the page before."""
    scoped = replace(
        where,
        origins=narrowed(where.origins, principal.sources),
        regions=narrowed_prefixes(where.regions, principal.regions),
    )
    if scoped.origins == () or scoped.regions == ():
        return CasePage(cases=(), next=None)

    def step(tx: Tx) -> CasePage:
        seen: list[Case] = []
        cursor: UUID | None = after
        for _ in range(_SCANS_AT_MOST):
            found = tx.list_cases(scoped, after=cursor, limit=limit)
            for case in found:
                cursor = case.case_id
                if not principal.systems or sees_case(principal, case, tx.lanes(case.case_id)):
                    seen.append(case)
                if len(seen) == limit:
                    return _case_page(seen, cursor)
            if len(found) < limit:
                return _case_page(seen, None)
        return _case_page(seen, cursor)

    return await gate.writer.read(step)


def _case_page(cases: Iterable[Case], cursor: UUID | None) -> CasePage:
    return CasePage(cases=tuple(map(CaseSummary.of, cases)), next=str(cursor) if cursor else None)


async def list_deliveries(
    gate: Gate, principal: Principal, where: DeliveryFilter, *, after: UUID | None = None, limit: int = 50
) -> DeliveryPage:
    """Deliveries in scope, newest first. after: the last one of the page before."""
    scoped = replace(where, systems=narrowed(where.systems, principal.systems))
    if scoped.systems == ():
        return DeliveryPage(deliveries=(), next=None)
    stored = _as_stored(scoped)

    def step(tx: Tx) -> DeliveryPage:
        seen: list[Delivery] = []
        cursor: UUID | None = after
        for _ in range(_SCANS_AT_MOST):
            found = tx.list_deliveries(stored, after=cursor, limit=limit)
            for delivery in as_shown(gate, tx, list(_seen(tx, principal, found))):
                if scoped.reasons is not None and delivery.reason not in scoped.reasons:
                    continue
                seen.append(delivery)
                if len(seen) == limit:
                    return _delivery_page(seen, delivery.delivery_id)
            if len(found) < limit:
                return _delivery_page(seen, None)
            cursor = found[-1].delivery_id
        return _delivery_page(seen, cursor)

    return await gate.writer.read(step)


def _as_stored(where: DeliveryFilter) -> DeliveryFilter:
    """What to ask the store for: it does not keep every reason that is shown."""
    if where.reasons is None or not SHOWN_ONLY & set(where.reasons):
        return where
    if set(where.reasons) <= SHOWN_ONLY:
        phases = tuple(phase for phase in where.phases or Phase if phase is Phase.PENDING)
        return replace(where, reasons=None, phases=phases)
    return replace(where, reasons=None)


def _seen(tx: Tx, principal: Principal, found: Sequence[Delivery]) -> Iterator[Delivery]:
    if is_unbounded(principal):
        yield from found
        return
    cases = tx.cases({delivery.case_id for delivery in found})
    for delivery in found:
        case = cases.get(delivery.case_id)
        if case is not None and sees_delivery(tx, principal, delivery, case):
            yield delivery


def _delivery_page(deliveries: Iterable[Delivery], cursor: UUID | None) -> DeliveryPage:
    return DeliveryPage(deliveries=tuple(map(DeliveryView.of, deliveries)), next=str(cursor) if cursor else None)


async def read_delivery(gate: Gate, principal: Principal, delivery_id: UUID) -> DeliveryDetail:
    """One delivery with every attempt and its evidence. Raises NotFound."""

    def step(tx: Tx) -> DeliveryDetail:
        delivery, case = find_delivery(tx, principal, delivery_id)
        (shown,) = as_shown(gate, tx, [delivery])
        return DeliveryDetail(
            delivery=DeliveryView.of(shown),
            case=CaseSummary.of(case),
            attempts=tuple(_attempt(gate, tx, case, attempt) for attempt in tx.attempts(delivery_id)),
        )

    return await gate.writer.read(step)


async def require_delivery(gate: Gate, principal: Principal, delivery_id: UUID) -> None:
    """Raises NotFound where the delivery is not in scope."""
    await gate.writer.read(lambda tx: find_delivery(tx, principal, delivery_id))


def _holding(gate: Gate, case: Case, lane: Lane, deliveries: Iterable[Delivery]) -> Holding:
    by_slot: dict[tuple[str, str], list[Delivery]] = {}
    standing_in: dict[tuple[str, str], list[Delivery]] = {}
    takes_back = takes_back_in(gate, gate.active_bundle(lane.system)) if lane.system in gate.active else None
    for delivery in deliveries:
        by_slot.setdefault((delivery.message, delivery.part), []).append(delivery)
        names = takes_back(delivery) if takes_back is not None else frozenset()
        for slot in by_slot:
            if slot[0] in names or slot == (delivery.message, delivery.part):
                standing_in.setdefault(slot, []).append(delivery)
    return Holding(
        system=lane.system,
        title=_title(gate, lane.system),
        is_origin=lane.system == case.origin,
        case_ref=lane.case_ref,
        verified_at=lane.verified_at,
        waits_for=lane.waits_for,
        slots=tuple(_slot(slot, of_slot, standing_in[slot]) for slot, of_slot in by_slot.items()),
    )


def _slot(slot: tuple[str, str], deliveries: Sequence[Delivery], standing_in: Sequence[Delivery]) -> SlotView:
    """One slot. What was taken back, by a delivery of ours or by the system itself, it holds no more.

    standing_in: its deliveries, and the retractions of the case that took it back too.
    """
    delivered = [delivery for delivery in standing_in if delivery.phase is Phase.DELIVERED]
    held = delivered if delivered and delivered[-1].change is not Change.RETRACT else []
    return SlotView(
        message=slot[0],
        part=slot[1],
        part_no=deliveries[0].part_no,
        holds=_held(held[-1]) if held else None,
        opens=tuple(_open(delivery) for delivery in deliveries if delivery.phase in _IN_SLOT_ORDER),
    )


def _held(delivery: Delivery) -> Held:
    return Held(
        delivery_id=delivery.delivery_id,
        revision=delivery.revision,
        since=delivery.delivered_at,
        remote_ref=delivery.remote_ref,
        version_no=delivery.version_no,
        reason=delivery.reason if is_of_its_own(delivery) else None,
    )


def _open(delivery: Delivery) -> Open:
    return Open(**{name: getattr(delivery, name) for name in Open.__slots__})


def _attempt(gate: Gate, tx: Tx, case: Case, attempt: Attempt) -> AttemptView:
    return AttemptView(
        entry_no=attempt.entry_no,
        kind=attempt.kind,
        outcome=attempt.outcome,
        actor=attempt.actor,
        revision=attempt.revision,
        bundle=attempt.bundle,
        started_at=attempt.started_at,
        ended_at=attempt.ended_at,
        detail=attempt.detail,
        sent=_evidence(gate, tx, case, attempt.sent_blob, is_ours=True),
        received=_evidence(gate, tx, case, attempt.received_blob, is_ours=False),
    )


def _evidence(gate: Gate, tx: Tx, case: Case, mac: bytes | None, *, is_ours: bool) -> EvidenceView | None:
    """Size and digest; of what we sent the shape too: its keys are our mapping's, not a citizen's words."""
    if mac is None:
        return None
    scope = str(case.case_id)
    blob = tx.blob(scope, mac)
    if blob is None or not case.wrapped_key:
        return EvidenceView(digest=mac.hex(), size=None)
    plain = gate.keyring.open(case.wrapped_key, blob.sealed, bound_to=f"blob:{scope}:{mac.hex()}")
    return EvidenceView(digest=mac.hex(), size=len(plain), masked=_shape(plain) if is_ours else None)


def _shape(plain: bytes) -> Json:
    try:
        return shape_of(orjson.loads(plain))
    except orjson.JSONDecodeError:
        return None


def _title(gate: Gate, system: str) -> dict[str, str]:
    return dict(gate.active_bundle(system).title) if system in gate.active else {}
