"""Bodies as JSON, form and XML, in the charsets of other systems."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from syncgate.transports.answer_view import AnswerView
from syncgate.transports.pointer import follow
from syncgate.transports.rest.bodies import content_type_of, writer_of
from syncgate.transports.rest.options import OperationOptions
from syncgate.transports.rest.unsendable import Unsendable

CHARSETS = ["utf-8", "gbk", "gb18030", "big5"]
XML = {"body": "xml", "xml": {"root": "R", "declaration": False}}


def operation(**change: Any) -> OperationOptions:
    return OperationOptions.model_validate({"method": "POST", "path": "/"} | change)


def body(payload: Any, **change: Any) -> bytes:
    return writer_of(operation(**change))(payload)


def refused(payload: Any, **change: Any) -> Unsendable:
    with pytest.raises(Unsendable) as caught:
        body(payload, **change)
    answer = caught.value.answer()
    assert (answer.outcome, answer.rule, answer.evidence.sent) == ("refused", "not_sent", None)
    return caught.value


def test_json_is_written_in_the_charset_of_the_system() -> None:
    assert body({"名": "王样本"}, charset="gbk") == '{"名":"王样本"}'.encode("gbk")
    assert content_type_of(operation(charset="gbk")) == "application/json; charset=gbk"


def test_a_form_repeats_lists_and_leaves_empty_ones_out() -> None:
    payload = {"attribute[A]": ["1", 2], "n": 1.5, "yes": True, "none": [], "空 格": "a&b=c+d"}
    assert body(payload, body="form") == (
        b"attribute%5BA%5D=1&attribute%5BA%5D=2&n=1.5&yes=true&%E7%A9%BA+%E6%A0%BC=a%26b%3Dc%2Bd"
    )
    assert content_type_of(operation(body="form")) == "application/x-www-form-urlencoded; charset=utf-8"


@pytest.mark.parametrize("charset", CHARSETS)
def test_a_form_is_encoded_in_its_charset(charset: str) -> None:
    written = body({"名": "王樣本"}, body="form", charset=charset)
    assert parse_qsl(written.decode("ascii"), encoding=charset) == [("名", "王樣本")]


@pytest.mark.parametrize(
    ("payload", "place"),
    [({"a": {"b": 1}}, "/a"), ({"a": [[1]]}, "/a"), ({"a": None}, "/a"), ({"a": [1, None]}, "/a"), ([1], "object")],
)
def test_a_form_carries_nothing_nested_and_no_null(payload: Any, place: str) -> None:
    error = refused(payload, body="form")
    assert (error.reason, error.actor) == ("payload_not_form", "mapping")
    assert place in str(error)


def test_xml_has_attributes_text_and_repeated_elements() -> None:
    payload = {
        "standardInfo": {
            "@process": "EX_GDBS_SL",
            "Field": [{"@FieldName": "SBLSH", "#text": "9901"}, {"@FieldName": "N", "#text": 2}],
        },
        "空": "",
        "none": [],
        "yes": False,
    }
    written = body(payload, body="xml", charset="gbk", xml={"root": "ExInfo", "namespace": "urn:a&b"})
    assert written == (
        '<?xml version="1.0" encoding="GBK"?><ExInfo xmlns="urn:a&amp;b"><standardInfo process="EX_GDBS_SL">'
        '<Field FieldName="SBLSH">9901</Field><Field FieldName="N">2</Field></standardInfo><空></空><yes>false</yes>'
        "</ExInfo>"
    ).encode("gbk")
    assert content_type_of(operation(**XML, charset="gbk")) == "application/xml; charset=gbk"


def test_markup_in_a_text_stays_text_and_is_escaped_once() -> None:
    text = """<a>&amp;&lt;]]>"'\r\n\t end"""
    written = body({"@a": text, "b": text}, **XML)
    root = ElementTree.fromstring(written)
    assert (root.get("a"), root.findtext("b")) == (text, text)
    assert b"CDATA" not in written


XML_TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters=[*map(chr, range(32)), "\ufffe", "\uffff"])
    | st.sampled_from("\t\n\r&<>\"']")
)


@given(XML_TEXTS, st.lists(XML_TEXTS, min_size=2, max_size=4))
def test_every_text_that_xml_allows_comes_back(text: str, texts: list[str]) -> None:
    root = ElementTree.fromstring(body({"@a": text, "b": {"@c": text, "#text": text}, "d": texts}, **XML))
    assert (root.get("a"), root.findtext("b") or "") == (text, text)
    assert [one.text or "" for one in root.findall("d")] == texts


@given(st.text())
def test_no_text_is_written_as_anything_but_itself(text: str) -> None:
    for change in (XML, {"body": "form"}, {}, XML | {"charset": "gbk"}, {"charset": "big5"}):
        try:
            written = body({"a": text}, **change)
        except Unsendable:
            continue
        decoded = written.decode(change.get("charset", "utf-8"))
        if change.get("body") == "form":
            assert parse_qsl(decoded, keep_blank_values=True) == [("a", text)]
        elif "body" in change:
            assert (ElementTree.fromstring(decoded).findtext("a") or "") == text
        else:
            assert orjson.loads(decoded) == {"a": text}


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"a": "x\x00"}, "U+0000"),
        ({"a": "x\x0b"}, "U+000B"),
        ({"a": "\ud800"}, "U+D800"),
        ({"a": "\uffff"}, "U+FFFF"),
        ({"@a": "\x1f"}, "/@a"),
        ({"a": None}, "null"),
        ({"a": [[1]]}, "a list"),
        ({"@a": {"b": 1}}, "/@a"),
        ({"a": {"#text": "x", "b": 1}}, "both"),
        ({"1a": 1}, "names"),
        ({"a b": 1}, "names"),
        ({"a><b": 1}, "names"),
        ({"p:a": 1}, "names"),
        ({"@a b": 1}, "names"),
        ({"a": {"@xmlns": "urn:x"}}, "names"),
        ({"": 1}, "names"),
        ("text", "an object"),
        ({"a": float("nan")}, "something else"),
    ],
)
def test_what_xml_cannot_carry_is_refused_with_its_place(payload: Any, words: str) -> None:
    error = refused(payload, **XML)
    assert (error.reason, error.actor) == ("payload_not_xml", "mapping")
    assert words in str(error)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"body": "form"},
        XML,
        {"envelope": {"data": "text"}},
        {"envelope": {"data": "xml"}, "xml": {"root": "R"}},
        {"body": "form", "envelope": {"data": "xml"}, "xml": {"root": "R"}},
    ],
    ids=str,
)
@pytest.mark.parametrize("charset", ["gbk", "big5"])
def test_a_character_that_the_charset_lacks_is_refused_by_place_and_code_point(
    change: dict[str, Any], charset: str
) -> None:
    """Promise 7: never a question mark, never a reference that nobody asked for."""
    error = refused({"code": "1", "name": "李䶮"}, **change, charset=charset)
    assert (error.reason, error.actor) == ("unencodable", "source")
    assert "U+4DAE" in str(error) and charset in str(error)
    assert "/name" in str(error) or "envelope" in change
    assert "李" not in str(error)


def test_a_reference_stands_for_what_the_charset_lacks_only_where_the_adapter_says_so() -> None:
    xml = {"root": "R", "beyond_charset": "reference"}
    written = body({"name": "李䶮"}, body="xml", charset="gbk", xml=xml)
    assert "<name>李&#19886;</name>".encode("gbk") in written
    assert refused({"䶮": "a"}, body="xml", charset="gbk", xml=xml).reason == "unencodable"


def test_xml_goes_into_a_field_of_a_form_or_of_json() -> None:
    xml = {"root": "ExInfo", "declaration": False}
    envelope = {"dept": {"const": 7}, "xml": "xml"}
    form = body({"a": "王&"}, body="form", envelope=envelope, xml=xml, charset="gbk")
    assert parse_qsl(form.decode(), encoding="gbk") == [("dept", "7"), ("xml", "<ExInfo><a>王&amp;</a></ExInfo>")]
    json = body({"a": "王&"}, envelope={"xmlStr": "xml"}, xml=xml)
    assert orjson.loads(json) == {"xmlStr": "<ExInfo><a>王&amp;</a></ExInfo>"}


def test_json_text_goes_into_a_field_of_a_form() -> None:
    form = body({"名": ["王", {"a": 1}]}, body="form", envelope={"param": "text", "v": {"const": "1"}})
    assert dict(parse_qsl(form.decode())) == {"param": '{"名":["王",{"a":1}]}', "v": "1"}


@pytest.mark.parametrize(
    "change",
    [
        {"body": "yaml"},
        {"charset": "gb2312"},
        {"body": "xml"},
        {"xml": {"root": "R"}},
        {"body": "form", "xml": {"root": "R"}},
        {"body": "xml", "xml": {"root": "1R"}},
        {"body": "xml", "xml": {"root": "p:R"}},
        {"body": "xml", "xml": {"root": "R", "namespace": ""}},
        {"body": "xml", "xml": {"root": "R", "beyond_charset": "?"}},
        {"body": "xml", "xml": {"root": "R"}, "envelope": {"a": "xml"}},
        {"body": "xml", "xml": {"root": "䶮"}, "charset": "gbk"},
        {"envelope": {"䶮": "text"}, "charset": "gbk"},
        {"body": "form", "envelope": {"a": "json"}},
        {"body": "form", "envelope": {"a": "text", "b": {"const": None}}},
        {"envelope": {"a": "xml"}},
        {"answer": "html"},
    ],
    ids=str,
)
def test_a_body_that_does_not_fit_together_does_not_load(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        operation(**change)


def test_what_is_written_as_xml_is_read_back_as_the_same_payload() -> None:
    payload = {"@p": "1", "b": {"@c": "d", "#text": "e"}, "f": ["g", "h"], "i": {"j": "k"}}
    view = AnswerView(200, [], body(payload, body="xml", xml={"root": "R"}, charset="gbk"), format="xml")
    assert follow(view.document, ("R",)) == payload
