"""The front table of the simulated insurance: what it takes, what it sends back, and the code that it adds."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from syncgate.sandbox.running import Running, running
from syncgate.sandbox.systems.frontdb_rules import Known, objection
from syncgate.sandbox.systems.insurance_rules import INSURANCE
from tests.unit.sandbox.test_frontdb import rejects, rows, wait_for

TABLE = "si_register"
NEW = Known(accept_date=None, is_again=False)


def a_row(**fields: Any) -> dict[str, Any]:
    """A registration that every rule holds for, with other fields."""
    guid = fields.get("row_guid", "a")
    return {
        "row_guid": guid, "project_no": "9901-C-1", "cd_operation": "I", "cd_time": "2026-04-30 23:59:00",
        "cd_batch": f"b-{guid}", "data_source": "999", "aac003": "阿依古丽·示例", "aac058": "01",
        "aac002": "990101200111080048", "aac009": "10", "aae005": "15400000003", "aae140": "110,310", "jfdc": "060",
        "aae041": "202604", "aab301": "990101", "aae036": "2026-04-30 23:58:07", "aae011": "杨参保", **fields,
    }  # fmt: skip


def insert(file: Path, **fields: Any) -> None:
    row = a_row(**fields)
    with closing(sqlite3.connect(file, timeout=10, isolation_level=None)) as peer:
        marks = ", ".join("?" for _ in row)
        peer.execute(f"INSERT INTO {TABLE} ({', '.join(row)}) VALUES ({marks})", list(row.values()))


def taken(file: Path) -> list[str]:
    return [row[0] for row in rows(file, f"SELECT row_guid FROM {TABLE} WHERE is_sync = 1 ORDER BY id")]


@pytest.fixture
def insurance(tmp_path: Path) -> Iterator[Running]:
    with running("insurance", folder=tmp_path) as system:
        yield system


@pytest.fixture
def file(insurance: Running) -> Path:
    return insurance.ledger.with_suffix(".db")


OBJECTIONS = [
    ({"aac009": "40"}, "aac009代码不存在"),
    ({"aac058": "111"}, "aac058代码不存在"),
    ({"jfdc": "60"}, "jfdc代码不存在"),
    ({"aae140": "110,999"}, "aae140代码不存在"),
    ({"aae140": "110,110"}, "aae140代码不存在"),
    ({"aae041": "202613"}, "aae041格式错误"),
    ({"aae041": "202603"}, "起缴年月早于经办年月"),
    ({"aac003": "李䶮"}, "aac003含有无法识别的字符"),
    ({"aac003": "张" * 21}, "aac003超长"),
    ({"aae011": ""}, "aae011不能为空"),
]


@pytest.mark.parametrize(("fields", "words"), OBJECTIONS, ids=[str(fields) for fields, _ in OBJECTIONS])
def test_a_registration_that_breaks_a_rule_is_not_taken(fields: dict[str, Any], words: str) -> None:
    assert objection(TABLE, a_row(**fields), NEW, INSURANCE) == words


def test_what_was_taken_on_the_last_of_a_month_is_booked_for_that_month_whenever_its_row_comes() -> None:
    assert objection(TABLE, a_row(cd_time="2026-05-06 08:00:00"), NEW, INSURANCE) is None


def test_a_registration_needs_nothing_before_it_and_is_new_once(file: Path) -> None:
    insert(file)
    wait_for(lambda: taken(file) == ["a"])
    insert(file, cd_batch="again")
    wait_for(lambda: rejects(file, TABLE))
    assert rejects(file, TABLE) == [("a", "记录唯一标识重复")]
    insert(file, cd_batch="changed", cd_operation="U", jfdc="080")
    wait_for(lambda: taken(file) == ["a", "a"])


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"aac003": "李䶮"}, "a character that GBK lacks"), ({"aac003": "张" * 21}, "more than 40 bytes")],
)
def test_the_table_refuses_what_gbk_or_its_bytes_do_not_hold(file: Path, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match=f"aac003: {words}"):
        insert(file, **fields)


def test_a_code_that_is_added_is_taken_from_then_on(insurance: Running, file: Path) -> None:
    insert(file, row_guid="before", aac009="40")
    wait_for(lambda: rejects(file, TABLE) == [("before", "aac009代码不存在")])
    insurance.add_code("aac009", "40")
    insert(file, row_guid="after", aac009="40")
    insert(file, row_guid="other", aac009="50")
    wait_for(lambda: len(rejects(file, TABLE)) == 2)
    assert taken(file) == ["after"]


def test_only_a_column_with_codes_has_one_added(insurance: Running) -> None:
    with pytest.raises(HTTPError, match="422"):
        insurance.add_code("aac003", "李䶮")


def test_it_has_its_one_table_and_names_itself(insurance: Running, file: Path) -> None:
    tables = {row[0] for row in rows(file, "SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert {TABLE, f"{TABLE}_unqbak"} <= tables and not any(name.startswith("up_pro") for name in tables)
    assert insurance.base_url == f"sqlite:///{file}"
    insurance.switch_on("locked", delay=0.2, count=1)
    wait_for(lambda: insurance.counts()["system"] == "insurance")
