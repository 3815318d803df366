"""Arrivals: what sources bring in their own words, as it came, and what became of it.

Revision ID: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from syncgate.domain.errors import SiteInvalid
from syncgate.storage.types import Id, Json, Name, UtcTime

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "arrivals",
        sa.Column("arrival_id", Id(), nullable=False),
        sa.Column("source", Name, nullable=False),
        sa.Column("way", Name, nullable=False),
        sa.Column("state", Name, nullable=False),
        sa.Column("came_at", UtcTime(), nullable=False),
        sa.Column("format", Name, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("parent_id", Id(), nullable=True),
        sa.Column("origin_key", Name, nullable=True),
        sa.Column("idempotency_key", Name, nullable=True),
        sa.Column("request_mac", sa.LargeBinary(), nullable=True),
        sa.Column("body_mac", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("code", Name, nullable=False),
        sa.Column("detail", Json(), nullable=False),
        sa.Column("case_id", Id(), nullable=True),
        sa.Column("by", Name, nullable=False),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.Column("ended_by", Name, nullable=True),
        sa.Column("reason", Name, nullable=True),
        sa.Column("tries_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("arrival_id", name="pk_arrivals"),
        *(sa.CheckConstraint(rule, name=op.f(f"ck_arrivals_{name}")) for name, rule in _CHECKS),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    for name, columns, where in _INDEXES:
        rule = sa.text(where)
        op.create_index(
            name, "arrivals", columns, unique=name.startswith("uq"), sqlite_where=rule, postgresql_where=rule
        )
    op.create_index("ix_arrivals_parent_id", "arrivals", ["parent_id"])


def downgrade() -> None:
    raise SiteInvalid("expected an upgrade, got a downgrade: restore the backup taken before it")


_CHECKS = (
    ("way", "way IN ('poll', 'post', 'record')"),
    ("state", "state IN ('dropped', 'held', 'received', 'refused', 'taken')"),
    ("sealed", "(sealed IS NULL) = (wrapped_key IS NULL)"),
    ("kept", "state NOT IN ('received', 'held') OR sealed IS NOT NULL"),
    ("held", "state <> 'held' OR code <> ''"),
    ("open", "(ended_at IS NULL) = (state IN ('received', 'held'))"),
    ("dropped", "state <> 'dropped' OR (ended_by IS NOT NULL AND reason IS NOT NULL AND sealed IS NULL)"),
    ("polled", "(origin_key IS NOT NULL) = (way = 'poll')"),
    ("called", "(idempotency_key IS NULL) = (request_mac IS NULL)"),
)
_INDEXES = (
    ("uq_arrivals_key", ["source", "idempotency_key"], "idempotency_key IS NOT NULL"),
    ("uq_arrivals_origin", ["source", "origin_key"], "origin_key IS NOT NULL"),
    (
        "uq_arrivals_held",
        ["source", "body_mac"],
        "state = 'held' AND origin_key IS NULL AND idempotency_key IS NULL",
    ),
    ("ix_arrivals_held", ["arrival_id"], "state = 'held'"),
    ("ix_arrivals_received", ["came_at"], "state = 'received'"),
    ("ix_arrivals_kept", ["ended_at"], "ended_at IS NOT NULL AND sealed IS NOT NULL"),
)
