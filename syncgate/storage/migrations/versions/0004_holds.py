"""Who lifted a hold, and when all that it held was due again.

Revision ID: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from syncgate.domain.errors import SiteInvalid
from syncgate.storage.types import Id, Name, UtcTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table anew: no version before this one wrote to it."""
    op.drop_table("holds")
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
        sa.Column("lifted_by", Name, nullable=True),
        sa.Column("cleared_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("hold_id", name="pk_holds"),
        sa.CheckConstraint(
            "system IS NOT NULL OR message IS NOT NULL OR item IS NOT NULL OR source IS NOT NULL",
            name=op.f("ck_holds_scope"),
        ),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_holds_reason")),
        sa.CheckConstraint("(lifted_at IS NULL) = (lifted_by IS NULL)", name=op.f("ck_holds_lifted")),
        sa.CheckConstraint("cleared_at IS NULL OR lifted_at IS NOT NULL", name=op.f("ck_holds_cleared")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index(
        "ix_holds_open",
        "holds",
        ["hold_id"],
        sqlite_where=sa.text("lifted_at IS NULL"),
        postgresql_where=sa.text("lifted_at IS NULL"),
    )


def downgrade() -> None:
    raise SiteInvalid("expected an upgrade, got a downgrade: restore the backup taken before it")
