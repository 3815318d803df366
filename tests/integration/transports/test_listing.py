"""Listings over a real socket, with every HTTP client: what is a page, what is none, and how one leads to the next."""

from __future__ import annotations

import asyncio
import contextlib
import urllib.parse
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import orjson
import pytest

from syncgate.ports import Listing, Page, Paging, Query, Unread
from syncgate.transports.rest.clients import MakeClient
from syncgate.transports.rest.transport import RestTransport
from syncgate.transports.rest.whole import LONGEST_ANSWER
from tests.integration.transports.scripted import (
    Act,
    Scripted,
    answers,
    floods,
    free_port,
    reads_and_closes,
    reads_and_hangs,
    says,
    scripted,
)
from tests.integration.transports.speaking import OPTIONS, TOKEN, made

OPERATIONS = {
    **OPTIONS["operations"],
    "list": {
        "method": "GET",
        "path": "/cases",
        "query": {
            "page": "{page}",
            "size": "{size}",
            "cursor": "{cursor}",
            "after": "{after}",
            "from": "{from}",
            "until": "{until:time}",
        },
    },
    "post_list": {
        "method": "POST",
        "path": "/query",
        "charset": "gbk",
        "question": {
            "title": "办件",
            "page": {"no": "{page:number}", "size": "{size:number}"},
            "cursor": "{cursor}",
            "marks": ["{after}", "x{page}"],
            "on": True,
        },
    },
    "list_xml": {"method": "GET", "path": "/xml", "answer": "xml"},
    "list_gbk": {"method": "GET", "path": "/cases", "answer_charset": "gbk"},
    "count": {"method": "GET", "path": "/count", "query": {"low": "{low}", "high": "{high}"}},
    "misfit": {"method": "GET", "path": "/{case_no}"},
}
MORE = {"operations": OPERATIONS}
RECORDS = [{"id": 1, "name": "李䶮"}, {"id": 2, "name": "张示例"}]
PAGES = Query(operation="list", records_at="/items", total_at="/total", paging=Paging(by="page", first=1, size=2))
CURSORS = Query(operation="list", records_at="/items", paging=Paging(by="cursor", at="/next"))
KEYS = Query(operation="list", records_at="/items", paging=Paging(by="keyset", at="/id", size=2))
COUNT = Query(operation="count", count_at="/count")


def body(records: Any = RECORDS, **more: Any) -> bytes:
    return orjson.dumps({"items": records, **more})


def page(records: Any = RECORDS, **more: Any) -> Act:
    return answers(200, body(records, **more))


@contextlib.asynccontextmanager
async def speaking(make_client: MakeClient, *acts: Act) -> AsyncIterator[tuple[RestTransport, Scripted]]:
    async with (
        scripted(*acts) as server,
        contextlib.aclosing(made(make_client, server.url, **MORE)) as transport,
    ):
        yield transport, server


def asking(
    make_client: MakeClient, *acts: Act, query: Query = PAGES, following: Sequence[str | None] = (None,)
) -> tuple[list[Page | Unread], Scripted]:
    async def scenario() -> tuple[list[Page | Unread], Scripted]:
        async with speaking(make_client, *acts) as (transport, server):
            assert isinstance(transport, Listing)
            return [await transport.list_page(query, each) for each in following], server

    return asyncio.run(scenario())


def one(make_client: MakeClient, *acts: Act, query: Query = PAGES, following: str | None = None) -> Page | Unread:
    return asking(make_client, *acts, query=query, following=[following])[0][0]


def walk(make_client: MakeClient, *acts: Act, query: Query = PAGES) -> tuple[list[Page | Unread], Scripted]:
    async def scenario() -> tuple[list[Page | Unread], Scripted]:
        async with speaking(make_client, *acts) as (transport, server):
            found: list[Page | Unread] = [await transport.list_page(query, None)]
            while isinstance(found[-1], Page) and found[-1].following is not None and len(found) < 10:
                found.append(await transport.list_page(query, found[-1].following))
            return found, server

    return asyncio.run(scenario())


def asked(server: Scripted) -> list[dict[str, str]]:
    return [dict(urllib.parse.parse_qsl(seen.target.partition("?")[2])) for seen in server.seen]


def ids(pages: Sequence[Page | Unread]) -> list[list[int]]:
    return [[record["id"] for record in each.records] if isinstance(each, Page) else [] for each in pages]


def test_a_page_has_its_records_as_the_system_shows_them(make_client: MakeClient) -> None:
    found = one(make_client, page(total=7))
    assert isinstance(found, Page)
    assert (list(found.records), found.total) == (RECORDS, 7)


def test_a_question_is_signed_and_names_what_it_asks_for_and_nothing_else(make_client: MakeClient) -> None:
    query = Query(
        operation="list", records_at="/items", keys={"from": "2026-04-30T23:58:42+08:00"}, paging=PAGES.paging
    )
    _, server = asking(make_client, page(), query=query)
    assert asked(server) == [{"page": "1", "size": "2", "from": "2026-04-30T23:58:42+08:00"}]
    assert server.seen[0].headers["x-tif-signature"]
    assert TOKEN not in str(server.seen)


def test_a_window_s_times_are_written_as_the_system_reads_them(make_client: MakeClient) -> None:
    query = Query(operation="list", records_at="/items", keys={"until": "2026-04-30T23:58:42+08:00"})
    _, server = asking(make_client, page(), query=query)
    assert asked(server) == [{"until": "2026-04-30 23:58:42"}]


def test_a_question_in_a_body_leaves_out_what_has_no_value(make_client: MakeClient) -> None:
    query = Query(operation="post_list", records_at="/items", paging=Paging(by="page", first=0, size=50))
    _, server = asking(make_client, page(), query=query)
    assert orjson.loads(server.seen[0].body.decode("gbk")) == {
        "title": "办件",
        "page": {"no": 0, "size": 50},
        "marks": ["x0"],
        "on": True,
    }


def test_pages_are_read_until_a_short_one(make_client: MakeClient) -> None:
    pages, server = walk(make_client, page(total=3), page([{"id": 3}], total=3))
    assert ids(pages) == [[1, 2], [3]]
    assert [each["page"] for each in asked(server)] == ["1", "2"]


def test_a_full_page_is_never_the_last_whatever_the_total_says(make_client: MakeClient) -> None:
    pages, _ = walk(make_client, page(total=2), page([{"id": 3}], total=2))
    assert ids(pages) == [[1, 2], [3]]


def test_a_system_that_gives_fewer_than_asked_for_is_read_to_its_end(make_client: MakeClient) -> None:
    acts = [page([{"id": number}], total=3) for number in (1, 2, 3)]
    pages, server = walk(make_client, *acts)
    assert ids(pages) == [[1], [2], [3]]
    assert len(server.seen) == 3


def test_a_total_that_promises_more_than_there_is_ends_at_an_empty_page(make_client: MakeClient) -> None:
    pages, _ = walk(make_client, page([{"id": 1}], total=9), page([], total=9))
    assert ids(pages) == [[1], []]
    assert [each.total for each in pages if isinstance(each, Page)] == [9, 9]


def test_without_a_size_an_empty_page_is_the_last(make_client: MakeClient) -> None:
    query = Query(operation="list", records_at="/items", paging=Paging(by="page", first=0))
    pages, server = walk(make_client, page([{"id": 1}]), page(), page([]), query=query)
    assert ids(pages) == [[1], [1, 2], []]
    assert [each["page"] for each in asked(server)] == ["0", "1", "2"]


def test_a_cursor_leads_on_until_none_is_given(make_client: MakeClient) -> None:
    pages, server = walk(make_client, page(next="a+b"), page([], next=17), page([{"id": 3}], next=None), query=CURSORS)
    assert ids(pages) == [[1, 2], [], [3]]
    assert asked(server) == [{}, {"cursor": "a+b"}, {"cursor": "17"}]


def test_a_cursor_that_stands_still_is_no_page_but_the_end_where_nothing_more_comes(make_client: MakeClient) -> None:
    pages, _ = walk(make_client, page(next="c"), page([], next="c"), query=CURSORS)
    assert ids(pages) == [[1, 2], []]
    pages, _ = walk(make_client, page(next="c"), page(next="c"), query=CURSORS)
    assert pages[1] == Unread(
        reason="unreadable",
        words="expected another cursor than the one that was asked with, got the same",
        outcome=pages[1].outcome if isinstance(pages[1], Unread) else None,
    )


def test_a_keyset_goes_on_behind_the_last_record_until_an_empty_page(make_client: MakeClient) -> None:
    pages, server = walk(make_client, page(), page([{"id": 3}]), page([]), query=KEYS)
    assert ids(pages) == [[1, 2], [3], []]
    assert asked(server) == [{"size": "2"}, {"size": "2", "after": "2"}, {"size": "2", "after": "3"}]


@pytest.mark.parametrize("records", [[{"id": 2}], [{"name": "x"}], ["x"]], ids=["same", "none", "text"])
def test_a_keyset_without_a_new_value_is_no_page(make_client: MakeClient, records: list[Any]) -> None:
    pages, _ = walk(make_client, page(), page(records), query=KEYS)
    assert isinstance(pages[1], Unread)
    assert pages[1].reason == "unreadable"


def test_a_listing_of_one_page_is_asked_once(make_client: MakeClient) -> None:
    query = Query(operation="list", records_at="")
    found = one(make_client, answers(200, orjson.dumps(RECORDS)), query=query)
    assert found == Page(records=RECORDS, following=None)


XML = "<?xml version='1.0' encoding='{}'?><result>{}</result>"


@pytest.mark.parametrize(
    ("inner", "records"),
    [
        ("<records><r><id>1</id></r><r><id>2</id></r></records>", [{"id": "1"}, {"id": "2"}]),
        ("<records><r><id>1</id><name>张示例</name></r></records>", [{"id": "1", "name": "张示例"}]),
        ("<records></records>", []),
        ("<error>busy</error>", None),
    ],
    ids=["two", "one", "none", "no_list"],
)
@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
def test_records_in_xml(make_client: MakeClient, charset: str, inner: str, records: list[Any] | None) -> None:
    query = Query(operation="list_xml", records_at="/result/records/r")
    content = XML.format(charset, inner).encode(charset)
    found = one(make_client, answers(200, content, {"Content-Type": "text/xml"}), query=query)
    assert (list(found.records) if isinstance(found, Page) else None) == records


def test_a_page_in_the_charset_that_it_declares_is_read(make_client: MakeClient) -> None:
    content = '{"items": [{"name": "张示例"}]}'.encode("gbk")
    found = one(make_client, answers(200, content, {"Content-Type": "application/json; charset=GBK"}))
    assert isinstance(found, Page)
    assert found.records == [{"name": "张示例"}]


@pytest.mark.parametrize("charset", ["", "; charset=utf-8"])
def test_a_page_that_declares_no_charset_is_read_in_the_one_that_the_adapter_names(
    make_client: MakeClient, charset: str
) -> None:
    written = "utf-8" if charset else "gbk"
    content = '{"items": [{"name": "张示例"}]}'.encode(written)
    query = Query(operation="list_gbk", records_at="/items")
    found = one(make_client, answers(200, content, {"Content-Type": f"application/json{charset}"}), query=query)
    assert isinstance(found, Page)
    assert found.records == [{"name": "张示例"}]


HTML = "<!DOCTYPE html><html><body>系统维护</body></html>".encode()
NO_PAGE: list[tuple[str, Act, str, timedelta | None]] = [
    ("html", answers(200, HTML, {"Content-Type": "text/html"}), "unreadable", None),
    ("html_as_json", answers(200, HTML), "unreadable", None),
    ("empty", answers(200, b""), "unreadable", None),
    ("gbk_undeclared", answers(200, '{"items": [{"name": "张示例"}]}'.encode("gbk")), "unreadable", None),
    (
        "utf8_declared_as_gbk",
        answers(200, body([{"name": "张示例张示例"}]), {"Content-Type": "application/json; charset=gbk"}),
        "unreadable",
        None,
    ),
    ("half", answers(200, body()[:-9]), "unreadable", None),
    ("no_list", page(None), "unreadable", None),
    ("list_elsewhere", answers(200, b'{"rows": []}'), "unreadable", None),
    ("an_object_for_a_list", page({"0": {}}), "unreadable", None),
    ("total_of_another_kind", page(total="many"), "unreadable", None),
    ("negative_total", page(total=-1), "unreadable", None),
    ("moved", answers(302, body(), {"Location": "/login"}), "unreadable", None),
    ("not_found", answers(404, body()), "unreadable", None),
    (
        "refused",
        answers(200, b'{"code": "0", "text": "\xe5\xad\x97\xe6\xae\xb5\xe4\xb8\xba\xe7\xa9\xba"}'),
        "unreadable",
        None,
    ),
    ("refused_with_a_list", answers(422, body()), "unreadable", None),
    ("denied", answers(401, body()), "denied", None),
    ("denied_within_a_500", answers(500, body(code=400001)), "denied", None),
    ("throttled", answers(429, body(), {"Retry-After": "7"}), "throttled", timedelta(seconds=7)),
    ("down", answers(503, body(), {"Retry-After": "3"}), "unavailable", timedelta(seconds=3)),
    ("failed_without_a_rule", answers(500, body()), "unavailable", None),
    ("no_http", says(b"\x16\x03\x01\x00"), "unavailable", None),
    ("silent", reads_and_hangs, "unavailable", None),
    ("closed", reads_and_closes, "unavailable", None),
    ("endless", floods(LONGEST_ANSWER), "unavailable", None),
]


@pytest.mark.parametrize(("act", "reason", "wait"), [row[1:] for row in NO_PAGE], ids=[row[0] for row in NO_PAGE])
def test_what_is_no_page_is_none(make_client: MakeClient, act: Act, reason: str, wait: timedelta | None) -> None:
    found = one(make_client, act)
    assert isinstance(found, Unread)
    assert (found.reason, found.retry_after) == (reason, wait)
    assert "张" not in found.words and "示例" not in found.words


def test_a_system_that_is_not_there_is_unavailable(make_client: MakeClient) -> None:
    async def scenario() -> Page | Unread:
        url = f"http://127.0.0.1:{free_port()}/base"
        async with contextlib.aclosing(made(make_client, url, **MORE)) as transport:
            return await transport.list_page(PAGES, None)

    found = asyncio.run(scenario())
    assert isinstance(found, Unread)
    assert found.reason == "unavailable"


def test_a_question_that_lacks_a_key_is_not_asked(make_client: MakeClient) -> None:
    pages, server = asking(make_client, query=Query(operation="misfit"))
    assert isinstance(pages[0], Unread)
    assert pages[0].words == "path: expected a value for {case_no}, got none"
    assert server.seen == []


@pytest.mark.parametrize(
    ("answer", "count"), [(b'{"count": 12}', 12), (b'{"count": "12"}', 12), (b'{"count": 0}', 0)], ids=str
)
def test_a_count_is_asked_by_range(make_client: MakeClient, answer: bytes, count: int) -> None:
    async def scenario() -> tuple[list[int | Unread], Scripted]:
        async with speaking(make_client, answers(200, answer), answers(200, answer)) as (transport, server):
            found = [await transport.count(COUNT, low="", high=None)]
            return [*found, await transport.count(COUNT, low="a b", high="中&")], server

    found, server = asyncio.run(scenario())
    assert found == [count, count]
    assert asked(server) == [{}, {"low": "a b", "high": "中&"}]


@pytest.mark.parametrize("answer", [b'{"count": null}', b"{}", b'{"count": 1.5}', b'{"count": true}', b"12"])
def test_what_is_no_count_is_none(make_client: MakeClient, answer: bytes) -> None:
    async def scenario() -> int | Unread:
        async with speaking(make_client, answers(200, answer)) as (transport, _):
            return await transport.count(COUNT, low="", high=None)

    found = asyncio.run(scenario())
    assert isinstance(found, Unread)
    assert found.reason == "unreadable"
