"""Files that stand for what a system lists, in every format: page by page, in bounded memory, and never half."""

from __future__ import annotations

import asyncio
import io
import os
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import openpyxl
import orjson
import pytest

from syncgate.flows.reconciling.filed import PAGE, FiledListing, laid_down
from syncgate.ports import Listing, Page, Query, Unread
from syncgate.records import CsvSettings, JsonSettings, NdjsonSettings, XlsxSettings, XmlSettings
from syncgate.records.settings import Settings

QUERY = Query(operation="")
ROWS = [{"编号": f"N-{no:05}", "名称": f"张示例{no}"} for no in range(2 * PAGE + 1)]


def csv(rows: list[dict[str, str]], charset: str = "gb18030") -> bytes:
    lines = ["编号,名称", *(f"{row['编号']},{row['名称']}" for row in rows)]
    return "\r\n".join(lines).encode(charset)


def xlsx(rows: list[dict[str, str]]) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("导出")
    for row in [["编号", "名称"], *([row["编号"], row["名称"]] for row in rows)]:
        sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def xml(rows: list[dict[str, str]]) -> bytes:
    inner = "".join(f"<r><编号>{row['编号']}</编号><名称>{row['名称']}</名称></r>" for row in rows)
    return f"<all>{inner}</all>".encode()


WRITTEN: dict[str, tuple[Callable[[list[dict[str, str]]], bytes], Settings]] = {
    "csv": (csv, CsvSettings(charset="gb18030")),
    "xlsx": (xlsx, XlsxSettings()),
    "ndjson": (lambda rows: b"\n".join(map(orjson.dumps, rows)), NdjsonSettings()),
    "json": (lambda rows: orjson.dumps({"data": rows}), JsonSettings(records="/data")),
    "xml": (xml, XmlSettings(record="/all/r")),
}


def listing(content: bytes, settings: Settings, **more: Any) -> FiledListing:
    found = FiledListing(lambda: io.BytesIO(content), settings, name="a file", **more)
    assert isinstance(found, Listing)
    return found


def walk(source: FiledListing, following: str | None = None) -> list[Page | Unread]:
    async def scenario() -> list[Page | Unread]:
        found = [await source.list_page(QUERY, following)]
        while isinstance(found[-1], Page) and found[-1].following is not None:
            found.append(await source.list_page(QUERY, found[-1].following))
        await source.aclose()
        return found

    return asyncio.run(scenario())


def records(pages: list[Page | Unread]) -> list[Any]:
    return [record for page in pages if isinstance(page, Page) for record in page.records]


@pytest.mark.parametrize("format_name", WRITTEN)
@pytest.mark.parametrize("count", [1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE + 1])
def test_every_record_of_a_file_is_on_one_page(format_name: str, count: int) -> None:
    write, settings = WRITTEN[format_name]
    pages = walk(listing(write(ROWS[:count]), settings))
    assert records(pages) == ROWS[:count]
    assert all(isinstance(page, Page) and len(page.records) <= PAGE for page in pages)


@pytest.mark.parametrize("format_name", WRITTEN)
def test_another_process_goes_on_where_one_ended(format_name: str) -> None:
    write, settings = WRITTEN[format_name]
    content = write(ROWS)
    first = asyncio.run(listing(content, settings).list_page(QUERY, None))
    assert isinstance(first, Page)
    assert records([first, *walk(listing(content, settings), first.following)]) == ROWS


def test_a_page_that_is_asked_for_twice_is_the_same(tmp_path: Path) -> None:
    async def scenario() -> tuple[Any, Any]:
        source = listing(csv(ROWS), CsvSettings(charset="gb18030"))
        first = await source.list_page(QUERY, None)
        await source.list_page(QUERY, str(PAGE))
        return first, await source.list_page(QUERY, None)

    first, again = asyncio.run(scenario())
    assert first == again


def test_a_torn_row_is_on_no_page_and_ends_the_listing_as_unreadable() -> None:
    lines = csv(ROWS[: PAGE + 5]).split(b"\r\n")
    lines[3] = lines[3] + b",more"
    lines[9] = b"x"
    pages = walk(listing(b"\r\n".join(lines), CsvSettings(charset="gb18030")))
    assert len(records(pages)) == PAGE + 3
    assert pages[-1] == Unread(
        reason="unreadable",
        words="expected rows that can be read, got 2 that cannot, the first in row 4: expected 2 cells, got 3",
    )


@pytest.mark.parametrize(
    ("content", "settings"),
    [
        (b"", CsvSettings()),
        (csv(ROWS[:3], "utf-8"), CsvSettings(charset="gb18030")),
        ("<html><body>登录</body></html>".encode(), CsvSettings()),
        (csv(ROWS[:3], "utf-8"), XlsxSettings()),
        (xlsx(ROWS)[:-2000], XlsxSettings()),
        (orjson.dumps({"data": ROWS})[:-20], JsonSettings(records="/data")),
        (orjson.dumps({"rows": ROWS}), JsonSettings(records="/data")),
        (xml(ROWS)[:-9], XmlSettings(record="/all/r")),
    ],
    ids=["empty", "charset", "html", "no_workbook", "half_a_workbook", "half_json", "no_list", "half_xml"],
)
def test_a_file_that_is_another_one_or_half_is_unreadable(content: bytes, settings: Settings) -> None:
    last = walk(listing(content, settings))[-1]
    assert isinstance(last, Unread)
    assert last.reason == "unreadable"
    assert "张示例" not in last.words


def test_a_column_that_is_read_must_be_there() -> None:
    (found,) = walk(listing(csv(ROWS[:1], "utf-8"), CsvSettings(), columns=frozenset({"编号", "状态"})))
    assert isinstance(found, Unread)
    assert "状态" in found.words


def test_a_file_that_cannot_be_opened_is_unavailable_and_its_path_is_not_told() -> None:
    def opened() -> BinaryIO:
        return Path("/nowhere/secret.csv").open("rb")

    (found,) = walk(FiledListing(opened, CsvSettings(), name="a file"))
    assert found == Unread(reason="unavailable", words="expected a file to read, got FileNotFoundError")


def test_a_file_is_not_asked_for_counts() -> None:
    found = asyncio.run(listing(b"", CsvSettings()).count(QUERY, low="", high=None))
    assert isinstance(found, Unread)


@pytest.mark.parametrize("format_name", ["csv", "ndjson", "xml"])
def test_a_large_file_is_read_in_bounded_memory(format_name: str, tmp_path: Path) -> None:
    write, settings = WRITTEN[format_name]
    rows = [{"编号": f"N-{no:06}", "名称": "张示例" * 30} for no in range(30_000)]
    path = tmp_path / "export"
    path.write_bytes(write(rows))
    del rows
    source = FiledListing(lambda: path.open("rb"), settings, name="a file")

    async def scenario() -> int:
        read, following = 0, None
        while True:
            page = await source.list_page(QUERY, following)
            assert isinstance(page, Page)
            read, following = read + len(page.records), page.following
            if following is None:
                return read

    tracemalloc.start()
    try:
        assert asyncio.run(scenario()) == 30_000
        assert tracemalloc.get_traced_memory()[1] < path.stat().st_size
    finally:
        tracemalloc.stop()


NOW = datetime(2026, 5, 1, 3, 0, tzinfo=UTC)
DAY = date(2026, 5, 1)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "cases-20260501.csv"
    path.write_bytes(csv(ROWS[:2], "utf-8"))
    written = (NOW - timedelta(hours=1)).timestamp()
    os.utime(path, (written, written))
    yield tmp_path


@pytest.mark.parametrize("is_absolute", [False, True])
def test_the_file_of_the_day_is_read_from_its_folder(site: Path, is_absolute: bool) -> None:
    template = f"{site}/in/cases-{{date}}.csv" if is_absolute else "in/cases-{date}.csv"
    opened = laid_down(template, root=site, day=DAY, now=NOW)
    assert not isinstance(opened, Unread)
    assert records(walk(FiledListing(opened, CsvSettings(), name="a file"))) == ROWS[:2]


def test_a_day_without_a_file_says_nothing_about_what_the_system_holds(site: Path) -> None:
    found = laid_down("in/cases-{date}.csv", root=site, day=date(2026, 5, 2), now=NOW)
    assert found == Unread(reason="unavailable", words="expected the file of 2026-05-02, got none")


def test_a_file_that_is_still_being_written_is_not_read(site: Path) -> None:
    path = site / "in" / "cases-20260501.csv"
    just_now = (NOW - timedelta(seconds=20)).timestamp()
    os.utime(path, (just_now, just_now))
    found = laid_down("in/cases-{date}.csv", root=site, day=DAY, now=NOW)
    assert isinstance(found, Unread)
    assert found.reason == "unavailable"
