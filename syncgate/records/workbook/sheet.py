"""A worksheet's rows, streamed: per row its cells by column, and what is torn about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from syncgate.records.expat import Walk
from syncgate.records.record import MOST_CHARACTERS, MOST_COLUMNS, FileRefused
from syncgate.records.workbook.archive import Archive
from syncgate.records.workbook.cells import NoText, text_of
from syncgate.records.workbook.parts import Book, Collector

_REFERENCE: Final = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_RANGE: Final = re.compile(r"([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})")


@dataclass(slots=True)
class Row:
    """A row: texts by column number from 1; `fault` with its column where one cell has no sure text."""

    no: int
    is_hidden: bool = False
    cells: dict[int, str] = field(default_factory=dict, repr=False)
    fault: str = ""
    fault_column: int = 0


@dataclass(slots=True)
class _Cell:
    column: int
    kind: str
    style: str
    has_formula: bool = False


def column_no(letters: str) -> int:
    """The number of a column, 1 for `A`, 27 for `AA`."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def merged_rows(archive: Archive, book: Book) -> list[tuple[int, int]]:
    """The first and last row of every merged range of cells."""
    found = _Merged()
    Walk(found, name=f"{archive.name} ({book.path})").feed_all(archive.pieces(book.path))
    return found.ranges


def rows(archive: Archive, book: Book) -> Iterator[Row]:
    """The rows that hold anything, in order. Raises FileRefused where the sheet is not one."""
    found = _Rows(book, archive.name)
    walk = Walk(found, name=f"{archive.name} ({book.path})")
    for piece in archive.pieces(book.path):
        walk.feed(piece)
        yield from found.taken()
    walk.feed(b"", is_last=True)
    yield from found.taken()


class _Merged(Collector):
    def __init__(self) -> None:
        self.ranges: list[tuple[int, int]] = []

    def begin(self, name: str, attributes: dict[str, str], line: int) -> None:
        found = _RANGE.fullmatch(attributes.get("ref", "")) if name == "mergeCell" else None
        if found is not None:
            self.ranges.append((int(found[2]), int(found[4])))


class _Rows(Collector):
    """Hears the events of a worksheet."""

    def __init__(self, book: Book, name: str) -> None:
        self._book, self._name = book, name
        self._done: list[Row] = []
        self._row: Row | None = None
        self._cell: _Cell | None = None
        self._pieces: list[str] = []
        self._no = self._length = 0
        self._is_value = self._is_sound = False

    def taken(self) -> Iterator[Row]:
        """The rows that are done since the last call."""
        done, self._done = self._done, []
        yield from done

    def begin(self, name: str, attributes: dict[str, str], line: int) -> None:
        match name:
            case "row":
                self._begin_row(attributes)
            case "c" if self._row is not None:
                self._begin_cell(self._row, attributes)
            case "f" if self._cell is not None:
                self._cell.has_formula = True
            case "rPh":
                self._is_sound = True
            case "v" | "t" if self._cell is not None:
                self._is_value = not self._is_sound

    def text(self, text: str) -> None:
        if self._is_value:
            self._pieces.append(text)
            self._length += len(text)
            if self._length > MOST_CHARACTERS:
                raise self._refusal(f"rows of at most {MOST_CHARACTERS:,} characters", "a longer one")

    def end(self, name: str) -> None:
        match name:
            case "v" | "t":
                self._is_value = False
            case "rPh":
                self._is_sound = False
            case "c" if self._cell is not None and self._row is not None:
                self._end_cell(self._row, self._cell)
                self._cell = None
            case "row" if self._row is not None:
                if self._row.cells or self._row.fault:
                    self._done.append(self._row)
                self._row = None

    def _begin_row(self, attributes: dict[str, str]) -> None:
        written = attributes.get("r", str(self._no + 1))
        if not written.isascii() or not written.isdigit() or not self._no < int(written[:8]) <= 1_048_576:
            raise self._refusal("rows in order", "another number")
        self._no = int(written)
        self._length = 0
        self._row = Row(self._no, is_hidden=attributes.get("hidden", "0") in ("1", "true"))

    def _begin_cell(self, row: Row, attributes: dict[str, str]) -> None:
        last = max(row.cells, default=0)
        found = _REFERENCE.fullmatch(attributes.get("r", ""))
        column = column_no(found[1]) if found else last + 1
        if column > MOST_COLUMNS or column in row.cells:
            raise self._refusal(f"at most {MOST_COLUMNS} columns, each once", "others")
        self._cell = _Cell(column, attributes.get("t", "n"), attributes.get("s", "0"))
        self._pieces = []

    def _end_cell(self, row: Row, cell: _Cell) -> None:
        value = "".join(self._pieces)
        try:
            if cell.has_formula:
                raise NoText("a formula, whose value is only a copy: paste it as a value")
            text = text_of(cell.kind, value, cell.style, self._book)
        except NoText as error:
            if not row.fault:
                row.fault, row.fault_column = f"expected a text, a number or a date, got {error}", cell.column
            return
        if text:
            row.cells[cell.column] = text

    def _refusal(self, expected: str, got: str) -> FileRefused:
        return FileRefused(f"expected {expected} in row {self._no} of {self._name}, got {got}")
