"""A form gives one record, strictly as it is written."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncgate.records import FormSettings
from tests.support.properties import examples
from tests.unit.records.reading import refusal_of, torn_of, values_of

FORM = FormSettings()


@pytest.mark.parametrize("charset", ["utf-8", "gbk", "gb18030", "big5"])
def test_fields_come_as_texts_and_lists_as_lists(charset: str) -> None:
    content = urlencode([("區", "東示 區+1"), ("s", "1"), ("e", ""), ("s", "2")], encoding=charset).encode()
    settings = FormSettings(charset=charset, lists=("s", "t"))
    assert values_of(content, settings) == [{"區": "東示 區+1", "s": ["1", "2"], "e": ""}]


def test_one_of_a_list_is_a_list() -> None:
    assert values_of(b"s=1\n", FormSettings(lists=("s",))) == [{"s": ["1"]}]


@pytest.mark.parametrize("text", ["1", "x" * 50])
def test_a_field_twice_is_torn(text: str) -> None:
    ((_, at, reason),) = torn_of(f"a={text}&b=1&a={text}".encode(), FORM)
    assert at == "a" and "got it twice" in reason


def test_a_control_character_is_torn() -> None:
    assert torn_of(b"a=%07", FORM) == [(1, "/a", "expected text, got the control character U+0007")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "got an empty one"),
        (b"a", "expected name=value as field 1"),
        (b"a=1&&b=2", "expected name=value as field 2"),
        (b"=1", "expected name=value as field 1"),
        (b"a=%zz", "percent-encoded text in field 1"),
        (b"a=b c", "percent-encoded text in field 1"),
        (b"a=%ff", "expected utf-8 in field 1"),
        ("a=路".encode(), "percent-encoded text in field 1"),
        (b"<!doctype html>", "name=value"),
        (b"a=" + b"x" * 2_000_000, "at most 1,048,576 bytes"),
        (b"&".join(b"a%d=1" % n for n in range(3000)), "at most 2000 fields"),
    ],
)
def test_what_is_no_form_is_refused(content: bytes, words: str) -> None:
    assert words in refusal_of(content, FORM)


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")))


@examples(100)
@given(st.dictionaries(TEXT.filter(bool), TEXT, min_size=1, max_size=6))
def test_what_was_encoded_is_read_as_it_was(fields: dict[str, str]) -> None:
    assert values_of(urlencode(fields).encode(), FORM) == [fields]
