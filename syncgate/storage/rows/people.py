"""Principals, the trace of refused submissions, and the audit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Integer, bindparam, select

from syncgate.domain.errors import Conflict
from syncgate.domain.rows import AuditEntry, Principal, Refusal
from syncgate.storage.audit import AUDIT_COLUMNS, INSERT_AUDIT, LAST_OF_WRITER, chained
from syncgate.storage.statement import Shape, Statement, given
from syncgate.storage.tables import audit, principals, refusals
from syncgate.storage.upsert import insert_or_replace
from syncgate.storage.work import Work

PRINCIPAL = Shape(principals, Principal)
REFUSAL = Shape(refusals, Refusal)

_limit = bindparam("limit", type_=Integer())
PRINCIPAL_BY_HASH = Statement(
    select(principals).where(principals.c.key_hash == given("key_hash", principals.c.key_hash))
)
PRINCIPALS = Statement(select(principals).order_by(principals.c.name, principals.c.principal_id))
SAVE_PRINCIPAL = insert_or_replace(principals, keys=("principal_id",))
INSERT_REFUSAL = Statement(REFUSAL.insert())
REFUSALS = Statement(select(refusals).order_by(refusals.c.at.desc(), refusals.c.refusal_id.desc()).limit(_limit))
NEWEST_AUDIT = Statement(
    select(audit).order_by(audit.c.at.desc(), audit.c.writer, audit.c.entry_no.desc()).limit(_limit)
)


class PeopleRows:
    """Principals, refusals and audit entries of one transaction."""

    _work: Work

    def principal_by_hash(self, key_hash: bytes) -> Principal | None:
        record = self._work.one(PRINCIPAL_BY_HASH, key_hash=key_hash)
        return None if record is None else PRINCIPAL.row(record)

    def principals(self) -> list[Principal]:
        """By name."""
        return PRINCIPAL.rows(self._work.all(PRINCIPALS))

    def save_principal(self, principal: Principal) -> None:
        """Inserts or replaces the row. Raises Conflict when another principal has this key."""
        self._work.run(SAVE_PRINCIPAL, PRINCIPAL.params(principal), breaks=Conflict)

    def insert_refusal(self, refusal: Refusal) -> None:
        self._work.run(INSERT_REFUSAL, REFUSAL.params(refusal))

    def list_refusals(self, *, limit: int) -> list[Refusal]:
        """Newest first."""
        return REFUSAL.rows(self._work.all(REFUSALS, limit=limit))

    def append_audit(self, entry: AuditEntry) -> None:
        """Appends to this writer's chain."""
        last = self._work.one(LAST_OF_WRITER, writer=self._work.writer.name)
        self._work.run(INSERT_AUDIT, chained(self._work.writer, entry, last=last))

    def list_audit(self, *, limit: int) -> list[Mapping[str, Any]]:
        """Newest first, with `writer`, `entry_no` and `mac` beside the entry's own fields."""
        return [dict(zip(AUDIT_COLUMNS, record, strict=True)) for record in self._work.all(NEWEST_AUDIT, limit=limit)]
