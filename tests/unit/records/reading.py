"""Reading bytes in a test: what comes out, or the refusal's words."""

from __future__ import annotations

import io
from typing import Any

import pytest

from syncgate.records import Columns, FileRefused, Record, Torn, read
from syncgate.records.settings import Settings


def rows_of(content: bytes, settings: Settings, *, wanted: tuple[str, ...] = ()) -> list[Record | Torn]:
    """The records of some bytes."""
    return list(read(io.BytesIO(content), settings, name="input", columns=Columns(frozenset(wanted))))


def values_of(content: bytes, settings: Settings, *, wanted: tuple[str, ...] = ()) -> list[Any]:
    """The values of the records, of which none is torn."""
    rows = rows_of(content, settings, wanted=wanted)
    assert all(isinstance(row, Record) for row in rows), rows
    return [row.value for row in rows if isinstance(row, Record)]


def torn_of(content: bytes, settings: Settings) -> list[tuple[int, str, str]]:
    """Line, column and reason of the torn records."""
    return [(row.line, row.at, row.reason) for row in rows_of(content, settings) if isinstance(row, Torn)]


def refusal_of(content: bytes, settings: Settings, *, wanted: tuple[str, ...] = ()) -> str:
    """Why the whole is refused, in one line."""
    with pytest.raises(FileRefused) as caught:
        rows_of(content, settings, wanted=wanted)
    assert "\n" not in caught.value.message
    return caught.value.message
