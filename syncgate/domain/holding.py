"""What a source that is also a system holds of its own accord, as its own words show. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from syncgate.domain.delivery import Beginning
from syncgate.domain.observation import is_as_delivered
from syncgate.domain.plan import Planned
from syncgate.domain.replan import Slot, SlotName
from syncgate.domain.rows import Change, Delivery

Plan = Mapping[SlotName, Planned]
Slots = Mapping[SlotName, Slot]

UNTOLD: Final = b""
"""The digest of a content that nobody told us; it equals no planned one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One slot that the system holds, or emptied, of its own accord.

    Attributes:
        planned: the slot, with the digest of what it holds there.
        beginning: how that is known.
        change: RETRACT where the system itself took back what the slot held.
        replaces: the waiting delivery in whose place it stands.
    """

    planned: Planned
    beginning: Beginning
    change: Change | None = None
    replaces: Delivery | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """What one submission of a source says, as plans of its own lane.

    Attributes:
        said: of all that the source itself has said by now; said_before: before this submission.
        planned: of the case; planned_before: before this submission.
        bundle: under which these were taken; but `planned_before` and `said_then`, which is `said_before` once more,
            have each digest as the bundle of the slot's delivered row takes it, so that the two compare.
        is_whole: whether the source has ever said all that it knows, and not only what it changed.
    """

    said: Plan
    said_before: Plan
    planned: Plan
    planned_before: Plan
    said_then: Plan
    bundle: str
    is_whole: bool


def hold_said(saying: Saying, slots: Slots) -> list[Hold]:
    """What the source's new words show that it holds: each slot that they fill and newly say or change.

    A slot that this submission leaves unplanned was given up by the source itself: nothing is retracted there.
    """
    return [*_filled(saying, slots), *_emptied(saying, slots)]


def hold_known(names: Mapping[SlotName, Planned], slots: Slots) -> list[Hold]:
    """These slots as held with untold content, where nothing is known to be there: a number stands for a record.

    So a record that exists is never made a second time; it is brought to what is planned as a change.
    """
    found: list[Hold] = []
    for name, planned in names.items():
        slot = slots.get(name, Slot())
        if slot.delivered is None:
            known = _with(planned, UNTOLD)
            found.append(Hold(planned=known, beginning=Beginning.KNOWN_BY_NUMBER, replaces=slot.waiting))
    return found


def hold_given_up(slots: Slots) -> list[Hold]:
    """Every slot as emptied by the system itself: what it holds there is not this case's any more."""
    found: list[Hold] = []
    for slot in slots.values():
        held = slot.delivered
        if held is None or held.change is Change.RETRACT or not slot.is_own(held):
            continue
        planned = Planned(message=held.message, part=held.part, part_no=held.part_no, input_mac=held.input_mac)
        beginning = Beginning.HELD_BY_SOURCE
        found.append(Hold(planned=planned, beginning=beginning, change=Change.RETRACT, replaces=slot.waiting))
    return found


def _filled(saying: Saying, slots: Slots) -> Iterator[Hold]:
    for name, said in saying.said.items():
        before = saying.said_before.get(name)
        if before is not None and before.input_mac == said.input_mac:
            continue
        slot = slots.get(name, Slot())
        mac = _held_mac(saying, name, slot)
        if not _is_known(slot, mac, saying.bundle):
            numbered = saying.planned.get(name, said)
            yield Hold(planned=_with(numbered, mac), beginning=Beginning.HELD_BY_SOURCE, replaces=slot.waiting)


def _held_mac(saying: Saying, name: SlotName, slot: Slot) -> bytes:
    """The digest of what the source holds in this slot now, `UNTOLD` where that cannot be known.

    Where it held just what was planned, all that has changed since is its own word: it holds what is planned now.
    Where it held just its own words, or a record of which only the number was known, it holds its own words.
    Beside one of ours that is under way with another content nobody knows which came last, and on top of what
    others said before nobody knows what it left standing.
    """
    said = saying.said[name].input_mac
    if slot.maybe_sent is not None:
        return said if _carries(slot.maybe_sent, said, saying.bundle) else UNTOLD
    held = slot.delivered
    if held is None or held.change is Change.RETRACT:
        return said
    now = saying.planned.get(name)
    if now is not None and slot.waiting is None and _has_mac(saying.planned_before.get(name), held):
        return now.input_mac
    is_all_its_own = held.reason == Beginning.KNOWN_BY_NUMBER and saying.is_whole
    return said if is_all_its_own or _has_mac(saying.said_then.get(name), held) else UNTOLD


def _has_mac(planned: Planned | None, held: Delivery) -> bool:
    return planned is not None and is_as_delivered(held) and planned.input_mac == held.input_mac


def _is_known(slot: Slot, mac: bytes, bundle: str) -> bool:
    """Whether the slot's newest row says so already."""
    known = slot.own if slot.maybe_sent is not None else slot.delivered
    return known is not None and _carries(known, mac, bundle)


def _carries(delivery: Delivery, mac: bytes, bundle: str) -> bool:
    is_content = delivery.change is not Change.RETRACT and is_as_delivered(delivery)
    return is_content and (delivery.input_mac, delivery.bundle) == (mac, bundle)


def _emptied(saying: Saying, slots: Slots) -> Iterator[Hold]:
    for name, before in saying.planned_before.items():
        slot = slots.get(name, Slot())
        held = slot.delivered
        if name in saying.planned or slot.maybe_sent is not None or held is None or held.change is Change.RETRACT:
            continue
        yield Hold(
            planned=_with(before, held.input_mac),
            beginning=Beginning.HELD_BY_SOURCE,
            change=Change.RETRACT,
            replaces=slot.waiting,
        )


def _with(planned: Planned, mac: bytes) -> Planned:
    return replace(planned, input_mac=mac)
