"""The document that the reader compares with: one line per system and case.

A line:
    system, case_no, traits; or_no: the number that the case bears instead where two sources posted it at once.
    operations: in the declared order, each with `operation`, `part` (what tells it from its like: sn, the
        material's id, or kind and time of an event), `submission` (which call brought it; something that came
        later need not wait for what is declared to come after it), `updates` (how often it is changed after),
        `is_own` (the system's clerks typed it in, and we must not bring it), `typed` (how often they typed it),
        `record` (every compared field; keys that only the gate gives are not in it), `held` (`surely`; `perhaps`,
        where the case was withdrawn meanwhile; `if_any`: exactly where any of those is held).
    leftover: what stays behind at the gate: parked [message, reason or null], pending (how many).
    to_type: of a system without an interface: the fields that a person types there.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from syncgate.sandbox.city.script import Life
from syncgate.sandbox.expected import assignment, disability, food, frontdb, insurance, province, workorders
from syncgate.sandbox.expected.story import Part, State, states

Line = dict[str, Any]
Operation = dict[str, Any]
WRONG_DAYS = "wrong_days"
"""Trait of what a mapping made wrong at first, so that food is told it anew."""


def write_expected(lives: Iterable[Life], path: Path, *, systems: Container[str]) -> int:
    """Write the lines of these systems; how many."""
    lines = [line for line in expected_lines(lives) if line["system"] in systems]
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n" for line in lines)
    path.write_text(text, "utf-8")
    return len(lines)


def expected_lines(lives: Iterable[Life]) -> Iterator[Line]:
    """One line per system that takes the case."""
    for life in lives:
        history = states(life)
        if history[-1].case["kind"] == "hotline":
            yield _order_line(life, history)
            if assignment.is_assigned(history[-1]):
                yield from _assigned_lines(life, history[-1])
        else:
            yield _province_line(life, history)
            if history[-1].case["item"]["task_code"] == food.TASK_CODE:
                yield _food_line(life, history)
            if frontdb.takes(history[-1]):
                yield frontdb.line(life, history)
            if disability.takes(history[-1]):
                yield disability.line(life, history)
            if insurance.takes(history[-1]):
                yield insurance.line(life, history)


def _line(system: str, life: Life, operations: list[Operation], **leftover: Any) -> Line:
    rest = {"parked": leftover.get("parked", []), "pending": leftover.get("pending", 0)}
    return {
        "system": system,
        "case_no": life.case_no,
        "or_no": life.or_no,
        "traits": sorted(life.traits),
        "operations": operations,
        "leftover": rest,
    }


def _operation(operation: str, record: dict[str, Any], **more: Any) -> Operation:
    usual = {"part": "", "submission": 1, "updates": 0, "is_own": False, "typed": 0, "held": "surely"}
    return {"operation": operation, **usual, **more, "record": record}


def _parts(
    operation: str, found: list[tuple[Part, dict[str, Any]]], *key_fields: str, can_type: bool = False
) -> list[Operation]:
    return [
        _operation(
            operation,
            record,
            part="|".join(str(record[field]) for field in key_fields),
            submission=part.submission,
            is_own=can_type and part.is_typed,
            typed=int(can_type and part.is_typed),
        )
        for part, record in found
    ]


def _order_line(life: Life, history: list[State]) -> Line:
    """The order as it was changed last; of a case that was merged it stays, as nothing takes it back there."""
    orders = [workorders.order(state) for state in history]
    merged_before = history[-1].merged_before
    if merged_before is not None and "workorders" in merged_before:
        return _line("workorders", life, [])
    updates = sum(before != after for before, after in pairwise(orders))
    parked = [] if merged_before is None else [["order", "retraction_not_taken"]]
    return _line("workorders", life, [_operation("create", orders[-1], updates=updates)], parked=parked)


def _assigned_lines(life: Life, last: State) -> Iterator[Line]:
    """The hotline's own call with what assignees did, and each assignee's turns, closed where they are over."""
    typed = _operation("create", assignment.call(last), is_own=True, typed=1)
    yield _line("hotline", life, [typed, *_parts("progress", list(assignment.progress(last)), "node", "at")])
    for system, (code, make, end) in assignment.ASSIGNEES.items():
        operations = []
        for turn in (turn for turn in assignment.turns(last) if turn.code == code):
            part = {"part": str(turn.round_no)}
            operations.append(_operation("create", make(last.case, turn), submission=turn.began.submission, **part))
            if turn.ended_by is not None:
                closing = end(turn, turn.ended_by)
                operations.append(_operation("close", closing, submission=turn.ended_by.submission, **part))
        if operations:
            yield _line(system, life, operations)


def _province_line(life: Life, history: list[State]) -> Line:
    """Province keeps what it took first: what was corrected after is parked here, as it cannot be taken."""
    taken, last = _first_taken(history), history[-1]
    now, then = province.basic_info(last), province.basic_info(taken)
    operations = [_operation("receiveBasicInfo", then)]
    operations += _parts("receiveProc", province.steps(last), "sn")
    operations += _parts("receiveSpecialnode", province.specials(last), "sn")
    files, late = _files(taken, last)
    operations += _parts("receiveApplyFile", files, "attrid")
    operations += _parts("receiveDone", province.dones(last))
    if last.withdrawal is not None:
        voided = _operation("receiveDone", province.voided(last), submission=last.submission)
        return _line("province", life, _withdrawn("province", last, operations, voided))
    is_changed = _without(now, "acceptlist") != _without(then, "acceptlist")
    late = (["basic_info"] if is_changed else []) + late
    return _line("province", life, operations, parked=[[message, "correction_not_taken"] for message in late])


def _files(taken: State, last: State) -> tuple[list[tuple[Part, dict[str, Any]]], list[str]]:
    """Files as province took them first, and the message of each that would say something else by now."""
    first = {part.content["id"]: record for part, record in province.files(taken)}
    now = province.files(last)
    told = [(part, first.get(part.content["id"], record)) for part, record in now]
    late = ["material" for (_, before), (_, after) in zip(told, now, strict=True) if before != after]
    return told, late


def _food_line(life: Life, history: list[State]) -> Line:
    last = history[-1]
    events = _parts("event", food.events(last), "kind", "at", can_type=True)
    if not food.takes(last):
        return _line("food", life, [], parked=[["application", None]], pending=len(events))
    how = {"updates": _updates(life, history) + (WRONG_DAYS in life.traits), **_typing(history)}
    operations = [_operation("create", food.application(last), **how), *events]
    if last.withdrawal is not None:
        record = food.withdrawn(last)
        part = "|".join((record["kind"], record["at"]))
        operations = _withdrawn(
            "food", last, operations, _operation("event", record, part=part, submission=last.submission)
        )
    return _line("food", life, operations)


def _withdrawn(system: str, state: State, operations: list[Operation], retraction: Operation) -> list[Operation]:
    """What a withdrawn case leaves at a system: nothing, or what was taken by then and what takes that back."""
    if state.withdrawal is None or system in state.withdrawal.unreached:
        return []
    is_sure = system in state.withdrawal.waited_for
    held = {"held": "surely" if is_sure else "perhaps"}
    return [*(one | held for one in operations), retraction | {"held": "surely" if is_sure else "if_any"}]


def _updates(life: Life, history: list[State]) -> int:
    """How often we change food's application; what its own clerks changed needs no update."""
    count = 0
    for before, after in pairwise(state for state in history if food.takes(state)):
        if food.application(before) == food.application(after):
            continue
        if after.typed is None:
            _check_gate(after, life)
            count += 1
        elif after.typed.application == "none":
            raise ValueError(f"expected food to type in what it changes of {life.case_no}, got a change untyped")
    return count


def _typing(history: list[State]) -> dict[str, Any]:
    """Whose record the application is, and how often food's clerks typed it; what it does not hold they do not type."""
    is_own, count = False, 0
    for before, after in pairwise([None, *history]):
        if after is None or after.typed is None:
            continue
        is_own = is_own or after.typed.application == "new"
        is_changed = before is None or food.application(before) != food.application(after)
        count += after.typed.application == "new" or is_changed
    return {"is_own": is_own, "typed": count}


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
