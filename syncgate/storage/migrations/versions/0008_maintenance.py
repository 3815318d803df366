"""Maintenance that was announced for a system.

Revision ID: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from syncgate.domain.errors import SiteInvalid

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("systems", sa.Column("maintenance", sa.Text(), nullable=True))


def downgrade() -> None:
    raise SiteInvalid("expected an upgrade, got a downgrade: restore the backup taken before it")
