"""Confirm: what became of a delivery whose outcome is unknown. Nothing is sent for its slot meanwhile (promise 4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from syncgate.domain.comparison import different_fields
from syncgate.domain.delivery import Event
from syncgate.domain.outcome import Answer, Evidence, Found, Outcome, Reading
from syncgate.domain.plan import Json
from syncgate.domain.rows import Change
from syncgate.flows.delivering import retracting
from syncgate.flows.delivering.acknowledged import NOT_PROBED, STILL_AS_BEFORE, asked_too
from syncgate.flows.delivering.attaching import with_content
from syncgate.flows.delivering.mapping import mapped, payload_of
from syncgate.flows.delivering.numbers import is_kept
from syncgate.flows.delivering.questioning import RESTORED
from syncgate.flows.delivering.send import is_never_told, lease_suffices, marked, remote_ref_at, request_for
from syncgate.flows.delivering.work import Payload, Verdict, Work
from syncgate.flows.gate import Gate
from syncgate.ports import Request, Transport
from syncgate.site.bundle import Bundle, ConfirmPolicy

FOUND_DIFFERENT = "correction_not_taken"
ANSWERED = Outcome.REFUSED
"""What the breaker learns of a look-up: the system answered as itself, and took nothing."""
HELD_FOR_A_PERSON = "held_for_a_person"
NEVER_TOLD = "never_told"
"""Why nothing can have left, though a worker died with it: what its system does not take is parked, never sent."""
NEVER_SENT = "never_sent"
"""Why nothing can have left, though a worker died with it: the number that its content needs was not there."""
VANISHED_THERE = "vanished_there"
"""Why a person must tell: it lay in the system's queue and is there no more, without a word of what became of it."""


async def confirm(gate: Gate, work: Work, transport_of: Callable[[str], Transport]) -> Verdict:
    """What asking the system showed, under the bundle that sent."""
    bundle = gate.bundles.get(work.delivery.bundle)
    policy = bundle.confirm_of(work.delivery) if bundle is not None else None
    if bundle is None or policy is None:
        return _undecided("message_unknown")
    is_known = not work.delivery.is_in_question
    if is_known and is_never_told(work.delivery, bundle):
        return Verdict(event=Event.ABSENT, rule=NEVER_TOLD)
    if policy.by == "hold":
        return _undecided(HELD_FOR_A_PERSON)
    payload = payload_of(gate, work, sent_at=gate.clock.now())
    if is_known and isinstance(payload, Verdict) and payload.waits_for is not None and is_kept(work.delivery):
        return Verdict(event=Event.ABSENT, rule=NEVER_SENT)
    if isinstance(payload, Verdict) and not (policy.by == "look_up" and _is_unmappable(payload)):
        return _undecided("payload_not_derivable")
    if not lease_suffices(gate, work, bundle):
        return _undecided("lease_too_short")
    started_at = gate.clock.now()
    transport = transport_of(bundle.digest)
    mapped_now = None if isinstance(payload, Verdict) else payload
    if mapped_now is None or policy.by == "look_up":
        look = partial(_by_look_up, gate, work, bundle, policy, mapped_now, transport)
        verdict = await asked_too(gate, work, bundle, await look(), transport, look_again=look)
    else:
        verdict = await _by_probe(gate, work, bundle, policy, mapped_now, transport)
    verdict = _once_restored(work, bundle, policy, _once_queued(work, verdict)).begun(started_at)
    return verdict if mapped_now is None else replace(verdict, marks=marked(gate, work, bundle, mapped_now))


def _is_unmappable(verdict: Verdict) -> bool:
    """Whether the case itself gives no payload, now or until another system's number is there."""
    return bool(verdict.faults) or verdict.waits_for is not None


def _once_restored(work: Work, bundle: Bundle, policy: ConfirmPolicy, verdict: Verdict) -> Verdict:
    """The verdict, unless it says nothing of what may have been sent after the backup that was restored.

    A look-up by a sending's own key shows that one only. Another content may be newer than the store's: a person, or
    the source by posting again, says what is right.
    """
    if not work.delivery.is_in_question:
        return verdict
    is_one_sending = policy.operation in bundle.by_sending
    match verdict.event:
        case Event.ABSENT if is_one_sending and verdict.rule == "absent":
            return replace(verdict, event=Event.UNDECIDED, reason=RESTORED, actor="operator")
        case Event.FOUND_DIFFERENT:
            return replace(verdict, reason=RESTORED)
    return verdict


def _only_absence(verdict: Verdict) -> Verdict:
    """What a look-up says where the case cannot be mapped: nothing of ours to compare with, so absence alone counts.

    A worker that died before it had mapped the case leaves such a delivery; nothing left it.
    """
    if verdict.event not in (Event.FOUND, Event.FOUND_DIFFERENT):
        return verdict
    return replace(_undecided("payload_not_derivable"), outcome=verdict.outcome, evidence=verdict.evidence)


async def _by_probe(
    gate: Gate, work: Work, bundle: Bundle, policy: ConfirmPolicy, payload: Payload, transport: Transport
) -> Verdict:
    known = await asked_too(gate, work, bundle, Verdict(event=Event.ABSENT, rule=NOT_PROBED), transport)
    if known.event is not Event.ABSENT:
        return known
    sent = await with_content(gate, work, payload)
    if isinstance(sent, Verdict):
        return _undecided("payload_not_derivable")
    if not lease_suffices(gate, work, bundle):
        return _undecided("lease_too_short")
    answer = await transport.send(request_for(work, bundle, sent))
    return replace(after_probe(answer, work, policy), file=sent.file)


def _once_queued(work: Work, verdict: Verdict) -> Verdict:
    """The verdict, unless absence is all that shows what became of what lay in the system's own queue.

    It was there, and its consumer may have taken it away and over: sent again, it could be there twice.
    """
    is_gone = verdict.event is Event.ABSENT and work.delivery.queued_at is not None
    if not is_gone or work.delivery.change is Change.RETRACT:
        return verdict
    return replace(verdict, event=Event.UNDECIDED, reason=VANISHED_THERE, actor="operator")


async def _by_look_up(
    gate: Gate, work: Work, bundle: Bundle, policy: ConfirmPolicy, payload: Payload | None, transport: Transport
) -> Verdict:
    """What asking for the record says. payload: None where the case cannot be mapped any more."""
    assert policy.operation is not None
    spec = bundle.payload_of(work.delivery)
    request = Request(
        operation=policy.operation,
        keys=work.keys if spec is not None else work.keys_of_held,
        remote_ref_at=remote_ref_at(work, bundle),
        delivery_id=work.delivery.delivery_id,
    )
    reading = await transport.look_up(request, record_at=policy.record_at, absent=policy.absent)
    before = _held_payload(gate, work) if work.delivery.change is not Change.CREATE else None
    if spec is None:
        verdict = retracting.after_look_up(reading, before, compared=_compared_of_held(gate, work))
    else:
        sent = {} if payload is None else payload.value
        verdict = after_look_up(reading, sent, before, compared=spec.compared_fields)
        is_of_the_slot = policy.operation not in bundle.by_sending
        verdict = replace(verdict, is_empty_there=reading.found is Found.ABSENT and is_of_the_slot)
    return _only_absence(verdict) if payload is None else verdict


def after_look_up(reading: Reading, payload: Json, before: Json | None, *, compared: frozenset[str]) -> Verdict:
    """What a look-up says of a send. Pure.

    Args:
        reading: what the system showed.
        payload: what was sent.
        before: what the slot held before, for a change; None for a creation.
        compared: the fields to look at.
    """
    match reading.found:
        case Found.ABSENT:
            return Verdict(event=Event.ABSENT, outcome=ANSWERED, rule="absent", evidence=reading.evidence)
        case Found.UNDECIDED:
            return _undecided("look_up_failed", reading, outcome=reading.outcome)
        case Found.DENIED:
            return _undecided("denied", reading, outcome=Outcome.DENIED)
        case Found.RECORD:
            return _of_record(reading, payload, before, compared)


def _of_record(reading: Reading, payload: Json, before: Json | None, compared: frozenset[str]) -> Verdict:
    found = {"outcome": ANSWERED, "evidence": reading.evidence, "remote_ref": reading.remote_ref}
    differing = different_fields(payload, reading.record, compared=compared)
    if not differing:
        return Verdict(event=Event.FOUND, rule="found", **found)  # type: ignore[arg-type]
    if before is not None and not different_fields(before, reading.record, compared=compared):
        return Verdict(event=Event.ABSENT, rule=STILL_AS_BEFORE, **found)  # type: ignore[arg-type]
    return Verdict(
        event=Event.FOUND_DIFFERENT,
        rule="found_different",
        reason=FOUND_DIFFERENT,
        actor="operator",
        detail="\n".join(f"{name}: differs at the system" for name in differing),
        **found,  # type: ignore[arg-type]
    )


def after_probe(answer: Answer, work: Work, policy: ConfirmPolicy) -> Verdict:
    """What a re-send of the same payload says of the first one. Pure.

    Taken or duplicate means that the system holds it, if no other content was ever sent for the slot.
    """
    match answer.outcome:
        case Outcome.TAKEN | Outcome.DUPLICATE if _shows_presence(answer.outcome, policy):
            is_ours = not work.is_other_sent or policy.by == "idempotency_key"
            return Verdict(
                event=Event.FOUND if is_ours else Event.FOUND_DIFFERENT,
                outcome=answer.outcome,
                rule=answer.rule,
                reason="" if is_ours else FOUND_DIFFERENT,
                actor="" if is_ours else "operator",
                evidence=answer.evidence,
                remote_ref=answer.remote_ref,
            )
        case Outcome.REFUSED:
            return Verdict(
                event=Event.REFUSED,
                outcome=answer.outcome,
                rule=answer.rule,
                reason=answer.reason or answer.rule,
                actor=answer.actor,
                evidence=answer.evidence,
            )
        case outcome:
            return Verdict(
                event=Event.UNDECIDED,
                outcome=outcome,
                rule=answer.rule,
                reason=answer.reason or "undecided",
                evidence=answer.evidence,
                retry_after=answer.retry_after,
            )


def _shows_presence(outcome: Outcome, policy: ConfirmPolicy) -> bool:
    return outcome is Outcome.TAKEN or policy.by == "duplicate_probe"


def _compared_of_held(gate: Gate, work: Work) -> frozenset[str]:
    bundle = gate.bundles.get(work.held[0].bundle) if work.held is not None else None
    spec = bundle.payload_of(work.held[0]) if bundle is not None and work.held is not None else None
    return frozenset() if spec is None else spec.compared_fields


def _held_payload(gate: Gate, work: Work) -> Json | None:
    if work.held is None:
        return None
    delivery, submission = work.held
    bundle = gate.bundles.get(delivery.bundle)
    if bundle is None or delivery.message not in bundle.specs:
        return None
    before = mapped(gate, work, delivery, submission, bundle, sent_at=gate.clock.now())
    return before.value if isinstance(before, Payload) else None


def _undecided(reason: str, reading: Reading | None = None, *, outcome: Outcome | None = None) -> Verdict:
    evidence = reading.evidence if reading is not None else Evidence()
    return Verdict(
        event=Event.UNDECIDED,
        outcome=outcome,
        rule=reason,
        reason=reason,
        evidence=evidence,
        retry_after=reading.retry_after if reading is not None else None,
    )
