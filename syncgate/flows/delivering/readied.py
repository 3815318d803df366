"""What a delivery's row says once its turn has come: what is sent, under which bundle, as which version."""

from __future__ import annotations

from typing import Any

from syncgate.domain.delivery import Phase
from syncgate.domain.plan import OnChange, part_of
from syncgate.domain.rows import Change, Delivery
from syncgate.flows.documents import open_document
from syncgate.flows.gate import Gate
from syncgate.flows.lane import LaneWork
from syncgate.site.bundle import Bundle


def readied(gate: Gate, work: LaneWork, bundle: Bundle, delivery: Delivery, *, held: Delivery | None) -> dict[str, Any]:
    """The fields of the row that say what is sent now, under the active bundle. held: as `held_beside` gives it."""
    changes: dict[str, Any] = {
        "change": _change(bundle, delivery, held),
        "version_no": _version_no(work, delivery),
        "delivered_at": None,
    }
    if delivery.bundle != bundle.digest:
        changes |= {"bundle": bundle.digest, "input_mac": _input_mac(gate, work, bundle, delivery)}
    return changes


def _change(bundle: Bundle, delivery: Delivery, held: Delivery | None) -> Change:
    if delivery.change is Change.RETRACT:
        return Change.RETRACT
    if held is None:
        return Change.CREATE
    on_change = next((m.on_change for m in bundle.messages if m.name == delivery.message), OnChange.HOLD)
    return Change.NEW_VERSION if on_change is OnChange.NEW_VERSION else Change.UPDATE


def _version_no(work: LaneWork, delivery: Delivery) -> int:
    """The number of this version: taken once, at the first send, and kept through retries and refusals.

    One that the system gave back after it had lain there is not used again; one whose content never came there is,
    so that skipped revisions leave no gap.
    """
    if delivery.version_no is not None and delivery.version_no != delivery.given_back_no:
        return delivery.version_no
    same = [d for d in work.deliveries if (d.message, d.part) == (delivery.message, delivery.part)]
    return max((d.version_no or 0 for d in same if not _is_skipped(d)), default=0) + 1


def _is_skipped(delivery: Delivery) -> bool:
    """Whether a delivery ended without its content ever having come to the system."""
    return delivery.phase is Phase.CANCELLED and delivery.is_never_sent and delivery.given_back_no is None


def _input_mac(gate: Gate, work: LaneWork, bundle: Bundle, delivery: Delivery) -> bytes:
    """The digest as the active bundle takes it; never-sent deliveries follow a deploy."""
    case = work.tx.case(delivery.case_id)
    assert case is not None
    document = open_document(gate, work.tx, case, delivery.revision)
    try:
        message = bundle.message(delivery.message)
    except KeyError:
        return delivery.input_mac
    return message.inputs(document, part_of(document, message.of, delivery.part))
