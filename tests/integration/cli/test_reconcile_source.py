"""`syncgate reconcile --source` against a real gate process: a source's own file, read as its records are."""

from __future__ import annotations

import json
from pathlib import Path

from tests.integration.cli.conftest import Site


def test_a_source_is_compared_by_its_own_file_and_a_clean_one_ends_with_0(site: Site, calls: Path) -> None:
    site.serve()
    site.ask("submit", calls, "--source", "taipei1999")
    same = site.run("reconcile", "--source", "taipei1999", "--manifest", calls)
    assert same.code == 0, same
    header, row = same.out.splitlines()
    assert header.split()[:4] == ["system", "expected", "reported", "verified"]
    assert row.split() == ["taipei1999", "40", "40", "40", "0", "0", "0", "complete"]
    head, *rows = calls.read_text("utf-8-sig").splitlines()
    rows[0] = rows[0].replace("示例", "另一", 1)
    new = rows[-1].replace("99010", "99990", 1)
    assert rows[0] != calls.read_text("utf-8-sig").splitlines()[1] and new != rows[-1]
    manifest = site.folder / "manifest.csv"
    manifest.write_text("\n".join([head, *rows[:-1], new]) + "\n", "utf-8-sig")
    report = site.folder / "report.json"
    at = ("--source", "taipei1999", "--manifest", manifest, "--since", "2020-01-01")
    told = site.run("reconcile", *at, "--report", report, "--json")
    assert told.code == 1, told
    (run,) = told.json()
    assert (run["outcome"], run["is_of_source"]) == ("complete", True)
    assert run["differences"] == {"differs": 1, "not_posted": 1, "not_there": 1}
    assert (run["totals"]["expected"], run["totals"]["delivered"], run["totals"]["verified"]) == (40, 39, 38)
    found = site.ask("reconcile", "discrepancies", "--system", "taipei1999")["discrepancies"]
    assert {one["kind"] for one in found} == {"differs", "not_posted", "not_there"}
    assert "另一" not in json.dumps(found, ensure_ascii=False)
    assert json.loads(report.read_text())
    chinese = site.run("--language", "zh", "reconcile", "--manifest", manifest, "--source", "taipei1999")
    assert chinese.code == 1
    assert [word in chinese.out for word in ("应报", "已核验", "应报未报", "不一致")] == [True] * 4


def test_by_columns_only_these_are_compared_and_what_is_no_source_is_named(site: Site, calls: Path) -> None:
    """Without a serving gate: the run is worked on by the command itself."""
    site.ask("submit", calls, "--source", "taipei1999")
    listed = site.folder / "numbers.csv"
    numbers = [line.split(",")[0] for line in calls.read_text("utf-8-sig").splitlines()[1:]]
    listed.write_text("\n".join(["编号", *numbers]), "utf-8")
    at = ("--manifest", listed, "--column", "/case_no=编号", "--charset", "utf-8")
    (run,) = site.ask_apart("reconcile", "--source", "taipei1999", *at, "--since", "2020-01-01")
    assert (run["totals"]["verified"], run["listings"][0]["level"]) == (40, "ids")
    missing = site.run_apart("reconcile", "--source", "nobody", *at)
    assert missing.code != 0 and "expected a source of this site" in missing.err
    gone = site.run("reconcile", "--source", "taipei1999", "--manifest", site.folder / "none.csv")
    assert gone.code != 0 and "expected a readable file" in gone.err
