"""What a person types by hand into a system: its list, oldest first, with the fields of each entry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from syncgate.domain.delivery import Phase
from syncgate.domain.errors import Forbidden, NotFound
from syncgate.domain.modes import TYPED_BY_HAND
from syncgate.domain.plan import Json
from syncgate.domain.rows import AuditEntry, Case, Delivery, Principal
from syncgate.flows.accepting.check import rehearse
from syncgate.flows.gate import Gate
from syncgate.flows.operating.people import Action, may
from syncgate.flows.reconciling.expected import Maker
from syncgate.flows.showing.files import ReasonMissing
from syncgate.flows.showing.scope import sees_delivery, sees_system
from syncgate.ports import DeliveryFilter, Tx

_SCANS_AT_MOST: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldToType:
    """One field. title: what the contract calls it, by language. value: None where values are not shown."""

    name: str
    title: Mapping[str, str]
    value: Json = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToType:
    """One entry of the list.

    Attributes:
        delivery_id: what is confirmed once it is typed.
        since: since when it is on the list.
        fields: in the order of the mapping; empty where it cannot be mapped.
        reason: why it cannot be mapped; empty where it can.
    """

    delivery_id: UUID
    case_id: UUID
    case_no: str
    item: str
    message: str
    part: str
    revision: int
    since: datetime
    fields: tuple[FieldToType, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualWorklist:
    """A page of the list. next: the cursor of the following page; None after the last."""

    system: str
    entries: tuple[ToType, ...]
    next: UUID | None = None


async def read_manual_worklist(
    gate: Gate, principal: Principal, system: str, *, after: UUID | None, limit: int, reason: str | None = None
) -> ManualWorklist:
    """What is to be typed by hand into a system, oldest first.

    Args:
        gate: the running gate.
        principal: who asks.
        system: which one.
        after: the last entry of the page before.
        limit: entries at most.
        reason: why the values are shown, which the audit keeps; None: they are not.

    Raises:
        NotFound: no such system in scope. Forbidden: the role may not see content. ReasonMissing: it is empty.
    """
    if system not in gate.active or not sees_system(principal, system):
        raise NotFound("expected a system of this site, got none of that name")
    if reason is not None and (not may(principal, Action.READ_CONTENT) or principal.role == "source"):
        raise Forbidden("expected a key that may read content, got one that may not")
    if reason == "":
        raise ReasonMissing("expected X-Reason to say why values are shown, got none")

    def step(tx: Tx) -> ManualWorklist:
        page = _page(gate, tx, principal, system, after=after, limit=limit, is_open=reason is not None)
        if reason is not None:
            thing = f"system:{system}"
            entry = AuditEntry(
                at=tx.now, actor=principal.name, action="worklist_revealed", object=thing, reason=reason,
                detail={"entries": len(page.entries)},
            )  # fmt: skip
            tx.append_audit(entry)
        return page

    return await gate.writer.write(step) if reason is not None else await gate.writer.read(step)


def _page(
    gate: Gate, tx: Tx, principal: Principal, system: str, *, after: UUID | None, limit: int, is_open: bool
) -> ManualWorklist:
    where = DeliveryFilter(phases=(Phase.PARKED,), systems=(system,), reasons=(TYPED_BY_HAND,))
    maker = Maker(gate, tx, system)
    entries: list[ToType] = []
    for _ in range(_SCANS_AT_MOST):
        found = tx.oldest_deliveries(where, after=after, limit=limit)
        maker.load(found)
        for delivery, case in _seen(tx, principal, found):
            entries.append(_entry(gate, tx, maker, delivery, case, is_open=is_open))
            if len(entries) == limit:
                return ManualWorklist(system=system, entries=tuple(entries), next=delivery.delivery_id)
        if len(found) < limit:
            return ManualWorklist(system=system, entries=tuple(entries))
        after = found[-1].delivery_id
    return ManualWorklist(system=system, entries=tuple(entries), next=after)


def _seen(tx: Tx, principal: Principal, found: Sequence[Delivery]) -> Iterator[tuple[Delivery, Case]]:
    cases = tx.cases({delivery.case_id for delivery in found})
    for delivery in found:
        case = cases.get(delivery.case_id)
        if case is not None and sees_delivery(tx, principal, delivery, case):
            yield delivery, case


def _entry(gate: Gate, tx: Tx, maker: Maker, delivery: Delivery, case: Case, *, is_open: bool) -> ToType:
    bundle = gate.active_bundle(delivery.system)
    made = maker.made(delivery, bundle=bundle)
    payload = made.payload if made is not None else None
    titles = _titles(bundle.specs[delivery.message].contract.document) if delivery.message in bundle.specs else {}
    return ToType(
        delivery_id=delivery.delivery_id,
        case_id=case.case_id,
        case_no=case.case_no,
        item=case.item,
        message=delivery.message,
        part=delivery.part,
        revision=delivery.revision,
        since=delivery.created_at,
        fields=tuple(
            FieldToType(name=name, title=titles.get(name, {}), value=value if is_open else None)
            for name, value in (payload.items() if isinstance(payload, Mapping) else ())
        ),
        reason="" if payload is not None else rehearse(gate, tx, delivery).reason or "defect",
    )


def _titles(contract: Mapping[str, Any]) -> dict[str, Mapping[str, str]]:
    """What the contract calls its fields, by language."""
    properties = contract.get("properties", {})
    return {
        name: {"zh": str(node["title"]), "en": str(node.get("x-title-en", node["title"]))}
        for name, node in properties.items()
        if isinstance(node, Mapping) and "title" in node
    }
