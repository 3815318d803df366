"""What a source says of a case that nobody knows yet: by which number it waits for it.

Revision ID: 0019
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from syncgate.domain.errors import SiteInvalid
from syncgate.storage.types import Name

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("arrivals", sa.Column("awaits", Name, nullable=True))
    where = sa.text("awaits IS NOT NULL")
    columns = ["source", "awaits", "came_at"]
    op.create_index("ix_arrivals_awaits", "arrivals", columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    raise SiteInvalid("expected an upgrade, got a downgrade: restore the backup taken before it")
