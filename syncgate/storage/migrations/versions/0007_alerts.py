"""Alerts: what somebody must know of, and who was told when.

Revision ID: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from syncgate.domain.errors import SiteInvalid
from syncgate.storage.types import Id, Json, Name, Names, UtcTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("alert_id", Id(), nullable=False),
        sa.Column("kind", Name, nullable=False),
        sa.Column("system", Name, nullable=False),
        sa.Column("raised_at", UtcTime(), nullable=False),
        sa.Column("seen_at", UtcTime(), nullable=False),
        sa.Column("detail", Json(), nullable=False),
        sa.Column("due_at", UtcTime(), nullable=True),
        sa.Column("told_at", UtcTime(), nullable=True),
        sa.Column("told_count", sa.Integer(), nullable=False),
        sa.Column("reached", Names(), nullable=False),
        sa.Column("tries_count", sa.Integer(), nullable=False),
        sa.Column("lease_token", Id(), nullable=True),
        sa.Column("lease_until", UtcTime(), nullable=True),
        sa.Column("acknowledged_at", UtcTime(), nullable=True),
        sa.Column("acknowledged_by", Name, nullable=True),
        sa.Column("acknowledged_reason", Name, nullable=True),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("alert_id", name="pk_alerts"),
        sa.CheckConstraint("(lease_token IS NULL) = (lease_until IS NULL)", name=op.f("ck_alerts_lease")),
        sa.CheckConstraint(
            "(acknowledged_at IS NULL) = (acknowledged_by IS NULL)"
            " AND (acknowledged_at IS NULL) = (acknowledged_reason IS NULL)",
            name=op.f("ck_alerts_acknowledged"),
        ),
        sa.CheckConstraint(
            "due_at IS NULL OR (ended_at IS NULL AND acknowledged_at IS NULL)", name=op.f("ck_alerts_due")
        ),
        sa.CheckConstraint("told_count >= 0 AND tries_count >= 0", name=op.f("ck_alerts_counts")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    for name, columns, where in (
        ("uq_alerts_open", ["system", "kind"], "ended_at IS NULL"),
        ("ix_alerts_due", ["due_at"], "due_at IS NOT NULL"),
    ):
        rule = sa.text(where)
        op.create_index(name, "alerts", columns, unique=name.startswith("uq"), sqlite_where=rule, postgresql_where=rule)


def downgrade() -> None:
    raise SiteInvalid("expected an upgrade, got a downgrade: restore the backup taken before it")
