"""Any declared format as records, one call for all."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from syncgate.records.delimited import read_csv
from syncgate.records.form import read_form
from syncgate.records.json_lines import read_ndjson
from syncgate.records.json_list import read_json
from syncgate.records.markup import read_xml
from syncgate.records.record import Record, Torn
from syncgate.records.settings import (
    CsvSettings,
    FormSettings,
    JsonSettings,
    NdjsonSettings,
    Settings,
    XlsxSettings,
    XmlSettings,
)
from syncgate.records.workbook import read_xlsx


@dataclass(slots=True)
class Columns:
    """A table's columns. wanted: those that must be there; unread: those found that nobody asked for."""

    wanted: frozenset[str] = frozenset()
    unread: tuple[str, ...] = field(default=(), init=False)

    def take(self, header: Collection[str]) -> None:
        """Notes what the header has beyond what is wanted."""
        self.unread = tuple(column for column in header if column not in self.wanted)


def read(stream: BinaryIO, settings: Settings, *, name: str, columns: Columns | None = None) -> Iterator[Record | Torn]:
    """The records of a stream in order, each with its place, in bounded memory.

    Args:
        stream: the bytes; a workbook's must be able to go back.
        settings: how they are written.
        name: what messages call the stream, such as the file's name.
        columns: of a table: those wanted, and afterwards those unread.

    Raises:
        FileRefused: while reading, for what leaves no later record to trust.
    """
    table = columns or Columns()
    match settings:
        case CsvSettings():
            return read_csv(stream, settings, name=name, wanted=table.wanted, on_header=table.take)
        case XlsxSettings():
            return read_xlsx(stream, settings, name=name, wanted=table.wanted, on_header=table.take)
        case XmlSettings():
            return read_xml(stream, settings, name=name)
        case JsonSettings():
            return read_json(stream, settings, name=name)
        case NdjsonSettings():
            return read_ndjson(stream, settings, name=name)
        case FormSettings():
            return read_form(stream, settings, name=name)
