"""Serving a head outside any transaction: map, check, send, and say what it came to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

from syncgate.domain.delivery import Event
from syncgate.domain.errors import StoreUnavailable
from syncgate.domain.outcome import Answer, Outcome
from syncgate.domain.plan import OnChange
from syncgate.domain.rows import Change, Delivery
from syncgate.flows.delivering.attaching import with_content
from syncgate.flows.delivering.mapping import payload_of
from syncgate.flows.delivering.retracting import RETRACTION_NOT_TAKEN, cannot_be_taken_back
from syncgate.flows.delivering.work import Marks, Payload, Verdict, Work
from syncgate.flows.gate import Gate
from syncgate.flows.reconciling.marks import marks_of
from syncgate.ports import Request, Transport, Tx
from syncgate.site.bundle import Bundle

CORRECTION_NOT_TAKEN = "correction_not_taken"
SAFETY = timedelta(milliseconds=200)
"""How much earlier than its lease a send must be over."""


async def send(gate: Gate, work: Work, transport_of: Callable[[str], Transport]) -> Verdict:
    """What sending one claimed delivery came to. Sends at most once."""
    payload = await with_content(gate, work, prepared(gate, work))
    if isinstance(payload, Verdict):
        return payload
    bundle = gate.bundles[work.delivery.bundle]
    if not lease_suffices(gate, work, bundle):
        return Verdict(event=Event.HANDED_BACK, rule="lease_too_short")
    policy = bundle.confirm_of(work.delivery)
    if policy is not None and policy.by == "hold" and not await _note_start(gate, work):
        return Verdict(event=Event.HANDED_BACK, rule="lease_lost")
    marks = marked(gate, work, bundle, payload)
    started_at = gate.clock.now()
    answer = await transport_of(bundle.digest).send(request_for(work, bundle, payload))
    return replace(judged(answer), started_at=started_at, file=payload.file, marks=marks)


def marked(gate: Gate, work: Work, bundle: Bundle, payload: Payload) -> Marks | None:
    """What reconciliation will know the payload by, once it is at the system."""
    return marks_of(gate.keyring, bundle, work.delivery, keys=lambda: work.keys, payload=payload.value)


def prepared(gate: Gate, work: Work) -> Payload | Verdict:
    """What would be sent for this work now, or why nothing can be."""
    return _held_back(gate, work) or payload_of(gate, work, sent_at=gate.clock.now())


def request_for(work: Work, bundle: Bundle, payload: Payload) -> Request:
    """What is asked of the system for this work: the same each time it is asked."""
    return Request(
        operation=_operation(work, bundle),
        keys=work.keys if payload.value is not None else work.keys_of_held,
        payload=payload.value,
        remote_ref_at=remote_ref_at(work, bundle),
        delivery_id=work.delivery.delivery_id,
        kept=payload.kept,
        file=payload.beside,
    )


def remote_ref_at(work: Work, bundle: Bundle) -> Mapping[str, str]:
    """Where the answer shows the system's own id of what was sent."""
    spec = bundle.payload_of(work.delivery)
    return {} if spec is None else spec.remote_ref_at


def judged(answer: Answer) -> Verdict:
    """The answer to a send as what happens to its delivery.

    A refusal without a byte sent is the transport's own, so the system's breaker learns nothing of it.
    """
    is_ours = answer.outcome is Outcome.REFUSED and answer.evidence.sent is None
    verdict = Verdict.of(answer, answer.outcome.event)
    return replace(verdict, outcome=None) if is_ours else verdict


def lease_suffices(gate: Gate, work: Work, bundle: Bundle) -> bool:
    """Whether the whole request ends within the lease; a process that was frozen must not send late."""
    assert work.lane.lease_until is not None
    return gate.clock.now() + bundle.limits.longest_request + SAFETY <= work.taken_at + (
        work.lane.lease_until - work.claimed_at
    )


def _held_back(gate: Gate, work: Work) -> Verdict | None:
    """The verdict on what is never sent: a change or a retraction that the system does not take."""
    bundle = gate.bundles.get(work.delivery.bundle)
    if bundle is None or bundle.confirm_of(work.delivery) is None:
        return None
    if work.delivery.change is Change.RETRACT:
        return _never_sent(RETRACTION_NOT_TAKEN) if cannot_be_taken_back(gate, work) else None
    return _never_sent(CORRECTION_NOT_TAKEN) if is_never_told(work.delivery, bundle) else None


def is_never_told(delivery: Delivery, bundle: Bundle) -> bool:
    """Whether the bundle that sends a delivery declares that its system takes no such change, or no taking back."""
    if delivery.change is Change.RETRACT:
        return delivery.message not in bundle.retractions
    if delivery.change is not Change.UPDATE:
        return False
    return bundle.message(delivery.message).on_change in (OnChange.HOLD, OnChange.IGNORE)


def _never_sent(reason: str) -> Verdict:
    detail = "the system takes no change of what it holds here"
    return Verdict(event=Event.REFUSED, rule="before_sending", reason=reason, actor="operator", detail=detail)


def _operation(work: Work, bundle: Bundle) -> str:
    if work.delivery.change is Change.RETRACT:
        return bundle.retractions[work.delivery.message].operation
    message = bundle.message(work.delivery.message)
    if work.delivery.change is Change.UPDATE and message.update_operation is not None:
        return message.update_operation
    return message.operation


async def _note_start(gate: Gate, work: Work) -> bool:
    """Commits the instant before bytes leave, for systems that can only be held for a person."""

    def step(tx: Tx) -> bool:
        lane = tx.lane(work.case.case_id, work.lane.system, lock=True)
        return lane is not None and tx.save_lane(replace(lane, send_started_at=tx.now), expected_token=work.token)

    try:
        return await gate.writer.write(step)
    except StoreUnavailable:
        return False
