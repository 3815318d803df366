"""An SQLite file looked at before it is opened: what is no whole store of ours is refused, and left as it is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote

from syncgate.domain.errors import StoreDamaged

_MAGIC: Final = b"SQLite format 3\x00"
_HEADER: Final = 100
"""Bytes of an SQLite header. Source: https://www.sqlite.org/fileformat.html §1.3."""


def require_whole(file: Path) -> None:
    """Returns where the file may be opened as a store: what only a walk over all of it shows is not looked for.

    Raises:
        StoreDamaged: it is empty, cut off, damaged, no SQLite database, or another application's.
    """
    wrong = _wrong_of_header(file) or _wrong_of_schema(file)
    if wrong is not None:
        raise StoreDamaged(
            "expected a whole store in {file}, got {words}; nothing was written to it; "
            "put a backup back, or save what is readable with `sqlite3 {file} .recover`",
            file=file,
            words=wrong,
        )


def _wrong_of_header(file: Path) -> str | None:
    with file.open("rb") as opened:
        header = opened.read(_HEADER)
    if not header:
        return "an empty file"
    if not header.startswith(_MAGIC):
        return "a file that is no SQLite database"
    return "a file that is cut off" if len(header) < _HEADER or _is_cut_off(file, header) else None


def _is_cut_off(file: Path, header: bytes) -> bool:
    """Whether pages are missing that the header counts; with a journal beside it the header may be ahead of it."""
    if _has_journal(file) or header[24:28] != header[92:96]:
        return False
    page_size = int.from_bytes(header[16:18], "big")
    pages_count = int.from_bytes(header[28:32], "big")
    return file.stat().st_size < pages_count * (65_536 if page_size == 1 else page_size)


def _has_journal(file: Path) -> bool:
    journal = Path(f"{file}-wal")
    return journal.exists() and journal.stat().st_size > 0


def _wrong_of_schema(file: Path) -> str | None:
    how = "mode=ro" if _has_journal(file) else "immutable=1"
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file))}?{how}", uri=True)) as connection:
            names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.DatabaseError as error:
        name = getattr(error, "sqlite_errorname", "unreadable")
        return None if name.startswith("SQLITE_BUSY") else f"a damaged file ({name})"
    return "the database of another application" if names and "alembic_version" not in names else None
