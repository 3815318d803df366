"""`syncgate reconcile` against the simulated work order system: by a gate that serves, and by one of its own."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from syncgate.sandbox.running import Running
from tests.integration.cli.conftest import eventually, orders
from tests.integration.gate.conftest import Gate

COUNT = 30
LONGEST = 120.0


@pytest.fixture
def reconciled(gate: Gate, workorders: Running) -> Gate:
    """A serving gate whose system holds thirty orders, delivered long enough ago to be judged."""
    gate.edit("adapters/workorders/adapter.yaml", '  at: "03:00"\n', "  grace: 1s\n")
    process = gate.serve()
    assert len(gate.post_many(gate.key(), range(COUNT))) == COUNT
    assert eventually(
        lambda: gate.ask("systems", "show", "workorders")["backlog"]["delivered"] == COUNT, within=LONGEST
    ), gate.log(process)
    assert eventually(lambda: gate.run("reconcile", "workorders", "--json").json()[0]["totals"]["unjudged"] == 0)
    return gate


def lose(workorders: Running, *numbers: str) -> None:
    workorders.alter(*({"do": "remove", "operation": "create", "key": number} for number in numbers))


def test_a_run_is_followed_to_its_end_and_a_clean_one_ends_with_0(reconciled: Gate, workorders: Running) -> None:
    told = reconciled.run("reconcile", "workorders")
    assert told.code == 0, told
    header, row = told.out.splitlines()
    assert header.split() == [
        "system", "expected", "reported", "verified", "returned", "unjudged", "differences", "result",
    ]  # fmt: skip
    assert row.split() == ["workorders", "30", "30", "30", "0", "0", "0", "complete"]
    assert told.err.splitlines()[-1] == "workorders: complete"
    chinese = reconciled.run("--language", "zh", "reconcile", "workorders")
    assert [word in chinese.out for word in ("应报", "已报", "已核验", "退回", "差异", "已完成")] == [True] * 6


def test_what_a_system_lost_is_found_ends_with_1_and_is_mended(reconciled: Gate, workorders: Running) -> None:
    """Story 12, in small: listed first, mended when asked, and the next run is clean."""
    lose(workorders, "HL3", "HL7")
    listed = reconciled.run("reconcile", "workorders")
    assert listed.code == 1 and "workorders: 2 missing" in listed.out
    found = reconciled.ask("reconcile", "discrepancies", "--system", "workorders")["discrepancies"]
    assert sorted(one["case_no"] for one in found) == ["HL3", "HL7"]
    assert {one["kind"] for one in found} == {"missing"}
    mended = reconciled.run("reconcile", "workorders", "--mend", "--json")
    assert mended.code == 0, mended
    (run,) = mended.json()
    assert (run["mended"], run["left"], run["by"]) == ({"resend": 2}, 0, "local")
    assert eventually(lambda: orders(workorders)["HL3"] == 2 and orders(workorders)["HL7"] == 2, within=LONGEST)
    assert eventually(lambda: reconciled.run("reconcile", "workorders").code == 0, within=LONGEST)
    shown = reconciled.ask("reconcile", "show", run["reconciliation_id"])
    assert shown["outcome"] == "complete"
    listed_runs = reconciled.run("reconcile", "list", "--system", "workorders")
    assert run["reconciliation_id"] in listed_runs.out


def test_a_cap_mends_nothing_and_ends_with_1(reconciled: Gate, workorders: Running) -> None:
    lose(workorders, "HL3", "HL7")
    told = reconciled.run("reconcile", "workorders", "--mend", "--cap", "1", "--json")
    assert told.code == 1
    assert told.json()[0]["outcome"] == "cap_exceeded"
    assert orders(workorders)["HL3"] == 1


def test_a_person_repairs_one_discrepancy_and_ends_another(reconciled: Gate, workorders: Running) -> None:
    lose(workorders, "HL3", "HL7")
    assert reconciled.run("reconcile", "workorders").code == 1
    found = reconciled.ask("reconcile", "discrepancies", "--system", "workorders")["discrepancies"]
    ids = {one["case_no"]: one["discrepancy_id"] for one in found}

    def repair(number: str, action: str) -> Any:
        return reconciled.run(
            "reconcile", "repair", ids[number], "--action", action, "--reason", "they lost it", "--json"
        )

    queued = repair("HL3", "resend").json()
    assert (queued["is_open"], queued["action"], queued["delivery_id"] is not None) == (True, "resend", True)
    assert repair("HL3", "resend").code == 0
    ignored = repair("HL7", "ignore").json()
    assert (ignored["is_open"], ignored["closed_as"], ignored["closed_by"]) == (False, "ignored", "local")
    refused = repair("HL7", "resend")
    assert (refused.code, "ignored" in refused.err) == (1, True), refused
    assert eventually(lambda: orders(workorders)["HL3"] == 2, within=LONGEST)
    assert orders(workorders)["HL7"] == 1
    assert eventually(lambda: reconciled.ask("reconcile", "discrepancies", "--system", "workorders") == {
        "discrepancies": [], "next": None,
    }, within=LONGEST)  # fmt: skip
    over = reconciled.ask("reconcile", "discrepancies", "--all")["discrepancies"]
    assert {one["case_no"]: one["closed_as"] for one in over} == {"HL3": "mended", "HL7": "ignored"}


def test_without_a_serving_gate_a_run_is_worked_on_by_the_command_itself(reconciled: Gate, workorders: Running) -> None:
    lose(workorders, "HL3")
    process = reconciled.processes[-1]
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
    told = reconciled.run_apart("reconcile", "workorders", "--mend", "--json")
    assert told.code == 0, told
    assert json.loads(told.out)[0]["mended"] == {"resend": 1}
    assert orders(workorders)["HL3"] == 1
    reconciled.serve()
    assert eventually(lambda: orders(workorders)["HL3"] == 2, within=LONGEST)


def test_a_report_is_written_beside(reconciled: Gate, tmp_path: Path) -> None:
    for suffix in ("html", "xlsx", "json"):
        file = tmp_path / f"report.{suffix}"
        assert reconciled.run("reconcile", "workorders", "--report", file).code == 0
        assert file.stat().st_size > 500
    assert json.loads((tmp_path / "report.json").read_text())["runs"]
    assert reconciled.run("reconcile", "workorders", "--report", tmp_path / "report.pdf").code == 1


def test_a_slow_run_is_cancelled(reconciled: Gate, workorders: Running) -> None:
    workorders.switch_on("slow", operations=["list"], delay=30)
    address, token = (json.loads(reconciled.serve_file.read_text())[name] for name in ("address", "token"))
    asked = httpx.post(
        f"{address}/v1/reconciliations",
        json={"system": "workorders", "reason": "a test"},
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
    ).json()
    run_id = asked["reconciliation_id"]
    assert eventually(lambda: reconciled.ask("reconcile", "show", run_id)["is_under_way"], within=LONGEST)
    refused = reconciled.run("reconcile", "workorders")
    assert refused.code == 1 and "run_under_way" not in refused.out and run_id in refused.err
    assert reconciled.run("reconcile", "cancel", run_id).code == 0
    assert eventually(lambda: reconciled.ask("reconcile", "show", run_id)["outcome"] == "cancelled", within=10)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("workorders", "--mend", "--adopt"), "--mend or --adopt"),
        ((), "Usage"),
        (("--mend",), "systems or --all"),
        (("workorders", "--all"), "systems or --all"),
        (("workorders", "--report", "x.pdf"), ".html, .xlsx or .json"),
        (("nobody",), "system of this site"),
        (("workorders", "--message", "ordr"), "order"),
        (("workorders", "--since", "soon"), "a time such as"),
    ],
)
def test_what_cannot_be_asked_is_said(gate: Gate, arguments: tuple[str, ...], words: str) -> None:
    told = gate.run_apart("reconcile", *arguments)
    assert told.code in (1, 2) and words in told.err + told.out, told
