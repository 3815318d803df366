"""The document that the reader compares with: one line per system and case.

A line:
    system, case_no, traits.
    operations: in the declared order, each with `operation`, `part` (what tells it from its like: sn, the
        material's id, or kind and time of an event), `submission` (which call brought it; something that came
        later need not wait for what is declared to come after it), `updates` (how often it is changed after),
        `record` (every compared field; keys that only the gate gives are not in it).
    leftover: what stays behind at the gate: parked [message, reason or null], pending (how many).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from syncgate.sandbox.city.script import Life
from syncgate.sandbox.expected import food, province, workorders
from syncgate.sandbox.expected.story import Part, State, states

Line = dict[str, Any]
Operation = dict[str, Any]


def write_expected(lives: Iterable[Life], path: Path) -> int:
    """Write the document; the number of lines."""
    lines = list(expected_lines(lives))
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n" for line in lines)
    path.write_text(text, "utf-8")
    return len(lines)


def expected_lines(lives: Iterable[Life]) -> Iterator[Line]:
    """One line per system that takes the case."""
    for life in lives:
        history = states(life)
        if history[-1].case["kind"] == "hotline":
            yield _line("workorders", life, [_operation("create", workorders.order(history[-1]))])
        else:
            yield _province_line(life, history)
            yield _food_line(life, history)


def _line(system: str, life: Life, operations: list[Operation], **leftover: Any) -> Line:
    rest = {"parked": leftover.get("parked", []), "pending": leftover.get("pending", 0)}
    return {
        "system": system,
        "case_no": life.case_no,
        "traits": sorted(life.traits),
        "operations": operations,
        "leftover": rest,
    }


def _operation(
    operation: str, record: dict[str, Any], *, part: Any = "", submission: int = 1, updates: int = 0
) -> Operation:
    return {
        "operation": operation,
        "part": part,
        "submission": submission,
        "updates": updates,
        "record": record,
    }


def _parts(operation: str, found: list[tuple[Part, dict[str, Any]]], *key_fields: str) -> list[Operation]:
    return [
        _operation(
            operation,
            record,
            part="|".join(str(record[field]) for field in key_fields),
            submission=part.submission,
        )
        for part, record in found
    ]


def _province_line(life: Life, history: list[State]) -> Line:
    """Province keeps what it took first: what was corrected after is parked here, as it cannot be taken."""
    taken, last = _first_taken(history), history[-1]
    now, then = province.basic_info(last), province.basic_info(taken)
    operations = [_operation("receiveBasicInfo", then)]
    operations += _parts("receiveProc", province.steps(last), "sn")
    operations += _parts("receiveSpecialnode", province.specials(last), "sn")
    operations += _parts("receiveApplyFile", province.files(last), "attrid")
    operations += _parts("receiveDone", province.dones(last))
    is_changed = _without(now, "acceptlist") != _without(then, "acceptlist")
    return _line(
        "province",
        life,
        operations,
        parked=[["basic_info", "correction_not_taken"]] if is_changed else [],
    )


def _food_line(life: Life, history: list[State]) -> Line:
    last = history[-1]
    events = _parts("event", food.events(last), "kind", "at")
    if not food.takes(last):
        return _line("food", life, [], parked=[["application", None]], pending=len(events))
    taken = [state for state in history if food.takes(state)]
    updates = 0
    for before, after in pairwise(taken):
        if food.application(before) != food.application(after):
            _check_gate(after, life)
            updates += 1
    create = _operation("create", food.application(last), updates=updates)
    return _line("food", life, [create, *events])


def _first_taken(history: list[State]) -> State:
    """The state that province took: the last one before a call that waited for it."""
    for before, after in pairwise(history):
        if any(gate.system == "province" for gate in after.waited_for):
            return before
    return history[-1]


def _check_gate(state: State, life: Life) -> None:
    """A change of food's content must have waited for food; otherwise nobody can say how often it is sent."""
    if not any(gate.system == "food" for gate in state.waited_for):
        raise ValueError(f"expected a gate on food before {life.case_no} is changed, got none")


def _without(record: dict[str, Any], field: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != field}
