"""What each source itself said of a case, and histories that begin with a source's own words.

Revision ID: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from syncgate.domain.errors import SiteInvalid
from syncgate.storage.types import Id, Json, Name, UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KINDS = "kind IN ('by_hand', 'confirm', 'late', 'poll', 'send', 'source', 'system')"


def upgrade() -> None:
    _create_words()
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(op.f("ck_attempts_kind"), "attempts", type_="check")
        op.create_check_constraint(op.f("ck_attempts_kind"), "attempts", KINDS)
    else:
        _copy_attempts()


def downgrade() -> None:
    raise SiteInvalid("expected an upgrade, got a downgrade: restore the backup taken before it")


def _create_words() -> None:
    op.create_table(
        "words",
        sa.Column("case_id", Id(), nullable=False),
        sa.Column("source", Name, nullable=False),
        sa.Column("submission_no", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "source", name="pk_words"),
        sa.CheckConstraint("submission_no >= 1", name=op.f("ck_words_submission_no")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name=op.f("fk_words_cases")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )


def _copy_attempts() -> None:
    """SQLite cannot change a CHECK: the table is made anew, and takes every row over."""
    op.rename_table("attempts", "attempts_before")
    op.create_table(
        "attempts",
        sa.Column("delivery_id", Id(), nullable=False),
        sa.Column("entry_no", sa.Integer(), nullable=False),
        sa.Column("kind", Name, nullable=False),
        sa.Column("outcome", Name, nullable=False),
        sa.Column("actor", Name, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("bundle", Name, nullable=True),
        sa.Column("lease_token", Id(), nullable=True),
        sa.Column("sent_blob", sa.LargeBinary(), nullable=True),
        sa.Column("received_blob", sa.LargeBinary(), nullable=True),
        sa.Column("started_at", UtcTime(), nullable=True),
        sa.Column("ended_at", UtcTime(), nullable=False),
        sa.Column("detail", Json(), nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", "entry_no", name="pk_attempts"),
        sa.CheckConstraint(KINDS, name=op.f("ck_attempts_kind")),
        sa.CheckConstraint("entry_no >= 1", name=op.f("ck_attempts_entry_no")),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.delivery_id"], name=op.f("fk_attempts_deliveries")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO attempts SELECT * FROM attempts_before")
    op.drop_table("attempts_before")
