"""Numbers for records of a source that gives none: the same for the same content, however often it comes."""

from __future__ import annotations

import sqlite3
from base64 import b32encode
from hashlib import sha256
from typing import Any, Final

from syncgate.domain.case import canonical_bytes

_LENGTH: Final = 16


class Seen:
    """What came before, by digest, in a temporary database: small in memory whatever the length."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute("CREATE TABLE counts(digest BLOB PRIMARY KEY, count INTEGER) WITHOUT ROWID")
        self._database.execute("CREATE TABLE firsts(key BLOB PRIMARY KEY, digest BLOB) WITHOUT ROWID")
        self._database.execute("BEGIN")

    def count(self, digest: bytes) -> int:
        """How often this has come, this time included."""
        row = self._database.execute(
            "INSERT INTO counts VALUES (?, 1) ON CONFLICT (digest) DO UPDATE SET count = count + 1 RETURNING count",
            (digest,),
        ).fetchone()
        return int(row[0])

    def first(self, key: bytes, digest: bytes) -> bytes:
        """The digest that came first under a key; this one where none did."""
        made = self._database.execute("INSERT INTO firsts VALUES (?, ?) ON CONFLICT DO NOTHING", (key, digest))
        if made.rowcount:
            return digest
        row = self._database.execute("SELECT digest FROM firsts WHERE key = ?", (key,)).fetchone()
        return bytes(row[0])

    def close(self) -> None:
        """Forgets everything."""
        self._database.close()


class Numbering:
    """The record_no of each record of one batch.

    Rows in another order, or more rows, change no other's number; equal rows count on: the number, then
    `-2`, `-3`.
    """

    def __init__(self, batch: str, seen: Seen) -> None:
        """Args: batch: what tells this delivery of records from another; seen: counts what is equal."""
        self._batch, self._seen = batch, seen

    def number(self, record: Any) -> str:
        """16 characters of Base32 of the SHA-256 over batch and record, and the count where it is not the first."""
        digest = sha256(canonical_bytes([self._batch, record])).digest()
        count = self._seen.count(digest)
        number = b32encode(digest)[:_LENGTH].decode("ascii")
        return number if count == 1 else f"{number}-{count}"
