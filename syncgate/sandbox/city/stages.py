"""The life of an application, as stages in the order in which they happen."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from syncgate.sandbox.city.applications import instant
from syncgate.sandbox.city.places import (
    DATA_OFFICE,
    DECIDER,
    INSPECTOR,
    MARKET_OFFICE,
    PRINTER,
    REVIEWER,
    WINDOW_A,
    WINDOW_B,
)

Stage = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Turns:
    """What happens in a life."""

    is_declined: bool = False
    has_supplement: bool = False
    has_special: bool = False
    is_refused: bool = False
    is_open: bool = False
    has_pickup: bool = False
    has_evaluation: bool = False


@dataclass(slots=True)
class Diary:
    """Appends stages, each later than the one before."""

    now: datetime
    stages: list[Stage] = field(default_factory=list)

    def add(self, kind: str, *, handler: dict[str, str] | None = None, hours: float = 5, **rest: Any) -> None:
        """Append a stage `hours` after the last one; arguments that are None are left out."""
        self.now += timedelta(hours=hours)
        stage: Stage = {"id": f"S{len(self.stages) + 1:02d}", "kind": kind, "at": instant(self.now)}
        if handler is not None:
            stage["handler"] = dict(handler)
        stage.update({key: value for key, value in rest.items() if value is not None})
        self.stages.append(stage)

    def later(self, hours: float) -> str:
        """The time that many hours after the next stage's start."""
        return instant(self.now + timedelta(hours=5 + hours))


def stages(random: Random, *, applied_at: datetime, turns: Turns, serial: int) -> list[Stage]:
    """All stages of one life, ids S01, S02 …"""
    diary = Diary(now=applied_at)
    diary.add("applied", hours=0)
    if turns.is_declined:
        diary.add("declined", handler=WINDOW_A, reason="不属于本机关职权范围", opinion="请向有权机关申请")
        return diary.stages
    _accept(random, diary, turns)
    if turns.has_special:
        _special(diary)
    diary.add("step", name="现场核查", handler=INSPECTOR, opinion=random.choice(("现场符合要求", None)))
    if turns.is_open:
        return diary.stages
    _decide(random, diary, turns, serial=serial)
    return diary.stages


def _accept(random: Random, diary: Diary, turns: Turns) -> None:
    if random.random() < 0.1:
        diary.add("preaccepted", result="1", handler=WINDOW_B)
    org = random.choice((None, None, dict(DATA_OFFICE)))
    if turns.has_supplement:
        diary.add(
            "supplement_requested",
            handler=WINDOW_A,
            org=org,
            reason="平面布局图缺少尺寸",
            materials=["经营场所平面布局图"],
        )
        diary.add("supplement_received", handler=WINDOW_B, hours=72, materials=["经营场所平面布局图"])
    diary.add("accepted", handler=WINDOW_A, org=org, opinion=random.choice(("材料齐全，予以受理", None)))


def _special(diary: Diary) -> None:
    special = {"type": "2", "name": "专家论证", "limit": {"value": 5, "unit": "working_day"}}
    diary.add("special_started", handler=REVIEWER, special=special, reason="工艺流程需专家论证")
    diary.add("special_ended", handler=REVIEWER, hours=120, special=dict(special))


def _decide(random: Random, diary: Diary, turns: Turns, *, serial: int) -> None:
    verdict = "disagree" if turns.is_refused else "agree"
    ended_at = random.choice((None, diary.later(2)))
    diary.add("step", name="审核", handler=REVIEWER, result=verdict, ended_at=ended_at, org=dict(MARKET_OFFICE))
    opinion = "不符合许可条件" if turns.is_refused else "符合许可条件"
    diary.add("decided", handler=DECIDER, result=verdict, opinion=opinion)
    if turns.is_refused:
        decision: dict[str, Any] = {"result_code": "7", "description": "经营场所不符合食品安全要求，不予许可"}
        diary.add("finished", handler=DECIDER, decision=decision)
        return
    if random.random() < 0.3:
        diary.add("step", name="制证", handler=PRINTER)
    diary.add("finished", handler=PRINTER, decision=_approval(random, serial, at=diary.now))
    if turns.has_pickup:
        diary.add("picked_up", pickup={"name": "王样本", "way": "window"}, hours=24)
    if turns.has_evaluation:
        diary.add("evaluated", evaluation={"channel": "1", "satisfaction": "satisfied"}, hours=30)


def _approval(random: Random, serial: int, *, at: datetime) -> dict[str, Any]:
    decision: dict[str, Any] = {
        "result_code": "6",
        "licence": {
            "name": "食品经营许可证",
            "no": f"JY2990100{serial:07d}",
            "valid_to": f"{at.year + 5}-{at.month:02d}-{min(at.day, 28):02d}",
            "issuer": MARKET_OFFICE["name"],
        },
    }
    if random.random() < 0.5:
        decision["is_delivered"] = random.random() < 0.6
    if random.random() < 0.2:
        decision["fee"] = {"amount": random.choice(("20.00", "35.50")), "currency": "CNY"}
    return decision
