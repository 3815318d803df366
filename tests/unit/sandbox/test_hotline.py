"""The hotline: calls that its operators type in, and what assignees did about them."""

from __future__ import annotations

from typing import Any

import pytest

CALL = {
    "orderNo": "12345-000001", "title": "夜间施工噪声", "address": "示例路1号", "content": "吵😀", "caller": "张示例",
    "phone": "15400000001", "confidential": "1", "calledAt": "2026-04-02 08:00:00",
}  # fmt: skip
SIGNED = {
    "progressKey": "p-1", "node": "01", "at": "2026-04-02 09:00:00", "orgName": "示例市城市管理局",
    "orgCode": "11990100MB00000057",
}  # fmt: skip
PATH = "/hotline/api/orders/12345-000001/progress"
KEY = {"x_session_id": "hotline-key"}


def typed(system: Any, **changed: Any) -> Any:
    return system.ask("POST", "/_sandbox/records", {"record": {**CALL, **changed}})


@pytest.fixture
def hotline(talk):
    system = talk("hotline")
    assert typed(system).status == 201
    return system


def test_only_the_right_session_may_tell(hotline):
    assert hotline.ask("POST", PATH, SIGNED, x_request_id="k", x_session_id="other").status == 401
    assert [row["kind"] for row in hotline.effects()] == ["typed"]


def test_a_stage_stands_below_the_call_it_belongs_to_once(hotline):
    made = hotline.ask("POST", PATH, SIGNED, x_request_id="k1", **KEY)
    assert (made.status, made.body) == (201, {"progressNo": "FK00000001"})
    again = hotline.ask("POST", PATH, SIGNED, x_request_id="k1", **KEY)
    assert (again.status, again.body) == (200, made.body)
    assert hotline.ask("POST", PATH, SIGNED, x_request_id="k2", **KEY).status == 409
    assert hotline.ask("GET", f"{PATH}/p-1", **KEY).body == {"progress": SIGNED, "progressNo": "FK00000001"}
    assert hotline.ask("GET", f"{PATH}/p-2", **KEY).status == 404
    assert [row["operation"] for row in hotline.effects()] == ["create", "progress"]


def test_a_call_that_nobody_typed_in_has_no_progress(hotline):
    other = PATH.replace("000001", "000002")
    assert hotline.ask("POST", other, SIGNED, x_request_id="k", **KEY).body == {"error": "no such order"}


def test_a_node_that_it_does_not_have_is_refused(hotline):
    answer = hotline.ask("POST", PATH, {**SIGNED, "node": "09", "orgCode": ""}, x_request_id="k", **KEY)
    assert (answer.status, answer.body["fields"]) == (422, ["node", "orgCode"])


def test_a_call_is_typed_once_and_never_changed(hotline):
    assert typed(hotline).status == 200
    assert typed(hotline, caller="李示例").status == 409
    assert typed(hotline, orderNo="12345-000002", confidential="yes").body["fields"] == ["confidential"]
    assert hotline.ask("GET", "/_sandbox/records/12345-000001").body == {"id": "12345-000001"}


def test_what_it_holds_outlives_a_restart(hotline):
    hotline.ask("POST", PATH, SIGNED, x_request_id="k1", **KEY)
    again = hotline.restarted()
    assert again.ask("GET", f"{PATH}/p-1", **KEY).body["progress"] == SIGNED
    again.ledger.close()


def test_what_assignees_did_is_listed_page_by_page_with_its_number_and_calls_are_not(hotline):
    for no in (1, 2, 3):
        told = {**SIGNED, "progressKey": f"p-{no}"}
        assert hotline.ask("POST", PATH, told, x_request_id=f"k{no}", **KEY).status == 201
    first = hotline.ask("GET", "/hotline/api/progress?page=1&size=2", **KEY).body
    assert [one["progressKey"] for one in first["items"]] == ["p-1", "p-2"] and first["total"] == 3
    second = hotline.ask("GET", "/hotline/api/progress?page=2&size=2", **KEY).body
    assert second["items"] == [{**SIGNED, "progressKey": "p-3", "progressNo": "FK00000003"}]
    assert hotline.ask("GET", "/hotline/api/progress?page=1&size=2", x_session_id="other").status == 401


def test_what_is_altered_behind_our_back_is_listed_as_it_is(hotline):
    assert hotline.ask("POST", PATH, SIGNED, x_request_id="k1", **KEY).status == 201
    place = {"operation": "progress", "key": CALL["orderNo"], "part": "p-1"}
    deeds = [{"do": "edit", **place, "set": {"orgName": "改过的"}}, {"do": "double", **place}]
    assert hotline.ask("POST", "/_sandbox/alterations", {"alterations": deeds}).body["altered"] == 2
    found = hotline.ask("GET", "/hotline/api/progress?page=1&size=9", **KEY).body["items"]
    assert [(one["orgName"], one["progressNo"]) for one in found] == [
        ("改过的", "FK00000001"),
        ("改过的", "FK00000002"),
    ]
