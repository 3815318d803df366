"""A report in the form that somebody asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from syncgate.domain.meter import plain as metered
from syncgate.language import Language
from syncgate.reports.advice import advice
from syncgate.reports.model import Report, differing


class ReportForm(StrEnum):
    """How a report is written."""

    HTML = "html"
    XLSX = "xlsx"
    JSON = "json"


_MEDIA: Final[Mapping[ReportForm, str]] = {
    ReportForm.HTML: "text/html; charset=utf-8",
    ReportForm.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ReportForm.JSON: "application/json",
}


def render(report: Report, form: ReportForm, language: Language) -> bytes:
    """The report in a form and a language. A long one takes seconds: not for an event loop."""
    match form:
        case ReportForm.HTML:
            from syncgate.reports.page import page

            return page(report, language).encode("utf-8")
        case ReportForm.XLSX:
            from syncgate.reports.workbook import workbook

            return workbook(report, language)
        case ReportForm.JSON:
            return orjson.dumps(plain(report, language), option=orjson.OPT_INDENT_2)


def media_type(form: ReportForm) -> str:
    """The media type of a form."""
    return _MEDIA[form]


def file_name(report: Report, form: ReportForm) -> str:
    """A name for a file, in ASCII."""
    about = report.runs[0].run_id if report.since is None and report.runs else f"{report.made_at:%Y%m%dT%H%M%SZ}"
    return f"reconciliation-{re.sub(r'[^A-Za-z0-9._-]', '_', about)}.{form.value}"


def plain(report: Report, language: Language) -> dict[str, Any]:
    """The report as JSON: codes as they are, times with offset, sums and advice beside what they are made of."""
    told = {name: _plain(getattr(report, name), report.zone) for name in ("made_at", "since", "until")}
    return {
        "site": dict(report.site),
        **told,
        "totals": _totals(_plain(report.sum, report.zone), differing(report.sum)),
        "by_kind": [
            {"kind": one.kind, "found": one.found, "open": one.still_open, "closed": one.closed}
            for one in report.by_kind
        ],
        "advice": list(advice(report, language)),
        "runs": [_plain(run, report.zone) for run in report.runs],
        "discrepancies": [_plain(line, report.zone) for line in report.lines],
        "is_cut": report.is_cut,
        "unseen_count": report.unseen_count,
        "meter": None if report.meter is None else _plain(metered(report.meter), report.zone),
    }


def _totals(totals: dict[str, Any], count: int) -> dict[str, Any]:
    kept = {name: value for name, value in totals.items() if name not in ("listing", "level", "doubts")}
    return {**kept, "discrepancies": count}


def _plain(value: Any, zone: ZoneInfo) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value), zone)
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat(timespec="seconds")
    if isinstance(value, Mapping):
        return {key: _plain(below, zone) for key, below in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(below, zone) for below in value]
    return str(value) if isinstance(value, UUID) else value
