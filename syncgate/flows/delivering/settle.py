"""Settle: what became of a piece of work is written, by lease token, with its evidence, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from syncgate.domain.delivery import Event, Phase, advance
from syncgate.domain.head import WAITS_FOR_REMOTE_REF, Task
from syncgate.domain.row import replace
from syncgate.domain.rows import AttemptKind, Change, Delivery, Observed, SystemRow
from syncgate.flows.accepting.holding import must_not_be_probed
from syncgate.flows.delivering.breaking import breaker_moved, excused, row_of
from syncgate.flows.delivering.claim import next_work
from syncgate.flows.delivering.content import MATERIAL_MISSING
from syncgate.flows.delivering.evidence import entry_of, kind_of
from syncgate.flows.delivering.held import held_beside, references
from syncgate.flows.delivering.own_number import (
    forget_number,
    is_numbered_there,
    keep_number,
    wake,
    with_own_number,
)
from syncgate.flows.delivering.settled_row import changes_of, given_up, reason_of
from syncgate.flows.delivering.work import Verdict, Work
from syncgate.flows.documents import open_document
from syncgate.flows.gate import Gate
from syncgate.flows.lane import LaneWork, open_lane
from syncgate.ports import Tx
from syncgate.site.bundle import Bundle

LATE_SAYS: Final = {Event.TAKEN: Event.FOUND, Event.REFUSED: Event.REFUSED}
"""What a send's own answer, come after its lease, says of what is asked about; any other decides nothing."""
GONE: Final = {"note": "a look-up for a change of it showed nothing there"}


@dataclass(frozen=True, slots=True)
class Settled:
    """What settling brought: the lane's next head, kept under the lease, and the systems that were woken."""

    next_work: Work | None = None
    woken: frozenset[str] = frozenset()
    is_late: bool = False


def settle(gate: Gate, tx: Tx, work: Work, verdict: Verdict, *, owner: str, keep: bool = True) -> Settled:
    """Writes what became of a piece of work.

    A token that is no longer the lane's inserts a late entry, and settles nothing but the doubt about its own send
    (promise 8).

    Args:
        gate: the running gate.
        tx: the step's transaction.
        work: as claimed.
        verdict: what serving it came to.
        owner: this process, for the next lease.
        keep: whether the lane's next head may be taken under the same lease.
    """
    bundle = gate.bundles.get(work.delivery.bundle) or gate.active_bundle(work.lane.system)
    row = row_of(gate, tx, work, verdict)
    verdict = _not_overtaken(tx, work, _by_the_store(work, verdict))
    lane = tx.lane(work.case.case_id, work.lane.system, lock=True)
    opened = None if lane is None else open_lane(tx, lane, gate.active_bundle(lane.system).messages)
    delivery = None if opened is None else opened.delivery(work.delivery.delivery_id)
    if opened is None or delivery is None or opened.lane.lease_token != work.token or not _is_ours(work, delivery):
        return _late(gate, tx, work, verdict, opened, delivery, bundle=bundle, row=row)
    verdict = excused(gate, tx, row, verdict)
    row = breaker_moved(gate, tx, row, work, verdict, bundle)
    woken = _written(gate, opened, work, delivery, verdict, bundle=bundle, row=row)
    kept = next_work(gate, opened, row, owner=owner) if keep and verdict.event is not Event.HANDED_BACK else None
    if kept is None:
        _release(opened, work)
    return Settled(kept, woken)


def _written(
    gate: Gate,
    opened: LaneWork,
    work: Work,
    delivery: Delivery,
    verdict: Verdict,
    *,
    bundle: Bundle,
    row: SystemRow,
    is_late: bool = False,
) -> frozenset[str]:
    """Moves the delivery, with its evidence and what the lanes learn by it. Gives the systems that were woken."""
    verdict = given_up(delivery, with_own_number(opened, delivery, verdict, bundle), bundle, row)
    kind = AttemptKind.LATE if is_late else kind_of(work, verdict)
    counted, attempt = entry_of(gate, opened.tx, work, delivery, verdict, kind)
    opened.tx.insert_attempts([attempt])
    changes = changes_of(gate, opened.tx, counted, verdict, bundle=bundle, row=row)
    if advance(delivery.phase, verdict.event) is Phase.UNCONFIRMED and must_not_be_probed(gate, opened, delivery):
        changes |= {"due_at": None, "actor": "operator"}
    if verdict.is_empty_there and delivery.change is Change.UPDATE:
        _note_gone(gate, opened, work, delivery)
    after = opened.move(delivery, verdict.event, reason=reason_of(verdict), **changes)
    woken = wake(opened.tx, after)
    if opened.lane.system in woken:
        opened.lane = replace(opened.lane, waits_for=None)
    opened.lane = replace(opened.lane, waits_for=_waits_for(opened, verdict), send_started_at=None)
    keep_number(gate, opened, after, is_believed=after.remote_ref == verdict.remote_ref)
    return woken


def _late(
    gate: Gate,
    tx: Tx,
    work: Work,
    verdict: Verdict,
    opened: LaneWork | None,
    delivery: Delivery | None,
    *,
    bundle: Bundle,
    row: SystemRow,
) -> Settled:
    """Keeps an answer that came after its lease; where it is what is asked about, it is the answer."""
    event = LATE_SAYS.get(verdict.event)
    if opened is not None and delivery is not None and event is not None and _is_what_is_asked(opened, work, delivery):
        said = replace(verdict, event=event)
        woken = _written(gate, opened, work, delivery, said, bundle=bundle, row=row, is_late=True)
        opened.save(expected_token=None)
        return Settled(woken=woken | {opened.lane.system}, is_late=True)
    _note_late(gate, tx, work, verdict, delivery)
    if opened is not None:
        _release(opened, work)
    return Settled(is_late=True)


def _is_what_is_asked(opened: LaneWork, work: Work, delivery: Delivery) -> bool:
    """Whether the answer is of the very send that is in doubt, and nothing was asked or sent for it since.

    A question that is under way may be a probe: what is newer must not be sent before it is over.
    """
    is_in_doubt = work.task is Task.SEND and delivery.phase is Phase.UNCONFIRMED
    if not is_in_doubt or opened.lane.lease_token is not None:
        return False
    told = [one for one in opened.tx.attempts(delivery.delivery_id) if one.kind is not AttemptKind.LATE]
    return bool(told) and (told[-1].outcome, told[-1].lease_token) == (Event.EXPIRED_SENT.value, work.token)


def _by_the_store(work: Work, verdict: Verdict) -> Verdict:
    """The verdict with its time as the store's clock tells it."""
    return verdict if verdict.started_at is None else verdict.begun(work.at_store(verdict.started_at))


def _not_overtaken(tx: Tx, work: Work, verdict: Verdict) -> Verdict:
    """A wait for another system's number, unless the number has come since the claim; its settle cannot be missed.

    So with a wait for a material's bytes, which let go only what is parked as they come.
    """
    if verdict.reason == MATERIAL_MISSING:
        tx.lane(work.case.case_id, work.lane.system, lock=True)
        has_come = tx.material(work.case.case_id, work.delivery.part) is not None
        return Verdict(event=Event.HANDED_BACK, rule="bytes_have_come") if has_come else verdict
    if verdict.waits_for is None:
        return verdict
    tx.lanes(work.case.case_id, lock=True)
    case_id = work.case.case_id
    has_come = references(tx, case_id) != work.refs
    return replace(verdict, waits_for=None, rule="number_has_come") if has_come else verdict


def _is_ours(work: Work, delivery: Delivery) -> bool:
    """Whether the delivery is still where the claim left it; a person may have decided an unconfirmed one."""
    if work.task is Task.SEND:
        return delivery.phase is Phase.IN_FLIGHT and delivery.lease_token == work.token
    return delivery.phase is Phase.UNCONFIRMED


def _release(opened: LaneWork, work: Work) -> None:
    """Ends the lease under which a piece of work was claimed, where it is still the lane's."""
    if opened.lane.lease_token == work.token:
        opened.released()
        opened.save(expected_token=work.token)


def _note_gone(gate: Gate, opened: LaneWork, work: Work, delivery: Delivery) -> None:
    """Notes that what a change was of is there no more, as reconciliation would: what is sent next is made anew.

    A record of the system's own is not made in its place; that it is gone is for reconciliation to tell.
    """
    held = held_beside(opened, delivery)
    gone = None if held is None else opened.delivery(held.delivery_id)
    bundle = gate.active_bundle(opened.lane.system)
    if gone is None or is_numbered_there(bundle, gone, open_document(gate, opened.tx, work.case)):
        return
    forget_number(opened, bundle, gone)
    count = opened.note(gone, f"observed_{Observed.ABSENT}", detail=GONE)
    opened.write(gone, replace(gone, entries_count=count, observed=Observed.ABSENT, observed_at=opened.tx.now))


def _note_late(gate: Gate, tx: Tx, work: Work, verdict: Verdict, delivery: Delivery | None) -> None:
    if delivery is None:
        return
    counted, attempt = entry_of(gate, tx, work, delivery, verdict, AttemptKind.LATE)
    if tx.save_delivery(counted, before=delivery):
        tx.insert_attempts([replace(attempt, revision=work.delivery.revision, bundle=work.delivery.bundle)])


def _waits_for(opened: LaneWork, verdict: Verdict) -> str | None:
    if verdict.waits_for is not None:
        return verdict.waits_for
    is_waiting = any(d.reason == WAITS_FOR_REMOTE_REF for d in opened.deliveries)
    return opened.lane.waits_for if is_waiting else None
