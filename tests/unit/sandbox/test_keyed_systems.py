"""Food and workorders: idempotency keys, replacing, looking up."""

from __future__ import annotations

import pytest

BASES = {"food": "/foodlicence/api/applications", "workorders": "/workorders/v1/orders"}


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer other"}, {"authorization": "food-key"}])
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_food_denies_wrong_credentials(talk, application, headers, method):
    food = talk("food")
    answer = food.ask(method, BASES["food"] + "/case-1", application, idempotency_key="k1", **headers)
    assert (answer.status, answer.body) == (401, {"error": "unauthorized"})
    assert food.rows()[0]["effect"] == "denied"


@pytest.mark.parametrize("headers", [{}, {"x_api_key": "other"}, {"x_api_key": "WORKORDERS-KEY"}])
def test_workorders_denies_wrong_credentials(talk, order, headers):
    answer = talk("workorders").ask("POST", BASES["workorders"], order, x_request_id="k1", **headers)
    assert (answer.status, answer.body) == (401, {"error": "unauthorized"})


def test_a_write_without_a_request_key_is_refused(talk, application, order):
    for name, path, record in (("food", "/applications", application), ("workorders", "/orders", order)):
        system = talk(name)
        assert system.hand_in("POST", path, record, "").status == 400
        assert system.effects() == []


def test_an_application_is_created_and_numbered(talk, application):
    food = talk("food")
    first = food.hand_in("POST", "/applications", application, "k1")
    second = food.hand_in("POST", "/applications", {**application, "bizKey": "case-2"}, "k2")
    assert (first.status, first.body) == (201, {"id": "SPJY2026000001", "bizKey": "case-1"})
    assert second.body["id"] == "SPJY2026000002"


def test_an_order_is_created_and_numbered(talk, order):
    answer = talk("workorders").hand_in("POST", "/orders", order, "k1")
    assert (answer.status, answer.body) == (201, {"orderNo": "WO-00000001"})


def test_an_order_that_is_removed_is_gone_and_its_number_is_not_given_again(talk, order):
    system = talk("workorders")
    system.hand_in("POST", "/orders", order, "k1")
    removed = system.ask("DELETE", "/workorders/v1/orders/" + order["sourceNo"], x_api_key="workorders-key")
    assert (removed.status, removed.body) == (200, {"orderNo": "WO-00000001"})
    assert system.look_up("/orders/" + order["sourceNo"]).status == 404
    assert system.ask("DELETE", "/workorders/v1/orders/none", x_api_key="workorders-key").status == 404
    assert system.hand_in("POST", "/orders", order, "k2").body == {"orderNo": "WO-00000002"}
    assert [row["kind"] for row in system.effects()] == ["created", "removed", "created"]


def test_the_same_key_and_body_is_answered_as_the_first_time(talk, application, order):
    for name, path, record in (("food", "/applications", application), ("workorders", "/orders", order)):
        system = talk(name)
        first = system.hand_in("POST", path, record, "k1")
        turned = dict(reversed(record.items()))
        again = system.hand_in("POST", path, turned, "k1")
        assert (again.status, again.body) == (200, first.body)
        assert system.rows()[-1]["effect"] == "replayed"
        assert len(system.effects()) == 1


def test_the_same_key_with_another_body_is_refused(talk, application, order):
    for name, path, record, change in (
        ("food", "/applications", application, {"staff": 9}),
        ("workorders", "/orders", order, {"address": "elsewhere"}),
    ):
        system = talk(name)
        system.hand_in("POST", path, record, "k1")
        assert system.hand_in("POST", path, {**record, **change}, "k1").status == 422
        assert len(system.effects()) == 1


def test_a_key_used_for_another_operation_is_refused(talk, application):
    food = talk("food")
    food.hand_in("POST", "/applications", application, "k1")
    assert food.hand_in("PUT", "/applications/case-1", application, "k1").status == 422


def test_another_key_for_what_exists_is_a_conflict_that_names_it(talk, application, order):
    food, workorders = talk("food"), talk("workorders")
    food.hand_in("POST", "/applications", application, "k1")
    workorders.hand_in("POST", "/orders", order, "k1")
    conflict = food.hand_in("POST", "/applications", application, "k2")
    assert conflict.status == 409
    assert (conflict.body["error"], conflict.body["id"]) == ("exists", "SPJY2026000001")
    conflict = workorders.hand_in("POST", "/orders", order, "k2")
    assert (conflict.status, conflict.body) == (409, {"error": "exists", "orderNo": "WO-00000001"})
    assert food.rows()[-1]["effect"] == workorders.rows()[-1]["effect"] == "duplicate"


def test_a_put_replaces_and_counts_versions(talk, application):
    food = talk("food")
    food.hand_in("POST", "/applications", application, "k1")
    answer = food.hand_in("PUT", "/applications/case-1", {**application, "staff": 9}, "k2")
    assert (answer.status, answer.body) == (200, {"id": "SPJY2026000001", "version": 2})
    held = food.look_up("/applications/case-1").body
    assert held == {"data": {**application, "staff": 9}, "id": "SPJY2026000001", "version": 2}
    assert [e["kind"] for e in food.effects()] == ["created", "updated"]


def test_a_replayed_put_answers_with_the_version_of_then(talk, application):
    food = talk("food")
    food.hand_in("POST", "/applications", application, "k1")
    for key, staff in (("k2", 9), ("k3", 10)):
        food.hand_in("PUT", "/applications/case-1", {**application, "staff": staff}, key)
    assert food.hand_in("PUT", "/applications/case-1", {**application, "staff": 9}, "k2").body["version"] == 2
    assert food.look_up("/applications/case-1").body["data"]["staff"] == 10


def test_a_put_of_what_is_absent_is_not_found(talk, application, order):
    assert talk("food").hand_in("PUT", "/applications/case-1", application, "k1").status == 404
    assert talk("workorders").hand_in("PUT", "/orders/2026043010407", order, "k1").status == 404


def test_a_put_under_another_key_than_its_record_is_refused(talk, application):
    food = talk("food")
    food.hand_in("POST", "/applications", application, "k1")
    answer = food.hand_in("PUT", "/applications/case-2", application, "k2")
    assert (answer.status, answer.body) == (422, {"error": "invalid", "fields": ["bizKey"]})


def test_a_look_up_of_what_is_absent_is_not_found_in_its_own_words(talk):
    food = talk("food")
    for path in ("/applications/none", "/applications/none/events/none"):
        answer = food.look_up(path)
        assert (answer.status, answer.body) == (404, {"error": "not found"})
    answer = talk("workorders").look_up("/orders/none")
    assert (answer.status, answer.body) == (404, {"error": "not found"})


def test_an_event_needs_its_application(talk, application, event):
    food = talk("food")
    answer = food.hand_in("POST", "/applications/case-1/events", event, "k1")
    assert (answer.status, answer.body) == (409, {"error": "no such application"})
    food.hand_in("POST", "/applications", application, "k2")
    answer = food.hand_in("POST", "/applications/case-1/events", event, "k1")
    assert (answer.status, answer.body) == (201, {"id": "SPEV2026000001"})


def test_an_event_is_looked_up_by_its_escaped_key(talk, application, event):
    food = talk("food")
    food.hand_in("POST", "/applications", application, "k1")
    food.hand_in("POST", "/applications/case-1/events", {**event, "eventKey": "a/b ·"}, "k2")
    answer = food.look_up("/applications/case-1/events/a%2Fb%20%C2%B7")
    assert answer.body["data"]["eventKey"] == "a/b ·"
    assert (food.rows()[-1]["operation"], food.rows()[-1]["part"]) == ("read_event", "a/b ·")


def test_an_event_is_taken_once(talk, application, event):
    food = talk("food")
    food.hand_in("POST", "/applications", application, "k1")
    path = "/applications/case-1/events"
    assert food.hand_in("POST", path, event, "k2").status == 201
    assert food.hand_in("POST", path, event, "k2").status == 200
    conflict = food.hand_in("POST", path, event, "k3")
    assert (conflict.status, conflict.body) == (409, {"error": "exists", "id": "SPEV2026000001"})
    assert [(e["key"], e["part"]) for e in food.effects()] == [("case-1", ""), ("case-1", "ev:1")]


def test_an_order_is_updated_and_looked_up(talk, order):
    workorders = talk("workorders")
    workorders.hand_in("POST", "/orders", order, "k1")
    changed = {**order, "content": "第一行\n第二行 😀"}
    assert workorders.hand_in("PUT", "/orders/2026043010407", changed, "k2").status == 200
    answer = workorders.look_up("/orders/2026043010407")
    assert (answer.status, answer.body) == (200, {"order": changed, "orderNo": "WO-00000001"})


REQUIRED = [
    "bizKey", "caseNo", "taskCode", "itemName", "applicantType", "applicantName", "idType", "idNo",
    "contactName", "mobile", "region", "channel", "bizForm", "bizScope", "premises", "area", "staff",
    "safetyOfficer", "online", "warehouse", "appliedAt", "promiseDays", "materials",
]  # fmt: skip


@pytest.mark.parametrize("name", REQUIRED)
def test_food_names_a_missing_field(talk, application, name):
    del application[name]
    answer = talk("food").hand_in("POST", "/applications", application, "k1")
    assert (answer.status, answer.body) == (422, {"error": "invalid", "fields": [name]})


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"region": "990101000000"}, "region"),
        ({"area": "120㎡"}, "area"),
        ({"area": 120}, "area"),
        ({"staff": 0}, "staff"),
        ({"staff": "8"}, "staff"),
        ({"staff": True}, "staff"),
        ({"online": False}, "online"),
        ({"warehouse": None}, "warehouse"),
        ({"bizForm": "2"}, "bizForm"),
        ({"bizScope": []}, "bizScope"),
        ({"idType": "001"}, "idType"),
        ({"appliedAt": "2026-13-01 00:00:00"}, "appliedAt"),
        ({"safetyOfficer": {"name": "张示例"}}, "safetyOfficer.idNo"),
        ({"materials": [{"id": "M01", "name": "x", "getType": "5"}]}, "materials[0].getType"),
        ({"materials": [{"id": "M01", "name": "x", "getType": "1", "sha256": "AB"}]}, "materials[0].sha256"),
        ({"agentName": ""}, "agentName"),
        ({"stranger": "x"}, "stranger"),
    ],
)
def test_food_names_an_invalid_field(talk, application, change, field):
    food = talk("food")
    answer = food.hand_in("POST", "/applications", {**application, **change}, "k1")
    assert (answer.status, answer.body) == (422, {"error": "invalid", "fields": [field]})
    assert food.rows()[0]["effect"] == "refused"


def test_food_names_every_invalid_field_at_once(talk, application):
    change = {**application, "staff": 0, "online": "", "safetyOfficer": None}
    answer = talk("food").hand_in("POST", "/applications", change, "k1")
    assert answer.body["fields"] == ["staff", "online", "safetyOfficer"]


def test_a_refused_record_may_be_corrected_under_the_same_key(talk, application):
    food = talk("food")
    food.hand_in("POST", "/applications", {**application, "staff": 0}, "k1")
    assert food.hand_in("POST", "/applications", application, "k1").status == 201


@pytest.mark.parametrize(
    ("change", "field"),
    [({"kind": "applied"}, "kind"), ({"at": "2026-03-09"}, "at"), ({"resultCode": 6}, "resultCode")],
)
def test_food_names_an_invalid_field_of_an_event(talk, application, event, change, field):
    food = talk("food")
    food.hand_in("POST", "/applications", application, "k1")
    answer = food.hand_in("POST", "/applications/case-1/events", {**event, **change}, "k2")
    assert (answer.status, answer.body) == (422, {"error": "invalid", "fields": [field]})


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"filedDate": "20260431"}, "filedDate"),
        ({"filedDate": "2026-04-30"}, "filedDate"),
        ({"filedTime": "240000"}, "filedTime"),
        ({"filedTime": "5842"}, "filedTime"),
        ({"address": ""}, "address"),
        ({"item": None}, "item"),
        ({"sourceNo": 7}, "sourceNo"),
        ({"content": 1}, "content"),
    ],
)
def test_workorders_names_an_invalid_field(talk, order, change, field):
    answer = talk("workorders").hand_in("POST", "/orders", {**order, **change}, "k1")
    assert (answer.status, answer.body) == (422, {"error": "invalid", "fields": [field]})


@pytest.mark.parametrize("body", [b"", b"{", b"\xff{}", b"[" * 5000, b'{"staff": NaN}'])
def test_a_body_that_is_no_json_is_refused(talk, body):
    food = talk("food")
    assert food.ask("POST", BASES["food"], body, authorization="Bearer food-key", idempotency_key="k").status == 400
    assert food.effects() == []


@pytest.mark.parametrize("body", [b"[]", b"null", b"7", b'"x"'])
def test_json_that_is_no_object_is_refused(talk, body):
    food = talk("food")
    assert food.hand_in("POST", "/applications", body, "k").status in (400, 422)


def test_a_restart_keeps_records_versions_numbers_and_keys(talk, application, event):
    food = talk("food")
    food.hand_in("POST", "/applications", application, "k1")
    food.hand_in("PUT", "/applications/case-1", {**application, "staff": 9}, "k2")
    food.hand_in("POST", "/applications/case-1/events", event, "k3")
    held = food.look_up("/applications/case-1").body
    again = food.restarted()
    assert again.look_up("/applications/case-1").body == held
    assert again.hand_in("POST", "/applications", application, "k1").status == 200
    assert again.hand_in("PUT", "/applications/case-1", {**application, "staff": 9}, "k2").body["version"] == 2
    assert again.hand_in("POST", "/applications/case-1/events", event, "k3").status == 200
    assert again.hand_in("POST", "/applications", {**application, "bizKey": "c2"}, "k4").body["id"][-1] == "2"
    assert len(again.effects()) == 4
    again.ledger.close()
