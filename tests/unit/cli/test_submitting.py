"""What becomes of a file's rows when they are posted."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from syncgate.cli.case_files import read_case, read_cases
from syncgate.cli.context import CallFailed
from syncgate.cli.records import FileRefused, Record, Row, TornRow
from syncgate.cli.submitting import Tally, cases_of, once_each, post_all, write_refused
from syncgate.site.folder import load_site

ROOT = Path(__file__).parents[3]
Answer = Callable[[httpx.Request], httpx.Response]


class Gate:
    """A gate that knows cases by number and content; `answer` may answer first."""

    def __init__(self, answer: Callable[[dict[str, Any]], httpx.Response | None] = lambda case: None) -> None:
        self.cases: dict[str, list[Any]] = {}
        self.calls_count = 0
        self._answer = answer

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.calls_count += 1
        case = json.loads(request.content)
        given = self._answer(case)
        if given is not None:
            return given
        revisions = self.cases.setdefault(case["case_no"], [])
        if revisions and revisions[-1] == case:
            return httpx.Response(200, json={"revision": len(revisions), "unchanged": True})
        revisions.append(case)
        return httpx.Response(202, json={"revision": len(revisions)})


def _post(gate: Answer, rows: list[Row], **options: Any) -> Tally:
    tally = Tally()

    async def run() -> None:
        transport = httpx.MockTransport(gate)
        async with httpx.AsyncClient(transport=transport, base_url="http://gate") as client:
            await post_all(client, rows, source="desk", tally=tally, **options)

    asyncio.run(run())
    return tally


def _rows(count: int, **more: Any) -> list[Row]:
    return [Row(n + 2, {"case_no": f"C{n}", **more}) for n in range(count)]


def test_the_same_content_again_is_unchanged_and_other_content_is_a_change() -> None:
    gate = Gate()
    assert _post(gate, _rows(5)).by_fate() == {"new": 5, "changed": 0, "unchanged": 0, "refused": 0}
    assert _post(gate, _rows(5)).by_fate() == {"new": 0, "changed": 0, "unchanged": 5, "refused": 0}
    assert _post(gate, _rows(5, title="x")).by_fate() == {"new": 0, "changed": 5, "unchanged": 0, "refused": 0}


def test_a_run_that_broke_off_goes_on_without_posting_anything_twice() -> None:
    gate = Gate()
    _post(gate, _rows(3))
    assert _post(gate, _rows(10)).by_fate() == {"new": 7, "changed": 0, "unchanged": 3, "refused": 0}
    assert all(len(revisions) == 1 for revisions in gate.cases.values())


def test_refused_rows_are_written_with_line_and_reason(tmp_path: Path) -> None:
    problem = {
        "title": "invalid case",
        "errors": [{"pointer": "/applied_at", "rule": "required"}, {"pointer": "/item", "detail": "needs a name"}],
    }
    gate = Gate(lambda case: httpx.Response(422, json=problem) if case["case_no"] == "C1" else None)
    tally = _post(gate, _rows(3))
    assert tally.by_fate() == {"new": 2, "changed": 0, "unchanged": 0, "refused": 1}
    file = write_refused(tmp_path / "refused.csv", tally)
    assert file is not None
    assert list(csv.reader(file.open(encoding="utf-8"))) == [
        ["line", "reason"],
        ["3", "/applied_at: required; /item: needs a name"],
    ]


def test_a_list_of_refused_rows_goes_when_none_is_refused_any_more(tmp_path: Path) -> None:
    target = tmp_path / "refused.csv"
    target.write_text("line,reason\n2,x\n")
    assert write_refused(target, Tally()) is None and not target.exists()


def test_a_busy_gate_is_asked_again() -> None:
    answers = [httpx.Response(503), httpx.Response(429), None]
    tally = _post(Gate(lambda case: answers.pop(0) if answers else None), _rows(1))
    assert tally.by_fate()["new"] == 1


def test_a_gate_that_stays_away_ends_the_run_and_says_what_stays_taken() -> None:
    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(CallFailed, match=r"got ConnectError for 0\.3 s; what it took stays taken"):
        _post(away, _rows(3), patience=0.3)


@pytest.mark.parametrize("status", [401, 403])
def test_a_call_that_nobody_may_make_ends_the_run_instead_of_refusing_every_row(status: int) -> None:
    gate = Gate(lambda case: httpx.Response(status, json={"title": "no", "detail": "expected a key"}))
    with pytest.raises(CallFailed, match="expected a key"):
        _post(gate, _rows(500), side_by_side=4)
    assert gate.calls_count < 50


def test_a_repeated_number_with_other_content_is_refused_with_its_line() -> None:
    tally = Tally()
    rows = [Row(2, {"case_no": "A", "x": 1}), Row(3, {"case_no": "A", "x": 2}), Row(4, {"case_no": "A", "x": 1})]
    assert [row.line for row in once_each(rows, tally)] == [2, 4]
    assert [line for line, _ in tally.refused] == [3]


def test_rows_that_the_mapping_cannot_read_are_refused_without_their_values() -> None:
    mapping = load_site(ROOT, ROOT / "config.example.yaml").sources["taipei1999"].mapping
    assert mapping is not None
    cells = {"案件編號": "1", "派工項目": "路燈", "案件地址": "秘密路", "立案日期": "20260431", "立案時間": "246000"}
    good = cells | {"立案日期": "20260430", "立案時間": "235842"}
    tally = Tally()
    made = list(cases_of([Record(2, cells), Record(3, good), TornRow(4, "torn")], mapping, tally))
    assert [row.line for row in made] == [3, 4]
    ((line, reason),) = tally.refused
    assert line == 2 and "立案日期" in reason
    assert "246000" not in reason and "秘密路" not in reason


def test_canonical_cases_come_one_a_line_and_a_torn_line_is_refused_alone(tmp_path: Path) -> None:
    file = tmp_path / "cases.ndjson"
    file.write_text('{"case_no": "A"}\n\n{"case_no": }\n{"a": 1, "a": 2}\n{"n": NaN}\n' + "[" * 100_000 + "\n", "utf-8")
    rows = list(read_cases(file))
    assert rows[0] == Row(1, {"case_no": "A"})
    assert [(type(row), row.line) for row in rows[1:]] == [(TornRow, 3), (TornRow, 4), (TornRow, 5), (TornRow, 6)]


@pytest.mark.parametrize("text", ['{"a": 1', '{"a": 1, "a": 2}', "", "[NaN]", "\0"])
def test_a_file_that_is_not_one_json_value_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "case.json"
    file.write_text(text, "utf-8")
    with pytest.raises(FileRefused) as caught:
        read_case(file)
    assert "case.json" in caught.value.message and "\n" not in caught.value.message
