"""Merging (合并): two cases turn out to be one; one survives and stands for both. A person or their source says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from syncgate.domain.case import WITHDRAWN
from syncgate.domain.errors import CaseMerged, Conflict, FieldError, InvalidCase, NotFound
from syncgate.domain.plan import Json
from syncgate.domain.rows import Case
from syncgate.flows.accepting.identity import own_number
from syncgate.flows.accepting.intake import written
from syncgate.flows.accepting.submission import WITHDRAWING_ROLES, Call, Done, Taking
from syncgate.flows.accepting.withdrawal import (
    Withdrawal,
    of_the_body,
    refuse_beyond,
    stage_of,
    withdrawal_in,
)
from syncgate.flows.gate import Accepted, Caller, CaseRef, Gate
from syncgate.flows.merged import surviving
from syncgate.flows.showing.scope import find_case
from syncgate.ports import Tx

_UNKNOWN = "expected a case that is known here, got none of that name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Merging:
    """Into which case, as a path names it; and why, by whom, when."""

    into: str
    why: Withdrawal


def merging_in(document: Json) -> Merging:
    """What a body says. Raises InvalidCase with everything that is wrong."""
    rest = {name: value for name, value in document.items() if name != "into"} if _is_object(document) else document
    into = document.get("into") if _is_object(document) else None
    errors = [] if isinstance(into, str) and into else [FieldError("/into", "required", "string")]
    try:
        why = withdrawal_in(rest)
    except InvalidCase as invalid:
        raise InvalidCase(invalid.said, errors=[*errors, *invalid.errors]) from None
    if not isinstance(into, str) or errors:
        raise InvalidCase("expected the case to merge into in into, got none", errors=errors)
    return Merging(into=into, why=why)


def _is_object(document: Json) -> bool:
    return isinstance(document, Mapping)


async def merge_case(gate: Gate, caller: Caller, ref: CaseRef, into: CaseRef, why: Withdrawal, call: Call) -> Accepted:
    """Merges a case into another one, which survives: what was never sent of the first is cancelled, what may be held
    is taken back as declared, and every name of it leads to the other from now on.

    Args:
        gate: the running gate.
        caller: a source of both cases, or an operator.
        ref: the case that ends. into: the one that survives, or one that was merged into it.
        why: why, by whom, when.
        call: how it came.

    Returns:
        The surviving case's receipt.

    Raises:
        NotFound: one of the two is not known to the caller.
        Conflict: they are one and the same, or something of them is under way where a number moves.
        CaseMerged: the first was merged into a third one before.
        CaseWithdrawn, CaseVoid: one of them is closed.
        Forbidden, InvalidCase, StaleRevision, KeyReused: as a withdrawal.
        StoreUnavailable: nothing was stored. CommitUnknown: it may have been.
    """

    def step(tx: Tx) -> Done:
        ends, stays = _case(tx, caller, ref), surviving(tx, _case(tx, caller, into))
        calling = caller if caller.source else replace(caller, source=stays.origin)
        taking = Taking(gate, tx, calling, call)
        if (replay := taking.replayed_withdrawal()) is not None:
            return replay
        ends, stays = _both(tx, ends.case_id, stays.case_id)
        if ends.merged_into is not None:
            return _again(taking, tx, ends, stays)
        if stays.merged_into is not None or ends.case_id == stays.case_id:
            raise Conflict(
                "expected two cases, got one and the same", errors=[FieldError("/into", "another_case", "another case")]
            )
        try:
            return taking.merge(ends, stays, stage_of(WITHDRAWN, why, tx))
        except InvalidCase as invalid:
            raise of_the_body(invalid) from None

    return await written(gate, step, ())


def _case(tx: Tx, caller: Caller, ref: CaseRef) -> Case:
    """The case of this very name, if the caller may merge it. Raises NotFound, Forbidden."""
    case_id = ref.case_id
    if case_id is None and ref.system is not None and ref.number is not None:
        case_id = tx.case_id_by_ref(ref.system, ref.number)
    case = tx.case(case_id) if case_id is not None else None
    if case is None:
        raise NotFound(_UNKNOWN)
    if caller.principal.role in WITHDRAWING_ROLES:
        find_case(tx, caller.principal, ref)
        refuse_beyond(tx, caller.principal, case)
    elif own_number(tx, caller.source, surviving(tx, case)) is None:
        raise NotFound(_UNKNOWN)
    return case


def _both(tx: Tx, ends: UUID, stays: UUID) -> tuple[Case, Case]:
    """Both, locked in one order, so that two merges cannot lock each other out."""
    locked = {case_id: tx.case(case_id, lock=True) for case_id in sorted({ends, stays})}
    first, second = locked[ends], locked[stays]
    assert first is not None and second is not None
    return first, second


def _again(taking: Taking, tx: Tx, ends: Case, stays: Case) -> Done:
    lasting = surviving(tx, ends)
    if lasting.case_id != surviving(tx, stays).case_id:
        raise CaseMerged("expected a case not merged elsewhere, got one merged into {case_id}", case_id=lasting.case_id)
    return taking.merged_before(lasting)
