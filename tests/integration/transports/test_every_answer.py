"""The behavioural suite of transports: every kind of answer, over a real socket, with every HTTP client."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import orjson
import pytest

from syncgate.domain.errors import SiteInvalid
from syncgate.domain.outcome import Answer, Found, Outcome, Reading
from syncgate.ports import Request
from syncgate.transports.answers import AnswerCondition
from syncgate.transports.rest.clients import MakeClient
from syncgate.transports.rest.evidence import EVIDENCE_BYTES
from syncgate.transports.rest.whole import LONGEST_ANSWER
from tests.integration.transports.scripted import (
    Act,
    Scripted,
    answers,
    answers_and_closes,
    closes_unread,
    drips,
    floods,
    free_port,
    never_reads,
    reads_and_closes,
    reads_and_hangs,
    reads_and_resets,
    resets_unread,
    says,
    scripted,
)
from tests.integration.transports.speaking import (
    ABSENT,
    READ,
    REQUEST,
    TAKEN,
    TOKEN,
    ShortLimits,
    made,
    one_send,
    sending,
)


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of answer and what it must amount to."""

    name: str
    acts: Sequence[Act]
    outcome: Outcome
    rule: str
    reason: str = ""
    actor: str = ""
    retry_after: timedelta | None = None
    remote_ref: str | None = None
    status: int | None = None
    note: str = ""
    received: bytes | None = field(default=None)


def _text(code: str, text: str) -> bytes:
    return orjson.dumps({"code": code, "text": text})


UNKNOWN, NO_ANSWER = Outcome.UNKNOWN, "no_answer"
ROWS = [
    Row("taken", [answers(200, TAKEN)], Outcome.TAKEN, "taken", remote_ref="R-1", status=200),
    Row(
        "taken_in_gzip_that_nobody_asked_for",
        [answers(200, gzip.compress(TAKEN), {"Content-Encoding": "gzip"})],
        Outcome.TAKEN,
        "taken",
        remote_ref="R-1",
        status=200,
        received=TAKEN,
    ),
    Row(
        "taken_in_gbk",
        [
            answers(
                200,
                '{"code":"0","text":"数据已存在！"}'.encode("gbk"),
                {"Content-Type": "application/json;charset=GBK"},
            )
        ],
        Outcome.DUPLICATE,
        "exists",
        status=200,
    ),
    Row("refused", [answers(422, b'{"error":"invalid"}')], Outcome.REFUSED, "invalid", "invalid", "mapping"),
    Row(
        "refused_inside_a_200",
        [answers(200, _text("0", "applicant字段为空！"))],
        Outcome.REFUSED,
        "field_empty",
        "field_refused",
        "source",
        status=200,
    ),
    Row(
        "refused_inside_a_200_in_words_that_no_rule_knows",
        [answers(200, _text("0", "success 0 成功 200"))],
        UNKNOWN,
        "unknown",
        status=200,
    ),
    Row("a_number_where_the_rule_says_text", [answers(200, b'{"code":200}')], UNKNOWN, "unknown"),
    Row(
        "duplicate",
        [answers(200, _text("0", "rowguid（orgbusno）为X的数据已存在！"))],
        Outcome.DUPLICATE,
        "exists",
    ),
    Row("closed_unread", [closes_unread], UNKNOWN, NO_ANSWER),
    Row("reset_unread", [resets_unread], UNKNOWN, NO_ANSWER),
    Row("cut_after_send_by_fin", [reads_and_closes], UNKNOWN, NO_ANSWER, note="closed"),
    Row("cut_after_send_by_rst", [reads_and_resets], UNKNOWN, NO_ANSWER, note="reset"),
    Row(
        "half_an_answer",
        [says(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"code":"200"}')],
        UNKNOWN,
        NO_ANSWER,
        status=200,
        received=b'{"code":"200"}',
    ),
    Row("half_a_head", [says(b"HTTP/1.1 200 OK\r\nConte")], UNKNOWN, NO_ANSWER),
    Row("garbage", [says(b"\x00\xff not http at all\r\n\r\n")], UNKNOWN, NO_ANSWER),
    Row("garbage_inside_a_200", [answers(200, b'{"code":"200"')], UNKNOWN, "unknown", status=200),
    Row("html_inside_a_200", [answers(200, b"<html>200 success</html>")], UNKNOWN, "unknown"),
    Row("empty_200", [answers(200)], UNKNOWN, "unknown", received=b""),
    Row("no_answer_in_time", [reads_and_hangs], UNKNOWN, NO_ANSWER, note="time-out"),
    Row("never_read", [never_reads], UNKNOWN, NO_ANSWER, note="time-out"),
    Row("slow_drip", [drips(b"HTTP/1.1 200 OK\r\n" * 50, every=0.05)], UNKNOWN, NO_ANSWER, note="time-out"),
    Row(
        "slow_drip_of_the_body",
        [drips(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + b" " * 900, every=0.005)],
        UNKNOWN,
        NO_ANSWER,
        status=200,
        note="time-out",
    ),
    Row(
        "wrong_signature",
        [answers(500, '{"code":400001,"msg":"鉴权失败，鉴权信息有误。"}'.encode())],
        Outcome.DENIED,
        "signature",
        "signature",
        "operations",
        status=500,
    ),
    Row("wrong_login", [answers(401)], Outcome.DENIED, "login", "credentials_refused", "operations"),
    Row("any_other_500", [answers(500, b'{"code":5}')], UNKNOWN, "unknown", status=500),
    Row("unavailable", [answers(503, b"down")], Outcome.UNAVAILABLE, "down", status=503),
    Row(
        "throttled_for_seconds",
        [answers(429, b"", {"Retry-After": "7"})],
        Outcome.THROTTLED,
        "busy",
        retry_after=timedelta(seconds=7),
    ),
    Row(
        "throttled_until_a_date",
        [answers(429, b"", {"Retry-After": "Thu, 30 Apr 2026 16:00:00 GMT"})],
        Outcome.THROTTLED,
        "busy",
        retry_after=timedelta(seconds=78),
    ),
    Row("throttled_without_a_time", [answers(429)], Outcome.THROTTLED, "busy"),
    Row("redirect", [answers(302, TAKEN, {"Location": "/elsewhere"})], UNKNOWN, "unknown", status=302),
    Row("oversized", [floods(LONGEST_ANSWER)], UNKNOWN, NO_ANSWER, status=200, note="longer"),
    Row(
        "oversized_once_unpacked",
        [answers(200, gzip.compress(b" " * (LONGEST_ANSWER + 1)), {"Content-Encoding": "gzip"})],
        UNKNOWN,
        NO_ANSWER,
        status=200,
    ),
    Row("unknown_coding", [answers(200, TAKEN, {"Content-Encoding": "br"})], UNKNOWN, NO_ANSWER, status=200),
]


def play(make_client: MakeClient, row: Row) -> tuple[Answer, Scripted]:
    async def scenario() -> tuple[Answer, Scripted]:
        async with scripted(*row.acts) as server:
            transport = made(make_client, server.url)
            answer = await transport.send(REQUEST)
            await transport.aclose()
            return answer, server

    return asyncio.run(scenario())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_an_answer_amounts_to_what_the_rules_and_the_wire_say(row: Row, make_client: MakeClient) -> None:
    answer, server = play(make_client, row)
    assert (answer.outcome, answer.rule) == (row.outcome, row.rule)
    assert (answer.reason, answer.actor) == (row.reason, row.actor)
    assert (answer.retry_after, answer.remote_ref) == (row.retry_after, row.remote_ref)
    assert server.connections_count == 1, "sent more than once"
    assert len(server.seen) <= 1, "sent more than once"
    evidence = answer.evidence
    assert evidence.request_line == "POST /base/cases/a%2Fb"
    assert evidence.sent == orjson.dumps(REQUEST.payload)
    assert row.note in evidence.note
    if row.status is not None:
        assert evidence.status == row.status
    if row.received is not None:
        assert evidence.received == row.received


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_no_secret_stays_in_an_answer(row: Row, make_client: MakeClient) -> None:
    answer, server = play(make_client, row)
    signatures = [seen.headers["x-tif-signature"] for seen in server.seen]
    assert not [text for text in (TOKEN, *signatures) if text in repr(answer)]


def test_the_request_arrives_as_the_options_say(make_client: MakeClient) -> None:
    _, server = sending(make_client, answers(200, TAKEN), requests=[REQUEST])
    (seen,) = server.seen
    assert (seen.method, seen.target) == ("POST", "/base/cases/a%2Fb?from=c-1")
    assert seen.body == '{"name":"李䶮","count":1}'.encode()
    assert seen.headers["idempotency-key"] == "s-1"
    assert seen.headers["x-static"] == "here"
    assert seen.headers["content-type"] == "application/json; charset=utf-8"
    assert seen.headers["content-length"] == str(len(seen.body))
    assert seen.headers["x-tif-timestamp"] == "1777564722"
    assert seen.headers["accept-encoding"] == "identity"
    assert seen.headers["accept"] == "application/json"
    assert seen.headers["user-agent"] == "syncgate"
    assert "transfer-encoding" not in seen.headers
    assert "expect" not in seen.headers
    assert "cookie" not in seen.headers


def test_an_envelope_carries_the_payload_as_text(make_client: MakeClient) -> None:
    wrapped = Request(operation="wrapped", keys={}, payload={"名": "王样本"})
    _, server = sending(make_client, answers(200, TAKEN), requests=[wrapped])
    assert orjson.loads(server.seen[0].body) == {"data": '{"名":"王样本"}'}
    assert "名" in server.seen[0].body.decode()


def test_a_second_send_uses_the_kept_connection_and_is_signed_anew(make_client: MakeClient) -> None:
    found, server = sending(
        make_client, answers(200, TAKEN), answers(200, _text("0", "数据已存在")), requests=[REQUEST, REQUEST]
    )
    assert [answer.outcome for answer in found] == [Outcome.TAKEN, Outcome.DUPLICATE]
    assert server.connections_count == 1
    first, second = (seen.headers["x-tif-nonce"] for seen in server.seen)
    assert first != second


def test_cookies_are_not_kept(make_client: MakeClient) -> None:
    _, server = sending(
        make_client,
        answers(200, TAKEN, {"Set-Cookie": "session=1"}),
        answers(200, TAKEN),
        requests=[REQUEST, REQUEST],
    )
    assert "cookie" not in server.seen[1].headers


def test_a_kept_connection_that_dies_under_a_request_is_unknown_and_not_sent_again(
    make_client: MakeClient,
) -> None:
    """Promise 4: the request left on a connection that had worked; whether it was read cannot be known."""
    found, server = sending(
        make_client, answers(200, TAKEN), reads_and_resets, answers(200, TAKEN), requests=[REQUEST, REQUEST]
    )
    assert [answer.outcome for answer in found] == [Outcome.TAKEN, Outcome.UNKNOWN]
    assert len(server.seen) == 2


def test_a_kept_connection_closed_long_before_is_replaced(make_client: MakeClient) -> None:
    async def scenario() -> None:
        async with scripted(answers_and_closes(200, TAKEN), answers(200, TAKEN)) as server:
            transport = made(make_client, server.url)
            assert (await transport.send(REQUEST)).outcome is Outcome.TAKEN
            await asyncio.sleep(0.05)
            assert (await transport.send(REQUEST)).outcome is Outcome.TAKEN
            assert server.connections_count == 2
            await transport.aclose()

    asyncio.run(scenario())


def test_a_refused_connection_is_unavailable_and_nothing_left(make_client: MakeClient) -> None:
    answer = one_send(make_client, f"http://127.0.0.1:{free_port()}/base")
    assert (answer.outcome, answer.rule) == (Outcome.UNAVAILABLE, "not_sent")
    assert answer.evidence.sent is None
    assert "refused" in answer.evidence.note


def test_a_name_that_does_not_resolve_is_unavailable(make_client: MakeClient) -> None:
    answer = one_send(make_client, "http://no-such-host.invalid/base")
    assert answer.outcome is Outcome.UNAVAILABLE
    assert answer.evidence.sent is None


def test_plain_http_spoken_to_https_is_unavailable(make_client: MakeClient) -> None:
    async def scenario() -> Answer:
        async with scripted(says(b"")) as server:
            transport = made(make_client, server.url.replace("http:", "https:"))
            answer = await transport.send(REQUEST)
            await transport.aclose()
            assert not server.seen
            return answer

    answer = asyncio.run(scenario())
    assert answer.outcome is Outcome.UNAVAILABLE
    assert answer.evidence.sent is None


def test_waiting_for_a_connection_in_vain_is_unavailable(make_client: MakeClient) -> None:
    """The only connection is taken by a request that hangs; the second never left."""

    async def scenario() -> tuple[Answer, Answer]:
        async with scripted(reads_and_hangs, answers(200, TAKEN)) as server:
            transport = made(make_client, server.url, connections=1)
            found = await asyncio.gather(transport.send(REQUEST), transport.send(REQUEST))
            await transport.aclose()
            assert len(server.seen) == 1
            return found

    first, second = asyncio.run(scenario())
    assert (first.outcome, second.outcome) == (Outcome.UNKNOWN, Outcome.UNAVAILABLE)
    assert second.evidence.sent is None


def test_a_send_that_is_given_up_frees_its_connection(make_client: MakeClient) -> None:
    """A worker that stops cancels its sends; the system's only connection must not stay taken."""

    async def scenario() -> Answer:
        async with scripted(reads_and_hangs, answers(200, TAKEN)) as server:
            transport = made(make_client, server.url, connections=1)
            given_up = asyncio.create_task(transport.send(REQUEST))
            while not server.seen:
                await asyncio.sleep(0.01)
            given_up.cancel()
            with pytest.raises(asyncio.CancelledError):
                await given_up
            answer = await transport.send(REQUEST)
            await transport.aclose()
            return answer

    assert asyncio.run(scenario()).outcome is Outcome.TAKEN


@pytest.mark.parametrize("act", [reads_and_hangs, drips(b"HTTP/1.1 200 OK\r\n" * 99, every=0.05)])
def test_a_request_never_lasts_longer_than_its_timeout(act: Act, make_client: MakeClient) -> None:
    started = time.monotonic()
    sending(make_client, act, requests=[REQUEST])
    assert time.monotonic() - started < ShortLimits().timeout + 0.7


def test_no_proxy_is_taken_from_the_environment(make_client: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    (answer,), _ = sending(make_client, answers(200, TAKEN), requests=[REQUEST])
    assert answer.outcome is Outcome.TAKEN


def test_ten_connections_are_the_most(make_client: MakeClient) -> None:
    async def scenario() -> int:
        async with scripted(*[drips(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", every=0.001)] * 30) as server:
            transport = made(make_client, server.url)
            await asyncio.gather(*(transport.send(REQUEST) for _ in range(20)))
            await transport.aclose()
            return server.connections_count

    assert asyncio.run(scenario()) <= 10


def test_long_bodies_are_kept_in_part_and_said_so(make_client: MakeClient) -> None:
    long = "长" * EVIDENCE_BYTES
    request = Request(operation="push", keys=REQUEST.keys, payload={"text": long})
    reply = orjson.dumps({"code": "200", "text": long})
    (answer,), server = sending(make_client, answers(200, reply), requests=[request])
    assert answer.outcome is Outcome.TAKEN
    assert orjson.loads(server.seen[0].body) == {"text": long}
    assert answer.evidence.sent is not None and answer.evidence.received is not None
    assert (len(answer.evidence.sent), len(answer.evidence.received)) == (EVIDENCE_BYTES, EVIDENCE_BYTES)
    assert "sent: kept" in answer.evidence.note and "received: kept" in answer.evidence.note


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"keys": {"slot_key": "a"}}, "key_missing"),
        ({"keys": {**REQUEST.keys, "slot_key": ".."}}, "key_missing"),
        ({"payload": {"text": "\ud800"}}, "payload_not_json"),
        ({"payload": {"at": object()}}, "payload_not_json"),
    ],
)
def test_what_cannot_be_put_on_the_wire_is_refused_unsent(
    change: dict[str, Any], reason: str, make_client: MakeClient
) -> None:
    request = Request(**{"operation": "push", "keys": REQUEST.keys, "payload": {}} | change)
    (answer,), server = sending(make_client, answers(200, TAKEN), requests=[request])
    assert (answer.outcome, answer.rule, answer.reason) == (Outcome.REFUSED, "not_sent", reason)
    assert answer.evidence.sent is None
    assert server.connections_count == 0


@dataclass(frozen=True, slots=True)
class LookUpRow:
    """One kind of answer to a look-up."""

    name: str
    act: Act
    found: Found
    record: Any = None
    remote_ref: str | None = None


_RECORD = orjson.dumps({"data": {"bizKey": "a/b"}, "id": 17, "code": "200"})
LOOK_UPS = [
    LookUpRow("record", answers(200, _RECORD), Found.RECORD, {"bizKey": "a/b"}, "17"),
    LookUpRow("record_without_a_rule", answers(206, b'{"data":{}}'), Found.RECORD, {}),
    LookUpRow("absent", answers(404, b'{"error":"absent"}'), Found.ABSENT),
    LookUpRow("a_404_of_somebody_else", answers(404, b"<html>no such page</html>"), Found.UNDECIDED),
    LookUpRow("denied", answers(401), Found.DENIED),
    LookUpRow("denied_behind_a_500", answers(500, b'{"code":400001}'), Found.DENIED),
    LookUpRow("unavailable", answers(503), Found.UNDECIDED),
    LookUpRow("throttled", answers(429), Found.UNDECIDED),
    LookUpRow("refused_inside_a_200", answers(200, _text("0", "字段为空")), Found.UNDECIDED),
    LookUpRow("null_record", answers(200, b'{"code":"200","data":null}'), Found.UNDECIDED),
    LookUpRow("no_record_there", answers(200, b'{"code":"200"}'), Found.UNDECIDED),
    LookUpRow("record_outside_a_2xx", answers(302, _RECORD), Found.UNDECIDED),
    LookUpRow("garbage", says(b"\x00"), Found.UNDECIDED),
    LookUpRow("garbage_inside_a_200", answers(200, b'{"data":'), Found.UNDECIDED),
    LookUpRow("cut_after_send", reads_and_closes, Found.UNDECIDED),
    LookUpRow("slow", reads_and_hangs, Found.UNDECIDED),
]


def looking_up(make_client: MakeClient, url: str, *, record_at: str = "/data") -> Reading:
    async def scenario() -> Reading:
        transport = made(make_client, url)
        reading = await transport.look_up(READ, record_at=record_at, absent=ABSENT)
        await transport.aclose()
        return reading

    return asyncio.run(scenario())


@pytest.mark.parametrize("row", LOOK_UPS, ids=lambda row: row.name)
def test_a_look_up_finds_what_the_answer_shows(row: LookUpRow, make_client: MakeClient) -> None:
    async def scenario() -> Reading:
        async with scripted(row.act) as server:
            transport = made(make_client, server.url)
            reading = await transport.look_up(READ, record_at="/data", absent=ABSENT)
            await transport.aclose()
            assert server.connections_count == 1
            return reading

    reading = asyncio.run(scenario())
    assert (reading.found, reading.record, reading.remote_ref) == (row.found, row.record, row.remote_ref)
    assert reading.evidence.request_line == "GET /base/cases/a%2Fb"


@pytest.mark.parametrize(
    ("status", "found"),
    [(401, Found.DENIED), (429, Found.UNDECIDED), (503, Found.UNDECIDED), (422, Found.ABSENT), (404, Found.ABSENT)],
)
def test_absence_is_not_believed_of_a_system_that_does_not_let_us_ask(
    status: int, found: Found, make_client: MakeClient
) -> None:
    """Promise 4: however wide the adapter's `absent` is."""

    async def scenario() -> Reading:
        async with scripted(answers(status)) as server:
            transport = made(make_client, server.url)
            wide = AnswerCondition.model_validate({"status": ["4xx", "5xx"]})
            reading = await transport.look_up(READ, record_at="/data", absent=wide)
            await transport.aclose()
            return reading

    assert asyncio.run(scenario()).found is found


def test_a_look_up_at_nobody_is_undecided(make_client: MakeClient) -> None:
    reading = looking_up(make_client, f"http://127.0.0.1:{free_port()}/base")
    assert reading.found is Found.UNDECIDED


def test_a_look_up_that_could_not_connect_is_tried_once_more(make_client: MakeClient) -> None:
    """The first try meets a closed port; before the second one the system is back."""

    async def scenario() -> Reading:
        port = free_port()
        transport = made(make_client, f"http://127.0.0.1:{port}/base")
        asked = asyncio.create_task(transport.look_up(READ, record_at="/data", absent=ABSENT))
        await asyncio.sleep(0.03)
        back = Scripted([answers(200, _RECORD)])
        listener = await asyncio.start_server(back.serve, "127.0.0.1", port)
        reading = await asked
        await transport.aclose()
        listener.close()
        await back.stop()
        return reading

    assert asyncio.run(scenario()).found is Found.RECORD


@pytest.mark.parametrize(("absent", "found"), [({"status": [404]}, Found.ABSENT), ({}, Found.UNDECIDED)])
def test_only_a_given_condition_shows_absence(absent: dict[str, Any], found: Found, make_client: MakeClient) -> None:
    async def scenario() -> Reading:
        async with scripted(answers(404)) as server:
            transport = made(make_client, server.url)
            reading = await transport.look_up(READ, record_at="/data", absent=MappingProxyType(absent))
            await transport.aclose()
            return reading

    assert asyncio.run(scenario()).found is found


@pytest.mark.parametrize(
    ("change", "match"), [({"absent": {"statuses": [404]}}, "absent"), ({"record_at": "data"}, "record")]
)
def test_an_unreadable_look_up_is_a_defect_of_the_site(
    change: dict[str, Any], match: str, make_client: MakeClient
) -> None:
    async def scenario() -> None:
        transport = made(make_client, "http://127.0.0.1:1")
        await transport.look_up(READ, **{"record_at": "/data", "absent": ABSENT} | change)

    with pytest.raises(SiteInvalid, match=match):
        asyncio.run(scenario())


def test_a_send_is_never_retried(make_client: MakeClient) -> None:
    """Promise 4: even where nothing left, the next try is the flow's, with its own attempt."""
    calls: list[str] = []

    def counting(*args: Any) -> Any:
        client = make_client(*args)
        original = client.request

        class Counting:
            async def request(self, *args: Any) -> Any:
                calls.append("request")
                return await original(*args)

            async def aclose(self) -> None:
                await client.aclose()

        return Counting()

    assert one_send(counting, f"http://127.0.0.1:{free_port()}").outcome is Outcome.UNAVAILABLE
    assert calls == ["request"]
