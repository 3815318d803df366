"""What the acknowledgement knows of a sending whose outcome is unknown, beside what a look-up shows.

A consumer that moves what it rejects leaves no record behind: absence alone would lead back to sending (promise 4).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from syncgate.domain.delivery import Event
from syncgate.domain.outcome import Answer, Outcome
from syncgate.domain.rows import Change
from syncgate.flows.delivering.polling import ANSWERED, is_answer, is_unasked
from syncgate.flows.delivering.send import lease_suffices, remote_ref_at
from syncgate.flows.delivering.watching import acknowledgement_of
from syncgate.flows.delivering.work import Verdict, Work
from syncgate.flows.gate import Gate
from syncgate.ports import Request, Transport
from syncgate.site.bundle import Bundle

THERE = frozenset({"unclear", "ambiguous"})
"""Rules by which something lies there, whatever it is; by any other rule `unknown` says that nothing is known of it."""
NOT_PROBED = "not_probed"
STILL_AS_BEFORE = "still_as_before"
"""Rule by which a change is absent: the record shows what it was before."""
FLAG_SAYS_NOTHING = frozenset({STILL_AS_BEFORE, NOT_PROBED})
"""Verdicts that a flag does not contradict: what it is about may be what was there before."""


async def asked_too(
    gate: Gate,
    work: Work,
    bundle: Bundle,
    verdict: Verdict,
    transport: Transport,
    *,
    look_again: Callable[[], Awaitable[Verdict]] | None = None,
) -> Verdict:
    """The verdict of a look-up; where it says absent, and the system can be asked for more, what both say.

    Args:
        gate: the running gate.
        work: what is confirmed.
        bundle: that sent it.
        verdict: what was found out so far.
        transport: of that bundle.
        look_again: the look-up, once more; None where there is none. What was there before the change may have been
            rejected between the look and the flag: only if it still stands after it, the flag is about the change.
    """
    policy = acknowledgement_of(work.delivery, bundle)
    if verdict.event is not Event.ABSENT or policy is None or bundle.payload_of(work.delivery) is None:
        return verdict
    if not lease_suffices(gate, work, bundle):
        return replace(verdict, event=Event.UNDECIDED, rule="lease_too_short", reason="undecided")
    request = Request(
        operation=policy.operation,
        keys=work.keys,
        remote_ref_at=remote_ref_at(work, bundle),
        delivery_id=work.delivery.delivery_id,
    )
    (answer,) = await transport.poll([request])
    is_only_content = work.delivery.change is Change.CREATE and not work.is_other_sent
    said = with_acknowledgement(verdict, answer, is_only_content=is_only_content)
    if look_again is None or said.event is not Event.REFUSED or verdict.rule != STILL_AS_BEFORE:
        return said
    again = await look_again()
    return said if again.rule == STILL_AS_BEFORE else again


def with_acknowledgement(absent: Verdict, answer: Answer, *, is_only_content: bool) -> Verdict:
    """What is true where no record shows what was sent, and the acknowledgement says this. Pure.

    Args:
        absent: the look-up's verdict.
        answer: the acknowledgement's.
        is_only_content: whether nothing else was ever sent for the slot: a flag may be about what was there before.
    """
    if is_unasked(answer) or _knows_nothing(answer):
        return absent
    said = Verdict(
        event=Event.UNDECIDED,
        outcome=ANSWERED if is_answer(answer) else answer.outcome,
        rule=answer.rule,
        reason=answer.reason or "undecided",
        actor=answer.actor,
        evidence=answer.evidence,
        remote_ref=answer.remote_ref,
        retry_after=answer.retry_after,
        is_empty_there=absent.is_empty_there,
    )
    match answer.outcome:
        case Outcome.REFUSED:
            return replace(said, event=Event.REFUSED, reason=answer.reason or answer.rule, is_given_back=True)
        case Outcome.TAKEN | Outcome.QUEUED_THERE if is_only_content:
            return replace(said, event=Event.FOUND, reason="")
        case Outcome.TAKEN | Outcome.QUEUED_THERE if absent.rule in FLAG_SAYS_NOTHING:
            return absent
        case _:
            return said


def _knows_nothing(answer: Answer) -> bool:
    return answer.outcome is Outcome.UNKNOWN and is_answer(answer) and answer.rule not in THERE
