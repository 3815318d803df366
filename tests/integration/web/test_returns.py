"""Lists of returns, worklists, changes and letters over the interface: who may, and what is refused."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from syncgate.domain.delivery import Phase
from tests.integration.flows.returnsite import EARLY, RETURNS, returning_bundle, table
from tests.integration.web.served import Served
from tests.support.rows import a_delivery, an_attempt, stored_case

LIST = {"Content-Type": "application/octet-stream"}
PATH = "/v1/systems/province/returns"
NOBODY = UUID(int=1)


@pytest.fixture
def province(served: Served) -> Served:
    """A served gate with a province that brings lists of returns."""
    bundle = returning_bundle(RETURNS)
    served.gate.bundles[bundle.digest] = bundle
    served.gate.active["province"] = bundle.digest
    return served


def bring(served: Served, content: bytes, *, key: str, **query: str) -> Any:
    return served.call("POST", PATH, key=key, params={"reason": "Monday", **query}, content=content, headers=LIST)


def test_a_list_in_gbk_is_answered_row_by_row(province: Served) -> None:
    answer = bring(province, table([("Z9", EARLY)], charset="gbk"), key=province.key("operator")).json()
    assert (answer["charset"], answer["results"]) == ("gb18030", {"never_sent": 1})
    assert [(row["row"], row["result"]) for row in answer["rows"]] == [(2, "never_sent")]


def test_a_list_with_other_headers_is_refused_with_each_that_is_missing(province: Served) -> None:
    answer = bring(province, table([("A1", EARLY)], header=("编号", "意见")), key=province.key("operator"))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_returns")
    assert [one["rule"] for one in answer.json()["errors"]] == ["missing_header", "missing_header"]
    assert "办件编号" in answer.text and "质检意见" in answer.text


def test_only_who_may_move_deliveries_imports_and_sends_back(province: Served) -> None:
    body = {"filter": {"system": "province", "cause": "item_unknown"}, "reason": "theirs"}
    for role, status in (("viewer", 403), ("source", 403), ("auditor", 403), ("operator", 200)):
        key = province.key(role, name=role)
        assert bring(province, table([("Z9", EARLY)]), key=key).status_code == status, role
        if role != "operator":
            assert province.call("POST", "/v1/returns:send_back", key=key, json=body).status_code == status, role


def test_sending_back_needs_a_cause(province: Served) -> None:
    body = {"filter": {"system": "province", "reason": "returned"}, "reason": "theirs"}
    answer = province.call("POST", "/v1/returns:send_back", key=province.key("operator"), json=body)
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/filter/cause"]


def test_a_source_reads_its_own_worklist_and_changes_alone(served: Served) -> None:
    case_id, step = stored_case("food")
    served.write(step)
    served.write(lambda tx: tx.insert_deliveries([a_delivery(case_id, phase=Phase.DELIVERED)]))
    own = served.key("source")
    assert served.call("GET", "/v1/sources/window/worklist", key=own).json()["items"] == []
    page = served.call("GET", "/v1/sources/window/changes", key=own).json()
    assert [change["case_id"] for change in page["changes"]] == [str(case_id)]
    for path in ("/v1/sources/hall/worklist", "/v1/sources/hall/changes", "/v1/sources/nobody/changes"):
        assert served.call("GET", path, key=own).status_code == 404, path
    bad = served.call("GET", "/v1/sources/window/changes", key=own, params={"cursor": "x"})
    assert bad.status_code == 422


def test_a_worklist_names_each_system_and_what_came_back(province: Served) -> None:
    case_id, step = stored_case("province")
    province.write(step)
    parked = {"phase": Phase.PARKED, "reason": "returned", "detail": "accepted_before_applied", "actor": "source"}
    province.write(lambda tx: tx.insert_deliveries([a_delivery(case_id, "province", **parked)]))
    answer = province.call("GET", "/v1/sources/window/worklist", key=province.key("source"))
    (item,) = answer.json()["items"]
    assert (item["kind"], item["cause"], item["title"]["zh"]) == (
        "given_back",
        "accepted_before_applied",
        "省统一办件库",
    )


def test_a_letter_and_a_proof_are_told_to_machines(province: Served) -> None:
    case_id, step = stored_case("province")
    province.write(step)
    done = a_delivery(case_id, "province", phase=Phase.DELIVERED)
    wish = {"phase": Phase.PARKED, "reason": "correction_not_taken", "detail": "", "actor": "operator"}
    parked = a_delivery(case_id, "province", revision=2, **wish)
    province.write(lambda tx: tx.insert_deliveries([done, parked]))
    province.write(lambda tx: tx.insert_attempts([an_attempt(done.delivery_id)]))
    key, asked = province.key("operator"), {"format": "json"}
    letter = province.call("GET", f"/v1/deliveries/{parked.delivery_id}/letter", key=key, params=asked)
    assert (letter.status_code, letter.json()["system_title"]["zh"]) == (200, "省统一办件库")
    proof = province.call("GET", f"/v1/cases/{case_id}/proof", key=key, params=asked)
    assert [one["title"]["zh"] for one in proof.json()["systems"]] == ["省统一办件库"]


def test_a_letter_about_nothing_is_not_there_and_a_proof_is_a_page_for_paper(served: Served) -> None:
    case_id, step = stored_case("food")
    served.write(step)
    key = served.key("operator")
    assert served.call("GET", f"/v1/deliveries/{NOBODY}/letter", key=key).status_code == 404
    answer = served.call("GET", f"/v1/cases/{case_id}/proof", key=key, params={"language": "zh"})
    assert answer.headers["content-type"].startswith("text/html") and "推送证明" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    told = served.call("GET", f"/v1/cases/{case_id}/proof", key=key, params={"format": "json"}).json()
    assert told["case_id"] == str(case_id)
