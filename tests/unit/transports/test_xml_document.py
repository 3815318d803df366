"""Answers in XML: what is read, by which path, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncgate.transports.answer_view import AnswerView
from syncgate.transports.answers import AnswerRules, load_rules
from syncgate.transports.pointer import MISSING, follow, parse_pointer
from syncgate.transports.rest.evidence import remote_ref_in
from syncgate.transports.xml_document import DEEPEST, MOST_ELEMENTS, XmlRefused, read_xml

REPLY = """<?xml version="1.0" encoding="utf-8"?>
<ns:ExInfo xmlns:ns="urn:x" xmlns="urn:y">
  <!-- a comment --><?pi?>
  <standardInfo process="QRY_SERV" ns:level="2">
    <Field FieldName="CODE"> 0 </Field>
    <Field FieldName="REASON"/>
    <Field FieldName="A/B">slash</Field>
  </standardInfo>
  <one>1</one><two><![CDATA[<b>&]]></two><two>2&#x4e2d;&amp;</two><mixed>a<b/>c</mixed>
</ns:ExInfo>"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/ExInfo/one", "1"),
        ("/ExInfo/one/0", "1"),
        ("/ExInfo/one/1", MISSING),
        ("/ExInfo/one/#text", "1"),
        ("/ExInfo/two", ["<b>&", "2中&"]),
        ("/ExInfo/two/1", "2中&"),
        ("/ExInfo/two/#text", MISSING),
        ("/ExInfo/two/x", MISSING),
        ("/ExInfo/mixed", {"#text": "ac", "b": ""}),
        ("/ExInfo/standardInfo/@process", "QRY_SERV"),
        ("/ExInfo/standardInfo/@level", "2"),
        ("/ExInfo/standardInfo/@none", MISSING),
        ("/ExInfo/standardInfo/@process/x", MISSING),
        ("/ExInfo/standardInfo/Field[@FieldName=CODE]/#text", "0"),
        ("/ExInfo/standardInfo/Field[@FieldName=CODE]", {"@FieldName": "CODE", "#text": "0"}),
        ("/ExInfo/standardInfo/Field[@FieldName=REASON]/#text", ""),
        ("/ExInfo/standardInfo/Field[@FieldName=A~1B]/#text", "slash"),
        ("/ExInfo/standardInfo/Field[@FieldName=X]", MISSING),
        ("/ExInfo/standardInfo/Field/0/@FieldName", "CODE"),
        ("/exinfo", MISSING),
        ("/one", MISSING),
    ],
)
def test_a_path_leads_to_one_place_or_none(path: str, expected: Any) -> None:
    assert follow(read_xml(REPLY), parse_pointer(path)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no xml",
        "<a>",
        "<a/><b/>",
        '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        "<!DOCTYPE html><html></html>",
        "<a>&undefined;</a>",
        "<a>\x01</a>",
        '<a b="1" b="2"/>',
        "<a>" * (DEEPEST + 1) + "</a>" * (DEEPEST + 1),
        "<a>" + "<b/>" * MOST_ELEMENTS + "</a>",
        "<a>\ud800</a>",
    ],
    ids=lambda text: ascii(text[:40]),
)
def test_what_is_no_safe_xml_is_no_document(text: str) -> None:
    with pytest.raises(XmlRefused):
        read_xml(text)


def test_as_deep_and_as_many_as_allowed_is_read() -> None:
    assert read_xml("<a>" * DEEPEST + "</a>" * DEEPEST).value()
    assert len(read_xml("<a>" + "<b/>" * (MOST_ELEMENTS - 1) + "</a>").children[0].children) == MOST_ELEMENTS - 1


def test_many_different_names_are_grouped_in_one_pass() -> None:
    names = [f"n{no}" for no in range(MOST_ELEMENTS - 1)]
    assert list(read_xml("<a>" + "".join(f"<{name}/>" for name in names) + "</a>").value()["a"]) == names


@given(st.text())
def test_no_text_makes_reading_fail_otherwise(text: str) -> None:
    for given_text in (text, f"<a>{text}</a>", f"<a b='{text}'/>"):
        assert AnswerView(200, [], given_text.encode(errors="replace"), format="xml").document is not None


def view(body: bytes, content_type: str = "text/xml") -> AnswerView:
    return AnswerView(200, [("Content-Type", content_type)], body, format="xml")


@pytest.mark.parametrize(
    ("declared", "charset", "content_type"),
    [
        ("gb2312", "gbk", "text/xml"),
        ("GBK", "gb18030", "text/xml"),
        ("GB18030", "gb18030", "text/xml"),
        ("big5", "big5", "text/xml"),
        ("utf-8", "utf-8", "text/xml"),
        ("utf-8", "utf-8-sig", "text/xml"),
        ("utf-8", "gbk", "text/xml; charset=GB2312"),
        ("gbk", "utf-8-sig", "text/xml; charset=gbk"),
        ("utf-16", "utf-16", "text/xml"),
        ("made-up", "utf-8", "text/xml"),
    ],
)
def test_the_charset_is_the_mark_then_the_headers_then_the_declarations(
    declared: str, charset: str, content_type: str
) -> None:
    # 镕 is in GBK and not in GB 2312, whatever the declaration says.
    text = "中" if charset == "big5" else "镕"
    body = f"<?xml version='1.0' encoding='{declared}'?><a>{text}</a>".encode(charset)
    assert follow(view(body, content_type).document, ("a",)) == text


def test_bytes_that_are_not_in_the_declared_charset_are_no_document() -> None:
    assert view(b"<?xml version='1.0' encoding='utf-8'?><a>\xff</a>").document is MISSING


RULES = load_rules(
    [
        {"name": "taken", "when": {"body": {"/RESULT/STATUS": "200"}}, "outcome": "taken"},
        {"name": "exists", "when": {"body": {"/RESULT/DESC": {"contains": "已存在"}}}, "outcome": "duplicate"},
        {"name": "none", "when": {"body": {"/RESULT/STATUS": {"present": False}}}, "outcome": "refused"},
    ]
)


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("<RESULT><STATUS>\n200\n</STATUS></RESULT>", "taken"),
        ("<RESULT><STATUS>200</STATUS><STATUS>0</STATUS></RESULT>", "unknown"),
        ("<RESULT><DESC>数据已存在</DESC></RESULT>", "exists"),
        ("<RESULT/>", "none"),
        ("<html><body>200</body></html>", "none"),
        ('{"RESULT":{"STATUS":"200"}}', "unknown"),
        ("<RESULT><STATUS>200</STATUS>", "unknown"),
    ],
)
def test_rules_read_xml_where_the_operation_says_xml(body: str, rule: str) -> None:
    assert AnswerRules(RULES).judge(view(body.encode()), operation="push").rule == rule


def test_rules_read_no_xml_where_json_is_expected() -> None:
    """A page of a gateway must not count as an answer in which nothing is present."""
    page = AnswerView(200, [], b"<html><body>200</body></html>")
    assert AnswerRules(RULES).judge(page, operation="push").is_implied


def test_remote_ref_is_read_from_an_element_or_an_attribute() -> None:
    found = view(b"<R id='A-1'><no> 17 </no><empty/></R>")
    assert remote_ref_in(found, {"body": "/R/@id"}) == "A-1"
    assert remote_ref_in(found, {"body": "/R/no"}) == "17"
    assert remote_ref_in(found, {"body": "/R/empty"}) is None
    assert remote_ref_in(found, {"body": "/R"}) is None
