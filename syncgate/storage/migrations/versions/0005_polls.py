"""What became of what lies in a system's own queue: since when it lies there, and when the system is asked.

Revision ID: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from syncgate.domain.errors import SiteInvalid
from syncgate.storage.types import UtcTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TIMES = ("queued_at", "poll_at", "polled_at", "watched_until")


def upgrade() -> None:
    for name in TIMES:
        op.add_column("deliveries", sa.Column(name, UtcTime(), nullable=True))
    op.add_column("deliveries", sa.Column("given_back_no", sa.Integer(), nullable=True))
    op.add_column("lanes", sa.Column("poll_at", UtcTime(), nullable=True))
    where = sa.text("poll_at IS NOT NULL")
    op.create_index(
        "ix_lanes_polled", "lanes", ["system", "poll_at", "case_id"], sqlite_where=where, postgresql_where=where
    )
    op.execute("UPDATE deliveries SET queued_at = sent_at WHERE phase = 'awaiting'")


def downgrade() -> None:
    raise SiteInvalid("expected an upgrade, got a downgrade: restore the backup taken before it")
