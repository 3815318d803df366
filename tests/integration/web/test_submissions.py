"""Cases over a socket: what is taken, what is refused, and what is left behind."""

from __future__ import annotations

import gzip
import json
import socket
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from syncgate.domain.errors import CommitUnknown, StoreUnavailable
from syncgate.domain.rows import Lane
from syncgate.storage import SiteKeyring, SqlStore
from tests.integration.web.served import BODY_LIMIT, LOCAL_TOKEN, SETTINGS, Served, serving
from tests.integration.web.test_reading import placed
from tests.support.rows import SetClock
from tests.unit.web.sample import MOBILE, NAME, application, hotline, resident

STAGE = {"id": "s1", "kind": "accepted", "at": "2026-05-01T09:00:00+08:00"}


def refusals(served: Served) -> list[Any]:
    return served.read(lambda tx: tx.list_refusals(limit=100))


def test_a_case_is_taken_and_found_under_its_location(served: Served) -> None:
    key = served.key()
    answer = served.call("POST", "/v1/cases", key=key, json=application())
    assert answer.status_code == 202
    receipt = answer.json()
    assert set(receipt) == {"case_id", "case_no", "revision", "receipt", "deliveries", "warnings"}
    assert (receipt["case_no"], receipt["revision"], receipt["warnings"]) == ("SP-990101-0001", 1, [])
    assert answer.headers["etag"] == '"1"'
    found = served.call("GET", answer.headers["location"], key=key)
    assert (found.json()["document"], found.headers["etag"]) == (application(), '"1"')


def test_the_same_content_again_changes_nothing(served: Served) -> None:
    key = served.key()
    first = served.call("POST", "/v1/cases", key=key, json=application()).json()
    again = served.call("POST", "/v1/cases", key=key, json=application())
    assert again.status_code == 200
    assert again.json() == first | {"unchanged": True}


def test_other_content_makes_the_next_revision(served: Served) -> None:
    key = served.key()
    served.call("POST", "/v1/cases", key=key, json=application())
    answer = served.call("POST", "/v1/cases", key=key, json=application(channel="app"))
    assert (answer.status_code, answer.json()["revision"]) == (202, 2)


def test_an_idempotency_key_answers_as_the_first_time(served: Served) -> None:
    """Promise 2: also after the case has moved on."""
    key, once = served.key(), {"Idempotency-Key": "k-1"}
    first = served.call("POST", "/v1/cases", key=key, json=application(), headers=once)
    served.call("POST", "/v1/cases", key=key, json=application(channel="app"))
    again = served.call("POST", "/v1/cases", key=key, json=application(), headers=once)
    assert (again.status_code, again.json()) == (202, first.json())


def test_an_idempotency_key_with_another_body_is_refused(served: Served) -> None:
    key, once = served.key(), {"Idempotency-Key": "k-1"}
    served.call("POST", "/v1/cases", key=key, json=application(), headers=once)
    other = served.call("POST", "/v1/cases", key=key, json=application(channel="app"), headers=once)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_the_order_of_keys_and_spaces_is_not_another_body(served: Served) -> None:
    key, once = served.key(), {"Idempotency-Key": "k-1", "Content-Type": "application/json"}
    turned = json.dumps(dict(reversed(application().items())), indent=3).encode()
    first = served.call("POST", "/v1/cases", key=key, json=application(), headers=once)
    again = served.call("POST", "/v1/cases", key=key, content=turned, headers=once)
    assert again.json() == first.json()


def test_put_patch_and_stages_make_revisions(served: Served) -> None:
    key = served.key()
    place = served.call("POST", "/v1/cases", key=key, json=application()).headers["location"]
    put = served.call("PUT", place, key=key, json=application(channel="app"), headers={"If-Match": '"1"'})
    merge = {"Content-Type": "application/merge-patch+json", "If-Match": '"2"'}
    patch = served.call("PATCH", place, key=key, content=b'{"channel": "portal"}', headers=merge)
    one = served.call("POST", f"{place}/stages", key=key, json=STAGE)
    more = served.call("POST", f"{place}/stages", key=key, json={"stages": [STAGE, STAGE | {"id": "s2"}]})
    assert [answer.status_code for answer in (put, patch, one, more)] == [202] * 4
    assert [answer.json()["revision"] for answer in (put, patch, one, more)] == [2, 3, 4, 5]
    document = served.call("GET", place, key=key).json()["document"]
    assert (document["channel"], [stage["id"] for stage in document["stages"]]) == ("portal", ["s1", "s2"])


def test_a_path_may_name_a_case_by_a_systems_number(served: Served) -> None:
    key = served.key()
    served.call("POST", "/v1/cases", key=key, json=application(references={"hall": "京/1 (2) %2F"}))
    for name in ("window:SP-990101-0001", "hall:%E4%BA%AC%2F1%20(2)%20%252F"):
        found = served.call("GET", f"/v1/cases/{name}", key=key)
        assert (found.status_code, found.json()["case"]["case_no"]) == (200, "SP-990101-0001")


def test_a_stale_if_match_is_refused(served: Served) -> None:
    key = served.key()
    place = served.call("POST", "/v1/cases", key=key, json=application()).headers["location"]
    answer = served.call("PATCH", place, key=key, json={"channel": "app"}, headers={"If-Match": '"9"'})
    assert (answer.status_code, answer.json()["code"]) == (412, "stale_revision")


def test_a_known_stage_with_other_content_is_refused(served: Served) -> None:
    key = served.key()
    place = served.call("POST", "/v1/cases", key=key, json=application(stages=[STAGE])).headers["location"]
    answer = served.call("POST", f"{place}/stages", key=key, json=STAGE | {"kind": "step"})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert answer.json()["errors"][0]["rule"] == "known_with_other_content"


def test_a_wrong_check_digit_is_taken_with_a_warning(served: Served) -> None:
    wrong = resident()[:17] + ("1" if resident()[17] != "1" else "2")
    applicant = application()["applicant"] | {"id_no": wrong}
    answer = served.call("POST", "/v1/cases", key=served.key(), json=application(applicant=applicant))
    assert answer.status_code == 202
    (warning,) = answer.json()["warnings"]
    assert warning["rule"] == "resident_id_check_digit"
    assert "GB 11643" in warning["message"]


JSON = {"Content-Type": "application/json"}
GOOD = json.dumps(application()).encode()
MALFORMED: dict[str, bytes] = {
    "nothing": b"",
    "torn": GOOD[:-5],
    "two values": GOOD + GOOD,
    "not JSON": b"kind=application",
    "GBK": json.dumps(application(), ensure_ascii=False).encode("gbk"),
    "UTF-16": GOOD.decode().encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "a key twice": GOOD[:-1] + b', "kind": "hotline"}',
    "a key twice deep down": b'{"form": {"a": 1, "a": 2}}',
    "NaN": b'{"form": {"a": NaN}}',
    "Infinity": b'{"form": {"a": -Infinity}}',
    "beyond a double": b'{"form": {"a": 1e999}}',
    "too small for a double": b'{"form": {"a": 1e-999}}',
    "more digits than a double keeps": b'{"form": {"a": 0.12345678901234567890123}}',
    "beyond 64 bits": b'{"form": {"a": 9223372036854775808}}',
    "a very long integer": b'{"form": {"a": ' + b"9" * 5000 + b"}}",
    "NUL": b'{"form": {"a": "\\u0000"}}',
    "half a character": b'{"form": {"a": "\\ud83d"}}',
    "half a character in a key": b'{"form": {"\\udc00": 1}}',
    "a raw control character": b'{"form": {"a": "\x01"}}',
    "33 levels": b'{"form":' * 33 + b"1" + b"}" * 33,
    "20000 levels": b"[" * 20_000 + b"]" * 20_000,
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_body_is_refused_and_leaves_its_trace(served: Served, body: bytes) -> None:
    answer = served.call("POST", "/v1/cases", key=served.key(), content=body, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_body")
    assert answer.headers["content-type"] == "application/problem+json"
    (trace,) = refusals(served)
    assert (trace.code, trace.status, trace.source, trace.path) == ("malformed_body", 400, "window", "/v1/cases")
    assert trace.body_size == len(body)


MEDIA: dict[str, dict[str, str]] = {
    "none": {},
    "text": {"Content-Type": "text/plain"},
    "a merge patch": {"Content-Type": "application/merge-patch+json"},
    "another charset": {"Content-Type": "application/json; charset=gb18030"},
    "packed": {"Content-Type": "application/json", "Content-Encoding": "gzip"},
}


@pytest.mark.parametrize("headers", MEDIA.values(), ids=MEDIA)
def test_another_media_type_charset_or_coding_is_refused(served: Served, headers: dict[str, str]) -> None:
    body = gzip.compress(GOOD) if "Content-Encoding" in headers else GOOD
    answer = served.call("POST", "/v1/cases", key=served.key(), content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_a_charset_that_says_utf_8_is_taken(served: Served) -> None:
    headers = {"Content-Type": 'Application/JSON; charset="UTF-8"'}
    assert served.call("POST", "/v1/cases", key=served.key(), content=GOOD, headers=headers).status_code == 202


def test_an_announced_oversized_body_is_refused_before_it_is_read(served: Served) -> None:
    host, port = served.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        request = (
            f"POST /v1/cases HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {served.key()}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {10**12}\r\n\r\n"
        )
        connection.sendall(request.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_an_oversized_stream_is_refused_at_the_limit(served: Served) -> None:
    def chunks() -> Any:
        for _ in range(BODY_LIMIT // 1000 + 2):
            yield b" " * 1000

    try:
        answer = served.call("POST", "/v1/cases", key=served.key(), content=chunks(), headers=JSON)
    except httpx.WriteError:
        pytest.skip("the server closed before the client was done")
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_a_body_of_just_the_limit_is_read(served: Served) -> None:
    body = GOOD + b" " * (BODY_LIMIT - len(GOOD))
    assert served.call("POST", "/v1/cases", key=served.key(), content=body, headers=JSON).status_code == 202
    assert served.call("POST", "/v1/cases", key=served.key(), content=body + b" ", headers=JSON).status_code == 413


BROKEN = application(
    case_no="a b", channel="fax", applied_at="yesterday", xyz="私密值XQ", contact={"name": "", "mobile": MOBILE}
)


def test_an_invalid_case_names_every_field_at_once_in_the_callers_language(served: Served) -> None:
    def told(language: str) -> Any:
        headers = {"Accept-Language": language}
        return served.call("POST", "/v1/cases", key=served.key(), json=BROKEN, headers=headers).json()

    zh, en = told("zh-CN,zh;q=0.9,en;q=0.8"), told("en-GB")
    assert (zh["code"], zh["status"], zh["title"]) == ("invalid_case", 422, "办件内容有误")
    assert {error["pointer"]: error["rule"] for error in zh["errors"]} == {
        "/case_no": "pattern",
        "/channel": "enum",
        "/applied_at": "format",
        "/xyz": "unknown_field",
        "/contact/name": "min_length",
    }
    assert {error["title"] for error in zh["errors"]} >= {"申请渠道", "联系人姓名"}
    assert {error["title"] for error in en["errors"]} >= {"channel", "name of the contact"}
    assert "长度不得少于 1 个字符" in {error["message"] for error in zh["errors"]}
    assert "must have at least 1 characters" in {error["message"] for error in en["errors"]}


def test_nothing_of_an_invalid_case_is_stored_but_the_masked_trace(served: Served) -> None:
    """Promise 3 and 10: the trace says what rule broke where, and no value, not even a made-up key."""
    broken = BROKEN | {"私密键XQ": 1}
    answer = served.call("POST", "/v1/cases", key=served.key(), json=broken)
    assert "私密值XQ" not in answer.text
    (trace,) = refusals(served)
    assert {(error["pointer"], error["rule"]) for error in trace.errors} >= {
        ("/channel", "enum"),
        ("", "unknown_field"),
    }
    assert "私密" not in repr(trace) and MOBILE not in repr(trace)
    assert served.call("GET", "/v1/cases", key=served.key()).json()["cases"] == []


@pytest.mark.parametrize(
    ("body", "at", "rule"),
    [
        ([], "", "type"),
        (3, "", "type"),
        ({"stages": []}, "/stages", "min_items"),
        ({"stages": 3}, "/stages", "type"),
        ({"stages": [STAGE], "x": 1}, "/x", "unknown_field"),
        ({"stages": [3]}, "/stages/0", "type"),
        ({"stages": [{"id": {}, "kind": "step"}]}, "/stages/0/id", None),
        ({"id": "s1"}, "/stages/0/kind", "required"),
    ],
)
def test_stages_of_the_wrong_shape_are_refused(served: Served, body: Any, at: str, rule: str | None) -> None:
    key = served.key()
    place = served.call("POST", "/v1/cases", key=key, json=application()).headers["location"]
    answer = served.call("POST", f"{place}/stages", key=key, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_case")
    assert at in {error["pointer"] for error in answer.json()["errors"]}
    if rule is not None:
        assert rule in {error["rule"] for error in answer.json()["errors"]}


@pytest.mark.parametrize("patch", [{"stages": 3}, {"materials": [3]}, {"applicant": None}, {"item": 3}, {"x": 1}])
def test_a_patch_that_breaks_the_case_is_refused(served: Served, patch: Any) -> None:
    key = served.key()
    place = served.call("POST", "/v1/cases", key=key, json=application()).headers["location"]
    answer = served.call("PATCH", place, key=key, json=patch)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_case")


@pytest.mark.parametrize("name", ["01890000-0000-7000-8000-000000000000", "nonsense", "window:none", "x:y", ":", "a:"])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH"])
def test_an_unknown_case_is_not_found(served: Served, name: str, method: str) -> None:
    body = {} if method == "GET" else {"json": application() if method == "PUT" else {}}
    answer = served.call(method, f"/v1/cases/{name}", key=served.key(), **body)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer sgk_wrong"},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic eDp5"},
        {"X-Api-Key": "x" * 10_000},
        {"X-Api-Key": "密".encode()},
    ],
)
def test_without_a_valid_key_nothing_is_read_or_traced(served: Served, headers: dict[str, Any]) -> None:
    answer = served.call("POST", "/v1/cases", content=b"{", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert refusals(served) == []


@pytest.mark.parametrize("role", ["viewer", "operator", "integrator", "admin", "security", "auditor"])
def test_only_sources_post(served: Served, role: str) -> None:
    answer = served.call("POST", "/v1/cases", key=served.key(role), json=application(), headers={"X-Source": "window"})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_a_key_of_several_sources_says_which(served: Served) -> None:
    key = served.key(sources=("window", "hall"))
    assert served.call("POST", "/v1/cases", key=key, json=application()).status_code == 403
    for source, status in (("hall", 202), ("window", 202), ("elsewhere", 403)):
        headers = {"X-Source": source}
        answer = served.call("POST", "/v1/cases", key=key, json=application(case_no=source), headers=headers)
        assert answer.status_code == status
    alone = served.key()
    answer = served.call("POST", "/v1/cases", key=alone, json=application(), headers={"X-Source": "hall"})
    assert answer.status_code == 403


def test_the_local_token_posts_for_any_known_source(served: Served) -> None:
    headers = {"X-Source": "hall"}
    assert served.call("POST", "/v1/cases", key=LOCAL_TOKEN, json=hotline(), headers=headers).status_code == 202
    headers = {"X-Source": "elsewhere"}
    assert served.call("POST", "/v1/cases", key=LOCAL_TOKEN, json=hotline(), headers=headers).status_code == 403


@pytest.mark.parametrize("header", [{"If-Match": "x"}, {"If-Match": '"1", "2"'}, {"Idempotency-Key": "x" * 256}])
def test_a_header_that_cannot_be_meant_is_refused(served: Served, header: dict[str, str]) -> None:
    answer = served.call("POST", "/v1/cases", key=served.key(), json=application(), headers=header)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_body")


def test_a_header_that_comes_twice_is_refused(served: Served) -> None:
    headers = [("Authorization", f"Bearer {served.key()}"), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    answer = served.client.post("/v1/cases", json=application(), headers=headers)
    assert answer.status_code == 400


def test_a_caller_that_leaves_early_harms_nobody(served: Served) -> None:
    host, port = served.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        head = (
            f"POST /v1/cases HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {served.key()}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(GOOD)}\r\n\r\n"
        )
        connection.sendall(head.encode() + GOOD[:100])
    assert served.call("POST", "/v1/cases", key=served.key(), json=application()).status_code == 202


@pytest.mark.parametrize(
    ("error", "code"), [(StoreUnavailable, "store_unavailable"), (CommitUnknown, "commit_unknown")]
)
def test_a_store_that_did_not_take_it_is_never_a_2xx(
    sqlite_store: SqlStore, keyring: SiteKeyring, clock: SetClock, error: type[StoreUnavailable], code: str
) -> None:
    """Promise 1, at the edge: what the commit's outcome is, the answer says."""

    class Failing:
        def __init__(self, writer: Any) -> None:
            self.real = writer
            self.is_failing = False

        async def write(self, step: Any) -> Any:
            if self.is_failing:
                raise error("expected a commit, got none")
            return await self.real.write(step)

        async def read(self, step: Any) -> Any:
            return await self.real.read(step)

    with serving(sqlite_store, keyring, clock, wrap=Failing) as served:
        key = served.key()
        served.gate.writer.is_failing = True  # type: ignore[attr-defined]
        answer = served.call("POST", "/v1/cases", key=key, json=application())
        assert (answer.status_code, answer.json()["code"]) == (503, code)
        assert answer.headers["retry-after"] == "1"
        refused = served.call("POST", "/v1/cases", key=key, content=b"{", headers=JSON)
        assert refused.status_code == 400


def test_what_nobody_expected_is_told_without_a_word_of_it(
    sqlite_store: SqlStore, keyring: SiteKeyring, clock: SetClock, capfd: pytest.CaptureFixture[str]
) -> None:
    from syncgate.web.flows import Flows

    async def broken(*_: Any) -> Any:
        raise RuntimeError(f"could not store {NAME}")

    with serving(sqlite_store, keyring, clock, flows=Flows(post_case=broken)) as served:
        answer = served.call("POST", "/v1/cases", key=served.key(), json=application())
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    written = answer.text + "".join(capfd.readouterr())
    assert NAME not in written
    assert answer.json()["id"]


def test_references_that_cannot_hold_are_refused(served: Served) -> None:
    key, hall = served.key(), served.key(sources=("hall",))
    served.call("POST", "/v1/cases", key=key, json=application(references={"hall": "H-1"}))
    served.call("POST", "/v1/cases", key=hall, json=application(case_no="H-2"))
    both = served.call("POST", "/v1/cases", key=key, json=application(references={"hall": "H-2"}))
    other = served.call("POST", "/v1/cases", key=key, json=application(references={"hall": "H-9"}))
    assert [(answer.status_code, answer.json()["code"]) for answer in (both, other)] == [(409, "conflict")] * 2


def test_a_reference_to_an_unknown_system_harms_nothing(served: Served) -> None:
    answer = served.call("POST", "/v1/cases", key=served.key(), json=application(references={"nowhere": "1"}))
    assert answer.status_code in (202, 409, 422)


def test_a_body_that_comes_too_slowly_is_given_up(
    sqlite_store: SqlStore, keyring: SiteKeyring, clock: SetClock
) -> None:
    settings = replace(SETTINGS, body_within=timedelta(milliseconds=200))
    with serving(sqlite_store, keyring, clock, settings=settings) as served:
        host, port = served.base.removeprefix("http://").split(":")
        for path in ("/v1/cases", "/v1/systems/hall/pause"):
            with socket.create_connection((host, int(port)), timeout=10) as connection:
                request = (
                    f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {LOCAL_TOKEN}\r\nX-Source: window\r\n"
                    "Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
                )
                connection.sendall(request.encode())
                assert connection.recv(100).startswith(b"HTTP/1.1 408")
        assert [trace.code for trace in refusals(served)] == ["request_timeout"]


def test_a_withdrawal_is_answered_as_described(served: Served) -> None:
    key = served.key()
    first = served.call("POST", "/v1/cases", key=key, json=application()).json()
    target = f"/v1/cases/{first['case_id']}/withdraw"
    withdrawn = served.call("POST", target, key=key, json={"reason": "申请人不再办理", "by": "王样本"})
    assert (withdrawn.status_code, withdrawn.json()["revision"], withdrawn.json()["in_flight"]) == (202, 2, 0)
    again = served.call("POST", target, key=key, json={"reason": "又一次"})
    assert (again.status_code, again.json()["unchanged"], again.json()["in_flight"]) == (200, True, 0)
    read = served.call("GET", f"/v1/cases/{first['case_id']}", key=key).json()
    assert read["case"]["state"] == "withdrawn"
    assert [(s["kind"], s["reason"]) for s in read["document"]["stages"]][-1] == ("withdrawn", "申请人不再办理")
    more = served.call("PATCH", f"/v1/cases/{first['case_id']}", key=key, json={"channel": "app"})
    assert (more.status_code, more.json()["code"]) == (409, "case_withdrawn")


def test_a_voided_case_says_so_and_is_taken_up_again(served: Served) -> None:
    key = served.key()
    case = f"/v1/cases/{served.call('POST', '/v1/cases', key=key, json=application()).json()['case_id']}"
    voided = served.call("POST", f"{case}/void", key=key, json={"reason": "录入有误", "by": "王样本"})
    assert (voided.status_code, voided.json()["revision"], voided.json()["in_flight"]) == (202, 2, 0)
    assert served.call("GET", f"{case}/passport", key=key).json()["case"]["state"] == "void"
    more = served.call("PATCH", case, key=key, json={"channel": "app"})
    assert (more.status_code, more.json()["code"]) == (409, "case_void")
    reopened = served.call("POST", f"{case}/reopen", key=key, json={"reason": "并无错误"})
    assert (reopened.status_code, reopened.json()["revision"]) == (202, 3)
    read = served.call("GET", case, key=key).json()
    assert read["case"]["state"] == "open"
    assert [(s["kind"], s["reason"]) for s in read["document"]["stages"]][-1] == ("reopened", "并无错误")
    assert served.call("POST", f"{case}/reopen", key=key, json={}).status_code == 422


def test_two_cases_are_merged_and_the_old_names_lead_to_the_one(served: Served) -> None:
    key = served.key()
    first, second = (
        served.call("POST", "/v1/cases", key=key, json=application(case_no=number)).json()["case_id"]
        for number in ("QX1", "QX2")
    )
    body = {"into": "window:QX1", "reason": "同一诉求"}
    merged = served.call("POST", f"/v1/cases/{second}/merge", key=served.key("operator"), json=body)
    assert (merged.status_code, merged.json()["case_id"], merged.json()["in_flight"]) == (202, first, 0)
    for name in (second, "window:QX2"):
        passport = served.call("GET", f"/v1/cases/{name}/passport", key=key).json()
        assert passport["case"]["case_id"] == first
        assert [one["case_no"] for one in passport["merged"]] == ["QX2"]
    again = served.call("POST", f"/v1/cases/{second}/merge", key=key, json=body)
    assert (again.status_code, again.json()["unchanged"]) == (200, True)
    ended = served.call("POST", f"/v1/cases/{second}/withdraw", key=key, json={"reason": "x"})
    assert (ended.status_code, ended.json()["code"]) == (409, "case_merged")
    wrong = served.call("POST", f"/v1/cases/{first}/merge", key=key, json={"into": "nobody"})
    assert wrong.status_code == 422
    wrong = served.call("POST", f"/v1/cases/{first}/merge", key=key, json={"why": "x"})
    assert [(e["pointer"], e["rule"]) for e in wrong.json()["errors"]] == [
        ("/into", "required"),
        ("/why", "unknown_field"),
        ("/reason", "required"),
    ]


def test_likely_duplicates_are_listed_until_a_person_tells_them_apart(served: Served) -> None:
    key, person = served.key(), served.key("operator")
    for number in ("QX1", "QX2"):
        served.call("POST", "/v1/cases", key=key, json=application(case_no=number))
        served.clock.move(seconds=1)
    (pair,) = served.call("GET", "/v1/duplicates", key=person).json()["pairs"]
    assert (pair["case"]["case_no"], pair["other"]["case_no"], pair["alike"]) == ("QX2", "QX1", ["applicant"])
    body = {"cases": ["window:QX1", "window:QX2"], "reason": "两个经营场所"}
    assert served.call("POST", "/v1/duplicates:dismiss", key=key, json=body).status_code == 403
    told = served.call("POST", "/v1/duplicates:dismiss", key=person, json=body)
    assert (told.status_code, told.json()["case_id"]) == (200, pair["case"]["case_id"])
    assert served.call("GET", "/v1/duplicates", key=person).json() == {"pairs": [], "next": None}


def test_a_withdrawal_is_for_sources_and_operators(served: Served) -> None:
    first = served.call("POST", "/v1/cases", key=served.key(), json=application()).json()
    target, body = f"/v1/cases/{first['case_id']}/withdraw", {"reason": "重复申报"}
    assert served.call("POST", target, key=served.key("viewer"), json=body).status_code == 403
    assert served.call("POST", target, key=served.key(sources=("hall",)), json=body).status_code == 404
    assert served.call("POST", target, key=served.key("operator"), json=body).status_code == 202
    assert served.call("POST", "/v1/cases/hall:none/withdraw", key=served.key(), json=body).status_code == 404


def test_a_withdrawal_without_a_reason_is_refused_by_field(served: Served) -> None:
    first = served.call("POST", "/v1/cases", key=served.key(), json=application()).json()
    target = f"/v1/cases/{first['case_id']}/withdraw"
    answer = served.call("POST", target, key=served.key(), json={"by": "王样本", "why": "x"})
    assert answer.status_code == 422
    assert [(e["pointer"], e["rule"]) for e in answer.json()["errors"]] == [
        ("/why", "unknown_field"),
        ("/reason", "required"),
    ]


def test_a_finished_case_is_not_withdrawn(served: Served) -> None:
    key = served.key()
    finished = {"id": "f", "kind": "finished", "at": "2026-05-02T09:00:00+08:00", "decision": {"result_code": "0"}}
    first = served.call("POST", "/v1/cases", key=key, json=application(stages=[finished])).json()
    answer = served.call("POST", f"/v1/cases/{first['case_id']}/withdraw", key=key, json={"reason": "x"})
    assert (answer.status_code, answer.json()["code"]) == (409, "case_finished")


@pytest.mark.parametrize(("systems", "status"), [(("hall", "food"), 403), (("hall",), 202)])
def test_an_operator_of_one_system_does_not_take_back_what_others_hold(
    served: Served, systems: tuple[str, ...], status: int
) -> None:
    first = served.call("POST", "/v1/cases", key=served.key(), json=application()).json()
    for system in systems:
        placed(served, UUID(first["case_id"]), system=system)
    target, key = f"/v1/cases/{first['case_id']}/withdraw", served.key("operator", systems=("hall",))
    assert served.call("POST", target, key=key, json={"reason": "重复申报"}).status_code == status


def test_an_operator_of_one_source_does_not_withdraw_for_another(served: Served) -> None:
    first = served.call("POST", "/v1/cases", key=served.key(), json=application()).json()
    lane = Lane(case_id=UUID(first["case_id"]), system="hall", case_ref="H1")
    served.write(lambda tx: tx.insert_lanes([lane]))
    target, body = f"/v1/cases/{first['case_id']}/withdraw", {"reason": "重复申报"}
    assert served.call("POST", target, key=served.key("operator", sources=("hall",)), json=body).status_code == 403
    assert served.call("POST", target, key=served.key("operator", sources=("window",)), json=body).status_code == 202


@pytest.mark.parametrize("ending", ["withdraw", "void", "reopen"])
@pytest.mark.parametrize("at", ["garbage", "2026-05-01", "2026-05-01T09:00:00", "0"])
def test_an_ending_at_no_time_is_refused_also_where_it_would_change_nothing(
    served: Served, ending: str, at: str
) -> None:
    key = served.key()
    place = served.call("POST", "/v1/cases", key=key, json=application()).headers["location"]
    answer = served.call("POST", f"{place}/{ending}", key=key, json={"reason": "并无错误", "at": at})
    assert answer.status_code == 422, answer.text
    assert [(error["pointer"], error["rule"]) for error in answer.json()["errors"]] == [("/at", "format")]
