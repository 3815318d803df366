"""What a simulated system remembers: every request, its effect and the fault that struck it.

One SQLite file, append-only: triggers refuse any change. A system's contents are the replay of its
effects in the order of `seq`. `unheard` adds what is known only later: that the peer of a true answer
was gone before it was written (`left`), or reset the connection instead of reading on (`reset`).
"""

from __future__ import annotations

import fcntl
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS requests(
  seq INTEGER PRIMARY KEY, at TEXT NOT NULL, operation TEXT NOT NULL, key TEXT NOT NULL,
  part TEXT NOT NULL, request_key TEXT NOT NULL, body TEXT NOT NULL, fault TEXT,
  effect TEXT CHECK (effect IN
    ('created','updated','typed','altered','doubled','removed','duplicate','replayed','refused','denied','read','none')),
  status INTEGER, is_answered INTEGER NOT NULL CHECK (is_answered IN (0, 1)));
CREATE TABLE IF NOT EXISTS effects(
  seq INTEGER PRIMARY KEY, request_seq INTEGER NOT NULL UNIQUE REFERENCES requests(seq),
  operation TEXT NOT NULL, key TEXT NOT NULL, part TEXT NOT NULL, record TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('created','updated','typed','altered','doubled','removed')));
CREATE TABLE IF NOT EXISTS unheard(
  seq INTEGER PRIMARY KEY, request_seq INTEGER NOT NULL REFERENCES requests(seq),
  at TEXT NOT NULL, why TEXT NOT NULL CHECK (why IN ('left','reset')));
"""

_TRIGGER = """
CREATE TRIGGER IF NOT EXISTS {table}_no_{verb} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
"""

TABLES = ("requests", "effects", "unheard")


class LedgerInUse(Exception):
    """Another simulator holds this ledger."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a request does to a system's contents. `record` is the JSON text as it arrived.

    kind: created and updated are deliveries; typed is what a clerk of the system typed in; altered, doubled and
    removed is what happened to a record behind everybody's back.
    """

    operation: str
    key: str
    part: str
    record: str
    kind: str
    request_key: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One request as the ledger keeps it.

    `status` is what went over the wire, None for nothing; `is_answered` is False where the true
    answer was withheld, whatever else was written instead.
    """

    seq: int
    at: float
    operation: str
    key: str
    part: str
    request_key: str
    body: bytes
    fault: str | None
    effect: str
    status: int | None
    is_answered: bool
    change: Change | None = None


@dataclass(slots=True)
class Counts:
    """How much a ledger holds."""

    requests: int = 0
    effects: int = 0
    unheard: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    faults_by_operation: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, entry: Entry) -> None:
        """Count one entry more."""
        self.requests += 1
        self.effects += entry.change is not None
        if entry.fault is not None:
            self.faults[entry.fault] += 1
            self.faults_by_operation[entry.fault, entry.operation] += 1

    def to_json(self) -> dict[str, Any]:
        """The counts as the control path shows them."""
        by_operation: dict[str, dict[str, int]] = {}
        for (fault, operation), count in sorted(self.faults_by_operation.items()):
            by_operation.setdefault(fault, {})[operation] = count
        return {
            "requests": self.requests,
            "effects": self.effects,
            "unheard": self.unheard,
            "faults": dict(sorted(self.faults.items())),
            "faults_by_operation": by_operation,
        }


class Ledger:
    """An open ledger; this process is the only one that writes it.

    Raises:
        LedgerInUse: another process has it open.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(path)
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._prepare()
        self.counts = self._count()
        newest = self._connection.execute("SELECT max(seq) FROM requests").fetchone()[0]
        self._last_seq = int(newest or 0)

    def next_seqs(self) -> Iterator[int]:
        """The numbers of the next entries, none skipped."""
        seq = self._last_seq
        while True:
            seq += 1
            yield seq

    def append(self, entries: Sequence[Entry]) -> None:
        """Commit all of these or none. They are durable when this returns."""
        if not entries:
            return
        changes = [(entry.seq, entry.change) for entry in entries if entry.change is not None]
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(
                "INSERT INTO requests VALUES (?,?,?,?,?,?,?,?,?,?,?)", map(_request_row, entries)
            )
            self._connection.executemany(
                "INSERT INTO effects(request_seq, operation, key, part, record, kind) VALUES (?,?,?,?,?,?)",
                (_effect_row(seq, change) for seq, change in changes),
            )
        self._last_seq = entries[-1].seq
        for entry in entries:
            self.counts.add(entry)

    def note_unheard(self, request_seq: int, *, at: float, why: str) -> None:
        """Add that the true answer to a request reached nobody."""
        self._connection.execute(
            "INSERT INTO unheard(request_seq, at, why) VALUES (?,?,?)", (request_seq, _iso(at), why)
        )
        self.counts.unheard += 1

    def changes(self) -> Iterator[Change]:
        """All effects, oldest first."""
        rows = self._connection.execute(
            "SELECT e.operation, e.key, e.part, e.record, e.kind, r.request_key"
            " FROM effects e JOIN requests r ON r.seq = e.request_seq ORDER BY e.seq"
        )
        for row in rows:
            yield Change(*row)

    def close(self) -> None:
        """Fold the journal into the file and let go of it."""
        self._connection.close()
        self._lock.close()

    def _prepare(self) -> None:
        self._connection.execute("PRAGMA journal_mode = WAL")
        # NORMAL writes to the file before it returns, so an end of the process loses nothing.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        triggers = (_TRIGGER.format(table=t, verb=v) for t in TABLES for v in ("UPDATE", "DELETE"))
        self._connection.executescript("BEGIN;" + _SCHEMA + "".join(triggers) + "COMMIT;")

    def _count(self) -> Counts:
        def one(table: str) -> int:
            return int(self._connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

        counts = Counts(one("requests"), one("effects"), one("unheard"))
        rows = self._connection.execute(
            "SELECT fault, operation, count(*) FROM requests WHERE fault IS NOT NULL GROUP BY 1, 2"
        )
        for fault, operation, count in rows:
            counts.faults[fault] += count
            counts.faults_by_operation[fault, operation] = count
        return counts


def _lock(path: Path) -> IO[bytes]:
    lock = path.with_name(path.name + ".lock").open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise LedgerInUse(f"expected {path} to be free, got one that another simulator holds") from None
    return lock


def _request_row(entry: Entry) -> tuple[object, ...]:
    return (
        entry.seq,
        _iso(entry.at),
        entry.operation,
        _text(entry.key),
        _text(entry.part),
        _text(entry.request_key),
        entry.body.decode("utf-8", "backslashreplace"),
        entry.fault,
        entry.effect,
        entry.status,
        int(entry.is_answered),
    )


def _effect_row(seq: int, change: Change) -> tuple[object, ...]:
    return (seq, change.operation, _text(change.key), _text(change.part), _text(change.record), change.kind)


def _text(value: str) -> str:
    # A lone surrogate is legal in JSON's escapes and cannot be stored.
    return value.encode("utf-8", "backslashreplace").decode()


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")
