"""Two synthetic desks that take a hotline case while they are in charge of it, in files of a site."""

from __future__ import annotations

import json
from typing import Any

from syncgate.config import SystemSettings
from syncgate.site.bundle import Bundle
from syncgate.site.compiler import compile_bundle
from syncgate.storage import SqlStore
from tests.integration.flows.worksite import KEYRING, Worksite, example_site, worksite
from tests.support.cases import a_hotline_case
from tests.support.rows import SetClock

ORGS: dict[str, dict[str, str]] = {
    "urban": {"name": "示例市城市管理局", "uscc": "11990100MB00000057"},
    "ecology": {"name": "示例市生态环境局", "uscc": "11990100MB0000007D"},
}

ADAPTER = """\
system: SYSTEM
title: {zh: 承办单位系统, en: Desk}
transport: rest
mode: live
applies_to: {equals: [case.kind, {const: hotline}]}
assignee: {in: [leg.org.uscc, {const: [USCC]}]}
options:
  base_url: http://127.0.0.1:9009/desk
  operations:
    create: {method: POST, path: /orders}
    remind: {method: POST, path: /reminders}
    close: {method: POST, path: "/orders/{remote_ref}/close"}
    read: {method: GET, path: "/records/{slot_key}"}
messages:
  - name: order
    of: leg
    operation: create
    remote_ref: {body: /order}
    on_change: {update: create}
  - name: urge
    of: stage
    when: {in: [stage.kind, {const: [urged, supervised]}]}
    operation: remind
  - name: closing
    of: leg
    closes: order
    operation: close
answers:
  - {name: taken, when: {status: [200, 201]}, outcome: taken}
confirm: {by: look_up, operation: read, visible_after: 20s, final_after: 30m, absent: {status: [404]}}
personal: [address, content, contact, name]
"""

ORDER = """\
mapping: SYSTEM/order
direction: out
reads: leg
payload:
  number: case.case_no
  turn: leg.no
  since: leg.from_at
  place: case.location.text
  text: {path: case.description, optional: true}
  caller: {path: case.contact.name, optional: true, confidential: 保密}
  phone: {text: case.contact.mobile, steps: [trim], when_absent: {const: 无}, confidential: 保密}
examples:
  - name: a caller who wants to stay unknown
    case:
      case_no: HL-1
      is_confidential: true
      contact: {name: 张示例, mobile: "15400000001"}
      location: {text: 示例路1号}
      stages: [{id: s1, kind: assigned, at: "2026-05-01T09:00:00+08:00", assignee: {name: 示例局}}]
    part: s1
    gives:
      {number: HL-1, turn: 1, since: "2026-05-01T09:00:00+08:00", place: 示例路1号, caller: 保密, phone: 保密}
  - name: the first turn
    case:
      case_no: HL-1
      location: {text: 示例路1号}
      stages: [{id: s1, kind: assigned, at: "2026-05-01T09:00:00+08:00", assignee: {name: 示例局}}]
    part: s1
    gives: {number: HL-1, turn: 1, since: "2026-05-01T09:00:00+08:00", place: 示例路1号, phone: 无}
"""

URGE = """\
mapping: SYSTEM/urge
direction: out
reads: stage
payload:
  order: {remote_ref: SYSTEM, message: order}
  kind: stage.kind
examples:
  - name: urged
    case: {stages: [{id: s2, kind: urged, at: "2026-05-01T10:00:00+08:00"}]}
    part: s2
    refs: {remote_ref: {SYSTEM/order: U-1}}
    gives: {order: U-1, kind: urged}
"""

CLOSING = """\
mapping: SYSTEM/closing
direction: out
reads: leg
payload:
  order: {remote_ref: SYSTEM, message: order}
  how: leg.ended
  why: {path: leg.ended_with.reason, optional: true}
examples:
  - name: given to another
    case:
      stages:
        - {id: s1, kind: assigned, at: "2026-05-01T09:00:00+08:00", assignee: {name: 示例局}}
        - {id: s2, kind: reassigned, at: "2026-05-01T10:00:00+08:00", assignee: {name: 示例二局}, reason: 职责不符}
    part: s1
    refs: {remote_ref: {SYSTEM/order: U-1}}
    gives: {order: U-1, how: reassigned, why: 职责不符}
"""


def _contract(**fields: str) -> str:
    properties = {name: {"type": kind} for name, kind in fields.items()}
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps({"$schema": dialect, "type": "object", "additionalProperties": False, "properties": properties})


CONTRACTS = {
    "order": _contract(
        number="string", turn="integer", since="string", place="string", text="string", caller="string", phone="string"
    ),
    "urge": _contract(order="string", kind="string"),
    "closing": _contract(order="string", how="string", why="string"),
}


def desk_files(system: str) -> dict[str, str]:
    """The files of a desk, by path within the site."""
    texts = {"order": ORDER, "urge": URGE, "closing": CLOSING}
    files = {f"adapters/{system}/adapter.yaml": ADAPTER, **{f"mappings/{system}/{k}.yaml": t for k, t in texts.items()}}
    files |= {f"schemas/{system}/{name}.schema.json": text for name, text in CONTRACTS.items()}
    return {path: text.replace("SYSTEM", system).replace("USCC", ORGS[system]["uscc"]) for path, text in files.items()}


def desk(system: str, *edits: tuple[str, str], mode: str | None = None) -> Bundle:
    """A desk's bundle, each text of the files replaced by another."""
    files = {}
    for path, text in desk_files(system).items():
        for old, new in edits:
            text = text.replace(old, new)
        files[path] = text.encode()
    settings = SystemSettings.model_validate({} if mode is None else {"mode": mode})
    mac = lambda content: KEYRING.mac("inputs", content)  # noqa: E731
    return compile_bundle(system, files, mac=mac, schema=example_site().schema, settings=settings)


def desks(store: SqlStore, clock: SetClock) -> Worksite:
    """A gate with both desks, deployed."""
    return worksite(store, clock, [desk("urban"), desk("ecology")])


def turn(kind: str, hour: int, to: str | None = None, **fields: Any) -> dict[str, Any]:
    """A stage of the assignment at this hour of the day, that may put a desk in charge."""
    more = {} if to is None else {"assignee": ORGS[to]}
    return {"id": f"{kind}-{hour}", "kind": kind, "at": f"2026-05-01T{hour:02}:00:00+08:00", **more, **fields}


def a_complaint(*stages: Any, **changes: Any) -> dict[str, Any]:
    """A hotline case with these stages."""
    return a_hotline_case(stages=list(stages), **changes)
