"""Attempts and the sealed bytes that they point at."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select

from syncgate.domain.rows import Attempt, Blob
from syncgate.storage.statement import Shape, Statement, given
from syncgate.storage.tables import attempts, blobs
from syncgate.storage.upsert import insert_or_keep
from syncgate.storage.work import Work

ATTEMPT = Shape(attempts, Attempt)
BLOB = Shape(blobs, Blob)

INSERT_ATTEMPT = Statement(ATTEMPT.insert())
ATTEMPTS = Statement(
    select(attempts)
    .where(attempts.c.delivery_id == given("delivery_id", attempts.c.delivery_id))
    .order_by(attempts.c.entry_no)
)
PUT_BLOB = insert_or_keep(blobs, keys=("scope", "mac"))
_of_scope = blobs.c.scope == given("scope", blobs.c.scope)
BLOB_BY_MAC = Statement(select(blobs).where(_of_scope, blobs.c.mac == given("mac", blobs.c.mac)))
BLOB_MACS = Statement(select(blobs.c.mac).where(_of_scope).order_by(blobs.c.created_at, blobs.c.mac))


class EvidenceRows:
    """Attempts and blobs of one transaction."""

    _work: Work

    def insert_attempts(self, attempts: Iterable[Attempt]) -> None:
        self._work.run_each(INSERT_ATTEMPT, [ATTEMPT.params(attempt) for attempt in attempts])

    def attempts(self, delivery_id: UUID) -> list[Attempt]:
        return ATTEMPT.rows(self._work.all(ATTEMPTS, delivery_id=delivery_id))

    def put_blobs(self, blobs: Iterable[Blob]) -> None:
        self._work.run_each(PUT_BLOB, [BLOB.params(blob) for blob in blobs])

    def blob(self, scope: str, mac: bytes) -> Blob | None:
        record = self._work.one(BLOB_BY_MAC, scope=scope, mac=mac)
        return None if record is None else BLOB.row(record)

    def blob_macs(self, scope: str) -> list[bytes]:
        return [record[0] for record in self._work.all(BLOB_MACS, scope=scope)]
