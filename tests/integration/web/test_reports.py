"""Reports over the interface: who gets which, of what, in which form and language."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from syncgate.domain.reconciliation.run import ListingTotals, RunOutcome, RunStage, RunState, RunWish, job_of
from syncgate.domain.rows import Discrepancy, Principal, Run, SystemRow
from syncgate.flows.showing.reconciliation_report import SiteFace, period_report
from syncgate.ports import Tx
from syncgate.reports import Report
from tests.integration.web.served import LOCAL_TOKEN, Served
from tests.support.rows import START, Ids, a_case, a_lane

PATH = "/v1/reports/reconciliation"
SECRET = "张三的仓库"
new_id = Ids()


def a_discrepancy(case_id: UUID | None, **changes: Any) -> Discrepancy:
    row: dict[str, Any] = {
        "discrepancy_id": new_id(),
        "system": "food",
        "message": "application",
        "subject": f"{case_id}:",
        "kind": "edited_there",
        "case_id": case_id,
        "run_slot": "1",
        "action": "ask",
        "found_at": START,
        "seen_at": START,
        "detail": {
            "listing": "applications",
            "level": "fields",
            "remote_ref": "FD1",
            "fields": [{"name": "warehouse", "owner": "system"}],
            "values": {"warehouse": SECRET},
        },
    }
    return Discrepancy(**row | changes)


@pytest.fixture
def ran(served: Served) -> Served:
    """Two systems with a run each; at food one case of region 990101 and one of 990102 differ."""
    totals = ListingTotals(listing="applications", level="fields", expected=9, verified=7, kinds={"edited_there": 2})

    def step(tx: Tx) -> None:
        for system in ("food", "province"):
            tx.save_system(SystemRow(system=system))
            state = RunState(
                wish=RunWish(trigger="schedule"), stage=RunStage.ENDED, totals=(totals,), begun_at=START.isoformat()
            )
            tx.insert_run(
                Run(
                    job=job_of(system),
                    slot="1",
                    claimed_by="p",
                    claimed_at=START,
                    ended_at=START + timedelta(minutes=1),
                    outcome=RunOutcome.COMPLETE,
                    detail=state.to_json(),
                )
            )
        for no, region in enumerate(("990101", "990102")):
            case_id = new_id()
            tx.insert_case(a_case(case_id, case_no=f"SP-{no}", region=region))
            tx.insert_lanes([a_lane(case_id, "food")])
            tx.insert_discrepancy(a_discrepancy(case_id))
        stranger = a_discrepancy(None, subject="ab", kind="unexpected", detail={"key": "SP-9", "remote_ref": "FD9"})
        tx.insert_discrepancy(stranger)
        old = a_discrepancy(None, subject="cd", kind="unexpected", found_at=START - timedelta(days=9))
        tx.insert_discrepancy(replace(old, seen_at=old.found_at, closed_at=START, closed_by="x", closed_as="gone"))

    served.write(step)
    served.clock.move(hours=1)
    return served


def report(served: Served, key: str, **query: Any) -> Any:
    answer = served.call("GET", PATH, key=key, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_report_over_a_time_has_the_runs_and_what_they_saw(ran: Served) -> None:
    told = report(ran, ran.key("viewer"), since=START.isoformat())
    assert [run["run_id"] for run in told["runs"]] == ["food.1", "province.1"]
    assert told["totals"]["expected"] == 18
    assert sorted(line["case_no"] or line["key"] for line in told["discrepancies"]) == ["SP-0", "SP-1", "SP-9"]
    assert told["by_kind"] == [
        {"kind": "edited_there", "found": 2, "open": 2, "closed": 0},
        {"kind": "unexpected", "found": 1, "open": 1, "closed": 0},
    ]
    earlier = report(ran, ran.key("viewer", name="other"))
    assert len(earlier["discrepancies"]) == 4


def test_a_report_before_any_run_is_empty(ran: Served) -> None:
    until = (START - timedelta(days=20)).isoformat()
    told = report(ran, ran.key("viewer"), until=until)
    assert (told["runs"], told["discrepancies"], told["totals"]["expected"]) == ([], [], 0)


def seen_by(served: Served, *wished: str, **scopes: Any) -> Report:
    principal = Principal(
        principal_id=new_id(), name="s", role="viewer", key_hash=b"k", key_hint="", created_at=START, **scopes
    )
    face = SiteFace({"en": "City"}, ZoneInfo("Asia/Shanghai"))
    period = {"since": START - timedelta(days=1), "until": START + timedelta(days=1)}
    return served.run(period_report(served.gate, principal, face, **period, systems=wished or None))


def test_a_report_shows_a_principal_its_own_share(ran: Served) -> None:
    """Promise 10: what is out of scope does not exist."""
    of_province = seen_by(ran, systems=("province",))
    assert {run.system for run in of_province.runs} == {"province"} and of_province.lines == ()
    assert [line.case_no for line in seen_by(ran, regions=("990101",)).lines] == ["SP-0"]
    assert len(seen_by(ran, sources=("window",)).lines) == 2
    elsewhere = seen_by(ran, sources=("hall",))
    assert elsewhere.lines == () and elsewhere.unseen_count == 3, "its runs count them"
    assert seen_by(ran, "food", systems=("province",)).runs == ()


@pytest.mark.parametrize("role", ["source", "security"])
def test_a_report_is_not_for_who_reads_no_systems_or_no_cases(ran: Served, role: str) -> None:
    assert ran.call("GET", PATH, key=ran.key(role)).status_code == 403


@pytest.mark.parametrize("form", ["html", "xlsx", "json"])
def test_no_form_of_a_report_holds_a_value(ran: Served, form: str) -> None:
    """Promise 10."""
    answer = ran.call("GET", PATH, key=ran.key("admin"), params={"format": form})
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
    if form == "xlsx":
        book = openpyxl.load_workbook(io.BytesIO(answer.content))
        text = str([list(sheet.values) for sheet in book])
    else:
        text = answer.text
    assert SECRET not in text and "warehouse" in text and "SP-0" in text


def test_the_language_is_the_callers_or_the_one_that_is_asked_for(ran: Served) -> None:
    key = ran.key("viewer")
    said = {"Accept-Language": "en"}
    english = ran.call("GET", PATH, key=key, params={"format": "html"}, headers=said)
    chinese = ran.call("GET", PATH, key=key, params={"format": "html", "language": "zh"}, headers=said)
    assert "What to do next" in english.text and english.headers["content-language"] == "en"
    assert "下一步" in chinese.text and chinese.headers["content-language"] == "zh"
    assert "default-src 'none'" in english.headers["content-security-policy"]


def test_a_time_that_cannot_be_is_refused(ran: Served) -> None:
    key = ran.key("viewer")
    for query in (
        {"since": "2026-01-01T00:00:00"},
        {"since": "2027-01-01T00:00:00Z"},
        {"format": "pdf"},
        {"zone": "x"},
    ):
        assert ran.call("GET", PATH, key=key, params=query).status_code == 422


def test_the_command_lines_own_key_reads_everything(ran: Served) -> None:
    assert len(report(ran, LOCAL_TOKEN, since=START.isoformat())["discrepancies"]) == 3
