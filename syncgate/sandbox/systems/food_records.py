"""What the food licence system demands of each record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from syncgate.sandbox.systems.fields import (
    Check,
    Form,
    invalid_fields,
    is_digits,
    is_string,
    is_text,
    is_time,
)

_AREA = re.compile(r"[0-9]{1,8}\.[0-9]{2}㎡")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_KINDS = (
    "preaccepted", "accepted", "declined", "step", "supplement_requested", "supplement_received",
    "special_started", "special_ended", "decided", "finished", "picked_up", "evaluated",
    "withdrawn", "corrected",
)  # fmt: skip


def _text_of(*known: str) -> Check:
    return lambda value: isinstance(value, str) and value in known


def _whole(least: int, most: int) -> Check:
    return lambda value: type(value) is int and least <= value <= most


def _like(pattern: re.Pattern[str]) -> Check:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_region(value: Any) -> bool:
    return is_digits(value, 6)


def _is_scope(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(is_text(one) for one in value)


_OFFICER: Form = {"name": is_text, "idNo": is_text}
_MATERIAL: Form = {"id": is_text, "name": is_text, "getType": _text_of("1", "2", "3", "4", "9")}
_MATERIAL_MORE: Form = {"fileName": is_text, "size": _whole(0, 2**53 - 1), "sha256": _like(_SHA256)}

_APPLICATION: Form = {
    "bizKey": is_text,
    "caseNo": is_text,
    "taskCode": is_text,
    "itemName": is_text,
    "applicantType": _text_of("1", "2", "3", "4", "5", "6", "9"),
    "applicantName": is_text,
    "idType": _text_of("IDCard", "USCC", "Passport", "Other"),
    "idNo": is_text,
    "contactName": is_text,
    "mobile": is_text,
    "region": _is_region,
    "channel": is_text,
    "bizForm": _text_of("CY", "XS", "ST"),
    "bizScope": _is_scope,
    "premises": is_text,
    "area": _like(_AREA),
    "staff": _whole(1, 9999),
    "online": _text_of("是", "否"),
    "warehouse": is_string,
    "appliedAt": is_time,
    "promiseDays": _whole(0, 9999),
}
_APPLICATION_MORE: Form = {
    "legalRep": is_text,
    "agentName": is_text,
    "agentIdNo": is_text,
    "agentRelation": is_text,
}
_EVENT: Form = {"eventKey": is_text, "bizKey": is_text, "kind": _text_of(*_KINDS), "at": is_time}
_EVENT_MORE: Form = {
    "endedAt": is_time,
    "result": is_text,
    "reason": is_string,
    "opinion": is_string,
    "handler": is_text,
    "resultCode": _text_of("0", "1", "2", "3", "4", "5", "6", "7"),
    "licenceNo": is_text,
}


def invalid_in_application(record: Any) -> list[str]:
    """The fields that an application is refused for."""
    if not isinstance(record, dict):
        return [""]
    flat = {name: value for name, value in record.items() if name not in ("safetyOfficer", "materials")}
    fields = list(invalid_fields(flat, _APPLICATION, _APPLICATION_MORE))
    officer = record.get("safetyOfficer")
    fields += (_below("safetyOfficer", name) for name in invalid_fields(officer, _OFFICER, {}))
    return fields + list(_invalid_materials(record.get("materials")))


def invalid_in_event(record: Any) -> list[str]:
    """The fields that an event is refused for."""
    return list(invalid_fields(record, _EVENT, _EVENT_MORE))


def _invalid_materials(materials: Any) -> Iterator[str]:
    if not isinstance(materials, list):
        yield "materials"
        return
    for place, material in enumerate(materials):
        for name in invalid_fields(material, _MATERIAL, _MATERIAL_MORE):
            yield _below(f"materials[{place}]", name)


def _below(place: str, name: str) -> str:
    return f"{place}.{name}" if name else place
