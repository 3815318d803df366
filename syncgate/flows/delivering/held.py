"""What a system holds in a delivery's slot, may hold, and calls things: as far as our own rows know."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from syncgate.domain.delivery import Phase
from syncgate.domain.observation import is_gone, took_nothing_back, with_untold_content
from syncgate.domain.replan import SlotName
from syncgate.domain.rows import (
    Change,
    Delivery,
    Lane,
)
from syncgate.flows.delivering.retracting import is_other_sent_so, slots_taken_back
from syncgate.flows.lane import LaneWork
from syncgate.mapping import Refs
from syncgate.ports import Tx
from syncgate.site.bundle import Bundle


def references(tx: Tx, case_id: UUID) -> Refs:
    """What the systems call the case, and what they hold of it, now."""
    return names_in(tx.deliveries(case_id), tx.lanes(case_id))


def names_in(deliveries: Iterable[Delivery], lanes: Iterable[Lane]) -> Refs:
    """What the systems call a case, and what they hold of it, as all of its rows say."""
    case_ref = {lane.system: lane.case_ref for lane in lanes if lane.case_ref}
    return Refs(remote_ref=remote_refs(deliveries), case_ref=case_ref)


def remote_refs(deliveries: Iterable[Delivery]) -> dict[tuple[str, str | None], str]:
    """The systems' own numbers, by system and message, by system and `message/part`, and by system."""
    found: dict[tuple[str, str | None], str] = {}
    for d in deliveries:
        if d.remote_ref is not None and d.phase is Phase.DELIVERED and not is_gone(d):
            found[d.system, d.message] = d.remote_ref
            found.setdefault((d.system, None), d.remote_ref)
            if d.part:
                found[d.system, f"{d.message}/{d.part}"] = d.remote_ref
    return found


def held_beside(work: LaneWork, delivery: Delivery) -> Delivery | None:
    """What the system holds in the delivery's slot beside it; None after it was taken back, whoever did, or seen gone.

    Of what a retraction takes back, the first that the system holds.
    """
    if delivery.change is Change.RETRACT:
        found = (_held_in(work, slot, beside=delivery) for slot in slots_taken_back(work, delivery))
        return next((held for held in found if held is not None), None)
    return _held_in(work, (delivery.message, delivery.part), beside=delivery)


def _held_in(work: LaneWork, slot: SlotName, *, beside: Delivery) -> Delivery | None:
    takes_back = work.takes_back
    same = [
        d
        for d in reversed(work.deliveries)
        if d.phase is Phase.DELIVERED
        and d.delivery_id != beside.delivery_id
        and ((d.message, d.part) == slot or slot[0] in takes_back(d))
    ]
    newest = max((d for d in same if not took_nothing_back(d)), key=_came_at, default=None)
    if newest is None or newest.change is Change.RETRACT or is_gone(newest):
        return None
    is_untold = any(took_nothing_back(d) and _came_at(d) > _came_at(newest) for d in same)
    return with_untold_content(newest) if is_untold else newest


def _came_at(delivery: Delivery) -> datetime:
    return delivery.delivered_at or delivery.changed_at


def is_other_sent(work: LaneWork, bundle: Bundle | None, delivery: Delivery) -> bool:
    """Whether another content than this one may have left for the slot before."""
    deliveries = work.deliveries
    if delivery.change is Change.RETRACT:
        return delivery.is_other_sent or is_other_sent_so(deliveries, bundle, delivery)
    same_slot = [d for d in deliveries if (d.message, d.part) == (delivery.message, delivery.part)]
    others = [d for d in same_slot if d.delivery_id != delivery.delivery_id and d.sent_mac is not None]
    return delivery.is_other_sent or any(d.sent_mac != content_mac(delivery) for d in others)


def content_mac(delivery: Delivery) -> bytes:
    """What tells one content of a slot from another: what its mapping read, and which mapping."""
    return delivery.input_mac + delivery.bundle.encode()[-16:]


def maybe_held(delivery: Delivery) -> dict[str, Any]:
    """What a delivery's row says from now on, as the system may hold its content."""
    mac = content_mac(delivery)
    is_other = delivery.is_other_sent or (delivery.sent_mac is not None and delivery.sent_mac != mac)
    return {"sent_mac": mac, "is_other_sent": is_other}
