"""A report says the same numbers in every form, nothing beyond what it was given, and all of it in both languages."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncgate.domain.reconciliation.kinds import Kind, Level
from syncgate.domain.reconciliation.run import ListingTotals, RunOutcome
from syncgate.language import LANGUAGES, Language
from syncgate.language.catalogue import sentences
from syncgate.reports import Line, Report, ReportForm, file_name, media_type, render
from syncgate.reports.advice import advice
from syncgate.reports.model import QUEUED, share, unseen_at
from syncgate.reports.page import LINES_SHOWN
from tests.unit.reports.sample import BEGUN, FOOD, a_line, a_period, a_report, a_run

SOURCES = Path(__file__).parents[3] / "syncgate" / "reports"


def html(report: Report, language: Language = "en") -> str:
    return render(report, ReportForm.HTML, language).decode("utf-8")


def sheets(report: Report, language: Language = "en") -> dict[str, list[tuple[Any, ...]]]:
    book = openpyxl.load_workbook(io.BytesIO(render(report, ReportForm.XLSX, language)))
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}


def words_told() -> set[str]:
    """Every text that the page and the workbook give to the catalogue."""
    page = (SOURCES / "report.html.j2").read_text("utf-8")
    code = (SOURCES / "workbook.py").read_text("utf-8")
    told = set(re.findall(r'\bt\("((?:[^"\\]|\\.)*)"', page)) | set(re.findall(r'self\._t\("([^"]*)"', code))
    return told | set(re.findall(r'\("([A-Z][^"]*)", \d+\)', code))


def test_every_word_of_a_report_is_in_the_catalogue() -> None:
    told = words_told()
    assert len(told) > 60
    assert sorted(told - set(sentences())) == []


@pytest.mark.parametrize("report", [a_report(), a_period(), a_report(0, runs=())], ids=["run", "period", "empty"])
def test_a_chinese_page_has_no_english_sentence(report: Report) -> None:
    text = re.sub(r"<style>.*?</style>|<[^>]*>", " ", html(report, "zh"), flags=re.DOTALL)
    assert re.findall(r"[a-z]{2,} [a-z]{2,}", text) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_form_says_the_same_totals(language: Language) -> None:
    report = a_report()
    page, book = html(report, language), sheets(report, language)
    told = json.loads(render(report, ReportForm.JSON, language))
    numbers = [told["totals"][name] for name in ("expected", "delivered", "verified", "returned", "unjudged")]
    assert numbers == [161_000, 160_987, 160_860, 3, 25] and told["totals"]["discrepancies"] == 87
    summary = [row[1] for row in next(iter(book.values())) if isinstance(row[1], int)]
    for number in (*numbers, 87):
        assert f">{number:,}<" in page and number in summary
    assert len(told["discrepancies"]) == len(report.lines)


def test_the_totals_of_a_time_count_the_newest_run_of_each_system() -> None:
    report = a_period()
    assert [run.run_id for run in report.newest] == ["food.20260502T183000Z", "province.2"]
    assert report.sum.expected == 161_000 + 500


def test_the_page_is_one_file_without_script_or_network() -> None:
    page = html(a_report())
    assert "<script" not in page and "http:" not in page and "https:" not in page and "url(" not in page
    assert page.count("content=\"default-src 'none'") + page.count('content="default-src &#39;none') == 1
    assert page.count("<th>") == 0, "every head says what it is the head of"


def test_what_a_system_wrote_is_text_on_the_page() -> None:
    page = html(a_report(lines=(a_line(0, remote_ref="<b>x</b>&", case_no='"><script>'),)))
    assert "<b>x</b>" not in page and "<script" not in page and "&lt;b&gt;x&lt;/b&gt;&amp;" in page


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("x")', "\t=1", "a\x00\x0bb", "x" * 40_000]
)
def test_no_text_of_a_workbook_is_a_formula(text: str) -> None:
    report = a_report(lines=(a_line(0, remote_ref=text, case_no=text),))
    book = openpyxl.load_workbook(io.BytesIO(render(report, ReportForm.XLSX, "en")))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert "f" not in {cell.data_type for cell in cells}
    assert any(str(cell.value)[:4] == text[:4].replace("\x00", "\ufffd").replace("\x0b", "\ufffd") for cell in cells)


def test_what_lies_outside_the_readers_scope_is_said_to_be_counted_and_not_listed() -> None:
    report = replace(a_report(), unseen_count=7)
    assert "7 of these, in cases outside your scope" in html(report)
    assert ("Outside your scope", 7, "counted here, and listed nowhere") in sheets(report)["Summary"]
    assert json.loads(render(report, ReportForm.JSON, "en"))["unseen_count"] == 7
    assert "outside your scope" not in html(a_report())


def test_the_heads_of_numbers_stand_where_the_numbers_stand() -> None:
    book = openpyxl.load_workbook(io.BytesIO(render(a_report(), ReportForm.XLSX, "en")))
    for sheet in book.worksheets[1:]:
        for column in sheet.iter_cols(min_row=1, max_row=2):
            head, first = column
            if isinstance(first.value, int):
                assert head.alignment.horizontal == "right", head.value


def test_a_long_list_is_cut_on_the_page_with_a_note_and_whole_in_the_workbook() -> None:
    report = a_report(lines=tuple(a_line(no) for no in range(LINES_SHOWN + 7)))
    page = html(report)
    assert f"The first {LINES_SHOWN} of {LINES_SHOWN + 7} are shown" in page
    assert page.count("FD2026") == LINES_SHOWN
    assert len(sheets(report)["Discrepancies"]) == 1 + LINES_SHOWN + 7
    assert "are shown" not in html(a_report())


def test_times_are_those_of_the_sites_zone() -> None:
    report = a_report(lines=(a_line(0),))
    assert "2026-05-01 02:30" in html(report)
    assert json.loads(render(report, ReportForm.JSON, "en"))["runs"][0]["begun_at"] == "2026-05-01T02:30:00+08:00"
    assert sheets(report)["Discrepancies"][1][15].isoformat() == "2026-05-01T02:32:00"


def test_what_a_level_cannot_find_is_said() -> None:
    assert unseen_at(Level.FIELDS) == ()
    assert unseen_at(Level.IDS) == (Kind.STALE, Kind.EDITED_THERE, Kind.NORMALISED_THERE)
    assert set(unseen_at(Level.NONE)) == set(Kind) - {Kind.COUNT_DIFFERS}
    assert "(仅编号)" not in html(a_report(), "zh") and "可读取的程度为“仅编号”，无法发现：对方为旧版" in html(
        a_report(), "zh"
    )


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_share_is_whole_only_where_all_is_and_nothing_only_where_nothing_is(part: int, rest: int) -> None:
    whole = part + rest
    assert (share(part, whole) == "100.0%") == (rest == 0 and whole > 0)
    assert (share(part, whole) == "0.0%") == (part == 0 and whole > 0)
    assert (share(part, whole) == "") == (whole == 0)


def test_a_report_over_a_time_says_what_was_spared_and_under_which_assumption() -> None:
    report = a_period()
    page, summary = html(report), [row for row in sheets(report)["Summary"] if row[0]]
    assert "160,840" in page and "16,084.0" in page and "6 minutes an entry, as the site says" in page
    assert ("Entries spared", 160_840, "read back there, less what people typed") in summary
    assert json.loads(render(report, ReportForm.JSON, "en"))["meter"]["hours"] == 16_084.0
    assert "frontdb" in page and "户外广告设置审批" in page
    assert "Double entry" not in html(a_report())


def test_why_a_discrepancy_is_left_to_a_person_is_said() -> None:
    report = a_report(lines=one("stale", action="ask", why="content_unknown"))
    assert "content unknown" in html(report) and "无法判断对方持有的是哪一版" in html(report, "zh")
    assert "content unknown" in sheets(report)["Discrepancies"][1]


def one(kind: str, **changes: Any) -> tuple[Line, ...]:
    return (replace(a_line(0), kind=kind, **changes),)


@pytest.mark.parametrize(
    ("lines", "outcome", "words"),
    [
        ((), RunOutcome.COMPLETE, []),
        ((), RunOutcome.IMPLAUSIBLE, ["far too much is missing"]),
        ((), RunOutcome.CAP_EXCEEDED, ["higher cap"]),
        ((), RunOutcome.MISSED, ["run it by hand"]),
        (one("missing", action="resend"), RunOutcome.COMPLETE, ["1 discrepancies would be mended"]),
        (one("missing", action="resend", state=QUEUED), RunOutcome.COMPLETE, []),
        (one("missing", action="ignore"), RunOutcome.COMPLETE, []),
        (one("missing", closed_at=BEGUN, closed_by="x", state="mended"), RunOutcome.COMPLETE, []),
        (one("edited_there", action="ask"), RunOutcome.COMPLETE, ["a person's decision"]),
        (one("unexpected", action="ask"), RunOutcome.COMPLETE, ["post these cases again"]),
        (one("duplicate", action="ask"), RunOutcome.COMPLETE, ["remove what is too many"]),
        (one("not_posted", action="ask"), RunOutcome.COMPLETE, ["have it post them"]),
    ],
)
def test_what_to_do_next_follows_from_what_was_found(
    lines: tuple[Line, ...], outcome: RunOutcome, words: list[str]
) -> None:
    report = a_report(lines=lines, runs=(a_run(outcome=outcome, offers=()),))
    told = advice(report, "en")
    assert len(told) == len(words) and all(word in one for word, one in zip(words, told, strict=True))
    assert all(one.startswith(FOOD["en"]) for one in told)
    assert (f"<li>{FOOD['zh']}" in html(report, "zh")) == bool(words)


def test_a_source_and_a_system_without_title_are_called_by_their_name() -> None:
    totals = (ListingTotals(listing="manifest", level="fields", expected=3, verified=2, kinds={"not_posted": 1}),)
    run = a_run(system="window", title={}, run_id="window.1", totals=totals, ranges=(), offers=())
    report = a_report(lines=one("not_posted", action="ask", system="window"), runs=(run,))
    assert "Reconciliation: window" in html(report) and "应报未报" in html(report, "zh")


def test_a_file_is_named_by_its_run_and_form() -> None:
    assert file_name(a_report(), ReportForm.XLSX) == "reconciliation-food.20260430T183000Z.xlsx"
    odd = a_report(runs=(a_run(run_id='a"\r\n/../b.1'),))
    assert re.fullmatch(r"[A-Za-z0-9._-]+", file_name(odd, ReportForm.HTML))
    assert file_name(a_period(), ReportForm.JSON) == f"reconciliation-{BEGUN + timedelta(hours=1):%Y%m%dT%H%M%SZ}.json"
    assert media_type(ReportForm.HTML) == "text/html; charset=utf-8"
