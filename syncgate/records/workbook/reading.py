"""A worksheet with a header row as records."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator
from typing import BinaryIO

from syncgate.records.header import check_header
from syncgate.records.record import FileRefused, Record, Torn
from syncgate.records.settings import XlsxSettings
from syncgate.records.workbook.archive import Archive
from syncgate.records.workbook.parts import open_book
from syncgate.records.workbook.sheet import Row, merged_rows, rows


def read_xlsx(
    stream: BinaryIO,
    settings: XlsxSettings,
    *,
    name: str,
    wanted: Collection[str] = (),
    on_header: Callable[[list[str]], None] = lambda header: None,
) -> Iterator[Record | Torn]:
    """The rows below the header in order, empty rows skipped; a record's value is its texts by column.

    An empty cell is the empty text. The stream must be one that can go back.

    Raises:
        FileRefused: while reading; the file is no workbook, unpacks to too much, has no such sheet or header.
    """
    archive = Archive(stream, name)
    book = open_book(archive, settings.sheet)
    merged = _Merged(merged_rows(archive, book))
    below = (row for row in rows(archive, book) if row.no >= settings.header_row)
    first = next(below, None)
    if first is None or first.no != settings.header_row:
        raise FileRefused(f"expected a header in row {settings.header_row} of {name}, got an empty row")
    header = _header(first, name=name, wanted=wanted, is_merged=first.no in merged)
    on_header(header)
    for row in below:
        yield _record(row, header, is_merged=row.no in merged)


class _Merged:
    """Which rows have cells that are merged with others."""

    def __init__(self, ranges: list[tuple[int, int]]) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in sorted(ranges):
            self._firsts.append(first)
            self._lasts.append(max(last, self._lasts[-1] if self._lasts else 0))

    def __contains__(self, no: int) -> bool:
        at = bisect_right(self._firsts, no)
        return at > 0 and self._lasts[at - 1] >= no


def _header(row: Row, *, name: str, wanted: Collection[str], is_merged: bool) -> list[str]:
    if is_merged or row.fault:
        raise FileRefused(f"expected texts in the header of {name}, got {row.fault or 'merged cells'}")
    header = [row.cells.get(no, "") for no in range(1, max(row.cells) + 1)]
    check_header(header, wanted=wanted, name=name, line=row.no)
    return header


def _record(row: Row, header: list[str], *, is_merged: bool) -> Record | Torn:
    if row.fault:
        at = header[row.fault_column - 1] if row.fault_column <= len(header) else f"column {row.fault_column}"
        return Torn(row.no, row.fault, at)
    if is_merged:
        return Torn(row.no, "expected cells of their own, got merged ones")
    if row.is_hidden:
        return Torn(row.no, "expected a row that can be seen, got a hidden one")
    if max(row.cells) > len(header):
        return Torn(row.no, f"expected {len(header)} cells, got {max(row.cells)}")
    return Record(row.no, {column: row.cells.get(no, "") for no, column in enumerate(header, start=1)})
