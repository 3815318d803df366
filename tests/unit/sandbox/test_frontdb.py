"""The simulated front database on SQLite: as strict as a real one, honest about what it did, bad on demand."""

from __future__ import annotations

import io
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import openpyxl
import pytest

from syncgate.sandbox.ledger import LedgerInUse
from syncgate.sandbox.running import Running, running
from syncgate.sandbox.systems.frontdb_ledger import FrontLedger
from syncgate.sandbox.systems.frontdb_rules import Known, objection
from syncgate.sandbox.systems.frontdb_sqlite import gbk_characters
from syncgate.sandbox.systems.frontdb_tables import TABLES

NEW = Known(accept_date=None, is_again=False)
ACCEPTED = Known(accept_date="2026-01-15 10:00:00", is_again=False)
SYNC = {"project_no": "9901-1", "cd_operation": "I", "data_source": "999"}
GIVEN: dict[str, dict[str, Any]] = {
    "up_pro_accept": {
        "accept_date": "2026-01-15 10:00:00",
        "apply_date": "2026-01-15 09:00:00",
        "apply_type": "1",
        "applyer_name": "张示例",
        "applyer_page_code": "99010119780213002X",
        "applyer_page_type": "111",
        "applyer_type": "1",
        "catalog_code": "000131901001",
        "org_code": "11990100MB0000001T",
        "org_name": "示例市市场监督管理局",
        "project_type": "2",
        "task_code": "11990100MB0000001T3000131901001",
        "task_name": "食品经营许可（餐饮服务）新办",
        "task_version": 1,
    },
    "up_pro_process": {
        "event_start_time": "2026-01-16 10:00:00",
        "event_end_time": "2026-01-16 10:00:00",
        "event_name": "1",
        "handle_explain": "无",
        "handle_user_name": "王样本",
        "process_name": "现场核查",
    },
    "up_pro_special_procedure": {
        "special_time": "2026-01-16 10:00:00",
        "end_time": "2026-01-23 10:00:00",
        "special_name": "专家论证",
        "special_reason": "无",
        "special_type": "2",
    },
    "up_pro_material": {"get_num": "1", "get_type": "2", "material_name": "申请书"},
    "up_pro_result": {"is_delivery_results": "0", "result_date": "2026-01-20 10:00:00", "result_type": "6"},
}


def a_row(table: str = "up_pro_accept", **fields: Any) -> dict[str, Any]:
    """A row that every rule holds for, with other fields."""
    guid = fields.get("row_guid", f"guid-{table}")
    now = datetime.now(UTC) + timedelta(hours=8)
    made = {"row_guid": guid, "cd_batch": f"b-{guid}", "cd_time": now.strftime("%Y-%m-%d %H:%M:%S")}
    return {**{column.name: None for column in TABLES[table]}, **SYNC, **made, **GIVEN[table], **fields}


def insert(file: Path, table: str = "up_pro_accept", **fields: Any) -> None:
    """A peer inserts a row."""
    row = a_row(table, **fields)
    with closing(sqlite3.connect(file, timeout=10, isolation_level=None)) as peer:
        marks = ", ".join("?" for _ in row)
        peer.execute(f"INSERT INTO {table} ({', '.join(row)}, is_sync) VALUES ({marks}, 0)", list(row.values()))


def rows(file: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(file)) as peer:
        return peer.execute(sql).fetchall()


def wait_for(is_so: Callable[[], Any]) -> None:
    until = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < until, "expected it within 20 s, got nothing"
        time.sleep(0.01)


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Running]:
    with running("frontdb", folder=tmp_path) as system:
        yield system


@pytest.fixture
def file(front: Running) -> Path:
    return front.ledger.with_suffix(".db")


def flags(file: Path, table: str = "up_pro_accept") -> list[Any]:
    return rows(file, f"SELECT row_guid, is_sync FROM {table} ORDER BY id")


def rejects(file: Path, table: str = "up_pro_accept") -> list[Any]:
    return rows(file, f"SELECT row_guid, error_msg FROM {table}_unqbak ORDER BY rowid")


# --- what the consumer checks ------------------------------------------------------------------------------


@pytest.mark.parametrize("table", TABLES)
def test_a_row_as_the_standard_asks_for_it_is_taken(table: str) -> None:
    assert objection(table, a_row(table), ACCEPTED) is None


OBJECTIONS = [
    ("up_pro_accept", {"accept_date": "2026-01-14 10:00:00"}, "受理时间早于申请时间"),
    ("up_pro_accept", {"promise_date": "2026-01-14 10:00:00"}, "承诺办结时间早于受理时间"),
    ("up_pro_accept", {"applyer_type": "8"}, "applyer_type代码不存在"),
    ("up_pro_accept", {"applyer_name": "李䶮"}, "applyer_name含有无法识别的字符"),
    ("up_pro_accept", {"applyer_name": "张" * 51}, "applyer_name超长"),
    ("up_pro_accept", {"org_name": ""}, "org_name不能为空"),
    ("up_pro_accept", {"task_code": "1", "task_name": "某事项"}, "【某事项】事项不存在"),
    ("up_pro_process", {"event_end_time": "2026-01-01 00:00:00"}, "环节结束时间早于环节开始时间"),
    ("up_pro_special_procedure", {"end_time": "2026-01-01 00:00:00"}, "特别程序结束时间早于开始时间"),
    ("up_pro_result", {"result_date": "2026-01-01 00:00:00"}, "办结时间早于受理时间"),
    ("up_pro_material", {"get_type": "5"}, "get_type代码不存在"),
]


@pytest.mark.parametrize(("table", "fields", "words"), OBJECTIONS, ids=[words for *_, words in OBJECTIONS])
def test_a_row_that_breaks_a_rule_is_not(table: str, fields: dict[str, Any], words: str) -> None:
    assert objection(table, a_row(table, **fields), ACCEPTED) == words


def test_what_follows_an_acceptance_needs_it_and_a_material_does_not() -> None:
    missing = "办件受理信息不存在"
    found = {table: objection(table, a_row(table), NEW) for table in TABLES}
    assert {table for table, words in found.items() if words == missing} == {
        "up_pro_process",
        "up_pro_special_procedure",
        "up_pro_result",
    }


def test_the_same_row_is_new_only_once() -> None:
    again = Known(accept_date="2026-01-15 10:00:00", is_again=True)
    assert objection("up_pro_accept", a_row(), again) == "记录唯一标识重复"
    assert objection("up_pro_accept", a_row(cd_operation="U"), again) is None


# --- what the tables take ----------------------------------------------------------------------------------

REFUSED = [
    ({"applyer_name": None}, "NOT NULL constraint failed"),
    ({"applyer_name": "张" * 51}, "applyer_name: more than 100 bytes"),
    ({"applyer_name": "张" * 50 + "a"}, "applyer_name: more than 100 bytes"),
    ({"applyer_name": "李䶮"}, "applyer_name: a character that GBK lacks"),
    ({"applyer_name": "a😀"}, "applyer_name: a character that GBK lacks"),
    ({"contact_mobile": "010-00000005转8"}, "contact_mobile: more than 11 bytes"),
    ({"accept_date": "2026-13-01 00:00:00"}, "accept_date: no time"),
    ({"accept_date": "2026-01-01T00:00:00"}, "accept_date: no time"),
    ({"task_version": "one"}, "task_version: no number"),
]


@pytest.mark.parametrize(("fields", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_sqlite_refuses_what_a_real_front_database_would(file: Path, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match=words):
        insert(file, **fields)
    assert flags(file) == []


@pytest.mark.parametrize("name", ["张" * 50, "阿依古丽·示例", "ab" * 50, "Ａ，。（）"])
def test_sqlite_takes_what_fits_to_the_last_byte(file: Path, name: str) -> None:
    insert(file, applyer_name=name)
    assert rows(file, "SELECT applyer_name FROM up_pro_accept") == [(name,)]


def test_gbk_has_the_characters_that_python_says_and_no_more() -> None:
    known = set(gbk_characters())
    assert {"龑", "·", "（", "张"} <= known
    assert not {"䶮", "㛃", "•", "€", "😀"} & known


def test_one_sending_is_there_once(file: Path) -> None:
    insert(file)
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        insert(file)


# --- the consumer at work ----------------------------------------------------------------------------------


def test_rows_are_taken_in_order_and_what_breaks_a_rule_is_moved_away(file: Path) -> None:
    insert(file, "up_pro_process", row_guid="early", project_no="9901-2")
    insert(file, row_guid="a")
    insert(file, row_guid="b", apply_date="2026-02-01 00:00:00")
    insert(file, "up_pro_process", row_guid="p")
    wait_for(lambda: flags(file) == [("a", 1)] and flags(file, "up_pro_process") == [("p", 1)])
    assert rejects(file) == [("b", "受理时间早于申请时间")]
    assert rejects(file, "up_pro_process") == [("early", "办件受理信息不存在")]


def test_what_needs_an_acceptance_is_left_while_that_waits(front: Running, file: Path) -> None:
    front.switch_on("consumer_stopped")
    time.sleep(0.2)
    for number in range(60):
        insert(file, row_guid=f"a{number}", project_no=f"9901-{number}")
    insert(file, "up_pro_result", row_guid="r", project_no="9901-59")
    front.switch_off("consumer_stopped")
    wait_for(lambda: flags(file, "up_pro_result") == [("r", 1)] or rejects(file, "up_pro_result"))
    assert rejects(file, "up_pro_result") == []


def test_the_ledger_tells_every_effect_and_who_did_it(front: Running, file: Path) -> None:
    insert(file, row_guid="a")
    insert(file, row_guid="b", applyer_type="8")
    wait_for(lambda: flags(file) == [("a", 1)])
    wait_for(lambda: front.counts()["effects"] == 4)
    told = rows(front.ledger, "SELECT actor, verb, json_extract(row, '$.row_guid') FROM effects ORDER BY seq")
    assert sorted(told) == [
        ("consumer", "delete", "b"),
        ("consumer", "update", "a"),
        ("peer", "insert", "a"),
        ("peer", "insert", "b"),
    ]
    assert told.index(("peer", "insert", "a")) < told.index(("consumer", "update", "a"))
    row = rows(front.ledger, "SELECT row FROM effects WHERE seq = 1")[0][0]
    assert '"applyer_name": "张示例"' in row


def test_what_a_transaction_took_back_is_in_no_ledger(front: Running, file: Path) -> None:
    row = a_row()
    with closing(sqlite3.connect(file, isolation_level=None)) as peer:
        peer.execute("BEGIN IMMEDIATE")
        marks = ", ".join("?" for _ in row)
        peer.execute(f"INSERT INTO up_pro_accept ({', '.join(row)}) VALUES ({marks})", list(row.values()))
        peer.execute("ROLLBACK")
    insert(file, row_guid="after")
    wait_for(lambda: front.counts()["effects"] == 2)
    assert front.counts()["requests"] == 1


@pytest.mark.parametrize("sql", ["UPDATE sandbox_journal SET actor = 'x'", "DELETE FROM sandbox_journal"])
def test_a_peer_cannot_rewrite_the_journal(file: Path, sql: str) -> None:
    insert(file)
    with closing(sqlite3.connect(file, timeout=10)) as peer, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        peer.execute(sql)


def test_the_ledger_is_append_only_and_held_by_one(front: Running, file: Path) -> None:
    insert(file)
    wait_for(lambda: front.counts()["effects"] == 2)
    with closing(sqlite3.connect(front.ledger)) as other, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        other.execute("DELETE FROM effects")
    with pytest.raises(LedgerInUse):
        FrontLedger(front.ledger)


def test_what_came_in_while_it_was_down_is_taken_when_it_is_up(tmp_path: Path) -> None:
    with running("frontdb", folder=tmp_path) as front:
        insert(front.ledger.with_suffix(".db"), row_guid="a")
    insert(tmp_path / "frontdb.db", row_guid="b")
    with running("frontdb", folder=tmp_path):
        wait_for(lambda: flags(tmp_path / "frontdb.db") == [("a", 1), ("b", 1)])
    assert rows(tmp_path / "frontdb.sqlite", "SELECT count(*) FROM effects") == [(4,)]


# --- how it misbehaves -------------------------------------------------------------------------------------


def test_a_late_rejection_moves_a_row_that_was_taken_once(front: Running, file: Path) -> None:
    front.switch_on("late_rejection", delay=0.1, operations=["up_pro_accept"])
    insert(file, row_guid="a")
    insert(file, "up_pro_material", row_guid="m")
    wait_for(lambda: rejects(file))
    assert rejects(file) == [("a", "质检不通过：受理时间早于申请时间")]
    assert flags(file) == []
    insert(file, row_guid="a", cd_batch="again", cd_operation="U")
    insert(file, row_guid="b")
    wait_for(lambda: len(rejects(file)) == 2)
    assert rejects(file)[1] == ("b", "质检不通过：事项版本已停用")
    assert flags(file) == [("a", 1)]
    assert flags(file, "up_pro_material") == [("m", 1)]
    assert front.counts()["faults_by_operation"] == {"late_rejection": {"up_pro_accept": 2}}


def test_a_stopped_consumer_lets_rows_lie_and_takes_them_after(front: Running, file: Path) -> None:
    insert(file, row_guid="before")
    wait_for(lambda: flags(file) == [("before", 1)])
    front.switch_on("consumer_stopped")
    time.sleep(0.2)
    insert(file, row_guid="a")
    wait_for(lambda: front.counts()["faults"] == {"consumer_stopped": 1})
    assert flags(file)[1] == ("a", 0)
    front.switch_off("consumer_stopped")
    wait_for(lambda: flags(file)[1] == ("a", 1))


def test_a_full_table_says_so_and_goes_on_where_it_ended(front: Running, file: Path) -> None:
    insert(file, row_guid="a")
    front.switch_on("full", operations=["up_pro_accept"])
    wait_for(lambda: rows(file, "SELECT tab FROM sandbox_full"))
    with pytest.raises(sqlite3.OperationalError, match="full"):
        insert(file, row_guid="b")
    insert(file, "up_pro_material", row_guid="m")
    front.switch_off("full")
    wait_for(lambda: not rows(file, "SELECT tab FROM sandbox_full"))
    insert(file, row_guid="b")
    assert rows(file, "SELECT id, row_guid FROM up_pro_accept") == [(1, "a"), (2, "b")]


def test_an_insert_that_a_full_table_turns_away_is_seen_from_another_process(front: Running, file: Path) -> None:
    front.switch_on("full")
    wait_for(lambda: rows(file, "SELECT tab FROM sandbox_full"))
    peer = (
        "import sys; sys.path.insert(0, '.'); from pathlib import Path\n"
        "from tests.unit.sandbox.test_frontdb import insert\n"
        "try:\n    insert(Path(sys.argv[1]))\nexcept Exception as error:\n    print(error)"
    )
    said = subprocess.run(
        [sys.executable, "-c", peer, str(file)], capture_output=True, text=True, check=True, timeout=60
    )
    assert "full" in said.stdout
    wait_for(lambda: front.counts()["faults"].get("full"))


def test_an_insert_that_waited_for_a_lock_is_counted(front: Running, file: Path) -> None:
    front.switch_on("locked", delay=2.0, count=1)
    time.sleep(0.3)
    insert(file, row_guid="a")
    wait_for(lambda: front.counts()["faults"])
    assert front.counts()["faults"] == {"locked": 1}
    insert(file, row_guid="b")
    wait_for(lambda: flags(file) == [("a", 1), ("b", 1)])
    assert front.counts()["faults"] == {"locked": 1}


def test_a_mode_that_it_does_not_have_is_refused(front: Running) -> None:
    with pytest.raises(HTTPError, match="422"):
        front.switch_on("throttle")


# --- what it gives back the next morning -------------------------------------------------------------------

RETIRED = ("11990100MB0000001T3000131901001", 2)
AT_ONCE = {"apply_date": "2026-01-15 10:00:00", "accept_date": "2026-01-15 10:00:00"}


def test_a_check_gives_back_what_it_asks_more_of_than_the_consumer(front: Running, file: Path) -> None:
    insert(file, row_guid="good", cd_batch="b1")
    insert(file, row_guid="early", cd_batch="b2", **AT_ONCE)
    insert(file, row_guid="at once", cd_batch="b3", project_type="1", **AT_ONCE)
    insert(file, row_guid="retired", cd_batch="b4", task_version=2)
    wait_for(lambda: all(flag == 1 for _, flag in flags(file)) and len(flags(file)) == 4)
    assert front.check_quality() == 1
    assert rejects(file) == [("early", "质检不通过：受理时间早于申请时间")]
    assert front.check_quality(RETIRED) == 1
    assert rejects(file)[1:] == [("retired", "质检不通过：事项版本已停用")]
    assert front.check_quality(RETIRED) == 0
    assert flags(file) == [("good", 1), ("at once", 1)]


def test_what_checks_gave_back_is_a_workbook_with_a_row_each(front: Running, file: Path) -> None:
    insert(file, row_guid="early", cd_batch="b2", project_no="9901-2", **AT_ONCE)
    wait_for(lambda: flags(file) == [("early", 1)])
    front.check_quality()
    with urlopen(f"{front.origin}/_sandbox/returns?format=xlsx") as answer:
        book = openpyxl.load_workbook(io.BytesIO(answer.read()))
    header, row = book.active.iter_rows(values_only=True)
    assert header == ("序号", "数据类型", "办件编号", "批次号", "质检意见", "质检时间")
    assert row[:5] == ("1", "受理信息", "9901-2", "b2", "质检不通过：受理时间早于申请时间")


def test_a_check_that_says_no_versions_is_refused(front: Running) -> None:
    request = Request(f"{front.origin}/_sandbox/checks", data=b'{"retired": 1}', method="POST")
    with pytest.raises(HTTPError, match="422"):
        urlopen(request)
