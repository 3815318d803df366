"""Cases that both food and the window post, each under its own number (story 5)."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from syncgate.sandbox.city.places import INSPECTOR, WINDOW_B
from syncgate.sandbox.city.script import (
    CASES,
    FOOD_HOLDS_IT,
    FOODS_CASE,
    FOODS_NUMBER,
    FOODS_STAGES,
    ONE_CASE,
    STAGES,
    Call,
    Typed,
)

Case = dict[str, Any]
Stage = dict[str, Any]


def food_number(serial: int) -> str:
    """The number that food gives to an application that its own clerks typed in."""
    return f"SPJY2026{500000 + serial:06d}"


def event_base(serial: int) -> int:
    """What the numbers of a case's typed events start from."""
    return 500000 + serial * 40


def said_by_food(calls: list[Call], serial: int) -> list[Call]:
    """The calls of a window as food makes them: what they say is typed in at food before."""
    base = event_base(serial)
    first = replace(calls[0], source="food", typed=Typed(base, "new", food_number(serial)))
    path = {STAGES: FOODS_STAGES, ONE_CASE: FOODS_CASE}
    return [first] + [
        replace(call, source="food", path=path.get(call.path, call.path), typed=Typed(base, _touches(call)))
        for call in calls[1:]
    ]


def _touches(call: Call) -> Any:
    return "none" if call.path == STAGES else "corrected"


def window_joins(case: Case, window_no: str, *, correction: Call | None = None) -> Call:
    """The window posts a case of food's as its own and says which one it is, corrected as that call says."""
    body = _whole(case)
    if correction is not None:
        body = _corrected(body, correction.body)
    body |= {"case_no": window_no, "references": {"food": case["case_no"]}}
    return Call("POST", CASES, body, after=correction.after if correction is not None else ())


def window_step(stages: list[Stage]) -> Call:
    """The window adds a step of its own; food gets it, and nothing else."""
    step = _later(stages, "窗口核对")
    return Call("POST", STAGES, {"stages": [{**step, "handler": dict(WINDOW_B)}]})


def food_joins(case: Case, serial: int, *, correction: Call | None = None) -> Call:
    """Food posts under its own number what we brought it; a correction is typed in at food before."""
    body = _whole(case)
    if correction is not None:
        body = _corrected(body, correction.body)
    body |= {"case_no": FOODS_NUMBER, "references": {"window": case["case_no"]}}
    typed = Typed(event_base(serial), "none" if correction is None else "corrected")
    after = FOOD_HOLDS_IT if correction is None else correction.after
    return Call("POST", CASES, body, source="food", typed=typed, after=after, times=2)


def food_step(stages: list[Stage], serial: int) -> Call:
    """Food reports a step of its own on what it got from us."""
    step = _later(stages, "食品复核")
    body = {"stages": [{**step, "handler": dict(INSPECTOR)}]}
    return Call("POST", FOODS_STAGES, body, source="food", typed=Typed(event_base(serial)))


def said_again(call: Call) -> Call:
    """The same words once more, whoever spoke between; they change nothing."""
    return replace(call, times=1, idempotency_key=None, answer="unchanged", after=(), typed=None)


def typed_too(case: Case, serial: int, *, stages: list[Stage]) -> Call:
    """Food typed in itself what the window posts, and posts it with these stages; it names the window's number."""
    number = food_number(serial)
    body = _whole(case) | {"case_no": number, "references": {"window": case["case_no"]}}
    body["stages"] = deepcopy(stages)
    return Call("POST", CASES, body, source="food", typed=Typed(event_base(serial), "new", number))


def _whole(case: Case) -> Case:
    return deepcopy({key: value for key, value in case.items() if key != "stages"})


def _corrected(body: Case, patch: Case) -> Case:
    """A patch, or a whole case, over the body; materials unite, as everywhere."""
    after = dict(body)
    for key, value in patch.items():
        if key == "materials":
            after[key] = [*body[key], *value]
        elif isinstance(value, dict):
            after[key] = {**body.get(key, {}), **deepcopy(value)}
        else:
            after[key] = value
    return after


def _later(stages: list[Stage], name: str) -> Stage:
    """A step after all others; hours apart for each of them, so that kind and time tell it from its like."""
    number = len(stages) + 1
    at = datetime.fromisoformat(stages[-1]["at"].replace("Z", "+00:00")) + timedelta(hours=number)
    return {"id": f"S{number:02d}", "kind": "step", "name": name, "at": at.isoformat()}
