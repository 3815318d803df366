"""The bytes of materials: files of a case in sealed chunks, and which material is which file.

Revision ID: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from syncgate.domain.errors import SiteInvalid
from syncgate.storage.types import Id, Name, UtcTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_files()
    _create_chunks()
    _create_materials()


def downgrade() -> None:
    raise SiteInvalid("expected an upgrade, got a downgrade: restore the backup taken before it")


def _partial(name: str, *columns: str, where: str, unique: bool) -> None:
    rule = sa.text(where)
    op.create_index(name, "files", list(columns), unique=unique, sqlite_where=rule, postgresql_where=rule)


def _create_files() -> None:
    op.create_table(
        "files",
        sa.Column("file_id", Id(), nullable=False),
        sa.Column("case_id", Id(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("chunks_count", sa.Integer(), nullable=False),
        sa.Column("begun_at", UtcTime(), nullable=False),
        sa.Column("stored_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("file_id", name="pk_files"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name=op.f("fk_files_cases")),
        sa.CheckConstraint("size >= 0 AND chunks_count >= 0", name=op.f("ck_files_numbers")),
        sa.CheckConstraint("stored_at IS NULL OR chunks_count >= 1", name=op.f("ck_files_stored")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    _partial("uq_files_mac", "case_id", "mac", where="stored_at IS NOT NULL", unique=True)
    _partial("ix_files_unfinished", "begun_at", where="stored_at IS NULL", unique=False)


def _create_chunks() -> None:
    op.create_table(
        "file_chunks",
        sa.Column("file_id", Id(), nullable=False),
        sa.Column("chunk_no", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("file_id", "chunk_no", name="pk_file_chunks"),
        sa.ForeignKeyConstraint(["file_id"], ["files.file_id"], name=op.f("fk_file_chunks_files")),
        sa.CheckConstraint("chunk_no >= 1", name=op.f("ck_file_chunks_chunk_no")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )


def _create_materials() -> None:
    op.create_table(
        "materials",
        sa.Column("case_id", Id(), nullable=False),
        sa.Column("material", Name, nullable=False),
        sa.Column("file_id", Id(), nullable=False),
        sa.Column("link_id", Id(), nullable=False),
        sa.Column("sealed_facts", sa.LargeBinary(), nullable=False),
        sa.Column("by", Name, nullable=False),
        sa.Column("stored_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "material", name="pk_materials"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name=op.f("fk_materials_cases")),
        sa.ForeignKeyConstraint(["file_id"], ["files.file_id"], name=op.f("fk_materials_files")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index("uq_materials_link_id", "materials", ["link_id"], unique=True)
