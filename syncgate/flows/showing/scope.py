"""What a principal may see: its sources', systems' and regions' share, and nothing else exists for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from syncgate.domain.errors import NotFound
from syncgate.domain.reconciliation.kinds import SourceKind
from syncgate.domain.rows import Case, Delivery, Discrepancy, Lane, Principal
from syncgate.flows.gate import CaseRef
from syncgate.flows.merged import surviving
from syncgate.ports import Tx

_OF_SOURCES: Final = frozenset(kind.value for kind in SourceKind)


def sees_case(principal: Principal, case: Case, lanes: Iterable[Lane]) -> bool:
    """Whether a case is in scope: posted by its sources, in its regions, meant for its systems."""
    if principal.regions and not case.region.startswith(principal.regions):
        return False
    if not principal.sources and not principal.systems:
        return True
    lanes = list(lanes)
    posted_by = {case.origin, *(lane.system for lane in lanes if lane.case_ref is not None)}
    is_posted = not principal.sources or not posted_by.isdisjoint(principal.sources)
    is_meant = not principal.systems or any(lane.system in principal.systems for lane in lanes)
    return is_posted and is_meant


def sees_system(principal: Principal, system: str) -> bool:
    """Whether what a system holds is in scope."""
    return not principal.systems or system in principal.systems


def is_of_seen_source(principal: Principal, found: Discrepancy) -> bool:
    """Whether a difference from a source's own listing is that source's, for whom a scope is."""
    return found.kind in _OF_SOURCES and found.system in principal.sources and not principal.regions


def sees_open(principal: Principal, case: Case) -> bool:
    """Whether a case is shown unmasked: to the source that posted it, which knows it anyway."""
    return principal.role == "source" and case.origin in principal.sources


def is_unbounded(principal: Principal) -> bool:
    """Whether nothing is out of a principal's scope."""
    return not (principal.sources or principal.systems or principal.regions)


def find_case(tx: Tx, principal: Principal, ref: CaseRef, *, by_parts: bool = True) -> Case:
    """The case that a path names, or that it was merged into. Raises NotFound where there is none in scope.

    by_parts: whether a system's number may also be that of one part of the case, such as an organisation's turn.
    """
    case_id = ref.case_id
    if case_id is None and ref.system is not None and ref.number is not None:
        case_id = tx.case_id_by_ref(ref.system, ref.number)
        if case_id is None and by_parts:
            case_id = tx.case_id_by_part_ref(ref.system, ref.number)
    named = tx.case(case_id) if case_id is not None else None
    case = None if named is None else surviving(tx, named)
    if case is None or not _sees(tx, principal, case):
        raise NotFound("expected a case that is known here, got none of that name")
    return case


def find_delivery(tx: Tx, principal: Principal, delivery_id: UUID) -> tuple[Delivery, Case]:
    """The delivery with its case. Raises NotFound where there is none in scope."""
    delivery = tx.delivery(delivery_id)
    case = tx.case(delivery.case_id) if delivery is not None else None
    if delivery is None or case is None or not sees_delivery(tx, principal, delivery, case):
        raise NotFound("expected a delivery that is known here, got none of that id")
    return delivery, case


def sees_delivery(tx: Tx, principal: Principal, delivery: Delivery, case: Case) -> bool:
    """Whether a delivery is in scope."""
    return sees_system(principal, delivery.system) and _sees(tx, principal, case)


def _sees(tx: Tx, principal: Principal, case: Case) -> bool:
    return is_unbounded(principal) or sees_case(principal, case, tx.lanes(case.case_id))


def narrowed(wished: Sequence[str] | None, scope: Sequence[str]) -> tuple[str, ...] | None:
    """What is both wished for and in scope; None: no condition; empty: nothing at all."""
    if wished is None:
        return tuple(scope) or None
    return tuple(name for name in wished if not scope or name in scope)


def narrowed_prefixes(wished: Sequence[str] | None, scope: Sequence[str]) -> tuple[str, ...] | None:
    """The same for prefixes: of two that overlap, the longer."""
    if wished is None:
        return tuple(scope) or None
    if not scope:
        return tuple(wished)
    pairs = ((one, other) for one in wished for other in scope)
    return tuple(max(one, other, key=len) for one, other in pairs if one.startswith(other) or other.startswith(one))
