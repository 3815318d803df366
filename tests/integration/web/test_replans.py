"""A replan over a socket: who may, what bad input gets, and what it answers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.web.served import Served


def replan(served: Served, *, role: str = "integrator", system: str = "food", **body: Any) -> Any:
    body = {"reason": "the mapping was wrong", **body}
    return served.call("POST", f"/v1/systems/{system}/replan", key=served.key(role), json=body)


def test_a_misspelt_condition_is_refused_with_the_one_that_is_near(served: Served) -> None:
    (error,) = replan(served, filter={"mesage": "basic_info"}).json()["errors"]
    assert (error["pointer"], error["rule"], error["expected"]) == ("/filter/mesage", "unknown_field", "message")


@pytest.mark.parametrize("role", ["source", "viewer", "operator", "security", "auditor"])
def test_only_who_may_replan_does(served: Served, role: str) -> None:
    assert replan(served, role=role, filter={"item": "x"}).status_code == 403


def test_a_system_that_is_sent_nothing_is_not_found(served: Served) -> None:
    assert replan(served, filter={"item": "x"}).status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"filter": {"items": "x"}}, "/filter/items"),
        ({"filter": {"item": ""}}, "/filter/item"),
        ({"since": "2026-04-30T00:00:00"}, "/since"),
        ({"since": "0001-01-01T00:00:00+14:00"}, "/since"),
        ({"cap": 0, "filter": {"item": "x"}}, "/cap"),
        ({"dryrun": True}, "/dryrun"),
        ({"reason": "", "filter": {"item": "x"}}, "/reason"),
    ],
)
def test_what_a_replan_does_not_take_is_refused_by_name(served: Served, body: dict[str, Any], pointer: str) -> None:
    answer = replan(served, **body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
