"""What is held over the interface: listed, shown masked, replayed once after the fix, dropped for a reason."""

from __future__ import annotations

from typing import Any

import pytest

from syncgate.ports import CaseFilter
from tests.integration.web.served import Served
from tests.integration.web.test_records import arrivals, bring, written
from tests.integration.web.words import GOOD, MORE, a_source
from tests.support.cases import a_hotline_case

BAD = GOOD | {"渠道": "传真", "姓名": "测样甲", "电话": "15400000001"}
REASON = {"reason": "channel added"}


@pytest.fixture
def holding(served: Served) -> Served:
    served.gate.inbound["window"] = a_source(is_holding=True)
    return served


def mend(served: Served) -> None:
    served.gate.inbound["window"] = a_source(is_holding=True, table=MORE)


def held(served: Served, **changes: str) -> str:
    answer = bring(served, written(BAD | changes))
    served.clock.move(seconds=1)
    return str(answer.json()["held"])


def act(served: Served, path: str, *, role: str = "operator", **body: Any) -> Any:
    answer = served.call("POST", path, key=served.key(role, name=role), json=REASON | body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def cases(served: Served) -> dict[str, int]:
    found = served.read(lambda tx: tx.list_cases(CaseFilter(), after=None, limit=100))
    return {case.case_no: case.revision for case in found}


def test_what_is_held_is_listed_with_its_fields_and_shown_masked(holding: Served) -> None:
    held_id = held(holding)
    viewer = holding.key("viewer")
    (listed,) = holding.call("GET", "/v1/arrivals", key=viewer).json()["arrivals"]
    assert (listed["arrival_id"], listed["state"], listed["errors"][0]["pointer"]) == (held_id, "held", "/渠道")
    shown = holding.call("GET", f"/v1/arrivals/{held_id}", key=viewer)
    (record,) = shown.json()["records"]
    assert (record["编号"], record["姓名"], record["电话"]) == ("P-0001", "**", "**")
    assert "15400000001" not in shown.text
    other = holding.key("source", name="other", sources=("hall",))
    assert holding.call("GET", "/v1/arrivals", key=other).json()["arrivals"] == []
    assert holding.call("GET", f"/v1/arrivals/{held_id}", key=other).status_code == 404


def test_a_replay_before_the_fix_changes_nothing_and_after_it_enters_once(holding: Served) -> None:
    held_id = held(holding)
    path = f"/v1/arrivals/{held_id}/replay"
    assert act(holding, path)["results"][0]["fate"] == "held"
    assert cases(holding) == {}
    mend(holding)
    assert act(holding, path, dry_run=True)["results"][0]["fate"] == "new"
    assert cases(holding) == {}, "a dry run stores nothing"
    assert act(holding, path)["results"][0] | {"case_id": ""} == {
        "arrival_id": held_id, "fate": "new", "case_id": "", "case_no": "P-0001", "problem": None
    }  # fmt: skip
    assert cases(holding) == {"P-0001": 1}
    again = holding.call("POST", path, key=holding.key("operator", name="other"), json=REASON)
    assert (again.status_code, again.json()["code"]) == (409, "not_held")
    audited = {entry["action"] for entry in holding.read(lambda tx: tx.list_audit(limit=10))}
    assert "arrival_replayed" in audited


def test_what_its_source_posted_again_meanwhile_is_unchanged(holding: Served) -> None:
    """Nothing twice."""
    held_id = held(holding)
    mend(holding)
    assert bring(holding, written([BAD])).json()["results"][0]["revision"] == 1
    assert act(holding, f"/v1/arrivals/{held_id}/replay")["results"][0]["fate"] == "unchanged"
    assert cases(holding) == {"P-0001": 1}


def test_a_replay_takes_nothing_back_that_its_source_said_later(holding: Served) -> None:
    held_id = held(holding)
    holding.gate.inbound["window"] = a_source(is_holding=True)
    assert bring(holding, written(GOOD | {"备注": "later"})).status_code == 202
    mend(holding)
    for dry_run in (True, False):
        (result,) = act(holding, f"/v1/arrivals/{held_id}/replay", dry_run=dry_run)["results"]
        assert (result["fate"], result["problem"]["code"]) == ("held", "overtaken")
    assert cases(holding) == {"P-0001": 1}


def test_all_of_a_source_are_replayed_with_a_dry_run_first(holding: Served) -> None:
    for no in range(5):
        held(holding, 编号=f"P-{no}")
    held(holding, 编号="P-9", 时间="2026/04/31 08:00")
    mend(holding)
    path = "/v1/sources/window/arrivals:replay"
    dry = act(holding, path, dry_run=True)
    assert (dry["counts"], dry["more"], len(dry["samples"])) == ({"new": 5, "held": 1}, False, 1)
    assert act(holding, path, cap=2)["more"] is True
    assert act(holding, path)["counts"] == {"new": 3, "held": 1}
    assert len(cases(holding)) == 5
    assert [one.state.value for one in arrivals(holding)].count("held") == 1


def test_a_dropped_one_is_gone_with_its_content_and_the_reason_stays(holding: Served) -> None:
    held_id = held(holding)
    dropped = act(holding, f"/v1/arrivals/{held_id}/drop", reason="posted by hand")
    assert (dropped["state"], dropped["reason"], dropped["ended_by"]) == ("dropped", "posted by hand", "operator")
    (arrival,) = arrivals(holding)
    assert arrival.sealed is None and arrival.wrapped_key is None
    shown = holding.call("GET", f"/v1/arrivals/{held_id}", key=holding.key("viewer", name="v"))
    assert shown.json()["records"] is None
    replayed = holding.call("POST", f"/v1/arrivals/{held_id}/replay", key=holding.key("admin", name="a"), json=REASON)
    assert replayed.status_code == 409


def test_who_only_reads_or_posts_decides_nothing(holding: Served) -> None:
    held_id = held(holding)
    for role in ("viewer", "source", "auditor", "integrator"):
        for path in (f"/v1/arrivals/{held_id}/replay", f"/v1/arrivals/{held_id}/drop"):
            answer = holding.call("POST", path, key=holding.key(role, name=role), json=REASON)
            assert answer.status_code == 403, role


def test_a_body_that_could_not_be_read_goes_in_record_by_record_once_it_can(holding: Served) -> None:
    """The fix is in the settings: the charset was declared wrongly."""
    from syncgate.records import JsonSettings

    holding.gate.inbound["window"] = a_source(is_holding=True, json=JsonSettings(charset="utf-8"))
    records = [GOOD | {"编号": "P-1"}, BAD | {"编号": "P-2"}]
    held_id = bring(holding, written(records)).json()["held"]
    holding.gate.inbound["window"] = a_source(is_holding=True)
    results = act(holding, f"/v1/arrivals/{held_id}/replay")["results"]
    assert [one["fate"] for one in results] == ["new", "held"]
    assert cases(holding) == {"P-1": 1}
    assert sorted(one.state.value for one in arrivals(holding)) == ["held", "taken"]


def test_a_stage_before_its_case_is_answered_with_where_it_waits_listed_and_joined(served: Served) -> None:
    """Story 6."""
    key, stage = served.key(), {"id": "s1", "kind": "step", "at": "2026-05-01T09:00:00+08:00"}
    path = "/v1/cases/window:HL-1/stages"
    answer = served.call("POST", path, key=key, json=stage)
    assert answer.status_code == 202
    kept = answer.json()
    assert (kept["waits_for"], answer.headers["Location"]) == ("window:HL-1", f"/v1/arrivals/{kept['arrival_id']}")
    (listed,) = served.call("GET", "/v1/arrivals", key=served.key("viewer")).json()["arrivals"]
    assert (listed["code"], listed["number"]) == ("awaits_case", "HL-1")
    (left,) = served.call("GET", "/v1/sources/window/worklist", key=key).json()["held"]
    assert (left["arrival_id"], left["code"]) == (kept["arrival_id"], "awaits_case")
    metrics = served.call("GET", "/metrics", key=served.key("viewer", name="m")).text
    assert 'syncgate_arrivals_held{code="awaits_case",source="window"} 1.0' in metrics
    seen = served.call("GET", answer.headers["Location"], key=key).json()
    assert [record["id"] for record in seen["records"]] == ["s1"]
    posted = served.call("POST", "/v1/cases", key=key, json=a_hotline_case("HL-1"))
    assert posted.status_code == 202
    again = served.call("POST", path, key=key, json=stage)
    assert (again.status_code, again.json()["case_id"]) == (200, posted.json()["case_id"])
    assert served.call("GET", "/v1/arrivals", key=served.key("viewer", name="v")).json()["arrivals"] == []


def test_a_withdrawal_before_its_case_waits_and_a_dry_replay_says_so(served: Served) -> None:
    answer = served.call("POST", "/v1/cases/window:HL-2/withdraw", key=served.key(), json={"reason": "重复登记"})
    assert (answer.status_code, answer.json()["waits_for"]) == (202, "window:HL-2")
    path = f"/v1/arrivals/{answer.json()['arrival_id']}/replay"
    (result,) = act(served, path, dry_run=True)["results"]
    assert (result["fate"], result["problem"]["code"]) == ("held", "not_found")
    other = served.call("POST", "/v1/cases/hall:HL-2/withdraw", key=served.key(name="w"), json={"reason": "撤"})
    assert other.status_code == 404
