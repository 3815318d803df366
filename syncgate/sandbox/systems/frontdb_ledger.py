"""What the front database did, beside it and out of its peers' reach: every row written or removed, and every fault.

One SQLite file, append-only. `effects` copies, in order, the journal that triggers keep inside the front database in
the same transaction as the rows; so an effect is here if and only if it was committed there.
"""

from __future__ import annotations

import fcntl
import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncgate.sandbox.ledger import LedgerInUse

_SCHEMA = """
CREATE TABLE IF NOT EXISTS effects(
  seq INTEGER PRIMARY KEY, at TEXT NOT NULL, actor TEXT NOT NULL CHECK (actor IN ('peer','consumer')),
  verb TEXT NOT NULL CHECK (verb IN ('insert','update','delete')), tab TEXT NOT NULL, row TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS faults(
  seq INTEGER PRIMARY KEY, at TEXT NOT NULL, mode TEXT NOT NULL, tab TEXT NOT NULL, row_guid TEXT NOT NULL,
  cd_batch TEXT NOT NULL);
"""
_TRIGGER = """
CREATE TRIGGER IF NOT EXISTS {table}_no_{verb} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
"""


@dataclass(frozen=True, slots=True)
class Effect:
    """One row written or removed; `row` is the row after it, or what was removed."""

    seq: int
    at: str
    actor: str
    verb: str
    tab: str
    row: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Strike:
    """A fault that struck an operation; which row, as far as that is known."""

    at: str
    mode: str
    tab: str
    row_guid: str = ""
    cd_batch: str = ""


class FrontLedger:
    """An open ledger; this process is the only one that writes it, from any of its threads.

    Raises:
        LedgerInUse: another process has it open.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.with_name(path.name + ".lock").open("wb")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise LedgerInUse(f"expected {path} to be free, got one that another simulator holds") from None
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        triggers = (_TRIGGER.format(table=t, verb=v) for t in ("effects", "faults") for v in ("UPDATE", "DELETE"))
        self._connection.executescript("BEGIN;" + _SCHEMA + "".join(triggers) + "COMMIT;")

    def last_seq(self) -> int:
        """The number of the newest effect that is kept."""
        return int(self._ask("SELECT coalesce(max(seq), 0) FROM effects")[0][0])

    def append(self, effects: Sequence[Effect], strikes: Sequence[Strike] = ()) -> None:
        """Keep all of these or none. They are durable when this returns."""
        if not effects and not strikes:
            return
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(
                "INSERT INTO effects VALUES (?,?,?,?,?,?)",
                [
                    (e.seq, e.at, e.actor, e.verb, e.tab, json.dumps(e.row, ensure_ascii=False, sort_keys=True))
                    for e in effects
                ],
            )
            self._connection.executemany(
                "INSERT INTO faults(at, mode, tab, row_guid, cd_batch) VALUES (?,?,?,?,?)",
                [(s.at, s.mode, s.tab, s.row_guid, s.cd_batch) for s in strikes],
            )

    def effects(self) -> list[Effect]:
        """All of them, oldest first."""
        rows = self._ask("SELECT seq, at, actor, verb, tab, row FROM effects ORDER BY seq")
        return [Effect(seq, at, actor, verb, tab, json.loads(row)) for seq, at, actor, verb, tab, row in rows]

    def struck(self, mode: str) -> set[str]:
        """The row_guids that a mode struck so far."""
        return {row[0] for row in self._ask("SELECT DISTINCT row_guid FROM faults WHERE mode = ?", mode)}

    def counts(self) -> dict[str, Any]:
        """As the control path shows them; a request is a row that a peer inserted."""
        by_operation: dict[str, dict[str, int]] = {}
        for mode, tab, count in self._ask("SELECT mode, tab, count(*) FROM faults GROUP BY 1, 2 ORDER BY 1, 2"):
            by_operation.setdefault(mode, {})[tab] = count
        faults = Counter({mode: sum(counts.values()) for mode, counts in by_operation.items()})
        inserts = self._ask("SELECT count(*) FROM effects WHERE actor = 'peer' AND verb = 'insert'")[0][0]
        effects = self._ask("SELECT count(*) FROM effects")[0][0]
        shown = {"faults": dict(faults), "faults_by_operation": by_operation}
        return {"requests": inserts, "effects": effects, "unheard": 0, **shown}

    def close(self) -> None:
        """Let go of it."""
        self._connection.close()
        self._file.close()

    def _ask(self, sql: str, *values: object) -> list[Any]:
        with self._lock:
            return self._connection.execute(sql, values).fetchall()
