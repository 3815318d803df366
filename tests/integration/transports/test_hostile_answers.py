"""Answers that no honest system gives, and connections that break at the worst moment, with every HTTP client."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest

from syncgate.domain.outcome import Answer, Outcome
from syncgate.ports import Request
from syncgate.transports.rest import RestOptions
from syncgate.transports.rest.clients import MakeClient
from syncgate.transports.rest.http import HttpFailure, HttpRequest, Timeouts
from tests.integration.transports.scripted import (
    Act,
    Connection,
    answer_bytes,
    answers,
    answers_early,
    answers_twice,
    reads_and_closes,
    reads_and_hangs,
    reads_and_resets,
    says,
    scripted,
)
from tests.integration.transports.speaking import OPTIONS, REQUEST, TAKEN, made, one_send, sending

OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(TAKEN)
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
CHUNK = b"%x\r\n" % len(TAKEN) + TAKEN + b"\r\n"
BARE_FEED = (OK + LENGTH + b"\r\n").replace(b"\r\n", b"\n")


def head(*fields: bytes, start: bytes = OK) -> bytes:
    return start + b"".join(field + b"\r\n" for field in fields) + LENGTH + b"\r\n" + TAKEN


TAKEN_ALL_THE_SAME = {
    "length_and_chunks": OK + LENGTH + CHUNKED[len(OK) :] + CHUNK + b"0\r\n\r\n",
    "wrong_length_and_chunks": OK + b"Content-Length: 3\r\n" + CHUNKED[len(OK) :] + CHUNK + b"0\r\n\r\n",
    "the_same_length_twice": head(LENGTH.strip()),
    "chunks_with_trailers": CHUNKED + CHUNK + b"0\r\nX-Trailer: 1\r\n\r\n",
    "chunks_with_extensions": CHUNKED + b"%x;a=b\r\n" % len(TAKEN) + TAKEN + b"\r\n0\r\n\r\n",
    "a_hundred_fields": head(*(b"X-%d: 1" % no for no in range(99))),
    "a_long_field": head(b"X: " + b"a" * 60_000),
    "a_reason_in_gbk": head(start=b"HTTP/1.1 200 \xd6\xd0\xff\r\n"),
    "no_reason": head(start=b"HTTP/1.1 200\r\n"),
    "a_header_in_gbk": head(b"X-Message: \xd6\xd0"),
    "a_tab_in_a_header": head(b"X-Message: a\tb"),
    "a_folded_header": head(b"X-Message: a\r\n b"),
    "lines_without_carriage_returns": BARE_FEED + TAKEN,
    "http_1_0": head(start=b"HTTP/1.0 200 OK\r\n"),
    "no_length_until_the_end": OK + b"\r\n" + TAKEN,
    "continue_first": b"HTTP/1.1 100 Continue\r\n\r\n" + head(),
    "early_hints_first": b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + head(),
    "many_times_continue_first": b"HTTP/1.1 100 Continue\r\n\r\n" * 200 + head(),
    "more_than_its_length": head() + b"extra",
}
NO_ANSWER = {
    "two_lengths": head(b"Content-Length: 3"),
    "a_negative_length": OK + b"Content-Length: -1\r\n\r\n" + TAKEN,
    "a_length_with_a_sign": OK + b"Content-Length: +" + LENGTH.removeprefix(b"Content-Length: ") + b"\r\n" + TAKEN,
    "a_length_beyond_numbers": OK + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n" + TAKEN,
    "a_packed_transfer": OK + b"Transfer-Encoding: gzip\r\n\r\n" + TAKEN,
    "a_packed_chunked_transfer": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + CHUNK + b"0\r\n\r\n",
    "an_identity_transfer": OK + b"Transfer-Encoding: identity\r\n\r\n" + TAKEN,
    "a_negative_chunk": CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n",
    "a_chunk_beyond_numbers": CHUNKED + b"f" * 17 + b"\r\nhello\r\n0\r\n\r\n",
    "a_chunk_size_that_is_none": CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n",
    "a_chunk_that_does_not_end": CHUNKED + CHUNK[:-2] + b"XX0\r\n\r\n",
    "no_last_chunk": CHUNKED + CHUNK,
    "a_hundred_and_one_fields": head(*(b"X-%d: 1" % no for no in range(100))),
    "a_field_that_is_too_long": head(b"X: " + b"a" * 70_000),
    "a_head_that_is_far_too_long": head(b"X: " + b"a" * 600_000),
    "a_nul_in_a_header": head(b"X-Message: a\x00b"),
    "a_control_in_a_header": head(b"X-Message: a\x01b"),
    "a_delete_in_a_header": head(b"X-Message: a\x7fb"),
    "a_header_without_a_name": head(b": a"),
    "a_line_that_is_no_header": head(b"garbage"),
    "a_space_before_the_colon": head(b"X-Message : a"),
    "http_0_9": TAKEN,
    "http_1_2": head(start=b"HTTP/1.2 200 OK\r\n"),
    "http_2": head(start=b"HTTP/2.0 200 OK\r\n"),
    "chunks_in_http_1_0": b"HTTP/1.0 200 OK\r\n" + CHUNKED[len(OK) :] + CHUNK + b"0\r\n\r\n",
    "another_protocol": b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" + TAKEN,
    "continue_and_nothing_else": b"HTTP/1.1 100 Continue\r\n\r\n",
    "a_status_below_all": head(start=b"HTTP/1.1 099 OK\r\n"),
    "a_status_beyond_all": head(start=b"HTTP/1.1 1000 OK\r\n"),
    "a_status_that_is_none": head(start=b"HTTP/1.1 2xx OK\r\n"),
    "deflate": head(b"Content-Encoding: deflate"),
    "gzip_twice": head(b"Content-Encoding: gzip, gzip"),
    "gzip_that_is_none": head(b"Content-Encoding: gzip"),
}


@pytest.mark.parametrize("name", TAKEN_ALL_THE_SAME)
def test_an_odd_answer_that_is_whole_is_judged(name: str, make_client: MakeClient) -> None:
    (answer,), server = sending(make_client, says(TAKEN_ALL_THE_SAME[name]), requests=[REQUEST])
    assert (answer.outcome, answer.evidence.received) == (Outcome.TAKEN, TAKEN)
    assert (server.connections_count, len(server.seen)) == (1, 1)


@pytest.mark.parametrize("name", NO_ANSWER)
def test_an_answer_of_which_the_end_cannot_be_told_is_none(name: str, make_client: MakeClient) -> None:
    (answer,), server = sending(make_client, says(NO_ANSWER[name]), requests=[REQUEST])
    assert (answer.outcome, answer.rule) == (Outcome.UNKNOWN, "no_answer")
    assert answer.evidence.note
    assert (server.connections_count, len(server.seen)) == (1, 1)


def test_a_second_answer_to_one_request_is_never_taken_for_the_answer_to_the_next(make_client: MakeClient) -> None:
    """Promise 8: what the system says too much is not matched to another delivery."""
    stray = answer_bytes(200, orjson.dumps({"code": "0", "text": "数据已存在"}))
    found, server = sending(
        make_client,
        answers_twice(answer_bytes(200, TAKEN), stray),
        answers(422),
        answers(422),
        requests=[REQUEST, REQUEST],
    )
    assert [answer.outcome for answer in found] == [Outcome.TAKEN, Outcome.REFUSED]
    assert len(server.seen) == 2


def test_an_answer_that_comes_before_the_request_is_read_is_judged(make_client: MakeClient) -> None:
    long = Request(operation="push", keys=REQUEST.keys, payload={"text": "x" * 3_000_000})
    (answer,), server = sending(make_client, answers_early(422), requests=[long])
    assert answer.outcome is Outcome.REFUSED
    assert server.connections_count == 1


@pytest.mark.parametrize("breaks", [reads_and_closes, reads_and_resets], ids=lambda act: act.__name__)
def test_a_kept_connection_that_breaks_after_reading_is_unknown_and_the_request_left_once(
    breaks: Act, make_client: MakeClient
) -> None:
    """Promise 4, at the moment between the reading of a request on a kept connection and its answer."""
    found, server = sending(make_client, answers(200, TAKEN), breaks, answers(200, TAKEN), requests=[REQUEST] * 2)
    assert [answer.outcome for answer in found] == [Outcome.TAKEN, Outcome.UNKNOWN]
    assert (server.connections_count, len(server.seen)) == (1, 2)


def _request(no: int) -> Request:
    return Request(operation="push", keys={**REQUEST.keys, "send_key": f"s-{no}"}, payload={"no": no})


def test_however_connections_break_no_request_arrives_twice(make_client: MakeClient) -> None:
    """Promise 4: connections close after answering, after reading and by reset, under ten requests at a time."""
    turn = iter(range(10**6))

    async def breaks_at_random(connection: Connection) -> bool:
        await connection.read_request()
        match next(turn) % 7:
            case 0:
                return False
            case 1:
                connection.reset()
                return False
            case 2:
                await connection.write(answer_bytes(200, TAKEN))
                return False
            case 3:
                await connection.write(answer_bytes(200, TAKEN)[:30])
                return False
        await connection.write(answer_bytes(200, TAKEN))
        return True

    async def scenario() -> tuple[list[tuple[int, Answer]], Counter[str]]:
        async with scripted(*[breaks_at_random] * 1000) as server:
            transport = made(make_client, server.url)
            found: list[tuple[int, Answer]] = []
            numbers = iter(range(300))

            async def worker() -> None:
                for no in numbers:
                    found.append((no, await transport.send(_request(no))))

            await asyncio.gather(*(worker() for _ in range(10)))
            await transport.aclose()
            return found, Counter(seen.headers["idempotency-key"] for seen in server.seen)

    found, seen_count = asyncio.run(scenario())
    assert set(seen_count.values()) == {1}
    for no, answer in found:
        if answer.outcome is Outcome.UNAVAILABLE:
            assert f"s-{no}" not in seen_count
        else:
            assert answer.outcome in (Outcome.TAKEN, Outcome.UNKNOWN)
    assert {answer.outcome for _, answer in found} >= {Outcome.TAKEN, Outcome.UNKNOWN}


@contextmanager
def _nobody_accepts() -> Iterator[str]:
    """An address at which connections are neither accepted nor refused."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/base"
        for one in waiting:
            one.close()


def test_a_connection_that_nobody_accepts_is_unavailable(make_client: MakeClient) -> None:
    with _nobody_accepts() as url:
        answer = one_send(make_client, url)
    assert (answer.outcome, answer.rule, answer.evidence.sent) == (Outcome.UNAVAILABLE, "not_sent", None)
    assert "time-out while connecting" in answer.evidence.note


def test_connecting_that_takes_all_the_time_is_not_mistaken_for_an_answer_that_did_not_come(
    make_client: MakeClient,
) -> None:
    async def scenario(url: str) -> Any:
        client = make_client(RestOptions.model_validate(OPTIONS), url, Timeouts(connect=5.0, total=0.6))
        came = await client.request(HttpRequest("POST", url, body=b"{}"))
        await client.aclose()
        return came

    with _nobody_accepts() as url:
        came = asyncio.run(scenario(url))
    assert isinstance(came, HttpFailure)
    assert not came.could_have_acted


def test_a_send_that_is_given_up_has_left_at_most_once(make_client: MakeClient) -> None:
    """Promise 4, when a worker stops: whatever the client still does, it does not do it again."""

    async def scenario() -> int:
        async with scripted(*[reads_and_hangs] * 3) as server:
            transport = made(make_client, server.url)
            given_up = asyncio.create_task(transport.send(REQUEST))
            while not server.seen:
                await asyncio.sleep(0.01)
            given_up.cancel()
            await asyncio.gather(given_up, return_exceptions=True)
            await asyncio.sleep(1.0)
            await transport.aclose()
            return len(server.seen)

    assert asyncio.run(scenario()) == 1


def test_a_request_that_waited_for_its_connection_is_not_called_unsent_once_it_left(make_client: MakeClient) -> None:
    """Promise 4: the wait for the only connection uses up some of the time; the rest runs out after the send."""
    gate = asyncio.Event()

    async def answers_later(connection: Connection) -> bool:
        await connection.read_request()
        await asyncio.sleep(0.25)
        await connection.write(answer_bytes(200, TAKEN))
        return True

    async def reads_and_waits(connection: Connection) -> bool:
        await connection.read_request()
        await gate.wait()
        return False

    async def scenario() -> tuple[Any, int]:
        async with scripted(answers_later, reads_and_waits) as server:
            transport = made(make_client, server.url, connections=1)
            found = await asyncio.gather(transport.send(_request(1)), transport.send(_request(2)))
            await transport.aclose()
            return found, len(server.seen)

    (first, second), seen_count = asyncio.run(scenario())
    assert (first.outcome, second.outcome) == (Outcome.TAKEN, Outcome.UNKNOWN)
    assert seen_count == 2
