"""Bulk requeue over a socket: what is refused, what a dry run says, and how one is followed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from syncgate.domain.delivery import Phase
from syncgate.flows.operating.requeueing import go_on_with_all
from tests.integration.web.served import Served
from tests.integration.web.test_reading import placed, posted

PATH = "/v1/deliveries:requeue"
FAULT = {"system": "food", "reason": "unmapped_code"}


def parked(served: Served, count: int) -> list[Any]:
    """So many deliveries under one fault, and one under another."""
    changes: dict[str, Any] = {"phase": Phase.PARKED, "due_at": None, "detail": "bizForm: no row", "actor": "table"}
    found = [
        placed(served, posted(served, case_no=f"990101-{no:04d}"), reason="unmapped_code", **changes)
        for no in range(count)
    ]
    placed(served, posted(served, case_no="990101-9999"), reason="field_refused", **changes)
    served.clock.at += timedelta(minutes=1)
    return found


def asked(served: Served, role: str = "operator", **body: Any) -> Any:
    body = {"filter": FAULT, "reason": "row added", **body}
    return served.call("POST", PATH, key=served.key(role, name=role), json=body)


@pytest.mark.parametrize(
    ("wrong", "pointers"),
    [
        ({}, {("/filter/system", "required"), ("/filter", "unbounded")}),
        ({"system": "food"}, {("/filter", "unbounded")}),
        ({"reason": "unmapped_code"}, {("/filter/system", "required")}),
        ({"system": "food", "raeson": "unmapped_code"}, {("/filter/raeson", "unknown_field")}),
        ({"system": "food", "since": "2026-04-30T00:00:00"}, {("/filter/since", "format")}),
        (FAULT | {"source": "nobody", "message": "nothing"}, {("/filter/source", "enum"), ("/filter/message", "enum")}),
    ],
)
def test_an_empty_or_unbounded_filter_is_refused(served: Served, wrong: Any, pointers: set[tuple[str, str]]) -> None:
    """Promise 11."""
    (first, *_) = parked(served, 1)
    answer = asked(served, filter=wrong)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert {(error["pointer"], error["rule"]) for error in answer.json()["errors"]} == pointers
    assert all(error["message"] for error in answer.json()["errors"])
    assert served.read(lambda tx: tx.delivery(first.delivery_id)).phase is Phase.PARKED


@pytest.mark.parametrize("body", [{"filter": None}, {"cap": 0}, {"canary": -1}, {"reason": ""}, {"dry_run": "yes"}])
def test_a_body_that_breaks_its_rules_is_refused(served: Served, body: Any) -> None:
    assert asked(served, **body).status_code == 422


def test_a_requeue_says_what_it_did_and_can_be_read_again(served: Served) -> None:
    found = parked(served, 3)
    told = asked(served).json()
    assert (told["state"], told["matched"], told["queued"], told["filter"]) == ("done", 3, 3, FAULT)
    for delivery in found:
        assert served.read(lambda tx, i=delivery.delivery_id: tx.delivery(i)).phase is Phase.PENDING
    again = served.call("GET", f"/v1/requeues/{told['requeue_id']}", key=served.key("viewer", name="viewer"))
    assert again.json() == told
    (listed,) = served.call("GET", "/v1/requeues", key=served.key("viewer", name="viewer")).json()
    assert listed == told


def test_a_canary_goes_first_and_is_followed(served: Served) -> None:
    parked(served, 3)
    told = asked(served, canary=1).json()
    assert (told["state"], told["queued"], told["canary_phases"]) == ("canary", 1, {"pending": 1})
    stopped = served.call(
        "POST",
        f"/v1/requeues/{told['requeue_id']}/stop",
        key=served.key("operator", name="operator"),
        json={"reason": "wrong row"},
    )
    assert (stopped.json()["state"], stopped.json()["queued"]) == ("stopped", 1)
    served.run(go_on_with_all(served.gate))
    counts = served.read(lambda tx: tx.counters())
    assert counts["food", Phase.PARKED, "unmapped_code"] == 2
    unknown = served.call("GET", "/v1/requeues/" + "0" * 32, key=served.key("viewer", name="viewer"))
    assert unknown.status_code == 404


def test_a_cap_that_is_exceeded_queues_nothing_and_says_so(served: Served) -> None:
    parked(served, 3)
    told = asked(served, cap=2)
    assert told.status_code == 200
    assert (told.json()["state"], told.json()["queued"], told.json()["requeue_id"]) == ("cap_exceeded", 0, None)
    assert served.read(lambda tx: tx.counters())["food", Phase.PARKED, "unmapped_code"] == 3


def test_a_dry_run_stores_nothing_and_tells_who_must_act(served: Served) -> None:
    parked(served, 2)
    told = asked(served, dry_run=True, cap=1).json()
    assert (told["matched"], told["checked"], told["exceeds_cap"], told["is_whole"]) == (2, 2, True, True)
    assert told["passes"] + told["fails"] == 2
    assert served.call("GET", "/v1/requeues", key=served.key("viewer", name="viewer")).json() == []


def test_who_may_not_move_deliveries_requeues_none(served: Served) -> None:
    parked(served, 1)
    for role in ("viewer", "integrator", "auditor", "source"):
        assert asked(served, role).status_code == 403
    assert served.call("POST", PATH, json={}).status_code == 401
    scoped = served.key("operator", name="elsewhere", systems=("window",))
    answer = served.call("POST", PATH, key=scoped, json={"filter": FAULT, "reason": "x"})
    assert answer.status_code == 404
