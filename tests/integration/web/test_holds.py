"""Holds over a socket: who may, what bad input gets, what is shown."""

from __future__ import annotations

from typing import Any

import pytest

from syncgate.domain.delivery import Phase
from tests.integration.web.served import Served
from tests.integration.web.test_reading import placed, posted
from tests.support.rows import START


def hold(served: Served, *, key: str | None = None, **body: Any) -> Any:
    body = {"reason": "a runaway sender", **body}
    return served.call("POST", "/v1/holds", key=key or served.key("operator", name="zhao"), json=body)


def test_a_hold_is_placed_listed_and_lifted(served: Served) -> None:
    answer = hold(served, source="window", until="2026-04-30T12:00:00+08:00")
    assert answer.status_code == 201
    body = answer.json()
    assert (body["in_flight"], body["hold"]["is_active"], body["hold"]["by"]) == (0, True, "zhao")
    assert body["hold"]["until"] == "2026-04-30T04:00:00Z"
    hold_id = body["hold"]["hold_id"]
    listed = served.call("GET", "/v1/holds?active=true", key=served.key("viewer")).json()
    assert [one["hold_id"] for one in listed["holds"]] == [hold_id]
    lifted = served.call("DELETE", f"/v1/holds/{hold_id}", key=served.key("operator", name="qian")).json()
    assert (lifted["is_active"], lifted["lifted_by"], lifted["by"]) == (False, "qian", "zhao")
    assert served.call("GET", "/v1/holds?active=true", key=served.key("viewer")).json()["holds"] == []


def test_the_answer_counts_what_is_in_flight_of_what_is_held(served: Served) -> None:
    """Promise 9."""
    case_id = posted(served)
    placed(served, case_id, phase=Phase.IN_FLIGHT)
    assert hold(served, source="window").json()["in_flight"] == 1
    assert hold(served, source="hall").json()["in_flight"] == 0


def test_a_held_delivery_says_so_in_a_sentence(served: Served) -> None:
    case_id = posted(served)
    placed(served, case_id, due_at=START)
    hold(served, source="window", until="2026-04-30T12:00:00+08:00")
    page = served.call("GET", "/v1/deliveries?reason=held", key=served.key("viewer")).json()
    (shown,) = page["deliveries"]
    assert shown["sentence"] == "application 待推送：暂缓推送"
    assert (shown["detail"], shown["due_at"]) == ("a runaway sender", "2026-04-30T04:00:00Z")


@pytest.mark.parametrize(
    ("body", "pointer", "rule"),
    [
        ({}, "", "required"),
        ({"source": "nobody"}, "/source", "enum"),
        ({"source": "window", "until": "2026-04-30T09:00:00+08:00"}, "/until", "future"),
        ({"source": "window", "until": "2026-05-30T09:00:00"}, "/until", "format"),
        ({"source": "window", "until": "9999-12-31T23:59:59-14:00"}, "/until", "format"),
        ({"source": "window", "reason": "  "}, "/reason", "min_length"),
        ({"sources": "window"}, "/sources", "unknown_field"),
        ({"source": "window", "reason": ""}, "/reason", "min_length"),
    ],
)
def test_a_hold_that_holds_nothing_known_is_refused(
    served: Served, body: dict[str, Any], pointer: str, rule: str
) -> None:
    answer = hold(served, **body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert (pointer, rule) in [(error["pointer"], error["rule"]) for error in answer.json()["errors"]]


def test_all_that_is_wrong_with_a_hold_is_told_at_once(served: Served) -> None:
    answer = hold(served, source="nobody", message="nothing", until="2020-01-01T00:00:00Z")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/source", "/message", "/until"]


def test_a_misspelt_field_is_refused_with_the_one_that_is_near(served: Served) -> None:
    (error,) = hold(served, source="window", unitl="2026-05-30T09:00:00+08:00").json()["errors"]
    assert (error["pointer"], error["rule"], error["expected"]) == ("/unitl", "unknown_field", "until")


@pytest.mark.parametrize("role", ["source", "viewer", "security", "auditor"])
def test_only_who_may_stop_a_system_may_hold(served: Served, role: str) -> None:
    assert hold(served, key=served.key(role), source="window").status_code == 403
    placed_id = hold(served, source="window").json()["hold"]["hold_id"]
    assert served.call("DELETE", f"/v1/holds/{placed_id}", key=served.key(role)).status_code == 403
