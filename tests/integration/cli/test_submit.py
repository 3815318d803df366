"""Files of every kind through the command line, a real gate and a simulated system."""

from __future__ import annotations

import csv
from datetime import datetime
from pathlib import Path

import openpyxl
from openpyxl.worksheet.worksheet import Worksheet

from syncgate.sandbox.running import Running
from tests.integration.cli.conftest import Site, eventually, orders, write_calls

LAMPS = ["查報序號", "行政區", "查報地點", "故障情形", "查報日期"]
OTTAWA = "creation_date,ward,call_description,call_type,maintenance_yard,priority_name\n"
CALL = "2014-Jan-14 13:48:01,WARD 99,Lights,Traffic Operations,Example Yard,CC PHONE\n"


def _listed(file: str) -> list[dict[str, str]]:
    with Path(file).open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened))


def test_a_workbook_goes_in_and_its_unsure_rows_are_listed(site: Site, workorders: Running, tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    sheet = made.active
    assert isinstance(sheet, Worksheet)
    sheet.title = "派工"
    sheet.append(LAMPS)
    sheet.append([99010001, "東示", " 示例路1號 ", "不亮\n請修", "2024-01-01T05:58:00"])
    sheet.append([1.1e17, "東示", "示例路2號", "不亮", "2024-01-01T05:58:00"])
    sheet.append(["99010003", "東示", "示例路3號", "=1+1", datetime(2024, 1, 1)])
    made.save(tmp_path / "lamps.xlsx")
    site.serve()
    told = site.run("submit", tmp_path / "lamps.xlsx", "--source", "taipei_streetlights", "--json")
    assert (told.code, told.json()["new"], told.json()["refused"]) == (1, 1, 2)
    listed = _listed(told.json()["refused_file"])
    assert [(row["line"], row["field"]) for row in listed] == [("3", "查報序號"), ("4", "故障情形")]
    assert eventually(lambda: orders(workorders) == {"99010001": 1})


def test_equal_rows_without_numbers_stay_as_many_as_they_are(site: Site, workorders: Running, tmp_path: Path) -> None:
    january, february = tmp_path / "jan.csv", tmp_path / "feb.csv"
    january.write_text(OTTAWA + CALL * 3)
    february.write_text(OTTAWA + CALL)
    site.serve()
    both = site.ask("submit", january, february, "--source", "ottawa311")
    assert [(one["file"], one["new"]) for one in both["files"]] == [("jan.csv", 3), ("feb.csv", 1)]
    other = CALL.replace("13:48:01", "13:48:02")
    january.write_text(OTTAWA + other + CALL * 4)
    again = site.ask("submit", january, "--source", "ottawa311")
    assert (again["new"], again["unchanged"]) == (2, 3)
    assert eventually(lambda: len(orders(workorders)) == 6)
    assert set(orders(workorders).values()) == {1}


def test_of_a_folder_a_file_that_is_refused_whole_posts_nothing_and_the_others_go_in(
    site: Site, workorders: Running, tmp_path: Path
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    write_calls(folder / "good.csv", 5)
    torn = write_calls(folder / "torn.csv", 7).read_text("utf-8-sig").replace("990104", "990105")
    (folder / "torn.csv").write_text(torn + '9,"no end\n', "utf-8-sig")
    site.serve()
    told = site.run("submit", folder, "--source", "taipei1999", "--json")
    assert told.code == 1 and told.json()["new"] == 5
    good, bad = told.json()["files"]
    assert good["reason"] is None and "line 9 of torn.csv" in bad["reason"] and bad["new"] == 0
    assert eventually(lambda: len(orders(workorders)) == 5)


def test_a_dry_run_says_what_would_become_of_each_row_and_stores_nothing(
    site: Site, workorders: Running, calls: Path
) -> None:
    site.serve()
    text = calls.read_text("utf-8-sig")
    calls.write_text("\n".join(text.splitlines()[:21]) + "\n", "utf-8-sig")
    site.ask("submit", calls, "--source", "taipei1999")
    calls.write_text(text.replace("20260408", "20260499"), "utf-8-sig")
    told = site.run("submit", calls, "--source", "taipei1999", "--dry-run", "--json")
    refused = text.count("20260408")
    assert told.code == 1
    counts = {fate: told.json()[fate] for fate in ("changed", "refused", "parked")}
    assert counts == {"changed": 0, "refused": refused, "parked": 0}
    assert told.json()["new"] + told.json()["unchanged"] == 40 - refused and told.json()["new"] > 0
    assert len(_listed(f"{calls}.check.csv")) == refused
    assert eventually(lambda: len(orders(workorders)) == 20)
    assert len(site.ask("deliveries", "list", "--limit", "100")["deliveries"]) == 20
