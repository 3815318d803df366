"""The records of the benchmark, each its number's own, and the two systems that hold them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from syncgate.domain import ids
from syncgate.site.bundle import Bundle, Mac
from syncgate.site.canonical import CanonicalSchema
from syncgate.site.compiler import compile_bundle

Json = Any
MESSAGE: Final = "record"
EDITED: Final = 20
"""So many of the first records are edited there, and so many more stand there that nobody sent: a run that does not
find just these is no figure."""
NAMES: Final = ("张示例", "李䶮", "阿依古丽·示例", "王样本", "赵示例")
FIELDS: Final = ("no", "title", "name", "id_no", "mobile", "channel", "region", "item", "item_name", "applied_at")
_APPLIED: Final = "2026-03-02T09:00:00+08:00"
_ADAPTER: Final = """
system: {system}
title: {{zh: 基准系统, en: Benchmark}}
transport: {transport}
mode: live
applies_to: {{equals: [case.kind, {{const: application}}]}}
options:
{options}
messages:
  - {{name: record, of: case, operation: create}}
answers:
  - {{name: taken, when: {taken}, outcome: taken}}
confirm: {{by: hold}}
personal: [name, identity, contact, address, content]
reconciliation:
  grace: 10m
  listings:
    - name: records
      messages: [record]
      level: fields
      list: {listed}
      key: [/guid]
      ours: "{{slot_key}}"
"""
_DATABASE: Final = """\
  url: {address}
  tables:
    records:
      key: [guid]
      columns:
        guid: varchar(50) not null
{columns}
  operations:
    create: {{do: insert, table: records, fill: {{guid: "{{slot_key}}"}}}}
    list: {{do: list, table: records}}
"""
_REST: Final = """\
  base_url: {address}
  operations:
    create: {{method: POST, path: /records}}
    list: {{method: GET, path: /records, query: {{page: "{{page}}", size: "{{size}}"}}}}
"""
_MAPPING: Final = """
mapping: {system}/record
direction: out
reads: case
payload:
  no: case.case_no
  title: case.title
  name: case.applicant.name
  id_no: case.applicant.id_no
  mobile: case.contact.mobile
  channel: case.channel
  region: case.region_code
  item: case.item.task_code
  item_name: case.item.name
  applied_at: {{time: case.applied_at, format: "%Y-%m-%d %H:%M:%S", zone: Asia/Shanghai}}
examples: [{{name: one, case: {case}, gives: {payload}}}]
"""


def case_id(no: int) -> UUID:
    """The id of the case of a number: later numbers sort later."""
    return UUID(int=(1_770_000_000_000 + no << 80) | (7 << 76) | (2 << 62) | no)


def guid(system: str, no: int) -> str:
    """The key that the system's record bears."""
    return ids.slot_key(case_id(no), system, MESSAGE, "")


def document(no: int) -> Json:
    """The case of a number."""
    name = NAMES[no % len(NAMES)]
    return {
        "kind": "application",
        "case_no": f"990100{no:012d}",
        "case_class": "promised",
        "title": f"关于{name}的食品经营许可（{no}）",
        "item": {
            "catalog_code": "000131901001",
            "task_code": "11990100MB0000001T3000131901001",
            "name": "食品经营许可（餐饮服务）新办",
        },
        "applicant": {"type": "natural_person", "name": name, "id_type": "414", "id_no": f"EX{no:07d}"},
        "contact": {"name": name, "mobile": f"154{no:08d}"},
        "region_code": "990101",
        "channel": "window",
        "applied_at": _APPLIED,
    }


def payload(no: int) -> dict[str, str]:
    """What was sent of it, written by hand."""
    case = document(no)
    values = (
        case["case_no"],
        case["title"],
        case["applicant"]["name"],
        case["applicant"]["id_no"],
        case["contact"]["mobile"],
        "window",
        "990101",
        case["item"]["task_code"],
        case["item"]["name"],
        "2026-03-02 09:00:00",
    )
    return dict(zip(FIELDS, values, strict=True))


def held(system: str, no: int) -> dict[str, str]:
    """What the system holds under a number."""
    edited = {"title": "改过的"} if no < EDITED else {}
    return {"guid": guid(system, no), **payload(no), **edited}


def bundle(system: str, address: str, *, mac: Mac, schema: CanonicalSchema) -> Bundle:
    """How a system is spoken to: `records` lists over HTTP, every other is a database."""
    is_rest = address.startswith("http")
    columns = "\n".join(f"        {name}: varchar(200) not null" for name in FIELDS)
    adapter = _ADAPTER.format(
        system=system,
        transport="rest" if is_rest else "database",
        options=(_REST if is_rest else _DATABASE).format(address=address, columns=columns),
        taken="{status: [200]}" if is_rest else "{body: {/result: committed}}",
        listed="{operation: list, records: /items, total: /total, next: {by: page, first: 1, size: 1000}}"
        if is_rest
        else "{operation: list, next: {by: keyset, size: 5000}}",
    )
    one = {"case": _inline(document(1)), "payload": _inline(payload(1))}
    text = {"type": "string", "minLength": 1}
    contract = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "required": list(FIELDS),
        "properties": dict.fromkeys(FIELDS, text),
    }
    files: Mapping[str, str] = {
        f"adapters/{system}/adapter.yaml": adapter,
        f"mappings/{system}/record.yaml": _MAPPING.format(system=system, **one),
        f"schemas/{system}/record.schema.json": json.dumps(contract),
    }
    encoded = {path: text.encode() for path, text in files.items()}
    return compile_bundle(system, encoded, mac=mac, schema=schema)


def _inline(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)
