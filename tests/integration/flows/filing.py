"""A system that takes the files of materials, in each way that an adapter can say."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

from syncgate.flows.accepting.materials import Declared, Stored, put_material
from syncgate.flows.gate import CaseRef
from syncgate.site.bundle import Bundle
from syncgate.site.compiler import compile_bundle
from tests.integration.flows.worksite import KEYRING, Worksite, activate, caller, example_site
from tests.support.cases import an_application

LIMIT = 100 * 1024**2
ADAPTER = """
system: filing
title: {zh: 档案系统, en: Filing}
transport: rest
mode: live
options:
  base_url: http://127.0.0.1:9
  operations:
    put_case: {method: POST, path: /cases, headers: {Idempotency-Key: "{send_key}"}}
    put_file: {method: POST, path: "/files/{slot_key}", body: BODY, headers: {Idempotency-Key: "{send_key}"}}
messages:
  - {name: record, of: case, operation: put_case, after: []}
  - name: file
    of: material
    when: {equals: [material.get_type, {const: "2"}]}
    operation: put_file
    after: []
    is_ordered: false
    content: CONTENT
answers:
  - {name: taken, when: {status: [200]}, outcome: taken}
  - name: file_missing
    when: {status: [409], body: {/code: "2"}}
    outcome: refused
    reason: file_missing_there
    actor: file
confirm: CONFIRM
personal: [name, identity, contact, address, content]
"""
MAPPINGS = {
    "record": """
mapping: filing/record
direction: out
reads: case
payload: {no: case.case_no}
examples: [{name: any, case: {case_no: QX1}, gives: {no: QX1}}]
""",
    "file": """
mapping: filing/file
direction: out
reads: material
payload: {id: material.id, called: material.name}
examples: [{name: any, case: {materials: [{id: m1, name: a}]}, part: m1, gives: {id: m1, called: a}}]
""",
}
TEXT = {"type": "string", "minLength": 1}


def filing(content: str, *, body: str = "json", confirm: str = "{by: idempotency_key}", **fields: Any) -> Bundle:
    """The system's bundle with this `content`. fields: what the contract of a file has besides."""
    contract = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "required": ["id", "called", *fields],
        "properties": {"id": TEXT, "called": TEXT, **fields},
    }
    record = {"$schema": contract["$schema"], "type": "object", "properties": {"no": TEXT}}
    text = ADAPTER.replace("CONTENT", content).replace("CONFIRM", confirm).replace("BODY", body)
    files = {
        "adapters/filing/adapter.yaml": text.encode(),
        "schemas/filing/record.schema.json": json.dumps(record).encode(),
        "schemas/filing/file.schema.json": json.dumps(contract).encode(),
        **{f"mappings/filing/{name}.yaml": text.encode() for name, text in MAPPINGS.items()},
    }
    mac = lambda plain: KEYRING.mac("inputs", plain)  # noqa: E731
    return compile_bundle("filing", files, mac=mac, schema=example_site().schema)


def activated(site: Worksite, content: str, **more: Any) -> Worksite:
    """The worksite with this system alone taking files."""
    site.run(activate(site.gate, [filing(content, **more)]))
    return site


def a_material(material: str = "m1", **more: Any) -> dict[str, Any]:
    return {"id": material, "name": "经营场所平面布局图", "get_type": "2", **more}


def posted(site: Worksite, *materials: dict[str, Any], case_no: str = "QX1") -> UUID:
    """A case with these materials."""
    return site.post(an_application(case_no, materials=list(materials) or [a_material()])).case_id


def put(
    site: Worksite,
    case_id: UUID,
    content: bytes | Sequence[bytes],
    *,
    material: str = "m1",
    source: str = "window",
    limit: int = LIMIT,
    **declared: Any,
) -> Stored:
    """Brings the bytes of a material, in these pieces."""
    pieces = [content] if isinstance(content, bytes) else content
    coming = put_material(
        site.gate,
        caller(source),
        CaseRef(case_id=case_id),
        material,
        Declared(**declared),
        arriving(pieces),
        size_at_most=limit,
    )
    return site.run(coming)


async def arriving(pieces: Sequence[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
