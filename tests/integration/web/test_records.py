"""A source's own records over a socket: kept first, read in its format and charset, answered in its words."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

import httpx
import pytest

from syncgate.domain.arrivals import Arrival, ArrivalState
from syncgate.domain.errors import StoreUnavailable
from syncgate.flows.taking_in import keeping, taking
from syncgate.records import JsonSettings
from tests.integration.web.served import BODY_LIMIT, Served
from tests.integration.web.words import GOOD, UNNUMBERED, a_source

PATH = "/v1/sources/window/records"
JSON = "application/json"


@pytest.fixture
def window(served: Served) -> Served:
    served.gate.inbound["window"] = a_source()
    return served


@pytest.fixture
def holding(served: Served) -> Served:
    served.gate.inbound["window"] = a_source(is_holding=True)
    return served


def written(record: Any, charset: str = "gb18030") -> bytes:
    return json.dumps(record, ensure_ascii=False).encode(charset)


def bring(served: Served, content: bytes, media: str = JSON, **headers: str) -> httpx.Response:
    key = served.key()
    return served.call("POST", PATH, key=key, content=content, headers={"Content-Type": media} | headers)


def arrivals(served: Served) -> list[Arrival]:
    found: list[Arrival] = served.read(
        lambda tx: tx.list_arrivals(sources=None, states=None, after=None, limit=100, is_oldest_first=True)
    )
    return found


def submissions_count(served: Served, case_id: str) -> int:
    return len(served.read(lambda tx: tx.list_submissions(UUID(case_id))))


def xml_of(*records: dict[str, str]) -> bytes:
    orders = "".join(
        "<order>" + "".join(f"<{name}>{value}</{name}>" for name, value in one.items()) + "</order>" for one in records
    )
    return f'<?xml version="1.0" encoding="GBK"?><orders>{orders}</orders>'.encode("gbk")


def form_of(record: dict[str, str]) -> bytes:
    return urlencode(record, encoding="gbk").encode()


@pytest.mark.parametrize(
    ("media", "content"),
    [
        (JSON, written(GOOD)),
        ("application/json; charset=GB18030", written(GOOD)),
        ("application/x-www-form-urlencoded; charset=gb2312", form_of(GOOD)),
    ],
)
def test_one_record_is_answered_as_its_case_would_be(window: Served, media: str, content: bytes) -> None:
    answer = bring(window, content, media)
    assert answer.status_code == 202, answer.text
    receipt = answer.json()
    assert (receipt["case_no"], receipt["revision"]) == ("P-0001", 1)
    case = window.call("GET", answer.headers["location"], key=window.key()).json()["document"]
    assert (case["item"]["name"], case["channel"]) == ("路灯不亮", "phone")
    again = bring(window, content, media)
    assert (again.status_code, again.json()) == (200, receipt | {"unchanged": True})


def test_several_records_get_a_result_each_and_a_bad_one_fails_alone(window: Served) -> None:
    records = [GOOD, GOOD | {"编号": "P-0002", "渠道": "传真"}, GOOD | {"编号": "P-0003"}]
    answer = bring(window, xml_of(*records), "text/xml")
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [one["status"] for one in results] == [202, 422, 202]
    assert [one["pointer"] for one in results[1]["problem"]["errors"]] == ["/渠道"]
    assert [one.get("case_no") for one in results] == ["P-0001", None, "P-0003"]
    (body,) = arrivals(window)
    assert (body.state, body.detail["records_count"], body.detail["refused_count"]) == (ArrivalState.TAKEN, 3, 1)


def test_records_of_one_case_in_one_body_go_in_one_after_another(window: Served) -> None:
    records = [GOOD | {"备注": str(no)} for no in range(5)]
    results = bring(window, written(records)).json()["results"]
    assert [one["revision"] for one in results] == [1, 2, 3, 4, 5]


def test_the_declared_path_of_the_records_counts(served: Served) -> None:
    served.gate.inbound["window"] = a_source(json=JsonSettings(records="/data/list"))
    answer = bring(served, written({"data": {"list": [GOOD]}}, "utf-8"))
    assert [one["status"] for one in answer.json()["results"]] == [202]
    assert bring(served, written(GOOD, "utf-8")).json()["code"] == "file_refused"


def test_every_wrong_field_is_named_as_the_source_names_it(window: Served) -> None:
    """By the mapping, and by the canonical schema behind it; no value is repeated."""
    answer = bring(window, written(GOOD | {"渠道": "传真", "时间": "2026/04/31 08:00"}))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_record")
    errors = {one["pointer"]: one["rule"] for one in answer.json()["errors"]}
    assert errors == {"/渠道": "unmapped_code", "/时间": "not_a_time"}
    assert "传真" not in answer.text
    ruled = bring(window, written(GOOD | {"姓名": "测样甲", "电话": "1" * 60, "事项": ""}))
    assert {one["pointer"] for one in ruled.json()["errors"]} == {"/电话", "/事项"}


def test_problems_are_told_in_chinese_too(window: Served) -> None:
    answer = bring(window, written(GOOD | {"渠道": "传真"}), **{"Accept-Language": "zh"})
    assert answer.json()["title"] == "来源记录有误"
    assert not answer.json()["errors"][0]["message"].isascii()
    assert not answer.json()["detail"].isascii()


@pytest.mark.parametrize(
    ("media", "content", "status", "code"),
    [
        (JSON, b"", 422, "file_refused"),
        (JSON, b"[]", 422, "invalid_record"),
        (JSON, written(GOOD, "utf-8") + b"\xff", 422, "file_refused"),
        (JSON, b'{"a": 1, "a": 2}', 422, "invalid_record"),
        (JSON, b'[{"a": 1, "a": 2}]x', 422, "file_refused"),
        (JSON, b'{"a": ', 422, "invalid_record"),
        ("text/xml", b"<!DOCTYPE x [<!ENTITY e 'x'>]><orders><order>&e;</order></orders>", 422, "file_refused"),
        ("text/xml", b"<orders>" + b"<a>" * 40 + b"</a>" * 40 + b"</orders>", 422, "file_refused"),
        ("text/xml", b"<orders/>", 422, "file_refused"),
        ("text/xml", b"<?xml version='1.0' encoding='utf-8'?><orders/>", 422, "file_refused"),
        ("application/x-www-form-urlencoded", quote("编号").encode() + b"=1&x=%ZZ", 422, "file_refused"),
        ("application/pdf", b"%PDF", 415, "unsupported_media_type"),
        ("application/json; charset=big5", written(GOOD), 415, "unsupported_media_type"),
        ("application/json; charset=nonsense", written(GOOD), 415, "unsupported_media_type"),
        (JSON, b"[" + b" " * BODY_LIMIT + b"]", 413, "body_too_large"),
    ],
)
def test_a_body_that_is_none_is_refused(window: Served, media: str, content: bytes, status: int, code: str) -> None:
    answer = bring(window, content, media)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert window.read(lambda tx: tx.list_refusals(limit=10))[0].code == code
    states = {one.state for one in arrivals(window)}
    assert states == (set() if status in (413, 415) else {ArrivalState.REFUSED})


def test_a_source_without_a_mapping_and_another_ones_key_get_nothing(window: Served) -> None:
    key = window.key(sources=("hall",))
    media = {"Content-Type": JSON}
    assert window.call("POST", PATH, key=key, content=b"{}", headers=media).status_code == 403
    assert window.call("POST", "/v1/sources/hall/records", key=key, content=b"{}", headers=media).status_code == 404
    assert window.call("POST", PATH, content=b"{}", headers=media).status_code == 401


def test_the_body_is_kept_sealed_before_it_is_read(window: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise 1: what was received is there, though the process breaks in the middle of reading it."""

    def breaks(*_: Any) -> Any:
        raise StoreUnavailable("expected to go on, got an end")

    with monkeypatch.context() as patched:
        patched.setattr(taking, "records_in", breaks)
        assert bring(window, written(GOOD)).status_code == 503
    (arrival,) = arrivals(window)
    assert arrival.state is ArrivalState.RECEIVED
    assert arrival.sealed is not None and GOOD["地址"].encode("gb18030") not in arrival.sealed
    assert keeping.opened(window.gate, arrival) == written(GOOD)


def test_what_was_interrupted_waits_for_a_person_after_a_while(window: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """The crash point: the body is kept, and the process ends before it is read (promise 3)."""

    def breaks(*_: Any) -> Any:
        raise StoreUnavailable("expected to go on, got an end")

    with monkeypatch.context() as patched:
        patched.setattr(taking, "records_in", breaks)
        bring(window, written(GOOD))
    assert window.run(keeping.recover(window.gate)) == 0
    window.clock.move(minutes=11)
    assert window.run(keeping.recover(window.gate)) == 1
    (arrival,) = arrivals(window)
    assert (arrival.state, arrival.code) == (ArrivalState.HELD, "interrupted")


def test_what_is_over_is_forgotten_after_its_time_and_what_is_held_is_not(holding: Served) -> None:
    bring(holding, written(GOOD))
    bring(holding, written(GOOD | {"渠道": "传真"}))
    holding.clock.move(days=6)
    assert holding.run(keeping.forget(holding.gate)) == 0
    holding.clock.move(days=2)
    assert holding.run(keeping.forget(holding.gate)) == 1
    assert [one.state for one in arrivals(holding)] == [ArrivalState.HELD]


def test_what_is_held_is_acknowledged_once_it_is_committed(holding: Served) -> None:
    answer = bring(holding, written(GOOD | {"渠道": "传真"}))
    assert answer.status_code == 202
    told = answer.json()
    assert (told["problem"]["code"], told["problem"]["errors"][0]["pointer"]) == ("invalid_record", "/渠道")
    (arrival,) = arrivals(holding)
    assert (str(arrival.arrival_id), arrival.state) == (told["held"], ArrivalState.HELD)
    assert answer.headers["location"] == f"/v1/arrivals/{told['held']}"


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k-1"}])
def test_the_same_bad_body_again_is_held_once(holding: Served, headers: dict[str, str]) -> None:
    first, again = (bring(holding, written(GOOD | {"渠道": "传真"}), **headers).json() for _ in range(2))
    assert first == again
    assert len(arrivals(holding)) == 1


def test_a_key_with_another_body_is_refused(holding: Served) -> None:
    once = {"Idempotency-Key": "k-1"}
    assert bring(holding, written(GOOD | {"渠道": "传真"}), **once).status_code == 202
    other = bring(holding, written(GOOD), **once)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_a_key_answers_as_the_first_time(window: Served) -> None:
    once = {"Idempotency-Key": "k-1"}
    first = bring(window, written(GOOD), **once)
    bring(window, written(GOOD | {"备注": "later"}))
    again = bring(window, written(GOOD), **once)
    assert (again.status_code, again.json()["receipt"]) == (202, first.json()["receipt"])
    assert submissions_count(window, first.json()["case_id"]) == 2


def test_a_bad_record_among_several_is_held_alone(holding: Served) -> None:
    bad = GOOD | {"编号": "P-0002", "渠道": "传真"}
    first = bring(holding, written([GOOD, bad])).json()["results"]
    again = bring(holding, written([GOOD, bad])).json()["results"]
    assert [one["status"] for one in first] == [202, 202]
    assert first[1]["held"] == again[1]["held"]
    held = [one for one in arrivals(holding) if one.state is ArrivalState.HELD]
    assert len(held) == 1 and json.loads(keeping.opened(holding.gate, held[0])) == bad


def test_records_without_numbers_need_a_key_and_are_different_calls_under_another(served: Served) -> None:
    """Promise 2: two calls that look alike are two."""
    served.gate.inbound["window"] = a_source(text=UNNUMBERED)
    refused = bring(served, written(GOOD))
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/header/idempotency-key")
    numbers = {
        bring(served, written([GOOD, GOOD]), **{"Idempotency-Key": key}).json()["results"][no]["case_no"]
        for key in ("k-1", "k-1", "k-2")
        for no in (0, 1)
    }
    assert len(numbers) == 4
