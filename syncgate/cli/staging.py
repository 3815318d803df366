"""What a file comes to, held outside of memory: the cases to post, and the rows refused with their reasons."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from syncgate.cli.case_files import Row
from syncgate.records.numbering import Seen
from syncgate.records.record import Torn

NEW, CHANGED, UNCHANGED, REFUSED = "new", "changed", "unchanged", "refused"
FATES: Final = (NEW, CHANGED, UNCHANGED, REFUSED)
PARKED: Final = "parked"


@dataclass(frozen=True, slots=True)
class Ready:
    """One case as it is posted. keys: the numbers by which it may mean the same case as another."""

    line: int
    body: bytes = field(repr=False)
    keys: frozenset[str] = field(default=frozenset(), repr=False)


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """What is wrong with a row, and with which column or field of it."""

    line: int
    at: str
    reason: str
    fate: str = REFUSED


class Staging:
    """The cases of one file in order, and what became of its rows; goes with this process."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.case_count = 0
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("CREATE TABLE cases(no INTEGER PRIMARY KEY, line INTEGER, body BLOB, keys TEXT)")
        self._database.execute("CREATE TABLE findings(line INTEGER, at TEXT, reason TEXT, fate TEXT)")
        self._database.execute("BEGIN")

    def take(self, rows: Iterable[Row | Torn], *, source: str, seen: Seen) -> None:
        """Takes every row in; one that repeats an earlier one's number with other content is refused.

        Which of the two is meant, only the source can say; the first is posted. Raises what reading raises.
        """
        for row in rows:
            if isinstance(row, Torn):
                self.find(row.line, at=row.at, reason=row.reason)
                continue
            number = row.case.get("case_no") if isinstance(row.case, dict) else None
            digest = hashlib.sha256(json.dumps(row.case, sort_keys=True).encode("ascii")).digest()
            key = f"{source}:{number}".encode("utf-8", "surrogatepass")
            if isinstance(number, str) and seen.first(key, digest) != digest:
                self.find(row.line, at="/case_no", reason="repeats an earlier row's number with other content")
                continue
            self._add(row, source)

    def find(self, line: int, *, at: str, reason: str, fate: str = REFUSED) -> None:
        """Notes and counts a row that is not taken, or would not be delivered."""
        self.counts[fate] += 1
        self._database.execute("INSERT INTO findings VALUES (?, ?, ?, ?)", (line, at, reason, fate))

    def ready(self) -> Iterator[Ready]:
        """The cases to post, in order."""
        for line, body, keys in self._database.execute("SELECT line, body, keys FROM cases ORDER BY no"):
            yield Ready(line, body, frozenset(json.loads(keys)))

    def findings(self) -> Iterator[Finding]:
        """What is wrong, by line."""
        for row in self._database.execute("SELECT line, at, reason, fate FROM findings ORDER BY line, rowid"):
            yield Finding(*row)

    def by_fate(self) -> dict[str, int]:
        """Every fate with its count."""
        return {fate: self.counts[fate] for fate in FATES}

    def close(self) -> None:
        """Forgets everything."""
        self._database.close()

    def _add(self, row: Row, source: str) -> None:
        self.case_count += 1
        keys = json.dumps(sorted(_keys(row.case, source)))
        self._database.execute(
            "INSERT INTO cases(line, body, keys) VALUES (?, ?, ?)", (row.line, _written(row.case), keys)
        )


def _written(case: Any) -> bytes:
    try:
        return orjson.dumps(case)
    except orjson.JSONEncodeError:
        # A number beyond 64 bits or a lone surrogate: the gate is to say what it thinks of it.
        return json.dumps(case, ensure_ascii=True).encode("ascii")


def _keys(case: Any, source: str) -> Iterator[str]:
    if not isinstance(case, dict):
        return
    references = case.get("references")
    named = [(source, case.get("case_no")), *(references.items() if isinstance(references, dict) else ())]
    for system, number in named:
        if isinstance(number, str):
            yield f"{system}:{number}"
