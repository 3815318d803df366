"""Which of the systems' own numbers a mapping reads: those of its leg, and once it was sent, those of that time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

import orjson

from syncgate.domain.assignment import assignment_of
from syncgate.domain.delivery import MAYBE_SENT, Phase
from syncgate.domain.plan import Json, Message, PartOf
from syncgate.domain.rows import Delivery
from syncgate.flows.delivering.held import remote_refs
from syncgate.flows.gate import Gate
from syncgate.mapping import Refs

Numbers = Mapping[tuple[str, str | None], str]
"""Numbers by system and message, by system and `message/part`, and by system alone (None)."""


def closed_ref(deliveries: Iterable[Delivery], closing: Delivery, messages: Iterable[Message]) -> str | None:
    """The number of what a message of a leg closes; None for any other message, and where there is none."""
    closes = next((message.closes for message in messages if message.name == closing.message), None)
    if closes is None:
        return None
    own = [d for d in deliveries if d.system == closing.system]
    return remote_refs(own).get((closing.system, f"{closes}/{closing.part}"))


def refs_to_keep(refs: Refs, systems: Collection[str]) -> str | None:
    """What a delivery's row keeps of what these systems called things as it was sent, that they called it nothing
    included; None where its mapping names no system."""
    if not systems:
        return None
    numbers = [[system, of, number] for (system, of), number in refs.remote_ref.items() if system in systems]
    cases = {system: number for system, number in refs.case_ref.items() if system in systems}
    return orjson.dumps([sorted(numbers, key=str), cases], option=orjson.OPT_SORT_KEYS).decode()


def is_kept(delivery: Delivery) -> bool:
    """Whether its payload is derived with the names of the time when it was claimed, not with those of now."""
    return delivery.sent_refs is not None and (delivery.phase in MAYBE_SENT or delivery.phase is Phase.DELIVERED)


def refs_read(delivery: Delivery, now: Refs) -> Refs:
    """What the mapping of a delivery reads of other systems: of what may be at its system, what it was sent with.

    A number may have come, been taken back or given anew since; the same content must come of the same delivery again.
    """
    if delivery.sent_refs is None or not is_kept(delivery):
        return now
    numbers, cases = orjson.loads(delivery.sent_refs)
    return Refs(remote_ref={(system, of): number for system, of, number in numbers}, case_ref=cases)


def refs_of_leg(gate: Gate, refs: Refs, document: Json, message: Message, part: str) -> Refs:
    """The names as a message's mapping reads them: of what there is once a leg, those of the part's own leg.

    A message of the case or of a material reads those of the leg that is live.
    """
    return replace(refs, remote_ref=_numbers_of_leg(gate, refs.remote_ref, document, message, part))


def _numbers_of_leg(gate: Gate, numbers: Numbers, document: Json, message: Message, part: str) -> Numbers:
    by_leg = {(system, one) for system, one in numbers if one is not None and _is_of_leg(gate, system, one)}
    if not by_leg:
        return numbers
    leg = _leg(document, message, part)
    found = {key: number for key, number in numbers.items() if key not in by_leg}
    for system in {system for system, _ in by_leg}:
        found.pop((system, None), None)
    for system, name in sorted(by_leg):
        number = numbers.get((system, f"{name}/{leg}"))
        if number is not None:
            found[system, name] = number
    for (system, one), number in sorted(found.items(), key=str):
        if one is not None and "/" not in one:
            found.setdefault((system, None), number)
    return found


def _is_of_leg(gate: Gate, system: str, name: str) -> bool:
    bundle = gate.bundles.get(gate.active.get(system, ""))
    return bundle is not None and any(one.name == name and one.of is PartOf.LEG for one in bundle.messages)


def _leg(document: Json, message: Message, part: str) -> str | None:
    if message.of is PartOf.LEG:
        return part
    assignment = assignment_of(document)
    leg = assignment.leg_of(part) if message.of is PartOf.STAGE else assignment.current
    return None if leg is None else leg.id
