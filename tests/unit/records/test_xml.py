"""XML gives a record per element of one path; what it may not be is refused with its line."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncgate.records import FileRefused, Record, Torn, XmlSettings
from tests.support.properties import examples
from tests.unit.records.reading import refusal_of, rows_of, torn_of, values_of

CASES = XmlSettings(record="/cases/case", lists=("/step", "/step/note"))


def _xml(inside: str) -> bytes:
    return f"<cases>\n{inside}</cases>".encode()


def test_each_element_at_the_path_is_a_record_with_its_line() -> None:
    rows = rows_of(_xml("<case><no>1</no></case>\n<other/>\n<case><no> 2\n</no></case>"), CASES)
    assert rows == [Record(2, {"no": "1"}), Record(4, {"no": " 2\n"})]


def test_attributes_lists_and_text_have_their_names() -> None:
    content = _xml('<case id="7"><a b="x">t</a><step><note>n1</note><note/></step><empty/></case><case>t</case>')
    assert values_of(content, CASES) == [
        {"@id": "7", "a": {"@b": "x", "#text": "t"}, "step": [{"note": ["n1", ""]}], "empty": ""},
        {"#text": "t"},
    ]


def test_namespaces_do_not_count() -> None:
    content = b'<n:cases xmlns:n="urn:x" xmlns="urn:y"><n:case><no n:k="v">1</no></n:case></n:cases>'
    assert values_of(content, CASES) == [{"no": {"@k": "v", "#text": "1"}}]


@pytest.mark.parametrize(
    ("charset", "declared"),
    [("gbk", "GBK"), ("gbk", "gb2312"), ("gb18030", "GB18030"), ("big5", "Big5"), ("utf-8-sig", "UTF-8")],
)
def test_a_charset_that_the_declaration_agrees_with_is_read(charset: str, declared: str) -> None:
    text = f'<?xml version="1.0" encoding="{declared}"?><cases><case><no>東示區</no></case></cases>'
    settings = CASES.model_copy(update={"charset": charset})
    assert values_of(text.encode(charset), settings) == [{"no": "東示區"}]


WHOLE = [
    ("another declared charset", b'<?xml version="1.0" encoding="gbk"?><cases/>', "the source's setting must agree"),
    ("DOCTYPE", b"<!DOCTYPE cases><cases/>", "without DOCTYPE"),
    ("entities", b'<!DOCTYPE c [<!ENTITY a "b">]><cases><case>&a;</case></cases>', "without DOCTYPE"),
    ("unknown entity", b"<cases><case>&a;</case></cases>", "undefined entity"),
    ("file entity", b'<!DOCTYPE c [<!ENTITY a SYSTEM "file:///etc/passwd">]><c>&a;</c>', "without DOCTYPE"),
    ("torn", _xml("<case><no>1</no></case>\n<case>"), "in line 3"),
    ("no end", b"<cases><case></case>", "no element found"),
    ("another root", b"<html><case/></html>", "expected cases as the root of input, got html"),
    ("no record", b"<cases><Case/></cases>", "expected elements at /cases/case in input, got none"),
    ("other bytes", "<cases>示例".encode("gbk"), "expected utf-8"),
    ("NUL", b"<cases>\0</cases>", "NUL"),
    ("empty", b"", "empty file"),
    ("levels", b"<cases><case>" + b"<a>" * 100, "levels"),
    ("attributes", b"<cases><case " + b" ".join(b'a%d=""' % n for n in range(300)) + b"/></cases>", "attributes"),
    ("elements", b"<cases><case>" + b"<a/>" * 30_000, "at most"),
    ("long text", b"<cases><case>" + b"x " * 1_000_000, "at most"),
    ("long attribute", b'<cases><case a="' + b"x" * 9_000_000, "reasonable length"),
    ("control character", b"<cases><case>\x07</case></cases>", "well-formed"),
    ("control reference", b"<cases><case>&#7;</case></cases>", "well-formed"),
]


@pytest.mark.parametrize(("content", "words"), [row[1:] for row in WHOLE], ids=[row[0] for row in WHOLE])
def test_what_is_not_such_xml_is_refused_whole(content: bytes, words: str) -> None:
    assert words in refusal_of(content, CASES)


ROWS = [
    ("an element twice", "<case><a/><a/></case>", ("/a", "expected the element once, got it twice")),
    ("a deep one twice", "<case><b><a/><a/></b></case>", ("/b/a", "expected the element once, got it twice")),
    ("text between elements", "<case>x<a/></case>", ("", "expected elements or text, got both")),
    ("delete sign", "<case><a>\x7f</a></case>", ("/a", "expected text, got the control character U+007F")),
]


@pytest.mark.parametrize(("inside", "told"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_torn_record_has_its_line_and_element_and_the_others_go_on(inside: str, told: tuple[str, str]) -> None:
    content = _xml(f"<case><no>1</no></case>\n{inside}\n<case><no>3</no></case>")
    ((line, at, reason),) = torn_of(content, CASES)
    assert (line, at) == (3, told[0]) and reason.startswith(told[1])
    assert [row.line for row in rows_of(content, CASES)] == [2, 3, 4]


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"))


@examples(100)
@given(st.lists(st.tuples(TEXT, TEXT), max_size=5))
def test_what_was_escaped_is_read_as_it_was(cells: list[tuple[str, str]]) -> None:
    inside = "".join(f"<case a={quoteattr(a)}><t>{escape(t)}</t></case>" for a, t in cells)
    if cells:
        assert values_of(_xml(inside), CASES) == [{"@a": a, "t": t} for a, t in cells]


@examples(100)
@given(st.text(alphabet="<>/ca se&;!=\"'x-[]?\n", max_size=80))
def test_any_text_is_refused_or_read_and_never_breaks(text: str) -> None:
    try:
        rows = rows_of(f"<cases><case>{text}</case></cases>".encode(), CASES)
    except FileRefused:
        return
    assert all(isinstance(row, Record | Torn) for row in rows)
