"""Item E, calls that the hotline assigns: to urban, given back, to ecology, answered, taken up again (story 7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, Literal

from syncgate.sandbox.city.applications import CHINA, instant
from syncgate.sandbox.city.identities import DISTRICTS, person
from syncgate.sandbox.city.places import (
    DISTRICT_NAMES,
    ECOLOGY_CLERK,
    ECOLOGY_OFFICE,
    STREETS,
    URBAN_CLERK,
    URBAN_OFFICE,
)
from syncgate.sandbox.city.script import CASES, STAGES, Call, Gate, Life

Who = Literal["hotline", "urban", "ecology"]
Case = dict[str, Any]

FIRST_PERSON = 7000
"""Serials of callers from here on belong to this item."""
OFFICES: dict[str, dict[str, str]] = {"urban": URBAN_OFFICE, "ecology": ECOLOGY_OFFICE}
CLERKS: dict[str, dict[str, str]] = {"urban": URBAN_CLERK, "ecology": ECOLOGY_CLERK}
NUMBERS = {"urban": "CGAJ{:06d}", "ecology": "HBXF{:06d}"}
"""What each calls a call in its own registers."""
TEXTS = ("夜间施工，持续到凌晨两点。\n希望尽快处理😀", "每天早上占用人行道摆摊", "工地打桩，" + "噪声很大，" * 40)


@dataclass
class _Talk:
    """The calls about one case, in the order in which they are made; every stage is an hour after the last."""

    case: Case
    serial: int
    now: datetime
    calls: list[Call] = field(default_factory=list)
    stage_count: int = 0
    known_to: set[Who] = field(default_factory=set)

    def say(self, who: Who, *stages: dict[str, Any], after: tuple[Gate, ...] = ()) -> None:
        """One call that brings these stages; the first one of each brings its own number along."""
        body: Case = {"stages": [self._stage(who, stage) for stage in stages]}
        path = STAGES
        if who not in self.known_to:
            path, body = CASES, self._first(who) | body
            self.known_to.add(who)
        self.calls.append(Call("POST", path, body, source=who, after=after))

    def _stage(self, who: Who, said: dict[str, Any]) -> dict[str, Any]:
        self.stage_count += 1
        self.now += timedelta(hours=1)
        own = {"org": dict(OFFICES[who]), "handler": dict(CLERKS[who])} if who in OFFICES else {}
        return {"id": f"S{self.stage_count:02d}", "at": instant(self.now), **own, **said}

    def _first(self, who: Who) -> Case:
        if who == "hotline":
            return self.case
        known = {name: self.case[name] for name in ("kind", "item", "applied_at", "location")}
        number = {"case_no": NUMBERS[who].format(self.serial), "references": {"hotline": self.case["case_no"]}}
        return known | number


def assigned_life(random: Random, serial: int) -> Life:
    """Two of three are noise, which goes from urban to ecology and back to it; the third is a stall, urban's own."""
    at = datetime(2026, 4, 2, 7, 0, serial % 60, tzinfo=CHINA) + timedelta(minutes=serial * 53)
    is_noise, is_confidential = serial % 3 != 0, serial % 10 == 3
    case = _case(random, serial, at=at, is_noise=is_noise, is_confidential=is_confidential)
    talk = _Talk(case, serial, at)
    (_noise if is_noise else _stall)(talk)
    traits = {"assigned", "noise" if is_noise else "stall", *(["confidential"] if is_confidential else [])}
    return Life(case["case_no"], frozenset(traits), tuple(talk.calls))


def _noise(talk: _Talk) -> None:
    talk.say("hotline", {"kind": "applied"}, {"kind": "assigned", "assignee": dict(URBAN_OFFICE)})
    talk.say(
        "urban",
        {"kind": "signed"},
        {"kind": "return_requested", "reason": "工地噪声不属于本单位职责"},
        after=(Gate("urban", "task"),),
    )
    talk.say(
        "hotline",
        {"kind": "return_agreed", "reason": "职责不符，同意退单"},
        {"kind": "reassigned", "assignee": dict(ECOLOGY_OFFICE)},
    )
    talk.say(
        "ecology",
        {"kind": "signed"},
        {"kind": "extension_requested", "reason": "需要夜间监测"},
        after=(Gate("ecology", "item"),),
    )
    talk.say("hotline", {"kind": "urged"}, {"kind": "extension_agreed"})
    talk.say("ecology", {"kind": "replied", "opinion": "已约谈施工单位"})
    talk.say(
        "hotline",
        {"kind": "called_back", "result": "dissatisfied"},
        {"kind": "reopened", "reason": "夜间仍在施工"},
        {"kind": "supervised"},
    )
    talk.say(
        "ecology",
        {"kind": "replied", "opinion": "已责令夜间停工"},
        after=(Gate("ecology", "conclusion"), Gate("ecology", "item")),
    )
    talk.say("hotline", {"kind": "called_back", "result": "satisfied"}, {"kind": "finished"})


def _stall(talk: _Talk) -> None:
    talk.say("hotline", {"kind": "applied"}, {"kind": "assigned", "assignee": dict(URBAN_OFFICE)})
    talk.say("urban", {"kind": "signed"}, {"kind": "step", "name": "现场处置"}, after=(Gate("urban", "task"),))
    talk.say("urban", {"kind": "replied", "opinion": "已劝离占道摊贩"})
    talk.say("hotline", {"kind": "called_back", "result": "satisfied"}, {"kind": "finished"})


def _case(random: Random, serial: int, *, at: datetime, is_noise: bool, is_confidential: bool) -> Case:
    who, region = person(random, FIRST_PERSON + serial), random.choice(DISTRICTS)
    case: Case = {
        "kind": "hotline",
        "case_no": f"12345{at:%Y%m%d}{serial:06d}",
        "item": {"name": "夜间施工噪声" if is_noise else "占道经营"},
        "applied_at": instant(at),
        "channel": "phone",
        "contact": {"name": who.name, "mobile": who.mobile},
        "location": {
            "text": f"{DISTRICT_NAMES[region]}{random.choice(STREETS)}{serial}号旁",
            "region_code": region,
            "lon": round(99.02 + serial / 1000, 4),
            "lat": round(1.02 + serial / 1000, 4),
            "crs": "CGCS2000",
        },
        "description": random.choice(TEXTS),
        "form": {
            "诉求类型": random.choice(("2", "3", "4")),
            "分类": "城市管理/噪声污染/夜间施工" if is_noise else "城市管理/市容环境/占道经营",
            "发生时间": instant(at - timedelta(hours=2)),
            "紧急程度": "2" if serial % 7 == 0 else "1",
        },
    }
    return case | ({"is_confidential": True} if is_confidential else {})
