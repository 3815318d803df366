"""What a case is after each call: the calls of a life folded into states."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from syncgate.sandbox.city.script import CASES, MERGE, WITHDRAW, Call, Gate, Life, Typed

Case = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """A stage or material, and the submission that brought it, counted from 1; whether food typed it in before."""

    content: dict[str, Any]
    submission: int
    is_typed: bool = False


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """That a case was withdrawn.

    Attributes:
        waited_for: systems that had taken everything of the case by then.
        unreached: systems that had nothing of it and were not there. Of any other system nobody can say.
    """

    reason: str
    by: str
    at: str
    waited_for: frozenset[str]
    unreached: frozenset[str]


@dataclass(frozen=True, slots=True)
class State:
    """A case after one submission; `case` is without stages and materials, which stand beside it.

    merged_before: of a case that was merged into another one, the systems that had nothing of it by then; else None.
    """

    case: Case
    stages: tuple[Part, ...]
    materials: tuple[Part, ...]
    submission: int
    waited_for: tuple[Gate, ...]
    typed: Typed | None = None
    withdrawal: Withdrawal | None = None
    merged_before: frozenset[str] | None = None


def states(life: Life) -> list[State]:
    """The case after every call, in order."""
    found: list[State] = []
    state = State({}, (), (), 0, ())
    for number, call in enumerate(life.calls, 1):
        state = _after(state, call, number)
        found.append(state)
    return found


def _after(state: State, call: Call, number: int) -> State:
    if call.path == WITHDRAW:
        return replace(state, submission=number, waited_for=call.after, typed=None, withdrawal=_withdrawal(call))
    if call.path == MERGE:
        return replace(state, submission=number, waited_for=call.after, merged_before=frozenset(call.unreached))
    body = deepcopy(call.body)
    stages, materials = body.pop("stages", []), body.pop("materials", [])
    body.pop("references", None)
    is_typed = call.typed is not None
    return State(
        _case_after(state, call, body),
        _unite(state.stages, stages, number, is_typed=is_typed),
        _unite(state.materials, materials, number, is_typed=is_typed),
        number,
        call.after,
        call.typed,
    )


def _withdrawal(call: Call) -> Withdrawal:
    waited_for = frozenset(gate.system for gate in call.after)
    said = call.body
    return Withdrawal(said["reason"], said["by"], said["at"], waited_for, frozenset(call.unreached))


def _case_after(state: State, call: Call, body: Case) -> Case:
    """A patch merges, so does a whole case posted again, under the number that the case had first; a PUT replaces."""
    merged: Case
    if call.method == "PATCH":
        merged = _merged(state.case, body)
        return merged
    if call.method == "PUT":
        return body
    if call.path != CASES or call.answer == "unchanged":
        return state.case
    own = {"case_no": state.case["case_no"]} if state.case else {}
    merged = _merged(state.case, body | own)
    return merged


def _merged(old: Any, patch: Any) -> Any:
    """Source: RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key), value)
    return merged


def _unite(known: tuple[Part, ...], brought: list[dict[str, Any]], number: int, *, is_typed: bool) -> tuple[Part, ...]:
    by_id = {part.content["id"]: part for part in known}
    for content in brought:
        part = by_id.get(content["id"], Part(content, number))
        by_id[content["id"]] = replace(part, is_typed=part.is_typed or is_typed)
    return tuple(by_id.values())
