"""What people ask of reconciliation: a run, how it stands, that it ends; and what runs found."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from syncgate.domain.errors import Conflict, FieldError, Forbidden, NotFound, RequestError
from syncgate.domain.reconciliation.run import JOB_PREFIX, RunOutcome, RunStage, RunState, RunWish, id_of, parse_id
from syncgate.domain.reconciliation.run import job_of as job
from syncgate.domain.rows import AuditEntry, Discrepancy, Principal, Run
from syncgate.flows.gate import Gate
from syncgate.flows.operating.following import write_following
from syncgate.flows.operating.people import Action, may
from syncgate.flows.reconciling import turns
from syncgate.flows.reconciling.exports import find_export
from syncgate.flows.reconciling.recording import observation
from syncgate.flows.showing.files import ReasonMissing
from syncgate.flows.showing.scope import is_of_seen_source, narrowed, sees_case, sees_system
from syncgate.ports import Tx
from syncgate.ports.store import DiscrepancyFilter
from syncgate.site.bundle import Bundle

_SCANS_AT_MOST: Final = 20
"""Pages of the store that one page of a scoped principal may look through; its cursor goes on from there."""
_SALT: Final = 4
_SUMMED: Final = ("expected", "delivered", "read", "outside", "verified", "returned", "unjudged")


class NotReadBack(Conflict):
    """The system's adapter does not say how it is read back."""

    code = "not_read_back"


class InvalidRun(RequestError):
    """A run was asked for that its system cannot have."""

    code = "invalid_request"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """One run.

    Attributes:
        reconciliation_id: names it: the system, a point, the slot.
        is_of_source: whether it compares with what a source says.
        mode, trigger, by, reason, messages, since, until, cap, export: what was asked.
        stage: how far it is; listing: which listing it is at; records: how many it has read.
        is_under_way: whether a process works on it now; else it waits for one, or has ended.
        outcome: how it ended; None: it has not.
        totals: the sums over all listings; listings: each of them.
        differences: what it found, by kind. mended: what was done, by action. left: left to a person.
        ranges: where counts differ. offers: rules that would make what is normalised there the same.
    """

    reconciliation_id: str
    system: str
    slot: str
    is_of_source: bool
    mode: str
    trigger: str
    by: str
    reason: str
    messages: tuple[str, ...] | None
    since: str | None
    until: str | None
    cap: int | None
    export: str | None
    stage: RunStage
    listing: str
    records: int
    is_under_way: bool
    outcome: RunOutcome | None
    cancelled_by: str | None
    begun_at: str
    ended_at: str | None
    bundle: str
    totals: Mapping[str, int]
    listings: tuple[Mapping[str, Any], ...]
    differences: Mapping[str, int]
    mended: Mapping[str, int]
    left: int
    ranges: tuple[Mapping[str, Any], ...]
    offers: tuple[Mapping[str, Any], ...]

    @classmethod
    def of(cls, run: Run, *, now: datetime) -> RunView:
        """The run as it is shown."""
        state = RunState.from_json(run.detail)
        wish = {name: value for name, value in asdict(state.wish).items() if name != "messages"}
        same = ("stage", "listing", "records", "outcome", "cancelled_by", "begun_at", "ended_at", "bundle")
        found = ("mended", "left", "ranges", "offers")
        return cls(
            **wish,
            **{name: getattr(state, name) for name in (*same, *found)},
            messages=state.wish.messages,
            reconciliation_id=id_of(run.job, run.slot),
            system=run.job.removeprefix(JOB_PREFIX),
            slot=run.slot,
            is_of_source=turns.is_of_source(run),
            is_under_way=run.ended_at is None and run.lease_until is not None and now < run.lease_until,
            totals={name: sum(getattr(one, name) for one in state.totals) for name in _SUMMED},
            listings=tuple(asdict(one) for one in state.totals),
            differences=_added(one.kinds for one in state.totals),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """Runs, newest first. next: the cursor of the following page; None after the last."""

    reconciliations: tuple[RunView, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscrepancyView:
    """One discrepancy, without the values that differ.

    Attributes:
        reconciliation_id: of the run that found it first.
        case_id, case_no, origin, part: of the slot; None and empty where the record is nobody's here.
        action: what is to be done about it; delivery_id: the repair that was queued.
        closed_as: how it ended; None: it is open.
        detail: the listing and its level, the fields that differ with their owners, numbers and references.
    """

    discrepancy_id: UUID
    reconciliation_id: str
    system: str
    message: str
    kind: str
    case_id: UUID | None
    case_no: str | None
    origin: str | None
    part: str
    action: str
    delivery_id: UUID | None
    found_at: datetime
    seen_at: datetime
    is_open: bool
    closed_at: datetime | None
    closed_by: str | None
    closed_as: str | None
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """The values of the fields that differ: as they should be, and as the system holds them."""

    expected: Mapping[str, Any] = field(repr=False)
    actual: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevealedView(DiscrepancyView):
    """One discrepancy with its values; None where none were seen, or the case is erased."""

    values: Values | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscrepancyPage:
    """Discrepancies, newest first. next: the cursor of the following page; None after the last."""

    discrepancies: tuple[DiscrepancyView, ...]
    next: str | None


async def ask_run(gate: Gate, principal: Principal, system: str, wish: RunWish) -> RunView:
    """A new run of a system, which a process with the role of a scheduler takes up.

    Raises:
        NotFound: no such system in scope, or no such export of it.
        Forbidden: the principal's scope is narrower than the system.
        NotReadBack: its adapter does not say how it is read back. Conflict: it is a draft or retired.
        InvalidRun: a message, time or mode that it cannot have.
        RunUnderWay: another run of it is under way.
    """
    if system not in gate.active or not sees_system(principal, system):
        raise NotFound("expected a system of this site, got none of that name")
    require_whole(principal)
    wished = replace(wish, by=principal.name, trigger="person")
    if wish.export is not None and find_export(gate, wish.export).system != system:
        raise NotFound("expected an export that is known here, got none of that id")

    def step(tx: Tx) -> RunView:
        _refuse_impossible(gate.active_bundle(system), wished)
        run = turns.begin(tx, system, wished, salt=gate.entropy.token(_SALT).hex())
        tx.append_audit(_entry(tx, principal, "reconciliation_begun", run, wished))
        return RunView.of(run, now=tx.now)

    return await write_following(gate, step)


async def ask_source_run(gate: Gate, principal: Principal, source: str, wish: RunWish, export_id: str) -> RunView:
    """A new run of a source, by the manifest that was uploaded of it.

    Raises:
        NotFound: no such source in scope, or no such manifest of it. Forbidden: the principal's scope is narrower.
        InvalidRun: a window that ends before it begins. RunUnderWay: another run of it is under way.
    """
    require_source(gate, principal, source)
    refuse_reversed(wish)
    wished = replace(wish, by=principal.name, trigger="person", export=export_id)
    if find_export(gate, export_id).system != source:
        raise NotFound("expected an export that is known here, got none of that id")

    def step(tx: Tx) -> RunView:
        run = turns.begin(tx, source, wished, salt=gate.entropy.token(_SALT).hex(), is_of_source=True)
        tx.append_audit(_entry(tx, principal, "reconciliation_begun", run, wished))
        return RunView.of(run, now=tx.now)

    return await gate.writer.write(step)


async def refuse_under_way(gate: Gate, source: str) -> None:
    """Raises RunUnderWay, before a manifest is taken in for nothing."""
    other = await gate.writer.read(lambda tx: turns.open_run(tx, source))
    if other is not None:
        raise turns.under_way(source, other)


def require_source(gate: Gate, principal: Principal, source: str) -> None:
    """Raises NotFound where it is no source in scope, Forbidden where the scope is narrower than a source."""
    is_in_scope = not principal.sources or source in principal.sources
    if source not in gate.sources or not is_in_scope or not sees_system(principal, source):
        raise NotFound("expected a source of this site, got none of that name")
    if principal.regions:
        raise Forbidden("expected a key for whole sources, got one for some regions")


async def read_run(gate: Gate, principal: Principal, run_id: str) -> RunView:
    """One run as it is now. Raises NotFound."""
    return await gate.writer.read(lambda tx: RunView.of(find_run(tx, principal, run_id), now=tx.now))


async def list_runs(
    gate: Gate,
    principal: Principal,
    *,
    systems: Sequence[str] | None = None,
    outcomes: Collection[RunOutcome] | None = None,
    is_open: bool = False,
    after: str | None = None,
    limit: int = 50,
) -> RunPage:
    """Runs in scope, newest first. after: the id of the last one of the page before."""
    place = None if after is None else _place(after)

    def step(tx: Tx) -> RunPage:
        wanted = narrowed(systems, principal.systems)
        names = [row.system for row in tx.systems() if wanted is None or row.system in wanted]
        values = None if outcomes is None else [outcome.value for outcome in outcomes]
        found = tx.page_runs(
            [job(name) for name in names], after=place, limit=limit + 1, outcomes=values, is_open=is_open
        )
        page = found[:limit]
        following = id_of(page[-1].job, page[-1].slot) if len(found) > limit else None
        return RunPage(reconciliations=tuple(RunView.of(run, now=tx.now) for run in page), next=following)

    return await gate.writer.read(step)


async def cancel_run(gate: Gate, principal: Principal, run_id: str) -> RunView:
    """The run, which ends as soon as whoever works on it has seen that it shall; one that has ended is as it was.

    Raises:
        NotFound: none of that id in scope. Forbidden: the principal's scope is narrower than the system.
    """

    def step(tx: Tx) -> RunView:
        before = find_run(tx, principal, run_id)
        system = before.job.removeprefix(JOB_PREFIX)
        if turns.is_of_source(before):
            require_source(gate, principal, system)
        else:
            require_whole(principal)
        after = turns.cancel(tx, system, before.slot, by=principal.name)
        assert after is not None
        if after != before:
            tx.append_audit(_entry(tx, principal, "reconciliation_cancelled", after, None))
        return RunView.of(after, now=tx.now)

    return await gate.writer.write(step)


async def list_discrepancies(
    gate: Gate, principal: Principal, where: DiscrepancyFilter, *, after: UUID | None = None, limit: int = 50
) -> DiscrepancyPage:
    """Discrepancies in scope. after: the last one of the page before."""
    narrow = replace(where, systems=narrowed(where.systems, principal.systems))
    return await gate.writer.read(partial(_listed, principal, narrow, after, limit))


async def run_of(gate: Gate, principal: Principal, run_id: str) -> Run:
    """The row of a run. Raises NotFound."""
    return await gate.writer.read(lambda tx: find_run(tx, principal, run_id))


async def read_discrepancy(gate: Gate, principal: Principal, discrepancy_id: UUID) -> DiscrepancyView:
    """One discrepancy. Raises NotFound."""

    def step(tx: Tx) -> DiscrepancyView:
        return _views(tx, [find_discrepancy(tx, principal, discrepancy_id)])[0]

    return await gate.writer.read(step)


async def reveal_discrepancy(gate: Gate, principal: Principal, discrepancy_id: UUID, *, reason: str) -> RevealedView:
    """One discrepancy with its values, noted in the audit before they are given.

    Raises:
        NotFound: none of that id in scope. Forbidden: the role may not see content. ReasonMissing: no reason is given.
    """
    if not may(principal, Action.READ_CONTENT) or principal.role == "source":
        raise Forbidden("expected a key that may read content, got one that may not")
    if not reason:
        raise ReasonMissing("expected X-Reason to say why values are shown, got none")

    def step(tx: Tx) -> RevealedView:
        found = find_discrepancy(tx, principal, discrepancy_id)
        seen = observation(gate, tx, found)
        thing = f"discrepancy:{discrepancy_id}"
        tx.append_audit(
            AuditEntry(at=tx.now, actor=principal.name, action="discrepancy_revealed", object=thing, reason=reason)
        )
        (view,) = _views(tx, [found])
        same = {name: getattr(view, name) for name in DiscrepancyView.__slots__}
        return RevealedView(**same, values=None if seen is None else Values(expected=seen.expected, actual=seen.actual))

    return await gate.writer.write(step)


def find_run(tx: Tx, principal: Principal, run_id: str) -> Run:
    """The run that an id names. Raises NotFound where there is none in scope."""
    named = parse_id(run_id)
    run = tx.run(job(named[0]), named[1]) if named is not None and sees_system(principal, named[0]) else None
    if run is None:
        raise NotFound("expected a reconciliation that is known here, got none of that id")
    return run


def find_discrepancy(tx: Tx, principal: Principal, discrepancy_id: UUID) -> Discrepancy:
    """The discrepancy of that id. Raises NotFound where there is none in scope."""
    found = tx.discrepancy(discrepancy_id)
    if found is None or not sees_discrepancy(tx, principal, found):
        raise NotFound("expected a discrepancy that is known here, got none of that id")
    return found


def sees_discrepancy(tx: Tx, principal: Principal, found: Discrepancy) -> bool:
    """Whether a discrepancy is in scope; what is of no case here is for those who see every case."""
    if not sees_system(principal, found.system):
        return False
    if is_of_seen_source(principal, found) or not (principal.sources or principal.regions):
        return True
    case = tx.case(found.case_id) if found.case_id is not None else None
    return case is not None and sees_case(principal, case, tx.lanes(case.case_id))


def require_whole(principal: Principal) -> None:
    """Raises Forbidden where a principal's scope is narrower than a system, of which a run is always about all."""
    if principal.sources or principal.regions:
        raise Forbidden("expected a key for whole systems, got one for some sources or regions")


def _place(run_id: str) -> tuple[str, str]:
    named = parse_id(run_id)
    if named is None:
        errors = [FieldError("/query/cursor", "format", "`next` of the page before")]
        raise InvalidRun("expected a cursor that a page gave, got another text", errors=errors)
    return job(named[0]), named[1]


def _refuse_impossible(bundle: Bundle, wish: RunWish) -> None:
    readback = bundle.readback
    if readback is None:
        raise NotReadBack("expected a system whose adapter has `reconciliation`, got {system}", system=bundle.system)
    if bundle.mode in ("draft", "retired"):
        raise Conflict("expected a system that takes cases, got one that is {mode}", mode=bundle.mode)
    known = [message for listing in readback.listings for message in listing.messages]
    errors = [
        FieldError(f"/messages/{number}", "enum", ", ".join(known))
        for number, message in enumerate(wish.messages or ())
        if message not in known
    ]
    if wish.mode == "adopt" and not any(listing.adoption for listing in readback.listings):
        errors.append(FieldError("/mode", "enum", "list, mend"))
    if _is_reversed(wish):
        errors.append(FieldError("/until", "after_since", str(wish.since)))
    if errors:
        raise InvalidRun("expected a run that this system can have, got another", errors=errors)


def refuse_reversed(wish: RunWish) -> None:
    """Raises InvalidRun where a window ends before it begins."""
    if _is_reversed(wish):
        errors = [FieldError("/query/until", "after_since", str(wish.since))]
        raise InvalidRun("expected a window that begins before it ends, got another", errors=errors)


def _is_reversed(wish: RunWish) -> bool:
    is_bounded = wish.since is not None and wish.until is not None
    return is_bounded and datetime.fromisoformat(wish.since or "") >= datetime.fromisoformat(wish.until or "")


def _added(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for one in counts:
        for name, count in one.items():
            sums[name] = sums.get(name, 0) + count
    return sums


def _listed(principal: Principal, where: DiscrepancyFilter, after: UUID | None, limit: int, tx: Tx) -> DiscrepancyPage:
    seen: list[Discrepancy] = []
    for _ in range(_SCANS_AT_MOST):
        found = tx.list_discrepancies(where, after=after, limit=limit)
        for one in found:
            after = one.discrepancy_id
            if sees_discrepancy(tx, principal, one):
                seen.append(one)
            if len(seen) == limit:
                return DiscrepancyPage(discrepancies=_views(tx, seen), next=str(after))
        if len(found) < limit:
            return DiscrepancyPage(discrepancies=_views(tx, seen), next=None)
    return DiscrepancyPage(discrepancies=_views(tx, seen), next=str(after))


def _views(tx: Tx, found: Sequence[Discrepancy]) -> tuple[DiscrepancyView, ...]:
    cases = tx.cases({one.case_id for one in found if one.case_id is not None})
    same = (
        "discrepancy_id", "system", "message", "kind", "case_id", "part", "action", "delivery_id", "found_at",
        "seen_at", "closed_at", "closed_by", "closed_as", "detail",
    )  # fmt: skip

    def view(one: Discrepancy) -> DiscrepancyView:
        case = cases.get(one.case_id) if one.case_id is not None else None
        return DiscrepancyView(
            **{name: getattr(one, name) for name in same},
            reconciliation_id=id_of(job(one.system), one.run_slot),
            case_no=case.case_no if case is not None else None,
            origin=case.origin if case is not None else None,
            is_open=one.closed_at is None,
        )

    return tuple(view(one) for one in found)


def _entry(tx: Tx, principal: Principal, action: str, run: Run, wish: RunWish | None) -> AuditEntry:
    told: dict[str, Any] = {"mode": wish.mode, "cap": wish.cap, "export": wish.export} if wish is not None else {}
    return AuditEntry(
        at=tx.now,
        actor=principal.name,
        action=action,
        object=f"reconciliation:{id_of(run.job, run.slot)}",
        reason=wish.reason if wish is not None else "",
        detail={name: value for name, value in told.items() if value is not None},
    )
