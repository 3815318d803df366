"""Priority: since when a lane counts as waiting, where what is promised soon goes first.

Revision ID: 0018
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from syncgate.domain.errors import SiteInvalid
from syncgate.storage.types import UtcTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("lanes", sa.Column("rank_at", UtcTime(), nullable=True))
    where = sa.text("lease_token IS NULL AND due_at IS NOT NULL AND rank_at IS NOT NULL")
    op.create_index(
        "ix_lanes_ranked", "lanes", ["system", "rank_at", "case_id"], sqlite_where=where, postgresql_where=where
    )


def downgrade() -> None:
    raise SiteInvalid("expected an upgrade, got a downgrade: restore the backup taken before it")
