"""Cases that another one stands for.

Revision ID: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from syncgate.domain.errors import SiteInvalid
from syncgate.storage.types import Id

revision = "0014"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cases", sa.Column("merged_into", Id(), nullable=True))
    where = sa.text("merged_into IS NOT NULL")
    op.create_index("ix_cases_merged_into", "cases", ["merged_into"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    raise SiteInvalid("expected an upgrade, got a downgrade: restore the backup taken before it")
