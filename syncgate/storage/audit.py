"""The audit as chains, one for each writer: every entry's keyed digest covers the entry before it.

Whoever alters, inserts or removes an entry without the site's master key breaks the chain at that place. Cutting the
end off leaves a chain that is whole: compare `AuditCheck.heads` with heads kept elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, Protocol

import orjson
from sqlalchemy import select

from syncgate.domain.rows import AuditEntry
from syncgate.ports.store import Keyring
from syncgate.storage.statement import Record, Statement, given
from syncgate.storage.tables import audit
from syncgate.storage.types import microseconds_of

AUDIT_COLUMNS = tuple(column.name for column in audit.columns)
START = b""
"""What the first entry of a chain is linked to."""

INSERT_AUDIT = Statement(audit.insert())
LAST_OF_WRITER = Statement(
    select(audit.c.entry_no, audit.c.mac)
    .where(audit.c.writer == given("writer", audit.c.writer))
    .order_by(audit.c.entry_no.desc())
    .limit(1)
)
WHOLE_AUDIT = Statement(select(audit).order_by(audit.c.writer, audit.c.entry_no))


@dataclass(frozen=True, slots=True)
class AuditWriter:
    """Who appends: the name of its chain, and the key of its links."""

    name: str
    keyring: Keyring


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """What checking the audit found.

    Attributes:
        entries_count: entries that were read.
        broken: (writer, entry_no) of each entry that does not follow from the one before it.
        heads: the last (entry_no, mac) by writer.
    """

    entries_count: int
    broken: tuple[tuple[str, int], ...]
    heads: Mapping[str, tuple[int, bytes]]

    @property
    def is_whole(self) -> bool:
        """Whether every entry follows from the one before it."""
        return not self.broken


class _Records(Protocol):
    def all(self, statement: Statement) -> list[Record]: ...


def chained(writer: AuditWriter, entry: AuditEntry, *, last: Record | None) -> dict[str, Any]:
    """The row that appends the entry after `last` (entry_no, mac)."""
    last_no, last_mac = last or (0, START)
    row = {
        "writer": writer.name,
        "entry_no": last_no + 1,
        "at": entry.at,
        "actor": entry.actor,
        "action": entry.action,
        "object": entry.object,
        "reason": entry.reason,
        "detail": entry.detail,
    }
    return row | {"mac": _link(writer.keyring, row, last_mac)}


def verify_audit(work: _Records, keyring: Keyring) -> AuditCheck:
    """What a walk over all chains finds."""
    rows = [dict(zip(AUDIT_COLUMNS, record, strict=True)) for record in work.all(WHOLE_AUDIT)]
    broken: list[tuple[str, int]] = []
    heads: dict[str, tuple[int, bytes]] = {}
    for name, chain in groupby(rows, key=itemgetter("writer")):
        last_no, last_mac = 0, START
        for row in chain:
            if row["entry_no"] != last_no + 1 or row["mac"] != _link(keyring, row, last_mac):
                broken.append((name, row["entry_no"]))
            last_no, last_mac = row["entry_no"], row["mac"]
        heads[name] = (last_no, last_mac)
    return AuditCheck(entries_count=len(rows), broken=tuple(broken), heads=heads)


def _link(keyring: Keyring, row: Mapping[str, Any], last_mac: bytes) -> bytes:
    said = [row[name] for name in ("writer", "entry_no", "actor", "action", "object", "reason", "detail")]
    text = orjson.dumps([microseconds_of(row["at"]), *said], option=orjson.OPT_SORT_KEYS)
    return keyring.mac("audit", last_mac, text)
