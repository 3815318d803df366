"""What ends a case by a call, and what takes it up again: each makes a revision with a stage of ours.

After a withdrawal (撤件) or a voiding (作废: it was posted in error) nothing of the case should be held anywhere; after
it was reopened, what is planned again is sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeVar

from syncgate.documents import nearest
from syncgate.domain.case import REOPENED, WITHDRAWN
from syncgate.domain.errors import CaseMerged, FieldError, Forbidden, InvalidCase, NotFound
from syncgate.domain.plan import Json
from syncgate.domain.rows import Case, CaseState, Principal
from syncgate.flows.accepting.ending import WITHDRAWING_ROLES, end, reopen, replayed_ending
from syncgate.flows.accepting.intake import written, written_or_kept
from syncgate.flows.accepting.submission import Call, Done, Taking
from syncgate.flows.accepting.waiting import Said, keep
from syncgate.flows.gate import Accepted, Caller, CaseRef, Gate, Waiting
from syncgate.flows.merged import surviving
from syncgate.flows.showing.scope import find_case, sees_system
from syncgate.ports import Tx
from syncgate.site.canonical import is_instant

T = TypeVar("T")
A = TypeVar("A", Accepted, Accepted | Waiting)
_LONGEST_BY_FIELD: Final = {"reason": 2000, "by": 100, "at": 35}
_POINTER_BY_FIELD: Final = {"reason": "/reason", "handler": "/by", "at": "/at"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """Why a case is withdrawn, voided or reopened, by whom, and when it was; None: now."""

    reason: str
    by: str | None = None
    at: str | None = None


def withdrawal_in(document: Json) -> Withdrawal:
    """What a body says. Raises InvalidCase with everything that is wrong."""
    if not isinstance(document, Mapping):
        raise InvalidCase("expected an object, got another type", errors=[FieldError("", "type", "object")])
    unknown = [name for name in document if name not in _LONGEST_BY_FIELD]
    errors = [FieldError(f"/{name}", "unknown_field", nearest(name, _LONGEST_BY_FIELD) or "") for name in unknown]
    if "reason" not in document:
        errors.append(FieldError("/reason", "required", "string"))
    for name, longest in _LONGEST_BY_FIELD.items():
        errors += _wrong_text(name, document[name], longest) if name in document else []
    if errors:
        raise InvalidCase("expected a reason, and at most by whom and when, got others", errors=errors)
    return Withdrawal(**document)


def _wrong_text(name: str, value: Json, longest: int) -> list[FieldError]:
    if not isinstance(value, str):
        return [FieldError(f"/{name}", "type", "string")]
    if not value.strip():
        return [FieldError(f"/{name}", "min_length", "1")]
    if len(value) > longest:
        return [FieldError(f"/{name}", "max_length", str(longest))]
    return [FieldError("/at", "format", "date-time")] if name == "at" and not is_instant(value) else []


async def withdraw_case(
    gate: Gate, caller: Caller, ref: CaseRef, withdrawal: Withdrawal, call: Call
) -> Accepted | Waiting:
    """Withdraws a case: what was never sent of it is cancelled, what may be held is taken back as declared.

    A source's withdrawal of what nobody knows yet by its number is kept until that case comes.

    Args:
        gate: the running gate.
        caller: a source of the case, or an operator, who acts for the source that posted it first.
        ref: the case.
        withdrawal: why, by whom, when.
        call: how it came.

    Raises:
        NotFound, Forbidden, InvalidCase, StaleRevision, CaseVoid, CaseFinished, KeyReused: see their lines in
            domain/errors.py.
        StoreUnavailable: nothing was stored. CommitUnknown: it may have been.
    """

    def withdrawn(taking: Taking, case: Case) -> Done:
        return end(taking, case, stage_of(WITHDRAWN, withdrawal, taking.tx), as_=CaseState.WITHDRAWN)

    def kept(taking: Taking) -> Waiting:
        stage = stage_of(WITHDRAWN, withdrawal, taking.tx)
        return keep(taking, ref, Said(stages=(stage,), is_withdrawing=True))

    act = _acting(gate, caller, ref, call, withdrawn)

    def step(tx: Tx) -> Done | Waiting:
        try:
            return act(tx)
        except NotFound:
            return _of_the_body(partial(kept, Taking(gate, tx, caller, call)))

    return _told_of_the_body(await written_or_kept(gate, step))


async def void_case(gate: Gate, caller: Caller, ref: CaseRef, withdrawal: Withdrawal, call: Call) -> Accepted:
    """Voids a case that was posted in error, also a finished one; otherwise as `withdraw_case`.

    Raises:
        CaseWithdrawn: it was withdrawn before. Else as `withdraw_case`.
    """

    def voided(taking: Taking, case: Case) -> Done:
        return end(taking, case, stage_of(WITHDRAWN, withdrawal, taking.tx), as_=CaseState.VOID)

    return await _acted(gate, caller, ref, call, voided)


async def reopen_case(gate: Gate, caller: Caller, ref: CaseRef, withdrawal: Withdrawal, call: Call) -> Accepted:
    """Takes a withdrawn, voided or finished case up again: what is planned again is sent again.

    Raises:
        As `withdraw_case`.
    """

    def reopened(taking: Taking, case: Case) -> Done:
        return reopen(taking, case, stage_of(REOPENED, withdrawal, taking.tx))

    return await _acted(gate, caller, ref, call, reopened)


async def _acted(gate: Gate, caller: Caller, ref: CaseRef, call: Call, act: Callable[[Taking, Case], Done]) -> Accepted:
    return _told_of_the_body(await written(gate, _acting(gate, caller, ref, call, act), ()))


def _acting(
    gate: Gate, caller: Caller, ref: CaseRef, call: Call, act: Callable[[Taking, Case], Done]
) -> Callable[[Tx], Done]:
    def step(tx: Tx) -> Done:
        case = as_operator(tx, caller, ref)
        taking = Taking(gate, tx, caller if case is None else replace(caller, source=case.origin), call)
        if (replay := replayed_ending(taking)) is not None:
            return replay
        return _of_the_body(lambda: act(taking, own_case(taking, tx, case, ref)))

    return step


def own_case(taking: Taking, tx: Tx, found: Case | None, ref: CaseRef) -> Case:
    """The case, locked, as its own name names it. Raises NotFound, CaseMerged."""
    if found is None:
        known = taking.named_case(ref)
        if known.former is not None:
            raise _merged(known.case)
        return known.case
    case = tx.case(found.case_id, lock=True)
    if case is None:
        raise NotFound("expected a case that is known here, got none of that name")
    if case.merged_into is not None or not is_named(tx, ref, case):
        raise _merged(surviving(tx, case))
    return case


def is_named(tx: Tx, ref: CaseRef, case: Case) -> bool:
    """Whether the name is the case's own, and not that of one merged into it."""
    if ref.case_id is not None:
        return ref.case_id == case.case_id
    return tx.case_id_by_ref(ref.system or "", ref.number or "") == case.case_id


def _merged(into: Case) -> CaseMerged:
    return CaseMerged("expected the case that it was merged into, {case_id}, got the merged one", case_id=into.case_id)


def as_operator(tx: Tx, caller: Caller, ref: CaseRef) -> Case | None:
    """The case as an operator finds it; None for a source. Raises NotFound, Forbidden."""
    if caller.principal.role not in WITHDRAWING_ROLES:
        return None
    case = find_case(tx, caller.principal, ref, by_parts=False)
    refuse_beyond(tx, caller.principal, case)
    return case


def refuse_beyond(tx: Tx, principal: Principal, case: Case) -> None:
    """What ends a case takes it back everywhere, in the name of the first source. Raises Forbidden."""
    systems = {delivery.system for delivery in tx.deliveries(case.case_id)}
    is_within = not principal.sources or case.origin in principal.sources
    if not is_within or not all(sees_system(principal, system) for system in systems):
        raise Forbidden("expected a key for every system that the case goes to and for its first source, got another")


def stage_of(kind: str, withdrawal: Withdrawal, tx: Tx) -> Json:
    at = withdrawal.at or tx.now.isoformat(timespec="milliseconds")
    stage = {"kind": kind, "at": at, "reason": withdrawal.reason}
    return stage if withdrawal.by is None else {**stage, "handler": {"name": withdrawal.by}}


def of_the_body(invalid: InvalidCase) -> InvalidCase:
    """The problem with the pointers of the body instead of those of the stage that was made of it."""
    return InvalidCase(invalid.said, errors=_of_body(invalid.errors))


def _of_the_body(act: Callable[[], T]) -> T:
    try:
        return act()
    except InvalidCase as invalid:
        raise of_the_body(invalid) from None


def _told_of_the_body(came: A) -> A:
    return replace(came, warnings=_of_body(came.warnings)) if isinstance(came, Accepted) else came


def _of_body(errors: Iterable[FieldError]) -> tuple[FieldError, ...]:
    return tuple(replace(error, pointer=_pointer(error.pointer)) for error in errors)


def _pointer(pointer: str) -> str:
    steps = pointer.split("/")
    is_of_stage = len(steps) > 3 and steps[1] == "stages"
    return _POINTER_BY_FIELD.get(steps[3], pointer) if is_of_stage else pointer
