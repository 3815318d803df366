"""A source's CSV file as records with their lines: refused as a whole with the reason, or row by row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from syncgate.domain.errors import SyncgateError

if TYPE_CHECKING:
    from syncgate.config import CsvSettings

_USUAL_DELIMITERS: Final = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}
_MARKS: Final = {
    b"PK\x03\x04": "a ZIP archive, such as an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF document",
}
_BYTE_ORDER_MARKS: Final = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


class FileRefused(SyncgateError):
    """The file is not what it should be; nothing of it was posted."""

    code = "file_refused"
    actor = "source"


@dataclass(frozen=True, slots=True)
class Record:
    """One row: the line where it begins, and its cells by column."""

    line: int
    cells: dict[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class TornRow:
    """A row that cannot be read, such as one that has not as many cells as the header."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row as the case that it means."""

    line: int
    case: Any = field(repr=False)


def read_records(file: Path, settings: CsvSettings, *, columns: frozenset[str]) -> Iterator[Record | TornRow]:
    """The file's rows in order.

    Args:
        file: the CSV file.
        settings: how the source writes it.
        columns: those that the source's mapping reads.

    Raises:
        FileRefused: at once for another charset, NUL characters, no header or one without the columns; while
            reading for quotes that do not close, since no later row can be trusted then.
    """
    text = text_of(file, read_bytes(file), settings.charset)
    if text.lstrip()[:9].lower().startswith(("<!doctype", "<html")):
        raise FileRefused(f"expected CSV in {file.name}, got an HTML page")
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=settings.delimiter, quotechar=settings.quote, strict=True
    )
    names = _header(file, reader, settings.delimiter, columns)
    return _rows(file, reader, names)


def read_bytes(file: Path) -> bytes:
    """The file's content. Raises FileRefused where it cannot be read."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise FileRefused(f"expected a readable file {file}, got {error.strerror}") from None


def text_of(file: Path, content: bytes, charset: str) -> str:
    """The text of a file's content. Raises FileRefused, with the line, where it is none in this charset."""
    for mark, kind in _MARKS.items():
        if content.startswith(mark):
            raise FileRefused(f"expected text in {file.name}, got {kind}")
    try:
        text = content.decode(charset)
    except LookupError:
        raise FileRefused(f"expected a known charset for {file.name}, got {charset}") from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        got = _BYTE_ORDER_MARKS.get(content[:2], "other bytes")
        raise FileRefused(f"expected {charset} in {file.name}, got {got} in line {line}") from None
    if text.startswith("\ufeff"):
        raise FileRefused(f"expected no byte order mark in {file.name}, got one: its charset is utf-8-sig")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise FileRefused(f"expected text in {file.name}, got a NUL character in line {line}")
    return text


def _header(file: Path, reader: Iterator[list[str]], delimiter: str, columns: frozenset[str]) -> list[str]:
    try:
        header = next(reader, None)
    except csv.Error as error:
        raise FileRefused(f"expected a header in line 1 of {file.name}, got {error}") from None
    if header is None:
        raise FileRefused(f"expected a header in line 1 of {file.name}, got an empty file")
    if not header:
        raise FileRefused(f"expected a header in line 1 of {file.name}, got an empty line")
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise FileRefused(f"expected each column of {file.name} once, got {', '.join(repeated)} twice")
    missing = sorted(columns - set(header))
    if missing:
        raise FileRefused(_words_on_missing(file, header, missing, delimiter))
    return header


def _words_on_missing(file: Path, header: list[str], missing: list[str], delimiter: str) -> str:
    from syncgate.documents import nearest

    likely = [f"{name} (there is {near})" if (near := nearest(name, header)) else name for name in missing]
    if len(header) == 1:
        for other, title in _USUAL_DELIMITERS.items():
            if other != delimiter and other in header[0]:
                return f"expected {delimiter!r} between the columns of {file.name}, got {title} as it seems"
    return f"expected the columns {', '.join(likely)} in {file.name}, got a header without them"


def _rows(file: Path, reader: Any, names: list[str]) -> Iterator[Record | TornRow]:
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise FileRefused(f"expected well-formed CSV in {file.name}, got {error} in line {line}") from None
        if row is None:
            return
        if len(row) == len(names):
            yield Record(line, dict(zip(names, row, strict=True)))
        elif row:
            yield TornRow(line, f"expected {len(names)} cells, got {len(row)}")
