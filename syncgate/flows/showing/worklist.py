"""What came back to a source to correct: by field and rule, since when, until it is corrected. Never a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Final
from uuid import UUID

from syncgate.domain.arrivals import ArrivalState
from syncgate.domain.delivery import Phase
from syncgate.domain.returns import RETURNED
from syncgate.domain.rows import Case, Delivery, Principal
from syncgate.flows.delivering.retracting import RETRACTION_NOT_TAKEN
from syncgate.flows.delivering.send import CORRECTION_NOT_TAKEN
from syncgate.flows.gate import Gate
from syncgate.flows.returning.causes import text_of
from syncgate.flows.showing.changes import number_at, require_own
from syncgate.flows.showing.scope import sees_case, sees_system
from syncgate.ports import DeliveryFilter, Tx

LISTED: Final = 1_000
"""Entries of each kind that are listed, the newest."""
BY_SOURCE: Final = ("source", "file")
"""Actors that a source is: its data is wrong, or a file of it is missing."""
NOT_TAKEN: Final = (CORRECTION_NOT_TAKEN, RETRACTION_NOT_TAKEN)


class WorkKind(StrEnum):
    """Why something is on a source's worklist."""

    TO_CORRECT = "to_correct"
    """What the source said cannot be sent, or was refused, for what it says: it posts it corrected."""
    GIVEN_BACK = "given_back"
    """A system took it, and gave it back for what the source said: likewise."""
    NOT_TAKEN = "not_taken"
    """What the source corrected or withdrew reaches no further: that system takes no change; a letter tells it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkFault:
    """What is wrong. field: where in the system's payload; empty where that is not known."""

    field: str
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkItem:
    """One entry.

    Attributes:
        case_no: what the source calls the case.
        reason: why it waits; cause: of what was given back; faults: what is wrong.
        text: what the system wrote in its list, without numbers and persons; empty: nothing.
        since: when it came here.
    """

    kind: WorkKind
    case_id: UUID
    case_no: str
    item: str
    system: str
    title: Mapping[str, str]
    message: str
    part: str
    delivery_id: UUID
    revision: int
    reason: str
    cause: str
    faults: tuple[WorkFault, ...]
    text: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldWork:
    """Something that the source brought and that is held.

    Attributes:
        code: why; faults: what is wrong, in the source's own names.
        number: of what was said of a case before it came: what the source calls the case.
    """

    arrival_id: UUID
    code: str
    number: str | None
    faults: tuple[WorkFault, ...]
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Worklist:
    """What a source is to correct, the oldest first.

    Attributes:
        held: what it brought and is held, the oldest first.
        is_whole: whether nothing more is there.
    """

    source: str
    items: tuple[WorkItem, ...]
    held: tuple[HeldWork, ...]
    is_whole: bool


async def read_worklist(gate: Gate, principal: Principal, source: str) -> Worklist:
    """A source's worklist. Raises NotFound where it is another's."""
    require_own(gate, principal, source)
    own = DeliveryFilter(phases=(Phase.PARKED,), posted_by=(source,))
    asked = (
        DeliveryFilter(phases=own.phases, posted_by=own.posted_by, actors=BY_SOURCE),
        DeliveryFilter(phases=own.phases, posted_by=own.posted_by, reasons=NOT_TAKEN),
    )
    found = [await gate.writer.read(partial(_items, gate, principal, source, where)) for where in asked]
    items = {item.delivery_id: item for part in found for item in part}
    held = await gate.writer.read(partial(_held, source))
    return Worklist(
        source=source,
        held=tuple(held),
        items=tuple(sorted(items.values(), key=lambda item: (item.since, item.delivery_id))),
        is_whole=all(len(part) < LISTED for part in found) and len(held) < LISTED,
    )


def _held(source: str, tx: Tx) -> list[HeldWork]:
    states = (ArrivalState.HELD,)
    found = tx.list_arrivals(sources=(source,), states=states, after=None, limit=LISTED, is_oldest_first=True)
    return [
        HeldWork(
            arrival_id=one.arrival_id,
            code=one.code,
            number=one.detail.get("number"),
            faults=tuple(WorkFault(field=at.removeprefix("/"), rule=rule) for at, rule, *_ in one.detail["errors"]),
            since=one.came_at,
        )
        for one in found
    ]


def _items(gate: Gate, principal: Principal, source: str, where: DeliveryFilter, tx: Tx) -> list[WorkItem]:
    page = tx.list_deliveries(where, after=None, limit=LISTED)
    cases = tx.cases({delivery.case_id for delivery in page})
    texts: dict[tuple[str, str], str] = {}
    return [
        _item(gate, tx, source, delivery, cases[delivery.case_id], texts)
        for delivery in page
        if sees_system(principal, delivery.system)
        and sees_case(principal, cases[delivery.case_id], tx.lanes(delivery.case_id))
    ]


def _item(
    gate: Gate, tx: Tx, source: str, delivery: Delivery, case: Case, texts: dict[tuple[str, str], str]
) -> WorkItem:
    is_returned = delivery.reason == RETURNED
    cause = delivery.detail if is_returned else ""
    if is_returned and (delivery.system, cause) not in texts:
        texts[delivery.system, cause] = text_of(gate, tx, delivery.delivery_id)
    return WorkItem(
        kind=_kind(delivery),
        case_id=case.case_id,
        case_no=number_at(tx, case, source),
        item=case.item,
        system=delivery.system,
        title=dict(gate.active_bundle(delivery.system).title) if delivery.system in gate.active else {},
        message=delivery.message,
        part=delivery.part,
        delivery_id=delivery.delivery_id,
        revision=delivery.revision,
        reason=delivery.reason or "",
        cause=cause,
        faults=() if is_returned else tuple(_faults(delivery.detail.splitlines())),
        text=texts.get((delivery.system, cause), "") if is_returned else "",
        since=delivery.changed_at,
    )


def _kind(delivery: Delivery) -> WorkKind:
    if delivery.reason in NOT_TAKEN:
        return WorkKind.NOT_TAKEN
    return WorkKind.GIVEN_BACK if delivery.reason == RETURNED else WorkKind.TO_CORRECT


def _faults(lines: Sequence[str]) -> Iterator[WorkFault]:
    """Field and first word of what is wrong there, line by line of the delivery's detail."""
    for line in lines:
        place, colon, words = line.partition(": ")
        if colon:
            yield WorkFault(field=place.removeprefix("/"), rule=words.partition(" ")[0])
