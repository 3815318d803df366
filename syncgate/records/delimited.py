"""CSV as records: cells by column, exactly as written.

Source: RFC 4180, with any one-character delimiter, LF or CRLF, and no mending: what breaks its rules is
refused, as a row where the next one can still be told, else as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from syncgate.records.header import check_header, other_delimiter
from syncgate.records.record import MOST_CHARACTERS, MOST_COLUMNS, FileRefused, Record, Torn, control_in
from syncgate.records.settings import CsvSettings
from syncgate.records.text import lines

_LONE_RETURN: Final = "expected lines that end in LF or CRLF, got CR alone"
_LONE_QUOTE: Final = "expected no quote within a cell without quotes, got one"


@dataclass(slots=True)
class _Row:
    """One row's cells; `fault` says why they are none, at cell number `fault_no` (from 1)."""

    line: int
    cells: list[str] = field(default_factory=list)
    fault: str = ""
    fault_no: int = 0


def read_csv(
    stream: BinaryIO,
    settings: CsvSettings,
    *,
    name: str,
    wanted: Collection[str] = (),
    on_header: Callable[[list[str]], None] = lambda header: None,
) -> Iterator[Record | Torn]:
    """The rows below the header in order, empty lines skipped; a record's value is its cells by column.

    Args:
        stream: the file.
        settings: how it is written.
        name: what messages call it.
        wanted: columns that must be there.
        on_header: told the columns.

    Raises:
        FileRefused: while reading, for what leaves no later row to trust, and for a header that is none.
    """
    physical = lines(stream, charset=settings.charset, name=name)
    rows = _rows(physical, settings, name=name, wanted=wanted)
    header = next(rows, None)
    if header is None:
        raise FileRefused(f"expected a header in line 1 of {name}, got an empty file")
    if header.fault:
        raise FileRefused(f"expected a header in line 1 of {name}, got a torn one: {header.fault}")
    check_header(header.cells, wanted=wanted, name=name)
    on_header(header.cells)
    for row in rows:
        yield _record(row, header.cells)


def _record(row: _Row, header: list[str]) -> Record | Torn:
    if row.fault:
        at = header[row.fault_no - 1] if 0 < row.fault_no <= len(header) else ""
        return Torn(row.line, row.fault, at)
    if len(row.cells) != len(header):
        return Torn(row.line, f"expected {len(header)} cells, got {len(row.cells)}")
    for column, cell in zip(header, row.cells, strict=True):
        control = control_in(cell)
        if control is not None:
            return Torn(row.line, f"expected text, got the control character {control}", column)
    return Record(row.line, dict(zip(header, row.cells, strict=True)))


def _rows(physical: Iterator[str], settings: CsvSettings, *, name: str, wanted: Collection[str]) -> Iterator[_Row]:
    scanner = _Scanner(physical, settings, name)
    for text in physical:
        scanner.line += 1
        if scanner.line == 1:
            _refuse_other_texts(text, settings, name=name, wanted=wanted)
        bare = _without_end(text)
        if not bare:
            continue
        if settings.quote in bare:
            yield scanner.row(text)
        else:
            yield _plain(scanner.line, bare.split(settings.delimiter))


def _plain(line: int, cells: list[str]) -> _Row:
    lone = next((no for no, cell in enumerate(cells, start=1) if "\r" in cell), 0)
    return _Row(line, cells, _LONE_RETURN if lone else "", lone)


def _refuse_other_texts(text: str, settings: CsvSettings, *, name: str, wanted: Collection[str]) -> None:
    head = text.lstrip()[:9].lower()
    if head.startswith(("<!doctype", "<html")):
        raise FileRefused(f"expected CSV in {name}, got an HTML page")
    if head.startswith("<?xml"):
        raise FileRefused(f"expected CSV in {name}, got XML")
    if not _without_end(text):
        raise FileRefused(f"expected a header in line 1 of {name}, got an empty line")
    other = other_delimiter(text, delimiter=settings.delimiter, wanted=wanted)
    cells = {cell.strip(settings.quote) for cell in _without_end(text).split(settings.delimiter)}
    if other is not None and not set(wanted) <= cells:
        raise FileRefused(f"expected {settings.delimiter!r} between the columns of {name}, got {other} as it seems")
    if text.count("\r") > 1 and text.count(settings.delimiter) > MOST_COLUMNS:
        raise FileRefused(f"expected lines that end in LF or CRLF in {name}, got CR alone")


class _Scanner:
    """Reads rows with quotes, over as many lines as they take. line: the number of the line read last."""

    def __init__(self, physical: Iterator[str], settings: CsvSettings, name: str) -> None:
        self.line = 0
        self._physical = physical
        self._delimiter, self._quote, self._name = settings.delimiter, settings.quote, name
        self._bare = re.compile(f"[^{re.escape(self._delimiter)}\r\n]*")
        self._inside = re.compile(f"[^{re.escape(self._quote)}]*")
        self._text = ""
        self._at = 0

    def row(self, text: str) -> _Row:
        """The row that begins with this line."""
        row, length = _Row(self.line), 0
        self._text, self._at = text, 0
        while True:
            cell = self._cell(row, length)
            row.cells.append(cell)
            length += len(cell)
            if len(row.cells) > MOST_COLUMNS:
                raise self._refusal(row, f"at most {MOST_COLUMNS} cells", "more")
            if not self._text.startswith(self._delimiter, self._at):
                break
            self._at += 1
        rest = self._text[self._at :]
        if rest in ("", "\n", "\r\n"):
            return row
        if rest[0] != "\r":
            raise self._refusal(row, "a delimiter or the line's end behind a closing quote", "other text")
        row.fault, row.fault_no = _LONE_RETURN, len(row.cells)
        return row

    def _cell(self, row: _Row, length: int) -> str:
        if self._text.startswith(self._quote, self._at):
            return self._quoted(row, length)
        found = self._bare.match(self._text, self._at)
        assert found is not None
        self._at = found.end()
        if self._quote in found[0] and not row.fault:
            row.fault, row.fault_no = _LONE_QUOTE, len(row.cells) + 1
        return found[0]

    def _quoted(self, row: _Row, length: int) -> str:
        pieces: list[str] = []
        self._at += 1
        while True:
            found = self._inside.match(self._text, self._at)
            assert found is not None
            pieces.append(found[0])
            length += len(found[0])
            self._at = found.end()
            if self._text.startswith(self._quote * 2, self._at):
                pieces.append(self._quote)
                self._at += 2
            elif self._at < len(self._text):
                self._at += 1
                return "".join(pieces)
            else:
                self._next_line(row, length)

    def _next_line(self, row: _Row, length: int) -> None:
        if length > MOST_CHARACTERS:
            raise self._refusal(row, f"a row of at most {MOST_CHARACTERS:,} characters", "a longer one")
        following = next(self._physical, None)
        if following is None:
            raise self._refusal(row, "a quote that ends the cell", "the end of the file")
        self._text, self._at = following, 0
        self.line += 1

    def _refusal(self, row: _Row, expected: str, got: str) -> FileRefused:
        at = f"cell {max(len(row.cells), 1)} of the row that begins in line {row.line} of {self._name}"
        return FileRefused(f"expected {expected}, got {got}, at {at}")


def _without_end(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")
