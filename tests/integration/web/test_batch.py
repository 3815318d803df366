"""Batches over a socket: a result per line, whatever the caller does meanwhile."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from syncgate.domain.errors import StoreUnavailable
from syncgate.flows.accepting import intake
from syncgate.storage import SiteKeyring, SqlStore
from syncgate.web.flows import Flows
from tests.integration.web.caller import BrokenOff, Caller
from tests.integration.web.served import BODY_LIMIT, SETTINGS, Served, serving
from tests.support.rows import SetClock
from tests.unit.web.sample import application

BATCH = "/v1/cases:batch"
NDJSON = {"Content-Type": "application/x-ndjson"}


def line(number: str | int, **more: Any) -> bytes:
    return json.dumps(application(case_no=f"SP-{number}", **more), ensure_ascii=False).encode()


def lines(*numbers: int) -> bytes:
    return b"".join(line(number) + b"\n" for number in numbers)


def post(served: Served, body: bytes, *, key: str | None = None, **headers: str) -> httpx.Response:
    return served.call("POST", BATCH, key=key or served.key(), content=body, headers=NDJSON | headers)


def results(answer: httpx.Response) -> list[Any]:
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    assert answer.text == "" or answer.text.endswith("\n")
    return [json.loads(each) for each in answer.text.splitlines()]


def outcomes(answer: httpx.Response) -> list[tuple[int, int]]:
    return [(result["line"], result["status"]) for result in results(answer)]


def case_numbers(served: Served) -> set[str]:
    key, found, cursor = served.key(), set(), None
    while True:
        page = served.call("GET", f"/v1/cases?limit=200{f'&cursor={cursor}' if cursor else ''}", key=key).json()
        found |= {case["case_no"] for case in page["cases"]}
        if (cursor := page["next"]) is None:
            return found


def refusals(served: Served) -> list[Any]:
    return served.read(lambda tx: tx.list_refusals(limit=100))


# what a line comes to


def test_each_line_gets_the_receipt_that_a_post_of_it_gets(served: Served) -> None:
    key = served.key()
    taken = results(post(served, lines(1, 2), key=key))
    assert [(each.pop("line"), each.pop("status")) for each in taken] == [(1, 202), (2, 202)]
    for number, receipt in zip((1, 2), taken, strict=True):
        again = served.call(
            "POST", "/v1/cases", key=key, content=line(number), headers={"Content-Type": "application/json"}
        )
        assert again.json() == receipt | {"unchanged": True}
    assert outcomes(post(served, lines(1, 2), key=key)) == [(1, 200), (2, 200)]
    assert all(each["unchanged"] for each in results(post(served, lines(1, 2), key=key)))


def test_a_bad_line_fails_alone_with_the_problem_of_a_post(served: Served) -> None:
    key = served.key()
    bad = line(2, channel="fax", contact={"name": ""})
    taken = results(post(served, b"\n".join([line(1), bad, line(3)]), key=key))
    assert [(each["line"], each["status"]) for each in taken] == [(1, 202), (2, 422), (3, 202)]
    single = served.call("POST", "/v1/cases", key=key, content=bad, headers={"Content-Type": "application/json"})
    assert taken[1] == {"line": 2, "status": 422, "problem": single.json()}
    assert case_numbers(served) == {"SP-1", "SP-3"}


BAD: dict[str, tuple[bytes, int, str]] = {
    "not JSON": (b"case_no,kind", 400, "malformed_body"),
    "torn": (line(9)[:-3], 400, "malformed_body"),
    "two values": (b"{} {}", 400, "malformed_body"),
    "a list": (b"[1]", 422, "invalid_case"),
    "a word": (b'"case"', 422, "invalid_case"),
    "null": (b"null", 422, "invalid_case"),
    "an empty object": (b"{}", 422, "invalid_case"),
    "GBK": (json.dumps(application(), ensure_ascii=False).encode("gbk"), 400, "malformed_body"),
    "half a character": (b'{"case_no": "\xe4\xba"}', 400, "malformed_body"),
    "a byte order mark": (b"\xef\xbb\xbf" + line(9), 400, "malformed_body"),
    "33 levels": (b'{"form":' * 33 + b"1" + b"}" * 33, 400, "malformed_body"),
    "20000 levels": (b"[" * 20_000 + b"]" * 20_000, 400, "malformed_body"),
    "too long": (b'{"a": "' + b"x" * BODY_LIMIT + b'"}', 413, "body_too_large"),
    "much too long": (b"x" * 40 * BODY_LIMIT, 413, "body_too_large"),
    "a NUL": (b'{"case_no": "\\u0000"}', 400, "malformed_body"),
    "a key that is no text": (b'{"case_no": {}, "references": {"hall": []}}', 422, "invalid_case"),
    "references that are a list": (b'{"case_no": "1", "references": ["hall"]}', 422, "invalid_case"),
}


@pytest.mark.parametrize(("bad", "status", "code"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_what_is_no_case_fails_alone_and_leaves_its_own_trace(
    served: Served, bad: bytes, status: int, code: str, end: bytes
) -> None:
    taken = results(post(served, end.join([line(1), bad, line(2)])))
    assert [(each["line"], each["status"]) for each in taken] == [(1, 202), (2, status), (3, 202)]
    assert taken[1]["problem"]["code"] == code
    (trace,) = refusals(served)
    assert (trace.code, trace.source, trace.path) == (code, "window", BATCH)
    assert trace.body_size == (0 if status == 413 else len(bad))


def test_a_byte_order_mark_at_the_beginning_is_the_first_lines_fault(served: Served) -> None:
    assert outcomes(post(served, b"\xef\xbb\xbf" + lines(1, 2))) == [(1, 400), (2, 202)]


def test_blank_lines_count_and_are_skipped(served: Served) -> None:
    assert outcomes(post(served, b"\r\n\n  \t\r\n" + line(1) + b"\r\n\r\n" + line(2))) == [(4, 202), (6, 202)]
    assert post(served, b"").content == post(served, b"\n" * 10).content == b""


def test_a_million_empty_lines_hold_up_nothing(served: Served) -> None:
    assert outcomes(post(served, b"\n" * 1_000_000 + line(1))) == [(1_000_001, 202)]


def test_a_line_of_just_the_limit_is_taken(served: Served) -> None:
    full = line(1) + b" " * (BODY_LIMIT - len(line(1)))
    assert outcomes(post(served, full + b"\r\n" + full + b" \r\n")) == [(1, 202), (2, 413)]


def test_lines_of_one_case_keep_their_order(served: Served) -> None:
    """Also those that only a reference makes one case; the others are taken side by side."""
    channels = ["app", "portal", "window"] * 20
    body = b"\n".join(line(f"O{no % 4}", channel=channel) for no, channel in enumerate(channels))
    revisions: dict[str, list[int]] = {}
    for each in results(post(served, body)):
        revisions.setdefault(each["case_no"], []).append(each["revision"])
    assert list(revisions.values()) == [list(range(1, 16))] * 4
    pairs = [line(f"{which}{no}", references={"hall": f"H{no}"}) for no in range(20) for which in ("first", "second")]
    assert [status for _, status in outcomes(post(served, b"\n".join(pairs)))] == [202, 409] * 20


def test_a_line_begins_only_when_those_of_the_same_numbers_before_it_have_ended(
    sqlite_store: SqlStore, keyring: SiteKeyring, clock: SetClock
) -> None:
    """The store keeps the order of what reaches it at once, so that only a slow flow shows who waits for whom."""
    seen: list[str] = []

    async def slow_first(gate: Any, caller: Any, document: Any, call: Any) -> Any:
        seen.append(f"begin {document['case_no']}")
        for _ in range(0 if seen[1:] else 50):
            await asyncio.sleep(0.001)
        accepted = await intake.post_case(gate, caller, document, call)
        seen.append(f"end {document['case_no']}")
        return accepted

    with serving(sqlite_store, keyring, clock, flows=Flows(post_case=slow_first)) as served:
        tied = [line("1", references={"hall": "H"}), line("2", references={"hall": "H"}), line("1", channel="app")]
        post(served, b"\n".join([*tied, line("3")]))
    assert seen.index("begin SP-2") > seen.index("end SP-1")
    assert seen.index("begin SP-3") < seen.index("end SP-1")
    assert [each for each in seen if each.endswith("SP-1")] == ["begin SP-1", "end SP-1"] * 2


def test_the_metrics_count_every_line(served: Served) -> None:
    post(served, lines(1, 2) + b"{\n" + line(1))
    text = served.call("GET", "/metrics", key=served.key("viewer")).text
    assert 'syncgate_intake_answers_total{code="accepted"} 2.0' in text
    assert 'syncgate_intake_answers_total{code="unchanged"} 1.0' in text
    assert 'syncgate_intake_answers_total{code="malformed_body"} 1.0' in text


def test_problems_are_told_in_the_callers_language(served: Served) -> None:
    told = {
        language: results(post(served, b"{", **{"Accept-Language": language}))[0]["problem"]["title"]
        for language in ("zh", "en")
    }
    assert told["zh"] != told["en"]


# what the whole call is refused for


def test_a_batch_takes_no_idempotency_key_and_no_revision(served: Served) -> None:
    answer = post(served, lines(1), **{"Idempotency-Key": "k", "If-Match": '"1"'})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert {error["pointer"] for error in answer.json()["errors"]} == {"/header/idempotency-key", "/header/if-match"}
    assert case_numbers(served) == set()


@pytest.mark.parametrize("kind", ["application/json", "text/csv", "application/x-ndjson; charset=gbk", ""])
def test_another_media_type_is_refused_whole(served: Served, kind: str) -> None:
    answer = post(served, lines(1), **{"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_a_packed_batch_is_refused_whole(served: Served) -> None:
    answer = post(served, gzip.compress(lines(1)), **{"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_who_may_not_post_may_not_post_many(served: Served) -> None:
    assert post(served, lines(1), key="sgk_wrong").status_code == 401
    assert post(served, lines(1), key=served.key("viewer"), **{"X-Source": "window"}).status_code == 403
    both = served.key(sources=("window", "hall"))
    assert post(served, lines(1), key=both).status_code == 403
    assert outcomes(post(served, lines(1), key=both, **{"X-Source": "hall"})) == [(1, 202)]


# the stream


def test_results_come_while_the_request_is_still_written(served: Served) -> None:
    with Caller(served, served.key()) as caller:
        for number in (1, 2, 3):
            body = line(number)
            caller.write(body[:20])
            caller.write(body[20:] + b"\n")
            (result,) = caller.results(1)
            assert (result["line"], result["status"]) == (number, 202)
        caller.write(line(4))
        caller.end()
        assert [result["line"] for result in caller.results(2)] == [4]
        assert (caller.status, caller.headers["content-type"]) == (200, "application/x-ndjson")


def test_a_caller_that_writes_all_before_it_reads_gets_all(served: Served) -> None:
    with Caller(served, served.key(), receive_buffer=4096) as caller:
        caller.write(lines(*range(200)))
        caller.end()
        assert [result["line"] for result in caller.results(201)] == list(range(1, 201))


def test_a_caller_that_does_not_read_stops_the_reading_and_loses_nothing(
    sqlite_store: SqlStore, keyring: SiteKeyring, clock: SetClock
) -> None:
    """The memory that results take is bounded: what cannot be sent is not begun."""
    settings = replace(SETTINGS, results_held=20_000, lines_under_way=8)
    begun: list[str] = []

    async def counting(gate: Any, caller: Any, document: Any, call: Any) -> Any:
        begun.append(document["case_no"])
        accepted = await intake.post_case(gate, caller, document, call)
        return replace(accepted, receipt="R" * 2000)

    count = 3000
    with serving(sqlite_store, keyring, clock, settings=settings, flows=Flows(post_case=counting)) as served:
        with Caller(served, served.key(), receive_buffer=4096) as caller:
            writing = threading.Thread(target=caller.write_whole, args=(lines(*range(count)),))
            writing.start()
            _until_quiet(begun)
            assert 0 < len(begun) < count
            results = caller.results(count + 1)
            writing.join(20)
        assert [result["line"] for result in results] == list(range(1, count + 1))
        assert len(begun) == len(set(begun)) == count


def _until_quiet(begun: list[str]) -> None:
    """Waits until something has begun and nothing more begins."""
    waiting, before = threading.Event(), -1
    while not begun or before != len(begun):
        before = len(begun)
        waiting.wait(0.5)


def test_a_caller_that_leaves_in_the_middle_keeps_what_was_taken(served: Served) -> None:
    key = served.key()
    with Caller(served, key) as caller:
        caller.write(lines(1, 2, 3) + line(4)[:50])
        assert len(caller.results(3)) == 3
    assert outcomes(post(served, lines(5), key=key)) == [(1, 202)]
    assert case_numbers(served) == {"SP-1", "SP-2", "SP-3", "SP-5"}


def test_a_torn_last_line_is_not_taken_when_the_caller_leaves(served: Served) -> None:
    """A line whose end never came may be cut short, so that it is not read as if it were whole."""
    key = served.key()
    with Caller(served, key) as caller:
        caller.write(lines(1) + line(2))
        caller.results(1)
    post(served, lines(3), key=key)
    assert case_numbers(served) == {"SP-1", "SP-3"}


@pytest.fixture
def slow(sqlite_store: SqlStore, keyring: SiteKeyring, clock: SetClock) -> Iterator[tuple[Served, Any]]:
    """A gate whose flow waits until it is let go."""
    let_go, begun = threading.Event(), []

    async def waiting(gate: Any, caller: Any, document: Any, call: Any) -> Any:
        begun.append(document["case_no"])
        await asyncio.to_thread(let_go.wait, 20)
        return await intake.post_case(gate, caller, document, call)

    settings = replace(SETTINGS, lines_under_way=2)
    with serving(sqlite_store, keyring, clock, settings=settings, flows=Flows(post_case=waiting)) as served:
        yield served, (let_go, begun)


def test_what_was_not_read_when_the_caller_left_is_never_taken(slow: tuple[Served, Any]) -> None:
    """What was begun ends and is stored, though nobody hears of it."""
    served, (let_go, begun) = slow
    key = served.key()
    with Caller(served, key) as caller:
        caller.write(lines(1, 2, 3))
        _until_quiet(begun)
        caller.write(lines(4, 5))
        _until_quiet(begun)
    _until_quiet(begun)
    assert begun == ["SP-1", "SP-2"]
    let_go.set()
    assert outcomes(post(served, lines(9), key=key)) == [(1, 202)]
    _until_quiet(begun)
    assert case_numbers(served) - {"SP-3"} == {"SP-1", "SP-2", "SP-9"}


def test_lines_that_wait_for_another_when_the_caller_leaves_are_never_taken(slow: tuple[Served, Any]) -> None:
    served, (let_go, begun) = slow
    key = served.key()
    with Caller(served, key) as caller:
        caller.write_whole(line(1) + b"\n" + line(1, channel="app"))
        _until_quiet(begun)
    _until_quiet(begun)
    let_go.set()
    assert outcomes(post(served, lines(9), key=key)) == [(1, 202)]
    assert begun == ["SP-1", "SP-9"]


# what the gate does meanwhile


def test_a_gate_that_ends_says_of_every_further_line_that_it_was_not_taken(served: Served) -> None:
    key = served.key()
    with Caller(served, key) as caller:
        caller.write(lines(1))
        assert [result["status"] for result in caller.results(1)] == [202]
        served.ending.set()
        caller.write(lines(2, 3))
        caller.end()
        later = caller.results(3)
    assert [(each["line"], each["status"], each["problem"]["code"]) for each in later] == [
        (2, 503, "store_unavailable"),
        (3, 503, "store_unavailable"),
    ]
    served.ending.clear()
    assert case_numbers(served) == {"SP-1"}


def test_a_gate_that_ends_breaks_off_a_batch_that_does_not(served: Served) -> None:
    """An answer without its last piece is no whole answer for any caller."""
    with Caller(served, served.key()) as caller:
        caller.write(lines(1))
        caller.results(1)
        served.ending.set()
        with pytest.raises(BrokenOff):
            caller.read()


def test_a_batch_that_pauses_too_long_is_broken_off(
    sqlite_store: SqlStore, keyring: SiteKeyring, clock: SetClock
) -> None:
    settings = replace(SETTINGS, piece_within=timedelta(milliseconds=300))
    with serving(sqlite_store, keyring, clock, settings=settings) as served:
        key = served.key()
        with Caller(served, key) as caller:
            caller.write(lines(1) + line(2)[:10])
            caller.results(1)
            with pytest.raises(BrokenOff):
                caller.read()
        with Caller(served, key) as caller:
            with pytest.raises(ValueError):
                caller.read()
            assert caller.status == 408
        assert {trace.code for trace in refusals(served)} == {"request_timeout"}
        assert case_numbers(served) == {"SP-1"}


def test_a_store_that_is_away_fails_line_by_line(sqlite_store: SqlStore, keyring: SiteKeyring, clock: SetClock) -> None:
    """Promise 1: no line is ever answered 2xx that was not stored."""

    class Failing:
        def __init__(self, writer: Any) -> None:
            self.real, self.writes_left = writer, 10_000

        async def write(self, step: Any) -> Any:
            self.writes_left -= 1
            if self.writes_left < 0:
                raise StoreUnavailable("expected a commit, got none")
            return await self.real.write(step)

        async def read(self, step: Any) -> Any:
            return await self.real.read(step)

    with serving(sqlite_store, keyring, clock, wrap=Failing) as served:
        key = served.key()
        failing: Any = served.gate.writer
        failing.writes_left = 3
        answered = results(post(served, lines(*range(10)), key=key))
        failing.writes_left = 10_000
        assert [each["line"] for each in answered] == list(range(1, 11))
        assert {each["status"] for each in answered} == {202, 503}
        taken = {each["case_no"] for each in answered if each["status"] == 202}
        assert case_numbers(served) == taken and len(taken) == 3


def test_what_nobody_expected_fails_its_line_alone(
    sqlite_store: SqlStore, keyring: SiteKeyring, clock: SetClock
) -> None:
    async def broken(gate: Any, caller: Any, document: Any, call: Any) -> Any:
        if document["case_no"] == "SP-2":
            raise RuntimeError("SECRET")
        return await intake.post_case(gate, caller, document, call)

    with serving(sqlite_store, keyring, clock, flows=Flows(post_case=broken)) as served:
        taken = results(post(served, lines(1, 2, 3)))
        assert [each["status"] for each in taken] == [202, 500, 202]
        assert taken[1]["problem"]["id"] and "SECRET" not in json.dumps(taken)


def test_two_batches_and_posts_at_once_make_one_case_each(served: Served) -> None:
    key = served.key()
    bodies = [lines(*range(100)), lines(*reversed(range(100)))]
    answers: list[httpx.Response] = []
    threads = [
        threading.Thread(target=lambda body=body: answers.append(post(served, body, key=key))) for body in bodies
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert {status for answer in answers for _, status in outcomes(answer)} <= {200, 202}
    assert len(case_numbers(served)) == 100
    identities = {(each["case_no"], each["case_id"]) for answer in answers for each in results(answer)}
    assert len(identities) == 100
