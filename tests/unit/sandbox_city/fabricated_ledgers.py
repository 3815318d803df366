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
KEY_FIELDS = {"province": "orgbusno", "food": "bizKey", "workorders": ""}


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
    """What a system's ledger says after it was told exactly what is expected."""
    key = f"{line['system']}-{line['case_no']}" if KEY_FIELDS[line["system"]] else line["case_no"]
    found = []
    for number, operation in enumerate(line["operations"]):
        record = json.loads(json.dumps(operation["record"]))
        if KEY_FIELDS[line["system"]]:
            record[KEY_FIELDS[line["system"]]] = key
        part = str(record.get("sn", ""))
        part_field = {"receiveApplyFile": "unid", "event": "eventKey"}.get(operation["operation"])
        if part_field:
            part = record[part_field] = f"{key}-{number}"
        versions = [record | {"staff": 1000 + left} for left in range(operation["updates"], 0, -1)] + [record]
        found.append(Entry(operation["operation"], key, part, versions[0]))
        found += [Entry("update", key, part, version, effect="updated") for version in versions[1:]]
    return found


def write_ledger(path: Path, entries: Iterable[Entry]) -> None:
    """A ledger file with these entries, in this order."""
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as connection:
        connection.executescript(SCHEMA)
        for seq, entry in enumerate(entries, 1):
            body = json.dumps(entry.record, ensure_ascii=False)
            connection.execute(
                "INSERT INTO requests VALUES (?,?,?,?,?,'',?,?,?,200,?)",
                (seq, entry.at, entry.operation, entry.key, entry.part, body, *_rest(entry)),
            )
            if entry.effect in ("created", "updated"):
                connection.execute(
                    "INSERT INTO effects VALUES (?,?,?,?,?,?,?)",
                    (seq, seq, entry.operation, entry.key, entry.part, body, entry.effect),
                )
    connection.close()


def _rest(entry: Entry) -> tuple[str | None, str, int]:
    return (entry.fault, entry.effect, int(entry.is_answered))
