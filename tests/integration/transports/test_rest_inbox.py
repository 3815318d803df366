"""A source's list over a real socket, with every HTTP client: what is asked, what is fetched, where it goes on."""

from __future__ import annotations

import asyncio
import urllib.parse
from typing import Any

import orjson
import pydantic
import pytest

from syncgate.domain.errors import SiteInvalid
from syncgate.ports import Unread
from syncgate.ports.fetching import Ready
from syncgate.transports.rest.clients import MakeClient
from syncgate.transports.rest.inbox import RestInbox
from syncgate.transports.rest.inbox_options import RestInboxOptions
from tests.integration.transports.scripted import (
    Act,
    Scripted,
    answers,
    free_port,
    reads_and_closes,
    reads_and_hangs,
    scripted,
)
from tests.integration.transports.speaking import TOKEN, FixedClock, OneSecret, SeededEntropy

GIVEN: dict[str, Any] = {
    "base_url": "http://127.0.0.1:1",
    "path": "/v1/cases",
    "query": {"cursor": "{cursor}", "limit": "{size}"},
    "signing": {"scheme": "bearer", "token": {"secret": "tif_token"}},
    "records": "/items",
    "key": ["/id"],
    "paging": {"by": "cursor", "at": "/next", "size": 2},
    "timeout": 1,
}


def page(*ids: Any, following: Any = None) -> Act:
    return answers(200, orjson.dumps({"items": [{"id": one, "at": one} for one in ids], "next": following}))


def walk(make_client: MakeClient, *acts: Act, **more: Any) -> tuple[list[Ready | Unread], Scripted]:
    """The pages of a list, each asked with what the one before said, as a poll does."""

    async def scenario() -> tuple[list[Ready | Unread], Scripted]:
        async with scripted(*acts) as server:
            options = RestInboxOptions.model_validate(GIVEN | {"base_url": server.url} | more)
            inbox = RestInbox(
                options, secrets=OneSecret(), clock=FixedClock(), entropy=SeededEntropy(), make_client=make_client
            )
            try:
                found = [await inbox.page(None)]
                while isinstance(found[-1], Ready) and found[-1].following is not None and len(found) < len(acts):
                    found.append(await inbox.page(found[-1].following))
                return found, server
            finally:
                await inbox.aclose()

    return asyncio.run(scenario())


def keys(pages: list[Ready | Unread]) -> list[list[str]]:
    return [[one.key for one in each.records] if isinstance(each, Ready) else [] for each in pages]


def asked(server: Scripted) -> list[dict[str, str]]:
    return [dict(urllib.parse.parse_qsl(seen.target.partition("?")[2])) for seen in server.seen]


def test_a_list_is_read_page_by_page_by_its_cursor_and_signed(make_client: MakeClient) -> None:
    pages, server = walk(make_client, page(1, 2, following="a b&+c"), page(3))
    assert keys(pages) == [["[1]", "[2]"], ["[3]"]]
    assert asked(server) == [{"limit": "2"}, {"cursor": "a b&+c", "limit": "2"}]
    assert {seen.headers["authorization"] for seen in server.seen} == {f"Bearer {TOKEN}"}
    last = pages[-1]
    assert isinstance(last, Ready) and (last.following, last.cursor) == (None, None)


def test_a_list_may_be_read_on_by_a_value_that_grows(make_client: MakeClient) -> None:
    paging = {"by": "keyset", "at": "/at", "size": 2}
    pages, server = walk(make_client, page(1, 2), page(3), page(), query={"since": "{after}"}, paging=paging)
    assert keys(pages) == [["[1]", "[2]"], ["[3]"], []]
    assert asked(server) == [{}, {"since": "2"}, {"since": "3"}]


def test_a_question_may_be_a_post(make_client: MakeClient) -> None:
    more = {"method": "POST", "query": {}, "question": {"cursor": "{cursor}", "size": "{size:number}"}}
    _, server = walk(make_client, page(1, 2, following="c2"), page(3), **more)
    assert [(seen.method, orjson.loads(seen.body)) for seen in server.seen] == [
        ("POST", {"size": 2}),
        ("POST", {"cursor": "c2", "size": 2}),
    ]


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (reads_and_hangs, "time-out"),
        (reads_and_closes, "connection"),
        (answers(200, b"{}"), "list"),
        (answers(302, b"", {"Location": "/elsewhere"}), "HTTP 302"),
        (page(1, 2, following="c" * 2001), "expected a cursor of at most 2000 characters, got more"),
    ],
    ids=["slow", "cut", "no list", "elsewhere", "long cursor"],
)
def test_what_is_no_page_is_unread_and_no_value_is_told(make_client: MakeClient, act: Act, told: str) -> None:
    (found,), _ = walk(make_client, act)
    assert isinstance(found, Unread)
    assert told in found.words
    assert TOKEN not in found.words


def test_a_source_that_is_away_is_unread(make_client: MakeClient) -> None:
    (found,), _ = walk(make_client, page(1), base_url=f"http://127.0.0.1:{free_port()}")
    assert isinstance(found, Unread) and found.reason == "unavailable"


@pytest.mark.parametrize("bad", [None, "", True, 1.5, ["1"]], ids=str)
def test_a_record_without_a_key_is_known_by_its_content(make_client: MakeClient, bad: Any) -> None:
    (first,), _ = walk(make_client, page(bad))
    (second,), _ = walk(make_client, page(bad))
    assert isinstance(first, Ready)
    assert isinstance(second, Ready)
    assert first.records[0].fault == "expected a text or a whole number as key, got none at /id"
    assert first.records[0].key == second.records[0].key
    assert keys([first])[0][0].startswith("sha256:")


def test_a_missing_secret_is_named() -> None:
    signing = {"scheme": "bearer", "token": {"secret": "other"}}
    options = RestInboxOptions.model_validate(GIVEN | {"signing": signing})
    with pytest.raises(SiteInvalid, match="expected the secret other, got none"):
        RestInbox(options, secrets=OneSecret(), clock=FixedClock(), entropy=SeededEntropy())


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"query": {}}, "expected the placeholder cursor in the request, got none"),
        (
            {"query": {"a": "{after}", "c": "{case_no}"}},
            "expected no placeholders but cursor and size, got after, case_no",
        ),
        ({"key": ["id"]}, 'expected a JSON Pointer such as "/data/id"'),
        ({"signing": {"scheme": "md5_date"}}, "md5_date"),
        ({"base_url": "https://me:secret@h"}, "expected an address such as https://host:port/path"),
    ],
)
def test_options_that_cannot_work_are_refused(more: dict[str, Any], told: str) -> None:
    with pytest.raises(pydantic.ValidationError) as error:
        RestInboxOptions.model_validate(GIVEN | more)
    assert told in str(error.value)
