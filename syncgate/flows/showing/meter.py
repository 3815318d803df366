"""The meter of double entry, from roll-ups, the last runs, and a sample of the newest cases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from syncgate.domain.delivery import OF_ITS_OWN, Event, Phase
from syncgate.domain.errors import NotFound
from syncgate.domain.meter import FieldSample, Meter, StillTyped, SystemMeter
from syncgate.domain.reconciliation.kinds import Kind, Level
from syncgate.domain.reconciliation.run import RunOutcome, RunState, job_of
from syncgate.domain.replan import is_of_its_own
from syncgate.domain.rows import Case, Change, Delivery, Principal, Run, SystemRow
from syncgate.flows.documents import open_document
from syncgate.flows.gate import Gate
from syncgate.flows.reconciling.expected import Maker
from syncgate.flows.showing.scope import is_unbounded, sees_case, sees_system
from syncgate.ports import CaseFilter, Tx

SAMPLED: Final = 200
"""Cases whose fields are counted."""
_READ_BACK: Final = frozenset({Level.FIELDS.value, Level.IDS.value})
_JUDGED: Final = (RunOutcome.COMPLETE, RunOutcome.INCOMPLETE)
_GETS_CASES: Final = frozenset({"live", "shadow"})


async def read_meter(gate: Gate, principal: Principal, *, minutes_per_entry: float | None) -> Meter:
    """What the meter says of the systems and cases in scope."""
    return await gate.writer.read(lambda tx: measured(gate, tx, principal, minutes_per_entry=minutes_per_entry))


def measured(gate: Gate, tx: Tx, principal: Principal, *, minutes_per_entry: float | None) -> Meter:
    """The same within a step."""
    rows = [row for row in tx.systems() if sees_system(principal, row.system) and row.active_bundle is not None]
    runs = {row.system: _last_run(tx, row) for row in rows}
    counters, discrepancies = tx.counters(), tx.open_discrepancies_count()
    return Meter(
        systems=tuple(_system(run, system, counters, discrepancies) for system, run in runs.items() if run is not None),
        unread=tuple(row.system for row in rows if runs[row.system] is None and row.mode in _GETS_CASES),
        still_typed=tuple(
            StillTyped(system=row.system, item=item, records=count)
            for row in rows
            if row.mode == "manual"
            for item, count in tx.open_by_item(row.system).items()
        ),
        sample=_sample(gate, tx, principal, {row.system for row in rows}),
        minutes_per_entry=minutes_per_entry,
    )


def _last_run(tx: Tx, row: SystemRow) -> Run | None:
    """The last run that judged records; None where there is none."""
    found = tx.page_runs([job_of(row.system)], after=None, limit=1, outcomes=[one.value for one in _JUDGED])
    return next((run for run in found if _is_read_back(run)), None)


def _is_read_back(run: Run) -> bool:
    """Whether it looked at records; what only counts them says nothing of any one."""
    return any(one.level in _READ_BACK for one in RunState.from_json(run.detail).totals)


def _system(
    run: Run,
    system: str,
    counters: Mapping[tuple[str, Phase, str], int],
    discrepancies: Mapping[tuple[str, str], int],
) -> SystemMeter:
    totals = RunState.from_json(run.detail).totals
    delivered = {reason: count for (name, phase, reason), count in counters.items()
                 if name == system and phase is Phase.DELIVERED}  # fmt: skip
    return SystemMeter(
        system=system,
        verified=sum(one.verified for one in totals if one.level in _READ_BACK),
        own=sum(delivered.get(reason.value, 0) for reason in OF_ITS_OWN),
        by_hand=delivered.get(Event.CONFIRMED_BY_HAND.value, 0),
        duplicates=discrepancies.get((system, Kind.DUPLICATE.value), 0),
        verified_at=run.ended_at,
    )


def _sample(gate: Gate, tx: Tx, principal: Principal, systems: set[str]) -> FieldSample:
    found = tx.list_cases(CaseFilter(), after=None, limit=SAMPLED)
    documents = {
        case.case_id: _document(gate, tx, case) for case in found if case.wrapped_key and _sees(tx, principal, case)
    }
    kept = {case_id: document for case_id, document in documents.items() if document is not None}
    makers = {system: Maker(gate, tx, system) for system in sorted(systems)}
    return FieldSample(
        cases=len(kept),
        typed=sum(map(_values, kept.values())),
        delivered=sum(
            _fields(makers[delivery.system], delivery)
            for case_id in kept
            for delivery in _newest(tx.deliveries(case_id))
            if delivery.system in makers
        ),
    )


def _document(gate: Gate, tx: Tx, case: Case) -> Any:
    """The case as its sources posted it; None where its revision is not kept any more."""
    try:
        return open_document(gate, tx, case)
    except NotFound:
        return None


def _sees(tx: Tx, principal: Principal, case: Case) -> bool:
    return is_unbounded(principal) or sees_case(principal, case, tx.lanes(case.case_id))


def _newest(deliveries: Iterable[Delivery]) -> Iterable[Delivery]:
    """Of each slot the newest delivered one that was sent from here and carries a payload."""
    found: dict[tuple[str, str, str], Delivery] = {}
    for delivery in deliveries:
        if delivery.phase is Phase.DELIVERED:
            found[delivery.system, delivery.message, delivery.part] = delivery
    return [one for one in found.values() if one.change is not Change.RETRACT and not is_of_its_own(one)]


def _fields(maker: Maker, delivery: Delivery) -> int:
    made = maker.made(delivery)
    payload = made.payload if made is not None else None
    return sum(1 for value in payload.values() if _values(value)) if isinstance(payload, Mapping) else 0


def _values(value: Any) -> int:
    """How many values there are at any depth; nothing, and an empty text, is none."""
    if isinstance(value, Mapping):
        return sum(_values(below) for below in value.values())
    if isinstance(value, list | tuple):
        return sum(_values(below) for below in value)
    return 0 if value is None or value == "" else 1
