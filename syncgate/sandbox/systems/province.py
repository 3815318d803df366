"""The provincial unified case library: five ordered operations, no update, no look-up.

Everything but the gateway's own refusal comes back as HTTP 200 with the outcome in the body, and a
second delivery of what is held already is answered as a failure.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from syncgate.sandbox.ledger import Change
from syncgate.sandbox.systems import tif
from syncgate.sandbox.systems.altering import Alteration, Standing, change_of
from syncgate.sandbox.systems.fields import as_integer
from syncgate.sandbox.systems.interface import Call, Verdict, parse_json, split_path
from syncgate.sandbox.systems.province_records import REQUIRED, malformed_field, missing_field
from syncgate.sandbox.wire import Reply, Request, json_reply

BASE = "/gateway/province"
CATALOGUE = frozenset(
    {
        "11990100MB0000001T3000131901001",
        "11990100MB000000443002031903001",
        "11990100MB000000573000131904001",
        "11990100MB000000314000531902001",
    }
)
"""Task codes that the library knows without being given more: items A, B, C and D of the example city."""

EXPORTED = ("报文类型", "业务流水号", "环节序号", "材料标识", "办件编号")
"""The columns of an export: what the record is, orgbusno, sn, unid, projid."""

_SORTS = {
    "receiveBasicInfo": "办件基本信息",
    "receiveProc": "办理环节",
    "receiveSpecialnode": "特别程序",
    "receiveApplyFile": "申请材料",
    "receiveDone": "办结信息",
}

_BASIC = "receiveBasicInfo"
_PART_BY_OPERATION = {"receiveProc": "sn", "receiveSpecialnode": "sn", "receiveApplyFile": "unid"}


class Province:
    """The library's contents and its rules."""

    name = "province"
    operations: Sequence[str] = tuple(REQUIRED)

    def __init__(self, *, token: str, tif_token: str, catalogue: Collection[str] = ()) -> None:
        self._token = token
        self._tif_token = tif_token
        self._catalogue = CATALOGUE | frozenset(catalogue)
        self._held: dict[tuple[str, str, str], list[Change]] = {}

    def identify(self, request: Request) -> Call:
        """The operation is the last segment of the path, the record lies as text under `data`."""
        segments = split_path(request.path, BASE)
        if request.method != "POST" or not segments or segments[0] not in REQUIRED or segments[1:]:
            return Call("")
        operation = segments[0]
        record, value = _open(request.body)
        fields = value if isinstance(value, dict) else {}
        return Call(
            operation,
            key=_said(fields, "orgbusno"),
            part=_part(fields, _PART_BY_OPERATION.get(operation)),
            record=record,
            value=value,
        )

    def decide(self, request: Request, call: Call, *, at: float) -> Verdict:
        """Gateway first, then the library's token, then the record."""
        objection = tif.fault_in(request.headers, self._tif_token, at=at)
        if objection is not None:
            return Verdict(_gateway(objection), "denied")
        token = request.headers.get("token", "")
        if not hmac.compare_digest(token.encode(), self._token.encode()):
            return Verdict(_ack("0", "token验证失败！"), "denied")
        if not isinstance(call.value, dict):
            return _failed("data: expected a JSON object as text")
        return self._judge(call, call.value)

    def apply(self, change: Change) -> None:
        """Hold the record; a basic one also lets its case's later records in."""
        slot = _slot(change.operation, change.key, change.part)
        if change.kind == "removed":
            self._held.pop(slot, None)
            return
        others = self._held.get(slot, []) if change.kind == "doubled" else []
        self._held[slot] = [*others, change]

    def alter(self, alteration: Alteration) -> Change:
        """What is altered behind our back; nothing here was ever updated."""
        held = self._held.get(_slot(alteration.operation, alteration.key, alteration.part))
        return change_of(alteration, Standing(held[0].record if held else None, None))

    def records(self) -> Iterator[Change]:
        """All records, doubles too, as they came."""
        return (change for changes in self._held.values() for change in changes)

    def export(self) -> Iterator[tuple[str, ...]]:
        """What the back office exports: which records there are, under which numbers, and nothing of what they say."""
        yield EXPORTED
        for change in self.records():
            yield _exported(change)

    def refusal(self, call: Call) -> Verdict:
        """As if the division code had been left out."""
        return Verdict(_ack("0", "regionid字段为空！"), "refused")

    def denial(self) -> Verdict:
        """As the gateway says it: HTTP 500."""
        return Verdict(_gateway(tif.WRONG), "denied")

    def _judge(self, call: Call, record: Mapping[str, Any]) -> Verdict:
        missing = missing_field(call.operation, record)
        if missing is not None:
            return Verdict(_ack("0", f"{missing}字段为空！"), "refused")
        malformed = malformed_field(call.operation, record)
        if malformed is not None:
            return _failed(malformed)
        if call.operation == _BASIC:
            if str(record["taskcode"]) not in self._catalogue:
                return Verdict(_ack("0", f"【{record['itemname']}】事项不存在！"), "refused")
        elif _slot(_BASIC, call.key, "") not in self._held:
            return Verdict(_ack("0", f"orgbusno为{call.key}的办件不存在！"), "refused")
        return self._store(call)

    def _store(self, call: Call) -> Verdict:
        if _slot(call.operation, call.key, call.part) in self._held:
            return Verdict(_ack("0", f"rowguid（orgbusno）为{call.key}的数据已存在！"), "duplicate")
        change = Change(call.operation, call.key, call.part, call.record, "created")
        return Verdict(_ack("200", "办件数据接收成功！"), "created", change)


def _slot(operation: str, key: str, part: str) -> tuple[str, str, str]:
    # A unid is one file, whichever case it is sent for.
    return (operation, "" if operation == "receiveApplyFile" else key, part)


def _exported(change: Change) -> tuple[str, ...]:
    fields = parse_json(change.record)
    fields = fields if isinstance(fields, dict) else {}
    numbers = (_said(fields, name) for name in ("orgbusno", "sn", "unid", "projid"))
    return (_SORTS[change.operation], *numbers)


def _said(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    return "" if value is None else str(value)


def _part(record: Mapping[str, Any], name: str | None) -> str:
    if name is None:
        return ""
    number = as_integer(record.get(name)) if name == "sn" else None
    return _said(record, name) if number is None else str(number)


def _open(body: bytes) -> tuple[str, Any]:
    try:
        record = parse_json(body.decode("utf-8"))["data"]
        return (record, parse_json(record)) if isinstance(record, str) else ("", None)
    except (ValueError, TypeError, KeyError):
        return "", None


def _gateway(message: str) -> Reply:
    return json_reply(500, {"code": 400001, "msg": message})


def _ack(code: str, text: str, *headers: tuple[str, str]) -> Reply:
    return json_reply(200, {"code": code, "text": text}, *headers)


def _failed(reason: str) -> Verdict:
    # The library says no more than this; the header is for whoever reads along.
    return Verdict(_ack("0", "办件数据接收失败！", ("X-Sandbox-Reason", reason)), "refused")
