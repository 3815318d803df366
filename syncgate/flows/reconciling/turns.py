"""Whose turn a run is: begun once, worked on by one process at a time, taken over from the dead, one at a system.

Every step here locks the system's row first, then the run's. What a run does in a transaction of its own is guarded by
`require_turn`.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from syncgate.domain.errors import Conflict, StoreUnavailable
from syncgate.domain.reconciliation.due import Rhythm
from syncgate.domain.reconciliation.run import RunOutcome, RunStage, RunState, RunWish, id_of, job_of, slot_of
from syncgate.domain.rows import Run
from syncgate.ports import Tx

LEASE: Final = timedelta(seconds=60)
CLAIMS_AT_MOST: Final = 5
"""So often a run is begun or gone on with; one that kept ending its process is failed then."""
MISSED_AT_MOST: Final = 100
"""So many missed times are noted one by one, the newest."""
DUE_JOB: Final = "reconcile_due"
"""Under it and a system's name: the last of its times that was begun or missed, and under which rhythm."""
_CLAIMS: Final = "claims"
_SOURCE: Final = "of_source"


class RunUnderWay(Conflict):
    """Another run of the same system is under way."""

    code = "run_under_way"


class TurnLost(StoreUnavailable):
    """The run is worked on by another process, or has ended; nothing of this step was stored."""

    code = "turn_lost"


class Save(Protocol):
    """How a run keeps how far it came."""

    def __call__(self, state: RunState, *, cursor: str | None = None) -> Awaitable[bool]:
        """Keeps state and cursor (None: the one before), and the turn with them.

        Returns:
            Whether to go on. If not, somebody ended the run or took it over, and nothing more of it may be written.
        """
        ...


@dataclass(frozen=True, slots=True)
class Begun:
    """What came of a time at which a system was due.

    run: what was begun; None where nothing was. missed: slots that no run was begun for. is_settled: whether there is
    nothing left to do about that time.
    """

    run: Run | None
    missed: tuple[str, ...] = ()
    is_settled: bool = True


def begin(tx: Tx, system: str, wish: RunWish, *, salt: str, is_of_source: bool = False) -> Run:
    """A person's run, which waits for a process. Raises RunUnderWay."""
    tx.system(system, lock=True)
    if (other := open_run(tx, system)) is not None:
        raise under_way(system, other)
    return _inserted(tx, system, wish, slot_of(tx.now, salt), is_of_source=is_of_source)


def under_way(system: str, other: Run) -> RunUnderWay:
    """What a run is refused with while another one has not ended."""
    return RunUnderWay(
        "expected no other run of {system}, got {run} under way", system=system, run=id_of(other.job, other.slot)
    )


def begin_due(tx: Tx, system: str, wish: RunWish, rhythm: Rhythm) -> Begun:
    """The run of the last time that came, where no process has begun it yet.

    Several times that came while nobody could begin them make one run, the last one's; the others are noted as missed.
    A system that has this rhythm for the first time begins with its next time.
    """
    tx.system(system, lock=True)
    due, known = rhythm.latest(tx.now), tx.run(DUE_JOB, system, lock=True)
    if known is None or known.detail.get("rhythm") != rhythm.words:
        _note_due(tx, system, due, rhythm, known)
        return Begun(None)
    last = datetime.fromisoformat(known.cursor or due.isoformat())
    if due <= last:
        return Begun(None)
    if open_run(tx, system) is not None:
        return Begun(None, is_settled=False)
    _note_due(tx, system, due, rhythm, known)
    slots = [slot_of(time) for time in rhythm.between(last, due)]
    missed = tuple(slot for slot in slots[-1 - MISSED_AT_MOST : -1] if tx.run(job_of(system), slot) is None)
    for slot in missed:
        _note_missed(tx, system, wish, slot)
    if tx.run(job_of(system), slots[-1]) is not None:
        return Begun(None, missed)
    return Begun(_inserted(tx, system, wish, slots[-1]), missed)


def claim(tx: Tx, system: str, *, by: str, until: datetime | None = None) -> Run | None:
    """The system's open run, if no living process works on it; from now on this one does.

    One that was cancelled meanwhile, or was claimed too often, is given at its end instead.

    Args:
        tx: the transaction.
        system: whose.
        by: names this claim, and no other one.
        until: the end of the lease; None: as long as leases are.
    """
    tx.system(system, lock=True)
    found = open_run(tx, system)
    run = tx.run(found.job, found.slot, lock=True) if found is not None else None
    if run is None or run.ended_at is not None or (run.lease_until is not None and tx.now < run.lease_until):
        return None
    state, claims = RunState.from_json(run.detail), int(run.detail.get(_CLAIMS, 0))
    if state.cancelled_by is not None or claims >= CLAIMS_AT_MOST:
        return _end(tx, run, state, RunOutcome.CANCELLED if state.cancelled_by is not None else RunOutcome.FAILED)
    claimed = replace(
        run,
        claimed_by=by,
        claimed_at=tx.now,
        lease_until=until or tx.now + LEASE,
        detail=run.detail | {_CLAIMS: claims + 1},
    )
    tx.save_run(claimed)
    return claimed


def keep(tx: Tx, run: Run, state: RunState, *, cursor: str | None) -> bool:
    """Keeps how far a run came, and its lease; False where it is no longer the caller's, or was cancelled."""
    now = _held(tx, run)
    if now is None:
        return False
    cancelled_by = now.detail.get("cancelled_by")
    detail = _detail(now, replace(state, cancelled_by=cancelled_by))
    tx.save_run(
        replace(now, lease_until=tx.now + LEASE, cursor=now.cursor if cursor is None else cursor, detail=detail)
    )
    return cancelled_by is None


def renew(tx: Tx, run: Run) -> bool:
    """Keeps a run's lease alone; False where it is no longer the caller's, or was cancelled."""
    now = _held(tx, run)
    if now is None:
        return False
    tx.save_run(replace(now, lease_until=tx.now + LEASE))
    return now.detail.get("cancelled_by") is None


def release(tx: Tx, run: Run) -> None:
    """Lets any process go on with a run at once, for one that ends."""
    now = _held(tx, run)
    if now is not None:
        tx.save_run(replace(now, lease_until=tx.now, detail=_with_claims(now, -1)))


def release_dead(tx: Tx, systems: list[str]) -> None:
    """The same with every open run; only where no other process can be alive."""
    for run in tx.page_runs([job_of(system) for system in systems], after=None, limit=len(systems) + 1, is_open=True):
        tx.save_run(replace(run, lease_until=tx.now))


def end(tx: Tx, run: Run, state: RunState, outcome: RunOutcome) -> Run | None:
    """The run at its end; None where it is no longer the caller's. One that was cancelled is, unless it is complete."""
    system = run.job.partition(":")[2]
    tx.system(system, lock=True)
    now = _held(tx, run)
    if now is None:
        return None
    cancelled_by = now.detail.get("cancelled_by")
    is_cut = cancelled_by is not None and outcome is not RunOutcome.COMPLETE
    return _end(tx, now, replace(state, cancelled_by=cancelled_by), RunOutcome.CANCELLED if is_cut else outcome)


def cancel(tx: Tx, system: str, slot: str, *, by: str) -> Run | None:
    """The run with the wish to end it noted; at once where nobody works on it. None where there is none.

    Whoever works on it sees it within a second. One that has ended stays as it is.
    """
    tx.system(system, lock=True)
    run = tx.run(job_of(system), slot, lock=True)
    if run is None or run.ended_at is not None or run.detail.get("cancelled_by") is not None:
        return run
    state = replace(RunState.from_json(run.detail), cancelled_by=by)
    if run.lease_until is None or run.lease_until <= tx.now:
        return _end(tx, run, state, RunOutcome.CANCELLED)
    noted = replace(run, detail=_detail(run, state))
    tx.save_run(noted)
    return noted


def require_turn(tx: Tx, run: Run) -> Run:
    """The run as it is now, locked. Raises TurnLost where it has ended, or another process works on it."""
    now = _held(tx, run)
    if now is None:
        raise TurnLost("expected to work on this run still, got one that another process has or that has ended")
    return now


def open_run(tx: Tx, system: str) -> Run | None:
    """The run of a system, or of a source, that has not ended."""
    return next(iter(tx.list_runs(job_of(system), limit=1, is_open=True)), None)


def is_of_source(run: Run) -> bool:
    """Whether it compares with what a source says, rather than with what a system holds."""
    return bool(run.detail.get(_SOURCE))


def _inserted(tx: Tx, system: str, wish: RunWish, slot: str, *, is_of_source: bool = False) -> Run:
    row = tx.system(system)
    bundle = (row.active_bundle or "") if row is not None and not is_of_source else ""
    state = RunState(wish=wish, bundle=bundle, begun_at=tx.now.isoformat())
    run = Run(
        job=job_of(system),
        slot=slot,
        claimed_by="",
        claimed_at=tx.now,
        lease_until=tx.now,
        detail=state.to_json() | {_CLAIMS: 0, _SOURCE: is_of_source},
    )
    tx.insert_run(run)
    return run


def _note_due(tx: Tx, system: str, due: datetime, rhythm: Rhythm, known: Run | None) -> None:
    noted = Run(
        job=DUE_JOB,
        slot=system,
        claimed_by="",
        claimed_at=tx.now,
        cursor=due.isoformat(),
        detail={"rhythm": rhythm.words},
    )
    (tx.insert_run if known is None else tx.save_run)(noted)


def _note_missed(tx: Tx, system: str, wish: RunWish, slot: str) -> None:
    at = tx.now.isoformat()
    state = RunState(wish=wish, stage=RunStage.ENDED, outcome=RunOutcome.MISSED, begun_at=at, ended_at=at)
    tx.insert_run(
        Run(
            job=job_of(system),
            slot=slot,
            claimed_by="",
            claimed_at=tx.now,
            ended_at=tx.now,
            outcome=RunOutcome.MISSED.value,
            detail=state.to_json(),
        )
    )


def _held(tx: Tx, run: Run) -> Run | None:
    """The run, locked, if it is open and still of this claim."""
    now = tx.run(run.job, run.slot, lock=True)
    is_ours = now is not None and now.ended_at is None and now.claimed_by == run.claimed_by
    return now if is_ours else None


def _end(tx: Tx, run: Run, state: RunState, outcome: RunOutcome) -> Run:
    over = replace(state, stage=RunStage.ENDED, outcome=outcome, ended_at=tx.now.isoformat())
    ended = replace(
        run,
        ended_at=tx.now,
        lease_until=None,
        cursor=None,
        outcome=outcome.value,
        detail=_detail(run, over),
    )
    tx.save_run(ended)
    return ended


def _detail(run: Run, state: RunState) -> dict[str, Any]:
    """The state as a row keeps it, with what is kept beside it."""
    return state.to_json() | {name: run.detail[name] for name in (_CLAIMS, _SOURCE) if name in run.detail}


def _with_claims(run: Run, more: int) -> dict[str, Any]:
    return run.detail | {_CLAIMS: int(run.detail.get(_CLAIMS, 0)) + more}
