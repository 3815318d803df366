"""The reader finds every way in which a front database can be wrong, and nothing where it is right."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from syncgate.sandbox import reader
from syncgate.sandbox.expected import frontdb
from syncgate.sandbox.expected.story import states
from syncgate.sandbox.reader.findings import Finding
from syncgate.sandbox.reader.front import read_front
from syncgate.sandbox.reader.front_comparison import FrontComparison
from syncgate.sandbox.systems.frontdb import FrontDb, served_front
from tests.unit.sandbox.test_frontdb import wait_for
from tests.unit.sandbox_city.front_lives import insurance, road_works

LINES = [frontdb.line(life, states(life)) for life in (insurance(), road_works())]
D = "9901-D-1"
Row = dict[str, Any]


def rows_of(line: Row) -> Iterator[tuple[str, Row]]:
    """The rows that a gate would insert, in order."""
    for operation in line["operations"]:
        guid = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{line['case_no']} {operation['operation']} {operation['part']}"))
        for number, record in enumerate(operation["records"]):
            sync = {"row_guid": guid, "cd_batch": uuid.uuid4().hex, "cd_operation": "U" if number else "I"}
            yield operation["operation"], record | sync | {"cd_time": "2026-03-20 10:00:00", "is_sync": 0}


def insert(connection: sqlite3.Connection, table: str, row: Row) -> None:
    marks = ", ".join("?" for _ in row)
    connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))


def written(folder: Path, rows: list[tuple[str, Row]], *, is_taken: bool = True) -> Path:
    """A front database that these rows were inserted into, one after another."""
    with served_front(folder) as front, closing(sqlite3.connect(folder / "frontdb.db", isolation_level=None)) as peer:
        if not is_taken:
            front.switch_on({"mode": "consumer_stopped"})
            wait_for(lambda: front.is_stopped)
        for table, row in rows:
            insert(peer, table, row)
            wait_for(lambda: not is_taken or front.waiting_count() == 0)
    return folder


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A front database that holds what it should."""
    return written(tmp_path_factory.mktemp("right"), [row for line in LINES for row in rows_of(line)])


def findings(folder: Path) -> list[Finding]:
    return FrontComparison(read_front(folder), json.loads(json.dumps(LINES))).run()


def kinds(folder: Path) -> list[tuple[str, str, str]]:
    return [(found.kind, found.operation, found.detail) for found in findings(folder)]


def changed(folder: Path, change: Callable[[list[tuple[str, Row]]], object]) -> list[tuple[str, str, str]]:
    """What is found where other rows were inserted than should have been."""
    rows = [row for line in LINES for row in rows_of(line)]
    change(rows)
    return kinds(written(folder, rows))


def test_nothing_is_found_where_everything_is_right(right: Path) -> None:
    assert kinds(right) == []


def test_the_reader_runs_by_path_without_the_gate(right: Path, tmp_path: Path) -> None:
    document = tmp_path / "expected.ndjson"
    document.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in LINES), "utf-8")
    command = [sys.executable, "-I", str(Path(reader.__file__).parent), "--expected", str(document)]
    done = subprocess.run([*command, "--systems", str(right)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "frontdb     holds: up_pro_accept 2, up_pro_material 2" in done.stdout
    document.write_text(json.dumps(LINES[0]) + "\n", "utf-8")
    done = subprocess.run([*command, "--systems", str(right)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1 and "unexpected: frontdb 9901-D-1 up_pro_result" in done.stdout


def at(rows: list[tuple[str, Row]], table: str, number: str = D) -> int:
    return next(at for at, (name, row) in enumerate(rows) if name == table and row["project_no"] == number)


def test_a_row_that_is_not_there_is_missing(tmp_path: Path) -> None:
    found = changed(tmp_path, lambda rows: rows.pop(at(rows, "up_pro_result")))
    assert found == [("missing", "up_pro_result", "expected, and not held")]


def test_a_column_that_differs_is_altered(tmp_path: Path) -> None:
    found = changed(tmp_path, lambda rows: rows[at(rows, "up_pro_accept")][1].update(contact_mobile="15400000009"))
    assert found == [("altered", "up_pro_accept", "contact_mobile differs")]


def test_a_column_that_is_null_or_should_be_is_altered(tmp_path: Path) -> None:
    def change(rows: list[tuple[str, Row]]) -> None:
        rows[at(rows, "up_pro_result")][1].update(handle_user_name=None, remark="x")

    found = changed(tmp_path, change)
    assert [detail for _, _, detail in found] == ["handle_user_name differs", "remark differs"]


def test_the_same_row_under_another_batch_is_doubled(tmp_path: Path) -> None:
    def change(rows: list[tuple[str, Row]]) -> None:
        table, row = rows[at(rows, "up_pro_process")]
        rows.append((table, row | {"cd_batch": "again", "cd_operation": "U"}))

    assert changed(tmp_path, change) == [("doubled", "up_pro_process", "the same row again, and the first one stood")]


def test_the_same_row_under_another_guid_is_doubled(tmp_path: Path) -> None:
    def change(rows: list[tuple[str, Row]]) -> None:
        table, row = rows[at(rows, "up_pro_material")]
        rows.append((table, row | {"row_guid": "another"}))

    assert changed(tmp_path, change) == [("doubled", "up_pro_material", "held under two row_guids")]


def test_a_row_that_nobody_expects_is_unexpected(tmp_path: Path) -> None:
    def change(rows: list[tuple[str, Row]]) -> None:
        table, row = rows[at(rows, "up_pro_material")]
        rows.append((table, row | {"row_guid": "another", "material_name": "多余"}))

    assert changed(tmp_path, change) == [("unexpected", "up_pro_material", "not expected at all")]


def test_a_later_row_before_an_earlier_one_is_reordered(tmp_path: Path) -> None:
    def change(rows: list[tuple[str, Row]]) -> None:
        rows.insert(at(rows, "up_pro_process"), rows.pop(at(rows, "up_pro_result")))

    found = changed(tmp_path, change)
    assert {kind for kind, *_ in found} == {"reordered"} and len(found) == 4


def test_a_row_that_was_rejected_and_not_sent_again_is_missing(tmp_path: Path) -> None:
    found = changed(tmp_path, lambda rows: rows[at(rows, "up_pro_result")][1].update(result_date="2026-01-01 00:00:00"))
    assert found == [("missing", "up_pro_result", "sent back, and not sent again")]


def is_sent_back(front: FrontDb, row_guid: str) -> bool:
    return row_guid in front.sent_back()


def test_a_row_that_was_rejected_and_sent_again_is_right(tmp_path: Path) -> None:
    with (
        served_front(tmp_path) as front,
        closing(sqlite3.connect(tmp_path / "frontdb.db", isolation_level=None)) as peer,
    ):
        front.switch_on({"mode": "late_rejection", "operations": ["up_pro_result"], "delay": 0})
        for table, row in [row for line in LINES for row in rows_of(line)]:
            insert(peer, table, row)
            wait_for(lambda: front.waiting_count() == 0)
            if table == "up_pro_result":
                wait_for(partial(is_sent_back, front, row["row_guid"]))
                insert(peer, table, row | {"cd_batch": "again" + row["project_no"], "cd_operation": "U"})
                wait_for(lambda: front.waiting_count() == 0)
    assert kinds(tmp_path) == []
    assert read_front(tmp_path).faults() == {"late_rejection": 2}


def test_a_row_that_nobody_took_is_missing(tmp_path: Path) -> None:
    written(tmp_path, [row for line in LINES for row in rows_of(line)], is_taken=False)
    found = kinds(tmp_path)
    assert {(kind, detail) for kind, _, detail in found} == {("missing", "lies there, and was never taken")}
    assert len(found) == sum(len(line["operations"]) for line in LINES)


def test_a_change_of_a_row_in_place_is_altered(tmp_path: Path) -> None:
    written(tmp_path, [row for line in LINES for row in rows_of(line)])
    with served_front(tmp_path), closing(sqlite3.connect(tmp_path / "frontdb.db", isolation_level=None)) as peer:
        peer.execute("UPDATE up_pro_accept SET contact_name = '李示例' WHERE project_no = ?", [D])
    assert ("altered", "up_pro_accept", "contact_name rewritten") in kinds(tmp_path)


def test_what_stands_in_a_table_and_in_no_ledger_is_found(right: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(right, tmp_path / "copy")
    with closing(sqlite3.connect(copy / "frontdb.db", isolation_level=None)) as hand:
        hand.execute("DROP TRIGGER up_pro_accept_update")
        hand.execute("DROP TRIGGER up_pro_material_delete")
        hand.execute("UPDATE up_pro_accept SET org_name = '别的单位' WHERE project_no = ?", [D])
        hand.execute("DELETE FROM up_pro_material WHERE project_no = ?", [D])
    assert sorted(kinds(copy)) == [
        ("altered", "up_pro_accept", "org_name differs from what was written"),
        ("inconsistent", "up_pro_material", "not in its table"),
    ]


def test_one_guid_for_two_cases_is_inconsistent(tmp_path: Path) -> None:
    def change(rows: list[tuple[str, Row]]) -> None:
        rows[at(rows, "up_pro_accept")][1]["row_guid"] = rows[at(rows, "up_pro_accept", "9901-C-1")][1]["row_guid"]
        rows[at(rows, "up_pro_accept")][1]["cd_operation"] = "U"

    assert ("inconsistent", "up_pro_accept", "one row_guid is used by two cases") in changed(tmp_path, change)


def test_no_finding_names_a_value(tmp_path: Path) -> None:
    found = changed(tmp_path, lambda rows: rows[at(rows, "up_pro_accept")][1].update(applyer_name="王样本"))
    assert found and all("王样本" not in word and "阿依古丽" not in word for each in found for word in each)


WITHDRAWN = [
    {**operation, "held": "perhaps"}
    for operation in LINES[1]["operations"]
    if operation["operation"] in ("up_pro_accept", "up_pro_material")
]
VOID = {
    **LINES[1]["operations"][-1],
    "records": [{"project_no": D, "result_type": "2", "result_date": "2026-03-14 09:00:00", "is_delivery_results": "0",
                 "result_explain": "不再施工", "data_source": "999"}],
    "held": "if_any",
}  # fmt: skip
WITHDRAWN_LINE = {**LINES[1], "operations": [*WITHDRAWN, VOID]}


@pytest.mark.parametrize(
    ("tables", "found"),
    [
        ((), []),
        (("up_pro_material",), []),
        (("up_pro_accept", "up_pro_material", "up_pro_result"), []),
        (("up_pro_accept", "up_pro_result"), []),
        (("up_pro_accept",), ["missing"]),
    ],
)
def test_a_withdrawn_case_is_closed_exactly_where_it_was_accepted(
    tmp_path: Path, tables: tuple[str, ...], found: list[str]
) -> None:
    rows = [(table, row) for table, row in rows_of(WITHDRAWN_LINE) if table in tables]
    front = read_front(written(tmp_path, rows))
    assert [each.kind for each in FrontComparison(front, [WITHDRAWN_LINE]).run()] == found


def test_a_result_of_a_withdrawn_case_that_was_never_accepted_is_unexpected(tmp_path: Path) -> None:
    rows = [(table, row) for table, row in rows_of(WITHDRAWN_LINE) if table == "up_pro_result"]
    front = read_front(written(tmp_path, rows))
    assert [each.kind for each in FrontComparison(front, [WITHDRAWN_LINE]).run()] == ["unexpected"]


def of_withdrawn(folder: Path, *tables: str, sent_back: str, delay: float = 0) -> list[tuple[str, str, str]]:
    """What is found where these tables got their rows of a withdrawn case, and one of them gave its row back later."""
    with served_front(folder) as front, closing(sqlite3.connect(folder / "frontdb.db", isolation_level=None)) as peer:
        front.switch_on({"mode": "late_rejection", "operations": [sent_back], "delay": delay})
        for table, row in [row for row in rows_of(WITHDRAWN_LINE) if row[0] in tables]:
            insert(peer, table, row)
            wait_for(lambda: front.waiting_count() == 0)
        wait_for(front.sent_back)
        wait_for(lambda: read_front(folder).faults().get("late_rejection"))
    found = FrontComparison(read_front(folder), [WITHDRAWN_LINE]).run()
    return [(one.kind, one.operation, one.detail) for one in found]


def test_what_came_back_of_a_withdrawn_case_need_not_be_sent_again_nor_closed(tmp_path: Path) -> None:
    assert of_withdrawn(tmp_path, "up_pro_material", "up_pro_accept", sent_back="up_pro_accept") == []


def test_a_withdrawn_case_that_was_closed_before_its_acceptance_came_back_is_right(tmp_path: Path) -> None:
    assert of_withdrawn(tmp_path, "up_pro_accept", "up_pro_result", sent_back="up_pro_accept", delay=1.0) == []


def test_the_row_that_closes_a_withdrawn_case_is_sent_again_where_it_came_back(tmp_path: Path) -> None:
    found = of_withdrawn(tmp_path, "up_pro_accept", "up_pro_result", sent_back="up_pro_result")
    assert found == [("missing", "up_pro_result", "sent back, and not sent again")]
