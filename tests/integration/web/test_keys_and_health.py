"""Keys, health, metrics, and whether the description of the interface is complete."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for

from syncgate.domain.delivery import Phase
from tests.integration.web.served import LOCAL_TOKEN, Served
from tests.integration.web.test_reading import placed, posted
from tests.unit.web.sample import MOBILE, NAME, application, hotline, resident


def make(served: Served, key: str, **wish: Any) -> Any:
    body = {"name": "new", "role": "viewer", "reason": "asked for"} | wish
    return served.call("POST", "/v1/keys", key=key, json=body)


def test_a_key_is_shown_once_and_stored_as_a_digest(served: Served) -> None:
    made = make(served, LOCAL_TOKEN).json()
    assert made["key"].startswith("sgk_") and len(made["key"]) == 47
    assert served.call("GET", "/v1/systems", key=made["key"]).status_code == 200
    listed = served.call("GET", "/v1/keys", key=LOCAL_TOKEN)
    assert made["key"] not in listed.text
    assert [principal["name"] for principal in listed.json()] == ["new"]
    stored = served.read(lambda tx: tx.principals())
    assert made["key"] not in repr(stored)


def test_a_key_may_come_in_either_header_but_not_two(served: Served) -> None:
    key, other = served.key("viewer"), served.key("viewer")
    assert served.call("GET", "/v1/systems", headers={"X-Api-Key": key}).status_code == 200
    assert served.call("GET", "/v1/systems", key=key, headers={"X-Api-Key": key}).status_code == 200
    assert served.call("GET", "/v1/systems", key=key, headers={"X-Api-Key": other}).status_code == 401


def test_a_revoked_key_opens_nothing_at_once(served: Served) -> None:
    """The time stands still, so that only forgetting can make it so."""
    made = make(served, LOCAL_TOKEN).json()
    assert served.call("GET", "/v1/systems", key=made["key"]).status_code == 200
    path = f"/v1/keys/{made['principal']['principal_id']}/revoke"
    for _ in range(2):
        revoked = served.call("POST", path, key=LOCAL_TOKEN, json={"reason": "left"})
        assert revoked.json()["revoked_at"] is not None
    assert served.call("GET", "/v1/systems", key=made["key"]).status_code == 401
    audited = [entry["action"] for entry in served.read(lambda tx: tx.list_audit(limit=10))]
    assert sorted(audited) == ["key_created", "key_revoked"]


def test_an_expired_key_opens_nothing(served: Served) -> None:
    until = (served.clock.now() + timedelta(minutes=1)).isoformat()
    key = make(served, LOCAL_TOKEN, expires_at=until).json()["key"]
    assert served.call("GET", "/v1/systems", key=key).status_code == 200
    served.clock.move(minutes=1)
    assert served.call("GET", "/v1/systems", key=key).status_code == 401


@pytest.mark.parametrize(
    ("wish", "at"),
    [
        ({"role": "root"}, "/role"),
        ({"role": "local"}, "/role"),
        ({"role": "source"}, "/sources"),
        ({"role": "source", "sources": ["nowhere"]}, "/sources/0"),
        ({"systems": ["nowhere"]}, "/systems/0"),
        ({"name": ""}, "/name"),
        ({"name": " "}, "/name"),
        ({"expires_at": "2026-01-01T00:00:00"}, "/expires_at"),
        ({"reason": ""}, "/reason"),
    ],
)
def test_a_key_that_nobody_can_have_is_refused_by_field(served: Served, wish: dict[str, Any], at: str) -> None:
    answer = make(served, LOCAL_TOKEN, **wish)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert [error["pointer"] for error in answer.json()["errors"]] == [at]


@pytest.mark.parametrize("role", ["source", "viewer", "operator", "integrator", "admin", "auditor"])
def test_only_security_manages_keys(served: Served, role: str) -> None:
    key = served.key(role)
    assert make(served, key).status_code == 403
    assert served.call("GET", "/v1/keys", key=key).status_code == 403
    assert make(served, served.key("security", name="sec")).status_code == 201


def test_admin_security_and_auditor_exclude_one_another(served: Served) -> None:
    first = make(served, LOCAL_TOKEN, role="auditor").json()
    assert make(served, LOCAL_TOKEN, role="auditor").status_code == 201
    assert make(served, LOCAL_TOKEN, role="viewer").status_code == 201
    refused = make(served, LOCAL_TOKEN, role="admin")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert make(served, LOCAL_TOKEN, role="admin", name="other").status_code == 201
    assert first["principal"]["role"] == "auditor"


def test_health_needs_no_key(served: Served) -> None:
    assert served.call("GET", "/livez").json() == {"status": "ok"}
    assert served.call("GET", "/readyz").json() == {"status": "ok"}


def test_metrics_count_answers_and_roll_ups_and_hold_no_personal_value(served: Served) -> None:
    """Promise 10."""
    case_id = posted(served)
    posted(served)
    served.call("POST", "/v1/cases", key=served.key(), json={})
    served.call("POST", "/v1/cases", json={})
    placed(served, case_id, phase=Phase.PARKED, reason="unmapped_code")
    answer = served.call("GET", "/metrics", key=served.key("viewer"))
    for line in (
        'syncgate_intake_answers_total{code="accepted"} 1.0',
        'syncgate_intake_answers_total{code="unchanged"} 1.0',
        'syncgate_intake_answers_total{code="invalid_case"} 1.0',
        'syncgate_intake_answers_total{code="unauthenticated"} 1.0',
        'syncgate_deliveries{phase="parked",reason="unmapped_code",system="food"} 1.0',
        'syncgate_breaker_open{system="food"} 0.0',
        'syncgate_oldest_due_seconds{system="food"} 0.0',
    ):
        assert line in answer.text.splitlines()
    assert not any(value in answer.text for value in (NAME, MOBILE, resident(), "SP-990101-0001", str(case_id)))


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_health_answers_those_who_ask_for_no_body(served: Served, path: str) -> None:
    asked, whole = served.call("HEAD", path), served.call("GET", path)
    assert (asked.status_code, asked.content) == (200, b"")
    assert asked.headers["content-length"] == str(len(whole.content))


def test_the_description_lists_every_route_and_is_true_of_cases(served: Served) -> None:
    document = served.call("GET", "/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    listed = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert listed == {
        ("POST", "/v1/cases"),
        ("POST", "/v1/cases:batch"),
        ("POST", "/v1/cases:check"),
        ("HEAD", "/livez"),
        ("HEAD", "/readyz"),
        ("GET", "/v1/cases"),
        ("GET", "/v1/cases/{case}"),
        ("PUT", "/v1/cases/{case}"),
        ("PATCH", "/v1/cases/{case}"),
        ("POST", "/v1/cases/{case}/stages"),
        ("POST", "/v1/cases/{case}/withdraw"),
        ("POST", "/v1/cases/{case}/void"),
        ("POST", "/v1/cases/{case}/reopen"),
        ("POST", "/v1/cases/{case}/merge"),
        ("PUT", "/v1/cases/{case}/materials/{material}"),
        ("GET", "/v1/cases/{case}/materials/{material}"),
        ("GET", "/v1/materials/{token}"),
        ("POST", "/v1/deliveries:requeue"),
        ("POST", "/v1/systems/{system}/returns"),
        ("GET", "/v1/returns"),
        ("GET", "/v1/deliveries/{delivery_id}/letter"),
        ("GET", "/v1/cases/{case}/proof"),
        ("GET", "/v1/sources/{source}/worklist"),
        ("GET", "/v1/sources/{source}/changes"),
        ("POST", "/v1/returns:send_back"),
        ("GET", "/v1/requeues"),
        ("GET", "/v1/requeues/{requeue_id}"),
        ("POST", "/v1/requeues/{requeue_id}/stop"),
        ("GET", "/v1/holds"),
        ("POST", "/v1/holds"),
        ("DELETE", "/v1/holds/{hold_id}"),
        ("POST", "/v1/systems/{system}/replan"),
        ("POST", "/v1/systems/{system}/maintenance"),
        ("DELETE", "/v1/systems/{system}/maintenance/{maintenance_id}"),
        ("POST", "/v1/reconciliations"),
        ("GET", "/v1/reconciliations"),
        ("GET", "/v1/reconciliations/{reconciliation_id}"),
        ("DELETE", "/v1/reconciliations/{reconciliation_id}"),
        ("GET", "/v1/reconciliations/{reconciliation_id}/discrepancies"),
        ("GET", "/v1/reconciliations/{reconciliation_id}/report"),
        ("GET", "/v1/discrepancies"),
        ("GET", "/v1/discrepancies/{discrepancy_id}"),
        ("POST", "/v1/discrepancies/{discrepancy_id}/repair"),
        ("POST", "/v1/systems/{system}/exports"),
        ("POST", "/v1/sources/{source}/manifests"),
        ("GET", "/v1/cases/{case}/revisions"),
        ("GET", "/v1/cases/{case}/passport"),
        ("GET", "/v1/cases/{case}/explanation"),
        ("GET", "/v1/deliveries"),
        ("GET", "/v1/deliveries/{delivery_id}"),
        ("POST", "/v1/deliveries/{delivery_id}/requeue"),
        ("POST", "/v1/deliveries/{delivery_id}/cancel"),
        ("POST", "/v1/deliveries/{delivery_id}/confirm"),
        ("GET", "/v1/systems"),
        ("GET", "/v1/systems/{system}"),
        ("POST", "/v1/systems/{system}/pause"),
        ("POST", "/v1/systems/{system}/resume"),
        ("GET", "/v1/reports/reconciliation"),
        ("GET", "/v1/alerts"),
        ("POST", "/v1/sources/{source}/records"),
        ("GET", "/v1/arrivals"),
        ("GET", "/v1/arrivals/{arrival_id}"),
        ("POST", "/v1/arrivals/{arrival_id}/replay"),
        ("POST", "/v1/arrivals/{arrival_id}/drop"),
        ("POST", "/v1/sources/{source}/arrivals:replay"),
        ("GET", "/v1/duplicates"),
        ("POST", "/v1/duplicates:dismiss"),
        ("GET", "/v1/meter"),
        ("GET", "/v1/systems/{system}/worklist"),
        ("POST", "/v1/alerts/{alert_id}/acknowledge"),
        ("GET", "/v1/keys"),
        ("POST", "/v1/keys"),
        ("POST", "/v1/keys/{principal_id}/revoke"),
        ("HEAD", "/v1/cases/{case}/materials/{material}"),
        ("HEAD", "/v1/materials/{token}"),
        ("GET", "/livez"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
    }
    served_routes = {
        (method, route.path) for route in served.app.routes for method in getattr(route, "methods", None) or ()
    }
    assert {pair for pair in served_routes if pair[0] != "HEAD"} <= listed
    posting = document["paths"]["/v1/cases"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    case = Draft202012Validator({**posting, "components": document["components"]})
    assert case.is_valid(application()) and case.is_valid(hotline()) and not case.is_valid({"kind": "hotline"})


def test_every_reference_of_the_description_points_at_something(served: Served) -> None:
    document = served.app.openapi()

    def references(node: Any) -> Any:
        if isinstance(node, dict):
            for key, below in node.items():
                if key == "$ref":
                    yield below
                else:
                    yield from references(below)
        elif isinstance(node, list):
            for below in node:
                yield from references(below)

    for reference in references(document):
        node = document
        for token in reference.removeprefix("#/").split("/"):
            node = node[token]
    for schema in document["components"]["schemas"].values():
        validator_for(schema, default=Draft202012Validator).check_schema(schema)


OPEN = {"/livez", "/readyz", "/openapi.json", "/docs", "/v1/materials/{token}"}
"""Paths that need no key; a link to a file is its own."""


def test_every_operation_says_its_key_and_its_problems(served: Served) -> None:
    for path, operations in served.app.openapi()["paths"].items():
        for operation in operations.values():
            assert operation["summary"] and operation["operationId"]
            assert bool(operation["security"]) == (path not in OPEN)
            problems = {status for status in operation["responses"] if status >= "400"}
            assert problems
            for status in problems:
                assert list(operation["responses"][status]["content"]) == ["application/problem+json"]


def test_the_page_lists_every_call_and_loads_nothing(served: Served) -> None:
    answer = served.call("GET", "/docs")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "http:" not in answer.text and "https:" not in answer.text and "<script" not in answer.text
    for path in served.app.openapi()["paths"]:
        assert path in answer.text
