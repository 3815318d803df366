"""Whose case a call means, and what each system calls it: `lanes.case_ref` is the one index of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from syncgate.domain.errors import Conflict, FieldError, InvalidCase, NotFound
from syncgate.domain.plan import Json
from syncgate.domain.rows import Case, Lane
from syncgate.flows.gate import Caller, CaseRef, Gate
from syncgate.flows.merged import surviving
from syncgate.ports import Tx

_SEVERAL: Final = "expected references that point at one case, got several"


class NumberTaken(Conflict):
    """A number that was nobody's when the case was looked up is another case's now: whoever looks again finds it."""


@dataclass(frozen=True, slots=True)
class Known:
    """The case that a call means, locked. former: the merged one by whose name it was meant; None where by its own."""

    case: Case
    former: Case | None = None


@dataclass(frozen=True, slots=True)
class Numbered:
    """What noting a case's numbers brought: the systems whose number is new, and those that waited for one."""

    systems: frozenset[str] = frozenset()
    woken: frozenset[str] = frozenset()


def known_case(gate: Gate, tx: Tx, source: str, document: Json) -> Known | None:
    """The case that a post means, locked: by its number at this source, or by a reference; None for a new one.

    Raises:
        InvalidCase: a reference names no system of this site.
        Conflict: the references point at several cases, or give the source another number than `case_no`.
    """
    refuse_unknown_systems(gate, document)
    numbers = {**(document.get("references") or {})}
    if numbers.setdefault(source, document["case_no"]) != document["case_no"]:
        raise _fixed([source])
    named = {name: case for name, no in numbers.items() if (case := _numbered(tx, name, no)) is not None}
    if not named:
        return None
    lasting = {name: surviving(tx, case).case_id for name, case in named.items()}
    if len(set(lasting.values())) > 1:
        raise Conflict(_SEVERAL, errors=[_of_one_case(_pointer(name, source)) for name in sorted(lasting)])
    return _locked(tx, named.get(source) or next(iter(named.values())), is_by_name=source in named)


def _numbered(tx: Tx, system: str, number: str) -> Case | None:
    case_id = tx.case_id_by_ref(system, number)
    return None if case_id is None else tx.case(case_id)


def _locked(tx: Tx, named: Case, *, is_by_name: bool = True) -> Known:
    """The case that stands for this one, locked; whoever merges it meanwhile is followed too."""
    locked = tx.case(surviving(tx, named).case_id, lock=True)
    assert locked is not None
    case = surviving(tx, locked, lock=True)
    return Known(case, None if case.case_id == named.case_id or not is_by_name else named)


def _pointer(system: str, source: str) -> str:
    return "/case_no" if system == source else f"/references/{system}"


def refuse_unknown_systems(gate: Gate, document: Json) -> None:
    """Raises InvalidCase where a reference names no system of this site."""
    known = {*gate.active, *gate.sources}
    errors = [
        FieldError(f"/references/{name}", "unknown_system", ", ".join(sorted(known)))
        for name in document.get("references") or {}
        if name not in known
    ]
    if errors:
        raise InvalidCase("expected references to systems of this site, got others", errors=errors)


def named_case(tx: Tx, caller: Caller, ref: CaseRef) -> Known:
    """The case that a path names, locked, if the caller may write it. Raises NotFound."""
    case_id = ref.case_id
    if case_id is None and ref.system is not None and ref.number is not None:
        case_id = tx.case_id_by_ref(ref.system, ref.number)
    named = tx.case(case_id) if case_id is not None else None
    known = _locked(tx, named) if named is not None else None
    if known is None or not _may_write(tx, caller.source, known.case):
        raise NotFound("expected a case that is known here, got none of that name")
    return known


def _may_write(tx: Tx, source: str, case: Case) -> bool:
    return source == case.origin or own_number(tx, source, case) is not None


def own_number(tx: Tx, source: str, case: Case) -> str | None:
    """What the source calls the case; None where that is not known."""
    if source == case.origin:
        return case.case_no
    lane = tx.lane(case.case_id, source)
    return lane.case_ref if lane is not None else None


def lasting_references(tx: Tx, case: Case, current: Json, document: Json) -> Json:
    """The document without references to numbers of cases that were merged into this one: they lead to it anyway."""
    known = current.get("references") or {}
    references = document.get("references") or {}
    new = {name: number for name, number in references.items() if known.get(name) != number}
    former = {name for name, number in new.items() if _is_former(tx, case, name, number)}
    if not former:
        return document
    lasting = {name: known.get(name) if name in former else number for name, number in references.items()}
    return {**document, "references": {name: number for name, number in lasting.items() if number is not None}}


def _is_former(tx: Tx, case: Case, system: str, number: str) -> bool:
    named = _numbered(tx, system, number)
    return named is not None and named.case_id != case.case_id and surviving(tx, named).case_id == case.case_id


def note_numbers(tx: Tx, case: Case, references: Mapping[str, str], known: Mapping[str, Lane]) -> Numbered:
    """Notes what each system calls the case, and wakes the lanes that waited for a number that is new.

    Args:
        tx: the step's transaction.
        case: locked, or just inserted.
        references: numbers by system, as the document has them.
        known: the case's lanes, locked.

    Raises:
        Conflict: a lane has another number already.
        NumberTaken: a number is another case's.
    """
    numbers = {case.origin: case.case_no, **references}
    contradicted = [name for name, number in numbers.items() if _differs(number, case, name, known.get(name))]
    if contradicted:
        raise _fixed(contradicted)
    new = {name: number for name, number in sorted(numbers.items()) if _lacks_number(known.get(name))}
    elsewhere = [name for name, number in new.items() if tx.case_id_by_ref(name, number) not in (None, case.case_id)]
    if elsewhere:
        raise NumberTaken(_SEVERAL, errors=[_of_one_case(f"/references/{name}") for name in elsewhere])
    _write(tx, case, new, known)
    return Numbered(frozenset(new), frozenset(_woken(tx, case, new, known.values())))


def _differs(number: str, case: Case, system: str, lane: Lane | None) -> bool:
    if system == case.origin:
        return number != case.case_no
    return lane is not None and lane.case_ref not in (None, number)


def _lacks_number(lane: Lane | None) -> bool:
    return lane is None or lane.case_ref is None


def _write(tx: Tx, case: Case, new: Mapping[str, str], known: Mapping[str, Lane]) -> None:
    """Writes the numbers system by system in one order, so that two posts of one case cannot lock each other out."""
    for system, number in new.items():
        lane = known.get(system)
        if lane is None:
            tx.insert_lanes([Lane(case_id=case.case_id, system=system, case_ref=number)])
        else:
            tx.save_lane(replace(lane, case_ref=number), expected_token=lane.lease_token)


def _woken(tx: Tx, case: Case, new: Iterable[str], lanes: Iterable[Lane]) -> set[str]:
    waiting = {lane.system: lane.waits_for for lane in lanes if lane.waits_for is not None}
    awaited = set(new) & set(waiting.values())
    for system in sorted(awaited):
        tx.wake(case.case_id, waits_for=system)
    return {system for system, waits_for in waiting.items() if waits_for in awaited}


def other_number() -> Conflict:
    """What a number gets that is not the one by which the system knows the case."""
    return _fixed(())


def _fixed(systems: Iterable[str]) -> Conflict:
    errors = [FieldError(f"/references/{name}", "reference_is_fixed", "the number known here") for name in systems]
    return Conflict("expected the numbers that the case has, got others", errors=errors)


def _of_one_case(pointer: str) -> FieldError:
    return FieldError(pointer, "references_one_case", "numbers of one case")
