"""A CSV file is refused whole with the reason, or read row by row with the lines; nothing is mended."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncgate.records import Columns, CsvSettings, Record, Torn, read
from syncgate.records.settings import Settings
from tests.support.properties import examples
from tests.unit.records.reading import refusal_of, rows_of, torn_of, values_of

HEADER = "编号,地址,备注\n"
WANTED = ("编号", "地址")
PLAIN = CsvSettings()


def _bytes(text: str, charset: str = "utf-8") -> bytes:
    return text.encode(charset)


def test_rows_come_with_their_cells_by_column_and_their_lines() -> None:
    assert rows_of(_bytes(HEADER + "A1,示例路1号,x\n\nA2,示例路2号 ,\n", "utf-8-sig"), PLAIN) == [
        Record(2, {"编号": "A1", "地址": "示例路1号", "备注": "x"}),
        Record(4, {"编号": "A2", "地址": "示例路2号 ", "备注": ""}),
    ]


def test_what_was_once_read_in_another_charset_is_kept_as_written() -> None:
    row = {"编号": "A1", "地址": "it\u00e2\u0080\u0099s", "备注": ""}
    assert rows_of(_bytes(HEADER + f"A1,{row['地址']},\n"), PLAIN) == [Record(2, row)]


def test_the_delimiter_and_the_quote_of_the_settings_are_obeyed() -> None:
    content = _bytes("a\tb\n'x\ty'\t''''\n")
    assert values_of(content, CsvSettings(delimiter="\t", quote="'")) == [{"a": "x\ty", "b": "'"}]


def test_quotes_over_lines_keep_the_line_numbers() -> None:
    rows = rows_of(_bytes(HEADER + 'A1,"示例路\n1号\r\n二楼",x\nA2,"说""好""",x\nA3,示例路3号\n'), PLAIN)
    assert [row.line for row in rows] == [2, 5, 6]
    assert isinstance(rows[0], Record) and rows[0].value["地址"] == "示例路\n1号\r\n二楼"
    assert isinstance(rows[1], Record) and rows[1].value["地址"] == '说"好"'


def test_a_header_without_rows_gives_none() -> None:
    assert rows_of(_bytes(HEADER), PLAIN) == []


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "gbk", "gb18030", "big5", "cp950"])
def test_the_charset_of_the_settings_is_obeyed(charset: str) -> None:
    assert values_of(_bytes("編號,地址\nA1,示例路1號\n", charset), CsvSettings(charset=charset)) == [
        {"編號": "A1", "地址": "示例路1號"}
    ]


def test_a_character_cut_by_the_end_of_a_piece_is_whole() -> None:
    """Pieces are of 64 KiB: three-byte characters fall across their ends."""
    cell = "路" * 100_000
    assert values_of(_bytes(f"a,b\n1,{cell}\n"), PLAIN) == [{"a": "1", "b": cell}]


WHOLE = [
    ("wrong delimiter", _bytes(HEADER.replace(",", ";") + "A1;x;y\n"), "got a semicolon as it seems"),
    ("wrong delimiter, one comma", _bytes("编号;地址;a,b\nA1;x;y\n"), "got a semicolon as it seems"),
    ("missing column", _bytes("编号,地址栏\nA1,x\n"), "expected the columns 地址 (there is '地址栏') in input"),
    ("column with a blank", _bytes("编号, 地址\nA1,x\n"), "地址 (there is ' 地址')"),
    ("repeated column", _bytes("编号,地址,地址\nA1,a,b\n"), "got 地址 twice"),
    ("unnamed column", _bytes("编号,地址,\nA1,a,b\n"), "got none for column 3"),
    ("no header", _bytes(",,\nA1,a,b\n"), "got an empty one"),
    ("empty first line", _bytes("\n" + HEADER), "got an empty line"),
    ("other bytes", _bytes(HEADER + "A1,x,y\n") + "A2,示例,x\n".encode("gb18030"), "other bytes in line 3"),
    ("UTF-16", _bytes(HEADER, "utf-16"), "got UTF-16"),
    ("UTF-16 without a mark", _bytes("a,b\n", "utf-16-le"), "got a NUL character in line 1"),
    ("NUL", _bytes(HEADER + "A1,\0,x\n"), "got a NUL character in line 2"),
    ("quote without end", _bytes(HEADER + 'A1,x,y\nA2,"x\nA3,x,y\n'), "begins in line 3"),
    ("text behind a quote", _bytes(HEADER + 'A1,"x"y,z\n'), "line 2"),
    ("CR alone", _bytes("编号,地址\rA1,x\r"), "CR"),
    ("HTML", _bytes("<!DOCTYPE html>\n<html></html>"), "got an HTML page"),
    ("HTML, later", _bytes("  <html lang='zh'>\n"), "got an HTML page"),
    ("XML", _bytes("<?xml version='1.0'?><a/>\n"), "got XML"),
    ("workbook", b"PK\x03\x04\x14\0\x06\0", "Excel"),
    ("old workbook", b"\xd0\xcf\x11\xe0\xa1\xb1", "old Excel"),
    ("gzip", b"\x1f\x8b\x08\0", "gzip"),
    ("empty", b"", "got an empty file"),
    ("only a mark", b"\xef\xbb\xbf", "got an empty file"),
    ("100,000 columns", b"," * 100_000 + b"\n", "expected at most 2000 columns in input, got 100001"),
    ("2,000,000 columns", b"," * 2_000_000 + b"\n", "expected lines of at most"),
    ("2,000,000 quoted columns", b'"a",' * 2_000_000 + b"\n", "expected lines of at most"),
    ("gigantic cell", _bytes(HEADER) + b"A1," + b"x" * 2_000_000, "expected lines of at most"),
    ("gigantic quoted cell", _bytes(HEADER) + b'A1,"' + b"x\n" * 2_000_000, "expected a row of at most"),
    ("endless quoted cells", _bytes(HEADER) + b'"\n",' * 2_000_000, "expected at most 2000 cells"),
]


@pytest.mark.parametrize(("content", "words"), [row[1:] for row in WHOLE], ids=[row[0] for row in WHOLE])
def test_what_leaves_no_row_to_trust_is_refused_whole(content: bytes, words: str) -> None:
    assert words in refusal_of(content, PLAIN, wanted=WANTED)


def test_a_mark_that_the_charset_does_not_have_is_named() -> None:
    assert "utf-8-sig" in refusal_of(_bytes(HEADER, "utf-8-sig"), CsvSettings(charset="utf-8"))
    assert "gb18030" in refusal_of("\ufeffa,b\n".encode("gb18030"), CsvSettings(charset="gb18030"))


ROWS = [
    ("too few cells", "A1,x\n", ("", "expected 3 cells, got 2")),
    ("too many cells", "A1,x,y,z\n", ("", "expected 3 cells, got 4")),
    ("a comma more within a text", "A1,示例路1号,二楼,x\n", ("", "expected 3 cells, got 4")),
    ("lone quote", 'A1,5" x,y\n', ("地址", "expected no quote within a cell without quotes, got one")),
    ("blank before a quote", 'A1, "x", y\n', ("地址", "expected no quote within a cell without quotes, got one")),
    ("bell", "A1,x\x07,y\n", ("地址", "expected text, got the control character U+0007")),
    ("escape in quotes", 'A1,"x\x1b",y\n', ("地址", "expected text, got the control character U+001B")),
    ("end of file sign", "\x1a\n", ("", "expected 3 cells, got 1")),
    ("CR alone", "A1,x\ry,z\n", ("地址", "expected lines that end in LF or CRLF, got CR alone")),
    ("CR alone beside quotes", '"A1",x\ry,z\n', ("地址", "expected lines that end in LF or CRLF, got CR alone")),
]


@pytest.mark.parametrize(("row", "told"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_torn_row_has_its_line_and_column_and_the_others_go_on(row: str, told: tuple[str, str]) -> None:
    content = _bytes(HEADER + "A0,x,y\n" + row + "A9,x,y\n")
    assert torn_of(content, PLAIN) == [(3, *told)]
    whole = [one for one in rows_of(content, PLAIN) if isinstance(one, Record)]
    assert [(one.line, one.value["编号"]) for one in whole] == [(2, "A0"), (4, "A9")]


def test_columns_that_nobody_reads_are_told() -> None:
    columns = Columns(frozenset(WANTED))
    list(read(io.BytesIO(_bytes(HEADER)), PLAIN, name="input", columns=columns))
    assert columns.unread == ("备注",)


def test_no_repr_shows_what_a_citizen_wrote() -> None:
    assert "示例路" not in repr(rows_of(_bytes(HEADER + "A1,示例路1号,x\n"), PLAIN))


@pytest.mark.parametrize(
    "wrong",
    [{"charset": "utf-9"}, {"charset": "utf-16"}, {"delimiter": "\n"}, {"delimiter": ",,"}, {"delimiter": '"'}],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        CsvSettings(**wrong)


CELLS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")) | st.sampled_from("\n\t\",;'"))


@examples(150)
@given(
    header=st.lists(CELLS.filter(str.strip), min_size=1, max_size=5, unique=True),
    data=st.data(),
    quote_all=st.booleans(),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_what_another_writer_wrote_is_read_as_it_was(
    header: list[str], data: st.DataObject, quote_all: bool, end: str
) -> None:
    row = st.lists(CELLS, min_size=len(header), max_size=len(header)).filter(any)
    written = data.draw(st.lists(row, max_size=5))
    out = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    csv.writer(out, lineterminator=end, quoting=quoting).writerows([header, *written])
    if out.getvalue().lstrip()[:9].lower().startswith(("<!doctype", "<html", "<?xml")):
        return
    found = values_of(_bytes(out.getvalue(), "utf-8-sig"), PLAIN)
    assert found == [dict(zip(header, cells, strict=True)) for cells in written]


@examples(150)
@given(content=st.binary(max_size=300), settings=st.sampled_from([PLAIN, CsvSettings(charset="gb18030")]))
def test_any_bytes_are_refused_or_read_and_never_break(content: bytes, settings: Settings) -> None:
    from syncgate.records import FileRefused

    try:
        rows = rows_of(content, settings)
    except FileRefused:
        return
    assert all(isinstance(row, Record | Torn) for row in rows)
