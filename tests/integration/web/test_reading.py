"""What can be read over a socket, by whom, and how much of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from syncgate.domain.delivery import Phase
from syncgate.domain.rows import Blob, BreakerState, SystemRow
from tests.integration.web.served import Served
from tests.support.rows import START, a_delivery, a_lane, an_attempt
from tests.unit.web.sample import MOBILE, NAME, application, hotline

PAYLOAD = {"data": orjson.dumps({"applicant": NAME, "days": 5}).decode()}


def posted(served: Served, **changes: Any) -> UUID:
    """A stored case of the window."""
    answer = served.call("POST", "/v1/cases", key=served.key(), json=application(**changes))
    return UUID(answer.json()["case_id"])


def placed(served: Served, case_id: UUID, system: str = "food", **changes: Any) -> Any:
    """A stored delivery, and its lane and system where they are new."""
    delivery = a_delivery(case_id, system, **changes)

    def step(tx: Any) -> None:
        if tx.system(system) is None:
            tx.save_system(SystemRow(system=system))
        if tx.lane(case_id, system) is None:
            tx.insert_lanes([a_lane(case_id, system)])
        tx.insert_deliveries([delivery])

    served.write(step)
    return delivery


def test_a_case_is_masked_for_all_but_the_source_that_posted_it(served: Served) -> None:
    """Promise 10."""
    case_id = posted(served)
    own = served.call("GET", f"/v1/cases/{case_id}", key=served.key()).json()
    assert (own["is_masked"], own["document"]) == (False, application())
    for role in ("viewer", "operator", "integrator", "admin", "auditor"):
        answer = served.call("GET", f"/v1/cases/{case_id}", key=served.key(role, name=role))
        assert answer.json()["is_masked"]
        assert NAME not in answer.text and MOBILE not in answer.text
        assert answer.json()["document"]["applicant"]["name"] == "测**"


def test_a_source_sees_no_case_of_another(served: Served) -> None:
    case_id = posted(served)
    for path in (f"/v1/cases/{case_id}", f"/v1/cases/{case_id}/passport", f"/v1/cases/{case_id}/revisions"):
        assert served.call("GET", path, key=served.key(sources=("hall",))).status_code == 404
    assert served.call("GET", "/v1/cases", key=served.key(sources=("hall",))).json()["cases"] == []


def test_a_source_that_joined_a_case_sees_it_masked(served: Served) -> None:
    case_id = posted(served, references={"hall": "H-1"})
    answer = served.call("GET", "/v1/cases/hall:H-1", key=served.key(sources=("hall",)))
    assert (answer.json()["case"]["case_id"], answer.json()["is_masked"]) == (str(case_id), True)


def test_revisions_are_listed_from_the_first(served: Served) -> None:
    case_id = posted(served)
    posted(served)
    posted(served, channel="app")
    revisions = served.call("GET", f"/v1/cases/{case_id}/revisions", key=served.key()).json()
    assert [(r["submission_no"], r["revision"], r["is_change"]) for r in revisions] == [
        (1, 1, True),
        (2, 1, False),
        (3, 2, True),
    ]
    assert revisions[0]["received_at"] == "2026-04-30T01:02:03.456789Z"


def test_a_passport_says_what_each_system_holds_and_what_is_still_open(served: Served) -> None:
    case_id = posted(served)
    held = placed(served, case_id, phase=Phase.DELIVERED, remote_ref="SPJY1", delivered_at=START)
    later = placed(served, case_id, phase=Phase.PARKED, reason="field_refused", detail="area: required", revision=2)
    passport = served.call("GET", f"/v1/cases/{case_id}/passport", key=served.key("viewer")).json()
    by_system = {system["system"]: system for system in passport["systems"]}
    assert by_system["window"]["is_origin"] and by_system["window"]["case_ref"] == "SP-990101-0001"
    (slot,) = by_system["food"]["slots"]
    assert slot["holds"]["delivery_id"] == str(held.delivery_id)
    assert (slot["holds"]["remote_ref"], slot["holds"]["since"]) == ("SPJY1", "2026-04-30T01:02:03.456789Z")
    (open_one,) = slot["opens"]
    assert (open_one["delivery_id"], open_one["phase"], open_one["reason"]) == (
        str(later.delivery_id),
        "parked",
        "field_refused",
    )


def test_cases_are_paged_newest_first(served: Served) -> None:
    for no in range(5):
        posted(served, case_no=f"C-{no}")
        served.clock.move(seconds=1)
    key, seen, cursor = served.key("viewer"), [], ""
    while True:
        page = served.call("GET", f"/v1/cases?limit=2{cursor}", key=key).json()
        seen += [case["case_no"] for case in page["cases"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == ["C-4", "C-3", "C-2", "C-1", "C-0"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("kind=hotline", ["HL-0001"]),
        ("origin=window&kind=application", ["SP-990101-0001"]),
        ("region=9901", ["SP-990101-0001"]),
        ("region=98", []),
        ("origin=hall", []),
        ("created_from=2026-04-30T01:02:04Z", []),
        ("created_until=2026-04-30T01:02:04Z", ["HL-0001", "SP-990101-0001"]),
    ],
)
def test_cases_are_found_by_filters(served: Served, query: str, found: list[str]) -> None:
    posted(served)
    served.call("POST", "/v1/cases", key=served.key(), json=hotline())
    page = served.call("GET", f"/v1/cases?{query}", key=served.key("viewer")).json()
    assert sorted(case["case_no"] for case in page["cases"]) == found


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "cursor=x", "created_from=x", "created_from=2026-04-30T01:02:04"]
)
def test_a_parameter_that_cannot_be_meant_is_refused_by_name(served: Served, query: str) -> None:
    answer = served.call("GET", f"/v1/cases?{query}", key=served.key("viewer"))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["errors"][0]["pointer"] == f"/query/{query.split('=')[0]}"


def test_a_parameter_that_is_not_known_is_refused_with_the_nearest_name(served: Served) -> None:
    answer = served.call("GET", "/v1/deliveries?phase=parked&systm=food", key=served.key("operator"))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/query/systm"]


def test_deliveries_are_found_by_filters(served: Served) -> None:
    case_id = posted(served)
    food = placed(served, case_id, phase=Phase.PARKED, reason="field_refused")
    province = placed(served, case_id, "province", message="done", phase=Phase.PENDING, reason=None)
    key = served.key("operator")

    def found(query: str) -> set[str]:
        page = served.call("GET", f"/v1/deliveries?{query}", key=key).json()
        return {delivery["delivery_id"] for delivery in page["deliveries"]}

    both = {str(food.delivery_id), str(province.delivery_id)}
    assert found("") == found("phase=parked&phase=pending") == found(f"case={case_id}") == both
    assert found("phase=parked") == found("system=food") == found("reason=field_refused") == {str(food.delivery_id)}
    assert found("message=done") == {str(province.delivery_id)}
    assert found("changed_until=2026-04-30T00:00:00%2B08:00") == set()


@pytest.mark.parametrize(
    ("scopes", "sees"),
    [
        ({}, {"food", "province"}),
        ({"systems": ("food",)}, {"food"}),
        ({"sources": ("window",)}, {"food", "province"}),
        ({"sources": ("hall",)}, set()),
        ({"regions": ("9901",)}, {"food", "province"}),
        ({"regions": ("9902",)}, set()),
    ],
)
def test_a_scoped_operator_sees_and_moves_only_its_share(
    served: Served, scopes: dict[str, Any], sees: set[str]
) -> None:
    case_id = posted(served)
    served.gate.active["food"] = "none"
    deliveries = {system: placed(served, case_id, system, phase=Phase.PARKED) for system in ("food", "province")}
    key = served.key("operator", **scopes)
    del served.gate.active["food"]
    page = served.call("GET", "/v1/deliveries", key=key).json()
    assert {delivery["system"] for delivery in page["deliveries"]} == sees
    for system, delivery in deliveries.items():
        status = 200 if system in sees else 404
        assert served.call("GET", f"/v1/deliveries/{delivery.delivery_id}", key=key).status_code == status
        moved = served.call("POST", f"/v1/deliveries/{delivery.delivery_id}/requeue", key=key, json={"reason": "fixed"})
        assert moved.status_code == status


def test_evidence_shows_size_digest_and_shape_and_no_value(served: Served) -> None:
    case_id = posted(served)
    delivery = placed(served, case_id, phase=Phase.DELIVERED)
    sent, came = orjson.dumps(PAYLOAD), f"【{NAME}】".encode()

    def step(tx: Any) -> None:
        case, macs = tx.case(case_id), []
        for content in (sent, came):
            mac = served.gate.keyring.mac("blob", content)
            sealed = served.gate.keyring.seal(case.wrapped_key, content, bound_to=f"blob:{case_id}:{mac.hex()}")
            tx.put_blobs([Blob(scope=str(case_id), mac=mac, sealed=sealed, created_at=tx.now)])
            macs.append(mac)
        tx.insert_attempts(
            [an_attempt(delivery.delivery_id, sent_blob=macs[0], received_blob=macs[1], detail={"status": 200})]
        )

    served.write(step)
    answer = served.call("GET", f"/v1/deliveries/{delivery.delivery_id}", key=served.key("operator"))
    (attempt,) = answer.json()["attempts"]
    assert (attempt["outcome"], attempt["detail"]) == ("taken", {"status": 200})
    assert attempt["sent"]["masked"] == {"data": {"applicant": "text of 3", "days": "number"}}
    assert (attempt["sent"]["size"], attempt["received"]["size"]) == (len(sent), len(came))
    assert attempt["received"]["masked"] is None
    assert NAME not in answer.text


def test_a_delivery_is_requeued_cancelled_and_confirmed_by_hand(served: Served) -> None:
    case_id = posted(served)
    first = placed(served, case_id, phase=Phase.PARKED, part="a")
    second = placed(served, case_id, phase=Phase.UNCONFIRMED, part="b")
    key = served.key("operator")

    def do(delivery: Any, what: str, **body: Any) -> Any:
        return served.call("POST", f"/v1/deliveries/{delivery.delivery_id}/{what}", key=key, json=body)

    assert do(first, "requeue", reason="fixed there").json()["phase"] == "pending"
    assert do(first, "cancel", reason="typed by hand").json()["phase"] == "cancelled"
    again = do(first, "requeue", reason="fixed there")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    confirmed = do(second, "confirm", held=True, remote_ref="SPJY1", reason="seen on their screen")
    assert (confirmed.json()["phase"], confirmed.json()["remote_ref"]) == ("delivered", "SPJY1")


@pytest.mark.parametrize(
    ("body", "at", "rule"),
    [
        ({}, "/reason", "required"),
        ({"reason": ""}, "/reason", "min_length"),
        ({"reason": "x" * 501}, "/reason", "max_length"),
        ({"reason": 3}, "/reason", "type"),
        ({"reason": "x", "y": 1}, "/y", "unknown_field"),
    ],
)
def test_a_small_body_is_as_strict(served: Served, body: Any, at: str, rule: str) -> None:
    answer = served.call("POST", f"/v1/deliveries/{UUID(int=1)}/requeue", key=served.key("operator"), json=body)
    assert answer.status_code == 422
    assert [(error["pointer"], error["rule"]) for error in answer.json()["errors"]] == [(at, rule)]


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{", {"Content-Type": "application/json"}, 400),
        (b'{"reason": "a", "reason": "b"}', {"Content-Type": "application/json"}, 400),
        (b'{"reason": "a"}', {"Content-Type": "text/plain"}, 415),
        (b" " * 70_000, {"Content-Type": "application/json"}, 413),
    ],
)
def test_a_small_body_is_read_as_strictly_as_a_case(
    served: Served, content: bytes, headers: dict[str, str], status: int
) -> None:
    path = f"/v1/deliveries/{UUID(int=1)}/cancel"
    answer = served.call("POST", path, key=served.key("operator"), content=content, headers=headers)
    assert answer.status_code == status


def test_a_confirmation_of_nothing_has_no_number(served: Served) -> None:
    body = {"held": False, "remote_ref": "X", "reason": "not there"}
    answer = served.call("POST", f"/v1/deliveries/{UUID(int=1)}/confirm", key=served.key("operator"), json=body)
    assert answer.status_code == 422


def test_systems_show_pause_breaker_and_backlog_from_counters(served: Served) -> None:
    case_id = posted(served)
    placed(served, case_id, phase=Phase.PARKED, reason="unmapped_code")
    placed(served, case_id, phase=Phase.PENDING, part="b", reason=None)

    def step(tx: Any) -> None:
        row = tx.system("food", lock=True)
        until = START + timedelta(seconds=5)
        tx.save_system(replace(row, breaker=BreakerState.OPEN, breaker_until=until, breaker_reason="denied"))

    served.write(step)
    food = served.call("GET", "/v1/systems/food", key=served.key("viewer")).json()
    assert (food["backlog"]["parked"], food["backlog"]["pending"], food["backlog"]["delivered"]) == (1, 1, 0)
    assert food["parked"] == {"unmapped_code": 1}
    assert (food["breaker"]["state"], food["breaker"]["reason"]) == ("open", "denied")
    assert food["readback"] is None, "no bundle is active"
    listed = served.call("GET", "/v1/systems", key=served.key("viewer")).json()
    assert [system["system"] for system in listed] == ["food", "hall", "window"]


def test_a_system_is_paused_and_resumed_with_a_reason(served: Served) -> None:
    key = served.key("operator")
    placed(served, posted(served), phase=Phase.PENDING)
    paused = served.call("POST", "/v1/systems/food/pause", key=key, json={"reason": "their upgrade"})
    assert paused.json()["in_flight"] == 0
    assert paused.json()["system"]["pause"] | {"at": None} == {
        "is_paused": True,
        "by": "tester",
        "reason": "their upgrade",
        "at": None,
    }
    resumed = served.call("POST", "/v1/systems/food/resume", key=key, json={"reason": "done"})
    assert not resumed.json()["pause"]["is_paused"]
    assert served.call("POST", "/v1/systems/nowhere/pause", key=key, json={"reason": "x"}).status_code == 404
    viewer = served.key("viewer")
    assert served.call("POST", "/v1/systems/food/pause", key=viewer, json={"reason": "x"}).status_code == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/cases"),
        ("GET", "/v1/cases/window:1"),
        ("GET", "/v1/deliveries"),
        ("GET", f"/v1/deliveries/{UUID(int=1)}"),
        ("GET", "/v1/systems"),
        ("POST", "/v1/systems/food/pause"),
        ("POST", f"/v1/deliveries/{UUID(int=1)}/requeue"),
        ("GET", "/v1/keys"),
        ("POST", "/v1/keys"),
        ("GET", "/metrics"),
    ],
)
def test_every_call_but_health_needs_a_key(served: Served, method: str, path: str) -> None:
    assert served.call(method, path).status_code == 401


def test_what_does_not_exist_is_a_problem_too(served: Served) -> None:
    answer = served.call("GET", "/v2/cases", headers={"Accept-Language": "en"})
    assert (answer.status_code, answer.json()["code"], answer.json()["title"]) == (404, "not_found", "Not found")
    answer = served.call("DELETE", "/v1/cases")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
