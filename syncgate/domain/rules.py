"""The rules of a case that JSON Schema cannot say; a closed list, named in the canonical schema's `x-rules`.

They never raise, whatever comes: a document that breaks the schema too is judged as far as it can be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

Json = Any


@dataclass(frozen=True, slots=True)
class Broken:
    """One broken rule: its name, and the JSON Pointer of the field that it speaks about."""

    rule: str
    pointer: str


_Found = Iterator[Broken]

_RESIDENT_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_CHECKS: Final = "10X98765432"
_USCC_SYMBOLS: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS: Final = tuple(pow(3, position, 31) for position in range(17))
_RESIDENT_TYPES: Final = frozenset({"111", "112"})
_USCC_TYPE: Final = "001"
_RESULTS_WITH_REASON: Final = frozenset({"1", "2", "3", "5"})
_SPECIAL_KINDS: Final = frozenset({"special_started", "special_ended"})


def has_resident_check_digit(number: str) -> bool:
    """Whether a resident identity number ends in the digit that its first 17 ask for; `x` counts as `X`.

    Source: GB 11643-1999 §4.
    """
    digits, check = number[:17], number[17:].upper()
    if len(number) != 18 or not (digits.isascii() and digits.isdigit()):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(digits, _RESIDENT_WEIGHTS, strict=True))
    return check == _RESIDENT_CHECKS[total % 11]


def has_uscc_check_digit(code: str) -> bool:
    """Whether a unified social credit code ends in the symbol that its first 17 ask for.

    Some early codes are valid and fail, so that a failure only warns. Source: GB 32100-2015 §5.
    """
    if len(code) != 18 or any(symbol not in _USCC_SYMBOLS for symbol in code):
        return False
    total = sum(_USCC_SYMBOLS.index(symbol) * weight for symbol, weight in zip(code[:17], _USCC_WEIGHTS, strict=True))
    return code[17] == _USCC_SYMBOLS[(31 - total % 31) % 31]


def broken(case: Json) -> list[Broken]:
    """Every broken rule, those of the whole case first, then by stage and material."""
    if not isinstance(case, Mapping):
        return []
    return [found for rule in _RULES for found in rule(case)]


def _order_of_times(case: Mapping[str, Json]) -> _Found:
    for rule, early, late in (
        ("accepted_not_before_applied", "applied_at", "accepted_at"),
        ("promised_not_before_applied", "applied_at", "promised_at"),
        ("finished_not_before_applied", "applied_at", "finished_at"),
        ("finished_not_before_accepted", "accepted_at", "finished_at"),
    ):
        if _is_before(case.get(late), case.get(early)):
            yield Broken(rule, f"/{late}")


def _stage_times(case: Mapping[str, Json]) -> _Found:
    for pointer, stage in _entries(case, "stages"):
        if _is_before(stage.get("ended_at"), stage.get("at")):
            yield Broken("stage_ended_not_before_started", f"{pointer}/ended_at")
        if _is_before(stage.get("at"), case.get("applied_at")):
            yield Broken("stage_not_before_applied", f"{pointer}/at")


def _unique_ids(case: Mapping[str, Json]) -> _Found:
    for name, rule in (("stages", "unique_stage_ids"), ("materials", "unique_material_ids")):
        seen: Counter[str] = Counter()
        for pointer, entry in _entries(case, name):
            if isinstance(entry_id := entry.get("id"), str):
                seen[entry_id] += 1
                if seen[entry_id] > 1:
                    yield Broken(rule, f"{pointer}/id")


def _corrections(case: Mapping[str, Json]) -> _Found:
    ids = (stage.get("id") for _, stage in _entries(case, "stages"))
    known = {stage_id for stage_id in ids if isinstance(stage_id, str)}
    for pointer, stage in _entries(case, "stages"):
        corrected = stage.get("corrects")
        if isinstance(corrected, str) and (corrected not in known or corrected == stage.get("id")):
            yield Broken("corrects_known_stage", f"{pointer}/corrects")


def _decisions(case: Mapping[str, Json]) -> _Found:
    for pointer, stage in _entries(case, "stages"):
        decision = stage.get("decision")
        if case.get("kind") == "application" and stage.get("kind") == "finished" and decision is None:
            yield Broken("decision_required_when_finished", f"{pointer}/decision")
        if (
            isinstance(decision, Mapping)
            and _is_one_of(decision.get("result_code"), _RESULTS_WITH_REASON)
            and not decision.get("void_reason")
        ):
            yield Broken("void_reason_required", f"{pointer}/decision/void_reason")


def _special_procedures(case: Mapping[str, Json]) -> _Found:
    for pointer, stage in _entries(case, "stages"):
        special = stage.get("special")
        if _is_one_of(stage.get("kind"), _SPECIAL_KINDS) and special is None:
            yield Broken("special_required", f"{pointer}/special")
        if stage.get("kind") == "special_started" and isinstance(special, Mapping) and "limit" not in special:
            yield Broken("special_limit_required", f"{pointer}/special/limit")


def _check_digits(case: Mapping[str, Json]) -> _Found:
    for name in ("applicant", "agent", "contact"):
        yield from _person(case.get(name), f"/{name}")
    for name in ("accept_org", "assignee"):
        yield from _organisation(case.get(name), f"/{name}")
    for pointer, stage in _entries(case, "stages"):
        yield from _person(stage.get("pickup"), f"{pointer}/pickup")
        yield from _organisation(stage.get("org"), f"{pointer}/org")


def _person(person: Json, pointer: str) -> _Found:
    if not isinstance(person, Mapping) or not isinstance(number := person.get("id_no"), str):
        return
    if _is_one_of(person.get("id_type"), _RESIDENT_TYPES) and not has_resident_check_digit(number):
        yield Broken("resident_id_check_digit", f"{pointer}/id_no")
    if person.get("id_type") == _USCC_TYPE and not has_uscc_check_digit(number):
        yield Broken("uscc_check_digit", f"{pointer}/id_no")


def _organisation(organisation: Json, pointer: str) -> _Found:
    if not isinstance(organisation, Mapping) or not isinstance(code := organisation.get("uscc"), str):
        return
    if not has_uscc_check_digit(code):
        yield Broken("uscc_check_digit", f"{pointer}/uscc")


def _entries(case: Mapping[str, Json], name: str) -> Iterator[tuple[str, Mapping[str, Json]]]:
    entries = case.get(name)
    if isinstance(entries, list):
        for no, entry in enumerate(entries):
            if isinstance(entry, Mapping):
                yield f"/{name}/{no}", entry


def _is_one_of(value: Json, names: frozenset[str]) -> bool:
    return isinstance(value, str) and value in names


def _is_before(late: Json, early: Json) -> bool:
    late_at, early_at = _instant(late), _instant(early)
    return late_at is not None and early_at is not None and late_at < early_at


def _instant(value: Json) -> datetime | None:
    """The time, or None where it is none: the schema says that already."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    return parsed if parsed.tzinfo is not None else None


_RULES: Final[tuple[Callable[[Mapping[str, Json]], _Found], ...]] = (
    _order_of_times,
    _stage_times,
    _unique_ids,
    _corrections,
    _decisions,
    _special_procedures,
    _check_digits,
)

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
    }
)
"""The closed list."""
