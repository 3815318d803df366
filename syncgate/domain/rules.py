"""The rules of a case that JSON Schema cannot say; a closed list, named in the canonical schema's `x-rules`.

They never raise, whatever comes: a document that breaks the schema too is judged as far as it can be.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from operator import mul
from typing import Any, Final

from syncgate.domain.assignment import assignment_of

Json = Any
Document = dict[str, Any]
Entries = list[tuple[int, Document]]


@dataclass(frozen=True, slots=True)
class Broken:
    """One broken rule: its name, and the JSON Pointer of the field that it speaks about."""

    rule: str
    pointer: str


_RESIDENT_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_CHECKS: Final = "10X98765432"
_USCC_SYMBOLS: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS: Final[tuple[int, ...]] = tuple(pow(3, position, 31) for position in range(17))
_USCC_VALUES: Final = {symbol: value for value, symbol in enumerate(_USCC_SYMBOLS)}
_RESIDENT_TYPES: Final = frozenset({"111", "112"})
_USCC_TYPE: Final = "001"
_RESULTS_WITH_REASON: Final = frozenset({"1", "2", "3", "5"})
_ENTRIES_AT_MOST: Final = 1000
_SPECIAL_KINDS: Final = frozenset({"special_started", "special_ended"})


def has_resident_check_digit(number: str) -> bool:
    """Whether a resident identity number ends in the digit that its first 17 ask for; `x` counts as `X`.

    Source: GB 11643-1999 §4.
    """
    digits, check = number[:17], number[17:].upper()
    if len(number) != 18 or not (digits.isascii() and digits.isdigit()):
        return False
    total = sum(map(mul, map(int, digits), _RESIDENT_WEIGHTS))
    return check == _RESIDENT_CHECKS[total % 11]


def has_uscc_check_digit(code: str) -> bool:
    """Whether a unified social credit code ends in the symbol that its first 17 ask for.

    Some early codes are valid and fail, so that a failure only warns. Source: GB 32100-2015 §5.
    """
    if len(code) != 18:
        return False
    try:
        values = [_USCC_VALUES[symbol] for symbol in code]
    except KeyError:
        return False
    total = sum(map(mul, values[:17], _USCC_WEIGHTS))
    return bool(values[17] == -total % 31)


def broken(case: Json) -> list[Broken]:
    """Every broken rule: of the whole case, of its stages in their order, of its materials."""
    if not isinstance(case, dict):
        return []
    found: list[Broken] = []
    _judge_times(case, found)
    _judge_parties(case, found)
    stages = _entries(case, "stages")
    if stages:
        _judge_ids(stages, "unique_stage_ids", "stages", found)
        _judge_stages(case, stages, found)
        _judge_assignment(case, stages, found)
    if materials := _entries(case, "materials"):
        _judge_ids(materials, "unique_material_ids", "materials", found)
    return found


def _judge_times(case: Document, found: list[Broken]) -> None:
    applied_at, accepted_at = _instant(case.get("applied_at")), _instant(case.get("accepted_at"))
    finished_at = _instant(case.get("finished_at"))
    if _is_before(accepted_at, applied_at):
        found.append(Broken("accepted_not_before_applied", "/accepted_at"))
    if _is_before(_instant(case.get("promised_at")), applied_at):
        found.append(Broken("promised_not_before_applied", "/promised_at"))
    if _is_before(finished_at, applied_at):
        found.append(Broken("finished_not_before_applied", "/finished_at"))
    if _is_before(finished_at, accepted_at):
        found.append(Broken("finished_not_before_accepted", "/finished_at"))


def _judge_parties(case: Document, found: list[Broken]) -> None:
    for name in ("applicant", "agent", "contact"):
        if name in case:
            _judge_person(case[name], f"/{name}", found)
    for name in ("accept_org", "assignee"):
        if name in case:
            _judge_organisation(case[name], f"/{name}", found)


def _judge_ids(entries: Entries, rule: str, name: str, found: list[Broken]) -> None:
    seen: set[str] = set()
    for no, entry in entries:
        entry_id = entry.get("id")
        if isinstance(entry_id, str):
            if entry_id in seen:
                found.append(Broken(rule, f"/{name}/{no}/id"))
            seen.add(entry_id)


def _judge_stages(case: Document, stages: Entries, found: list[Broken]) -> None:
    applied_at = _instant(case.get("applied_at"))
    needs_decision = case.get("kind") == "application"
    ids = {stage_id for _, stage in stages if isinstance(stage_id := stage.get("id"), str)}
    for no, stage in stages:
        at = _instant(stage.get("at"))
        if _is_before(at, applied_at):
            found.append(Broken("stage_not_before_applied", f"/stages/{no}/at"))
        if "ended_at" in stage and _is_before(_instant(stage["ended_at"]), at):
            found.append(Broken("stage_ended_not_before_started", f"/stages/{no}/ended_at"))
        if "corrects" in stage and _corrects_nothing(stage, ids):
            found.append(Broken("corrects_known_stage", f"/stages/{no}/corrects"))
        _judge_outcome(stage, f"/stages/{no}", found, needs_decision=needs_decision)
        _judge_special(stage, f"/stages/{no}", found)
        _judge_person(stage.get("pickup"), f"/stages/{no}/pickup", found)
        _judge_organisation(stage.get("org"), f"/stages/{no}/org", found)
        _judge_organisation(stage.get("assignee"), f"/stages/{no}/assignee", found)


def _judge_assignment(case: Document, stages: Entries, found: list[Broken]) -> None:
    no_by_id = {stage_id: no for no, stage in reversed(stages) if isinstance(stage_id := stage.get("id"), str)}
    if not no_by_id:
        return
    for oddity in assignment_of(case).oddities:
        if oddity.stage in no_by_id:
            found.append(Broken(oddity.rule, f"/stages/{no_by_id[oddity.stage]}/{oddity.field}"))


def _corrects_nothing(stage: Document, ids: set[str]) -> bool:
    corrected = stage["corrects"]
    return isinstance(corrected, str) and (corrected not in ids or corrected == stage.get("id"))


def _judge_outcome(stage: Document, at: str, found: list[Broken], *, needs_decision: bool) -> None:
    decision = stage.get("decision")
    if decision is None and needs_decision and stage.get("kind") == "finished":
        found.append(Broken("decision_required_when_finished", f"{at}/decision"))
    if not isinstance(decision, dict) or decision.get("void_reason"):
        return
    if _is_one_of(decision.get("result_code"), _RESULTS_WITH_REASON):
        found.append(Broken("void_reason_required", f"{at}/decision/void_reason"))


def _judge_special(stage: Document, at: str, found: list[Broken]) -> None:
    kind, special = stage.get("kind"), stage.get("special")
    if not _is_one_of(kind, _SPECIAL_KINDS):
        return
    if special is None:
        found.append(Broken("special_required", f"{at}/special"))
    elif kind == "special_started" and isinstance(special, dict) and "limit" not in special:
        found.append(Broken("special_limit_required", f"{at}/special/limit"))


def _judge_person(person: Json, at: str, found: list[Broken]) -> None:
    if not isinstance(person, dict) or not isinstance(number := person.get("id_no"), str):
        return
    kind = person.get("id_type")
    if _is_one_of(kind, _RESIDENT_TYPES) and not has_resident_check_digit(number):
        found.append(Broken("resident_id_check_digit", f"{at}/id_no"))
    if kind == _USCC_TYPE and not has_uscc_check_digit(number):
        found.append(Broken("uscc_check_digit", f"{at}/id_no"))


def _judge_organisation(organisation: Json, at: str, found: list[Broken]) -> None:
    if not isinstance(organisation, dict) or not isinstance(code := organisation.get("uscc"), str):
        return
    if not has_uscc_check_digit(code):
        found.append(Broken("uscc_check_digit", f"{at}/uscc"))


def _entries(case: Document, name: str) -> Entries:
    """The objects of a list with their positions; of a list that the schema refuses as too long, the first."""
    entries = case.get(name)
    if not isinstance(entries, list):
        return []
    return [(no, entry) for no, entry in enumerate(entries[:_ENTRIES_AT_MOST]) if isinstance(entry, dict)]


def _is_one_of(value: Json, names: frozenset[str]) -> bool:
    return isinstance(value, str) and value in names


def _is_before(late: datetime | None, early: datetime | None) -> bool:
    return late is not None and early is not None and late < early


def _instant(value: Json) -> datetime | None:
    """The time, or None where it is none: the schema says that already."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    return parsed if parsed.tzinfo is not None else None


NAMES: Final = frozenset(
    {
        "accepted_not_before_applied",
        "promised_not_before_applied",
        "finished_not_before_applied",
        "finished_not_before_accepted",
        "stage_ended_not_before_started",
        "stage_not_before_applied",
        "unique_stage_ids",
        "unique_material_ids",
        "corrects_known_stage",
        "decision_required_when_finished",
        "void_reason_required",
        "special_required",
        "special_limit_required",
        "resident_id_check_digit",
        "uscc_check_digit",
        "assignee_named",
        "assignment_in_turn",
        "return_requested_first",
        "acted_by_the_assignee",
    }
)
"""The closed list."""
