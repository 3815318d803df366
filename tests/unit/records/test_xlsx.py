"""A workbook gives what its cells store; what they do not store is refused, never guessed."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet

from syncgate.records import Record, XlsxSettings
from syncgate.records.workbook.formats import Shown, shown_by
from tests.support.properties import examples
from tests.unit.records.reading import refusal_of, rows_of, torn_of, values_of

PLAIN = XlsxSettings()


def _workbook(*rows: list[Any], change: Callable[[Worksheet], None] = lambda sheet: None, **book: Any) -> bytes:
    made = openpyxl.Workbook()
    sheet = made.active
    assert isinstance(sheet, Worksheet)
    for row in rows:
        sheet.append(row)
    change(sheet)
    for name, value in book.items():
        setattr(made, name, value)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def _set(cell: str, value: Any, number_format: str | None = None) -> Callable[[Worksheet], None]:
    def change(sheet: Worksheet) -> None:
        sheet[cell] = value
        if number_format is not None:
            sheet[cell].number_format = number_format

    return change


def _patched(content: bytes, changes: dict[str, Callable[[str], str]], *, added: dict[str, str] | None = None) -> bytes:
    """The workbook with parts changed, and parts added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after:
        assert set(changes) <= set(before.namelist())
        for info in before.infolist():
            text = before.read(info).decode()
            changed = changes.get(info.filename, str)(text)
            assert changed != text or info.filename not in changes
            after.writestr(info.filename, changed)
        for name, text in (added or {}).items():
            after.writestr(name, text)
    return out.getvalue()


def _shared(strings: str, *, index: int = 0) -> bytes:
    """A workbook with the header `a` and one cell that is the shared text of a number."""
    relation = '<Relationship Id="rs" Type="urn:x/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
    cell = f'<c r="A2" t="s"><v>{index}</v></c>'
    return _patched(
        _workbook(["a"], ["x"]),
        {
            SHEET: lambda text: text.replace('<c r="A2" t="inlineStr"><is><t>x</t></is></c>', cell),
            "xl/_rels/workbook.xml.rels": lambda text: text.replace("</Relationships>", relation),
        },
        added={"xl/sharedStrings.xml": f'<sst xmlns="urn:x">{strings}</sst>'},
    )


SHEET = "xl/worksheets/sheet1.xml"


def test_rows_come_with_their_texts_by_column_and_their_numbers() -> None:
    content = _workbook(["编号", "地址"], ["A1", " 示例路\n1号"], [], ["A2"])
    assert rows_of(content, PLAIN) == [
        Record(2, {"编号": "A1", "地址": " 示例路\n1号"}),
        Record(4, {"编号": "A2", "地址": ""}),
    ]


@pytest.mark.parametrize(
    ("value", "number_format", "text"),
    [
        (20260430, "General", "20260430"),
        (999_999_999_999_999, "0", "999999999999999"),
        (-7, "General", "-7"),
        (0.1, "0.00", "0.1"),
        (12345678901.5, "#,##0.00", "12345678901.5"),
        (1e-7, "General", "0.0000001"),
        (True, "General", "TRUE"),
        ("007", "@", "007"),
        (datetime(2026, 4, 30, 23, 58, 42), "yyyy-mm-dd h:mm:ss", "2026-04-30T23:58:42"),
        (datetime(2026, 4, 30, 23, 58, 42, 250_000), "yyyy-mm-dd h:mm:ss.000", "2026-04-30T23:58:42.250"),
        (datetime(2026, 4, 30), "yyyy-mm-dd h:mm", "2026-04-30T00:00:00"),
        (date(2026, 4, 30), "yyyy-mm-dd", "2026-04-30"),
        (date(2026, 4, 30), 'yyyy"年"m"月"d"日"', "2026-04-30"),
        (date(2026, 4, 30), "[$-409]d-mmm-yy;@", "2026-04-30"),
        (datetime(2026, 4, 30, 12), "yyyy-mm-dd", "2026-04-30T12:00:00"),
        (time(3, 4, 5), "h:mm:ss", "03:04:05"),
    ],
)
def test_a_cell_that_is_sure_is_its_text(value: Any, number_format: str, text: str) -> None:
    content = _workbook(["a"], change=_set("A2", value, number_format))
    assert values_of(content, PLAIN) == [{"a": text}]


@pytest.mark.parametrize(
    ("value", "number_format", "words"),
    [
        (1.1e17, "General", "more digits than a workbook keeps"),
        (1_000_000_000_000_000, "0", "more digits than a workbook keeps"),
        (7, "000000", "shown as something else"),
        (7, "0.00E+00", "shown as something else"),
        (0.5, "0%", "shown as something else"),
        (7, '"NO"0', "shown as something else"),
        (7, "# ?/?", "shown as something else"),
        (1.5, "[h]:mm", "shown as something else"),
        (12, "yyyy-mm-dd", "outside of the calendar"),
        (60, "yyyy-mm-dd", "outside of the calendar"),
        (3_000_000, "yyyy-mm-dd", "outside of the calendar"),
        ("=1+1", "General", "a formula"),
        ("#REF!", "General", "an error"),
    ],
)
def test_a_cell_that_is_not_sure_tears_its_row(value: Any, number_format: str, words: str) -> None:
    content = _workbook(["a", "b"], ["x", "x"], change=_set("B3", value, number_format))
    ((line, at, reason),) = torn_of(content, PLAIN)
    assert (line, at) == (3, "b") and words in reason


def test_dates_of_the_other_epoch_are_the_same_days() -> None:
    content = _workbook(
        ["a"], change=_set("A2", date(2026, 4, 30), "yyyy-mm-dd"), epoch=openpyxl.utils.datetime.CALENDAR_MAC_1904
    )
    assert values_of(content, PLAIN) == [{"a": "2026-04-30"}]


def test_merged_hidden_and_overlong_rows_are_torn() -> None:
    def change(sheet: Worksheet) -> None:
        sheet.merge_cells("A3:A4")
        sheet.row_dimensions[5].hidden = True

    content = _workbook(["a", "b"], ["1", "1"], ["2", "2"], ["3", "3"], ["4", "4"], ["5", "5", "5"], change=change)
    assert [(line, reason.partition(", got ")[2]) for line, _, reason in torn_of(content, PLAIN)] == [
        (3, "merged ones"),
        (4, "merged ones"),
        (5, "a hidden one"),
        (6, "3"),
    ]


def test_a_title_above_the_header_is_passed_over() -> None:
    def change(sheet: Worksheet) -> None:
        sheet.merge_cells("A1:B1")

    content = _workbook(["标题"], ["a", "b"], ["1", "2"], change=change)
    assert values_of(content, XlsxSettings(header_row=2)) == [{"a": "1", "b": "2"}]


def test_shared_texts_are_read_by_number_whole_and_without_their_pronunciation() -> None:
    rich = '<si><r><t>示</t></r><r><rPr/><t xml:space="preserve">例 </t></r><rPh sb="0" eb="1"><t>シ</t></rPh></si>'
    assert values_of(_shared(f"<si><t>y</t></si>{rich}", index=1), PLAIN) == [{"a": "示例 "}]
    assert values_of(_shared("<si><t>a_x000D_b_x005F_x0041_</t></si>"), PLAIN) == [{"a": "a\rb_x0041_"}]


def test_a_shared_text_that_is_not_there_tears_its_row() -> None:
    assert torn_of(_shared("<si><t>y</t></si>", index=1), PLAIN)[0][:2] == (2, "a")


def test_a_doctype_in_a_part_is_refused() -> None:
    content = _patched(_workbook(["a"]), {SHEET: lambda text: f'<!DOCTYPE a [<!ENTITY b "c">]>{text}'})
    assert "without DOCTYPE" in refusal_of(content, PLAIN)


def _two_sheets(state: str) -> bytes:
    made = openpyxl.Workbook()
    first = made.active
    assert isinstance(first, Worksheet)
    first.title = "一"
    first.append(["a"])
    second = made.create_sheet("二")
    second.append(["b"])
    second.sheet_state = state
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def test_the_only_visible_sheet_is_read_and_two_must_be_told_apart() -> None:
    assert values_of(_two_sheets("hidden"), PLAIN, wanted=("a",)) == []
    assert "got 一, 二" in refusal_of(_two_sheets("visible"), PLAIN)
    assert values_of(_two_sheets("visible"), XlsxSettings(sheet="二"), wanted=("b",)) == []
    assert "hidden" in refusal_of(_two_sheets("veryHidden"), XlsxSettings(sheet="二"))
    assert "unknown sheet '三'" in refusal_of(_two_sheets("visible"), XlsxSettings(sheet="三"))


@pytest.mark.parametrize(
    ("content", "wanted", "words"),
    [
        (b"", (), "got another file"),
        (b"a,b\n1,2\n", (), "got another file"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), (), "password"),
        (_workbook(["a", "a"]), (), "got a twice"),
        (_workbook(["a", None, "c"]), (), "got none for column 2"),
        (_workbook(["a"]), ("地址",), "expected the columns 地址"),
        (_workbook([], ["a"]), (), "got an empty row"),
        (_workbook([None] * 2500 + ["a"]), (), "at most 2000 columns"),
        (_workbook(["a"])[:-200], (), "got another file"),
    ],
)
def test_what_is_no_such_workbook_is_refused_whole(content: bytes, wanted: tuple[str, ...], words: str) -> None:
    assert words in refusal_of(content, PLAIN, wanted=wanted)


@pytest.mark.parametrize("part", [SHEET, "xl/workbook.xml", "xl/styles.xml"])
def test_a_part_that_unpacks_to_far_more_is_refused(part: str) -> None:
    content = _patched(_workbook(["a"], ["x"]), {part: lambda text: text.replace(">", ">" + " " * 60_000_000, 1)})
    assert "unpacks within bounds" in refusal_of(content, PLAIN)


def test_shared_texts_that_unpack_to_far_more_are_refused() -> None:
    assert "unpacks within bounds" in refusal_of(_shared(" " * 60_000_000), PLAIN)


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("d/m/yy h:mm", Shown.MOMENT),
        ("mmm-yy", Shown.DATE),
        ("上午/下午h时mm分", Shown.CLOCK),
        ("0.0", Shown.PLAIN),
        ("#,##0;[Red]-#,##0", Shown.PLAIN),
        ("00", Shown.ELSE),
        ("$#,##0", Shown.ELSE),
        ("", Shown.ELSE),
    ],
)
def test_a_number_format_is_told_by_what_it_shows(code: str, shown: Shown) -> None:
    assert shown_by(code) is shown


TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff_="), min_size=1
)


@examples(40)
@given(st.lists(st.tuples(TEXT, st.integers(-(10**14), 10**14)), max_size=5))
def test_what_another_writer_wrote_is_read_as_it_was(cells: list[tuple[str, int]]) -> None:
    cells = [(text, number) for text, number in cells if not text.startswith("#")]
    content = _workbook(["t", "n"], *[[text, number] for text, number in cells])
    assert values_of(content, PLAIN) == [{"t": text, "n": str(number)} for text, number in cells]
