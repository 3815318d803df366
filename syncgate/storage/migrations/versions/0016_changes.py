"""The feed of what became of cases, for sources that cannot be called; and how much sources post.

Revision ID: 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from syncgate.domain.errors import SiteInvalid
from syncgate.storage.types import Id, Name, UtcTime

revision = "0016"
down_revision = "0014"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "changes",
        sa.Column("change_id", _NUMBER, primary_key=True, autoincrement=True, nullable=False),
        sa.Column("change_no", _NUMBER, nullable=True),
        sa.Column("case_id", Id(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("kind", Name, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("source", Name, nullable=False),
        sa.Column("delivery_id", Id(), nullable=True),
        sa.Column("system", Name, nullable=False),
        sa.Column("message", Name, nullable=False),
        sa.Column("part", Name, nullable=False),
        sa.Column("phase", Name, nullable=True),
        sa.Column("reason", Name, nullable=True),
        sa.Column("actor", Name, nullable=False),
        sa.PrimaryKeyConstraint("change_id", name="pk_changes"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="fk_changes_cases"),
        sa.CheckConstraint("kind IN ('case', 'delivery')", name=op.f("ck_changes_kind")),
        sa.CheckConstraint("(delivery_id IS NULL) = (phase IS NULL)", name=op.f("ck_changes_delivery")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    for name, column, where in (
        ("uq_changes_change_no", "change_no", "change_no IS NOT NULL"),
        ("ix_changes_unnumbered", "change_id", "change_no IS NULL"),
    ):
        rule = sa.text(where)
        op.create_index(
            name, "changes", [column], unique=name.startswith("uq"), sqlite_where=rule, postgresql_where=rule
        )
    op.create_table(
        "feeds",
        sa.Column("feed", Name, nullable=False),
        sa.Column("last_no", _NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("feed", name="pk_feeds"),
        sa.CheckConstraint("last_no >= 0", name=op.f("ck_feeds_last_no")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.execute("INSERT INTO feeds (feed, last_no) VALUES ('changes', 0), ('posts', 0)")
    op.create_table(
        "posts",
        sa.Column("source", Name, nullable=False),
        sa.Column("hour_at", UtcTime(), nullable=False),
        sa.Column("posts_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("source", "hour_at", name="pk_posts"),
        sa.CheckConstraint("posts_count >= 1", name=op.f("ck_posts_posts_count")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    raise SiteInvalid("expected an upgrade, got a downgrade: restore the backup taken before it")
