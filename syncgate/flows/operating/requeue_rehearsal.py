"""The dry run of a bulk requeue: which of what failed would pass now, and why the others would not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog

from syncgate.domain.delivery import Phase
from syncgate.domain.errors import StoreUnavailable
from syncgate.domain.rows import Principal
from syncgate.flows.accepting.check import Expected, rehearse
from syncgate.flows.delivering.defects import place_of
from syncgate.flows.delivering.work import PayloadFault
from syncgate.flows.gate import Gate
from syncgate.flows.operating.failed import Failed, LeftAlone, survey
from syncgate.ports import Tx

log = structlog.get_logger("syncgate.requeue")
CHECKED_AT_MOST: Final = 1000
"""Deliveries that one dry run maps."""
_AT_A_TIME: Final = 50
_SHOWN: Final = 10

Checked = tuple[UUID, Expected]


@dataclass(frozen=True, slots=True, kw_only=True)
class StillFailing:
    """Deliveries that would park again for the same reason, at the same field, by the same rule.

    sample: some of their ids.
    """

    reason: str
    field: str
    rule: str
    actor: str
    count: int
    sample: tuple[UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What a bulk requeue would come to now.

    Attributes:
        matched: how many parked deliveries are meant. is_whole: whether all were looked at; if not, at least so many.
        checked: how many of them were mapped and held against the contract, the oldest first.
        passes: how many of those could be sent. waits: how many would wait for another system's number first.
        drops: how many would be cancelled, as their message ignores changes.
        fails: how many would park again; failing: why, the most frequent first. One with several faults is in several.
        sample: some of those that pass.
    """

    system: str
    matched: int
    is_whole: bool
    checked: int
    passes: int
    waits: int
    drops: int
    fails: int
    failing: tuple[StillFailing, ...]
    sample: tuple[UUID, ...]
    left_alone: tuple[LeftAlone, ...]


async def rehearse_requeue(gate: Gate, principal: Principal, failed: Failed) -> Rehearsed:
    """What requeueing would come to under the active bundle: nothing is stored, nobody is spoken to.

    Raises:
        StoreUnavailable: the store cannot be read, or names a bundle active that this process does not have.
    """
    await _follow(gate, failed.system)
    found = await survey(gate, principal, failed)
    wanted = found.found[:CHECKED_AT_MOST]
    checked: list[Checked] = []
    for start in range(0, len(wanted), _AT_A_TIME):
        page = wanted[start : start + _AT_A_TIME]
        checked += await gate.writer.read(lambda tx, page=page: _checked(gate, tx, page))  # type: ignore[misc]
    failing = [one for one in checked if one[1].phase is Phase.PARKED]
    passing = [one for one in checked if one[1].phase is Phase.PENDING]
    free = [delivery_id for delivery_id, expected in passing if expected.waits_for is None]
    return Rehearsed(
        system=failed.system,
        matched=len(found.found),
        is_whole=found.is_whole,
        checked=len(checked),
        passes=len(free),
        waits=len(passing) - len(free),
        drops=len(checked) - len(passing) - len(failing),
        fails=len(failing),
        failing=_grouped(failing),
        sample=tuple(free[:_SHOWN]),
        left_alone=found.left_alone,
    )


async def _follow(gate: Gate, system: str) -> None:
    """Takes over what the store names active, so that what passes here passes there."""
    is_behind = lambda tx: (row := tx.system(system)) is not None and gate.is_behind(row)  # noqa: E731
    if gate.follow is not None and await gate.writer.read(is_behind):
        await gate.follow()
        if await gate.writer.read(is_behind):
            raise StoreUnavailable("expected to check under the active bundles, got a process that has not all of them")


def _checked(gate: Gate, tx: Tx, wanted: Sequence[UUID]) -> list[Checked]:
    found: list[Checked] = []
    for delivery_id in wanted:
        delivery = tx.delivery(delivery_id)
        if delivery is None or delivery.phase is not Phase.PARKED:
            continue
        try:
            found.append((delivery_id, rehearse(gate, tx, delivery)))
        except Exception as error:
            log.error("rehearsal_broke", delivery_id=str(delivery_id), error=type(error).__name__, at=place_of(error))
            broken = Expected(
                system=delivery.system,
                message=delivery.message,
                part=delivery.part,
                phase=Phase.PARKED,
                is_changed=False,
                reason="defect",
                actor="developer",
            )
            found.append((delivery_id, broken))
    return found


def _grouped(failing: Iterable[Checked]) -> tuple[StillFailing, ...]:
    by_fault: dict[tuple[str, str, str, str], list[UUID]] = {}
    for delivery_id, expected in failing:
        for fault in expected.faults or (PayloadFault(field="", rule=""),):
            by_fault.setdefault((expected.reason, fault.field, fault.rule, expected.actor), []).append(delivery_id)
    groups = (
        StillFailing(reason=reason, field=field, rule=rule, actor=actor, count=len(found), sample=tuple(found[:_SHOWN]))
        for (reason, field, rule, actor), found in by_fault.items()
    )
    return tuple(sorted(groups, key=lambda group: (-group.count, group.reason, group.field, group.rule)))
