"""What each system must hold in the end: written by hand, with nothing of the engine, its mappings or its tables.

It is also the mapping of the peers, as one writes it without a mapping language.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import orjson

SYSTEMS = ("archive", "licence", "oversight")
_ZONE = timezone(timedelta(hours=8))
_CASE_CLASS = {"immediate": "1", "promised": "2", "joint": "3", "reported": "4"}
_APPLICANT = {"natural_person": "1", "enterprise": "2"}
_ID_TYPE = {"111": "IDCard", "001": "USCC", "414": "Passport"}
_CHANNEL = {"portal": "1", "app": "1", "window": "2", "wechat": "9", "alipay": "9", "phone": "9", "other": "9"}
_UNIT = {"working_day": "1", "natural_day": "2", "hour": "3"}
_BUSINESS = {"1": "XS", "2": "CY", "3": "ST"}


def payload(case: dict[str, Any], system: str) -> dict[str, Any]:
    """The 42 fields that a system takes of a case."""
    item, applicant, agent = case["item"], case["applicant"], case.get("agent", {})
    contact, place, org, form = case["contact"], case["location"], case["accept_org"], case["form"]
    made = {
        "receiver": system,
        "caseNo": case["case_no"],
        "caseClass": _CASE_CLASS[case["case_class"]],
        "title": case["title"].strip(),
        "memo": case.get("description", ""),
        "password": case["query_password"],
        "catalogCode": item["catalog_code"],
        "taskCode": item["task_code"],
        "itemName": item["name"],
        "itemVersion": int(item["version"]),
        "itemType": item["type"],
        "applicantType": _APPLICANT[applicant["type"]],
        "applicantName": applicant["name"].strip().replace("•", "·"),
        "idType": _ID_TYPE[applicant["id_type"]],
        "idNo": applicant["id_no"].upper(),
        "legalRep": applicant.get("legal_rep"),
        "agentName": agent.get("name"),
        "agentIdNo": agent.get("id_no"),
        "agentRelation": agent.get("relation"),
        "contactName": contact["name"],
        "mobile": "".join(filter(str.isdigit, contact["mobile"])),
        "email": contact.get("email"),
        "address": contact.get("address"),
        "place": place["text"],
        "lon": str(place["lon"]),
        "lat": str(place["lat"]),
        "orgName": org["name"],
        "orgCode": org["uscc"],
        "region": case["region_code"].ljust(12, "0"),
        "channel": _CHANNEL[case["channel"]],
        "appliedAt": _local(case["applied_at"], "%Y-%m-%d %H:%M:%S"),
        "acceptedAt": _local(case["accepted_at"], "%Y-%m-%d %H:%M:%S"),
        "promisedOn": _local(case["promised_at"], "%Y%m%d"),
        "promiseDays": int(case["limits"]["promise"]["value"]),
        "promiseUnit": _UNIT[case["limits"]["promise"]["unit"]],
        "businessForm": _BUSINESS[form["主体业态"]],
        "scope": "；".join(form["经营项目"]),
        "area": f"{Decimal(form['经营面积']):.2f}㎡",
        "staff": int(form["从业人数"]),
        "officer": form["食品安全管理员"]["姓名"],
        "online": "是" if form["是否网络经营"] else "否",
        "materials": ",".join(material["name"] for material in case["materials"]),
    }
    return {name: value for name, value in made.items() if value is not None}


def digest(record: Any) -> bytes:
    """What two equal records have in common, whatever the order of their fields."""
    return hashlib.sha256(orjson.dumps(record, option=orjson.OPT_SORT_KEYS)).digest()


def _local(at: str, form: str) -> str:
    return datetime.fromisoformat(at).astimezone(_ZONE).strftime(form)
