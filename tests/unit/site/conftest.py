"""A small synthetic site in memory: one system `archive` with two messages, easy to break in one place."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from syncgate.documents import ProblemSet
from syncgate.site.bundle import Bundle
from syncgate.site.canonical import CanonicalSchema
from syncgate.site.compiler import compile_bundle

ROOT = Path(__file__).parents[3]

ADAPTER = """\
system: archive
title: {zh: 档案系统, en: Archive}
transport: rest
mode: live
applies_to: {equals: [case.kind, {const: application}]}
options:
  base_url: http://127.0.0.1:9009/archive
  headers: {X-Key: {secret: archive_key}}
  operations:
    create: {method: POST, path: /records, headers: {Idempotency-Key: "{send_key}"}}
    replace: {method: PUT, path: "/records/{slot_key}", headers: {Idempotency-Key: "{send_key}"}}
    add: {method: POST, path: /events}
    read: {method: GET, path: "/records/{slot_key}"}
messages:
  - name: record
    of: case
    operation: create
    on_change: {update: replace}
    remote_ref: {body: /id}
    is_case_ref: true
  - name: event
    of: stage
    when: {in: [stage.kind, {list: [{const: accepted}, {const: finished}]}]}
    operation: add
    confirm: {by: duplicate_probe}
answers:
  - {name: taken, when: {status: [200, 201]}, outcome: taken}
  - {name: exists, when: {status: [409]}, outcome: duplicate}
confirm: {by: look_up, operation: read, record: /data, visible_after: 3s, final_after: 30m, absent: {status: [404]}}
limits: {rate: 600/m, concurrency: 4, connect_timeout: 1s, timeout: 2500ms, retry_after_at_most: 1m}
schedule: [250ms, 1s, 5m]
breaker: {failures: 3, probe_after: 2s}
personal: [name, case.form.经营面积]
"""

RECORD = """\
mapping: archive/record
direction: out
reads: case
payload:
  number: case.case_no
  type: {table: kind, of: case.kind}
  who: case.applicant.name
  area: {path: case.form.经营面积, optional: true}
examples:
  - name: an application
    case: {kind: application, case_no: "A1", applicant: {name: 张示例}}
    gives: {number: "A1", type: "1", who: 张示例}
"""

EVENT = """\
mapping: archive/event
direction: out
reads: stage
payload:
  number: case.case_no
  event: stage.kind
  at: {time: stage.at, format: "%Y-%m-%d %H:%M:%S"}
examples:
  - name: an acceptance
    case: {case_no: "A1", stages: [{id: s1, kind: accepted, at: "2026-01-15T10:00:00+08:00"}]}
    part: s1
    gives: {number: "A1", event: accepted, at: "2026-01-15 10:00:00"}
"""

KIND = """\
table: kind
codes: {application: "1", hotline: "2"}
"""


def contract(*names: str, required: tuple[str, ...] = ()) -> str:
    """A closed contract with these text fields, the first two required unless said otherwise."""
    return json.dumps(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "additionalProperties": False,
            "required": list(required or names[:2]),
            "properties": {name: {"type": "string", "maxLength": 40} for name in names},
        },
        indent=1,
    )


FILES: Mapping[str, str] = {
    "adapters/archive/adapter.yaml": ADAPTER,
    "mappings/archive/record.yaml": RECORD,
    "mappings/archive/event.yaml": EVENT,
    "mappings/tables/kind.yaml": KIND,
    "schemas/archive/record.schema.json": contract("number", "type", "who", "area"),
    "schemas/archive/event.schema.json": contract("number", "event", "at"),
}

CONFIG = """\
site: {name: small, title: {zh: 小站, en: Small}, region: "990100"}
master_key: {env: SMALL_MASTER_KEY}
secrets:
  archive_key: {env: SMALL_ARCHIVE_KEY}
sources:
  window: {title: {zh: 窗口, en: Window}}
systems:
  archive: {}
"""


@cache
def schema() -> CanonicalSchema:
    """The canonical schema of the example site."""
    return CanonicalSchema.load(ROOT / "schemas/case.schema.json")


def compiled(files: Mapping[str, str] = FILES, **more: Any) -> Bundle:
    """The bundle of the small site's system."""
    more.setdefault("schema", schema())
    more.setdefault("secrets", {"archive_key"})
    more.setdefault("mac", lambda content: content)
    return compile_bundle("archive", {path: text.encode() for path, text in files.items()}, **more)


def edited(path: str, old: str, new: str, files: Mapping[str, str] = FILES) -> dict[str, str]:
    """The files with one text replaced, which must be there."""
    assert old in files[path]
    return {**files, path: files[path].replace(old, new, 1)}


def place_of(path: str, text: str, files: Mapping[str, str]) -> str:
    """`file:line:column` of the first place where a text stands."""
    before = files[path][: files[path].index(text)]
    return f"{path}:{before.count(chr(10)) + 1}:{len(before) - (before.rfind(chr(10)) + 1) + 1}"


def problems(act: Callable[[], Any]) -> list[str]:
    """What an act is refused for, one line each."""
    with pytest.raises(ProblemSet) as refused:
        act()
    return [str(problem) for problem in refused.value.problems]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The small site as a folder."""
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    (tmp_path / "config.yaml").write_text(CONFIG, "utf-8")
    (tmp_path / "schemas/case.schema.json").write_bytes((ROOT / "schemas/case.schema.json").read_bytes())
    return tmp_path
