"""Item D, 占用、挖掘城市道路审批: experts are heard, a fee is paid, and some is corrected after the end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any

from syncgate.sandbox.city.applications import CHINA, instant
from syncgate.sandbox.city.identities import DISTRICTS, credit_code, person
from syncgate.sandbox.city.places import (
    CASHIER,
    DISTRICT_NAMES,
    ROAD_DECIDER,
    ROAD_ITEM,
    ROAD_REVIEWER,
    STREETS,
    URBAN_OFFICE,
    WINDOW_A,
)
from syncgate.sandbox.city.script import CASES, ONE_CASE, STAGES, Call, Gate, Life
from syncgate.sandbox.city.stages import Diary, Stage

Case = dict[str, Any]

FIRST_PERSON = 6000
"""Serials of persons and companies from here on belong to this item."""
PROVINCE_HAS_ALL = tuple(Gate("province", message) for message in ("basic_info", "step", "material", "done"))


@dataclass(frozen=True, slots=True)
class RoadTurns:
    """What happens in a life of this item."""

    has_special: bool = True
    is_refused: bool = False
    is_corrected: bool = False


def road_life(random: Random, serial: int) -> Life:
    """One permission, by serial: 5 % refused, most with experts, 3 % corrected after the end."""
    turns = RoadTurns(has_special=serial % 4 != 2, is_refused=serial % 20 == 9, is_corrected=serial % 30 == 16)
    case, applied_at = road_case(random, serial)
    happened = road_stages(applied_at, turns, serial=serial)
    cut = random.choice((len(happened), 2, 3))
    calls = [Call("POST", CASES, case | {"stages": happened[:cut]})]
    if happened[cut:]:
        calls.append(Call("POST", STAGES, {"stages": happened[cut:]}, idempotency_key=f"road-{serial:04d}"))
    if turns.is_corrected:
        calls.append(_correct_company(random, case, happened))
    traits = {
        "roads": True,
        "special": turns.has_special,
        "refused_licence": turns.is_refused,
        "corrected_after_end": turns.is_corrected,
    }
    return Life(case["case_no"], frozenset(name for name, is_so in traits.items() if is_so), tuple(calls))


def road_case(random: Random, serial: int) -> tuple[Case, datetime]:
    """A case without its stages, and when it was applied for."""
    applied_at = datetime(2026, 3, 3, tzinfo=CHINA) + timedelta(days=serial % 30, hours=9, seconds=serial * 7)
    region, owner = random.choice(DISTRICTS), person(random, FIRST_PERSON + serial)
    company = {
        "name": f"{DISTRICT_NAMES[region]}示例第{serial}道路工程有限公司",
        "uscc": credit_code(f"91{region}MA{FIRST_PERSON + serial:07d}"),
    }
    case: Case = {
        "kind": "application",
        "case_no": f"{ROAD_ITEM['task_code']}{applied_at:%Y%m%d}{serial:04d}",
        "case_class": "promised",
        "title": f"关于{company['name']}的占用、挖掘城市道路审批",
        "query_password": f"{random.randint(0, 999999):06d}",
        "item": dict(ROAD_ITEM),
        "applicant": {
            "type": "enterprise",
            "name": company["name"],
            "id_type": "001",
            "id_no": company["uscc"],
            "legal_rep": owner.name,
        },
        "contact": {"name": owner.name, "mobile": owner.mobile},
        "accept_org": dict(URBAN_OFFICE),
        "region_code": region,
        "channel": "window",
        "applied_at": instant(applied_at),
        "promised_at": instant(applied_at + timedelta(days=11)),
        "limits": {"promise": {"value": 7, "unit": "working_day"}, "statutory": {"value": 20, "unit": "working_day"}},
        "form": _form(random, serial, company=company, begins=applied_at + timedelta(days=20)),
        "materials": _materials(serial),
    }
    return case, applied_at


def _form(random: Random, serial: int, *, company: dict[str, str], begins: datetime) -> dict[str, Any]:
    length = random.choice((12, 36.5, 80))
    return {
        "道路名称": random.choice(STREETS),
        "起止桩号": f"K{serial % 9}+{120 + serial}～K{serial % 9}+{180 + serial}",
        "占用面积": round(length * 1.5, 2),
        "挖掘长宽深": {"长": length, "宽": 1.2, "深": 1.5},
        "占用起止日期": [f"{begins:%Y-%m-%d}", f"{begins + timedelta(days=15):%Y-%m-%d}"],
        "施工单位": {"名称": company["name"], "统一社会信用代码": company["uscc"]},
        "中心坐标": {"lon": 99.01 + serial / 10000, "lat": 1.01 + serial / 10000},
        "修复费": {"amount": "12600.00", "currency": "CNY"},
    }


def _materials(serial: int) -> list[dict[str, Any]]:
    drawings = {
        "id": "M02",
        "name": "施工图纸",
        "file_name": f"施工图纸{serial:04d}.zip",
        "media_type": "application/zip",
        "size": 50 * 1024 * 1024,
        "sha256": sha256(f"{serial}/施工图纸".encode()).hexdigest(),
        "get_type": "2",
    }
    return [
        {"id": "M01", "name": "申请表", "get_type": "1"},
        drawings,
        {"id": "M03", "name": "交通导行方案", "get_type": "1", "count": 2},
        {"id": "M04", "name": "应急预案", "get_type": "1"},
    ]


def road_stages(applied_at: datetime, turns: RoadTurns, *, serial: int) -> list[Stage]:
    """All stages of a life that comes to its end."""
    diary = Diary(now=applied_at)
    diary.add("applied", hours=0)
    diary.add("accepted", handler=WINDOW_A, hours=1, opinion="材料齐全，予以受理")
    if turns.has_special:
        special = {"type": "2", "name": "专家论证", "limit": {"value": 5, "unit": "working_day"}}
        diary.add("special_started", handler=ROAD_REVIEWER, special=special, reason="涉及主干路，需组织专家论证")
        diary.add("special_ended", handler=ROAD_REVIEWER, hours=168, special=dict(special))
    verdict = "disagree" if turns.is_refused else "agree"
    diary.add("step", name="审核", handler=ROAD_REVIEWER, result=verdict)
    diary.add("decided", handler=ROAD_DECIDER, result=verdict, hours=20)
    if turns.is_refused:
        decision = {"result_code": "7", "description": "施工方案不能保障道路安全，不予许可"}
        diary.add("finished", handler=ROAD_DECIDER, decision=decision)
        return diary.stages
    diary.add("step", name="缴费", handler=CASHIER, opinion="已缴城市道路挖掘修复费")
    diary.add("finished", handler=ROAD_DECIDER, decision=_approval(serial, at=diary.now))
    diary.add("picked_up", pickup={"way": "window"}, hours=24)
    return diary.stages


def _approval(serial: int, *, at: datetime) -> dict[str, Any]:
    return {
        "result_code": "6",
        "licence": {
            "name": "占用挖掘城市道路许可证",
            "no": f"DL2990100{serial:07d}",
            "valid_to": f"{at + timedelta(days=45):%Y-%m-%d}",
            "issuer": URBAN_OFFICE["name"],
        },
        "is_delivered": True,
        "fee": {"amount": "12600.00", "currency": "CNY"},
    }


def _correct_company(random: Random, case: Case, happened: list[Stage]) -> Call:
    """After the end it turns out that the construction unit's code was wrong."""
    code = credit_code(f"91{case['region_code']}MA{random.randint(7_000_000, 7_999_999)}")
    stage = {
        "id": f"S{len(happened) + 1:02d}",
        "kind": "corrected",
        "at": _a_week_after(happened[-1]["at"]),
        "handler": dict(WINDOW_A),
        "reason": "施工单位统一社会信用代码填写有误",
    }
    form = {"施工单位": {"统一社会信用代码": code}}
    body = {"applicant": {"id_no": code}, "form": form, "stages": [stage]}
    return Call("PATCH", ONE_CASE, body, after=PROVINCE_HAS_ALL)


def _a_week_after(at: str) -> str:
    return instant(datetime.fromisoformat(at) + timedelta(days=7))
