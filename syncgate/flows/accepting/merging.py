"""Merging (合并): two cases turn out to be one; one survives and stands for both. A person or their source says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from syncgate.domain.case import WITHDRAWN
from syncgate.domain.delivery import MAYBE_SENT
from syncgate.domain.errors import CaseMerged, Conflict, FieldError, InvalidCase, NotFound
from syncgate.domain.plan import Json
from syncgate.domain.rows import Case, CaseState
from syncgate.flows.accepting.ending import WITHDRAWING_ROLES, counted, in_flight_count, replayed_ending, with_own_stage
from syncgate.flows.accepting.identity import own_number
from syncgate.flows.accepting.intake import written
from syncgate.flows.accepting.joining import Joined
from syncgate.flows.accepting.receipt import POSTED
from syncgate.flows.accepting.submission import Call, Done, Taking, checked, refuse_closed
from syncgate.flows.accepting.withdrawal import (
    Withdrawal,
    of_the_body,
    refuse_beyond,
    stage_of,
    withdrawal_in,
)
from syncgate.flows.documents import open_document
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
        if (replay := replayed_ending(taking)) is not None:
            return replay
        ends, stays = _both(tx, ends.case_id, stays.case_id)
        if ends.merged_into is not None:
            return _again(taking, tx, ends, stays)
        if stays.merged_into is not None or ends.case_id == stays.case_id:
            raise Conflict(
                "expected two cases, got one and the same", errors=[FieldError("/into", "another_case", "another case")]
            )
        try:
            return _merged(taking, ends, stays, stage_of(WITHDRAWN, why, tx))
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
        find_case(tx, caller.principal, ref, by_parts=False)
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
    return _merged_before(taking, lasting)


def _merged_before(taking: Taking, into: Case) -> Done:
    """The answer to a merge that was made before."""
    taking = replace(taking, caller=replace(taking.caller, source=into.origin))
    return counted(taking, taking.unchanged(into, taking.last(into)), into)


def _merged(taking: Taking, case: Case, into: Case, stage: Json) -> Done:
    """Ends the case by this withdrawing stage, and lets another stand for it; nothing new where one does already.

    What its sources call the case, the other is called from now on, where it has no number there: what they hold
    of their own accord stays theirs. Other numbers, and its own id, lead to the other one.

    Args:
        case, into: locked. The caller calls for a source of `case`.
        stage: without its id.

    Raises:
        Conflict: something that may have been sent is still open at a system whose number the other gets.
        CaseWithdrawn, CaseVoid, StaleRevision, InvalidCase: as `end`.
    """
    taking.refuse_stale(case)
    refuse_closed(case)
    refuse_closed(into)
    moved = _moved_numbers(taking, case, into)
    current = open_document(taking.gate, taking.tx, case)
    document = with_own_stage(case, current, stage)
    checked(taking.gate, document)
    under_way = in_flight_count(taking, case)
    joined = Joined(document=document, words=None, spoken=None)
    ending = replace(taking, call=replace(taking.call, idempotency_key=None))
    ended = ending.revised(
        replace(case, merged_into=into.case_id), joined, current, state=CaseState.MERGED, given_up=frozenset(moved)
    )
    told = _renumbered(taking, into, moved)
    return Done(
        replace(told.accepted, in_flight=under_way),
        ended.systems_due | told.systems_due,
        (*ended.handed_over, *told.handed_over),
    )


def _moved_numbers(taking: Taking, case: Case, into: Case) -> dict[str, str]:
    """What the case's sources call it, where the other has no number yet; taken off its lanes. Raises Conflict."""
    known = {lane.system for lane in taking.tx.lanes(into.case_id, lock=True) if lane.case_ref is not None}
    lanes = [
        lane
        for lane in taking.tx.lanes(case.case_id, lock=True)
        if lane.case_ref is not None
        and lane.system not in known
        and (lane.system in taking.gate.sources or lane.system == case.origin)
    ]
    both = [*taking.tx.deliveries(case.case_id), *taking.tx.deliveries(into.case_id)]
    open_at = {delivery.system for delivery in both if delivery.phase in MAYBE_SENT}
    if unsettled := sorted(lane.system for lane in lanes if lane.system in open_at):
        raise Conflict("expected nothing under way at {systems}, got some: try again later", systems=unsettled)
    for lane in lanes:
        taking.tx.save_lane(replace(lane, case_ref=None), expected_token=lane.lease_token)
    return {lane.system: lane.case_ref for lane in lanes if lane.case_ref is not None}


def _renumbered(taking: Taking, case: Case, numbers: Mapping[str, str]) -> Done:
    """The case with these numbers too: its next revision, or the same one where there are none."""
    taking = replace(taking, caller=replace(taking.caller, source=case.origin))
    if not numbers:
        return taking.unchanged(case, taking.last(case), status=POSTED)
    current = open_document(taking.gate, taking.tx, case)
    document = {**current, "references": {**(current.get("references") or {}), **numbers}}
    return taking.revised(case, Joined(document=document, words=None, spoken=None), current)
