"""What a person is to type into the system of the subsidies, by the rules of docs/reference/example-systems.md.

It has no interface: no record of it can be read. What must be so stands at the gate: one entry per case, on a list.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from syncgate.sandbox.city.script import Life
from syncgate.sandbox.expected.story import State
from syncgate.sandbox.expected.words import local_time, without_none

Record = dict[str, Any]

SYSTEM, MESSAGE, REASON = "disability", "entry", "typed_by_hand"
ITEM = "11990100MB000000314000531902001"
ID_TYPES = {"111": "居民身份证", "414": "普通护照"}
CATEGORIES = dict(zip("1234567", ("视力", "听力", "言语", "肢体", "智力", "精神", "多重"), strict=True))
GRADES = dict(zip("1234", "一二三四", strict=True))
RELATIONS = {"1": "本人", "2": "配偶", "3": "父母", "4": "子女", "9": "其他"}


def takes(state: State) -> bool:
    """Whether somebody must type such a case."""
    return bool(state.case["kind"] == "application" and state.case["item"].get("task_code") == ITEM)


def line(life: Life, history: Sequence[State]) -> Record:
    """Nothing there, and one entry on the list."""
    return {
        "system": SYSTEM,
        "case_no": life.case_no,
        "or_no": life.or_no,
        "traits": sorted(life.traits),
        "operations": [],
        "leftover": {"parked": [[MESSAGE, REASON]], "pending": 0},
        "to_type": entry(history[-1]),
    }


def entry(state: State) -> Record:
    """The 23 fields of the form, without those that stay empty."""
    case = state.case
    form, applicant, contact = case["form"], case["applicant"], case["contact"]
    agent = form.get("监护人或代办人", {})
    return without_none(
        {
            "caseNo": case["case_no"],
            "itemName": case["item"]["name"],
            "acceptOrg": case["accept_org"]["name"],
            "acceptOrgCode": case["accept_org"]["uscc"],
            "appliedOn": local_time(case["applied_at"])[:10],
            "promisedDays": case["limits"]["promise"]["value"],
            "name": applicant["name"],
            "idType": ID_TYPES[applicant["id_type"]],
            "idNo": applicant["id_no"],
            "homeRegion": form["户籍地区划"],
            "cardNo": form["残疾人证号"],
            "category": CATEGORIES[form["残疾类别"]] + "残疾",
            "grade": GRADES[form["残疾等级"]] + "级",
            "subsidies": "、".join(form["补贴类型"]),
            "allowanceNo": form.get("低保证号"),
            "contactName": contact["name"],
            "mobile": contact["mobile"],
            "address": contact.get("address"),
            "agentName": agent.get("姓名"),
            "agentIdNo": agent.get("证件号码"),
            "agentRelation": RELATIONS[agent["关系"]] if agent else None,
            "bank": form["开户银行"],
            "account": form["银行账号"],
        }
    )
