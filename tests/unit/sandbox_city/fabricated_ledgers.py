"""Ledgers made up for the reader: what the systems would have written had all gone well."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE requests(seq INTEGER PRIMARY KEY, at TEXT, operation TEXT, key TEXT, part TEXT,
  request_key TEXT, body TEXT, fault TEXT, effect TEXT, status INTEGER, is_answered INTEGER);
CREATE TABLE effects(seq INTEGER PRIMARY KEY, request_seq INTEGER, operation TEXT, key TEXT, part TEXT,
  record TEXT, kind TEXT);
CREATE TABLE unheard(seq INTEGER PRIMARY KEY, request_seq INTEGER, at TEXT, why TEXT);
"""
KEY_FIELDS = {"province": "orgbusno", "food": "bizKey", "workorders": "", "hotline": "", "urban": "", "ecology": ""}
PART_KEYS = {"urban": "taskKey", "ecology": "itemKey"}
"""The field of a task that says our key; its closing is held under the same key."""


@dataclass
class Entry:
    """One request with its effect, to be written as two rows."""

    operation: str
    key: str
    part: str
    record: dict[str, Any]
    effect: str = "created"
    fault: str | None = None
    is_answered: bool = True
    at: str = "2026-05-01T00:00:00+00:00"


def entries_of(line: dict[str, Any]) -> list[Entry]:
    """What a system's ledger says after it was told, and typed itself, exactly what is expected."""
    our_key = f"id-{line['case_no']}" if KEY_FIELDS[line["system"]] else line["case_no"]
    is_own_case = line["operations"] and line["operations"][0]["is_own"]
    key = f"own-{line['case_no']}" if is_own_case and line["system"] == "food" else our_key
    return [
        entry
        for number, operation in enumerate(line["operations"])
        for entry in _entries(line["system"], operation, key=key, our_key=our_key, number=number)
    ]


def _entries(system: str, operation: dict[str, Any], *, key: str, our_key: str, number: int) -> list[Entry]:
    name, part, is_own = operation["operation"], "", operation["is_own"]
    record = json.loads(json.dumps(operation["record"]))
    ours = {KEY_FIELDS[system]: our_key} if KEY_FIELDS[system] else {}
    part = str(record.get("sn", ""))
    part_field = {"receiveApplyFile": "unid", "event": "eventKey", "progress": "progressKey"}.get(name)
    if system in PART_KEYS:
        part = f"{key}-{operation['part']}"
        ours |= {PART_KEYS[system]: part} if name == "create" else {}
    if part_field:
        part = f"{'own' if is_own else our_key}-{key}-{number}"
        ours |= {part_field: part}
    made = [record | {"staff": 2000 + left} for left in range(max(0, operation["typed"] - 1), 0, -1)]
    if operation["typed"] and is_own:
        typed = [*made, record if not operation["updates"] else record | {"staff": 3000}]
        found = [Entry(name, key, part, version, effect="typed") for version in typed]
    else:
        first = record | {"staff": 3000} if operation["updates"] or operation["typed"] else record
        found = [Entry(name, key, part, first | ours)]
        found += [Entry(name, key, part, version | ours, effect="typed") for version in made]
        found += [Entry(name, key, part, record | ours, effect="typed")] if operation["typed"] else []
    versions = [record | {"staff": 1000 + left} for left in range(operation["updates"] - 1, 0, -1)]
    versions += [record] if operation["updates"] else []
    return found + [Entry("update", key, part, version | ours, effect="updated") for version in versions]


def write_ledger(path: Path, entries: Iterable[Entry]) -> None:
    """A ledger file with these entries, in this order."""
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as connection:
        connection.executescript(SCHEMA)
        for seq, entry in enumerate(entries, 1):
            body = json.dumps(entry.record, ensure_ascii=False)
            connection.execute(
                "INSERT INTO requests VALUES (?,?,?,?,?,'',?,?,?,200,?)",
                (
                    seq,
                    entry.at,
                    "type" if entry.effect == "typed" else entry.operation,
                    entry.key,
                    entry.part,
                    body,
                    *_rest(entry),
                ),
            )
            if entry.effect in ("created", "updated", "typed"):
                connection.execute(
                    "INSERT INTO effects VALUES (?,?,?,?,?,?,?)",
                    (seq, seq, entry.operation, entry.key, entry.part, body, entry.effect),
                )
    connection.close()


def _rest(entry: Entry) -> tuple[str | None, str, int]:
    return (entry.fault, entry.effect, int(entry.is_answered))
