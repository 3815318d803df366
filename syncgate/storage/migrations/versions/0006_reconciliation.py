"""What reconciliation needs to know of a delivery, and what it finds.

Revision ID: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from syncgate.domain.errors import SiteInvalid
from syncgate.storage.types import Id, Json, Name, UtcTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("held_key", sa.LargeBinary(), nullable=True))
    op.add_column("deliveries", sa.Column("held_mac", sa.LargeBinary(), nullable=True))
    op.add_column("deliveries", sa.Column("observed", Name, nullable=True))
    op.add_column("deliveries", sa.Column("observed_at", UtcTime(), nullable=True))
    # Nothing was ever kept in the table of this name before.
    op.drop_table("discrepancies")
    op.create_table(
        "discrepancies",
        sa.Column("discrepancy_id", Id(), nullable=False),
        sa.Column("system", Name, nullable=False),
        sa.Column("message", Name, nullable=False),
        sa.Column("subject", Name, nullable=False),
        sa.Column("kind", Name, nullable=False),
        sa.Column("case_id", Id(), nullable=True),
        sa.Column("part", Name, nullable=False),
        sa.Column("run_slot", Name, nullable=False),
        sa.Column("action", Name, nullable=False),
        sa.Column("delivery_id", Id(), nullable=True),
        sa.Column("found_at", UtcTime(), nullable=False),
        sa.Column("seen_at", UtcTime(), nullable=False),
        sa.Column("closed_at", UtcTime(), nullable=True),
        sa.Column("closed_by", Name, nullable=True),
        sa.Column("closed_as", Name, nullable=True),
        sa.Column("observed_mac", sa.LargeBinary(), nullable=True),
        sa.Column("detail", Json(), nullable=False),
        sa.PrimaryKeyConstraint("discrepancy_id", name="pk_discrepancies"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="fk_discrepancies_cases"),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (closed_by IS NULL) AND (closed_at IS NULL) = (closed_as IS NULL)",
            name=op.f("ck_discrepancies_closed"),
        ),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    is_open = sa.text("closed_at IS NULL")
    op.create_index(
        "uq_discrepancies_open",
        "discrepancies",
        ["system", "message", "subject", "kind"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_index("ix_discrepancies_system_run_slot", "discrepancies", ["system", "run_slot"])
    op.create_index("ix_discrepancies_case_id", "discrepancies", ["case_id"])


def downgrade() -> None:
    raise SiteInvalid("expected an upgrade, got a downgrade: restore the backup taken before it")
