"""An explanation of a mapping as JSON for machines."""

from __future__ import annotations

from typing import Any

from syncgate.mapping.explanation import (
    Absent,
    Explanation,
    Failed,
    Given,
    Hidden,
    Slot,
    Step,
    Test,
    Trace,
    Value,
    Waits,
    failing_step,
)
from syncgate.mapping.results import Mapped, Unmappable

Json = dict[str, Any]

ADVICE = {
    "missing": "enter the value, or say in the mapping what holds without it: optional or when_absent",
    "unmapped_code": "add the code to the table, or correct it where it was entered",
    "no_row": "add a row to the site table that holds for this key at that time, or correct the key",
    "unencodable": "enter another character, or name in the mapping a wider charset or an unencodable table",
    "too_long": "shorten the text where it was entered, or let the mapping say 'beyond: cut'",
    "not_a_number": "correct the number where it was entered; parse_number reads units and separators",
    "not_an_integer": "correct the number where it was entered, or let the mapping round it",
    "too_precise": "correct the number where it was entered, or let the mapping round it",
    "not_a_time": "correct the time where it was entered, or add its format to the mapping",
    "wrong_type": "the source sends another kind of value here than the mapping expects: correct either",
    "function_failed": "correct the function, or what the mapping gives it",
}
"""What to do, by the rule of a fault."""


def as_json(explanation: Explanation) -> Json:
    """The mapping's name, what became of the payload, and its fields with their traces."""
    return {
        "mapping": explanation.mapping,
        "result": result_of(explanation),
        "fields": [_slot(slot) for slot in explanation.slots],
    }


def result_of(explanation: Explanation) -> str:
    """What became of the payload: mapped, faults, or waits."""
    match explanation.result:
        case Mapped():
            return "mapped"
        case Unmappable():
            return "faults"
        case _:
            return "waits"


def _slot(slot: Slot) -> Json:
    told: Json = {"field": slot.field, "fate": slot.fate}
    if slot.item_no is not None:
        told["item"] = slot.item_no
    if slot.test is not None:
        told["where"] = _test(slot.test)
    if slot.fault is not None and slot.trace is not None:
        told["fault"] = {
            "rule": slot.fault.rule,
            "path": slot.fault.path,
            "detail": slot.fault.detail,
            "failed_at": str(failing_step(slot.trace).place),
            "advice": ADVICE[slot.fault.rule],
        }
    if slot.trace is not None:
        told["from"] = _trace(slot.trace)
    return told


def _trace(trace: Trace) -> Json:
    told: Json = {"operation": trace.word, "detail": trace.detail, "place": str(trace.place), **_given(trace.given)}
    if trace.at is not None:
        told["read_at"] = list(trace.at)
    parts = {
        "of": [_trace(below) for below in trace.of],
        "tests": [_test(test) for test in trace.tests],
        "steps": [_step(step) for step in trace.steps],
        "made_of": [_slot(slot) for slot in trace.slots],
    }
    return {**told, **{name: listed for name, listed in parts.items() if listed}}


def _step(step: Step) -> Json:
    told: Json = {"step": step.word, "detail": step.detail}
    if step.before is not None:
        told["before"] = _given(step.before)
    if step.after is not None:
        told["after"] = _given(step.after)
    if step.place is not None:
        told["place"] = str(step.place)
    return told


def _test(test: Test) -> Json:
    told: Json = {"condition": test.word, "holds": test.holds, "place": str(test.place)}
    if test.of:
        told["of"] = [_trace(operand) for operand in test.of]
    if test.tests:
        told["tests"] = [_test(inner) for inner in test.tests]
    return told


def _given(given: Given) -> Json:
    match given:
        case Value(json):
            return {"value": json}
        case Hidden(kind):
            return {"hidden": kind}
        case Absent():
            return {"absent": True}
        case Failed(rule, detail):
            return {"failed": rule, "why": detail}
        case Waits(system):
            return {"waits_for": system}
