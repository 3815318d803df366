"""Synthetic cases: valid ones, of which a test changes what it is about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from syncgate.site.canonical import CanonicalSchema

SCHEMA_FILE = Path(__file__).parents[3] / "schemas" / "case.schema.json"
_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_SYMBOLS = "0123456789ABCDEFGHJKLMNPQRTUWXY"

NAME, MOBILE = "测样甲", "15400000001"


def resident(first_17: str = "99010119900101123") -> str:
    """A number of a region that does not exist, with its check digit."""
    total = sum(int(digit) * weight for digit, weight in zip(first_17, _RESIDENT_WEIGHTS, strict=True))
    return first_17 + "10X98765432"[total % 11]


def uscc(first_17: str = "11990101MB0000001") -> str:
    """A code of an organisation that does not exist, with its check symbol."""
    total = sum(_SYMBOLS.index(symbol) * pow(3, place, 31) for place, symbol in enumerate(first_17))
    return first_17 + _SYMBOLS[(31 - total % 31) % 31]


def schema() -> CanonicalSchema:
    return CanonicalSchema(json.loads(SCHEMA_FILE.read_text("utf-8")))


def application(**changes: Any) -> dict[str, Any]:
    case: dict[str, Any] = {
        "kind": "application",
        "case_no": "SP-990101-0001",
        "case_class": "promised",
        "title": f"关于{NAME}的食品经营许可申请",
        "item": {
            "catalog_code": "000125001000",
            "task_code": "11990101MB00000010000125001000X",
            "name": "食品经营许可新办",
            "version": 1,
        },
        "applicant": {"type": "natural_person", "name": NAME, "id_type": "111", "id_no": resident()},
        "contact": {"name": NAME, "mobile": MOBILE},
        "accept_org": {"name": "示例市市场监督管理局", "uscc": uscc()},
        "region_code": "990101",
        "channel": "window",
        "applied_at": "2026-04-30T09:00:00+08:00",
    }
    return case | changes


def hotline(**changes: Any) -> dict[str, Any]:
    case: dict[str, Any] = {
        "kind": "hotline",
        "case_no": "HL-0001",
        "item": {"name": "道路坑洞"},
        "location": {"text": "示例市样本区一号路与二号路交叉口东侧"},
        "applied_at": "2026-04-30T23:58:42+08:00",
    }
    return case | changes
