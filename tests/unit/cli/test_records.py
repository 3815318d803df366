"""A source's file is refused whole with the reason, or read row by row with the lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncgate.cli.records import FileRefused, Record, TornRow, read_records
from syncgate.config import CsvSettings

COLUMNS = frozenset({"编号", "地址"})
HEADER = "编号,地址,备注\n"


def _read(tmp_path: Path, content: bytes | str, **settings: str) -> list[Record | TornRow]:
    file = tmp_path / "calls.csv"
    file.write_bytes(content.encode("utf-8-sig") if isinstance(content, str) else content)
    return list(read_records(file, CsvSettings(**settings), columns=COLUMNS))


def _refusal(tmp_path: Path, content: bytes | str, **settings: str) -> str:
    with pytest.raises(FileRefused) as caught:
        _read(tmp_path, content, **settings)
    assert "\n" not in caught.value.message
    return caught.value.message


def test_rows_come_with_their_cells_by_column_and_their_lines(tmp_path: Path) -> None:
    rows = _read(tmp_path, HEADER + "A1,示例路1号,x\n\nA2,示例路2号 ,\n")
    assert rows == [
        Record(2, {"编号": "A1", "地址": "示例路1号", "备注": "x"}),
        Record(4, {"编号": "A2", "地址": "示例路2号 ", "备注": ""}),
    ]


def test_another_delimiter_than_the_settings_say_is_named(tmp_path: Path) -> None:
    message = _refusal(tmp_path, HEADER.replace(",", ";") + "A1;示例路1号;x\n")
    assert message == "expected ',' between the columns of calls.csv, got a semicolon as it seems"


def test_the_delimiter_of_the_settings_is_obeyed(tmp_path: Path) -> None:
    assert len(_read(tmp_path, HEADER.replace(",", "\t") + "A1\t示例路1号\tx\n", delimiter="\t")) == 1


def test_a_missing_column_is_named_with_the_nearest_there_is(tmp_path: Path) -> None:
    message = _refusal(tmp_path, "编号,地址栏\nA1,示例路1号\n")
    assert message == "expected the columns 地址 (there is 地址栏) in calls.csv, got a header without them"


def test_a_torn_row_has_its_line_and_the_others_go_on(tmp_path: Path) -> None:
    rows = _read(tmp_path, HEADER + "A1,示例路1号\nA2,示例路2号,x,y\nA3,示例路3号,x\n")
    assert rows[:2] == [TornRow(2, "expected 3 cells, got 2"), TornRow(3, "expected 3 cells, got 4")]
    assert isinstance(rows[2], Record) and rows[2].line == 4


def test_quotes_over_lines_keep_the_line_numbers(tmp_path: Path) -> None:
    rows = _read(tmp_path, HEADER + 'A1,"示例路\n1号\r\n二楼",x\nA2,"说""好""",x\nA3,示例路3号\n')
    assert [row.line for row in rows] == [2, 5, 6]
    assert isinstance(rows[0], Record) and rows[0].cells["地址"] == "示例路\n1号\r\n二楼"
    assert isinstance(rows[1], Record) and rows[1].cells["地址"] == '说"好"'


def test_quotes_that_never_close_refuse_the_file_with_the_line(tmp_path: Path) -> None:
    message = _refusal(tmp_path, HEADER + 'A1,示例路1号,x\nA2,"示例路2号,x\nA3,示例路3号,x\n')
    assert "line 3" in message and "示例路" not in message


def test_text_after_a_closing_quote_refuses_the_file_with_the_line(tmp_path: Path) -> None:
    assert "line 2" in _refusal(tmp_path, HEADER + 'A1,"示例路1号"甲,x\n')


def test_other_bytes_than_the_charset_are_named_with_their_line(tmp_path: Path) -> None:
    content = (HEADER + "A1,示例路1号,x\n").encode() + "A2,示例路2号,x\n".encode("gb18030")
    assert _refusal(tmp_path, content) == "expected utf-8-sig in calls.csv, got other bytes in line 3"


@pytest.mark.parametrize("charset", ["gb18030", "big5", "utf-16"])
def test_the_charset_of_the_settings_is_obeyed(tmp_path: Path, charset: str) -> None:
    text = "編號,地址\nA1,示例路1號\n"
    file = tmp_path / "calls.csv"
    file.write_bytes(text.encode(charset))
    rows = list(read_records(file, CsvSettings(charset=charset), columns=frozenset({"編號"})))
    assert rows == [Record(2, {"編號": "A1", "地址": "示例路1號"})]


def test_utf_16_in_a_file_of_another_charset_is_named(tmp_path: Path) -> None:
    assert "got UTF-16" in _refusal(tmp_path, (HEADER + "A1,示例路1号,x\n").encode("utf-16"))


def test_an_unknown_charset_is_named(tmp_path: Path) -> None:
    assert "expected a known charset" in _refusal(tmp_path, HEADER, charset="utf-9")


def test_a_byte_order_mark_that_the_settings_do_not_know_is_named(tmp_path: Path) -> None:
    assert "utf-8-sig" in _refusal(tmp_path, HEADER, charset="utf-8")


def test_a_nul_character_is_named_with_its_line(tmp_path: Path) -> None:
    assert _refusal(tmp_path, HEADER + "A1,\0,x\n") == "expected text in calls.csv, got a NUL character in line 2"


@pytest.mark.parametrize("page", ["<!DOCTYPE html>\n<html></html>", "\n  <html lang='zh'>"])
def test_a_web_page_saved_as_csv_is_named(tmp_path: Path, page: str) -> None:
    assert _refusal(tmp_path, page) == "expected CSV in calls.csv, got an HTML page"


def test_a_workbook_named_csv_is_named(tmp_path: Path) -> None:
    assert "Excel" in _refusal(tmp_path, b"PK\x03\x04\x14\0\x06\0")


@pytest.mark.parametrize("content", [b"", "﻿".encode()])
def test_an_empty_file_is_named(tmp_path: Path, content: bytes) -> None:
    assert "got an empty file" in _refusal(tmp_path, content)


def test_a_header_without_rows_gives_none(tmp_path: Path) -> None:
    assert _read(tmp_path, HEADER) == []


def test_repeated_columns_are_named(tmp_path: Path) -> None:
    assert "地址 twice" in _refusal(tmp_path, "编号,地址,地址\nA1,a,b\n")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="No such file"):
        read_records(tmp_path / "none.csv", CsvSettings(), columns=COLUMNS)


def test_no_repr_shows_what_a_citizen_wrote(tmp_path: Path) -> None:
    assert "示例路" not in repr(_read(tmp_path, HEADER + "A1,示例路1号,x\n"))
