"""Rows of what a source that is also a system holds of its own accord: they begin as delivered, nothing is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from syncgate.domain import ids
from syncgate.domain.delivery import Beginning, Event, Phase, begin
from syncgate.domain.holding import Hold, Plan, Saying, hold_given_up, hold_known, hold_said
from syncgate.domain.plan import Json, PartOf, Planned, plan
from syncgate.domain.replan import Slot, SlotName, is_of_its_own, slots_of
from syncgate.domain.row import replace
from syncgate.domain.rows import AttemptKind, Change, Delivery
from syncgate.flows.accepting.joining import Spoken
from syncgate.flows.delivering.held import content_mac
from syncgate.flows.delivering.work import Marks
from syncgate.flows.gate import Gate
from syncgate.flows.lane import LaneWork, noted
from syncgate.flows.replan import CaseNow, after_the_slots_newest, part_numbers, takes_back_in, under_bundle_of
from syncgate.site.bundle import Bundle

OWN_RECORD_THERE: Final = "own_record_there"
"""Why a creation is not asked about by sending it again: the system has made a record of its own meanwhile."""


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What reconciliation took over: the system holds in one slot what the case says now, and nothing is sent there.

    Attributes:
        judged: what was delivered in the slot before somebody changed it there.
        seen_mac: names what was seen among the case's blobs.
        run: the run that saw it; "" where a person repaired it.
        marks: by which the next run knows it again; None where its listing shows it under no reference of ours.
    """

    judged: Delivery
    seen_mac: bytes | None
    run: str
    marks: Marks | None

    @property
    def name(self) -> SlotName:
        """The slot."""
        return self.judged.message, self.judged.part


@dataclass(frozen=True, slots=True)
class Holding:
    """One submission's share in what a lane's system holds of its own accord.

    by: who submitted. submission_no: which submission shows it.
    """

    gate: Gate
    case: CaseNow
    by: str
    submission_no: int

    def said(self, work: LaneWork, bundle: Bundle, spoken: Spoken) -> bool:
        """Notes what the source's own words show on its own lane. Gives whether anything was written."""
        numbers = part_numbers(work.deliveries)
        slots = slots_of(work.deliveries, takes_back_in(self.gate, bundle))
        saying = Saying(
            said=_planned(spoken.now, bundle, numbers),
            said_before=_planned(spoken.before, bundle, numbers),
            planned=_planned(self.case.document, bundle, numbers),
            planned_before=self._then(self.case.before, bundle, slots, numbers),
            said_then=self._then(spoken.before, bundle, slots, numbers),
            bundle=bundle.digest,
            is_whole=spoken.is_whole,
        )
        return self._write_all(work, bundle, hold_said(saying, slots))

    def known(self, work: LaneWork, bundle: Bundle) -> bool:
        """Notes that a system whose number was told holds a record. Gives whether anything was written."""
        planned = _planned(self.case.document, bundle, part_numbers(work.deliveries))
        names = {
            name: slot
            for name, slot in planned.items()
            if bundle.specs[name[0]].is_case_ref and bundle.message(name[0]).of is PartOf.CASE
        }
        return self._write_all(
            work, bundle, hold_known(names, slots_of(work.deliveries, takes_back_in(self.gate, bundle)))
        )

    def given_up(self, work: LaneWork, bundle: Bundle) -> bool:
        """Notes that what the system holds stands for another case from now on. Gives whether anything was written."""
        slots = slots_of(work.deliveries, takes_back_in(self.gate, bundle))
        return self._write_all(work, bundle, hold_given_up(slots))

    def taken_over(self, work: LaneWork, bundle: Bundle, taken: TakenOver) -> bool:
        """Notes that the slot holds what the case says now. Gives whether it is planned, so that anything was."""
        planned = _planned(self.case.document, bundle, part_numbers(work.deliveries)).get(taken.name)
        if planned is None:
            return False
        hold = Hold(planned=planned, beginning=Beginning.HELD_BY_SOURCE)
        row = replace(self._row(work, bundle, hold), remote_ref=taken.judged.remote_ref, **marked(taken.marks))
        told = {"submission_no": self.submission_no} | ({"run": taken.run} if taken.run else {})
        counted, attempt = noted(
            row,
            kind=AttemptKind.SOURCE,
            outcome=hold.beginning.value,
            actor=self.by,
            at=work.tx.now,
            detail=told,
            received_blob=taken.seen_mac,
        )
        work.add(counted)
        work.tx.insert_attempts([attempt])
        return True

    def _then(self, document: Json, bundle: Bundle, slots: dict[SlotName, Slot], numbers: dict[SlotName, int]) -> Plan:
        """The plan of an earlier document, each digest as the slot's delivered row took it."""
        found = _planned(document, bundle, numbers)
        for name, planned in found.items():
            held = slots.get(name, Slot()).delivered
            if held is not None and held.bundle != bundle.digest:
                found[name] = under_bundle_of(self.gate, document, planned, held, numbers)
        return found

    def _write_all(self, work: LaneWork, bundle: Bundle, holds: list[Hold]) -> bool:
        for hold in holds:
            self._write(work, bundle, hold)
        return bool(holds)

    def _write(self, work: LaneWork, bundle: Bundle, hold: Hold) -> None:
        if hold.replaces is not None:
            work.move(hold.replaces, Event.SUPERSEDED)
        row, known = self._row(work, bundle, hold), _told_by_number(work, hold)
        if known is not None:
            kept = {name: getattr(known, name) for name in ("delivery_id", "created_at", "part_no", "entries_count")}
            row = replace(row, **kept)
        counted, attempt = noted(
            row,
            kind=AttemptKind.SOURCE,
            outcome=hold.beginning.value,
            actor=self.by,
            at=work.tx.now,
            detail={"submission_no": self.submission_no},
        )
        if known is not None:
            work.write(known, counted)
        else:
            work.add(counted)
        work.tx.insert_attempts([attempt])
        _leave_to_a_person(self.gate, work, counted)

    def _row(self, work: LaneWork, bundle: Bundle, hold: Hold) -> Delivery:
        at = after_the_slots_newest(work, hold.planned)
        row = Delivery(
            delivery_id=ids.uuid7(work.tx.now, self.gate.entropy.token(10)),
            case_id=self.case.case_id,
            system=work.lane.system,
            message=hold.planned.message,
            part=hold.planned.part,
            part_no=hold.planned.part_no,
            revision=self.case.revision,
            phase=begin(hold.beginning),
            input_mac=hold.planned.input_mac,
            bundle=bundle.digest,
            change=hold.change,
            remote_ref=work.lane.case_ref if bundle.specs[hold.planned.message].is_case_ref else None,
            reason=hold.beginning.value,
            created_at=at,
            changed_at=at,
            delivered_at=work.tx.now,
        )
        return replace(row, sent_mac=content_mac(row))


def marked(marks: Marks | None) -> dict[str, Any]:
    """What a row says of the marks that it bears."""
    return {} if marks is None else {"held_key": marks.key, "held_mac": marks.mac}


def _told_by_number(work: LaneWork, hold: Hold) -> Delivery | None:
    """The row that only a number told of, which the source's own words now tell more of: it stays the one row."""
    slot = slots_of(work.deliveries).get((hold.planned.message, hold.planned.part), Slot())
    is_told_more = hold.beginning is Beginning.HELD_BY_SOURCE and hold.change is None and slot.maybe_sent is None
    known = slot.delivered
    return known if is_told_more and known is not None and known.reason == Beginning.KNOWN_BY_NUMBER else None


def must_not_be_probed(gate: Gate, work: LaneWork, delivery: Delivery) -> bool:
    """Whether asking about this creation by sending it again could make a second record at the system."""
    bundle = gate.bundles.get(delivery.bundle)
    spec = bundle.specs.get(delivery.message) if bundle is not None else None
    if delivery.change is not Change.CREATE or spec is None or spec.confirm.by in ("look_up", "hold"):
        return False
    return any(
        is_of_its_own(other) and other.created_at > delivery.created_at
        for other in work.deliveries
        if (other.message, other.part) == (delivery.message, delivery.part)
    )


def _leave_to_a_person(gate: Gate, work: LaneWork, own: Delivery) -> None:
    """Asks no more about an open creation beside which the system holds a record of its own."""
    for delivery in work.deliveries:
        is_same = (delivery.message, delivery.part) == (own.message, own.part)
        if is_same and delivery.phase is Phase.UNCONFIRMED and must_not_be_probed(gate, work, delivery):
            work.write(delivery, replace(delivery, due_at=None, reason=OWN_RECORD_THERE, actor="operator"))


def _planned(document: Json | None, bundle: Bundle, numbers: dict[SlotName, int]) -> dict[SlotName, Planned]:
    if document is None:
        return {}
    found = plan(document, bundle.messages, applies=bundle.applies(document), numbers=numbers)
    return {(planned.message, planned.part): planned for planned in found}
