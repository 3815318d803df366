"""Replan: the only place where deliveries are made. The intake, a correction, a repair and a backfill all call it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from syncgate.domain import ids
from syncgate.domain.case import is_withdrawn, withdrawing_stage
from syncgate.domain.delivery import Beginning, Event, Phase, begin
from syncgate.domain.head import messages_by_name
from syncgate.domain.modes import SET_ASIDE_BY_MODE, was_set_aside
from syncgate.domain.moving_on import still_wanted
from syncgate.domain.plan import Json, PartOf, Planned, part_of, plan
from syncgate.domain.priority import is_other_promise, rank_at
from syncgate.domain.replan import Cancel, Decision, Queue, Refresh, Slot, SlotName, is_of_its_own, replan, slots_of
from syncgate.domain.retraction import TakesBack, takes_back_under
from syncgate.domain.row import replace
from syncgate.domain.rows import Change, Delivery, Lane
from syncgate.flows.delivering.told import says_the_same
from syncgate.flows.gate import Gate
from syncgate.flows.lane import LaneWork
from syncgate.site.bundle import Bundle

_OTHER: Final = b"other"
"""Stands for inputs that are none of a slot's; what is queued or refreshed because of it has its own digest taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseNow:
    """A case as a replan sees it.

    before: the document of the previous revision, None for a new case. `by_person` compares under the active
    bundle and fills what was never planned; an event of the case does neither (promise 13). only: of a person's
    replan, the messages that it is about; None: all.
    """

    case_id: UUID
    revision: int
    document: Json
    before: Json | None
    by_person: bool = False
    only: frozenset[str] | None = None


def replan_lane(gate: Gate, work: LaneWork, case: CaseNow, bundle: Bundle) -> list[Delivery]:
    """Brings the lane's waiting deliveries to what is planned now. Gives the rows that it wrote."""
    slots = slots_of(work.deliveries, takes_back_in(gate, bundle))
    numbers = part_numbers(work.deliveries)
    now = plan(case.document, bundle.messages, applies=bundle.applies(case.document), numbers=numbers)
    if case.by_person:
        slots = _those_asked_for(slots, case, bundle)
        wanted = _wanted_by_person(gate, work, case, bundle, now, slots, numbers)
    else:
        wanted = _wanted(gate, case, bundle, now, slots, numbers)
    messages = messages_by_name(bundle.messages)
    wanted = still_wanted(wanted, slots, messages)

    def retraction(name: str) -> Planned:
        return _retraction(gate, case, bundle, slots, name)

    def still() -> set[str]:
        return {planned.message for planned in now}

    decisions = replan(wanted, _within_reach(gate, case, bundle, slots, wanted), messages, retraction, still)
    carried = (_carry_out(gate, work, case, bundle, decision, slots) for decision in decisions)
    written = [delivery for delivery in carried if delivery is not None]
    if written or (case.before is not None and is_other_promise(case.before, case.document)):
        work.lane = ranked(work.lane, case.document, bundle, now=work.tx.now)
    return written


def ranked(lane: Lane, document: Json, bundle: Bundle, *, now: datetime) -> Lane:
    """The lane with its place among the system's others, by what its case says now."""
    rank = rank_at(document, promised_within=bundle.promised_within, now=now)
    return lane if rank == lane.rank_at else replace(lane, rank_at=rank)


def _those_asked_for(slots: Mapping[SlotName, Slot], case: CaseNow, bundle: Bundle) -> dict[SlotName, Slot]:
    """The slots that a person's replan is about, with the retractions of the case that stand for them."""
    once = {message.retraction for message in bundle.messages if case.only is None or message.name in case.only}
    return {name: slot for name, slot in slots.items() if case.only is None or name[0] in {*case.only, *once}}


def takes_back_in(gate: Gate, bundle: Bundle) -> TakesBack:
    """What each retraction of the lane takes back, as the bundle declares it that it was made or sent under."""

    def takes_back(delivery: Delivery) -> frozenset[str]:
        if delivery.change is not Change.RETRACT:
            return frozenset()
        return takes_back_under(gate.bundles.get(delivery.bundle, bundle).messages)(delivery)

    return takes_back


def _retraction(gate: Gate, case: CaseNow, bundle: Bundle, slots: Mapping[SlotName, Slot], name: str) -> Planned:
    """The slot of the case's one retraction, its digest as the waiting one took it; a new one's is taken anew."""
    waiting = next((slot.waiting for (message, _), slot in slots.items() if message == name and slot.waiting), None)
    then = bundle if waiting is None or case.by_person else gate.bundles.get(waiting.bundle, bundle)
    message = next((m for m in then.messages if m.name == name), bundle.message(name))
    part = (withdrawing_stage(case.document) or {}).get("id", "") if message.of is PartOf.STAGE else ""
    input_mac = message.inputs(case.document, part_of(case.document, message.of, part))
    return Planned(message=name, part=part, part_no=1, input_mac=input_mac)


def _within_reach(
    gate: Gate, case: CaseNow, bundle: Bundle, slots: Mapping[SlotName, Slot], wanted: list[Planned]
) -> dict[SlotName, Slot]:
    """The slots that this replan may touch: an event leaves alone what only a deploy made unplanned."""
    names = {(planned.message, planned.part) for planned in wanted}
    numbers: dict[SlotName, int] = {}

    def is_unplanned_by_deploy(name: SlotName, slot: Slot) -> bool:
        then = gate.bundles.get(slot.newest.bundle) if slot.newest is not None else None
        if case.by_person or name in names or then is None or then.digest == bundle.digest:
            return False
        then_planned = plan(case.document, then.messages, applies=then.applies(case.document), numbers=numbers)
        planned = still_wanted(then_planned, slots, messages_by_name(then.messages))
        return name in {(p.message, p.part) for p in planned}

    return {name: slot for name, slot in slots.items() if not is_unplanned_by_deploy(name, slot)}


def systems_taking(gate: Gate, document: Json, *, origin: str) -> list[Bundle]:
    """The active bundles that take this case, by name; its origin holds it already, and a withdrawn one is nobody's."""
    if is_withdrawn(document):
        return []
    return [
        bundle
        for system, digest in sorted(gate.active.items())
        if system != origin and (bundle := gate.bundles[digest]).applies(document)
    ]


def _wanted(
    gate: Gate,
    case: CaseNow,
    bundle: Bundle,
    now: Sequence[Planned],
    slots: Mapping[SlotName, Slot],
    numbers: Mapping[SlotName, int],
) -> list[Planned]:
    """What of the plan an event of the case is about, each compared under the bundle of its newest delivery."""
    planned_before = _planned_before(case, bundle, numbers)
    found: list[Planned] = []
    for planned in now:
        newest = slots.get((planned.message, planned.part), Slot()).newest
        if newest is None:
            if (planned.message, planned.part) not in planned_before:
                found.append(planned)
        elif newest.bundle == bundle.digest:
            found.append(planned)
        else:
            found.append(under_bundle_of(gate, case.document, planned, newest, numbers))
    return found


def _wanted_by_person(
    gate: Gate,
    work: LaneWork,
    case: CaseNow,
    bundle: Bundle,
    now: Sequence[Planned],
    slots: Mapping[SlotName, Slot],
    numbers: Mapping[SlotName, int],
) -> list[Planned]:
    """The plan under the active bundle; a slot counts as it is where that would tell the system nothing else."""
    found: list[Planned] = []
    for planned in now:
        newest = slots.get((planned.message, planned.part), Slot()).newest
        if case.only is not None and planned.message not in case.only:
            continue
        if newest is not None and was_set_aside(newest) and bundle.mode not in SET_ASIDE_BY_MODE:
            found.append(replace(planned, input_mac=_OTHER))
        elif newest is None or newest.bundle == bundle.digest:
            found.append(planned)
        elif newest.phase is Phase.CANCELLED or is_of_its_own(newest):
            found.append(under_bundle_of(gate, case.document, planned, newest, numbers))
        elif says_the_same(gate, work, newest, case.revision, bundle):
            found.append(replace(planned, input_mac=newest.input_mac))
        else:
            found.append(replace(planned, input_mac=_OTHER))
    return found


def _planned_before(case: CaseNow, bundle: Bundle, numbers: Mapping[SlotName, int]) -> set[SlotName]:
    if case.before is None:
        return set()
    before = plan(case.before, bundle.messages, applies=bundle.applies(case.before), numbers=numbers)
    return {(planned.message, planned.part) for planned in before}


def under_bundle_of(
    gate: Gate, document: Json, planned: Planned, newest: Delivery, numbers: Mapping[SlotName, int]
) -> Planned:
    """The plan's entry with its digest taken as the slot's newest delivery took it."""
    then = gate.bundles.get(newest.bundle)
    if then is None:
        return replace(planned, input_mac=newest.input_mac)
    same = plan(document, then.messages, applies=then.applies(document), numbers=numbers)
    taken = next((one.input_mac for one in same if one.slot == planned.slot), newest.input_mac)
    return replace(planned, input_mac=taken)


def part_numbers(deliveries: list[Delivery]) -> dict[SlotName, int]:
    """The numbers that the lane's parts have, for good."""
    return {(d.message, d.part): d.part_no for d in deliveries}


def _carry_out(
    gate: Gate, work: LaneWork, case: CaseNow, bundle: Bundle, decision: Decision, slots: Mapping[SlotName, Slot]
) -> Delivery | None:
    """The row that was written; None where an earlier decision has made this one needless."""
    match decision:
        case Queue(planned, change):
            at = after_the_slots_newest(work, planned)
            set_aside = SET_ASIDE_BY_MODE.get(bundle.mode)
            beginning = Beginning.PLANNED if set_aside is None else Beginning.SET_ASIDE
            delivery = Delivery(
                delivery_id=ids.uuid7(work.tx.now, gate.entropy.token(10)),
                case_id=case.case_id,
                system=work.lane.system,
                message=planned.message,
                part=planned.part,
                part_no=planned.part_no,
                revision=case.revision,
                phase=begin(beginning),
                reason=set_aside,
                actor="" if set_aside is None else "operator",
                input_mac=_mac_of_new(bundle, case, planned, change, slots),
                bundle=bundle.digest,
                change=change,
                due_at=work.tx.now if set_aside is None else None,
                created_at=at,
                changed_at=at,
            )
            work.add(delivery)
            return delivery
        case Refresh(delivery, planned, change) if _is_as_it_was(work, delivery):
            mac = _mac_under(bundle, case, planned, change) if case.by_person else planned.input_mac
            return _refreshed(work, case, delivery, replace(planned, input_mac=mac), change, mode=bundle.mode)
        case Cancel(delivery, event) if _is_as_it_was(work, delivery):
            return work.move(delivery, event)
        case _:
            return None


def _is_as_it_was(work: LaneWork, delivery: Delivery) -> bool:
    return work.delivery(delivery.delivery_id) is delivery


def after_the_slots_newest(work: LaneWork, planned: Planned) -> datetime:
    """The time of creation: later than all others of the slot, also within one commit, whose time is one.

    A retraction of the case is later than all that it takes back, and what is made after it later than it.
    """
    takes_back = work.takes_back
    is_once = any(message.retraction == planned.message for message in work.messages)
    times = [
        d.created_at + timedelta(microseconds=1)
        for d in work.deliveries
        if is_once
        or (d.part == planned.part and d.message == planned.message)
        or (d.change is Change.RETRACT and planned.message in takes_back(d))
    ]
    return max([work.tx.now, *times])


def _mac_of_new(
    bundle: Bundle, case: CaseNow, planned: Planned, change: Change | None, slots: Mapping[SlotName, Slot]
) -> bytes:
    """As `_mac_under`; a slot that no other bundle has filled was planned under this one."""
    newest = slots.get((planned.message, planned.part), Slot()).newest
    if change is None and (newest is None or newest.bundle == bundle.digest):
        return planned.input_mac
    return _mac_under(bundle, case, planned, change)


def _mac_under(bundle: Bundle, case: CaseNow, planned: Planned, change: Change | None) -> bytes:
    """The digest as the bundle takes it whose name the new delivery bears; the plan may have taken it as another."""
    is_once = any(message.retraction == planned.message for message in bundle.messages)
    if change is Change.RETRACT and not is_once:
        return planned.input_mac
    message = bundle.message(planned.message)
    return message.inputs(case.document, part_of(case.document, message.of, planned.part))


def _refreshed(
    work: LaneWork, case: CaseNow, delivery: Delivery, planned: Planned, change: Change | None, *, mode: str
) -> Delivery:
    changes: dict[str, Any] = {
        "revision": case.revision,
        "input_mac": planned.input_mac,
        "change": change,
        "due_at": work.tx.now,
        "tries_count": 0,
        "first_failed_at": None,
        "detail": "",
        "actor": "",
    }
    if mode in SET_ASIDE_BY_MODE:
        return work.set_aside(delivery, mode, **changes)
    if delivery.phase is Phase.PARKED:
        return work.move(delivery, Event.REQUEUED, **changes)
    after = replace(delivery, **changes, reason=None, changed_at=work.tx.now)
    return work.write(delivery, after)
