"""An explanation as a JSON document, for machines and for the way from one process to another, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from syncgate.documents import Place
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
    slots_below,
)
from syncgate.mapping.results import Fault, Mapped, Result, Unmappable, WaitsFor

Json = Any
Say = Callable[[str], str]
"""Gives a sentence of ours in the reader's language."""

ADVICE: Final = {
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


def document_of(explanation: Explanation, *, say: Say = str) -> dict[str, Json]:
    """The mapping with its place, what became of the payload, and its fields with their traces."""
    return _Writing(say).document(explanation)


def given_document(given: Given, *, say: Say = str) -> dict[str, Json]:
    """One value, or why there is none or none is shown."""
    told: dict[str, Json] = _Writing(say).given(given)
    return told


class _Writing:
    """Writes an explanation in one language."""

    def __init__(self, say: Say) -> None:
        self.say = say

    def document(self, explanation: Explanation) -> dict[str, Json]:
        told = {"mapping": explanation.mapping, "place": str(explanation.place), **_result(explanation.result)}
        return {**told, "fields": [self.slot(slot) for slot in explanation.slots]}

    def slot(self, slot: Slot) -> Json:
        told: Json = {"field": slot.field, "fate": slot.fate}
        if slot.item_no is not None:
            told["item"] = slot.item_no
        if slot.test is not None:
            told["where"] = self.test(slot.test)
        if slot.fault is not None and slot.trace is not None:
            told["fault"] = self.fault(slot.fault, failing_step(slot.trace))
        if slot.trace is not None:
            told["from"] = self.trace(slot.trace)
        return told

    def fault(self, fault: Fault, failed: Trace) -> Json:
        return {
            "rule": fault.rule,
            "path": fault.path,
            "detail": self.say(fault.detail),
            "failed_at": str(failed.place),
            "advice": self.say(ADVICE[fault.rule]),
        }

    def trace(self, trace: Trace) -> Json:
        told = {"operation": trace.word, "detail": trace.detail, "place": str(trace.place), **self.given(trace.given)}
        if trace.at is not None:
            told["read_at"] = list(trace.at)
        parts = {
            "of": [self.trace(below) for below in trace.of],
            "tests": [self.test(test) for test in trace.tests],
            "steps": [self.step(step) for step in trace.steps],
            "made_of": [self.slot(slot) for slot in trace.slots],
        }
        return told | {name: listed for name, listed in parts.items() if listed}

    def step(self, step: Step) -> Json:
        told: Json = {"step": step.word}
        told |= {"detail": step.detail} if step.detail else {}
        told |= {"says": self.say(step.says)} if step.says else {}
        told |= {"before": self.given(step.before)} if step.before is not None else {}
        told |= {"after": self.given(step.after)} if step.after is not None else {}
        return told | ({"place": str(step.place)} if step.place is not None else {})

    def test(self, test: Test) -> Json:
        told: Json = {"condition": test.word, "holds": test.holds, "place": str(test.place)}
        told |= {"of": [self.trace(operand) for operand in test.of]} if test.of else {}
        return told | ({"tests": [self.test(inner) for inner in test.tests]} if test.tests else {})

    def given(self, given: Given) -> Json:
        match given:
            case Value(json):
                return {"value": json}
            case Hidden(kind, count):
                return {"hidden": kind} | ({"count": count} if count is not None else {})
            case Absent():
                return {"absent": True}
            case Failed(rule, detail):
                return {"failed": rule, "why": self.say(detail)}
            case Waits(system):
                return {"waits_for": system}


def _result(result: Result) -> Json:
    match result:
        case Mapped():
            return {"result": "mapped"}
        case Unmappable():
            return {"result": "faults"}
        case WaitsFor(system):
            return {"result": "waits", "waits_for": system}


def explanation_of(told: Json) -> Explanation:
    """The explanation that `document_of` wrote; its result is without payload."""
    slots = _slots(told["fields"])
    return Explanation(told["mapping"], _place(told["place"]), slots, _result_of(told, slots))


def _result_of(told: Json, slots: tuple[Slot, ...]) -> Result:
    match told["result"]:
        case "mapped":
            return Mapped(None)
        case "waits":
            return WaitsFor(told["waits_for"])
        case _:
            return Unmappable(tuple(slot.fault for slot in slots_below(slots) if slot.fault is not None))


def _slots(listed: Iterable[Json]) -> tuple[Slot, ...]:
    return tuple(_slot(told) for told in listed)


def _slot(told: Json) -> Slot:
    fault = told.get("fault")
    return Slot(
        field=told["field"],
        fate=told["fate"],
        trace=_trace(told["from"]) if "from" in told else None,
        test=_test(told["where"]) if "where" in told else None,
        fault=Fault(told["field"], fault["rule"], fault["path"], fault["detail"]) if fault is not None else None,
        item_no=told.get("item"),
    )


def _trace(told: Json) -> Trace:
    return Trace(
        place=_place(told["place"]),
        word=told["operation"],
        detail=told["detail"],
        given=_given(told),
        steps=tuple(_step(step) for step in told.get("steps", ())),
        of=tuple(_trace(below) for below in told.get("of", ())),
        tests=tuple(_test(test) for test in told.get("tests", ())),
        slots=_slots(told.get("made_of", ())),
        at=tuple(told["read_at"]) if "read_at" in told else None,
    )


def _step(told: Json) -> Step:
    return Step(
        word=told["step"],
        detail=told.get("detail", ""),
        says=told.get("says", ""),
        before=_given(told["before"]) if "before" in told else None,
        after=_given(told["after"]) if "after" in told else None,
        place=_place(told["place"]) if "place" in told else None,
    )


def _test(told: Json) -> Test:
    of, tests = told.get("of", ()), told.get("tests", ())
    return Test(
        _place(told["place"]), told["condition"], told["holds"], tuple(map(_trace, of)), tuple(map(_test, tests))
    )


def _given(told: Json) -> Given:
    if "value" in told:
        return Value(told["value"])
    if "hidden" in told:
        return Hidden(told["hidden"], told.get("count"))
    if "failed" in told:
        return Failed(told["failed"], told["why"])
    return Waits(told["waits_for"]) if "waits_for" in told else Absent()


def _place(told: str) -> Place:
    file, line, column = told.rsplit(":", 2)
    return Place(file, int(line), int(column))
