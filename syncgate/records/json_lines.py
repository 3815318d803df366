"""One JSON object a line as records; a bad line is torn alone.

Source: RFC 8259.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from syncgate.documents import kind_of_value
from syncgate.records.record import Record, Torn
from syncgate.records.settings import NdjsonSettings
from syncgate.records.text import lines
from syncgate.records.values import Unreadable, fault_in, value_of


def read_ndjson(stream: BinaryIO, settings: NdjsonSettings, *, name: str) -> Iterator[Record | Torn]:
    """The lines' objects in order, blank lines skipped. Raises FileRefused as `text.lines` does."""
    for line, text in enumerate(lines(stream, charset=settings.charset, name=name), start=1):
        if text.strip(" \t\r\n"):
            yield record_of(line, text)


def record_of(line: int, text: str) -> Record | Torn:
    """One line as a record."""
    try:
        return checked(line, value_of(text))
    except Unreadable as error:
        return Torn(line, f"expected one JSON value, got {error}")


def checked(line: int, value: object) -> Record | Torn:
    """A value as a record where it can be one."""
    if not isinstance(value, dict):
        return Torn(line, f"expected an object, got {kind_of_value(value)}")
    fault = fault_in(value)
    return Record(line, value) if fault is None else Torn(line, *fault)
