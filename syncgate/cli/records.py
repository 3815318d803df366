"""A source's CSV file as records with their lines: refused as a whole with the reason, or row by row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from syncgate.config import CsvSettings
from syncgate.documents import nearest
from syncgate.domain.errors import SyncgateError


class FileRefused(SyncgateError):
    """The file is not what the source's settings say; nothing of it was posted."""

    code = "file_refused"


@dataclass(frozen=True, slots=True)
class Record:
    """One row: the line where it begins, and its cells by column."""

    line: int
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class TornRow:
    """A row that has not as many cells as the header."""

    line: int
    reason: str


def read_records(file: Path, settings: CsvSettings, *, columns: frozenset[str]) -> Iterator[Record | TornRow]:
    """The file's rows in order.

    Args:
        file: the CSV file.
        settings: how the source writes it.
        columns: those that the source's mapping reads.

    Raises:
        FileRefused: wrong charset, no header, a header without the columns, NUL characters.
    """
    text = _decoded(file, settings)
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=settings.delimiter, quotechar=settings.quote, strict=True
    )
    try:
        header = next(reader, None)
    except csv.Error as error:
        raise FileRefused(f"expected a header in line 1 of {file.name}, got {error}") from None
    names = _header(file, header, columns)
    return _rows(file, reader, names)


def _decoded(file: Path, settings: CsvSettings) -> str:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise FileRefused(f"expected a readable file {file}, got {error.strerror}") from None
    try:
        text = content.decode(settings.charset)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FileRefused(f"expected {settings.charset} in {file.name}, got other bytes in line {line}") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise FileRefused(f"expected text in {file.name}, got a NUL character in line {line}")
    return text


def _header(file: Path, header: list[str] | None, columns: frozenset[str]) -> list[str]:
    if not header:
        raise FileRefused(f"expected a header in line 1 of {file.name}, got an empty file")
    if header[0].lstrip().lower().startswith(("<!doctype", "<html")):
        raise FileRefused(f"expected CSV in {file.name}, got an HTML page")
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise FileRefused(f"expected each column of {file.name} once, got {', '.join(repeated)} twice")
    missing = sorted(columns - set(header))
    if missing:
        likely = [f"{name} (there is {near})" if (near := nearest(name, header)) else name for name in missing]
        raise FileRefused(f"expected the columns {', '.join(likely)} in {file.name}, got a header without them")
    return header


def _rows(file: Path, reader: Iterator[list[str]], names: list[str]) -> Iterator[Record | TornRow]:
    line = 2
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            yield TornRow(line, str(error))
            return
        if row is None:
            return
        if len(row) == len(names):
            yield Record(line, dict(zip(names, row, strict=True)))
        elif row:
            yield TornRow(line, f"expected {len(names)} cells, got {len(row)}")
        line = reader.line_num + 1  # type: ignore[attr-defined]
