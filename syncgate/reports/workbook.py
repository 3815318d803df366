"""A report as a workbook: a sheet for each part, all discrepancies, texts that stay texts."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet
from openpyxl.worksheet.page import PageMargins

from syncgate.domain.meter import Meter
from syncgate.language import Language, reconciled
from syncgate.reports.advice import advice
from syncgate.reports.model import Line, Report, RunShown, differing, share, unseen_at
from syncgate.reports.words import heading, meaning, mode_words, state_words, text, titled, why_words

Value = str | int | datetime | None
_FACE: Final = "Noto Sans CJK SC"
_PLAIN: Final = Font(name=_FACE, size=10)
_BOLD: Final = Font(name=_FACE, size=10, bold=True)
_HEAD: Final = Font(name=_FACE, size=10, bold=True, color="FFFFFF")
_TITLE: Final = Font(name=_FACE, size=16, bold=True, color="12395F")
_BAND: Final = PatternFill("solid", fgColor="12395F")
_UNDER: Final = Border(bottom=Side(style="thin", color="D5DCE3"))
_TOP: Final = Alignment(vertical="top", wrap_text=True)
_LEFT: Final = Alignment(vertical="top", horizontal="left", wrap_text=True)
_RIGHT: Final = Alignment(vertical="top", horizontal="right", wrap_text=True)
_BESIDE: Final = Alignment(vertical="top", horizontal="left", wrap_text=True, indent=2)
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_A4: Final = 9
_PRINTED: Final = 10
"""Columns of the discrepancies that are printed; the others are for the screen."""
_MARGINS: Final = PageMargins(left=0.4, right=0.4, top=0.5, bottom=0.8)
_NUMBERS: Final = frozenset(
    ("To be reported", "Reported", "Verified", "Returned", "Undecided", "Discrepancies", "Read, ours", "Read, others'",
     "Records there", "Records read", "Should be", "Counted there", "Seen")
)  # fmt: skip
"""Columns whose heads stand on the right, as their numbers do."""
_LONGEST: Final = 32_000
"""Characters of a text; a cell holds 32,767."""


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    width: int
    is_number: bool = False


def workbook(report: Report, language: Language) -> bytes:
    """The bytes of an .xlsx file."""
    return _Book(report, language).written()


class _Book:
    def __init__(self, report: Report, language: Language) -> None:
        self._report = report
        self._language = language
        self._book = Workbook(write_only=True)
        self._styles: dict[tuple[int, int, int, type], Any] = {}

    def written(self) -> bytes:
        report = self._report
        self._summary()
        self._listings()
        self._lines(report.lines)
        if report.since is not None:
            self._runs(report.runs)
        self._ranges()
        self._offers()
        self._doubts()
        made = io.BytesIO()
        self._book.save(made)
        return made.getvalue()

    def _t(self, template: str, **facts: Any) -> str:
        return text(template, self._language, **facts)

    def _word(self, of: str, code: str) -> str:
        return reconciled(of, code, self._language)

    def _joined(self, words: Iterable[str]) -> str:
        return ("；" if self._language == "zh" else "; ").join(words)

    def _time(self, at: datetime | None) -> datetime | None:
        """A time as spreadsheets know it: on the site's clock, without a zone."""
        return None if at is None else at.astimezone(self._report.zone).replace(tzinfo=None, microsecond=0)

    def _titled(self, run: RunShown) -> str:
        return titled(run.title, run.system, self._language)

    def _sheet(self, title: str, columns: Sequence[_Column], *, has_head: bool = True) -> WriteOnlyWorksheet:
        sheet: Any = self._book.create_sheet(title)
        for place, column in enumerate(columns, 1):
            sheet.column_dimensions[get_column_letter(place)].width = column.width
        sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", _A4
        sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
        sheet.sheet_properties.pageSetUpPr.fitToPage = True
        sheet.page_margins = _MARGINS
        sheet.oddFooter.center.text = "&P / &N"
        if has_head:
            sheet.freeze_panes = "A2"
            sheet.print_title_rows = "1:1"
            sheet.append([self._head(sheet, column) for column in columns])
        return sheet  # type: ignore[no-any-return]

    def _table(
        self, title: str, columns: Sequence[_Column], rows: Iterable[Sequence[Value]], *, printed: int = 99
    ) -> None:
        """A sheet with a head that stays in sight, and a filter."""
        sheet: Any = self._sheet(title, columns)
        count = 1
        for row in rows:
            count += 1
            sheet.append([None if value is None else self._cell(sheet, value) for value in row])
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{count}"
        sheet.print_area = f"A1:{get_column_letter(min(len(columns), printed))}{count}"

    def _columns(self, names: Iterable[tuple[str, int]]) -> list[_Column]:
        return [_Column(self._t(name), width, is_number=name in _NUMBERS) for name, width in names]

    def _head(self, sheet: Any, column: _Column) -> Any:
        aligned = _RIGHT if column.is_number else _TOP
        return self._cell(sheet, column.title, font=_HEAD, fill=_BAND, aligned=aligned)

    def _cell(
        self,
        sheet: Any,
        value: Value,
        *,
        font: Font = _PLAIN,
        fill: PatternFill | None = None,
        aligned: Alignment = _TOP,
    ) -> Any:
        cell: Any = WriteOnlyCell(sheet, value=_clean(value) if isinstance(value, str) else value)
        if isinstance(value, str):
            cell.data_type = "s"  # a text that begins as a formula does is a text all the same
        key = (id(font), id(fill), id(aligned), type(value))
        if key not in self._styles:
            self._style(cell, value, font, fill, aligned)
            self._styles[key] = cell._style
        cell._style = copy(self._styles[key])
        return cell

    def _style(self, cell: Any, value: Value, font: Font, fill: PatternFill | None, aligned: Alignment) -> None:
        """Set once for each sort of cell: looking up fonts and borders for each of a million takes minutes."""
        if isinstance(value, datetime):
            cell.number_format = "yyyy-mm-dd hh:mm"
        elif isinstance(value, int):
            cell.number_format = "#,##0"
        cell.font, cell.alignment, cell.border = font, aligned, _UNDER
        if fill is not None:
            cell.fill = fill

    def _summary(self) -> None:
        report, language = self._report, self._language
        sheet: Any = self._sheet(
            self._t("Summary"), [_Column("", 26), _Column("", 22), _Column("", 70)], has_head=False
        )

        def put(name: str, value: Value, note: Value = None) -> None:
            cells = [self._cell(sheet, one) for one in (name, value, note)]
            cells[0].font, cells[2].alignment = _BOLD, _BESIDE
            if not isinstance(value, int):
                cells[1].alignment = _LEFT
            sheet.append(cells)

        def section(title: str) -> None:
            sheet.append([])
            sheet.append([self._cell(sheet, value, font=_HEAD, fill=_BAND) for value in (title, "", "")])

        sheet.row_dimensions[1].height = 30
        sheet.append([self._plain(sheet, heading(report, language), _TITLE)])
        sheet.append([self._plain(sheet, titled(report.site, "", language), _BOLD)])
        put(self._t("Made"), self._time(report.made_at))
        if report.since is not None:
            put(self._t("From"), self._time(report.since))
            put(self._t("To"), self._time(report.until))
        elif report.runs:
            self._run_facts(put, report.runs[0])
        section(self._t("Totals"))
        total = report.sum
        for name, count, note in (
            (self._t("To be reported"), total.expected, self._t("what the systems should hold")),
            (self._t("Reported"), total.delivered, self._t("delivered as far as is known here")),
            (self._t("Verified"), total.verified, share(total.verified, total.expected)),
            (self._t("Returned"), total.returned, self._t("given back by the system")),
            (self._t("Undecided"), total.unjudged, self._t("under way while it was read")),
            (self._t("Discrepancies"), differing(total), ""),
        ):
            put(name, count, note)
        if report.unseen_count:
            put(self._t("Outside your scope"), report.unseen_count, self._t("counted here, and listed nowhere"))
        section(self._t("Discrepancies by kind"))
        for one in report.by_kind:
            put(self._word("discrepancy", one.kind), one.found, meaning("discrepancy", one.kind, language))
        if report.meter is not None:
            section(self._t("Double entry"))
            for row in self._meter(report.meter):
                put(*row)
        section(self._t("What to do next"))
        steps = advice(report, language) or [self._t("Nothing is to be done.")]
        for step in steps:
            sheet.append([self._plain(sheet, step, _PLAIN)])
        sheet.append([])
        note = self._t("Values of fields are not part of this report.")
        sheet.append([self._plain(sheet, note, _PLAIN)])

    def _meter(self, meter: Meter) -> Iterator[tuple[str, Value, Value]]:
        yield self._t("Entries spared"), meter.spared, self._t("read back there, less what people typed")
        if meter.hours is not None:
            words = self._t("{minutes} minutes an entry, as the site says", minutes=f"{meter.minutes_per_entry:g}")
            yield self._t("Hours spared"), f"{meter.hours:,}", words
        yield (
            self._t("Fields typed"),
            meter.sample.typed,
            self._t("in the newest {cases} cases", cases=meter.sample.cases),
        )
        yield self._t("Fields delivered"), meter.sample.delivered, self._t("of the same cases, at all systems")
        for system in meter.unread:
            yield self._t("No record read back, so not counted"), system, None
        for one in meter.still_typed:
            yield self._t("Still typed by hand at"), one.records, f"{one.system} {one.item}"

    def _run_facts(self, put: Any, run: RunShown) -> None:
        put(self._t("Run"), run.run_id)
        put(self._t("Result"), self._word("run_outcome", run.outcome) if run.outcome else self._t("Under way"))
        put(self._t("Wished"), mode_words(run.mode, self._language))
        put(self._t("By"), run.by or self._t("schedule"), run.reason)
        put(self._t("Begun"), self._time(run.begun_at))
        put(self._t("Ended"), self._time(run.ended_at))
        for action, count in sorted(run.mended.items()):
            put(self._t("Done"), count, self._word("action", action))

    def _plain(self, sheet: Any, value: str, font: Font) -> Any:
        """A text that runs on over the cells beside it."""
        cell = self._cell(sheet, value, font=font)
        cell.alignment, cell.border = Alignment(vertical="top"), Border()
        return cell

    def _listings(self) -> None:
        names = (
            ("System", 26), ("Listing", 18), ("Level", 12), ("To be reported", 12), ("Reported", 12), ("Verified", 12),
            ("Returned", 12), ("Undecided", 12), ("Discrepancies", 12), ("Read, ours", 12), ("Read, others'", 12),
            ("Cannot be found at this level", 42),
        )  # fmt: skip
        self._table(
            self._t("By listing"),
            self._columns(names),
            (
                (
                    self._titled(run),
                    one.listing,
                    self._word("level", one.level),
                    one.expected,
                    one.delivered,
                    one.verified,
                    one.returned,
                    one.unjudged,
                    differing(one),
                    one.read,
                    one.outside,
                    self._joined(self._word("discrepancy", kind) for kind in unseen_at(one.level)),
                )
                for run in self._report.newest
                for one in run.totals
            ),
        )

    def _lines(self, lines: Iterable[Line]) -> None:
        names = (
            ("Case", 22), ("System", 12), ("Message", 16), ("Part", 9), ("Kind", 22), ("Fields", 34),
            ("Whose word counts", 16), ("There known as", 20), ("What is done", 16), ("State", 12), ("Why left", 24),
            ("Our key there", 22), ("Records there", 9), ("Item", 20), ("Region", 12), ("Found", 17), ("Seen last", 17),
            ("Closed", 17), ("By", 16), ("Id", 38),
        )  # fmt: skip
        self._table(self._t("Discrepancies"), self._columns(names), map(self._line, lines), printed=_PRINTED)

    def _line(self, line: Line) -> tuple[Value, ...]:
        return (
            line.case_no or line.key,
            line.system,
            line.message,
            line.part,
            self._word("discrepancy", line.kind),
            self._joined(f"{one.title} {one.name}".strip() for one in line.fields),
            self._joined(dict.fromkeys(self._word("owner", one.owner) for one in line.fields)),
            line.remote_ref,
            self._word("action", line.action),
            state_words(line.state, self._language),
            why_words(line.why, self._language),
            line.key,
            line.records,
            line.item,
            line.region,
            self._time(line.found_at),
            self._time(line.seen_at),
            self._time(line.closed_at),
            line.closed_by,
            str(line.discrepancy_id),
        )

    def _runs(self, runs: Iterable[RunShown]) -> None:
        names = (
            ("Run", 34), ("System", 26), ("Begun", 17), ("Ended", 17), ("Result", 18), ("Records read", 12),
            ("Verified", 12), ("Discrepancies", 12), ("By", 16), ("Reason", 30),
        )  # fmt: skip
        self._table(
            self._t("Runs"),
            self._columns(names),
            (
                (
                    run.run_id,
                    self._titled(run),
                    self._time(run.begun_at),
                    self._time(run.ended_at),
                    self._word("run_outcome", run.outcome) if run.outcome else self._t("Under way"),
                    run.sum.read,
                    run.sum.verified,
                    differing(run.sum),
                    run.by or self._t("schedule"),
                    run.reason,
                )
                for run in runs
            ),
        )

    def _ranges(self) -> None:
        rows = [(run, one) for run in self._report.newest for one in run.ranges]
        names = (("System", 26), ("Listing", 18), ("From key", 26), ("To below key", 26), ("Should be", 12))
        if rows:
            self._table(
                self._t("Where counts differ"),
                self._columns((*names, ("Counted there", 12))),
                (
                    (
                        self._titled(run),
                        one.get("listing"),
                        one.get("low"),
                        one.get("high"),
                        one.get("expected"),
                        one.get("actual"),
                    )
                    for run, one in rows
                ),
            )

    def _offers(self) -> None:
        rows = [(run, one) for run in self._report.newest for one in run.offers]
        names = (("System", 26), ("Message", 18), ("Field", 24), ("Rule", 24), ("Seen", 10))
        if rows:
            self._table(
                self._t("Offered rules"),
                self._columns(names),
                (
                    (self._titled(run), one.get("message"), one.get("field"), one.get("rule"), one.get("seen"))
                    for run, one in rows
                ),
            )

    def _doubts(self) -> None:
        rows = [(run, listing, code) for run in self._report.newest for listing, code in run.doubts]
        names = (("System", 26), ("Listing", 18), ("Why", 20), ("Meaning", 60))
        if rows:
            self._table(
                self._t("What is in doubt"),
                self._columns(names),
                (
                    (
                        self._titled(run),
                        listing,
                        self._word("doubt", code),
                        meaning("doubt", code, self._language),
                    )
                    for run, listing, code in rows
                ),
            )


def _clean(value: str) -> str:
    """A text as a cell can hold it."""
    shown = _UNPRINTABLE.sub("\ufffd", value)
    return shown if len(shown) <= _LONGEST else shown[:_LONGEST] + "…"
