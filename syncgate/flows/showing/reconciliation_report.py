"""Reports of reconciliation, put together from the runs' rows and the discrepancies that they saw. No value is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from syncgate.domain.errors import NotFound
from syncgate.domain.reconciliation.run import RunOutcome, RunState, id_of, job_of
from syncgate.domain.rows import Case, Discrepancy, Principal, Run
from syncgate.flows.gate import Gate
from syncgate.flows.showing.meter import measured
from syncgate.flows.showing.scope import is_of_seen_source, is_unbounded, sees_case, sees_system
from syncgate.ports import DiscrepancyFilter, Tx
from syncgate.reports.model import OPEN, QUEUED, FieldLine, Line, Report, RunShown, Titles

LINES_AT_MOST: Final = 100_000
"""Discrepancies that one report holds; a run that would find more is not believed."""
RUNS_AT_MOST: Final = 2_000
_PAGE: Final = 1_000


@dataclass(frozen=True, slots=True)
class SiteFace:
    """How a deployment shows itself. title: by language. zone: in which its times are shown. minutes_per_entry: what
    one entry takes; None: it does not say."""

    title: Titles
    zone: ZoneInfo
    minutes_per_entry: float | None = None


async def run_report(gate: Gate, principal: Principal, face: SiteFace, *, system: str, slot: str) -> Report:
    """What one run found or saw again. `system` may be a source. Raises NotFound where there is none in scope."""

    def step(tx: Tx) -> Report:
        run = tx.run(job_of(system), slot) if sees_system(principal, system) else None
        if run is None:
            raise NotFound("expected a run that is known here, got none of that id")
        shown = run_shown(gate, run)
        where = DiscrepancyFilter(
            systems=(system,), seen_from=shown.begun_at or run.claimed_at, found_until=shown.ended_at
        )
        told = _lines(gate, tx, principal, where)
        return Report(site=face.title, zone=face.zone, made_at=tx.now, runs=(shown,), **told)

    return await gate.writer.read(step)


async def period_report(
    gate: Gate,
    principal: Principal,
    face: SiteFace,
    *,
    since: datetime,
    until: datetime,
    systems: Sequence[str] | None = None,
) -> Report:
    """What all runs within a time found or saw again, of these systems and sources; None: of all in scope."""

    def step(tx: Tx) -> Report:
        names = _systems(tx, principal, systems)
        runs = tuple(run_shown(gate, run) for run in _runs(tx, names, since, until))
        where = DiscrepancyFilter(systems=names, seen_from=since, found_until=until)
        told = _lines(gate, tx, principal, where) if names else {}
        return Report(
            site=face.title, zone=face.zone, made_at=tx.now, since=since, until=until, runs=runs,
            meter=measured(gate, tx, principal, minutes_per_entry=face.minutes_per_entry),
            **told,
        )  # fmt: skip

    return await gate.writer.read(step)


def run_shown(gate: Gate, run: Run) -> RunShown:
    """A run's row as a report shows it."""
    state, system = RunState.from_json(run.detail), run.job.partition(":")[2]
    wish = state.wish
    return RunShown(
        run_id=id_of(run.job, run.slot),
        system=system,
        title=dict(gate.active_bundle(system).title) if system in gate.active else {},
        outcome=RunOutcome(run.outcome) if run.outcome in set(RunOutcome) else None,
        mode=wish.mode,
        trigger=wish.trigger,
        by=wish.by if wish.trigger == "person" else "",
        reason=wish.reason,
        messages=wish.messages,
        since=wish.since,
        until=wish.until,
        cap=wish.cap,
        begun_at=_time(state.begun_at) or run.claimed_at,
        ended_at=run.ended_at,
        bundle=state.bundle,
        records=state.records,
        totals=state.totals,
        mended=state.mended,
        left=state.left,
        ranges=state.ranges,
        offers=state.offers,
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _systems(tx: Tx, principal: Principal, wished: Sequence[str] | None) -> tuple[str, ...]:
    known = [row.system for row in tx.systems() if sees_system(principal, row.system)]
    return tuple(name for name in known if wished is None or name in wished)


def _runs(tx: Tx, systems: Sequence[str], since: datetime, until: datetime) -> Iterator[Run]:
    """The runs that ended, or are under way, within the time, newest first."""
    after, seen = None, 0
    while systems and seen < RUNS_AT_MOST:
        page = tx.page_runs([job_of(system) for system in systems], after=after, limit=_PAGE)
        for run in page:
            at = run.ended_at or run.claimed_at
            if since <= at < until:
                yield run
        seen += len(page)
        if len(page) < _PAGE or page[-1].claimed_at < since:
            return
        after = (page[-1].job, page[-1].slot)


def _lines(gate: Gate, tx: Tx, principal: Principal, where: DiscrepancyFilter) -> dict[str, Any]:
    """What a report says of discrepancies: those in scope, open ones first, by system and newest first."""
    found: list[Line] = []
    read_count = 0
    for page in _pages(tx, where):
        cases = tx.cases({row.case_id for row in page if row.case_id is not None})
        found += [_line(gate, row, cases) for row in page if _sees(tx, principal, row, cases)]
        read_count += len(page)
        if len(found) >= LINES_AT_MOST:
            break
    found.sort(key=lambda line: (not line.is_open, line.system))
    return {
        "lines": tuple(found[:LINES_AT_MOST]),
        "is_cut": len(found) >= LINES_AT_MOST,
        "unseen_count": read_count - len(found),
    }


def _pages(tx: Tx, where: DiscrepancyFilter) -> Iterator[list[Discrepancy]]:
    after: UUID | None = None
    while page := tx.list_discrepancies(where, after=after, limit=_PAGE):
        yield page
        after = page[-1].discrepancy_id


def _sees(tx: Tx, principal: Principal, row: Discrepancy, cases: dict[UUID, Case]) -> bool:
    """Whether a discrepancy is in scope; what is nobody's case only where no scope asks for the case."""
    if is_unbounded(principal) or is_of_seen_source(principal, row):
        return True
    case = cases.get(row.case_id) if row.case_id is not None else None
    if case is None:
        return not principal.sources and not principal.regions
    return sees_case(principal, case, tx.lanes(case.case_id))


def _line(gate: Gate, row: Discrepancy, cases: dict[UUID, Case]) -> Line:
    case = cases.get(row.case_id) if row.case_id is not None else None
    detail = row.detail
    return Line(
        discrepancy_id=row.discrepancy_id,
        system=row.system,
        listing=_text(detail.get("listing")),
        message=row.message,
        part=row.part,
        kind=row.kind,
        action=row.action,
        state=row.closed_as or (QUEUED if row.delivery_id is not None else OPEN),
        case_id=row.case_id,
        case_no=None if case is None else case.case_no,
        item="" if case is None else case.item,
        region="" if case is None else case.region,
        why=_text(detail.get("why")) if row.closed_at is None else "",
        key=_text(detail.get("key")),
        remote_ref=_text(detail.get("remote_ref")),
        records=detail.get("records"),
        fields=tuple(_fields(gate, row, detail.get("fields") or ())),
        found_at=row.found_at,
        seen_at=row.seen_at,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
    )


def _fields(gate: Gate, row: Discrepancy, fields: Iterable[Any]) -> Iterator[FieldLine]:
    titles = _field_titles(gate, row.system, row.message)
    for one in fields:
        name = _text(one.get("name"))
        yield FieldLine(
            name=name, title=titles.get(name, ""), owner=_text(one.get("owner")) or "ours", like=_text(one.get("like"))
        )


def _field_titles(gate: Gate, system: str, message: str) -> dict[str, str]:
    """What the message's contract calls its fields."""
    spec = gate.active_bundle(system).specs.get(message) if system in gate.active else None
    properties = spec.contract.document.get("properties") if spec is not None else None
    if not isinstance(properties, dict):
        return {}
    return {name: str(one.get("title", "")) for name, one in properties.items() if isinstance(one, dict)}


def _text(value: Any) -> str:
    return "" if value is None else str(value)
