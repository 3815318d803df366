"""Forms and XML over a real socket, with every HTTP client."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qsl

import pytest

from syncgate.domain.outcome import Found, Outcome, Reading
from syncgate.ports import Request
from syncgate.transports.rest.clients import MakeClient
from tests.integration.transports.scripted import Act, answers, scripted
from tests.integration.transports.speaking import TAKEN, made, sending

XML_REQUEST = Request(operation="xml", keys={}, payload={"名": "王样本"}, remote_ref_at={"body": "/RESULT/@id"})
GBK_XML = {"Content-Type": "text/xml"}


def xml_answer(status: str) -> Act:
    text = f"<?xml version='1.0' encoding='gb2312'?><RESULT id='R-1'><STATUS>{status}</STATUS><DESC>镕</DESC></RESULT>"
    return answers(200, text.encode("gbk"), GBK_XML)


def test_a_form_arrives_in_its_charset(make_client: MakeClient) -> None:
    request = Request(operation="form", keys={}, payload={"名": ["王样本", "a&b"], "n": 1})
    (answer,), server = sending(make_client, answers(200, TAKEN), requests=[request])
    (seen,) = server.seen
    assert answer.outcome is Outcome.TAKEN
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded; charset=gbk"
    assert parse_qsl(seen.body.decode("ascii"), encoding="gbk") == [("名", "王样本"), ("名", "a&b"), ("n", "1")]
    assert answer.evidence.sent == seen.body


@pytest.mark.parametrize(("status", "outcome"), [("200", Outcome.TAKEN), ("0", Outcome.UNKNOWN)])
def test_xml_arrives_and_is_answered_in_xml(status: str, outcome: Outcome, make_client: MakeClient) -> None:
    (answer,), server = sending(make_client, xml_answer(status), requests=[XML_REQUEST])
    (seen,) = server.seen
    assert seen.body == '<?xml version="1.0" encoding="GBK"?><ExInfo><名>王样本</名></ExInfo>'.encode("gbk")
    assert seen.headers["content-type"] == "application/xml; charset=gbk"
    assert seen.headers["accept"] == "application/xml"
    assert answer.outcome is outcome
    assert answer.remote_ref == ("R-1" if outcome is Outcome.TAKEN else None)


@pytest.mark.parametrize("operation", ["form", "xml"])
def test_a_character_that_the_charset_lacks_does_not_leave(operation: str, make_client: MakeClient) -> None:
    request = Request(operation=operation, keys={}, payload={"name": "李䶮"})
    (answer,), server = sending(make_client, answers(200, TAKEN), requests=[request])
    assert (answer.outcome, answer.rule, answer.reason) == (Outcome.REFUSED, "not_sent", "unencodable")
    assert server.connections_count == 0


@pytest.mark.parametrize(
    ("body", "found", "record"),
    [
        ("<R><row><no>1</no><name>镕</name></row></R>", Found.RECORD, {"no": "1", "name": "镕"}),
        ("<R><row/></R>", Found.UNDECIDED, None),
        ("<R><row> </row></R>", Found.UNDECIDED, None),
        ("<R/>", Found.UNDECIDED, None),
        ("<R><error>absent</error></R>", Found.ABSENT, None),
        ("<!DOCTYPE R><R><row><no>1</no></row></R>", Found.UNDECIDED, None),
        ('{"R":{"row":{"no":"1"}}}', Found.UNDECIDED, None),
        ("<html><body>absent</body></html>", Found.UNDECIDED, None),
    ],
)
def test_a_record_is_read_from_xml(body: str, found: Found, record: Any, make_client: MakeClient) -> None:
    async def scenario() -> Reading:
        async with scripted(answers(200, body.encode("gbk"), {"Content-Type": "text/xml; charset=GB2312"})) as server:
            transport = made(make_client, server.url)
            request = Request(operation="read_xml", keys={"slot_key": "a"})
            reading = await transport.look_up(request, record_at="/R/row", absent={"body": {"/R/error": "absent"}})
            await transport.aclose()
            return reading

    reading = asyncio.run(scenario())
    assert (reading.found, reading.record) == (found, record)
