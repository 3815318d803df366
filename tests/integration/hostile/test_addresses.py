"""Paths and parameters that name what no store can hold: refused in so many words, on both engines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from syncgate.storage import SiteKeyring, SqlStore
from tests.integration.web.served import Served, serving
from tests.support.rows import SetClock
from tests.unit.web.sample import application

READ_BY_NAME = [
    "/v1/cases/window:A%00B",
    "/v1/cases/window%00:A/passport",
    "/v1/cases/window:A%00B/materials/m%00",
    "/v1/systems/food%00",
    "/v1/systems/food%00/worklist",
    "/v1/sources/window%00/worklist",
    "/v1/sources/window/changes%00",
    "/v1/reconciliations/food%00.x",
    "/v1/reconciliations/food.x%00/report",
]
FILTERED = {
    "/v1/cases?origin=window%00": "origin",
    "/v1/cases?region=99%00": "region",
    "/v1/deliveries?system=a&system=food%00": "system",
    "/v1/deliveries?message=%00": "message",
    "/v1/deliveries?reason=%00": "reason",
    "/v1/deliveries?case=window:%00": "case",
    "/v1/discrepancies?kind=%00": "kind",
    "/v1/discrepancies?case=window:A%00": "case",
    "/v1/arrivals?source=%00": "source",
    "/v1/returns?system=%00": "system",
    "/v1/reconciliations?cursor=%00": "cursor",
    "/v1/reconciliations?system=%00": "system",
    "/v1/reports/reconciliation?system=%00": "system",
    "/v1/sources/window/changes?cursor=%00": "cursor",
}


@pytest.fixture
def served(store: SqlStore, keyring: SiteKeyring, clock: SetClock) -> Iterator[Served]:
    with serving(store, keyring, clock) as running:
        yield running


def test_a_name_with_a_nul_names_nothing(served: Served) -> None:
    for key in (served.key("admin", name="admin"), served.key()):
        for path in READ_BY_NAME:
            answer = served.call("GET", path, key=key)
            assert answer.status_code in (403, 404), f"{path}: {answer.text}"


def test_a_post_about_a_name_with_a_nul_is_refused(served: Served) -> None:
    key = served.key()
    for method, path in (
        ("PUT", "/v1/cases/window:A%00"),
        ("PATCH", "/v1/cases/window:A%00"),
        ("POST", "/v1/cases/window:A%00/stages"),
        ("POST", "/v1/cases/window:A%00/withdraw"),
        ("POST", "/v1/sources/window%00/records"),
        ("PUT", "/v1/cases/window:A%00/materials/m-1"),
    ):
        answer = served.call(method, path, key=key, json=application())
        assert answer.status_code in (403, 404), f"{method} {path}: {answer.text}"


def test_a_filter_with_a_nul_is_refused_by_name(served: Served) -> None:
    key = served.key("admin", name="admin")
    for path, name in FILTERED.items():
        answer = served.call("GET", path, key=key)
        assert answer.status_code == 422, f"{path}: {answer.text}"
        told = [(error["pointer"], error["rule"]) for error in answer.json()["errors"]]
        assert told == [(f"/query/{name}", "characters")], path


@pytest.mark.parametrize("time", ["0", "0.5", "1767225600", "20260401", "2026-04-01", "-1"])
def test_a_bare_number_is_no_time(served: Served, time: str) -> None:
    """It would count as seconds since 1970: `since=20260401` as a day in August of that year."""
    key = served.key("admin", name="admin")
    for path, name in (
        ("/v1/cases", "created_from"),
        ("/v1/deliveries", "changed_until"),
        ("/v1/reports/reconciliation", "since"),
    ):
        answer = served.call("GET", path, key=key, params={name: time})
        assert answer.status_code == 422, f"{path}: {answer.text}"
        (error,) = answer.json()["errors"]
        assert (error["pointer"], error["expected"]) == (f"/query/{name}", "date-time with offset")
    body = {"system": "food", "reason": "x", "until": time}
    for asked in (body, body | {"until": 1767225600}):
        answer = served.call("POST", "/v1/holds", key=key, json=asked)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/until"), answer.text


def test_a_refused_method_is_answered_with_every_method_that_the_path_has(served: Served) -> None:
    wanted = {
        "/v1/cases": "GET, POST",
        "/v1/cases/window:A": "GET, PATCH, PUT",
        "/v1/cases/window:A/materials/m": "GET, HEAD, PUT",
        "/v1/holds": "GET, POST",
        "/livez": "GET, HEAD",
        "/v1/reconciliations/x": "DELETE, GET",
    }
    for path, allowed in wanted.items():
        answer = served.call("TRACE", path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed), path
