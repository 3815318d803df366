"""Files of every kind through the command line, a real gate and a simulated system."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode

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


LAMP = {
    "查報序號": "",
    "行政區": "東示",
    "查報地點": "示例路1號",
    "故障情形": "不亮",
    "查報日期": "2024-01-01T05:58:00",
}


def _lamps(kind: str, *numbers: str) -> bytes:
    """The same lamps as the example site's source writes them in a format."""
    records = [{**LAMP, "查報序號": number} for number in numbers]
    match kind:
        case "json":
            return json.dumps({"data": {"items": records}}, ensure_ascii=False, indent=1).encode("gb18030")
        case "ndjson":
            return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()
        case "form":
            return urlencode(records[0], encoding="gbk").encode()
        case _:
            fields = ("".join(f"<{key}>{text}</{key}>" for key, text in record.items()) for record in records)
            orders = "".join(f"<order>{each}<photo>a</photo><photo>b</photo></order>\n" for each in fields)
            return f'<?xml version="1.0" encoding="Big5"?>\n<orders>{orders}</orders>'.encode("big5")


def test_a_source_writes_in_several_formats_and_charsets_and_each_goes_in(
    site: Site, workorders: Running, tmp_path: Path
) -> None:
    folder = tmp_path / "lamps"
    folder.mkdir()
    number_by_kind = {"form": ["99020001"], "json": ["99020002", "99020003"], "ndjson": ["99020004"]}
    number_by_kind["xml"] = ["99020005", "99020006"]
    for kind, numbers in number_by_kind.items():
        (folder / f"lamps.{kind}").write_bytes(_lamps(kind, *numbers))
    site.serve()
    first = site.ask("submit", folder, "--source", "taipei_streetlights")
    assert [(one["file"], one["new"]) for one in first["files"]] == [
        (f"lamps.{kind}", len(numbers)) for kind, numbers in number_by_kind.items()
    ]
    assert site.ask("submit", folder, "--source", "taipei_streetlights")["unchanged"] == 6
    every = [number for numbers in number_by_kind.values() for number in numbers]
    assert eventually(lambda: orders(workorders) == dict.fromkeys(every, 1))


def test_of_every_format_a_bad_record_is_refused_alone_and_a_broken_file_as_a_whole(
    site: Site, workorders: Running, tmp_path: Path
) -> None:
    site.serve()
    for kind, bad in (("json", "東示"), ("ndjson", "東示"), ("xml", "東示")):
        file, charset = tmp_path / f"bad.{kind}", {"json": "gb18030", "xml": "big5"}.get(kind, "utf-8")
        text = _lamps(kind, f"{kind}-1", f"{kind}-2", f"{kind}-3").decode(charset)
        second = text.index(bad, text.index(f"{kind}-2"))
        file.write_bytes((text[:second] + "\x7f" + text[second:]).encode(charset))
        told = site.run("submit", file, "--source", "taipei_streetlights", "--json").json()
        assert (told["new"], told["refused"]) == (2, 1), told
        (listed,) = _listed(told["refused_file"])
        assert "行政區" in listed["field"] and "U+007F" in listed["reason"]
        broken = tmp_path / f"broken.{kind}"
        broken.write_bytes(_lamps(kind, f"{kind}-8", f"{kind}-9")[:-15])
        told = site.run("submit", broken, "--source", "taipei_streetlights", "--json").json()
        assert told["new"] == (1 if kind == "ndjson" else 0), told
        assert told["refused"] == 1 if kind == "ndjson" else f"broken.{kind}" in told["files"][0]["reason"]
    broken = tmp_path / "broken.form"
    broken.write_bytes(urlencode({**LAMP, "查報序號": "form-1"}, encoding="utf-8").encode())
    told = site.run("submit", broken, "--source", "taipei_streetlights", "--json")
    assert told.code == 1 and "expected gbk" in told.json()["files"][0]["reason"]
    assert eventually(lambda: len(orders(workorders)) == 7)


def test_the_list_of_refused_rows_never_takes_the_place_of_the_file_itself(site: Site, calls: Path) -> None:
    before = calls.read_bytes()
    told = site.run("submit", calls, "--source", "taipei1999", "--refused", calls)
    assert told.code == 1 and "expected a new file" in told.err
    assert calls.read_bytes() == before


def test_two_submissions_of_one_file_at_the_same_time_put_it_in_once(
    site: Site, workorders: Running, tmp_path: Path
) -> None:
    calls = write_calls(tmp_path / "calls.csv", 600)
    site.serve()
    both = [site.start("submit", calls, "--source", "taipei1999", "--json") for _ in range(2)]
    told = [json.loads(one.communicate(timeout=120)[0]) for one in both]
    assert [one["new"] + one["unchanged"] for one in told] == [600, 600]
    assert sum(one["new"] for one in told) == 600 and sum(one["changed"] for one in told) == 0
    assert eventually(lambda: len(orders(workorders)) == 600, within=60)
    assert set(orders(workorders).values()) == {1}
