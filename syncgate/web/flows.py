"""The flows behind the routes, as values: a test puts others in their place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from syncgate.domain.rows import Delivery, Hold, Principal
from syncgate.flows.accepting import check, intake, materials
from syncgate.flows.accepting.check import CheckedCase
from syncgate.flows.accepting.intake import Call
from syncgate.flows.accepting.merging import merge_case
from syncgate.flows.accepting.withdrawal import Withdrawal, reopen_case, void_case, withdraw_case
from syncgate.flows.gate import Accepted, Caller, CaseRef, Gate, Waiting
from syncgate.flows.operating import by_hand, holds, maintenance
from syncgate.flows.operating.holds import HoldWish, Placed
from syncgate.flows.operating.maintenance import Announced, MaintenanceWish
from syncgate.flows.operating.replan_tally import Replanned
from syncgate.flows.operating.replan_wish import ReplanWish
from syncgate.flows.operating.replanning import replan_system

Json = Any
Ending = Callable[[Gate, Caller, CaseRef, Withdrawal, Call], Awaitable[Accepted | Waiting]]
Merge = Callable[[Gate, Caller, CaseRef, CaseRef, Withdrawal, Call], Awaitable[Accepted]]
Change = Callable[[Gate, Caller, CaseRef, Json, Call], Awaitable[Accepted]]
Append = Callable[[Gate, Caller, CaseRef, Json, Call], Awaitable[Accepted | Waiting]]


class Move(Protocol):
    """Moves one delivery by hand."""

    async def __call__(self, gate: Gate, principal: Principal, delivery_id: UUID, *, reason: str) -> Delivery: ...


class Confirm(Protocol):
    """Says by hand whether a system holds a delivery."""

    async def __call__(
        self,
        gate: Gate,
        principal: Principal,
        delivery_id: UUID,
        *,
        held: bool,
        remote_ref: str | None,
        reason: str,
    ) -> Delivery: ...


class PutMaterial(Protocol):
    """Stores the bytes of a material."""

    async def __call__(
        self,
        gate: Gate,
        caller: Caller,
        ref: CaseRef,
        material: str,
        declared: materials.Declared,
        pieces: AsyncIterator[bytes],
        *,
        size_at_most: int,
    ) -> materials.Stored: ...


class Pause(Protocol):
    """Stops sends to a system; says how many were already in flight."""

    async def __call__(self, gate: Gate, principal: Principal, system: str, *, reason: str) -> int: ...


class Resume(Protocol):
    """Lets a system be sent to again."""

    async def __call__(self, gate: Gate, principal: Principal, system: str, *, reason: str) -> None: ...


class Replan(Protocol):
    """Queues what a system should hold under the active bundle and was not sent."""

    async def __call__(
        self,
        gate: Gate,
        principal: Principal,
        system: str,
        wish: ReplanWish,
        *,
        cap: int,
        reason: str,
        is_dry_run: bool = False,
        after: UUID | None = None,
    ) -> Replanned: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Flows:
    """What the routes call."""

    put_material: PutMaterial = materials.put_material
    post_case: Callable[[Gate, Caller, Json, Call], Awaitable[Accepted]] = intake.post_case
    check_case: Callable[[Gate, Caller, Json, Call], Awaitable[CheckedCase]] = check.check_case
    put_case: Change = intake.put_case
    patch_case: Change = intake.patch_case
    append_stages: Append = intake.append_stages
    withdraw_case: Ending = withdraw_case
    void_case: Ending = void_case
    reopen_case: Ending = reopen_case
    merge_case: Merge = merge_case
    requeue: Move = by_hand.requeue
    cancel: Move = by_hand.cancel
    confirm: Confirm = by_hand.confirm
    pause: Pause = by_hand.pause
    resume: Resume = by_hand.resume
    place_hold: Callable[[Gate, Principal, HoldWish], Awaitable[Placed]] = holds.place_hold
    lift_hold: Callable[[Gate, Principal, UUID], Awaitable[Hold]] = holds.lift_hold
    announce_maintenance: Callable[[Gate, Principal, str, MaintenanceWish], Awaitable[Announced]] = (
        maintenance.announce_maintenance
    )
    end_maintenance: Callable[[Gate, Principal, str, UUID], Awaitable[None]] = maintenance.end_maintenance
    replan: Replan = replan_system
