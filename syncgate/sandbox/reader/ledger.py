"""A system's ledger, read whole, and how each system names things in it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

Record = dict[str, Any]
Slot = tuple[str, str, str]
"""(operation that creates it, key, part), as the ledger names them."""

READS = ("read", "read_event", "read_progress", "read_closing", "list", "list_events", "list_closings", "count")
NOT_SENT = (*READS, "type", "alter")
"""Requests that deliver nothing: look-ups, what the system's own clerks typed, what was altered behind our back."""
DID_IT = ("created", "updated", "duplicate", "replayed")


@dataclass(frozen=True)
class Shape:
    """How one system's ledger names things: what makes a case known, and keys that only the gate gives.

    Where `first` is empty the ledger's key is the case's own number.
    """

    first: str
    case_field: str
    key_field: str
    part_fields: dict[str, tuple[str, ...]]
    part_key_field: dict[str, str] = field(default_factory=dict)


SHAPES = {
    "province": Shape(
        first="receiveBasicInfo",
        case_field="projid",
        key_field="orgbusno",
        part_fields={
            "receiveProc": ("sn",),
            "receiveSpecialnode": ("sn",),
            "receiveApplyFile": ("attrid",),
        },
        part_key_field={"receiveApplyFile": "unid"},
    ),
    "food": Shape(
        first="create",
        case_field="caseNo",
        key_field="bizKey",
        part_fields={"event": ("kind", "at")},
        part_key_field={"event": "eventKey"},
    ),
    "workorders": Shape(first="create", case_field="sourceNo", key_field="", part_fields={}),
    "hotline": Shape(
        first="create",
        case_field="orderNo",
        key_field="",
        part_fields={"progress": ("node", "at")},
        part_key_field={"progress": "progressKey"},
    ),
    "urban": Shape(
        first="",
        case_field="sourceNo",
        key_field="",
        part_fields={"create": ("round",), "close": ("round",)},
        part_key_field={"create": "taskKey"},
    ),
    "ecology": Shape(
        first="",
        case_field="hotlineNo",
        key_field="",
        part_fields={"create": ("turn",), "close": ("turn",)},
        part_key_field={"create": "itemKey"},
    ),
}


@dataclass(frozen=True)
class Request:
    """One row of `requests`."""

    seq: int
    at: datetime
    slot: Slot
    operation: str
    body: str
    fault: str | None
    effect: str | None
    is_heard: bool


@dataclass(frozen=True)
class Effect:
    """One row of `effects`."""

    seq: int
    request_seq: int
    slot: Slot
    kind: str
    record: Record


@dataclass
class Ledger:
    """A system's ledger, read whole."""

    system: str
    requests: list[Request]
    effects: list[Effect]

    def contents(self) -> dict[Slot, Record]:
        """What the system holds: the replay of all effects. Of a record that is there twice it is the first."""
        held: dict[Slot, Record] = {}
        for effect in self.effects:
            if effect.kind == "removed":
                held.pop(effect.slot, None)
            elif effect.kind != "doubled":
                held[effect.slot] = effect.record
        return held

    def faults(self) -> Counter[str]:
        """How many requests of an operation, look-ups apart, each kind of fault struck."""
        return Counter(r.fault for r in self.requests if r.fault and r.operation not in NOT_SENT)


def read_ledger(path: Path) -> Ledger:
    """The ledger in a file; a running system may hold it open."""
    with tempfile.TemporaryDirectory() as folder:
        connection = _open(path, Path(folder))
        try:
            return _read(connection, path.stem)
        finally:
            connection.close()


def _open(path: Path, folder: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise SystemExit(f"expected a ledger at {path}, got none")
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        connection.execute("SELECT count(*) FROM requests").fetchone()
    except sqlite3.OperationalError:
        # A journal left by a dead process cannot be read without writing: read a copy.
        for file in path.parent.glob(path.name + "*"):
            shutil.copy(file, folder / file.name)
        connection = sqlite3.connect(folder / path.name)
    connection.execute("BEGIN")
    return connection


def _read(connection: sqlite3.Connection, system: str) -> Ledger:
    unheard = {row[0] for row in _rows(connection, "unheard", "request_seq")}
    requests = [
        Request(
            seq=seq,
            at=datetime.fromisoformat(at),
            slot=(_creating(operation), key, part),
            operation=operation,
            body=body,
            fault=fault,
            effect=effect,
            is_heard=bool(is_answered) and seq not in unheard,
        )
        for seq, at, operation, key, part, body, fault, effect, is_answered in _rows(
            connection, "requests", "seq, at, operation, key, part, body, fault, effect, is_answered"
        )
    ]
    effects = [
        Effect(seq, request_seq, (_creating(operation), key, part), kind, json.loads(record))
        for seq, request_seq, operation, key, part, kind, record in _rows(
            connection, "effects", "seq, request_seq, operation, key, part, kind, record"
        )
    ]
    return Ledger(system, requests, effects)


def _rows(connection: sqlite3.Connection, table: str, columns: str) -> list[tuple[Any, ...]]:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
        return []
    return connection.execute(f"SELECT {columns} FROM {table} ORDER BY seq").fetchall()


def _creating(operation: str) -> str:
    return "create" if operation == "update" else operation
