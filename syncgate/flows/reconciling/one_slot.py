"""Mending one slot: what a discrepancy says was seen is noted on the delivery, and the lane is planned anew.

All of it is one transaction, and what it was about is looked at again in it: where the slot has moved on since it was
judged, nothing is done. The queue does the rest, as with any other delivery (promise 12).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from syncgate.domain.delivery import WAITING, Event, Phase
from syncgate.domain.plan import Json, Message, OnChange, OnUnplanned
from syncgate.domain.reconciliation.kinds import Action, Kind, Level
from syncgate.domain.replan import Slot, SlotName, slots_of
from syncgate.domain.row import replace
from syncgate.domain.rows import AttemptKind, AuditEntry, Case, Change, Delivery, Discrepancy, Observed
from syncgate.flows.delivering.own_number import forget_number, is_numbered_there, keep_number, wake, with_own_number
from syncgate.flows.delivering.watching import watched
from syncgate.flows.delivering.work import Verdict, Work
from syncgate.flows.documents import open_document
from syncgate.flows.gate import Gate
from syncgate.flows.lane import LaneWork, noted, open_lane
from syncgate.flows.reconciling.closing import CONFIRMED, closed
from syncgate.flows.replan import CaseNow, replan_lane, takes_back_in
from syncgate.ports import Tx
from syncgate.site.bundle import Bundle

CHANGES_ARE_IGNORED: Final = "changes_are_ignored"
"""Why a person must tell: the message says that a change is not sent."""
NOT_TAKEN_BACK: Final = "not_taken_back"
"""Why a person must tell: the message does not say how it is taken back, or only a deploy has made it unplanned."""
OWN_RECORD_GONE: Final = "own_record_gone"
"""Why a person must tell: the system has removed what it holds of its own accord, or under a number of its own."""
CONTENT_UNKNOWN: Final = "content_unknown"
"""Why a person must tell: what is there may be what was there before."""
AWAITS_ACKNOWLEDGEMENT: Final = "awaits_acknowledgement"
"""Why it is left alone: that it lies there says nothing of whether it was taken."""
MENDED_IN: Final = "mended_in"
"""Where a discrepancy's detail names the run that queued its repair."""
NOT_LIVE: Final = "not_live"
"""Why it is left alone: the system is not sent to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mender:
    """Who mends, and why.

    Attributes:
        by: a person, or the run's own name. reason: a person's.
        run: the run whose findings are mended, as its id is shown; "" for a person's repair.
    """

    gate: Gate
    by: str
    run: str = ""
    reason: str = ""

    def entry(self, delivery: Delivery, row: Discrepancy, *, outcome: str, tx: Tx) -> Delivery:
        """The delivery with one more entry in its history, which says why."""
        told: dict[str, Any] = {"kind": row.kind, "run": self.run, "discrepancy": str(row.discrepancy_id)}
        kind = AttemptKind.SYSTEM if self.run else AttemptKind.BY_HAND
        told |= {"reason": self.reason} if self.reason else {}
        detail = {name: value for name, value in told.items() if value != ""}
        counted, attempt = noted(delivery, kind=kind, outcome=outcome, actor=self.by, at=tx.now, detail=detail)
        tx.insert_attempts([attempt])
        return counted

    def audit(self, tx: Tx, row: Discrepancy, action: Action) -> None:
        """Notes in the audit what was done about a discrepancy."""
        told: dict[str, Any] = {"action": action.value, "kind": row.kind, "system": row.system, "run": self.run}
        thing = f"discrepancy:{row.discrepancy_id}"
        tx.append_audit(
            AuditEntry(at=tx.now, actor=self.by, action="mend", object=thing, reason=self.reason, detail=told)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of one discrepancy.

    Attributes:
        action: what was done; None: nothing.
        why: why it is left to a person, as a code; "" where it was done, or the slot has moved on.
        sends: deliveries that wait to be sent because of it.
        due: systems with lanes that may be due now. handed_over: lanes that were leased with it.
    """

    action: Action | None = None
    why: str = ""
    sends: int = 0
    due: frozenset[str] = frozenset()
    handed_over: tuple[Work, ...] = ()


MOVED_ON: Final = Done()
"""The slot is not any more what was judged: the next run will see."""


@dataclass(frozen=True, slots=True)
class LaneNow:
    """One lane under the locks of its case and its lanes, with the case as it is."""

    gate: Gate
    tx: Tx
    case: Case
    document: Json
    work: LaneWork
    bundle: Bundle

    def slot(self, name: SlotName) -> Slot:
        """A slot as it is now."""
        return slots_of(self.work.deliveries, takes_back_in(self.gate, self.bundle)).get(name, Slot())

    def replan(self) -> list[Delivery]:
        """Brings the lane to its plan, no new content having come; gives the rows that it wrote."""
        case = self.case
        now = CaseNow(case_id=case.case_id, revision=case.revision, document=self.document, before=self.document)
        return replan_lane(self.gate, self.work, now, self.bundle)

    def save(self) -> None:
        """Writes the lane with its due time."""
        self.work.save(expected_token=self.work.lane.lease_token)


def lane_now(gate: Gate, tx: Tx, case_id: UUID, system: str) -> LaneNow | None:
    """A lane, locked with its case; None where there is none, or the case was erased."""
    case = tx.case(case_id, lock=True)
    lanes = tx.lanes(case_id, lock=True)
    lane = next((lane for lane in lanes if lane.system == system), None)
    if case is None or not case.wrapped_key or lane is None:
        return None
    bundle = gate.active_bundle(system)
    return LaneNow(gate, tx, case, open_document(gate, tx, case), open_lane(tx, lane, bundle.messages), bundle)


@dataclass(frozen=True, slots=True)
class SlotNow:
    """The slot of a discrepancy in its lane, with the delivery that was judged."""

    mender: Mender
    row: Discrepancy
    lane: LaneNow
    judged: Delivery

    @property
    def tx(self) -> Tx:
        """The step's transaction."""
        return self.lane.tx

    @property
    def is_still_newest(self) -> bool:
        """Whether what was judged is still what the slot's newest delivery brought, and nothing is open beside it."""
        slot = self.lane.slot((self.row.message, self.row.part))
        is_newest = slot.delivered is not None and slot.delivered.delivery_id == self.judged.delivery_id
        return is_newest and slot.waiting is None and slot.maybe_sent is None and self.judged.observed is None

    @property
    def message(self) -> Message | None:
        """The message as the active bundle has it; None where it has it no more."""
        return next((one for one in self.lane.bundle.messages if one.name == self.row.message), None)


def slot_now(mender: Mender, tx: Tx, row: Discrepancy) -> SlotNow | None:
    """The slot of a discrepancy, locked; None where there is nothing to be mended any more."""
    judged_id = row.detail.get("delivery_id")
    if row.case_id is None or not isinstance(judged_id, str):
        return None
    lane = lane_now(mender.gate, tx, row.case_id, row.system)
    judged = lane.work.delivery(UUID(judged_id)) if lane is not None else None
    return None if lane is None or judged is None else SlotNow(mender, row, lane, judged)


def resend(now: SlotNow) -> Done:
    """Notes that the system holds nothing, or something else, in the slot, and plans it anew."""
    if not now.is_still_newest:
        return MOVED_ON
    seen = Observed.ABSENT if now.row.kind == Kind.MISSING else Observed.DIFFERENT
    message = now.message
    if seen is Observed.DIFFERENT and message is not None and message.on_change is OnChange.IGNORE:
        return Done(why=CHANGES_ARE_IGNORED)
    if seen is Observed.ABSENT and is_numbered_there(now.lane.bundle, now.judged, now.lane.document):
        return Done(why=OWN_RECORD_GONE)
    if seen is Observed.ABSENT:
        forget_number(now.lane.work, now.lane.bundle, now.judged)
    return _replanned(now, Action.RESEND, seen)


def retract(now: SlotNow) -> Done:
    """Plans once more that what the system still holds of the slot is taken back, as its message declares."""
    now = _with_retraction(now)
    if not now.is_still_newest:
        return MOVED_ON
    message = now.message
    if message is None or message.on_unplanned is OnUnplanned.IGNORE:
        return Done(why=NOT_TAKEN_BACK)
    return _replanned(now, Action.RETRACT, Observed.PRESENT if now.judged.change is Change.RETRACT else None)


def _with_retraction(now: SlotNow) -> SlotNow:
    """The slot judged by the retraction that stands in it, where what was taken back is named instead."""
    standing = now.lane.slot((now.row.message, now.row.part)).delivered
    if standing is None or standing.change is not Change.RETRACT or standing.changed_at >= now.row.seen_at:
        return now
    return replace(now, judged=standing)


def confirm(now: SlotNow) -> Done:
    """Settles a delivery whose outcome is open by what was found, as its confirmation would."""
    judged = now.judged
    then = now.mender.gate.bundles.get(judged.bundle, now.lane.bundle)
    if judged.phase not in (Phase.UNCONFIRMED, Phase.AWAITING) or judged.change is Change.RETRACT:
        return MOVED_ON
    if judged.phase is Phase.AWAITING and judged.message in then.acknowledgements:
        return Done(why=AWAITS_ACKNOWLEDGEMENT)
    is_only_content = judged.change is Change.CREATE and not judged.is_other_sent
    if now.row.detail.get("fields") or (now.row.detail.get("level") != Level.FIELDS and not is_only_content):
        return Done(why=CONTENT_UNKNOWN)
    event = Event.FOUND if judged.phase is Phase.UNCONFIRMED else Event.TAKEN
    return _settled(now, then, Verdict(event=event, rule="listed", remote_ref=_ref_shown(now)))


def _settled(now: SlotNow, then: Bundle, verdict: Verdict) -> Done:
    judged, gate, tx = now.judged, now.mender.gate, now.tx
    believed = with_own_number(now.lane.work, judged, replace(verdict, event=Event.FOUND), then)
    if believed.event is not Event.FOUND:
        return Done(why=believed.reason)
    counted = now.mender.entry(judged, now.row, outcome=verdict.event.value, tx=tx)
    fresh: dict[str, Any] = {"delivered_at": tx.now, "tries_count": 0, "confirms_count": 0, "first_failed_at": None}
    watch = watched(judged, then, verdict.event, now=tx.now, draw=gate.entropy.draw())
    ref = verdict.remote_ref or judged.remote_ref
    after = now.lane.work.move(
        judged, verdict.event, entries_count=counted.entries_count, remote_ref=ref, **fresh, **watch
    )
    woken = wake(tx, after)
    if now.lane.work.lane.system in woken:
        now.lane.work.lane = replace(now.lane.work.lane, waits_for=None)
    keep_number(gate, now.lane.work, after, is_believed=True)
    now.lane.save()
    now.mender.audit(tx, now.row, Action.CONFIRM)
    closed(tx, now.row, how=CONFIRMED, by=now.mender.by, action=Action.CONFIRM.value, delivery_id=after.delivery_id)
    return Done(action=Action.CONFIRM, due=woken | {now.row.system})


def _replanned(now: SlotNow, action: Action, seen: Observed | None) -> Done:
    """Notes what was seen, and queues what follows; the discrepancy names the repair, whose delivery ends it."""
    if seen is not None:
        counted = now.mender.entry(now.judged, now.row, outcome=f"observed_{seen.value}", tx=now.tx)
        now.lane.work.write(now.judged, replace(counted, observed=seen, observed_at=now.tx.now))
    written = now.lane.replan()
    repairs = [row for row in written if row.phase in WAITING]
    if not repairs:
        return _left_as_seen(now)
    repair = _of_the_slot(now, repairs)
    counted = now.mender.entry(repair, now.row, outcome="repairs", tx=now.tx)
    now.lane.work.write(repair, counted)
    now.lane.save()
    now.mender.audit(now.tx, now.row, action)
    now.tx.save_discrepancy(_repaired_by(now, repair, action))
    return Done(action=action, sends=len(repairs), due=frozenset({now.row.system}))


def _repaired_by(now: SlotNow, repair: Delivery, action: Action) -> Discrepancy:
    detail = {**now.row.detail, MENDED_IN: now.mender.run}
    return replace(now.row, action=action.value, delivery_id=repair.delivery_id, detail=detail)


def _left_as_seen(now: SlotNow) -> Done:
    now.lane.save()
    return Done(why=NOT_TAKEN_BACK)


def _of_the_slot(now: SlotNow, repairs: Sequence[Delivery]) -> Delivery:
    slot = (now.row.message, now.row.part)
    return next((row for row in repairs if (row.message, row.part) == slot), repairs[0])


def _ref_shown(now: SlotNow) -> str | None:
    shown = now.row.detail.get("remote_ref")
    return shown if isinstance(shown, str) else None
