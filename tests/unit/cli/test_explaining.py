"""`syncgate mapping explain` says where each field comes from, and shows nobody's data unasked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from syncgate.bootstrap.place import SitePlace
from tests.support.commands import Told, said_by

ROOT = Path(__file__).parents[3]
PERSON = "李䶮"


def example(name: str, no: int) -> Any:
    """What an example of a mapping is made of."""
    system, message = name.split("/")
    site = SitePlace(ROOT).load()
    return site.bundles[system].specs[message].mapping.document.examples[no].case


@pytest.fixture(scope="module")
def case() -> Any:
    """A whole case of a person whose name has a rare character."""
    return example("province/basic_info", 1)


def told(tmp_path: Path, case: Any, *words: str, about: tuple[str, ...] = ("province", "basic_info")) -> Told:
    """What the command says of a case."""
    file = tmp_path / "case.json"
    file.write_text(json.dumps(case, ensure_ascii=False), "utf-8")
    return said_by("--site", str(ROOT), "mapping", "explain", *about, str(file), *words)


def test_every_field_of_the_payload_is_explained_with_its_line(tmp_path: Path, case: Any) -> None:
    said = told(tmp_path, case)
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0].startswith("province basic_info: ") and lines[0].endswith("mappings/province/basic_info.yaml")
    assert 'projid = "990100202601150002" <- case.case_no   :6' in lines
    assert '    codes case_class: "promised" -> "2"   mappings/tables/case_class.yaml:5' in lines


def test_personal_values_are_masked_unless_a_person_asks(tmp_path: Path, case: Any) -> None:
    number = case["applicant"]["id_no"]
    for words in ((), ("--json",)):
        said = told(tmp_path, case, *words)
        assert PERSON not in said.out and number not in said.out and case["contact"]["mobile"] not in said.out
        revealed = told(tmp_path, case, *words, "--reveal")
        assert PERSON in revealed.out and number in revealed.out


def test_machines_get_the_same_as_a_tree(tmp_path: Path, case: Any) -> None:
    (field,) = told(tmp_path, case, "--json", "--field", "approvaltype").json()["fields"]
    assert (field["field"], field["fate"], field["from"]["value"]) == ("approvaltype", "filled", "2")
    (step,) = field["from"]["steps"]
    assert (step["step"], step["place"]) == ("codes", "mappings/tables/case_class.yaml:5:3")
    assert field["from"]["of"][0]["read_at"] == ["case", "case_class"]


def test_a_fault_says_where_it_arose_and_what_to_do(tmp_path: Path, case: Any) -> None:
    stranger = {"name": "示例处", "uscc": "91990100MA0000001G"}
    said = told(tmp_path, {**case, "accept_org": stranger}, "--field", "acceptdeptcode1")
    assert said.code == 0
    assert "acceptdeptcode1 FAULT no_row: the table organisations has no row for this uscc   :22" in said.out
    assert "went wrong in row organisations, column region   mappings/province/basic_info.yaml:22:20" in said.out
    assert "to do: add a row to the site table" in said.out


def test_a_part_is_chosen_by_its_id(tmp_path: Path) -> None:
    case = example("province/basic_info", 0)
    stage = {"kind": "accepted", "at": "2026-01-15T10:00:00+08:00"}
    case = {**case, "stages": [{"id": "s1", **stage}, {"id": "s2", **stage}]}
    food = ("food", "event")
    assert 'eventKey = "' in told(tmp_path, case, "--part", "s2", about=food).out
    said = told(tmp_path, case, about=food)
    assert said.code == 1 and "expected --part, one of s1, s2" in said.err
    assert "the nearest known is 's1'" in told(tmp_path, case, "--part", "s11", about=food).err
    assert "expected no --part" in told(tmp_path, case, "--part", "s1").err


@pytest.mark.parametrize(
    ("about", "words"),
    [
        (("provnice", "basic_info"), "the nearest known is 'province'"),
        (("province", "basic"), "the nearest known is 'basic_info'"),
        (("taipei",), "the nearest known is 'taipei1999'"),
        ((), "expected SYSTEM MESSAGE CASE | SOURCE RECORD, got 1 words"),
    ],
)
def test_what_is_not_there_is_named_with_the_nearest(
    tmp_path: Path, case: Any, about: tuple[str, ...], words: str
) -> None:
    said = told(tmp_path, case, about=about)
    assert said.code == 1 and words in said.err


def test_an_unknown_field_and_an_invalid_case_are_refused(tmp_path: Path, case: Any) -> None:
    assert "the nearest known is 'projid'" in told(tmp_path, case, "--field", "projd").err
    said = told(tmp_path, {**case, "applied_at": PERSON})
    assert said.code == 1 and "/applied_at: format" in said.err and PERSON not in said.err


def test_a_record_is_explained_inward_and_shows_only_what_is_not_personal(tmp_path: Path) -> None:
    record = {
        "案件編號": "9901040100002",
        "派工項目": "動物救援",
        "案件地址": "東示區示例路３段19號",
        "立案日期": "20260431",
        "立案時間": "246000",
        "其他": "無人讀取",
    }
    said = told(tmp_path, record, about=("taipei1999",))
    assert 'case_no = "9901040100002" <- record.案件編號' in said.out
    assert "format %Y%m%d%H%M%S: one that does not exist" in said.out
    assert "示例路" not in said.out and "動物救援" in said.out
    assert "示例路" in told(tmp_path, record, "--reveal", about=("taipei1999",)).out
