"""A front database, read whole: its tables, and the ledger beside it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Record = dict[str, Any]

SYSTEM = "frontdb"
INSURANCE = "insurance"
REJECTED = "_unqbak"
KEYS = {
    "up_pro_accept": (),
    "up_pro_process": ("process_name", "event_start_time"),
    "up_pro_special_procedure": ("special_name", "end_time"),
    "up_pro_material": ("material_name", "material_attach_name"),
    "up_pro_result": (),
    "si_register": (),
}
"""Tables, and what tells the rows of one case in them apart."""
TABLES = {SYSTEM: tuple(table for table in KEYS if table.startswith("up_pro_")), INSURANCE: ("si_register",)}
"""The tables of each front database."""


@dataclass(frozen=True)
class Effect:
    """One row of the ledger: what was written or removed, when, and by whom."""

    seq: int
    at: str
    actor: str
    verb: str
    table: str
    row: Record

    @property
    def row_no(self) -> tuple[str, int]:
        """Which row of which table."""
        return self.table, self.row["id"]


@dataclass
class Front:
    """A front database: `rows` and `rejects` by table as they stand, `effects` as its ledger tells."""

    rows: dict[str, list[Record]]
    rejects: dict[str, list[Record]]
    effects: list[Effect]
    struck: list[str]
    system: str = SYSTEM

    def contents(self) -> dict[tuple[str, str, str], Record]:
        """The newest row of every slot, by table, case and row_guid."""
        return {(table, r["project_no"], r["row_guid"]): r for table, rows in self.rows.items() for r in rows}

    def faults(self) -> Counter[str]:
        """How many operations each kind of fault struck."""
        return Counter(self.struck)


def read_front(folder: Path, system: str = SYSTEM) -> Front:
    """What a front database left in a folder of simulated systems."""
    with _opened(folder / f"{system}.sqlite") as ledger:
        effects = [
            Effect(seq, at, actor, verb, tab, json.loads(row))
            for seq, at, actor, verb, tab, row in ledger.execute(
                "SELECT seq, at, actor, verb, tab, row FROM effects ORDER BY seq"
            )
        ]
        struck = [row[0] for row in ledger.execute("SELECT mode FROM faults ORDER BY seq")]
    with _opened(folder / f"{system}.db") as tables:
        rows = {table: _rows(tables, table, "id") for table in TABLES[system]}
        rejects = {table: _rows(tables, table + REJECTED, "rowid") for table in TABLES[system]}
    return Front(rows, rejects, effects, struck, system)


def _rows(connection: sqlite3.Connection, table: str, order: str) -> list[Record]:
    found = connection.execute(f"SELECT * FROM {table} ORDER BY {order}")
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found]


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A copy, so that a journal that a dead process left is read as well."""
    if not path.is_file():
        raise SystemExit(f"expected a database at {path}, got none")
    with tempfile.TemporaryDirectory() as folder:
        for file in (path, path.with_name(path.name + "-wal")):
            if file.exists():
                shutil.copy(file, Path(folder) / file.name)
        connection = sqlite3.connect(Path(folder) / path.name)
        try:
            yield connection
        finally:
            connection.close()
