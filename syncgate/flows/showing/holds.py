"""Holds as they are read, and what they make of the deliveries that they hold back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from syncgate.domain.delivery import Phase
from syncgate.domain.holds import HELD, reaching
from syncgate.domain.rows import Delivery, Hold, Principal
from syncgate.flows.gate import Gate
from syncgate.flows.operating.holds import sees_hold
from syncgate.ports import Tx

_SCANS_AT_MOST: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldView:
    """One hold. is_active: whether it still holds; until: when it ends by itself, None: when it is lifted."""

    hold_id: UUID
    system: str | None
    message: str | None
    item: str | None
    source: str | None
    reason: str
    by: str
    created_at: datetime
    until: datetime | None
    lifted_at: datetime | None
    lifted_by: str | None
    is_active: bool

    @classmethod
    def of(cls, hold: Hold, *, now: datetime) -> HoldView:
        """The hold as it is shown."""
        told = {name: getattr(hold, name) for name in cls.__slots__ if name != "is_active"}
        return cls(**told, is_active=hold.is_active(now))


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldPage:
    """Holds, active ones first, each sort newest first. next: the cursor of the following page; None after the last."""

    holds: tuple[HoldView, ...]
    next: str | None


async def list_holds(
    gate: Gate, principal: Principal, *, after: UUID | None = None, limit: int = 50, is_active: bool = False
) -> HoldPage:
    """Holds in scope. after: the last one of the page before. is_active: only those that hold now."""

    def step(tx: Tx) -> HoldPage:
        seen: list[HoldView] = []
        cursor = after
        for _ in range(_SCANS_AT_MOST):
            found = tx.list_holds(after=cursor, limit=limit, is_active=is_active)
            for hold in found:
                cursor = hold.hold_id
                if sees_hold(principal, hold):
                    seen.append(HoldView.of(hold, now=tx.now))
                if len(seen) == limit:
                    return HoldPage(holds=tuple(seen), next=str(cursor))
            if len(found) < limit:
                return HoldPage(holds=tuple(seen), next=None)
        return HoldPage(holds=tuple(seen), next=str(cursor))

    return await gate.writer.read(step)


def holds_on_system(tx: Tx, principal: Principal, system: str) -> tuple[HoldView, ...]:
    """The active holds in scope that reach a system, newest first."""
    near = [hold for hold in tx.active_holds() if hold.system in (None, system) and sees_hold(principal, hold)]
    return tuple(HoldView.of(hold, now=tx.now) for hold in reversed(near))


def as_held(tx: Tx, deliveries: Sequence[Delivery]) -> list[Delivery]:
    """The deliveries as they are shown: of those that a person holds back with the reason, and when that ends."""
    holds = tx.active_holds()
    pending = [delivery for delivery in deliveries if delivery.phase is Phase.PENDING]
    if not holds or not pending:
        return list(deliveries)
    is_about_case = any(hold.item is not None or hold.source is not None for hold in holds)
    cases = tx.cases({delivery.case_id for delivery in pending}) if is_about_case else {}

    def shown(delivery: Delivery) -> Delivery:
        if delivery.phase is not Phase.PENDING:
            return delivery
        lane = reaching(holds, delivery.system, cases.get(delivery.case_id))
        hold = lane.on(delivery.message)
        if hold is None:
            return delivery
        due_at = lane.due(delivery.message, delivery.due_at)
        return replace(delivery, reason=HELD, detail=hold.reason, actor="operator", due_at=due_at)

    return [shown(delivery) for delivery in deliveries]
