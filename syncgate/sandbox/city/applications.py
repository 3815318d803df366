"""Canonical cases of item A as a window would type them, without their stages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from random import Random
from typing import Any

from syncgate.sandbox.city.identities import (
    BRANDS,
    RARE_NAMES,
    Person,
    credit_code,
    person,
)
from syncgate.sandbox.city.places import DISTRICT_NAMES, ITEM, MARKET_OFFICE, SCOPES, STREETS, TASK_CODE

CHINA = timezone(timedelta(hours=8))
CHANNELS = ("window",) * 8 + ("portal",) * 5 + ("app",) * 3 + ("wechat", "alipay", "phone", "other")
DISTRICTS = tuple(DISTRICT_NAMES)


@dataclass(frozen=True, slots=True)
class Draft:
    """A case before its life: the canonical record, and when it was applied for."""

    case: dict[str, Any]
    applied_at: datetime


def instant(at: datetime, *, style: int = 0) -> str:
    """RFC 3339: with +08:00 (0), in UTC with Z (1), or with a fraction of a second (2)."""
    if style == 1:
        return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return at.strftime("%Y-%m-%dT%H:%M:%S") + (".250" if style == 2 else "") + "+08:00"


def draft(random: Random, serial: int) -> Draft:
    """One application; the serial makes its numbers unique within the city."""
    applied_at = _moment(random, serial)
    region = random.choice(DISTRICTS)
    contact = person(random, serial)
    applicant = _applicant(random, serial, contact=contact, region=region)
    case: dict[str, Any] = {
        "kind": "application",
        "case_no": f"{TASK_CODE}{applied_at:%Y%m%d}{serial:04d}",
        "case_class": random.choice(("promised",) * 9 + ("immediate", "joint", "reported")),
        "title": f"关于{applicant['name']}的食品经营许可",
        "query_password": f"{random.randint(0, 999999):06d}",
        "item": dict(ITEM),
        "applicant": applicant,
        "contact": {"name": contact.name, "mobile": contact.mobile},
        "accept_org": dict(MARKET_OFFICE),
        "region_code": region + random.choice(("", "000000")),
        "channel": random.choice(CHANNELS),
        "applied_at": instant(applied_at, style=random.choice((0,) * 8 + (1, 2))),
        "limits": {"promise": _promise(random), "statutory": {"value": 10, "unit": "working_day"}},
        "form": _form(random, serial, region=region),
        "materials": _materials(random, serial),
    }
    _optional_fields(random, case, contact=contact, serial=serial, applied_at=applied_at)
    return Draft(case=case, applied_at=applied_at)


def _moment(random: Random, serial: int) -> datetime:
    day = datetime(2026, 3, 2, tzinfo=CHINA) + timedelta(days=serial % 40)
    return day + timedelta(hours=random.randint(8, 17), minutes=random.randint(0, 59), seconds=serial % 60)


def _promise(random: Random) -> dict[str, Any]:
    return random.choice(
        (
            {"value": 5, "unit": "working_day"},
            {"value": 5, "unit": "working_day"},
            {"value": 7, "unit": "natural_day"},
            {"value": 48, "unit": "hour"},
        )
    )


def _applicant(random: Random, serial: int, *, contact: Person, region: str) -> dict[str, Any]:
    draw = random.random()
    if draw < 0.40:
        return _organisation(random, serial, prefix="91", kind="enterprise", region=region)
    if draw < 0.72:
        return _organisation(random, serial, prefix="92", kind="unincorporated_enterprise", region=region)
    if draw < 0.78:
        return _canteen(random, serial, region=region)
    return _natural_person(random, serial, contact=contact)


def _organisation(random: Random, serial: int, *, prefix: str, kind: str, region: str) -> dict[str, Any]:
    ending = "餐饮管理有限公司" if prefix == "91" else "小吃店"
    return {
        "type": kind,
        "name": f"{DISTRICT_NAMES[region]}{random.choice(BRANDS)}{serial:03d}号{ending}",
        "id_type": "001",
        "id_no": credit_code(f"{prefix}{region}MA{serial:07d}"),
        "legal_rep": person(random, serial + 1000, name=_perhaps_rare(random)).name,
    }


def _canteen(random: Random, serial: int, *, region: str) -> dict[str, Any]:
    kind, prefix, word = random.choice(
        (
            ("public_institution", "12", "示例小学食堂"),
            ("social_organisation", "51", "示例养老协会食堂"),
            ("administrative_organ", "11", "示例街道办事处食堂"),
            ("other_organisation", "54", "示例社区食堂"),
        )
    )
    return {
        "type": kind,
        "name": f"{DISTRICT_NAMES[region]}第{serial}{word}",
        "id_type": "001",
        "id_no": credit_code(f"{prefix}{region}MB{serial:07d}"),
        "legal_rep": person(random, serial + 1000).name,
    }


def _natural_person(random: Random, serial: int, *, contact: Person) -> dict[str, Any]:
    who = person(random, serial + 2000, name=_perhaps_rare(random, share=0.3))
    id_type, id_no = random.choice(
        (
            ("111", contact.id_no),
            ("111", who.id_no),
            ("111", who.id_no),
            ("414", f"EX{serial:07d}"),
            ("511", f"T9901{serial:06d}"),
            ("999", f"QT-{serial:06d}"),
        )
    )
    name = contact.name if id_no == contact.id_no else who.name
    return {"type": "natural_person", "name": name, "id_type": id_type, "id_no": id_no}


def _perhaps_rare(random: Random, *, share: float = 0.05) -> str | None:
    return random.choice(RARE_NAMES) if random.random() < share else None


def _form(random: Random, serial: int, *, region: str) -> dict[str, Any]:
    officer = person(random, serial + 3000)
    form: dict[str, Any] = {
        "主体业态": random.choice(("2", "2", "2", "2", "1", "3")),
        "经营项目": random.sample(SCOPES, random.randint(1, 4)),
        "经营场所": f"{DISTRICT_NAMES[region]}{random.choice(STREETS)}{serial}号",
        "经营面积": random.choice((120, 86.5, 45.25, 300, 18.8, 1020.05)),
        "从业人数": random.randint(1, 60),
        "食品安全管理员": {"姓名": officer.name, "证件号码": officer.id_no},
        "是否网络经营": random.random() < 0.4,
    }
    if random.random() < 0.35:
        form["仓库地址"] = f"{DISTRICT_NAMES[region]}{random.choice(STREETS)}{serial}号后院库房"
    return form


def _materials(random: Random, serial: int) -> list[dict[str, Any]]:
    def uploaded(name: str, media_type: str, ending: str) -> dict[str, Any]:
        content = f"{serial}/{name}".encode()
        return {
            "name": name,
            "file_name": f"{name}{serial:04d}.{ending}",
            "media_type": media_type,
            "size": 1000 + serial * 37,
            "sha256": sha256(content).hexdigest(),
            "get_type": "2",
        }

    every = [
        uploaded("食品经营许可申请书", "application/pdf", "pdf"),
        {"name": "营业执照", "get_type": "3"},
        uploaded("经营场所平面布局图", "application/pdf", "pdf"),
        {"name": "食品安全管理制度", "get_type": "1", "count": random.randint(1, 3)},
        uploaded("健康证明", "image/jpeg", "jpg"),
    ]
    chosen = every[: random.choice((3, 3, 4, 5))]
    return [{"id": f"M{number:02d}", **material} for number, material in enumerate(chosen, 1)]


def _optional_fields(
    random: Random, case: dict[str, Any], *, contact: Person, serial: int, applied_at: datetime
) -> None:
    if random.random() < 0.5:
        case["promised_at"] = instant(applied_at + timedelta(days=9))
    if random.random() < 0.3:
        case["item"]["business_item_code"] = TASK_CODE + "01"
    if random.random() < 0.3:
        case["contact"]["email"] = f"user{serial:04d}@example.invalid"
        case["contact"]["address"] = f"示例市样本街{serial}号"
    if random.random() < 0.15:
        agent = person(random, serial + 4000)
        case["agent"] = {"name": agent.name, "id_type": "111", "id_no": agent.id_no, "mobile": agent.mobile}
        if random.random() < 0.7:
            case["agent"]["relation"] = random.choice(("员工", "亲属", "委托代理人"))
