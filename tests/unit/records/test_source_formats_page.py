"""The page about what sources may write is true: every sample is refused where and in the words that it says."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from syncgate.config import SourceSettings
from syncgate.documents import plain, read_yaml
from syncgate.records import Columns, FileRefused, Torn, read
from syncgate.records.markup import _MOST_CHILDREN
from syncgate.records.record import MOST_CHARACTERS, MOST_COLUMNS, MOST_LEVELS
from syncgate.records.settings import Format, Settings

PAGE = (Path(__file__).parents[3] / "docs/reference/source-formats.md").read_text("utf-8")
READ = frozenset({"id", "what"})


@dataclass(frozen=True, slots=True)
class Sample:
    """One row of a table: what comes, where it is refused, why; name: the format."""

    name: Format
    settings: Settings
    comes: str
    refused: str
    reason: str

    def content(self) -> bytes:
        """What comes, as bytes."""
        if self.name == "xlsx":
            return BOOKS[self.comes]()
        return self.comes.strip("`").encode("ascii").decode("unicode_escape").encode("latin-1")


def samples() -> Iterator[Sample]:
    """Every row of every table of samples."""
    for body in re.split(r"^## ", PAGE, flags=re.M)[1:]:
        for written in re.findall(r"`((?:csv|xml|json|ndjson|form|xlsx): \{.*?\})`", body):
            found = plain(read_yaml(written, "settings.yaml"))
            source = SourceSettings.model_validate({"title": {"zh": "大厅", "en": "Hall"}, **found}, extra="forbid")
            ((name, settings),) = source.formats.items()
            for row in re.findall(r"^\| (.*) \| (the file|line .*?) \| (.*) \|$", body, re.M):
                yield Sample(name, settings, *row)


def _book(change: Callable[[openpyxl.Workbook, Worksheet], object]) -> Callable[[], bytes]:
    def make() -> bytes:
        book = openpyxl.Workbook()
        sheet = book.active
        assert isinstance(sheet, Worksheet)
        sheet.append(["id", "what"])
        sheet.append(["1", "x"])
        change(book, sheet)
        out = io.BytesIO()
        book.save(out)
        return out.getvalue()

    return make


def _zeros(sheet: Worksheet) -> None:
    sheet["A2"] = 7
    sheet["A2"].number_format = "000000"


BOOKS: dict[str, Callable[[], bytes]] = {
    "an old workbook (`.xls`), or one with a password": lambda: b"\xd0\xcf\x11\xe0" + bytes(100),
    "two visible sheets, and no `sheet` in the settings": _book(
        lambda book, _: book.create_sheet("Notes").append(["x"])
    ),
    "an empty row where the header should be": _book(lambda _, sheet: sheet.insert_rows(1)),
    "a number of more than 15 digits": _book(lambda _, sheet: sheet.__setitem__("A2", 1234567890123456789)),
    "a number shown with leading zeros": _book(lambda _, sheet: _zeros(sheet)),
    "a formula": _book(lambda _, sheet: sheet.__setitem__("A2", "=1+1")),
    "an error": _book(lambda _, sheet: sheet.__setitem__("A2", "#N/A")),
    "merged cells": _book(lambda _, sheet: sheet.merge_cells("A2:B2")),
    "a hidden row": _book(lambda _, sheet: setattr(sheet.row_dimensions[2], "hidden", True)),
    "more cells than columns": _book(lambda _, sheet: sheet.append(["2", "y", "z"])),
}
SAMPLES = list(samples())


def test_every_format_has_samples() -> None:
    assert {sample.name for sample in SAMPLES} == set(get_args(Format))
    assert len(SAMPLES) >= 50


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.name}-{sample.comes}")
def test_a_sample_is_refused_where_and_as_the_page_says(sample: Sample) -> None:
    columns = Columns(READ)
    try:
        name = f"day.{sample.name}"
        rows = list(read(io.BytesIO(sample.content()), sample.settings, name=name, columns=columns))
    except FileRefused as error:
        assert (sample.refused, sample.reason) == ("the file", error.message)
        return
    (torn,) = [row for row in rows if isinstance(row, Torn)]
    place = f"line {torn.line}, `{torn.at}`" if torn.at else f"line {torn.line}"
    assert (sample.refused, sample.reason) == (place, torn.reason)


def test_the_bounds_are_those_that_hold() -> None:
    told = [
        int(number.replace(",", ""))
        for number in re.findall(r"^\| [a-z].* \| ([\d,]+)(?: characters)? \|$", PAGE, re.M)
    ]
    assert told == [MOST_CHARACTERS, MOST_LEVELS, MOST_COLUMNS, _MOST_CHILDREN]
