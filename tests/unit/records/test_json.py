"""JSON gives a record per item of one list, or per line; nothing of a number or a key is lost unsaid."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncgate.records import FileRefused, JsonSettings, NdjsonSettings, Record, Torn
from tests.support.properties import examples
from tests.unit.records.reading import refusal_of, rows_of, torn_of, values_of

ITEMS = JsonSettings(records="/data/items")
LIST = JsonSettings()
LINES = NdjsonSettings()


def test_the_items_of_the_list_come_with_their_lines() -> None:
    content = b'{"n": 1,\n "data": {"a": [1, {}], "items": [{"x": 1},\n {"x": [true, null]}], "b": 1.5}, "z": "["}\n'
    assert rows_of(content, ITEMS) == [Record(2, {"x": 1}), Record(3, {"x": [True, None]})]


def test_a_pointer_of_odd_names_is_followed() -> None:
    assert values_of(b'{"a/b": {"~": [{"x": 1}]}}', JsonSettings(records="/a~1b/~0")) == [{"x": 1}]


@pytest.mark.parametrize("charset", ["gbk", "gb18030", "big5", "utf-8-sig"])
def test_the_charset_of_the_settings_is_obeyed(charset: str) -> None:
    record = {"地": "東示區"}
    text = json.dumps(record, ensure_ascii=False)
    assert values_of(f"[{text}]".encode(charset), JsonSettings(charset=charset)) == [record]
    assert values_of(f"{text}\n{text}".encode(charset), NdjsonSettings(charset=charset)) == [record, record]


WHOLE = [
    ("no such list", b'{"data": {}}', "expected a list of records at /data/items in input, got none"),
    ("an object for the list", b'{"data": {"items": {}}}', "expected a list of records at /data/items"),
    ("a list for the root", b"[]", "expected an object at the root"),
    ("comma behind the last", b'{"data": {"items": [{"a": 1},]}}', "in line 1"),
    ("cut", b'{"data": {"items": [{"a": 1}', "got the end of the file"),
    ("more behind", b'{"data": {"items": []}} x', "the end of the document"),
    ("a key twice around the list", b'{"data": {"items": [], "items": []}}', "each key once"),
    ("comments", b'{"data": /* x */ {"items": []}}', "in line 1"),
    ("an HTML page", b"<!doctype html><html>", "expected an object"),
    ("other bytes", '{"示例"'.encode("gbk"), "expected utf-8"),
    ("empty", b"", "empty file"),
    ("levels without end", b'{"data": {"items": [' + b"[" * 100_000, "too many levels"),
    ("endless item", b'{"data": {"items": ["' + b"x" * 5_000_000, "at most 1,048,576 characters"),
]


@pytest.mark.parametrize(("content", "words"), [row[1:] for row in WHOLE], ids=[row[0] for row in WHOLE])
def test_what_leaves_no_item_to_trust_is_refused_whole(content: bytes, words: str) -> None:
    assert words in refusal_of(content, ITEMS)


ITEMS_TORN = [
    ("a key twice", '{"a": 1, "a": 2}', "a key twice"),
    ("digits lost", '{"a": 0.1234567890123456789}', "more digits than a double keeps"),
    ("digits lost, large", '{"a": 1.10000000000000001e17}', "more digits than a double keeps"),
    ("too large", '{"a": 1e400}', "more digits than a double keeps"),
    ("NaN", '{"a": NaN}', "NaN"),
    ("no object", "[1]", "expected an object, got a list"),
    ("bell", '{"a": {"b": ["\\u0007"]}}', "expected text, got the control character U+0007"),
    ("levels", '{"a":' + "[" * 40 + "]" * 40 + "}", "expected at most 32 levels"),
]


@pytest.mark.parametrize(("item", "words"), [row[1:] for row in ITEMS_TORN], ids=[row[0] for row in ITEMS_TORN])
def test_a_torn_item_or_line_is_refused_alone(item: str, words: str) -> None:
    for content, settings in (
        (f'[{{"x": 1}},\n{item},\n{{"x": 3}}]', LIST),
        (f'{{"x": 1}}\n{item}\n{{"x": 3}}', LINES),
    ):
        ((line, _, reason),) = torn_of(content.encode(), settings)
        assert line == 2 and words in reason
        assert [row.line for row in rows_of(content.encode(), settings)] == [1, 2, 3]


@pytest.mark.parametrize("line", [b"{", b'{"a": }', b"{} {}", b"[" * 100_000, b"'a'", b"\xe2\x80\x8b{}"])
def test_a_line_that_is_no_json_is_torn_alone(line: bytes) -> None:
    rows = rows_of(b'{"a": 1}\r\n\n' + line + b'\n{"a": 2}', LINES)
    assert [(type(row), row.line) for row in rows] == [(Record, 1), (Torn, 3), (Record, 4)]


def test_where_a_control_character_stands_is_a_pointer() -> None:
    assert torn_of(b'{"a": {"b": ["x", "\\u0007"]}}', LINES)[0][1] == "/a/b/1"


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"))),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
RECORDS = st.lists(st.dictionaries(st.text(max_size=5), VALUES, max_size=4), max_size=4)


@examples(150)
@given(RECORDS, st.sampled_from([None, 1]), st.booleans())
def test_what_was_dumped_is_read_as_it_was(records: list[Any], indent: int | None, is_ascii: bool) -> None:
    text = json.dumps({"q": [1, {"data": 1}], "data": {"items": records}}, indent=indent, ensure_ascii=is_ascii)
    assert values_of(text.encode(), ITEMS) == records
    lines = "".join(json.dumps(record, ensure_ascii=is_ascii) + "\n" for record in records)
    if lines:
        assert values_of(lines.encode(), LINES) == records


@examples(150)
@given(st.text(alphabet='[]{}":,0129.eE-+ntrua \n\\', max_size=60))
def test_any_text_is_refused_or_read_like_another_reader_does(text: str) -> None:
    try:
        rows = rows_of(text.encode(), LIST)
    except FileRefused:
        return
    assert [row.value for row in rows if isinstance(row, Record)] == [
        one for row, one in zip(rows, json.loads(text), strict=True) if isinstance(row, Record)
    ]
