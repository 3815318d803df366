"""Synthetic canonical cases of the example city: item A, and a hotline case."""

from __future__ import annotations

import copy
from typing import Any

PERSON = {"type": "natural_person", "name": "张示例", "id_type": "111", "id_no": "99010119780213002X"}

APPLICATION: dict[str, Any] = {
    "kind": "application",
    "case_no": "QX2026000001",
    "case_class": "promised",
    "title": "关于张示例的食品经营许可",
    "query_password": "482913",
    "item": {
        "catalog_code": "000131901001",
        "task_code": "11990100MB0000001T3000131901001",
        "name": "食品经营许可（餐饮服务）新办",
        "version": 1,
        "type": "01",
    },
    "applicant": PERSON,
    "contact": {"name": "张示例", "mobile": "15400000001"},
    "accept_org": {"name": "示例市市场监督管理局", "uscc": "11990100MB0000001T"},
    "region_code": "990101",
    "channel": "window",
    "applied_at": "2026-03-02T09:00:00+08:00",
    "promised_at": "2026-03-09T17:30:00+08:00",
    "limits": {"promise": {"value": 5, "unit": "working_day"}},
    "form": {
        "主体业态": "2",
        "经营项目": ["热食类食品制售"],
        "经营场所": "东示区示例路1号",
        "经营面积": 120,
        "从业人数": 12,
        "食品安全管理员": {"姓名": "王样本", "证件号码": "990102195203040070"},
        "是否网络经营": True,
    },
    "materials": [{"id": "m1", "name": "食品经营许可申请书", "get_type": "2", "file_name": "申请书.pdf"}],
}

HOTLINE: dict[str, Any] = {
    "kind": "hotline",
    "case_no": "HL2026000001",
    "item": {"name": "夜间施工噪声"},
    "location": {"text": "东示区示例路2号"},
    "applied_at": "2026-04-30T23:58:42+08:00",
}


def an_application(case_no: str = "QX2026000001", **changes: Any) -> dict[str, Any]:
    """An application that province and food take; a test changes what it is about."""
    return copy.deepcopy(APPLICATION) | {"case_no": case_no} | changes


def a_hotline_case(case_no: str = "HL2026000001", **changes: Any) -> dict[str, Any]:
    """A hotline case that workorders takes."""
    return copy.deepcopy(HOTLINE) | {"case_no": case_no} | changes


def a_stage(stage_id: str, kind: str, at: str = "2026-03-02T10:00:00+08:00", **more: Any) -> dict[str, Any]:
    """A stage by a synthetic handler."""
    handler = {"name": "赵示例", "staff_no": "E001"}
    return {"id": stage_id, "kind": kind, "at": at, "handler": handler} | more
