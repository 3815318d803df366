"""The first schema: the tables that carry the promises, and those that stand beside them.

Revision ID: 0001
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from syncgate.domain.errors import SiteInvalid
from syncgate.storage.types import Flag, Id, Json, Name, Ratio, UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _partial(name: str, table: str, columns: Sequence[str], *, where: str, unique: bool) -> None:
    rule = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=rule, postgresql_where=rule)


def upgrade() -> None:
    _create_audit()
    _create_blobs()
    _create_cases()
    _create_counters()
    _create_grants()
    _create_holds()
    _create_principals()
    _create_refusals()
    _create_runs()
    _create_systems()
    _create_discrepancies()
    _create_lanes()
    _create_submissions()
    _create_deliveries()
    _create_attempts()
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE TABLE attempts_default PARTITION OF attempts DEFAULT")
        op.execute(FIRST_UUID_OF)
        op.execute(CREATE_PARTITIONS)


def downgrade() -> None:
    raise SiteInvalid("expected an upgrade, got a downgrade: restore the backup taken before it")


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("writer", Name, nullable=False),
        sa.Column("entry_no", sa.Integer(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("actor", Name, nullable=False),
        sa.Column("action", Name, nullable=False),
        sa.Column("object", Name, nullable=False),
        sa.Column("reason", Name, nullable=False),
        sa.Column("detail", Json(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("writer", "entry_no", name="pk_audit"),
        sa.CheckConstraint("entry_no >= 1", name=op.f("ck_audit_entry_no")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index("ix_audit_at", "audit", ["at"], unique=False)


def _create_blobs() -> None:
    op.create_table(
        "blobs",
        sa.Column("scope", Name, nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "mac", name="pk_blobs"),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )


def _create_cases() -> None:
    op.create_table(
        "cases",
        sa.Column("case_id", Id(), nullable=False),
        sa.Column("origin", Name, nullable=False),
        sa.Column("case_no", Name, nullable=False),
        sa.Column("kind", Name, nullable=False),
        sa.Column("item", Name, nullable=False),
        sa.Column("region", Name, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("submission_no", sa.Integer(), nullable=False),
        sa.Column("content_mac", sa.LargeBinary(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("state", Name, nullable=False),
        sa.Column("source_version", Name, nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", name="pk_cases"),
        sa.CheckConstraint("state IN ('merged', 'open', 'void', 'withdrawn')", name=op.f("ck_cases_state")),
        sa.CheckConstraint("revision >= 1 AND submission_no >= revision", name=op.f("ck_cases_numbers")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _create_counters() -> None:
    op.create_table(
        "counters",
        sa.Column("system", Name, nullable=False),
        sa.Column("phase", Name, nullable=False),
        sa.Column("reason", Name, nullable=False),
        sa.Column("deliveries_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("system", "phase", "reason", name="pk_counters"),
        sa.CheckConstraint(
            "phase IN ('awaiting', 'cancelled', 'delivered', 'in_flight', 'parked', 'pending', 'unconfirmed')",
            name=op.f("ck_counters_phase"),
        ),
        sa.CheckConstraint("deliveries_count >= 0", name=op.f("ck_counters_deliveries_count")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def _create_grants() -> None:
    op.create_table(
        "grants",
        sa.Column("system", Name, nullable=False),
        sa.Column("process", Name, nullable=False),
        sa.Column("sends_count", sa.Integer(), nullable=False),
        sa.Column("until", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("system", "process", name="pk_grants"),
        sa.CheckConstraint("sends_count >= 1", name=op.f("ck_grants_sends_count")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )


def _create_holds() -> None:
    op.create_table(
        "holds",
        sa.Column("hold_id", Id(), nullable=False),
        sa.Column("system", Name, nullable=True),
        sa.Column("message", Name, nullable=True),
        sa.Column("item", Name, nullable=True),
        sa.Column("source", Name, nullable=True),
        sa.Column("reason", Name, nullable=False),
        sa.Column("by", Name, nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("until", UtcTime(), nullable=True),
        sa.Column("lifted_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("hold_id", name="pk_holds"),
        sa.CheckConstraint(
            "system IS NOT NULL OR message IS NOT NULL OR item IS NOT NULL OR source IS NOT NULL",
            name=op.f("ck_holds_scope"),
        ),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_holds_reason")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )


def _create_principals() -> None:
    op.create_table(
        "principals",
        sa.Column("principal_id", Id(), nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("role", Name, nullable=False),
        sa.Column("sources", Json(), nullable=False),
        sa.Column("systems", Json(), nullable=False),
        sa.Column("regions", Json(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("key_hint", Name, nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=True),
        sa.Column("revoked_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("principal_id", name="pk_principals"),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index("uq_principals_key_hash", "principals", ["key_hash"], unique=True)


def _create_refusals() -> None:
    op.create_table(
        "refusals",
        sa.Column("refusal_id", Id(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("source", Name, nullable=False),
        sa.Column("principal", Name, nullable=False),
        sa.Column("method", Name, nullable=False),
        sa.Column("path", Name, nullable=False),
        sa.Column("code", Name, nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body_size", sa.Integer(), nullable=False),
        sa.Column("body_mac", sa.LargeBinary(), nullable=False),
        sa.Column("errors", Json(), nullable=False),
        sa.PrimaryKeyConstraint("refusal_id", name="pk_refusals"),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index("ix_refusals_at", "refusals", ["at"], unique=False)


def _create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("job", Name, nullable=False),
        sa.Column("slot", Name, nullable=False),
        sa.Column("claimed_by", Name, nullable=False),
        sa.Column("claimed_at", UtcTime(), nullable=False),
        sa.Column("lease_until", UtcTime(), nullable=True),
        sa.Column("cursor", Name, nullable=True),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.Column("outcome", Name, nullable=False),
        sa.Column("detail", Json(), nullable=False),
        sa.PrimaryKeyConstraint("job", "slot", name="pk_runs"),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )


def _create_systems() -> None:
    op.create_table(
        "systems",
        sa.Column("system", Name, nullable=False),
        sa.Column("mode", Name, nullable=False),
        sa.Column("is_source", Flag(), nullable=False),
        sa.Column("active_bundle", Name, nullable=True),
        sa.Column("is_paused", Flag(), nullable=False),
        sa.Column("paused_by", Name, nullable=False),
        sa.Column("pause_reason", Name, nullable=False),
        sa.Column("paused_at", UtcTime(), nullable=True),
        sa.Column("breaker", Name, nullable=False),
        sa.Column("failures_count", sa.Integer(), nullable=False),
        sa.Column("breaker_until", UtcTime(), nullable=True),
        sa.Column("breaker_reason", Name, nullable=False),
        sa.Column("is_probing", Flag(), nullable=False),
        sa.Column("last_taken_at", UtcTime(), nullable=True),
        sa.Column("rate_tokens", Ratio(), nullable=False),
        sa.Column("rate_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("system", name="pk_systems"),
        sa.CheckConstraint("breaker IN ('closed', 'open')", name=op.f("ck_systems_breaker")),
        sa.CheckConstraint("failures_count >= 0", name=op.f("ck_systems_failures_count")),
        sa.CheckConstraint("CAST(is_source AS INTEGER) IN (0, 1)", name=op.f("ck_systems_is_source")),
        sa.CheckConstraint("CAST(is_paused AS INTEGER) IN (0, 1)", name=op.f("ck_systems_is_paused")),
        sa.CheckConstraint("CAST(is_probing AS INTEGER) IN (0, 1)", name=op.f("ck_systems_is_probing")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )


def _create_discrepancies() -> None:
    op.create_table(
        "discrepancies",
        sa.Column("discrepancy_id", Id(), nullable=False),
        sa.Column("case_id", Id(), nullable=False),
        sa.Column("system", Name, nullable=False),
        sa.Column("message", Name, nullable=False),
        sa.Column("part", Name, nullable=False),
        sa.Column("class", Name, nullable=False),
        sa.Column("found_at", UtcTime(), nullable=False),
        sa.Column("seen_at", UtcTime(), nullable=False),
        sa.Column("closed_at", UtcTime(), nullable=True),
        sa.Column("closed_by", Name, nullable=True),
        sa.Column("delivery_id", Id(), nullable=True),
        sa.Column("observed_blob", sa.LargeBinary(), nullable=True),
        sa.Column("detail", Json(), nullable=False),
        sa.PrimaryKeyConstraint("discrepancy_id", name="pk_discrepancies"),
        sa.CheckConstraint("(closed_at IS NULL) = (closed_by IS NULL)", name=op.f("ck_discrepancies_closed")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name=op.f("fk_discrepancies_cases")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    _partial(
        "uq_discrepancies_open",
        "discrepancies",
        ["case_id", "system", "message", "part", "class"],
        where="closed_at IS NULL",
        unique=True,
    )


def _create_lanes() -> None:
    op.create_table(
        "lanes",
        sa.Column("case_id", Id(), nullable=False),
        sa.Column("system", Name, nullable=False),
        sa.Column("due_at", UtcTime(), nullable=True),
        sa.Column("lease_token", Id(), nullable=True),
        sa.Column("lease_until", UtcTime(), nullable=True),
        sa.Column("lease_owner", Name, nullable=True),
        sa.Column("send_started_at", UtcTime(), nullable=True),
        sa.Column("waits_for", Name, nullable=True),
        sa.Column("case_ref", Name, nullable=True),
        sa.Column("verified_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("case_id", "system", name="pk_lanes"),
        sa.CheckConstraint(
            "(lease_token IS NULL) = (lease_until IS NULL) AND (lease_token IS NULL) = (lease_owner IS NULL)",
            name=op.f("ck_lanes_lease"),
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name=op.f("fk_lanes_cases")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    _partial(
        "ix_lanes_due",
        "lanes",
        ["system", "due_at", "case_id"],
        where="lease_token IS NULL AND due_at IS NOT NULL",
        unique=False,
    )
    _partial("ix_lanes_leased", "lanes", ["lease_until", "system"], where="lease_token IS NOT NULL", unique=False)
    _partial("uq_lanes_case_ref", "lanes", ["system", "case_ref"], where="case_ref IS NOT NULL", unique=True)


def _create_submissions() -> None:
    op.create_table(
        "submissions",
        sa.Column("case_id", Id(), nullable=False),
        sa.Column("submission_no", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("is_change", Flag(), nullable=False),
        sa.Column("source", Name, nullable=False),
        sa.Column("idempotency_key", Name, nullable=True),
        sa.Column("request_mac", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_document", sa.LargeBinary(), nullable=True),
        sa.Column("schema_no", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("receipt", Name, nullable=False),
        sa.Column("by", Name, nullable=False),
        sa.Column("reason", Name, nullable=False),
        sa.Column("received_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "submission_no", name="pk_submissions"),
        sa.CheckConstraint("CAST(is_change AS INTEGER) IN (0, 1)", name=op.f("ck_submissions_is_change")),
        sa.CheckConstraint("revision >= 1 AND submission_no >= revision", name=op.f("ck_submissions_numbers")),
        sa.CheckConstraint(
            "CAST(is_change AS INTEGER) = 0 OR sealed_document IS NOT NULL", name=op.f("ck_submissions_document")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name=op.f("fk_submissions_cases")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    _partial(
        "uq_submissions_idempotency_key",
        "submissions",
        ["source", "idempotency_key"],
        where="idempotency_key IS NOT NULL",
        unique=True,
    )
    _partial("uq_submissions_revision", "submissions", ["case_id", "revision"], where="is_change", unique=True)


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("delivery_id", Id(), nullable=False),
        sa.Column("case_id", Id(), nullable=False),
        sa.Column("system", Name, nullable=False),
        sa.Column("message", Name, nullable=False),
        sa.Column("part", Name, nullable=False),
        sa.Column("part_no", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("phase", Name, nullable=False),
        sa.Column("input_mac", sa.LargeBinary(), nullable=False),
        sa.Column("bundle", Name, nullable=False),
        sa.Column("operation", Name, nullable=True),
        sa.Column("change", Name, nullable=True),
        sa.Column("version_no", sa.Integer(), nullable=True),
        sa.Column("due_at", UtcTime(), nullable=True),
        sa.Column("tries_count", sa.Integer(), nullable=False),
        sa.Column("confirms_count", sa.Integer(), nullable=False),
        sa.Column("first_failed_at", UtcTime(), nullable=True),
        sa.Column("lease_token", Id(), nullable=True),
        sa.Column("sent_mac", sa.LargeBinary(), nullable=True),
        sa.Column("is_other_sent", Flag(), nullable=False),
        sa.Column("remote_ref", Name, nullable=True),
        sa.Column("reason", Name, nullable=True),
        sa.Column("detail", Name, nullable=False),
        sa.Column("actor", Name, nullable=False),
        sa.Column("entries_count", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.Column("sent_at", UtcTime(), nullable=True),
        sa.Column("delivered_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("delivery_id", name="pk_deliveries"),
        sa.ForeignKeyConstraint(
            ["case_id", "system"], ["lanes.case_id", "lanes.system"], name=op.f("fk_deliveries_lanes")
        ),
        sa.CheckConstraint(
            "phase IN ('awaiting', 'cancelled', 'delivered', 'in_flight', 'parked', 'pending', 'unconfirmed')",
            name=op.f("ck_deliveries_phase"),
        ),
        sa.CheckConstraint(
            "change IN ('create', 'new_version', 'retract', 'update')", name=op.f("ck_deliveries_change")
        ),
        sa.CheckConstraint("(phase = 'in_flight') = (lease_token IS NOT NULL)", name=op.f("ck_deliveries_lease")),
        sa.CheckConstraint(
            "phase <> 'parked' OR (reason IS NOT NULL AND reason <> '')", name=op.f("ck_deliveries_reason")
        ),
        sa.CheckConstraint(
            "part_no >= 1 AND revision >= 1 AND (version_no IS NULL OR version_no >= 1)",
            name=op.f("ck_deliveries_numbers"),
        ),
        sa.CheckConstraint(
            "tries_count >= 0 AND confirms_count >= 0 AND entries_count >= 0", name=op.f("ck_deliveries_counts")
        ),
        sa.CheckConstraint("CAST(is_other_sent AS INTEGER) IN (0, 1)", name=op.f("ck_deliveries_is_other_sent")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_deliveries_case_id_system", "deliveries", ["case_id", "system"], unique=False)
    _partial(
        "ix_deliveries_open",
        "deliveries",
        ["phase", "system", "delivery_id"],
        where="phase IN ('awaiting', 'in_flight', 'parked', 'pending', 'unconfirmed')",
        unique=False,
    )
    _partial(
        "uq_deliveries_maybe_sent",
        "deliveries",
        ["case_id", "system", "message", "part"],
        where="phase IN ('awaiting', 'in_flight', 'unconfirmed')",
        unique=True,
    )
    _partial(
        "uq_deliveries_waiting",
        "deliveries",
        ["case_id", "system", "message", "part"],
        where="phase IN ('parked', 'pending')",
        unique=True,
    )


def _create_attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("delivery_id", Id(), nullable=False),
        sa.Column("entry_no", sa.Integer(), nullable=False),
        sa.Column("kind", Name, nullable=False),
        sa.Column("outcome", Name, nullable=False),
        sa.Column("actor", Name, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("bundle", Name, nullable=True),
        sa.Column("lease_token", Id(), nullable=True),
        sa.Column("sent_blob", sa.LargeBinary(), nullable=True),
        sa.Column("received_blob", sa.LargeBinary(), nullable=True),
        sa.Column("started_at", UtcTime(), nullable=True),
        sa.Column("ended_at", UtcTime(), nullable=False),
        sa.Column("detail", Json(), nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", "entry_no", name="pk_attempts"),
        sa.CheckConstraint(
            "kind IN ('by_hand', 'confirm', 'late', 'poll', 'send', 'system')", name=op.f("ck_attempts_kind")
        ),
        sa.CheckConstraint("entry_no >= 1", name=op.f("ck_attempts_entry_no")),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.delivery_id"], name=op.f("fk_attempts_deliveries")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
        postgresql_partition_by="RANGE (delivery_id)",
    )


FIRST_UUID_OF = """
CREATE FUNCTION first_uuid_of(day date) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$
    SELECT rpad(
        lpad(to_hex((extract(epoch FROM day::timestamp) * 1000)::bigint), 12, '0'), 32, '0'
    )::uuid
$$
"""

CREATE_PARTITIONS = """
CREATE FUNCTION create_attempts_partitions(first_month date, months_count integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    month date;
    name text;
    lower_bound uuid;
    upper_bound uuid;
    created integer := 0;
BEGIN
    FOR ahead IN 0 .. months_count - 1 LOOP
        month := date_trunc('month', first_month)::date + make_interval(months => ahead);
        name := 'attempts_' || to_char(month, 'YYYY_MM');
        CONTINUE WHEN to_regclass(quote_ident(name)) IS NOT NULL;
        lower_bound := first_uuid_of(month);
        upper_bound := first_uuid_of((month + interval '1 month')::date);
        -- Rows of a month that nobody prepared are in the default partition; they stay there.
        CONTINUE WHEN EXISTS (
            SELECT FROM attempts_default WHERE delivery_id >= lower_bound AND delivery_id < upper_bound
        );
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF attempts FOR VALUES FROM (%L) TO (%L)', name, lower_bound, upper_bound
        );
        created := created + 1;
    END LOOP;
    RETURN created;
END
$$
"""
