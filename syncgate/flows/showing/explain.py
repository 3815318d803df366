"""Explain: where each value of what a system is sent of a stored case comes from. Nothing is stored or sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Literal
from uuid import UUID

from syncgate.documents import unknown
from syncgate.domain import ids
from syncgate.domain.delivery import Phase
from syncgate.domain.errors import NotFound, StoreUnavailable
from syncgate.domain.plan import Json, Message, PartOf, part_of, parts_of, plan
from syncgate.domain.replan import Slot, slots_of
from syncgate.domain.rows import AttemptKind, Case, Delivery, Principal
from syncgate.flows.delivering.held import names_in
from syncgate.flows.delivering.numbers import refs_of_leg
from syncgate.flows.documents import open_document
from syncgate.flows.gate import CaseRef, Gate
from syncgate.flows.showing.scope import find_case, sees_system
from syncgate.flows.showing.views import CaseSummary
from syncgate.mapping import Context, Inputs
from syncgate.mapping.explanation import Explanation
from syncgate.mapping.hiding import hidden
from syncgate.ports import Tx
from syncgate.site.bundle import Bundle
from syncgate.site.recipients import is_confidential, without_the_caller
from syncgate.site.shown import shown_case

Under = Literal["newest", "active"]
"""Under which bundle: that of the slot's newest delivery, or the active one over the current revision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be explained. part: the id of a stage or material; empty for a message of the whole case."""

    system: str
    message: str
    part: str = ""
    under: Under = "newest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """How one payload comes to be, with personal values hidden.

    Attributes:
        delivery: the slot's newest; None where none counts.
        revision, bundle: what was mapped, and under which bundle.
        is_planned: whether the adapter has this message sent for this revision.
    """

    case: CaseSummary
    delivery: Delivery | None
    revision: int
    bundle: str
    is_planned: bool
    explanation: Explanation = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Behind:
    """This process has not got the bundle."""

    bundle: str


async def explain_case(gate: Gate, principal: Principal, ref: CaseRef, wish: Wish) -> Explained:
    """How the payload of one slot comes to be, field by field; personal values are hidden from everybody.

    A delivery that was never claimed, or waits to be sent again, is explained under the active bundle: it is
    the one that the next send takes.

    Raises:
        NotFound: no such case, system, message or part in scope.
        StoreUnavailable: the store cannot be read, or names a bundle that this process does not have.
    """
    step = partial(_found, gate, principal, ref, wish)
    found = await gate.writer.read(step)
    if isinstance(found, _Behind) and gate.follow is not None:
        await gate.follow()
        found = await gate.writer.read(step)
    if isinstance(found, _Behind):
        raise StoreUnavailable(
            "expected to explain under a bundle that this process has, got {bundle}", bundle=found.bundle
        )
    return found()


def _found(gate: Gate, principal: Principal, ref: CaseRef, wish: Wish, tx: Tx) -> Callable[[], Explained] | _Behind:
    """All that is read of the store; what is left is computed outside of the transaction."""
    case = find_case(tx, principal, ref)
    _require_system(gate, principal, wish.system)
    deliveries = tx.deliveries(case.case_id)
    lane = [delivery for delivery in deliveries if delivery.system == wish.system]
    newest = slots_of(lane).get((wish.message, wish.part), Slot()).newest
    digest = _digest(gate, newest, wish)
    if digest not in gate.bundles or _is_behind(gate, tx, wish.system, digest):
        return _Behind(digest)
    bundle = gate.bundles[digest]
    message = _message(bundle, wish.message)
    revision = newest.revision if newest is not None and wish.under == "newest" else case.revision
    document = _document(gate, tx, case, revision)
    is_withheld = is_confidential(document) and not bundle.adapter.confidential
    if is_withheld:
        document = without_the_caller(document, gate.schema)
    _require_part(document, message, wish.part)
    context = Context(
        case_id=str(case.case_id),
        revision=revision,
        slot_key=ids.slot_key(case.case_id, wish.system, wish.message, wish.part),
        send_key=ids.send_key(newest.delivery_id if newest is not None else UUID(int=0), revision, digest),
        version_no=_version_no(newest, lane, wish),
        ordinal=_ordinal(newest, lane, document, message, wish.part),
        sent_at=_sent_at(gate, tx, newest),
        system=wish.system,
        message=wish.message,
        is_withheld=is_withheld,
    )
    names = names_in(deliveries, tx.lanes(case.case_id))
    refs = refs_of_leg(gate, names, document, message, wish.part)
    inputs = Inputs(document, part_of(document, message.of, wish.part), context, refs)
    return partial(_explained, gate, principal, case, newest, bundle, inputs)


def _explained(
    gate: Gate, principal: Principal, case: Case, newest: Delivery | None, bundle: Bundle, inputs: Inputs
) -> Explained:
    context = inputs.context
    message, mapping = bundle.message(context.message), bundle.specs[context.message].mapping
    parts = [part for _, part in parts_of(inputs.case, message.of)]
    part_index = None if message.of is PartOf.CASE else parts.index(inputs.part)
    shown = shown_case(inputs.case, mapping.reads, part_index, gate.schema)
    return Explained(
        case=CaseSummary.of(case),
        delivery=newest,
        revision=context.revision,
        bundle=bundle.digest,
        is_planned=bundle.applies(inputs.case) and message.exists(inputs.case, inputs.part),
        explanation=hidden(mapping.explain(inputs), shown, shows_number=lambda system: sees_system(principal, system)),
    )


def _require_system(gate: Gate, principal: Principal, system: str) -> None:
    """Nothing where the system may be seen. Raises NotFound, the same for one that is out of scope."""
    known = sorted(name for name in gate.active if sees_system(principal, name))
    if system not in known:
        raise NotFound(unknown("system", system, known))


def _digest(gate: Gate, newest: Delivery | None, wish: Wish) -> str:
    """The bundle of the newest delivery; the active one where the next send takes it."""
    is_to_be_sent = newest is None or newest.phase is Phase.PENDING
    if newest is None or is_to_be_sent or wish.under == "active":
        return gate.active[wish.system]
    return newest.bundle


def _is_behind(gate: Gate, tx: Tx, system: str, digest: str) -> bool:
    """Whether what is active here is so no more."""
    row = tx.system(system)
    return row is not None and gate.is_behind(row) and digest == gate.active[system]


def _message(bundle: Bundle, name: str) -> Message:
    if name not in bundle.specs:
        raise NotFound(unknown("message", name, sorted(bundle.specs)))
    return bundle.message(name)


def _require_part(document: Json, message: Message, part: str) -> None:
    """Nothing where the message has this part. Raises NotFound."""
    known = [name for name, _ in parts_of(document, message.of)]
    if part in known:
        return
    if message.of is PartOf.CASE:
        raise NotFound("expected no part, since {message} is made of the whole case", message=message.name)
    if not part:
        parts = ", ".join(known) or "none"
        raise NotFound("expected a part of {message}, one of {parts}", message=message.name, parts=parts)
    raise NotFound(unknown(message.of.value, part, known))


def _document(gate: Gate, tx: Tx, case: Case, revision: int) -> Json:
    if not case.wrapped_key:
        raise NotFound("expected a case whose content is kept, got one that is erased")
    return open_document(gate, tx, case, revision)


def _version_no(newest: Delivery | None, lane: Iterable[Delivery], wish: Wish) -> int:
    """The number of this version; of one that was never sent, the next that is free."""
    if newest is not None and newest.version_no is not None:
        return newest.version_no
    taken = (d.version_no or 0 for d in lane if (d.message, d.part) == (wish.message, wish.part))
    return max(taken, default=0) + 1


def _ordinal(newest: Delivery | None, lane: Iterable[Delivery], document: Json, message: Message, part: str) -> int:
    """The number of the part; of one that has none yet, the one that it would get."""
    if newest is not None:
        return newest.part_no
    numbers = {(delivery.message, delivery.part): delivery.part_no for delivery in lane}
    wanted = plan(document, [message], applies=True, numbers=numbers)
    found = next((planned.part_no for planned in wanted if planned.part == part), None)
    return found if found is not None else max(numbers.values(), default=0) + 1


def _sent_at(gate: Gate, tx: Tx, newest: Delivery | None) -> datetime:
    """When it was last sent; now where it was not."""
    attempts = tx.attempts(newest.delivery_id) if newest is not None else []
    sent = [one.started_at for one in attempts if one.kind is AttemptKind.SEND and one.started_at is not None]
    return sent[-1] if sent else gate.clock.now()
