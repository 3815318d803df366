"""A system's own number: believed and kept, left to a person where it is in question, and who waits for it."""

from __future__ import annotations

from typing import Final

import structlog

from syncgate.domain.delivery import Event, Phase
from syncgate.domain.plan import Json
from syncgate.domain.replan import is_of_its_own
from syncgate.domain.row import replace
from syncgate.domain.rows import Change, Delivery
from syncgate.flows.accepting.identity import other_number
from syncgate.flows.delivering.work import Verdict
from syncgate.flows.gate import Gate
from syncgate.flows.lane import LaneWork
from syncgate.ports import Tx
from syncgate.site.bundle import Bundle

log = structlog.get_logger("syncgate.settle")
NUMBER_KNOWN_ELSEWHERE: Final = "number_known_elsewhere"
NUMBER_DIFFERS: Final = "number_differs"
NUMBER_IN_QUESTION: Final = frozenset({NUMBER_KNOWN_ELSEWHERE, NUMBER_DIFFERS})
"""Reasons why only a person can tell whose record the system's answer means."""


def with_own_number(opened: LaneWork, delivery: Delivery, verdict: Verdict, bundle: Bundle) -> Verdict:
    """The verdict, unless the number that the system gave the case is in question: then a person must tell.

    Were it taken as delivered, the next change could strike another case's record.
    """
    spec = bundle.specs.get(delivery.message)
    number = verdict.remote_ref
    is_held = verdict.event in (Event.TAKEN, Event.FOUND)
    if not is_held or number is None or spec is None or not spec.is_case_ref:
        return verdict
    reason = _question(opened, delivery, number)
    if reason is None:
        return verdict
    log.warning(reason, system=opened.lane.system, delivery_id=str(delivery.delivery_id))
    event = Event.UNKNOWN if delivery.phase in (Phase.IN_FLIGHT, Phase.AWAITING) else Event.UNDECIDED
    return replace(verdict, event=event, rule=reason, reason=reason, actor="operator")


def _question(opened: LaneWork, delivery: Delivery, number: str) -> str | None:
    """Why the number cannot be believed: it is another case's, or the case has another one at this system."""
    if opened.tx.case_id_by_ref(opened.lane.system, number) not in (None, delivery.case_id):
        return NUMBER_KNOWN_ELSEWHERE
    is_other = opened.lane.case_ref not in (None, number)
    return NUMBER_DIFFERS if is_other and delivery.change is Change.CREATE else None


def keep_number(gate: Gate, opened: LaneWork, delivery: Delivery, *, is_believed: bool = False) -> None:
    """Keeps what the system calls the case, where the message says that its remote_ref is that.

    is_believed: whether `with_own_number` has let the number pass in this step.

    Raises:
        Conflict: a person gave a number that is another case's, or not the one that the case has there.
    """
    bundle = gate.bundles.get(delivery.bundle)
    spec = bundle.specs.get(delivery.message) if bundle is not None else None
    number = delivery.remote_ref
    if spec is None or not spec.is_case_ref or number is None or delivery.phase is not Phase.DELIVERED:
        return
    if not is_believed and _question(opened, delivery, number) is not None:
        raise other_number()
    if opened.lane.case_ref is None:
        opened.lane = replace(opened.lane, case_ref=number)


def is_numbered_there(bundle: Bundle, delivery: Delivery, document: Json) -> bool:
    """Whether what is gone was the system's own record, or one that a source knows by the system's own number.

    Args:
        bundle: the active one.
        delivery: what the system held.
        document: the case's, as it is now.
    """
    if is_of_its_own(delivery) and delivery.held_key is None:
        return True
    return is_numbering(bundle, delivery.message) and delivery.system in (document.get("references") or {})


def is_numbering(bundle: Bundle, message: str) -> bool:
    """Whether the number of a message's record is what the system calls the case."""
    spec = bundle.specs.get(message)
    return spec is not None and spec.is_case_ref


def forget_number(opened: LaneWork, bundle: Bundle, gone: Delivery) -> None:
    """A number that names no record any more is none of the case's: what is made anew gets another."""
    lane = opened.lane
    if is_numbering(bundle, gone.message) and lane.case_ref is not None and lane.case_ref == gone.remote_ref:
        opened.lane = replace(lane, case_ref=None)


def wake(tx: Tx, delivery: Delivery) -> frozenset[str]:
    """Wakes the case's lanes that wait for this system's number."""
    if delivery.phase is not Phase.DELIVERED or delivery.remote_ref is None:
        return frozenset()
    waiting = tx.waiting_lanes(delivery.case_id)
    for needed in set(waiting.values()):
        tx.wake(delivery.case_id, waits_for=needed)
    return frozenset(waiting)
