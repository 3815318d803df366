"""What systems answer: judged by the rules, read as a record, a page or a count; never an exception."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from functools import cache, partial
from typing import Any

import orjson
from hypothesis import strategies as st

from syncgate.domain.outcome import Outcome
from syncgate.ports import Query, Request, Unread
from syncgate.ports.listing import Paging
from syncgate.transports.answers import AnswerRules, CompiledCondition, load_rules
from syncgate.transports.pointer import follow
from syncgate.transports.rest import RestOptions
from syncgate.transports.rest.http import HttpFailure, HttpRequest, HttpResponse
from syncgate.transports.rest.inbox import RestInbox
from syncgate.transports.rest.inbox_options import RestInboxOptions
from syncgate.transports.rest.listing import Heard, Place, count_of, keys_of, page_of
from syncgate.transports.rest.signing import schemes_with
from syncgate.transports.rest.whole import LONGEST_ANSWER, Progress
from syncgate.transports.rest.wire import Wire
from tests.fuzz.mutation import gzipped, spoiled_bytes, spoiled_documents, spoiled_trees
from tests.fuzz.parsers.records import in_xml, told
from tests.fuzz.target import Target
from tests.integration.transports.speaking import OPTIONS, RULES, FixedClock, OneSecret, SeededEntropy
from tests.unit.test_example_site import bundle

TYPES = (
    "application/json",
    "application/json; charset=gbk",
    "application/json; charset=utf-16",
    "text/html; charset=gb2312",
    "text/xml; charset=big5",
    "application/xml",
    'x; charset="',
    "text/plain; charset=undefined",
    "a; charset=idna",
    "",
)
RECORD = {"id": "R-1", "name": "某", "no": 7, "nested": {"list": [1, 2.5, None, "x"]}}
PAGE = {"code": "200", "text": "ok", "data": [RECORD, RECORD | {"id": 8}], "total": 2, "next": "c-2"}
HTML = "<!DOCTYPE html><html><head><title>502 网关错误</title></head><body>&nbsp;数据已存在</body></html>"
LISTING = {
    "base_url": "http://127.0.0.1:1/x",
    "path": "/list",
    "query": {"c": "{cursor}"},
    "records": "/data",
    "key": ["/id"],
    "paging": {"by": "cursor", "at": "/next"},
}


@cache
def _wire() -> Wire:
    options = RestOptions.model_validate(OPTIONS)
    rules = AnswerRules(load_rules(RULES))
    scheme = schemes_with(None)[options.signing.scheme]
    more: dict[str, Any] = {"secrets": OneSecret(), "clock": FixedClock(), "entropy": SeededEntropy()}
    return Wire(options, rules, base_url="http://127.0.0.1:1/base", scheme=scheme, **more)


@cache
def _inbox() -> RestInbox:
    more: dict[str, Any] = {"secrets": OneSecret(), "clock": FixedClock(), "entropy": SeededEntropy()}
    return RestInbox(RestInboxOptions.model_validate(LISTING), **more)


def _split(content: bytes) -> tuple[int, str, str, bytes]:
    """Status, content type and coding by the last byte, so that a body chooses them and shrinks with them."""
    chosen = content[-1] if content else 0
    status = (200, 200, 200, 201, 302, 401, 404, 409, 422, 429, 500, 502, 503, 204)[chosen % 14]
    coding = ("", "", "", "gzip", "deflate", "identity")[chosen // 14 % 6]
    return status, TYPES[chosen % len(TYPES)], coding, content


def _answer(content: bytes) -> None:
    status, kind, coding, body = _split(content)
    progress = Progress()
    fields = (("Content-Type", kind), ("Retry-After", body[:20].decode("ascii", "replace")), ("X-Id", "r"))
    headers = (*fields, *((("Content-Encoding", coding),) if coding else ()))
    came: Any = progress.begin(status, headers) or progress.receive(body) or progress.whole()
    assert isinstance(came, HttpFailure | HttpResponse)
    if isinstance(came, HttpResponse):
        assert len(came.body) <= LONGEST_ANSWER
    for operation, at in (
        ("push", {"body": "/data/0/id"}),
        ("push", {"header": "Retry-After"}),
        ("xml", {"body": "/a"}),
    ):
        request = Request(operation=operation, keys={}, remote_ref_at=at)
        sent = HttpRequest("POST", "http://127.0.0.1:1/base/x?y=1", (), b"{}")
        answer = _wire().answer(request, sent, came)
        assert isinstance(answer.outcome, Outcome)
        assert answer.remote_ref is None or "\0" not in answer.remote_ref
        assert answer.retry_after is None or answer.retry_after >= timedelta(0)
        for pointer in (("data",), ("data", "0"), ()):
            _wire().reading(request, sent, came, record_at=pointer, absent=_absent())
    if isinstance(came, HttpResponse):
        _pages(came)


@cache
def _absent() -> CompiledCondition:
    from syncgate.transports.answers import AnswerCondition

    return CompiledCondition(AnswerCondition.model_validate({"status": [404], "body": {"/error": "absent"}}))


def _pages(came: HttpResponse) -> None:
    for operation in ("read", "read_xml"):
        request = Request(operation=operation, keys={})
        view = _wire().view(request, came)
        heard = Heard(view, _wire().judge(request, view))
        for paging in (Paging(by="cursor", at="/next"), Paging(by="keyset", at="/id"), Paging(by="page", size=1)):
            query = Query(operation=operation, records_at="/data", total_at="/total", count_at="/total", paging=paging)
            place = Place.of(query, None)
            for found in (page_of(query, place, heard), count_of(query, heard)):
                if isinstance(found, Unread):
                    told(found.words)
                elif not isinstance(found, int):
                    _followed(query, found)


def _followed(query: Query, page: Any) -> None:
    if page.following is not None:
        keys_of(query, Place.of(query, page.following))
    for record in page.records:
        fetched = _inbox()._fetched(record)
        fetched.key.encode()
        orjson.dumps(fetched.value)


def _readback(system: str, content: bytes) -> None:
    """Records of a listing, whatever is in them: known by a key or not, compared or not."""
    try:
        record = orjson.loads(content)
    except ValueError:
        return
    readback = bundle(system).readback
    assert readback is not None
    for listing in readback.listings:
        listing.key_of_record(record)
        listing.remote_ref_of(record)
        listing.is_ours(record)
        for comparison in listing.comparisons.values():
            comparison.of_record(record)
    follow(record, ("a", "0"))


def _gzips(seeds: list[bytes]) -> st.SearchStrategy[bytes]:
    from tests.fuzz.mutation import BYTE_DEEDS, deeds

    return st.builds(
        lambda seed, done: spoiled_bytes(gzipped(seed), done) + bytes([42 + done[0][1] % 14]),
        st.sampled_from(seeds),
        deeds(BYTE_DEEDS),
    )


def targets() -> Iterator[Target]:
    """Answers in JSON, XML, HTML and none of these, packed ones, and records of listings."""
    page = json.dumps(PAGE, ensure_ascii=False)
    xml = in_xml([{"a": "b", "data": "1"}], "gbk")
    yield Target("answer_json", partial(spoiled_trees, [page.encode()]), _answer)
    for charset in ("utf-8", "gbk", "utf-16"):
        yield Target(f"answer_{charset}", partial(spoiled_documents, [page.encode(charset)], charset=charset), _answer)
    yield Target("answer_xml", partial(spoiled_documents, [xml.encode("gbk")], charset="gbk"), _answer)
    yield Target("answer_html", partial(spoiled_documents, [HTML.encode("gbk")], charset="gbk"), _answer)
    yield Target("answer_gzip", partial(_gzips, [page.encode(), b"x" * 100_000]), _answer)
    for system in ("food", "province", "workorders", "hotline"):
        yield Target(
            f"listed_{system}", partial(spoiled_trees, [json.dumps(RECORD).encode()]), partial(_readback, system)
        )
