"""How a window's calls for one case fall: all at once, in two goes, or one or two stages at a time."""

from __future__ import annotations

from copy import deepcopy
from random import Random
from typing import Any

from syncgate.sandbox.city.script import BOTH_HOLD_IT, CASES, ONE_CASE, STAGES, Call, Gate
from syncgate.sandbox.city.stages import Stage

Case = dict[str, Any]


def first_calls(random: Random, case: Case, stages: list[Stage], *, is_whole: bool = False) -> list[Call]:
    """The calls that bring a case and all its stages; `is_whole`: all in the first."""
    cut = random.choice((len(stages), len(stages), min(2, len(stages)), 1, 0))
    cut = len(stages) if is_whole else cut
    body = deepcopy(case)
    if stages[:cut]:
        body["stages"] = stages[:cut]
    key = f"post-{case['case_no'][-12:]}" if random.random() < 0.5 else None
    calls = [Call("POST", CASES, body, idempotency_key=key, times=random.choice((1,) * 9 + (2,)))]
    return calls + _stage_calls(random, case, stages[cut:])


def _stage_calls(random: Random, case: Case, stages: list[Stage]) -> list[Call]:
    calls = []
    while stages:
        size = random.choice((1, 2, 3, 9))
        batch, stages = stages[:size], stages[size:]
        key = f"stages-{case['case_no'][-12:]}-{batch[0]['id']}" if random.random() < 0.7 else None
        calls.append(Call("POST", STAGES, {"stages": batch}, idempotency_key=key))
    return calls


def correct_mobile(mobile: str) -> Call:
    """A phone number is corrected after both systems took the old one."""
    return Call("PATCH", ONE_CASE, {"contact": {"mobile": mobile}}, after=BOTH_HOLD_IT)


def restore_mobile(mobile: str) -> Call:
    """The corrected number turns out to have been right at first; only food holds the correction by then."""
    return Call("PATCH", ONE_CASE, {"contact": {"mobile": mobile}}, after=(Gate("food", "application"),))


def correct_area(area: float) -> Call:
    """Something is corrected that only food holds."""
    return Call("PATCH", ONE_CASE, {"form": {"经营面积": area}}, after=BOTH_HOLD_IT)


def replace_title(case: Case, title: str) -> Call:
    """The whole case is put again with another title, which only province holds."""
    return Call("PUT", ONE_CASE, _without_parts(case) | {"title": title}, after=BOTH_HOLD_IT)


def post_again(case: Case, premises: str) -> Call:
    """The whole case is posted again with other premises, which only food holds."""
    body = _without_parts(case)
    body["form"]["经营场所"] = premises
    return Call("POST", CASES, body, after=BOTH_HOLD_IT)


def add_material(case: Case, name: str) -> Call:
    """One more material is brought; food's record lists it, province gets one more file."""
    number = len(case["materials"]) + 1
    material = {"id": f"M{number:02d}", "name": name, "get_type": "1"}
    return Call("PATCH", ONE_CASE, {"materials": [material]}, after=BOTH_HOLD_IT)


def change_email(email: str) -> Call:
    """Something is changed that no system holds: a new revision, and nothing to deliver."""
    return Call("PATCH", ONE_CASE, {"contact": {"email": email}})


def mend_form() -> Call:
    """A code that no table maps is mended after food parked it: food is delivered for the first time."""
    waits = (Gate("province", "basic_info"), Gate("food", "application", "parked"))
    return Call("PATCH", ONE_CASE, {"form": {"主体业态": "2"}}, after=waits)


def _without_parts(case: Case) -> Case:
    return deepcopy({key: value for key, value in case.items() if key not in ("stages", "materials")})
