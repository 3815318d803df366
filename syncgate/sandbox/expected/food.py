"""What food must hold of a case. The rules are those of docs/reference/example-systems.md."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from syncgate.sandbox.expected.province import APPLICANT_TYPES
from syncgate.sandbox.expected.story import Part, State
from syncgate.sandbox.expected.words import local_time, without_none

Record = dict[str, Any]

TASK_CODE = "11990100MB0000001T3000131901001"
"""食品经营许可（餐饮服务）新办, the only item that food takes."""
BUSINESS_FORMS = {"1": "XS", "2": "CY", "3": "ST"}
ID_TYPES = {"111": "IDCard", "001": "USCC", "414": "Passport"}


def takes(state: State) -> bool:
    """Whether food has a word for this case's form of business; without one it is parked."""
    return state.case["form"]["主体业态"] in BUSINESS_FORMS


def application(state: State) -> Record:
    """The application, without bizKey."""
    case, form = state.case, state.case["form"]
    applicant, agent, officer = case["applicant"], case.get("agent", {}), form["食品安全管理员"]
    return without_none(
        {
            "caseNo": case["case_no"],
            "taskCode": case["item"]["task_code"],
            "itemName": case["item"]["name"],
            "applicantType": APPLICANT_TYPES[applicant["type"]],
            "applicantName": applicant["name"],
            "idType": ID_TYPES.get(applicant["id_type"], "Other"),
            "idNo": applicant["id_no"],
            "legalRep": applicant.get("legal_rep"),
            "contactName": case["contact"]["name"],
            "mobile": case["contact"]["mobile"],
            "region": case["region_code"][:6],
            "channel": case["channel"],
            "bizForm": BUSINESS_FORMS[form["主体业态"]],
            "bizScope": form["经营项目"],
            "premises": form["经营场所"],
            "area": f"{Decimal(str(form['经营面积'])):.2f}㎡",
            "staff": form["从业人数"],
            "safetyOfficer": {"name": officer["姓名"], "idNo": officer["证件号码"]},
            "online": "是" if form.get("是否网络经营") else "否",
            "warehouse": form.get("仓库地址", ""),
            "agentName": agent.get("name"),
            "agentIdNo": agent.get("id_no"),
            "agentRelation": agent.get("relation"),
            "appliedAt": local_time(case["applied_at"]),
            "promiseDays": case["limits"]["promise"]["value"],
            "materials": [_material(part.content) for part in state.materials],
        }
    )


def _material(material: dict[str, Any]) -> Record:
    return without_none(
        {
            "id": material["id"],
            "name": material["name"],
            "fileName": material.get("file_name"),
            "size": material.get("size"),
            "sha256": material.get("sha256"),
            "getType": material["get_type"],
        }
    )


def events(state: State) -> list[tuple[Part, Record]]:
    """One event per stage but `applied`, without eventKey and bizKey."""
    return [(part, _event(part.content)) for part in state.stages if part.content["kind"] != "applied"]


def withdrawn(state: State) -> Record:
    """The event that tells food of a withdrawal, without eventKey and bizKey."""
    if state.withdrawal is None:
        raise ValueError(f"expected {state.case['case_no']} to be withdrawn, got one that is not")
    said = state.withdrawal
    return {"kind": "withdrawn", "at": local_time(said.at), "reason": said.reason, "handler": said.by}


def _event(stage: dict[str, Any]) -> Record:
    decision = stage.get("decision", {})
    return without_none(
        {
            "kind": stage["kind"],
            "at": local_time(stage["at"]),
            "endedAt": local_time(stage["ended_at"]) if "ended_at" in stage else None,
            "result": stage.get("result"),
            "reason": stage.get("reason"),
            "opinion": stage.get("opinion"),
            "handler": stage.get("handler", {}).get("name"),
            "resultCode": decision.get("result_code"),
            "licenceNo": decision.get("licence", {}).get("no"),
        }
    )
