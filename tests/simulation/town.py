"""The town of the simulation: a few systems that differ in what they let us know, and one case to vary."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from syncgate.site.bundle import Bundle
from syncgate.site.canonical import CanonicalSchema
from syncgate.site.compiler import compile_bundle
from syncgate.site.folder import load_site
from syncgate.storage import SiteKeyring
from tests.support.cases import a_stage, an_application

KEYRING: Final = SiteKeyring(bytes(range(32)))
ROOT: Final = Path(__file__).parents[2]
Knows = Literal["look_up", "idempotency_key", "duplicate_probe", "hold"]
CONNECT, TIMEOUT, VISIBLE = 1.0, 4.0, 5.0
"""Seconds: to connect, for the whole request, and until absence is believed after an answer was lost."""

CONFIRM: Final[dict[str, str]] = {
    "look_up": "{by: look_up, operation: read, record: /record, absent: {status: [404]}, visible_after: 5s,"
    " waits: [1s, 5s], final_after: 10d}",
    "idempotency_key": "{by: idempotency_key, visible_after: 5s, waits: [1s, 5s], final_after: 10d}",
    "duplicate_probe": "{by: duplicate_probe, visible_after: 5s, waits: [1s, 5s], final_after: 10d}",
    "hold": "{by: hold}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """One system of the town.

    Attributes:
        name: of the system.
        knows: how an unknown outcome is confirmed there.
        is_queueing: whether it takes things into a queue first, and says later what became of them.
        is_changing: whether it takes changes of what it holds.
        is_retracting: whether what it holds can be taken back there.
        needs: the system whose number its mapping reads.
        rate: sends a second; None: no limit.
    """

    name: str
    knows: Knows
    is_queueing: bool = False
    is_changing: bool = True
    is_retracting: bool = True
    needs: str | None = None
    rate: int | None = None


SYSTEMS: Final = (
    Town(name="asked", knows="look_up"),
    Town(name="keyed", knows="idempotency_key", rate=5),
    Town(name="probed", knows="duplicate_probe", is_changing=False, is_retracting=False),
    Town(name="held", knows="hold", is_changing=False, is_retracting=False),
    Town(name="queueing", knows="look_up", is_queueing=True),
    Town(name="needing", knows="look_up", needs="asked", is_changing=False),
)
BY_NAME: Final = {town.name: town for town in SYSTEMS}


@cache
def schema() -> CanonicalSchema:
    """The canonical schema."""
    return load_site(ROOT, mac=lambda content: KEYRING.mac("inputs", content)).schema


@cache
def bundle(name: str, version: int = 1) -> Bundle:
    """A system's bundle; a later version's mapping gives another payload for the same case."""
    mac = lambda content: KEYRING.mac("inputs", content)  # noqa: E731
    return compile_bundle(name, files(BY_NAME[name], version), mac=mac, schema=schema())


def files(town: Town, version: int) -> dict[str, bytes]:
    """What the bundle is compiled from."""
    name = town.name
    return {
        f"adapters/{name}/adapter.yaml": _adapter(town).encode(),
        f"mappings/{name}/record.yaml": _record(town, version).encode(),
        f"mappings/{name}/step.yaml": _step(town, version).encode(),
        f"schemas/{name}/record.schema.json": _contract("number", "title", "version"),
        f"schemas/{name}/step.schema.json": _contract("number", "step", "said", "version"),
    }


def _adapter(town: Town) -> str:
    change = "{update: change}" if town.is_changing else "hold"
    unplanned = "{retract: remove, of: slot}" if town.is_retracting else "hold"
    key = ', headers: {Idempotency-Key: "{send_key}"}' if town.knows == "idempotency_key" else ""
    rate = "" if town.rate is None else f"rate: {town.rate}/s, "
    queue = "acknowledged: {operation: state, waits: [2s, 10s], final_after: 10d, returned_for: 60s}\n"
    known = {"taken": 200, "duplicate": 409, "refused": 422} | ({"queued_there": 202} if town.is_queueing else {})
    rules = "".join(f"  - {{name: {said}, when: {{status: [{no}]}}, outcome: {said}}}\n" for said, no in known.items())
    does = f"operation: create, on_change: {change}, on_unplanned: {unplanned}"
    limits = f"{rate}concurrency: 4, connect_timeout: {CONNECT:.0f}s, timeout: {TIMEOUT:.0f}s"
    return f"""\
system: {town.name}
title: {{zh: 模拟, en: Simulated}}
transport: rest
mode: live
options:
  base_url: http://127.0.0.1:9/
  signing: {{scheme: none}}
  operations:
    create: {{method: POST, path: "/{{slot_key}}"{key}}}
    change: {{method: PUT, path: "/{{slot_key}}"{key}}}
    remove: {{method: DELETE, path: "/{{slot_key}}"{key}}}
    read: {{method: GET, path: "/{{slot_key}}"}}
    state: {{method: GET, path: "/{{slot_key}}/state"}}
messages:
  - {{name: record, of: case, {does}, remote_ref: {{body: /id}}}}
  - {{name: step, of: stage, {does}, after: [record]}}
answers:
{rules}confirm: {CONFIRM[town.knows]}
{queue if town.is_queueing else ""}limits: {{{limits}}}
schedule: [1s, 2s, 5s, 10s]
breaker: {{failures: 3, probe_after: 5s}}
personal: [name, identity, contact, address, content, sensitive]
"""


def _record(town: Town, version: int) -> str:
    needs = "" if town.needs is None else f"  theirs: {{remote_ref: {town.needs}, message: record}}\n"
    context = "" if town.needs is None else f"    refs: {{remote_ref: {{{town.needs}/record: R1}}}}\n"
    gives = "" if town.needs is None else ", theirs: R1"
    return f"""\
mapping: {town.name}/record
direction: out
reads: case
payload:
  number: case.case_no
  title: case.title
  version: {{const: "{version}"}}
{needs}examples:
  - name: one
    case: {{case_no: "1", title: 甲}}
{context}    gives: {{number: "1", title: 甲, version: "{version}"{gives}}}
"""


def _step(town: Town, version: int) -> str:
    return f"""\
mapping: {town.name}/step
direction: out
reads: stage
payload:
  number: case.case_no
  step: stage.id
  said: stage.reason
  version: {{const: "{version}"}}
examples:
  - name: one
    case: {{case_no: "1", stages: [{{id: s1, kind: accepted, at: "2026-03-02T10:00:00+08:00", reason: 甲}}]}}
    part: s1
    gives: {{number: "1", step: s1, said: 甲, version: "{version}"}}
"""


def _contract(*names: str) -> bytes:
    properties = {name: {"type": "string", "maxLength": 100} for name in (*names, "theirs")}
    return json.dumps(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": properties,
            "required": list(names),
            "additionalProperties": False,
        }
    ).encode()


def a_case(number: str, edition: int) -> dict[str, Any]:
    """A case that tells by its title which edition of it this is."""
    return an_application(number, title=title(edition), materials=[])


def title(edition: int) -> str:
    """What the case says in this edition."""
    return f"第{edition}版"


def a_step(no: int, edition: int) -> dict[str, Any]:
    """A stage of the case."""
    return a_stage(f"s{no}", "supplement_requested", f"2026-03-0{1 + no}T10:00:00+08:00", reason=title(edition))
