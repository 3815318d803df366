"""Submissions that the gate must refuse, with every field that its problem must name."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from syncgate.sandbox.city.script import CASES, Call

Case = dict[str, Any]


def refused_calls(valid: Case) -> tuple[Call, ...]:
    """Calls made from a valid case by breaking it; none of them may leave a case behind."""
    return (
        _call(valid, {"applied_at": "2026-03-02 09:00:00"}, "/applied_at"),
        _call(valid, {"channel": "fax", "region_code": "9901"}, "/channel", "/region_code"),
        _call(valid, {"case_no": "编号 1"}, "/case_no"),
        _call(valid, {"applicnt": {}}, "/applicnt"),
        _call(valid, {"contact": {"name": "李样本"}, "title": ""}, "/contact/mobile", "/title"),
        _call(
            valid,
            {"applicant": {"type": "person", "name": "李样本", "id_type": "1", "id_no": "x"}},
            "/applicant/type",
            "/applicant/id_type",
        ),
        _call(
            valid,
            {"stages": [{"id": "S01", "kind": "lost", "at": "2026-03-02T09:00:00+08:00"}, {"id": "S02"}]},
            "/stages/0/kind",
            "/stages/1/kind",
            "/stages/1/at",
        ),
    )


def _call(valid: Case, changes: Case, *pointers: str) -> Call:
    body = deepcopy(valid) | {"case_no": "9901REFUSED"} | changes
    return Call("POST", CASES, body, answer="refused", refused_at=pointers)
