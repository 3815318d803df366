"""What every flow needs of one running gate, in one frozen value."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from syncgate.domain.delivery import Phase
from syncgate.domain.errors import FieldError
from syncgate.domain.replan import is_of_its_own
from syncgate.domain.rows import Delivery, Principal, SystemRow
from syncgate.ports import Clock, Entropy, Keyring, Writer

if TYPE_CHECKING:
    from syncgate.flows.delivering.hand_over import HandOver
    from syncgate.site.bundle import Bundle
    from syncgate.site.canonical import CanonicalSchema
    from syncgate.site.sources import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One running gate.

    Attributes:
        bundles: every bundle that may be needed, by digest (active ones, and those that sent).
        active: the active bundle's digest by system. Both are replaced in place by a deploy.
        hand_over: what this process may send without a claim.
        sources: names of the systems that may post.
        on_due: told which systems have lanes due after a commit; must not block.
        follow: takes over what the store names active; None where no other process can deploy.
        link_address: where systems fetch files by link; None where they cannot.
        data: the site's own folder for what the store does not hold; None where a gate keeps nothing beside it.
        inbound: how the records of sources are read, by source; replaced in place by a deploy.
    """

    writer: Writer
    keyring: Keyring
    clock: Clock
    entropy: Entropy
    schema: CanonicalSchema
    bundles: dict[str, Bundle]
    active: dict[str, str]
    hand_over: HandOver
    sources: frozenset[str]
    on_due: Callable[[Iterable[str]], None]
    follow: Callable[[], Awaitable[None]] | None = None
    link_address: str | None = None
    data: Path | None = None
    inbound: dict[str, Source] = field(default_factory=dict)

    @property
    def owns(self) -> dict[str, frozenset[str]]:
        """By source, the fields for which its word counts; only those that own any."""
        return {name: source.owns for name, source in self.inbound.items() if source.owns}

    def active_bundle(self, system: str) -> Bundle:
        """The active bundle of a system. Raises KeyError for a system without one."""
        return self.bundles[self.active[system]]

    def is_behind(self, row: SystemRow) -> bool:
        """Whether the store names another bundle of a system active than this process works under."""
        return row.active_bundle is not None and self.active.get(row.system) != row.active_bundle


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls, and for which source. `source` is the one a case is posted by."""

    principal: Principal
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRef:
    """How a path names a case: by our id, or by (system, that system's number)."""

    case_id: UUID | None = None
    system: str | None = None
    number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """One delivery as the receipt shows it. reason: how it began, where the system holds it of its own accord."""

    delivery_id: UUID
    system: str
    message: str
    part: str
    phase: Phase
    reason: str | None = None

    @classmethod
    def of(cls, delivery: Delivery) -> Placed:
        """The delivery as the receipt shows it."""
        return cls(
            delivery_id=delivery.delivery_id,
            system=delivery.system,
            message=delivery.message,
            part=delivery.part,
            phase=delivery.phase,
            reason=delivery.reason if is_of_its_own(delivery) else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What a source gets for an accepted submission.

    status: 202 for something new, 200 for content equal to the current revision; a replayed key answers as
    the first time. warnings: broken rules that warn only. in_flight: of a withdrawal, how many deliveries of the case
    were already under way; None of anything else.
    """

    status: int
    case_id: UUID
    case_no: str
    revision: int
    receipt: str
    is_unchanged: bool = False
    deliveries: tuple[Placed, ...] = ()
    warnings: tuple[FieldError, ...] = ()
    in_flight: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What a source gets for what it said of a case that nobody knows yet: it is kept, and joins the case.

    Attributes:
        arrival_id: where it is kept.
        source, number: of the case: who says it, and what it calls the case.
        came_at: since when it waits.
    """

    arrival_id: UUID
    source: str
    number: str
    came_at: datetime


Detail = Mapping[str, str | int | bool | None]
"""Flat facts about a step, without personal data."""
