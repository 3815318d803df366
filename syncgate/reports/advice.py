"""What to do next, as a report ends: sentences for people, the most urgent first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from syncgate.domain.reconciliation.kinds import Action, Kind, SourceKind
from syncgate.domain.reconciliation.run import RunOutcome
from syncgate.language import Language, Said, in_language
from syncgate.reports.model import QUEUED, Report, RunShown
from syncgate.reports.words import titled

_BY_OUTCOME: Final[dict[RunOutcome, Callable[[RunShown], Said]]] = {
    RunOutcome.IMPLAUSIBLE: lambda run: Said(
        "{system}: far too much is missing to be believed, and nothing was mended; ask its operators what happened"
        " there, then run again",
        system=run.system,
    ),
    RunOutcome.CAP_EXCEEDED: lambda run: Said(
        "{system}: more would be sent than the cap allows, and nothing was mended; look through the discrepancies, then"
        " run again with a higher cap",
        system=run.system,
    ),
    RunOutcome.INCOMPLETE: lambda run: Said(
        "{system}: part of it could not be read for certain; run again at a quiet time", system=run.system
    ),
    RunOutcome.FAILED: lambda run: Said("{system}: the run broke; see the log, then run again", system=run.system),
    RunOutcome.CANCELLED: lambda run: Said("{system}: the run was ended by hand; run again", system=run.system),
    RunOutcome.MISSED: lambda run: Said("{system}: the run did not begin; run it by hand", system=run.system),
}

_BY_KIND: Final[dict[str, Callable[[str, int], Said]]] = {
    Kind.UNEXPECTED: lambda system, count: Said(
        "{system}: {count} records there bear our mark and are not known here; have their source post these cases"
        " again",
        system=system,
        count=count,
    ),
    Kind.DUPLICATE: lambda system, count: Said(
        "{system}: {count} records are there more than once; have its operators remove what is too many",
        system=system,
        count=count,
    ),
    Kind.COUNT_DIFFERS: lambda system, count: Said(
        "{system}: it counts otherwise in {count} ranges of keys; ask its operators for a list of these",
        system=system,
        count=count,
    ),
    SourceKind.NOT_POSTED: lambda system, count: Said(
        "{system}: {count} cases were never posted; have it post them", system=system, count=count
    ),
}
"""What one decision a line does not settle."""


def advice(report: Report, language: Language) -> tuple[str, ...]:
    """What to do next, in a language; empty where nothing is."""
    titles = {run.system: titled(run.title, run.system, language) for run in report.runs}
    told = (*_outcomes(report), *_lines(report), *_offers(report))
    return tuple(in_language(_with_title(said, titles), language) for said in told)


def _with_title(said: Said, titles: Mapping[str, str]) -> Said:
    """The sentence with what people call the system in the place of its name."""
    system = str(said.facts["system"])
    return Said(said.template, **{**said.facts, "system": titles.get(system, system)})


def _outcomes(report: Report) -> Iterator[Said]:
    latest: dict[str, RunShown] = {}
    for run in report.runs:
        latest.setdefault(run.system, run)
    for run in latest.values():
        if run.outcome in _BY_OUTCOME:
            yield _BY_OUTCOME[run.outcome](run)


def _lines(report: Report) -> Iterator[Said]:
    unsettled = [line for line in report.lines if line.is_open and line.state != QUEUED]
    special = Counter((line.system, line.kind) for line in unsettled if line.kind in _BY_KIND)
    for (system, kind), count in sorted(special.items()):
        yield _BY_KIND[kind](system, count)
    rest = [line for line in unsettled if line.kind not in _BY_KIND]
    asked = Counter(line.system for line in rest if line.action == Action.ASK)
    for system, count in sorted(asked.items()):
        yield Said("{system}: {count} discrepancies wait for a person's decision", system=system, count=count)
    mendable = Counter(line.system for line in rest if line.action not in (Action.ASK, Action.IGNORE))
    for system, count in sorted(mendable.items()):
        yield Said("{system}: {count} discrepancies would be mended by a run that mends", system=system, count=count)


def _offers(report: Report) -> Iterator[Said]:
    for run in report.newest:
        for offer in run.offers:
            yield Said(
                "{system}: {seen} records differ only in how they write {message}.{field}; the adapter may declare"
                " {rule}",
                system=run.system,
                seen=offer.get("seen", 0),
                message=offer.get("message", ""),
                field=offer.get("field", ""),
                rule=offer.get("rule", ""),
            )
