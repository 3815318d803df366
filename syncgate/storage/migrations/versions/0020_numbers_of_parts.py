"""A case is found by what a system calls a part of it, such as one organisation's turn.

Revision ID: 0020
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from syncgate.domain.errors import SiteInvalid

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    where = sa.text("remote_ref IS NOT NULL AND part <> ''")
    columns = ["system", "remote_ref", "case_id"]
    op.create_index("ix_deliveries_part_ref", "deliveries", columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    raise SiteInvalid("expected an upgrade, got a downgrade: restore the backup taken before it")
