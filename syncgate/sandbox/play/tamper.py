"""Alters one record behind a system's back, or sends one back to it, in a copy: does the reader notice?"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


def copy_altered(systems: Path, copy: Path, *, system: str = "food", field: str = "premises") -> None:
    """Copy all ledgers; in the copy of one system change one field of one record, and nothing else."""
    _copy(systems, copy)
    with _opened(copy / f"{system}.sqlite") as ledger:
        ledger.execute(
            "UPDATE effects SET record = json_set(record, ?, '改过的') WHERE seq ="
            " (SELECT max(seq) FROM effects WHERE json_extract(record, ?) IS NOT NULL)",
            (f"$.{field}", f"$.{field}"),
        )


def copy_echoed(systems: Path, copy: Path, *, operation: str) -> None:
    """Copy all ledgers; in food's copy we bring one record, `create` or `event`, that its own clerks typed."""
    _copy(systems, copy)
    with _opened(copy / "food.sqlite") as ledger:
        key, record = ledger.execute(
            "SELECT key, record FROM effects WHERE kind = 'typed' AND operation = ?"
            " AND json_extract(record, '$.bizKey') IS NULL ORDER BY seq LIMIT 1",
            (operation,),
        ).fetchone()
        keys = {"bizKey": "echo", "eventKey": "echo"} if operation == "event" else {"bizKey": "echo"}
        body = json.dumps({**json.loads(record), **keys}, ensure_ascii=False)
        place = (operation, "echo" if operation == "create" else key, "echo" if operation == "event" else "")
        (seq,) = ledger.execute("SELECT max(seq) + 1 FROM requests").fetchone()
        ledger.execute(
            "INSERT INTO requests SELECT ?, at, ?, ?, ?, 'echo', ?, NULL, 'created', 201, 1"
            " FROM requests WHERE seq = ?",
            (seq, *place, body, seq - 1),
        )
        (last,) = ledger.execute("SELECT max(seq) + 1 FROM effects").fetchone()
        ledger.execute("INSERT INTO effects VALUES (?, ?, ?, ?, ?, ?, 'created')", (last, seq, *place, body))


def _copy(systems: Path, copy: Path) -> None:
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(parents=True)
    for file in (*systems.glob("*.sqlite"), *systems.glob("*.db")):
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy / file.name)) as target:
            source.backup(target)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A ledger whose triggers let it be changed."""
    with closing(sqlite3.connect(path, isolation_level=None)) as ledger:
        names = ledger.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in names:
            ledger.execute(f'DROP TRIGGER "{name}"')
        yield ledger
