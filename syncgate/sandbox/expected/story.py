"""What a case is after each call: the calls of a life folded into states."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from syncgate.sandbox.city.script import CASES, Call, Gate, Life

Case = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """A stage or material, and the submission that brought it, counted from 1."""

    content: dict[str, Any]
    submission: int


@dataclass(frozen=True, slots=True)
class State:
    """A case after one submission; `case` is without stages and materials, which stand beside it."""

    case: Case
    stages: tuple[Part, ...]
    materials: tuple[Part, ...]
    submission: int
    waited_for: tuple[Gate, ...]


def states(life: Life) -> list[State]:
    """The case after every call, in order."""
    found: list[State] = []
    state = State({}, (), (), 0, ())
    for number, call in enumerate(life.calls, 1):
        state = _after(state, call, number)
        found.append(state)
    return found


def _after(state: State, call: Call, number: int) -> State:
    body = deepcopy(call.body)
    stages, materials = body.pop("stages", []), body.pop("materials", [])
    if call.method == "PATCH":
        case = _merge(state.case, body)
    elif call.path == CASES or call.method == "PUT":
        case = body
    else:
        case = state.case
    return State(
        case,
        _unite(state.stages, stages, number),
        _unite(state.materials, materials, number),
        number,
        call.after,
    )


def _merge(old: Any, patch: Any) -> Any:
    """Source: RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge(merged.get(key), value)
    return merged


def _unite(known: tuple[Part, ...], brought: list[dict[str, Any]], number: int) -> tuple[Part, ...]:
    ids = {part.content["id"] for part in known}
    return known + tuple(Part(content, number) for content in brought if content["id"] not in ids)
