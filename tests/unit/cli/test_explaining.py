"""`syncgate mapping explain` says where each field comes from, and shows nobody's data unasked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncgate.bootstrap.place import SitePlace
from syncgate.cli.case_files import Row
from syncgate.cli.explained_text import as_text
from syncgate.cli.records import rows_of
from syncgate.cli.source_files import chosen
from syncgate.cli.speech import speak
from syncgate.mapping import Inputs
from syncgate.mapping.hiding import hidden
from syncgate.records import Columns, Seen
from tests.support.commands import Told, said_by
from tests.unit.mapping.one_field import load

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
    assert "went wrong in row organisations, column: region   mappings/province/basic_info.yaml:22:20" in said.out
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
        ((), "expected SYSTEM MESSAGE CASE | SOURCE FILE, got 1 words"),
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
    assert "format: %Y%m%d%H%M%S gives one that does not exist" in said.out
    assert "示例路" not in said.out and "動物救援" in said.out
    assert "示例路" in told(tmp_path, record, "--reveal", about=("taipei1999",)).out


# --- a source's own files ------------------------------------------------------------------------------------

CALLS = [
    ["creation_date", "ward", "call_description", "call_type", "maintenance_yard", "priority_name"],
    ["2014-Jan-14 13:48:01", "Ward 98", "Lights", "Traffic Operations", "Example Yard", "CC PHONE"],
    ["2014-Mai-14 13:48:01", "Ward 98", "Lights", "Traffic Operations", "Example Yard", "CC PHONE"],
    ["2014-Jan-14 13:48:01", "Ward 98", "Lights", "Traffic Operations", "Example Yard", "CC PHONE"],
    ["torn", "Ward 98"],
]
ORDERS = [
    {"查報序號": no, "行政區": "東示", "查報地點": "示例路", "故障情形": "不亮", "查報日期": "2024-01-01T11:17:00"}
    for no in ("99010001", "99010002")
]


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """A file of a source that gives no numbers; its second and fourth row are equal, the last one is torn."""
    file = tmp_path / "jan.csv"
    file.write_bytes("\r\n".join(map(",".join, [*CALLS, []])).encode("utf-8"))
    return file


def of_file(file: Path, source: str, *words: str) -> Told:
    """What the command says of a source's file."""
    return said_by("--site", str(ROOT), "mapping", "explain", source, str(file), *words)


def test_a_row_is_explained_under_the_number_and_as_the_case_that_submitting_the_file_gives(calls: Path) -> None:
    source = SitePlace(ROOT).load().sources["ottawa311"]
    for batch in (None, "spring"):
        file = chosen(calls, source, batch=batch, format_name=None)
        rows = list(rows_of(file, source.mapping, columns=Columns(), seen=Seen()))
        words = () if batch is None else ("--batch", batch)
        for row in rows:
            said = of_file(calls, "ottawa311", "--row", str(row.line), "--reveal", "--json", *words)
            if isinstance(row, Row):
                fields = {told["field"]: told["from"] for told in said.json()["fields"]}
                assert {name: told.get("value", row.case[name]) for name, told in fields.items()} == row.case
        numbers = [row.case["case_no"] for row in rows if isinstance(row, Row)]
        assert numbers[1] == f"{numbers[0]}-2"


def test_a_row_with_a_fault_says_where_and_a_torn_one_that_it_is(calls: Path) -> None:
    said = of_file(calls, "ottawa311", "--row", "3")
    assert said.code == 0 and "ottawa311 jan.csv:3: " in said.out
    assert "applied_at FAULT not_a_time" in said.out and "format: %Y-%b-%d %H:%M:%S does not fit" in said.out
    torn = of_file(calls, "ottawa311", "--row", "5")
    assert torn.code == 1 and "line 5: expected 6 cells, got 2" in torn.err


def test_a_file_of_several_records_asks_for_the_row(calls: Path) -> None:
    said = of_file(calls, "ottawa311")
    assert said.code == 1 and "expected --row, since jan.csv has several records" in said.err
    missed = of_file(calls, "ottawa311", "--row", "9")
    assert missed.code == 1 and "got 9; the last before it begins in line 5" in missed.err
    assert "expected a line such as 7 or 7/2" in of_file(calls, "ottawa311", "--row", "0").err
    assert "expected one of 2/1 to 2/1" in of_file(calls, "ottawa311", "--row", "2/2").err


def test_of_the_records_of_one_line_one_is_chosen(tmp_path: Path) -> None:
    file = tmp_path / "orders.json"
    file.write_bytes(json.dumps({"data": {"items": ORDERS}}, ensure_ascii=False).encode("gb18030"))
    assert 'case_no = "99010002"' in of_file(file, "taipei_streetlights", "--row", "1/2").out
    said = of_file(file, "taipei_streetlights", "--row", "1")
    assert said.code == 1 and "expected one of 1/1 to 1/2" in said.err


def test_a_file_in_a_format_that_the_source_has_not_is_refused(calls: Path) -> None:
    assert "expected a source with `mapping` and `xml`" in of_file(calls, "ottawa311", "--format", "xml").err
    assert "the nearest known is 'csv'" in of_file(calls, "ottawa311", "--format", "cvs").err
    assert "file_refused" in of_file(calls.with_name("none.csv"), "ottawa311", "--row", "2").err


@pytest.mark.parametrize(
    ("about", "words", "refused"),
    [
        (("province", "basic_info", "case.json"), ("--row", "1"), "--row"),
        (("province", "basic_info", "case.json"), ("--active",), "--active"),
        (("ottawa311", "jan.csv"), ("--part", "s1"), "--part"),
        (("province", "basic_info", "window:1"), ("--reveal", "--batch", "b"), "--batch, --reveal"),
    ],
)
def test_an_option_that_means_nothing_here_is_refused(
    about: tuple[str, ...], words: tuple[str, ...], refused: str
) -> None:
    said = said_by("--site", str(ROOT), "mapping", "explain", *about, *words)
    assert said.code == 1 and f"expected no {refused} here" in said.err


# --- in Chinese ----------------------------------------------------------------------------------------------

ENGLISH = re.compile(r"(?<![\w/.'])[a-z]{2,} [a-z]{2,} [a-z]{2,}")
QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")


def test_an_explanation_is_said_in_chinese(tmp_path: Path, case: Any, calls: Path) -> None:
    stranger = {"name": "示例处", "uscc": "91990100MA0000001G"}
    (tmp_path / "case.json").write_text(json.dumps({**case, "accept_org": stranger}, ensure_ascii=False), "utf-8")
    zh = ("--language", "zh", "--site", str(ROOT), "mapping", "explain")
    said = said_by(*zh, "province", "basic_info", tmp_path / "case.json").out
    assert re.match(r"province basic_info：填写 \d+ 个，省略 \d+ 个，等待 0 个，出错 2 处   mappings/", said)
    assert "acceptdeptcode1 出错 no_row：对照表 organisations 没有该 uscc 的行   :22" in said
    assert "处理办法：请在对照表中补充当时有效的行，或更正该键" in said
    row = said_by(*zh, "ottawa311", calls, "--row", "3").out
    assert "format：不符合 %Y-%b-%d %H:%M:%S" in row
    assert english_in(said + row) == []


def english_in(text: str) -> list[str]:
    """The lines with an English sentence of ours in them."""
    return [line for line in text.splitlines() if ENGLISH.search(QUOTED.sub("", line))]


EVERY_STEP = """
a: {text: case.t, steps: [trim], charset: gbk, unencodable: {table: rare}, limit: {bytes: 4, charset: gbk, beyond: cut}}
b: {text: case.t, charset: ascii, limit: {chars: 40, beyond: error}}
c: {choose: [{when: {not: {equals: [case.t, {const: 1}]}}, then: {first: [case.x, case.u]}}], otherwise: {const: x}}
d: {choose: [{when: {at_least: [case.u, {const: 9}]}, then: case.x}], otherwise: {const: x}}
e: {choose: [{when: {present: case.x}, then: case.x}], optional: true}
f: {parse_time: case.v, formats: ["%Y%m%d", "%Y-%m-%d %H:%M"], zone: Europe/Berlin, fold: later}
g: {parse_time: case.w, format: "%Y-%m-%d", optional: true}
h: {table: short, of: case.t, otherwise: keep}
i: {table: short, of: case.t, otherwise: {const: "9"}}
j: {first: [case.x, case.y], when_absent: case.l}
k: {each: case.l, where: {any: [{in: [it, {const: [1, 2]}]}]}, do: {number: it, as: text, unit: m}}
l: {remote_ref: food}
m: {path: case.x.y, optional: true}
n: {path: case.long}
o: {join: case.s, with: "-"}
"""
CASE = {
    "t": " 李䶮四五 ", "u": 7, "v": "2026-10-25 02:30", "w": "2026-02-30", "l": [1, 2, 3], "long": "长" * 100,
    "s": [f"{no}" * 9 for no in range(20)],
}  # fmt: skip


@pytest.fixture
def in_chinese() -> Iterator[None]:
    """People are spoken to in Chinese."""
    speak("zh")
    yield
    speak("en")


@pytest.mark.usefixtures("in_chinese")
def test_every_step_is_said_in_chinese() -> None:
    explanation = load(EVERY_STEP.strip()).explain(Inputs(CASE))
    shown = {"case": {**CASE, "t": "**", "l": ["**", "**", "**"]}}
    told = as_text(explanation, "x") + "\n" + as_text(hidden(explanation, shown), "x")
    assert english_in(told) == []
    wanted = (
        "条件 equals 不成立：",
        "条件 present 不成立：",
        "branch：走第 1 个分支，共 1 个",
        "branch：没有分支成立，取 otherwise",
        "branch：没有分支成立",
        "first：共 2 个，第 2 个最先有值",
        "first：均没有值",
        "format：不符合 %Y%m%d",
        "format：符合 %Y-%m-%d %H:%M，两个时间中取较晚的",
        "format：按 %Y-%m-%d 读取，为不存在的时间",
        "limit：按 gbk 至多 4 字节，实为 8，已截断",
        "limit：按 ascii 至多 40 个字符，实为 6",
        "charset：ascii 没有字符 U+",
        "otherwise keep：对照表没有该代码: ",
        "第 3 项未选中",
        "k/0（第 1 项） = ",
        "m 省略   :",
        "l 等待 food <- remote_ref food",
        "（没有值）",
        "where：取决于个人信息，不显示",
        "（文本，长度 6，不显示）",
        "（列表，长度 20）",
        "…（共 102 个字符）",
    )
    assert [words for words in wanted if words not in told] == []
