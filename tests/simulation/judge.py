"""The promises, judged by what the simulated systems hold and by their own log of requests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final
from uuid import UUID

from syncgate.domain import ids
from syncgate.domain.delivery import Phase
from syncgate.domain.rows import Delivery
from syncgate.ports import DeliveryFilter
from tests.simulation.people import Operators, Story
from tests.simulation.process import World
from tests.simulation.systems import Entry, System
from tests.simulation.town import title

ELSEWHERE_WITHIN: Final = 1.2
"""Seconds within which a pause takes effect everywhere, and what a claim before it had under way has left."""


def violations(world: World, stories: Sequence[Story], operators: Operators) -> list[str]:
    """What of the promises did not hold, one line each, beginning with the promise's number."""
    deliveries = world.store.read(lambda tx: tx.oldest_deliveries(DeliveryFilter(), after=None, limit=5000))
    found = [*_lost(world, stories, operators, deliveries)]
    for system in world.systems.values():
        found += [*_doubled(system), *_resent_blindly(system), *_turned_back(system), *_unknown(system, deliveries)]
        found += _out_of_order(system, stories)
    return [*found, *_sent_while_paused(world, operators), *_sent_by_deploy(world, stories, operators)]


def _lost(
    world: World, stories: Sequence[Story], operators: Operators, deliveries: Sequence[Delivery]
) -> Iterator[str]:
    """Promises 1 and 3: what was said yes to is there, in its newest edition, and nothing that was withdrawn is."""
    counters = world.store.read(lambda tx: tx.counters())
    counted: dict[tuple[str, Phase], int] = defaultdict(int)
    for delivery in deliveries:
        counted[delivery.system, delivery.phase] += 1
    kept: dict[tuple[str, Phase], int] = defaultdict(int)
    for (name, phase, _), number in counters.items():
        kept[name, phase] += number
    if {key: n for key, n in kept.items() if n} != dict(counted):
        yield "3: the counters are not what the deliveries are"
    for delivery in deliveries:
        is_stopped = delivery.phase is Phase.PENDING and (delivery.case_id, delivery.system) in operators.cancelled
        is_settled = delivery.phase in (Phase.DELIVERED, Phase.CANCELLED) or is_stopped
        if not is_settled:
            yield f"3: {_slot_of(delivery)} never comes to rest: {delivery.phase} {delivery.reason}"
    for story in stories:
        for system in world.systems.values():
            if story.case_id is not None and (story.case_id, system.town.name) not in operators.cancelled:
                yield from _missing(world, story, system)


def _missing(world: World, story: Story, system: System) -> Iterator[str]:
    assert story.case_id is not None
    name = system.town.name
    slots = {("record", ""): story.record} | {("step", f"s{no}"): edition for no, edition in story.steps.items()}
    for (message, part), edition in slots.items():
        held = system.holds(ids.slot_key(story.case_id, name, message, part), world.now)
        where = f"{story.number} {message} {part} at {name}"
        if story.is_withdrawn:
            if held is not None:
                yield f"3: {where} was withdrawn and is still there"
        elif held is None:
            yield f"3: {where} is not there"
        elif held["title" if message == "record" else "said"] != title(edition):
            yield f"3: {where} is there in another edition than the newest"


def _doubled(system: System) -> Iterator[str]:
    """Promises 4 and 12: no slot is filled twice."""
    for entry in system.log:
        if entry.effect == "doubled":
            yield f"4: {system.town.name} got a slot a second time at {entry.at:.3f}"


def _resent_blindly(system: System) -> Iterator[str]:
    """Promise 4: where the system can be asked, it is asked before anything is sent again."""
    if system.town.knows != "look_up":
        return
    doubtful: dict[str, bool] = {}
    for entry in system.log:
        if entry.kind == "send":
            if doubtful.get(entry.slot):
                yield f"4: {system.town.name} got another send at {entry.sent_at:.3f} while one was in doubt"
            doubtful[entry.slot] = not entry.is_answered
        elif entry.is_answered:
            doubtful[entry.slot] = False


def _turned_back(system: System) -> Iterator[str]:
    """Promise 5: an older edition never comes after a newer one."""
    newest: dict[str, int] = {}
    for entry in sorted((one for one in system.log if one.at is not None), key=lambda one: one.at or 0.0):
        if entry.effect == "removed":
            newest.pop(entry.slot, None)
        if entry.effect in ("created", "changed", "doubled") and entry.payload is not None:
            edition = _edition(entry)
            if edition < newest.get(entry.slot, 0):
                yield f"5: {system.town.name} got edition {edition} after {newest[entry.slot]} at {entry.at:.3f}"
            newest[entry.slot] = max(edition, newest.get(entry.slot, 0))


def _edition(entry: Entry) -> int:
    assert entry.payload is not None
    text = entry.payload.get("title") or entry.payload["said"]
    return int(text.strip("第版"))


def _out_of_order(system: System, stories: Sequence[Story]) -> Iterator[str]:
    """Promise 5: a step comes after its record and after the steps before it."""
    first: dict[str, float] = {}
    for entry in system.log:
        if entry.effect == "created" and entry.at is not None:
            first.setdefault(entry.slot, entry.at)
    for story in stories:
        if story.case_id is None:
            continue
        names = [("record", ""), *(("step", f"s{no}") for no in sorted(story.steps))]
        times = [first.get(ids.slot_key(story.case_id, system.town.name, *name)) for name in names]
        there = [at for at in times if at is not None]
        if there != sorted(there) or (None in times and any(times[times.index(None) :])):
            yield f"5: {story.number} did not come to {system.town.name} in its order"


def _unknown(system: System, deliveries: Sequence[Delivery]) -> Iterator[str]:
    """Promise 12: every write is a delivery."""
    known = {delivery.delivery_id for delivery in deliveries}
    for entry in system.log:
        if entry.kind == "send" and entry.delivery not in known:
            yield f"12: {system.town.name} got a send of no delivery at {entry.sent_at:.3f}"


def _sent_while_paused(world: World, operators: Operators) -> Iterator[str]:
    """Promise 9: what was paused gets nothing more."""
    for pause in operators.pauses:
        for entry in world.systems[pause.system].log:
            if entry.kind == "send" and pause.since + ELSEWHERE_WITHIN < entry.sent_at < pause.until:
                yield f"9: {pause.system} got a send at {entry.sent_at:.3f}, paused since {pause.since:.3f}"


def _sent_by_deploy(world: World, stories: Sequence[Story], operators: Operators) -> Iterator[str]:
    """Promise 13: the same edition is not sent again because its mapping is another one now."""
    for name in operators.deployed_at:
        taken: dict[tuple[str, int], str] = {}
        for entry in world.systems[name].log:
            if entry.effect in ("created", "changed") and entry.payload is not None:
                key = (entry.slot, _edition(entry))
                version = entry.payload["version"]
                if taken.setdefault(key, version) != version and entry.effect == "changed":
                    yield f"13: {name} got the same edition in another form at {entry.at:.3f}"


def evidence_gaps(world: World, delivery_ids: Sequence[UUID]) -> list[str]:
    """Promise 8: every send left an entry."""
    found = []
    for system in world.systems.values():
        sends: dict[UUID, int] = defaultdict(int)
        for entry in system.log:
            if entry.kind == "send" and entry.delivery is not None and not entry.is_copy:
                sends[entry.delivery] += 1
        for delivery_id, count in sends.items():
            attempts = world.store.read(lambda tx, one=delivery_id: tx.attempts(one))  # type: ignore[misc]
            if len(attempts) < count and delivery_id in set(delivery_ids):
                found.append(f"8: {system.town.name} got {count} sends of a delivery that tells of {len(attempts)}")
    return found


def _slot_of(delivery: Delivery) -> str:
    return f"{delivery.message} {delivery.part} at {delivery.system}"
