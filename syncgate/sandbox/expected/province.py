"""What province must hold of a case. The rules are those of docs/reference/example-systems.md."""

from __future__ import annotations

from typing import Any

from syncgate.sandbox.expected.story import Case, Part, State
from syncgate.sandbox.expected.words import local_time, region_12, without_none

Record = dict[str, Any]
Stage = dict[str, Any]

CASE_CLASSES = {"immediate": "1", "promised": "2", "joint": "3", "reported": "4"}
LIMIT_UNITS = {"working_day": "1", "natural_day": "2", "hour": "3"}
APPLICANT_TYPES = {
    "natural_person": "1",
    "enterprise": "2",
    "public_institution": "3",
    "social_organisation": "4",
    "unincorporated_enterprise": "5",
    "administrative_organ": "6",
    "other_organisation": "9",
}
CITY_REGION = "990100000000"
"""Region of the organisations that accept cases here, but for those of a district."""
DISTRICT_OFFICES = {"11990100MB00000031": "990101000000"}
ONE_NODE_ITEMS = ("11990100MB000000443002031903001",)
"""Items that begin and end with one node: 灵活就业人员参保登记."""

STEP_NAMES = {
    "accepted": "受理",
    "declined": "不予受理",
    "supplement_requested": "补正告知",
    "supplement_received": "补正受理",
    "decided": "决定",
}
STEP_TYPES = {
    "accepted": "1",
    "declined": "4",
    "step": "2",
    "supplement_requested": "2",
    "supplement_received": "2",
    "decided": "3",
}


def basic_info(state: State) -> Record:
    """receiveBasicInfo, without orgbusno."""
    case, applicant = state.case, state.case["applicant"]
    office, promise = case["accept_org"], case["limits"]["promise"]
    return without_none(
        {
            "projid": case["case_no"],
            "projpwd": case["query_password"],
            "regionid": region_12(case["region_code"]),
            "stdver": "1",
            "itemno": case["item"]["task_code"],
            "itemname": case["item"]["name"],
            "projectname": case["title"],
            "applicant": applicant["name"],
            "acceptdeptid": office["uscc"],
            "acceptdeptname": office["name"],
            "approvaltype": CASE_CLASSES[case["case_class"]],
            "promisetimelimit": promise["value"],
            "promisetimeunit": LIMIT_UNITS[promise["unit"]],
            "occurtime": local_time(case["applied_at"]),
            "itemregionid": region_12(case["region_code"]),
            "acceptdeptcode": office["uscc"],
            "acceptdeptcode1": DISTRICT_OFFICES.get(office["uscc"], CITY_REGION),
            "acceptdeptcode2": DISTRICT_OFFICES.get(office["uscc"], CITY_REGION),
            "acceptlist": ",".join(part.content["name"] for part in state.materials),
            "itemtype": case["item"]["type"],
            "applyerpagetype": applicant["id_type"],
            "applyerpagecode": applicant["id_no"],
            "catalogcode": case["item"]["catalog_code"],
            "taskcode": case["item"]["task_code"],
            "applyertype": APPLICANT_TYPES[applicant["type"]],
            "datasources": {"window": "2", "portal": "1", "app": "1"}.get(case["channel"], "9"),
            "applicantmobile": case["contact"]["mobile"],
            "applicantname": case["contact"]["name"],
            "legalman": applicant.get("legal_rep"),
        }
    )


def steps(state: State) -> list[tuple[Part, Record]]:
    """receiveProc, one per stage that is a step there, without orgbusno."""
    parts = [part for part in state.stages if part.content["kind"] in STEP_TYPES]
    return [(part, _step(state.case, part.content, sn)) for sn, part in enumerate(parts, 1)]


def _step(case: Case, stage: Stage, sn: int) -> Record:
    office, region = _office(case, stage), region_12(case["region_code"])
    is_accepted = stage["kind"] == "accepted"
    return without_none(
        {
            "projid": case["case_no"],
            "itemregionid": region,
            "regionid": region,
            "nodeprocerarea": region,
            "stdver": "1",
            "sn": sn,
            "nodename": stage.get("name") or STEP_NAMES[stage["kind"]],
            "nodetype": _step_type(case, stage),
            "noderesult": _step_result(stage),
            "nodeprocer": stage["handler"]["staff_no"],
            "nodeprocername": stage["handler"]["name"],
            "procunit": office["uscc"],
            "procdeptcode": office["uscc"],
            "procunitname": office["name"],
            "nodestate": "1",
            "nodestarttime": local_time(stage["at"]),
            "nodeendtime": _time_or_none(stage, "ended_at"),
            "nodeadv": stage.get("opinion"),
            "acceptdate": local_time(stage["at"]) if is_accepted else None,
            "promisedate": _time_or_none(case, "promised_at") if is_accepted else None,
        }
    )


def _step_type(case: Case, stage: Stage) -> str:
    is_whole = stage["kind"] == "accepted" and case["item"]["task_code"] in ONE_NODE_ITEMS
    return "4" if is_whole else STEP_TYPES[stage["kind"]]


def _step_result(stage: Stage) -> str:
    fixed = {"accepted": "4", "declined": "2", "supplement_requested": "5", "supplement_received": "1"}
    if stage["kind"] in fixed:
        return fixed[stage["kind"]]
    return "0" if stage.get("result") == "disagree" else "1"


def specials(state: State) -> list[tuple[Part, Record]]:
    """receiveSpecialnode, one per start or end of a special procedure, without orgbusno."""
    kinds = {"special_started": "0", "special_ended": "1"}
    parts = [part for part in state.stages if part.content["kind"] in kinds]
    return [
        (part, _special(state.case, part.content, sn, node_type=kinds[part.content["kind"]]))
        for sn, part in enumerate(parts, 1)
    ]


def _special(case: Case, stage: Stage, sn: int, *, node_type: str) -> Record:
    office = _office(case, stage)
    return without_none(
        {
            "projid": case["case_no"],
            "specialtype": stage["special"]["type"],
            "nodename": stage["special"]["name"],
            "specialnodetype": node_type,
            "nodetime": local_time(stage["at"]),
            "sn": sn,
            "procunit": office["uscc"],
            "procunitname": office["name"],
            "procername": stage["handler"]["name"],
            "nodeprocadv": stage.get("reason"),
        }
    )


def files(state: State) -> list[tuple[Part, Record]]:
    """receiveApplyFile, one per material, without orgbusno and unid."""
    return [(part, _file(state.case, part.content)) for part in state.materials]


def _file(case: Case, material: dict[str, Any]) -> Record:
    return without_none(
        {
            "projid": case["case_no"],
            "regionid": region_12(case["region_code"]),
            "attrname": material["name"],
            "attrid": material["id"],
            "gettype": material["get_type"],
            "istake": "1",
            "amount": material.get("count", 1),
            "taketime": local_time(case["applied_at"]),
            "filename": material.get("file_name"),
        }
    )


def dones(state: State) -> list[tuple[Part, Record]]:
    """receiveDone, for the stage that finished the case, without orgbusno."""
    finished = [part for part in state.stages if part.content["kind"] == "finished"]
    return [(part, _done(state.case, part.content)) for part in finished]


def _done(case: Case, stage: Stage) -> Record:
    decision = stage["decision"]
    licence, fee = decision.get("licence"), decision.get("fee")
    return without_none(
        {
            "projid": case["case_no"],
            "regionid": region_12(case["region_code"]),
            "doneresult": int(decision["result_code"]),
            "exitres": decision.get("void_reason") or decision.get("description"),
            "isdeliveryresults": "1" if decision.get("is_delivered") else "0",
            "resulttype": "10" if licence else "99",
            "occurtime": local_time(stage["at"]),
            "certificatenam": licence and licence["name"],
            "certificateno": licence and licence["no"],
            "certificatelimit": licence and licence["valid_to"],
            "publisher": licence and licence["issuer"],
            "isfee": "1" if fee else "0",
            "fee": fee and fee["amount"],
            "transactor": stage["handler"]["name"],
        }
    )


def voided(state: State) -> Record:
    """receiveDone, for a case that was withdrawn after something of it was taken, without orgbusno."""
    withdrawal = state.withdrawal
    if withdrawal is None:
        raise ValueError(f"expected {state.case['case_no']} to be withdrawn, got one that is not")
    return {
        "projid": state.case["case_no"],
        "regionid": region_12(state.case["region_code"]),
        "doneresult": 2,
        "exitres": withdrawal.reason,
        "isdeliveryresults": "0",
        "resulttype": "99",
        "occurtime": local_time(withdrawal.at),
        "isfee": "0",
        "transactor": withdrawal.by,
    }


def _office(case: Case, stage: Stage) -> dict[str, str]:
    office: dict[str, str] = stage.get("org") or case["accept_org"]
    return office


def _time_or_none(holder: dict[str, Any], key: str) -> str | None:
    return local_time(holder[key]) if key in holder else None
