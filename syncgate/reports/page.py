"""A report as one self-contained HTML page: no script, no network, prints on A4."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any, Final

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template, select_autoescape
from markupsafe import Markup

from syncgate.language import Language, reconciled
from syncgate.reports.advice import advice
from syncgate.reports.model import Report, differing, share, unseen_at
from syncgate.reports.words import heading, meaning, mode_words, state_words, text, titled, why_words

LINES_SHOWN: Final = 500
"""Discrepancies that a page lists; a workbook lists all."""


def page(report: Report, language: Language) -> str:
    """The page."""
    zone = report.zone

    def time(at: datetime | None) -> str:
        return "" if at is None else at.astimezone(zone).strftime("%Y-%m-%d %H:%M")

    told: dict[str, Any] = {
        "t": lambda template, **facts: text(template, language, **facts),
        "word": lambda of, code: reconciled(of, str(code), language),
        "meaning": lambda of, code: meaning(of, str(code), language),
        "mode": lambda code: mode_words(code, language),
        "why": lambda code: why_words(code, language),
        "state": lambda line: state_words(line.state, language),
        "titled": lambda run: titled(run.title, run.system, language),
        "unseen": lambda level: _listed(level, language),
        "time": time,
        "day": lambda at: time(at)[:10],
        "number": lambda count: f"{count:,}",
        "short": lambda digest: str(digest).removeprefix("sha256:")[:12],
        "share": share,
        "differing": differing,
    }
    return _template().render(
        report=report,
        language=language,
        site=titled(report.site, "", language),
        heading=heading(report, language),
        advice=advice(report, language),
        style=Markup(_resource("report.css")),  # noqa: S704  ours, from the package
        cap=LINES_SHOWN,
        is_many=len(report.newest) > 1,
        doubts=[(run, listing, code) for run in report.newest for listing, code in run.doubts],
        ranges=[(run, one) for run in report.newest for one in run.ranges],
        offers=[(run, one) for run in report.newest for one in run.offers],
        **told,
    )


def _listed(level: str, language: Language) -> str:
    kinds = [reconciled("discrepancy", kind, language) for kind in unseen_at(level)]
    return ("、" if language == "zh" else ", ").join(kinds)


@cache
def _template() -> Template:
    environment = Environment(
        loader=FunctionLoader(_resource),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    return environment.get_template("report.html.j2")


def _resource(name: str) -> str:
    return resources.files("syncgate.reports").joinpath(name).read_text("utf-8")
