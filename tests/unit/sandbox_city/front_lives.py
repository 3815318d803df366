"""Lives of applications for an insurance and for digging up a road, beside the city's own."""

from __future__ import annotations

from typing import Any

from syncgate.sandbox.city.script import CASES, STAGES, Call, Life

HANDLER = {"name": "王样本", "staff_no": "S001"}
SPECIAL = {"type": "2", "name": "专家论证"}


def an_application(item: str, number: str, **fields: Any) -> dict[str, Any]:
    """A case of item C or D as a window types it."""
    about = {
        "C": ("灵活就业人员参保登记", "11990100MB000000443002031903001", "20", "immediate", "11990100MB00000044"),
        "D": ("占用、挖掘城市道路审批", "11990100MB000000573000131904001", "01", "promised", "11990100MB00000057"),
    }[item]
    name, task_code, kind, case_class, office = about
    offices = {"C": "示例市人力资源和社会保障局", "D": "示例市城市管理局"}
    return {
        "kind": "application",
        "case_no": number,
        "case_class": case_class,
        "title": f"关于阿依古丽·示例的{name}",
        "query_password": "482913",
        "item": {"catalog_code": task_code[19:], "task_code": task_code, "name": name, "version": 1, "type": kind},
        "applicant": {
            "type": "natural_person",
            "name": "阿依古丽·示例",
            "id_type": "111",
            "id_no": "990101200111080048",
        },
        "contact": {"name": "阿依古丽·示例", "mobile": "15400000003"},
        "accept_org": {"name": offices[item], "uscc": office},
        "region_code": "990101",
        "channel": "window",
        "applied_at": "2026-03-02T09:00:00+08:00",
        "limits": {"promise": {"value": 7, "unit": "working_day"}},
        **fields,
    }


def insurance(number: str = "9901-C-1", **fields: Any) -> Life:
    """Applied for, accepted and finished within one second."""
    at = "2026-03-02T09:00:00+08:00"
    stages = [
        {"id": "S01", "kind": "applied", "at": at},
        {"id": "S02", "kind": "accepted", "at": at, "handler": HANDLER},
        {"id": "S03", "kind": "finished", "at": at, "handler": HANDLER, "decision": {"result_code": "0"}},
    ]
    materials = [{"id": "M01", "name": "身份证", "get_type": "3"}]
    body = an_application("C", number, stages=stages, materials=materials, **fields)
    return Life(number, frozenset({"item_c"}), (Call("POST", CASES, body),))


def road_works(number: str = "9901-D-1", **fields: Any) -> Life:
    """With a special procedure, drawings in a ZIP that the gap refuses, a plan beyond 20 MB, and a fee."""
    first = [
        {"id": "S01", "kind": "applied", "at": "2026-03-02T09:00:00+08:00"},
        {"id": "S02", "kind": "accepted", "at": "2026-03-02T10:00:00+08:00", "handler": HANDLER},
        {
            "id": "S03",
            "kind": "special_started",
            "at": "2026-03-03T09:00:00+08:00",
            "reason": "需专家论证",
            "special": SPECIAL,
        },
    ]
    later = [
        {
            "id": "S04",
            "kind": "special_ended",
            "at": "2026-03-10T09:00:00+08:00",
            "handler": HANDLER,
            "special": SPECIAL,
        },
        {
            "id": "S05",
            "kind": "step",
            "name": "审核",
            "at": "2026-03-11T09:00:00+08:00",
            "handler": HANDLER,
            "opinion": "同意",
        },
        {"id": "S06", "kind": "decided", "at": "2026-03-12T09:00:00+08:00", "handler": HANDLER, "result": "agree"},
        {"id": "S07", "kind": "step", "name": "缴费", "at": "2026-03-13T09:00:00+08:00", "handler": HANDLER},
        {
            "id": "S08",
            "kind": "finished",
            "at": "2026-03-14T09:00:00+08:00",
            "handler": HANDLER,
            "decision": {"result_code": "6", "licence": {"name": "占道许可证", "no": "ZD2990100001"}},
        },
    ]
    materials = [
        {"id": "M01", "name": "申请表", "file_name": "申请表.pdf", "size": 20971520, "get_type": "2"},
        {"id": "M02", "name": "施工图纸", "file_name": "图.zip", "media_type": "application/zip", "get_type": "2"},
        {"id": "M03", "name": "交通导行方案", "file_name": "导行.pdf", "size": 20971521, "get_type": "2"},
    ]
    body = an_application("D", number, stages=first, materials=materials, **fields)
    return Life(number, frozenset({"item_d"}), (Call("POST", CASES, body), Call("POST", STAGES, {"stages": later})))
