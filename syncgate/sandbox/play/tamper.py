"""Alters one record behind a system's back, in a copy, to see whether the reader notices."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path


def copy_altered(systems: Path, copy: Path, *, system: str = "food", field: str = "premises") -> None:
    """Copy all ledgers; in the copy of one system change one field of one record, and nothing else."""
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(parents=True)
    for file in systems.glob("*.sqlite"):
        with sqlite3.connect(file) as source, sqlite3.connect(copy / file.name) as target:
            source.backup(target)
    with sqlite3.connect(copy / f"{system}.sqlite", isolation_level=None) as ledger:
        names = ledger.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in names:
            ledger.execute(f'DROP TRIGGER "{name}"')
        ledger.execute(
            "UPDATE effects SET record = json_set(record, ?, '改过的') WHERE seq ="
            " (SELECT max(seq) FROM effects WHERE json_extract(record, ?) IS NOT NULL)",
            (f"$.{field}", f"$.{field}"),
        )
