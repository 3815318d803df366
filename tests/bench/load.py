"""The load: synthetic cases of some 2.1 KB with 82 leaf fields, each its number's own."""

from __future__ import annotations

from typing import Any

import orjson

NAMES = ("张示例", "李䶮", "阿依古丽·示例", "王样本", "赵示例")
CHANNELS = ("window", "portal", "app", "wechat", "alipay", "phone", "other")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def case(no: int, *, case_class: str = "promised") -> dict[str, Any]:
    """The case of this number: always the same one."""
    name, mobile = NAMES[no % len(NAMES)], f"154{no % 10**8:08d}"
    id_no, day = _id_no(no), 1 + no % 28
    return {
        "kind": "application",
        "case_no": case_no(no),
        "case_class": case_class,
        "title": f"关于{name}的食品经营许可",
        "description": "新办，小型餐饮",
        "query_password": f"{no % 10**6:06d}",
        "item": {
            "catalog_code": "000131901001",
            "task_code": "11990100MB0000001T3000131901001",
            "business_item_code": "11990100MB0000001T300013190100101",
            "local_code": "SP-01",
            "name": "食品经营许可（餐饮服务）新办",
            "version": 1,
            "type": "01",
        },
        "applicant": {"type": "natural_person", "name": name, "id_type": "111", "id_no": id_no, "legal_rep": name},
        "agent": {"name": "王样本", "id_type": "111", "id_no": _id_no(no + 1), "mobile": mobile, "relation": "朋友"},
        "contact": {
            "name": name,
            "id_type": "111",
            "id_no": id_no,
            "mobile": mobile,
            "email": f"c{no}@example.invalid",
            "address": f"东示区示例路{no % 900 + 1}号",
            "postcode": "990101",
        },
        "location": {
            "text": f"东示区示例路{no % 900 + 1}号",
            "region_code": "990101",
            "lon": 120.5,
            "lat": 30.25,
            "crs": "CGCS2000",
        },
        "accept_org": {"name": "示例市市场监督管理局", "uscc": "11990100MB0000001T"},
        "region_code": "990101",
        "channel": CHANNELS[no % len(CHANNELS)],
        "is_confidential": False,
        "applied_at": f"2026-03-{day:02d}T09:{no % 60:02d}:00+08:00",
        "accepted_at": f"2026-03-{day:02d}T10:{no % 60:02d}:00+08:00",
        "promised_at": f"2026-04-{day:02d}T17:30:00+08:00",
        "limits": {
            "promise": {"value": 5, "unit": "working_day"},
            "statutory": {"value": 10, "unit": "working_day"},
        },
        "form": _form(no),
        "materials": [_material(place, no) for place in range(3)],
    }


def case_no(no: int) -> str:
    """The number by which the case is known everywhere."""
    return f"9901002026{no:010d}"


def body(no: int, *, case_class: str = "promised") -> bytes:
    """The case as it is posted."""
    return orjson.dumps(case(no, case_class=case_class))


def _form(no: int) -> dict[str, Any]:
    return {
        "主体业态": str(1 + no % 3),
        "经营项目": ["热食类", "冷食类"],
        "经营场所": f"东示区示例路{no % 900 + 1}号",
        "经营面积": f"{40 + no % 300}.50",
        "从业人数": 2 + no % 40,
        "食品安全管理员": {"姓名": "王样本", "证件号码": _id_no(no + 2)},
        "是否网络经营": no % 2 == 0,
        "仓库地址": "",
        "座位数": no % 80,
        "楼层": 1 + no % 5,
        "排污许可": "有",
        "店名": f"示例{no}店",
        "卫生等级": "A",
        "备案号": f"JY2990101{no:07d}",
        "备注": "厨房与就餐区分开，已通过现场核查",
    }


def _material(place: int, no: int) -> dict[str, Any]:
    titles = ("食品经营许可申请书", "营业执照", "场所平面图")
    return {
        "id": f"m{place}",
        "name": titles[place],
        "file_name": f"{place}.pdf",
        "size": 20000 + no % 5000 + place,
        "get_type": "2",
        "count": 1,
    }


def _id_no(no: int) -> str:
    """An identity number of a region that does not exist, with its check digit."""
    digits = f"9901011980{no % 12 + 1:02d}{no % 28 + 1:02d}{no % 1000:03d}"
    total = sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=True))
    return digits + "10X98765432"[total % 11]
