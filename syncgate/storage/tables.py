"""The tables, with the keys and CHECKs that carry the promises. `domain.delivery` is the source of every phase.

A column is named as the field of the row that it stores (`domain.rows`).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    TextClause,
    text,
)
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import TypeEngine

from syncgate.domain.alerts import AlertKind
from syncgate.domain.arrivals import ArrivalState, Way
from syncgate.domain.changes import ChangeKind
from syncgate.domain.delivery import MAYBE_SENT, WAITING, Phase, is_final
from syncgate.domain.rows import AttemptKind, BreakerState, CaseState, Change, Observed
from syncgate.storage.announced import Announced
from syncgate.storage.types import Flag, Id, Json, Name, Names, Ratio, UtcTime, Word

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def words_sql(words: Iterable[StrEnum]) -> str:
    """The SQL list of these words, sorted, so that a predicate and its index have the same text."""
    return "(" + ", ".join(sorted(f"'{word.value}'" for word in words)) + ")"


def one_of(column: str, words: Iterable[StrEnum]) -> str:
    """`column IN (…)` as literal SQL: the planner matches a partial index by this text."""
    return f"{column} IN {words_sql(words)}"


OPEN_PHASES: Final = frozenset(phase for phase in Phase if not is_final(phase)) - {Phase.DELIVERED}
"""What still wants something to happen; pages list these through an index of their own."""

IS_WAITING: Final = one_of("phase", WAITING)
IS_MAYBE_SENT: Final = one_of("phase", MAYBE_SENT)
IS_OPEN: Final = one_of("phase", OPEN_PHASES)
IS_QUEUED: Final = "lease_token IS NULL AND due_at IS NOT NULL"
IS_RANKED: Final = f"{IS_QUEUED} AND rank_at IS NOT NULL"
IS_LEASED: Final = "lease_token IS NOT NULL"
IS_POLLED: Final = "poll_at IS NOT NULL"
IS_STORED: Final = "stored_at IS NOT NULL"
IS_UNFINISHED: Final = "stored_at IS NULL"
IS_HELD_BY_CONTENT: Final = "state = 'held' AND origin_key IS NULL AND idempotency_key IS NULL"
"""A call without a key is the same call again where its content is the same."""
IS_AWAITING: Final = "awaits IS NOT NULL"


def _column(name: str, type_: TypeEngine[Any] | type[TypeEngine[Any]], *more: Any, **options: Any) -> Column[Any]:
    return Column(name, type_, *more, nullable=options.pop("nullable", False), **options)


def _optional(name: str, type_: TypeEngine[Any] | type[TypeEngine[Any]], *more: SchemaItem) -> Column[Any]:
    return Column(name, type_, *more, nullable=True)


def _check(name: str, rule: str) -> CheckConstraint:
    return CheckConstraint(rule, name=name)


def _listed(column: str, words: type[StrEnum]) -> CheckConstraint:
    return _check(column, one_of(column, words))


def _flag(column: str) -> CheckConstraint:
    """Keeps an integer flag on SQLite to 0 and 1; says nothing new on PostgreSQL."""
    return _check(column, f"CAST({column} AS INTEGER) IN (0, 1)")


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    rule: TextClause = text(where)
    return Index(name, *columns, unique=unique, sqlite_where=rule, postgresql_where=rule)


def _table(name: str, *parts: SchemaItem, has_rowid: bool = True, **options: Any) -> Table:
    return Table(name, metadata, *parts, sqlite_strict=True, sqlite_with_rowid=has_rowid, **options)


cases = _table(
    "cases",
    _column("case_id", Id, primary_key=True),
    _column("origin", Name),
    _column("case_no", Name),
    _column("kind", Name),
    _column("item", Name),
    _column("region", Name),
    _column("revision", Integer),
    _column("submission_no", Integer),
    _column("content_mac", LargeBinary),
    _column("wrapped_key", LargeBinary),
    _column("state", Word(CaseState)),
    _optional("source_version", Name),
    _optional("merged_into", Id),
    _column("created_at", UtcTime),
    _column("changed_at", UtcTime),
    _listed("state", CaseState),
    _check("numbers", "revision >= 1 AND submission_no >= revision"),
    _partial("ix_cases_merged_into", "merged_into", where="merged_into IS NOT NULL"),
    has_rowid=False,
)

submissions = _table(
    "submissions",
    _column("case_id", Id, ForeignKey("cases.case_id")),
    _column("submission_no", Integer),
    _column("revision", Integer),
    _column("is_change", Flag),
    _column("source", Name),
    _optional("idempotency_key", Name),
    _column("request_mac", LargeBinary),
    _optional("sealed_document", LargeBinary),
    _column("schema_no", Integer),
    _column("status", Integer),
    _column("receipt", Name),
    _column("by", Name),
    _column("reason", Name),
    _column("received_at", UtcTime),
    PrimaryKeyConstraint("case_id", "submission_no"),
    _flag("is_change"),
    _check("numbers", "revision >= 1 AND submission_no >= revision"),
    _check("document", "CAST(is_change AS INTEGER) = 0 OR sealed_document IS NOT NULL"),
    _partial(
        "uq_submissions_idempotency_key",
        "source",
        "idempotency_key",
        where="idempotency_key IS NOT NULL",
        unique=True,
    ),
    _partial("uq_submissions_revision", "case_id", "revision", where="is_change", unique=True),
)

words = _table(
    "words",
    _column("case_id", Id, ForeignKey("cases.case_id")),
    _column("source", Name),
    _column("submission_no", Integer),
    _column("sealed", LargeBinary),
    PrimaryKeyConstraint("case_id", "source"),
    _check("submission_no", "submission_no >= 1"),
)

likenesses = _table(
    "likenesses",
    _column("case_id", Id, ForeignKey("cases.case_id")),
    _column("feature", Name),
    _column("mac", LargeBinary),
    _column("came_at", UtcTime),
    PrimaryKeyConstraint("case_id", "feature"),
    Index("ix_likenesses_mac", "mac", "case_id"),
)

told_apart = _table(
    "told_apart",
    _column("case_id", Id),
    _column("other_id", Id),
    _column("by", Name),
    _column("reason", Name),
    _column("at", UtcTime),
    PrimaryKeyConstraint("case_id", "other_id"),
)

lanes = _table(
    "lanes",
    _column("case_id", Id, ForeignKey("cases.case_id")),
    _column("system", Name),
    _optional("due_at", UtcTime),
    _optional("lease_token", Id),
    _optional("lease_until", UtcTime),
    _optional("lease_owner", Name),
    _optional("send_started_at", UtcTime),
    _optional("waits_for", Name),
    _optional("case_ref", Name),
    _optional("verified_at", UtcTime),
    _optional("poll_at", UtcTime),
    _optional("rank_at", UtcTime),
    PrimaryKeyConstraint("case_id", "system"),
    _check(
        "lease",
        "(lease_token IS NULL) = (lease_until IS NULL) AND (lease_token IS NULL) = (lease_owner IS NULL)",
    ),
    _partial("ix_lanes_due", "system", "due_at", "case_id", where=IS_QUEUED),
    _partial("ix_lanes_ranked", "system", "rank_at", "case_id", where=IS_RANKED),
    _partial("ix_lanes_leased", "lease_until", "system", where=IS_LEASED),
    _partial("ix_lanes_polled", "system", "poll_at", "case_id", where=IS_POLLED),
    _partial("uq_lanes_case_ref", "system", "case_ref", where="case_ref IS NOT NULL", unique=True),
    has_rowid=False,
)

deliveries = _table(
    "deliveries",
    _column("delivery_id", Id, primary_key=True),
    _column("case_id", Id),
    _column("system", Name),
    _column("message", Name),
    _column("part", Name),
    _column("part_no", Integer),
    _column("revision", Integer),
    _column("phase", Word(Phase)),
    _column("input_mac", LargeBinary),
    _column("bundle", Name),
    _optional("operation", Name),
    _optional("change", Word(Change)),
    _optional("version_no", Integer),
    _optional("due_at", UtcTime),
    _column("tries_count", Integer),
    _column("confirms_count", Integer),
    _optional("first_failed_at", UtcTime),
    _optional("lease_token", Id),
    _optional("sent_mac", LargeBinary),
    _column("is_other_sent", Flag),
    _optional("remote_ref", Name),
    _optional("reason", Name),
    _column("detail", Name),
    _column("actor", Name),
    _column("entries_count", Integer),
    _column("created_at", UtcTime),
    _column("changed_at", UtcTime),
    _optional("sent_at", UtcTime),
    _optional("delivered_at", UtcTime),
    _optional("queued_at", UtcTime),
    _optional("poll_at", UtcTime),
    _optional("polled_at", UtcTime),
    _optional("watched_until", UtcTime),
    _optional("given_back_no", Integer),
    _optional("held_key", LargeBinary),
    _optional("held_mac", LargeBinary),
    _optional("observed", Word(Observed)),
    _optional("observed_at", UtcTime),
    _optional("sent_refs", Name),
    _optional("restored_at", UtcTime),
    ForeignKeyConstraint(["case_id", "system"], ["lanes.case_id", "lanes.system"]),
    _listed("phase", Phase),
    _listed("change", Change),
    _check("lease", f"(phase = '{Phase.IN_FLIGHT}') = (lease_token IS NOT NULL)"),
    _check("reason", f"phase <> '{Phase.PARKED}' OR (reason IS NOT NULL AND reason <> '')"),
    _check("numbers", "part_no >= 1 AND revision >= 1 AND (version_no IS NULL OR version_no >= 1)"),
    _check("counts", "tries_count >= 0 AND confirms_count >= 0 AND entries_count >= 0"),
    _flag("is_other_sent"),
    Index(None, "case_id", "system"),
    _partial("uq_deliveries_waiting", "case_id", "system", "message", "part", where=IS_WAITING, unique=True),
    _partial("uq_deliveries_maybe_sent", "case_id", "system", "message", "part", where=IS_MAYBE_SENT, unique=True),
    _partial(
        "ix_deliveries_part_ref", "system", "remote_ref", "case_id", where="remote_ref IS NOT NULL AND part <> ''"
    ),
    _partial("ix_deliveries_open", "phase", "system", "delivery_id", where=IS_OPEN),
    has_rowid=False,
)

returned_rows = _table(
    "returned_rows",
    _column("system", Name),
    _column("row_mac", LargeBinary),
    _column("delivery_id", Id, ForeignKey("deliveries.delivery_id")),
    _column("imported_at", UtcTime),
    PrimaryKeyConstraint("system", "row_mac"),
    has_rowid=False,
)

changes = _table(
    "changes",
    _column("change_id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True),
    _optional("change_no", BigInteger().with_variant(Integer(), "sqlite")),
    _column("case_id", Id, ForeignKey("cases.case_id")),
    _column("at", UtcTime),
    _column("kind", Word(ChangeKind)),
    _column("revision", Integer),
    _column("source", Name),
    _optional("delivery_id", Id),
    _column("system", Name),
    _column("message", Name),
    _column("part", Name),
    _optional("phase", Word(Phase)),
    _optional("reason", Name),
    _column("actor", Name),
    _listed("kind", ChangeKind),
    _check("delivery", "(delivery_id IS NULL) = (phase IS NULL)"),
    _partial("uq_changes_change_no", "change_no", where="change_no IS NOT NULL", unique=True),
    _partial("ix_changes_unnumbered", "change_id", where="change_no IS NULL"),
)

posts = _table(
    "posts",
    _column("source", Name),
    _column("hour_at", UtcTime),
    _column("posts_count", Integer),
    PrimaryKeyConstraint("source", "hour_at"),
    _check("posts_count", "posts_count >= 1"),
    has_rowid=False,
)

feeds = _table(
    "feeds",
    _column("feed", Name, primary_key=True),
    _column("last_no", BigInteger().with_variant(Integer(), "sqlite")),
    _check("last_no", "last_no >= 0"),
)

attempts = _table(
    "attempts",
    _column("delivery_id", Id, ForeignKey("deliveries.delivery_id")),
    _column("entry_no", Integer),
    _column("kind", Word(AttemptKind)),
    _column("outcome", Name),
    _column("actor", Name),
    _column("revision", Integer),
    _optional("bundle", Name),
    _optional("lease_token", Id),
    _optional("sent_blob", LargeBinary),
    _optional("received_blob", LargeBinary),
    _optional("started_at", UtcTime),
    _column("ended_at", UtcTime),
    _column("detail", Json),
    PrimaryKeyConstraint("delivery_id", "entry_no"),
    _listed("kind", AttemptKind),
    _check("entry_no", "entry_no >= 1"),
    has_rowid=False,
    postgresql_partition_by="RANGE (delivery_id)",
)

blobs = _table(
    "blobs",
    _column("scope", Name),
    _column("mac", LargeBinary),
    _column("sealed", LargeBinary),
    _column("created_at", UtcTime),
    PrimaryKeyConstraint("scope", "mac"),
)

files = _table(
    "files",
    _column("file_id", Id, primary_key=True),
    _column("case_id", Id, ForeignKey("cases.case_id")),
    _column("mac", LargeBinary),
    _column("size", BigInteger().with_variant(Integer(), "sqlite")),
    _column("chunks_count", Integer),
    _column("begun_at", UtcTime),
    _optional("stored_at", UtcTime),
    _check("numbers", "size >= 0 AND chunks_count >= 0"),
    _check("stored", "stored_at IS NULL OR chunks_count >= 1"),
    _partial("uq_files_mac", "case_id", "mac", where=IS_STORED, unique=True),
    _partial("ix_files_unfinished", "begun_at", where=IS_UNFINISHED),
)

file_chunks = _table(
    "file_chunks",
    _column("file_id", Id, ForeignKey("files.file_id")),
    _column("chunk_no", Integer),
    _column("sealed", LargeBinary),
    PrimaryKeyConstraint("file_id", "chunk_no"),
    _check("chunk_no", "chunk_no >= 1"),
)

materials = _table(
    "materials",
    _column("case_id", Id, ForeignKey("cases.case_id")),
    _column("material", Name),
    _column("file_id", Id, ForeignKey("files.file_id")),
    _column("link_id", Id),
    _column("sealed_facts", LargeBinary),
    _column("by", Name),
    _column("stored_at", UtcTime),
    PrimaryKeyConstraint("case_id", "material"),
    Index("uq_materials_link_id", "link_id", unique=True),
)

systems = _table(
    "systems",
    _column("system", Name, primary_key=True),
    _column("mode", Name),
    _column("is_source", Flag),
    _optional("active_bundle", Name),
    _column("is_paused", Flag),
    _column("paused_by", Name),
    _column("pause_reason", Name),
    _optional("paused_at", UtcTime),
    _column("breaker", Word(BreakerState)),
    _column("failures_count", Integer),
    _optional("breaker_until", UtcTime),
    _column("breaker_reason", Name),
    _column("is_probing", Flag),
    _optional("last_taken_at", UtcTime),
    _column("rate_tokens", Ratio),
    _optional("rate_at", UtcTime),
    _optional("maintenance", Announced),
    _optional("restored_at", UtcTime),
    _listed("breaker", BreakerState),
    _check("failures_count", "failures_count >= 0"),
    _flag("is_source"),
    _flag("is_paused"),
    _flag("is_probing"),
)

grants = _table(
    "grants",
    _column("system", Name),
    _column("process", Name),
    _column("sends_count", Integer),
    _column("until", UtcTime),
    PrimaryKeyConstraint("system", "process"),
    _check("sends_count", "sends_count >= 1"),
)

counters = _table(
    "counters",
    _column("system", Name),
    _column("phase", Word(Phase)),
    _column("reason", Name),
    _column("deliveries_count", Integer),
    PrimaryKeyConstraint("system", "phase", "reason"),
    _listed("phase", Phase),
    _check("deliveries_count", "deliveries_count >= 0"),
    has_rowid=False,
)

holds = _table(
    "holds",
    _column("hold_id", Id, primary_key=True),
    _optional("system", Name),
    _optional("message", Name),
    _optional("item", Name),
    _optional("source", Name),
    _column("reason", Name),
    _column("by", Name),
    _column("created_at", UtcTime),
    _optional("until", UtcTime),
    _optional("lifted_at", UtcTime),
    _optional("lifted_by", Name),
    _optional("cleared_at", UtcTime),
    _check(
        "scope",
        "system IS NOT NULL OR message IS NOT NULL OR item IS NOT NULL OR source IS NOT NULL",
    ),
    _check("reason", "reason <> ''"),
    _check("lifted", "(lifted_at IS NULL) = (lifted_by IS NULL)"),
    _check("cleared", "cleared_at IS NULL OR lifted_at IS NOT NULL"),
    _partial("ix_holds_open", "hold_id", where="lifted_at IS NULL"),
)

runs = _table(
    "runs",
    _column("job", Name),
    _column("slot", Name),
    _column("claimed_by", Name),
    _column("claimed_at", UtcTime),
    _optional("lease_until", UtcTime),
    _optional("cursor", Name),
    _optional("ended_at", UtcTime),
    _column("outcome", Name),
    _column("detail", Json),
    PrimaryKeyConstraint("job", "slot"),
)

discrepancies = _table(
    "discrepancies",
    _column("discrepancy_id", Id, primary_key=True),
    _column("system", Name),
    _column("message", Name),
    _column("subject", Name),
    _column("kind", Name),
    _optional("case_id", Id, ForeignKey("cases.case_id")),
    _column("part", Name),
    _column("run_slot", Name),
    _column("action", Name),
    _optional("delivery_id", Id),
    _column("found_at", UtcTime),
    _column("seen_at", UtcTime),
    _optional("closed_at", UtcTime),
    _optional("closed_by", Name),
    _optional("closed_as", Name),
    _optional("observed_mac", LargeBinary),
    _column("detail", Json),
    _check("closed", "(closed_at IS NULL) = (closed_by IS NULL) AND (closed_at IS NULL) = (closed_as IS NULL)"),
    _partial(
        "uq_discrepancies_open",
        "system",
        "message",
        "subject",
        "kind",
        where="closed_at IS NULL",
        unique=True,
    ),
    Index(None, "system", "run_slot"),
    Index(None, "case_id"),
)

arrivals = _table(
    "arrivals",
    _column("arrival_id", Id, primary_key=True),
    _column("source", Name),
    _column("way", Word(Way)),
    _column("state", Word(ArrivalState)),
    _column("came_at", UtcTime),
    _column("format", Name),
    _column("place", Integer),
    _optional("parent_id", Id),
    _optional("origin_key", Name),
    _optional("idempotency_key", Name),
    _optional("request_mac", LargeBinary),
    _column("body_mac", LargeBinary),
    _column("size", Integer),
    _optional("wrapped_key", LargeBinary),
    _optional("sealed", LargeBinary),
    _column("code", Name),
    _column("detail", Json),
    _optional("case_id", Id),
    _column("by", Name),
    _optional("ended_at", UtcTime),
    _optional("ended_by", Name),
    _optional("reason", Name),
    _column("tries_count", Integer),
    _optional("awaits", Name),
    _listed("way", Way),
    _listed("state", ArrivalState),
    _check("sealed", "(sealed IS NULL) = (wrapped_key IS NULL)"),
    _check("kept", "state NOT IN ('received', 'held') OR sealed IS NOT NULL"),
    _check("held", "state <> 'held' OR code <> ''"),
    _check("open", "(ended_at IS NULL) = (state IN ('received', 'held'))"),
    _check("dropped", "state <> 'dropped' OR (ended_by IS NOT NULL AND reason IS NOT NULL AND sealed IS NULL)"),
    _check("polled", "(origin_key IS NOT NULL) = (way = 'poll')"),
    _check("called", "(idempotency_key IS NULL) = (request_mac IS NULL)"),
    _partial("uq_arrivals_key", "source", "idempotency_key", where="idempotency_key IS NOT NULL", unique=True),
    _partial("uq_arrivals_origin", "source", "origin_key", where="origin_key IS NOT NULL", unique=True),
    _partial("uq_arrivals_held", "source", "body_mac", where=IS_HELD_BY_CONTENT, unique=True),
    _partial("ix_arrivals_held", "arrival_id", where="state = 'held'"),
    _partial("ix_arrivals_received", "came_at", where="state = 'received'"),
    _partial("ix_arrivals_kept", "ended_at", where="ended_at IS NOT NULL AND sealed IS NOT NULL"),
    _partial("ix_arrivals_awaits", "source", "awaits", "came_at", where=IS_AWAITING),
    Index(None, "parent_id"),
)

alerts = _table(
    "alerts",
    _column("alert_id", Id, primary_key=True),
    _column("kind", Word(AlertKind)),
    _column("system", Name),
    _column("raised_at", UtcTime),
    _column("seen_at", UtcTime),
    _column("detail", Json),
    _optional("due_at", UtcTime),
    _optional("told_at", UtcTime),
    _column("told_count", Integer),
    _column("reached", Names),
    _column("tries_count", Integer),
    _optional("lease_token", Id),
    _optional("lease_until", UtcTime),
    _optional("acknowledged_at", UtcTime),
    _optional("acknowledged_by", Name),
    _optional("acknowledged_reason", Name),
    _optional("ended_at", UtcTime),
    _check("lease", "(lease_token IS NULL) = (lease_until IS NULL)"),
    _check(
        "acknowledged",
        "(acknowledged_at IS NULL) = (acknowledged_by IS NULL)"
        " AND (acknowledged_at IS NULL) = (acknowledged_reason IS NULL)",
    ),
    _check("due", "due_at IS NULL OR (ended_at IS NULL AND acknowledged_at IS NULL)"),
    _check("counts", "told_count >= 0 AND tries_count >= 0"),
    _partial("uq_alerts_open", "system", "kind", where="ended_at IS NULL", unique=True),
    _partial("ix_alerts_due", "due_at", where="due_at IS NOT NULL"),
)

principals = _table(
    "principals",
    _column("principal_id", Id, primary_key=True),
    _column("name", Name),
    _column("role", Name),
    _column("sources", Names),
    _column("systems", Names),
    _column("regions", Names),
    _column("key_hash", LargeBinary),
    _column("key_hint", Name),
    _column("created_at", UtcTime),
    _optional("expires_at", UtcTime),
    _optional("revoked_at", UtcTime),
    Index("uq_principals_key_hash", "key_hash", unique=True),
)

refusals = _table(
    "refusals",
    _column("refusal_id", Id, primary_key=True),
    _column("at", UtcTime),
    _column("source", Name),
    _column("principal", Name),
    _column("method", Name),
    _column("path", Name),
    _column("code", Name),
    _column("status", Integer),
    _column("body_size", Integer),
    _column("body_mac", LargeBinary),
    _column("errors", Names),
    Index(None, "at"),
)

audit = _table(
    "audit",
    _column("writer", Name),
    _column("entry_no", Integer),
    _column("at", UtcTime),
    _column("actor", Name),
    _column("action", Name),
    _column("object", Name),
    _column("reason", Name),
    _column("detail", Json),
    _column("mac", LargeBinary),
    PrimaryKeyConstraint("writer", "entry_no"),
    _check("entry_no", "entry_no >= 1"),
    Index(None, "at"),
)
