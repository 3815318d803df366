"""The words of a report: sentences by the catalogue, codes by their tables."""

from __future__ import annotations

from typing import Any, Final

from syncgate.language import Language, Said, in_language, reconciled, word
from syncgate.language.reconciling import TABLES
from syncgate.reports.model import OPEN, QUEUED, Report, Titles

_MODES: Final = {
    "list": Said("list what differs"),
    "mend": Said("mend by the adapter's policy"),
    "adopt": Said("link what was typed there by hand"),
}
_STATES: Final = {OPEN: Said("Open"), QUEUED: Said("Repair queued")}


def text(template: str, language: Language, /, **facts: Any) -> str:
    """A sentence or a heading of the catalogue with its facts, in a language."""
    return in_language(Said(template, **facts), language)


def titled(titles: Titles, name: str, language: Language) -> str:
    """What something is called in a language: its title there, its other one, else its name."""
    return titles.get(language) or next(iter(titles.values()), "") or name


def why_words(why: str, language: Language) -> str:
    """Why a discrepancy is left to a person."""
    return word("reason", why, language) if language == "zh" else why.replace("_", " ")


def meaning(of: str, code: str, language: Language) -> str:
    """What a code means; empty for one that has no meaning of its own."""
    found = TABLES[of].get(code)
    return "" if found is None else found.means_zh if language == "zh" else found.means


def heading(report: Report, language: Language) -> str:
    """What a report is called."""
    if report.since is not None or not report.runs:
        return text("Reconciliation of all systems", language)
    run = report.runs[0]
    return text("Reconciliation: {system}", language, system=titled(run.title, run.system, language))


def mode_words(mode: str, language: Language) -> str:
    """What a run was wished for."""
    return in_language(_MODES[mode], language) if mode in _MODES else mode


def state_words(state: str, language: Language) -> str:
    """How a discrepancy stands."""
    return in_language(_STATES[state], language) if state in _STATES else reconciled("closed_as", state, language)
