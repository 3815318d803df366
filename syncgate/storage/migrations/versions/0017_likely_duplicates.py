"""Likely duplicates: what two cases are alike in, and which pairs a person looked at and told apart.

Revision ID: 0017
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from syncgate.domain.errors import SiteInvalid
from syncgate.storage.types import Id, Name, UtcTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "likenesses",
        sa.Column("case_id", Id(), nullable=False),
        sa.Column("feature", Name, nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("came_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="fk_likenesses_cases"),
        sa.PrimaryKeyConstraint("case_id", "feature", name="pk_likenesses"),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index("ix_likenesses_mac", "likenesses", ["mac", "case_id"])
    op.create_table(
        "told_apart",
        sa.Column("case_id", Id(), nullable=False),
        sa.Column("other_id", Id(), nullable=False),
        sa.Column("by", Name, nullable=False),
        sa.Column("reason", Name, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "other_id", name="pk_told_apart"),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )


def downgrade() -> None:
    raise SiteInvalid("expected an upgrade, got a downgrade: restore the backup taken before it")
