"""Item B, 残疾人两项补贴资格认定: what is known of a citizen at three offices, and typed by hand into a fourth."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

from syncgate.sandbox.city.applications import CHINA, instant
from syncgate.sandbox.city.identities import Person, person
from syncgate.sandbox.city.places import (
    CIVIL_CLERK,
    CIVIL_OFFICE,
    FEDERATION,
    FEDERATION_CLERK,
    STREET_CLERK,
    STREETS,
    SUBSIDY_ITEM,
)
from syncgate.sandbox.city.script import CASES, ONE_CASE, STAGES, Call, Life
from syncgate.sandbox.city.stages import Diary, Stage

Case = dict[str, Any]

FIRST_PERSON = 8000
"""Serials of persons from here on belong to this item."""
POOR, SEVERE = "困难残疾人生活补贴", "重度残疾人护理补贴"
DISTRICT = "990101"
"""All of them are applied for in 东示区."""


def subsidy_life(random: Random, serial: int) -> Life:
    """One application at a street's window, by serial: 15 % are sent back once, 8 % refused, one in nine corrected."""
    case, applied_at = _case(random, serial)
    has_supplement, is_refused = serial % 7 == 3, serial % 12 == 6
    happened = _stages(applied_at, has_supplement=has_supplement, is_refused=is_refused)
    cut = random.choice((len(happened), 2))
    calls = [Call("POST", CASES, case | {"stages": happened[:cut]}, idempotency_key=f"subsidy-{serial:04d}")]
    if happened[cut:]:
        calls.append(Call("POST", STAGES, {"stages": happened[cut:]}))
    traits = {"subsidy", *(["supplement"] if has_supplement else []), *(["refused_licence"] if is_refused else [])}
    if serial % 9 == 4:
        # Nobody but the system of the subsidies is told of the account.
        calls.append(Call("PATCH", ONE_CASE, {"form": {"银行账号": f"9901{serial:012d}"}}))
        traits.add("account_corrected")
    return Life(case["case_no"], frozenset(traits), tuple(calls))


def _case(random: Random, serial: int) -> tuple[Case, datetime]:
    applied_at = datetime(2026, 3, 9, tzinfo=CHINA) + timedelta(days=serial % 20, hours=9, seconds=serial * 11)
    who, helper = person(random, FIRST_PERSON + serial), person(random, FIRST_PERSON + 500 + serial)
    contact = helper if serial % 3 == 0 else who
    case: Case = {
        "kind": "application",
        "case_no": f"{SUBSIDY_ITEM['task_code']}{applied_at:%Y%m%d}{serial:04d}",
        "case_class": "promised",
        "title": f"关于{who.name}的残疾人两项补贴资格认定",
        "query_password": f"{random.randint(0, 999999):06d}",
        "item": dict(SUBSIDY_ITEM),
        "applicant": {"type": "natural_person", "name": who.name, "id_type": "111", "id_no": who.id_no},
        "contact": {
            "name": contact.name,
            "mobile": contact.mobile,
            "address": f"东示区{random.choice(STREETS)}{serial}号",
        },
        "accept_org": dict(CIVIL_OFFICE),
        "region_code": DISTRICT + random.choice(("", "000000")),
        "channel": "window",
        "applied_at": instant(applied_at, style=random.choice((0, 0, 1))),
        "promised_at": instant(applied_at + timedelta(days=14)),
        "limits": {"promise": {"value": 10, "unit": "working_day"}},
        "form": _form(random, serial, who, helper=helper if contact is helper else None),
        "materials": _materials(who, serial),
    }
    return case, applied_at


def _form(random: Random, serial: int, who: Person, *, helper: Person | None) -> dict[str, Any]:
    category, grade = random.choice("1234567"), random.choice("1234")
    kinds = random.choice(([POOR, SEVERE], [POOR], [SEVERE]))
    form: dict[str, Any] = {
        "残疾人证号": f"{who.id_no}{category}{grade}",
        "残疾类别": category,
        "残疾等级": grade,
        "补贴类型": list(kinds),
        "开户银行": "示例银行东示支行",
        "银行账号": f"9901{serial:015d}",
        "户籍地区划": f"{DISTRICT}{serial % 5 + 1:03d}000",
    }
    if POOR in kinds:
        form["低保证号"] = f"DB{DISTRICT}{serial:06d}"
    if helper is not None:
        relation = random.choice("2349")
        form["监护人或代办人"] = {"姓名": helper.name, "证件号码": helper.id_no, "关系": relation}
    return form


def _materials(who: Person, serial: int) -> list[dict[str, Any]]:
    reference = {"cert_type": "居民身份证", "cert_no": who.id_no, "holder": who.name}
    return [
        {"id": "M01", "name": "身份证", "get_type": "3", "licence_ref": reference},
        {"id": "M02", "name": "残疾人证", "get_type": "1"},
        *([{"id": "M03", "name": "低保证", "get_type": "4"}] if serial % 2 else []),
        {"id": "M04", "name": "银行卡复印件", "get_type": "1"},
    ]


def _stages(applied_at: datetime, *, has_supplement: bool, is_refused: bool) -> list[Stage]:
    diary = Diary(now=applied_at)
    diary.add("applied", hours=0)
    diary.add("accepted", handler=STREET_CLERK, hours=1, opinion="材料齐全，予以受理")
    if has_supplement:
        diary.add("supplement_requested", handler=STREET_CLERK, reason="残疾人证已过有效期")
        diary.add("supplement_received", handler=STREET_CLERK, hours=48)
    diary.add("step", name="区残联审核", handler=FEDERATION_CLERK, org=dict(FEDERATION), result="agree")
    verdict = "disagree" if is_refused else "agree"
    diary.add("decided", handler=CIVIL_CLERK, result=verdict, hours=20)
    decision = {"result_code": "7", "description": "不符合补贴条件"} if is_refused else {"result_code": "6"}
    diary.add("finished", handler=CIVIL_CLERK, decision=decision)
    return diary.stages
