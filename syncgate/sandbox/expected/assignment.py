"""What the hotline and the assignees must hold of an assigned call, by the rules of docs/reference/example-systems.md.

A turn is one assignee's time at a call: from the stage that assigns it to the one that ends it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from syncgate.sandbox.expected.story import Case, Part, State
from syncgate.sandbox.expected.words import local_time, without_none

Record = dict[str, Any]

URBAN_CODE, ECOLOGY_CODE = "11990100MB00000057", "11990100MB0000007D"
NODES = {"signed": "01", "return_requested": "02", "extension_requested": "03", "step": "04", "replied": "05"}
URBAN_ENDINGS = {"returned": "TD", "reassigned": "ZB", "reopened": "CB", "finished": "BJ"}
KINDS_OF_APPEAL = {"1": "ZX", "2": "QZ", "3": "TS", "4": "JB", "5": "JY"}
HIDDEN = "保密"
"""What stands instead of a caller who asked not to be named, everywhere but at the hotline."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn: whose, which of theirs, the stage that began it, and, where it is over, how and by which stage."""

    code: str
    round_no: int
    began: Part
    ended: str = ""
    ended_by: Part | None = None


def is_assigned(state: State) -> bool:
    """Whether the hotline ever assigned the call."""
    return any(part.content["kind"] == "assigned" for part in state.stages)


def turns(state: State) -> list[Turn]:
    """All turns, in order."""
    found: list[Turn] = []
    counts: dict[str, int] = {}
    is_on = False
    for part in state.stages:
        kind = part.content["kind"]
        ending = {"return_agreed": "returned", "finished": "finished"}.get(kind, kind)
        if is_on and ending in URBAN_ENDINGS:
            found[-1] = Turn(found[-1].code, found[-1].round_no, found[-1].began, ending, part)
            is_on = False
        if kind in ("assigned", "reassigned", "reopened"):
            code = part.content["assignee"]["uscc"] if kind != "reopened" else found[-1].code
            counts[code] = counts.get(code, 0) + 1
            found.append(Turn(code, counts[code], part))
            is_on = True
    return found


def call(state: State) -> Record:
    """What the hotline's operators typed in."""
    case = state.case
    return {
        "orderNo": case["case_no"],
        "title": case["item"]["name"],
        "address": case["location"]["text"],
        "content": case["description"],
        "caller": case["contact"]["name"],
        "phone": case["contact"]["mobile"],
        "confidential": "1" if case.get("is_confidential") else "0",
        "calledAt": local_time(case["applied_at"]),
    }


def progress(state: State) -> Iterator[tuple[Part, Record]]:
    """What the hotline is told of every stage of an assignee, without progressKey."""
    for part in state.stages:
        stage = part.content
        if stage["kind"] in NODES:
            told = {
                "node": NODES[stage["kind"]],
                "at": local_time(stage["at"]),
                "orgName": stage["org"]["name"],
                "orgCode": stage["org"]["uscc"],
                "handler": stage["handler"]["name"],
                "opinion": stage.get("opinion"),
                "reason": stage.get("reason"),
            }
            yield part, without_none(told)


def urban_task(case: Case, turn: Turn) -> Record:
    """A task of urban, without taskKey."""
    form = case["form"]
    return {
        "sourceNo": case["case_no"],
        "round": turn.round_no,
        "title": case["item"]["name"],
        "category": form["分类"],
        "region": case["location"]["region_code"],
        "address": case["location"]["text"],
        "content": case["description"],
        "appealType": form["诉求类型"],
        "urgent": "1" if form["紧急程度"] == "2" else "0",
        "caller": _unless_hidden(case, "name"),
        "phone": _unless_hidden(case, "mobile"),
        "happenedAt": local_time(form["发生时间"]),
        "dispatchedAt": local_time(turn.began.content["at"]),
    }


def urban_closing(turn: Turn, ended_by: Part) -> Record:
    """How a turn of urban ended."""
    said = {"round": turn.round_no, "result": URBAN_ENDINGS[turn.ended], "closedAt": local_time(ended_by.content["at"])}
    return without_none(said | {"reason": ended_by.content.get("reason")})


def ecology_item(case: Case, turn: Turn) -> Record:
    """An item of ecology, without itemKey."""
    return {
        "hotlineNo": case["case_no"],
        "turn": turn.round_no,
        "matter": case["item"]["name"],
        "place": case["location"]["text"],
        "longitude": f"{case['location']['lon']:.4f}",
        "latitude": f"{case['location']['lat']:.4f}",
        "text": case["description"],
        "kind": KINDS_OF_APPEAL[case["form"]["诉求类型"]],
        "petitioner": _unless_hidden(case, "name"),
        "telephone": _unless_hidden(case, "mobile"),
        "receivedAt": local_time(turn.began.content["at"]),
    }


def ecology_conclusion(turn: Turn, ended_by: Part) -> Record:
    """How a turn of ecology ended."""
    said = {"turn": turn.round_no, "conclusion": turn.ended, "at": local_time(ended_by.content["at"])}
    return without_none(said | {"remark": ended_by.content.get("reason")})


def _unless_hidden(case: Case, name: str) -> str:
    return HIDDEN if case.get("is_confidential") else str(case["contact"][name])


Made = Callable[[Case, Turn], Record]
Ended = Callable[[Turn, Part], Record]
ASSIGNEES: dict[str, tuple[str, Made, Ended]] = {
    "urban": (URBAN_CODE, urban_task, urban_closing),
    "ecology": (ECOLOGY_CODE, ecology_item, ecology_conclusion),
}
"""By system: whose turns are its own, and what it holds of the beginning and of the end of each."""
