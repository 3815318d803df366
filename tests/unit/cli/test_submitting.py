"""What becomes of a file's rows when they are posted."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from syncgate.cli.case_files import Row, read_case, read_cases
from syncgate.cli.context import BadArgument, CallFailed
from syncgate.cli.findings import safe, write_findings
from syncgate.cli.records import mapped
from syncgate.cli.source_files import chosen, files_in, require_one_batch_each
from syncgate.cli.staging import Finding, Staging
from syncgate.cli.submitting import LINES, Posting, check_all, post_all
from syncgate.mapping import load_mapping
from syncgate.records import CsvSettings, FileRefused, Record, Seen, Torn
from syncgate.site.folder import load_site
from syncgate.site.sources import Source

ROOT = Path(__file__).parents[3]
Result = dict[str, Any]
TAKEN = {"new": 0, "changed": 0, "unchanged": 0, "refused": 0}


class Pieces(httpx.AsyncByteStream):
    """An answer in pieces, that may break off."""

    def __init__(self, pieces: list[bytes], *, breaks: bool) -> None:
        self._pieces, self._breaks = pieces, breaks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece
        if self._breaks:
            raise httpx.ReadError("reset")


class Gate:
    """A gate that knows cases by number and content. `judge` may answer for a line; `cut` ends calls early."""

    def __init__(self, judge: Callable[[Any], Result | None] = lambda case: None, *, cut: int = 0) -> None:
        self.cases: dict[str, list[Any]] = {}
        self.calls: list[int] = []
        self.order: list[str] = []
        self._judge, self._cut = judge, cut

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["content-type"] == "application/x-ndjson"
        lines = request.content.splitlines()
        self.calls.append(len(lines))
        cut = self._cut and len(self.calls) % 2
        results = [self._result(no, json.loads(line)) for no, line in enumerate(lines, start=1)]
        text = b"".join(
            json.dumps(result, ensure_ascii=False).encode() + b"\n" for result in results[: self._cut or None]
        )
        pieces = [text[at : at + 50] for at in range(0, len(text), 50)]
        return httpx.Response(200, stream=Pieces(pieces, breaks=bool(cut)))

    def _result(self, no: int, case: Any) -> Result:
        given = self._judge(case)
        if given is not None:
            return {"line": no, **given}
        number = case["case_no"]
        self.order.append(f"{number}{case.get('title', '')}")
        revisions = self.cases.setdefault(number, [])
        if revisions and revisions[-1] == case:
            return {"line": no, "status": 200, "revision": len(revisions), "unchanged": True, "odd": "\u2028\x85"}
        revisions.append(case)
        return {"line": no, "status": 202, "revision": len(revisions), "unchanged": False}


def _staged(rows: list[Row | Torn]) -> Staging:
    staging = Staging()
    staging.take(rows, source="desk", seen=Seen())
    return staging


def _post(
    gate: Callable[[httpx.Request], httpx.Response], rows: Any, *, check: bool = False, **options: Any
) -> Staging:
    staging = rows if isinstance(rows, Staging) else _staged(rows)

    async def run() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(gate), base_url="http://gate") as client:
            await (check_all if check else post_all)(Posting(client, "desk", staging, **options))

    asyncio.run(run())
    return staging


def _rows(count: int, **more: Any) -> list[Row]:
    return [Row(n + 2, {"case_no": f"C{n}", **more}) for n in range(count)]


def _told(staging: Staging) -> list[tuple[int, str, str]]:
    return [(finding.line, finding.at, finding.reason) for finding in staging.findings()]


def test_the_same_content_again_is_unchanged_and_other_content_is_a_change() -> None:
    gate = Gate()
    assert _post(gate, _rows(5)).by_fate() == {**TAKEN, "new": 5}
    assert _post(gate, _rows(5)).by_fate() == {**TAKEN, "unchanged": 5}
    assert _post(gate, _rows(5, title="x")).by_fate() == {**TAKEN, "changed": 5}


def test_a_call_holds_200_cases_at_most_and_four_megabytes() -> None:
    gate = Gate()
    assert _post(gate, _rows(450)).by_fate() == {**TAKEN, "new": 450}
    assert sorted(gate.calls) == [50, LINES, LINES]
    large = Gate()
    _post(large, _rows(10, description="x" * 1_000_000))
    assert max(large.calls) == 4


def test_a_run_that_broke_off_goes_on_without_posting_anything_twice() -> None:
    gate = Gate()
    _post(gate, _rows(3))
    assert _post(gate, _rows(10)).by_fate() == {**TAKEN, "new": 7, "unchanged": 3}
    assert all(len(revisions) == 1 for revisions in gate.cases.values())


def test_what_was_not_answered_for_before_a_connection_was_lost_is_posted_again() -> None:
    """The connection ends behind the third answer, though the gate took every line."""
    gate = Gate(cut=3)
    counts = _post(gate, _rows(10)).by_fate()
    assert counts["new"] + counts["unchanged"] == 10 and counts["refused"] == 0
    assert gate.calls == [10, 7, 4, 1]
    assert all(len(revisions) == 1 for revisions in gate.cases.values())


def test_an_answer_that_ends_early_is_not_taken_for_a_whole_one() -> None:
    def quiet(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=b"")

    with pytest.raises(CallFailed, match="an answer that breaks off"):
        _post(quiet, _rows(3), patience=0.3)


def test_a_busy_line_is_asked_again_and_the_others_are_not() -> None:
    answers: list[Result | None] = [{"status": 503}, {"status": 429}]
    gate = Gate(lambda case: answers.pop(0) if answers and case["case_no"] == "C1" else None)
    assert _post(gate, _rows(3)).by_fate() == {**TAKEN, "new": 3}
    assert gate.calls == [3, 1, 1]


def test_a_gate_that_stays_away_ends_the_run_and_says_what_stays_taken() -> None:
    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(CallFailed, match=r"got ConnectError for 0\.3 s; what it took stays taken"):
        _post(away, _rows(3), patience=0.3)


@pytest.mark.parametrize("status", [401, 403, 404, 422])
def test_a_call_that_nobody_may_make_ends_the_run_instead_of_refusing_every_row(status: int) -> None:
    calls: list[int] = []

    def no(request: httpx.Request) -> httpx.Response:
        calls.append(1)
        return httpx.Response(status, json={"title": "no", "detail": "expected a key"})

    with pytest.raises(CallFailed, match="expected a key"):
        _post(no, _rows(5000), side_by_side=4)
    assert len(calls) <= 4


def test_a_line_that_nobody_may_post_ends_the_run() -> None:
    gate = Gate(lambda case: {"status": 403, "problem": {"detail": "expected another source"}})
    with pytest.raises(CallFailed, match="expected another source"):
        _post(gate, _rows(3))


def test_cases_that_share_a_number_are_never_in_two_calls_at_a_time_and_arrive_in_order() -> None:
    gate, under_way = Gate(), set[str]()
    staging = Staging()
    for n in range(8):
        case = {"case_no": f"C{n % 3}", "references": {"food": f"F{n % 2}"}, "title": str(n), "pad": "x" * 3_000_000}
        staging.take([Row(n, case)], source="desk", seen=Seen())

    async def answered(request: httpx.Request) -> httpx.Response:
        cases = [json.loads(line) for line in request.content.splitlines()]
        numbers = {case["case_no"] for case in cases} | {case["references"]["food"] for case in cases}
        assert not numbers & under_way
        under_way.update(numbers)
        await asyncio.sleep(0.01)
        under_way.difference_update(numbers)
        return gate(request)

    async def run() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answered), base_url="http://gate") as client:
            await post_all(Posting(client, "desk", staging))

    asyncio.run(run())
    assert gate.calls == [1] * 8
    assert gate.order == [f"C{n % 3}{n}" for n in range(8)]


def test_what_the_gate_refuses_is_told_with_line_field_and_reason() -> None:
    one = {"errors": [{"pointer": "/applied_at", "rule": "required", "message": "expected a value, got none"}]}
    two = {"errors": [*one["errors"], {"pointer": "/item", "rule": "required"}]}
    none = {"detail": "expected another case"}
    problems = {"C1": one, "C2": two, "C3": none}
    gate = Gate(lambda case: {"status": 422, "problem": problems[case["case_no"]]} if case["case_no"] != "C0" else None)
    staging = _post(gate, _rows(4))
    assert staging.by_fate() == {**TAKEN, "new": 1, "refused": 3}
    assert _told(staging) == [
        (3, "/applied_at", "expected a value, got none"),
        (4, "", "/applied_at: expected a value, got none; /item: required"),
        (5, "", "expected another case"),
    ]


def test_a_dry_run_tells_what_would_become_of_each_row_and_posts_none() -> None:
    answers: dict[str, tuple[int, Result]] = {
        "C0": (200, {"case_id": None, "deliveries": [{"phase": "pending"}]}),
        "C1": (200, {"case_id": "x", "unchanged": True}),
        "C2": (422, {"errors": [{"pointer": "/item", "message": "expected a name"}]}),
        "C3": (
            200,
            {
                "case_id": "x",
                "deliveries": [
                    {"phase": "parked", "system": "a", "message": "m", "faults": [{"field": "f", "rule": "too_long"}]}
                ],
            },
        ),
    }

    def gate(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/v1/cases:check"
        status, body = answers[json.loads(request.content)["case_no"]]
        return httpx.Response(status, json=body)

    staging = _post(gate, _rows(4), check=True)
    assert staging.by_fate() == {"new": 1, "changed": 1, "unchanged": 1, "refused": 1}
    assert staging.counts["parked"] == 1
    assert _told(staging) == [(4, "/item", "expected a name"), (5, "a/m", "would be parked: f: too_long")]


def test_a_repeated_number_with_other_content_is_refused_with_its_line() -> None:
    rows: list[Row | Torn] = [Row(n, {"case_no": "A", "x": n != 3}) for n in (2, 3, 4)]
    staging = _staged([*rows, Torn(9, "expected 3 cells, got 2")])
    assert [one.line for one in staging.ready()] == [2, 4]
    assert [(line, at) for line, at, _ in _told(staging)] == [(3, "/case_no"), (9, "")]


@pytest.fixture
def taipei() -> Source:
    return load_site(ROOT, ROOT / "config.example.yaml").sources["taipei1999"]


def test_rows_that_the_mapping_cannot_read_are_refused_without_their_values(taipei: Source) -> None:
    assert taipei.mapping is not None
    cells = {"案件編號": "1", "派工項目": "路燈", "案件地址": "秘密路", "立案日期": "20260431", "立案時間": "246000"}
    good = cells | {"立案日期": "20260430", "立案時間": "235842"}
    records = [Record(2, cells), Record(3, good), Torn(4, "torn")]
    made = list(mapped(records, taipei.mapping, batch="b", seen=Seen()))
    assert [(type(row), row.line) for row in made] == [(Torn, 2), (Row, 3), (Torn, 4)]
    assert isinstance(made[0], Torn) and "立案日期" in made[0].reason + made[0].at
    assert "246000" not in repr(made[0]) and "秘密路" not in repr(made)


NUMBERED = """
mapping: sources/desk/case
direction: in
reads: record
payload: {case_no: {context: record_no}, description: {context: batch}}
examples: [{name: n, record: {}, context: {record_no: A, batch: b}, gives: {case_no: A, description: b}}]
"""


def test_records_without_ids_are_numbered_by_batch_and_content() -> None:
    mapping = load_mapping(NUMBERED, "mappings/sources/desk/case.yaml")
    records: list[Record | Torn] = [Record(2, {"a": "1"}), Record(3, {"a": "2"}), Record(4, {"a": "1"})]

    def numbers(batch: str, records: list[Record | Torn]) -> list[str]:
        rows = mapped(records, mapping, batch=batch, seen=Seen())
        return [row.case["case_no"] for row in rows if isinstance(row, Row)]

    first = numbers("jan", records)
    assert first[2] == f"{first[0]}-2" and first[1] != first[0]
    assert numbers("jan", records[::-1]) == [first[0], first[1], first[2]]
    assert not set(numbers("feb", records)) & set(first)


def test_two_files_that_would_be_numbered_as_one_are_refused(taipei: Source, tmp_path: Path) -> None:
    numbered = Source(
        name="desk",
        title={},
        mapping=load_mapping(NUMBERED, "mappings/sources/desk/case.yaml"),
        formats={"csv": CsvSettings()},
    )
    same = [chosen(tmp_path / at / "a.csv", numbered, batch=None, format_name=None) for at in ("x", "y")]
    with pytest.raises(BadArgument, match="different names"):
        require_one_batch_each(same, numbered.mapping)
    require_one_batch_each(same, taipei.mapping)
    one_batch = [chosen(tmp_path / at, numbered, batch="b", format_name=None) for at in ("a.csv", "b.csv")]
    with pytest.raises(BadArgument, match="different names"):
        require_one_batch_each(one_batch, numbered.mapping)


def test_a_file_is_read_as_its_name_or_the_option_says(taipei: Source) -> None:
    def settings(name: str, option: str | None = None) -> Any:
        return chosen(Path(name), taipei, batch=None, format_name=option).settings

    assert settings("a.CSV") == settings("a.dat", "csv") == CsvSettings(charset="utf-8-sig")
    assert settings("a.ndjson") is None and settings("a.json") is None
    for name in ("a.xlsx", "a.dat"):
        with pytest.raises(BadArgument):
            settings(name)


def test_a_folder_stands_for_its_files_but_our_own_lists(tmp_path: Path) -> None:
    for name in ("b.csv", "a.xlsx", "a.csv.refused.csv", "~$a.xlsx", ".x.csv", "note.md", "a.csv.check.csv"):
        (tmp_path / name).write_text("x")
    (tmp_path / "c.csv").mkdir()
    assert [file.name for file in files_in([tmp_path, tmp_path / "note.md"])] == ["a.xlsx", "b.csv", "note.md"]
    with pytest.raises(BadArgument, match="expected files"):
        files_in([tmp_path / "c.csv"])


def _listed(findings: list[Finding], target: Path) -> list[list[str]]:
    file = write_findings(target, findings, file="calls.csv")
    assert file == target
    return list(csv.reader(target.open(encoding="utf-8-sig", newline="")))


def test_refused_rows_are_listed_with_file_line_field_and_reason(tmp_path: Path) -> None:
    target = tmp_path / "refused.csv"
    assert _listed([Finding(3, "立案日期", "expected a time, got another text")], target) == [
        ["file", "line", "field", "reason"],
        ["calls.csv", "3", "立案日期", "expected a time, got another text"],
    ]
    assert target.read_bytes().startswith(b"\xef\xbb\xbf"), "a spreadsheet tells the charset by the mark"
    assert [file.name for file in tmp_path.iterdir()] == ["refused.csv"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"])
def test_no_cell_of_the_list_is_a_formula(text: str) -> None:
    assert not safe(text).startswith(("=", "+", "-", "@", "\t", "\r", "＝"))
    assert safe("a=1\nb") == "a=1 b"


def test_a_list_of_refused_rows_goes_when_none_is_refused_any_more(tmp_path: Path) -> None:
    target = tmp_path / "refused.csv"
    write_findings(target, [Finding(2, "", "x")], file="calls.csv")
    assert target.exists()
    assert write_findings(target, iter(()), file="calls.csv") is None and not target.exists()


def _cases(file: Path) -> Iterator[tuple[str, int]]:
    return ((type(row).__name__, row.line) for row in read_cases(file))


def test_canonical_cases_come_one_a_line_and_a_torn_line_is_refused_alone(tmp_path: Path) -> None:
    file = tmp_path / "cases.ndjson"
    file.write_text('{"case_no": "A"}\n\n{"case_no": }\n{"a": 1, "a": 2}\n{"n": NaN}\n' + "[" * 100_000 + "\n", "utf-8")
    assert next(read_cases(file)) == Row(1, {"case_no": "A"})
    assert list(_cases(file)) == [("Row", 1), ("Torn", 3), ("Torn", 4), ("Torn", 5), ("Torn", 6)]


def test_a_list_of_canonical_cases_comes_one_an_item(tmp_path: Path) -> None:
    file = tmp_path / "cases.json"
    file.write_text(' [{"case_no": "A"},\n{"case_no": "B"}, 7]', "utf-8")
    assert list(_cases(file)) == [("Row", 1), ("Row", 2), ("Torn", 2)]


@pytest.mark.parametrize("text", ['{"a": 1', '{"a": 1, "a": 2}', "", "[NaN]", "\0"])
def test_a_file_that_is_not_one_json_value_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "case.json"
    file.write_text(text, "utf-8")
    with pytest.raises(FileRefused) as caught:
        read_case(file)
    assert "case.json" in caught.value.message and "\n" not in caught.value.message
