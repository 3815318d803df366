"""What people and machines read, frozen: masked, within their scope, times aware."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from syncgate.domain.delivery import Phase
from syncgate.domain.forecast import Forecast
from syncgate.domain.rows import AttemptKind, BreakerState, Case, CaseState, Change, Delivery, Principal
from syncgate.flows.gate import Detail
from syncgate.flows.showing.closed import ClosureView, MaintenanceView
from syncgate.flows.showing.holds import HoldView
from syncgate.flows.showing.readbacks import ReadBackView

Json = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSummary:
    """One case without its content. origin: the source that posted it first, under case_no."""

    case_id: UUID
    origin: str
    case_no: str
    kind: str
    item: str
    region: str
    revision: int
    state: CaseState
    created_at: datetime
    changed_at: datetime

    @classmethod
    def of(cls, case: Case) -> CaseSummary:
        """The summary of a case."""
        return cls(**{name: getattr(case, name) for name in cls.__slots__})


@dataclass(frozen=True, slots=True, kw_only=True)
class MaterialView:
    """One material of a case: whether its file is stored, and what is known of a file that is."""

    material: str
    is_stored: bool
    size: int | None = None
    sha256: str | None = None
    media_type: str | None = None
    stored_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    """One case. document: the current revision; None once the case is erased. materials: in the case's order."""

    case: CaseSummary
    is_masked: bool
    document: Json
    materials: tuple[MaterialView, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionView:
    """One accepted submission; those with `is_change` made the revision that they name."""

    submission_no: int
    revision: int
    is_change: bool
    source: str
    by: str
    reason: str
    receipt: str
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a system holds in a slot: which revision of it, since when, under which number of its own.

    reason: `held_by_source`, `known_by_number` or `adopted` where it holds it of its own accord; None for what we
        delivered.
    """

    delivery_id: UUID
    revision: int
    since: datetime | None
    remote_ref: str | None
    version_no: int | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """What is still to happen in a slot, and why it has not happened yet.

    due_at: when; of an awaiting one the deadline. queued_at: since when it lies in the system's own queue; polled_at:
    when the system last said what became of it.
    """

    delivery_id: UUID
    phase: Phase
    revision: int
    reason: str | None
    detail: str
    actor: str
    due_at: datetime | None
    queued_at: datetime | None
    polled_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotView:
    """One slot of a case at a system. part: id of the stage or material; empty for the case itself."""

    message: str
    part: str
    part_no: int
    holds: Held | None
    opens: tuple[Open, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What one system holds of a case.

    is_origin: the system posted the case first and holds its own record. case_ref: what it calls the case.
    verified_at: when its contents were last read back. waits_for: the system whose number is needed first.
    """

    system: str
    title: Mapping[str, str]
    is_origin: bool
    case_ref: str | None
    verified_at: datetime | None
    waits_for: str | None
    slots: tuple[SlotView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Passport:
    """Where a case stands everywhere. merged: the cases that were merged into it."""

    case: CaseSummary
    systems: tuple[Holding, ...]
    merged: tuple[CaseSummary, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """One delivery. reason, detail, actor: why it waits, and who must act.

    queued_at: since when it lies in the system's own queue; polled_at: when the system last said what became of it;
    watched_until: until when what was delivered may be given back, and is asked about.
    """

    delivery_id: UUID
    case_id: UUID
    system: str
    message: str
    part: str
    part_no: int
    revision: int
    phase: Phase
    change: Change | None
    operation: str | None
    version_no: int | None
    reason: str | None
    detail: str
    actor: str
    due_at: datetime | None
    tries_count: int
    remote_ref: str | None
    bundle: str
    created_at: datetime
    changed_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    queued_at: datetime | None
    polled_at: datetime | None
    watched_until: datetime | None

    @classmethod
    def of(cls, delivery: Delivery) -> DeliveryView:
        """The delivery as it is shown."""
        return cls(**{name: getattr(delivery, name) for name in cls.__slots__})


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceView:
    """Bytes that left or came. digest: keyed, so that equal bytes are seen to be equal.

    masked: of a JSON body its shape, every value replaced by its kind and length; None for anything else.
    """

    digest: str
    size: int | None
    masked: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptView:
    """One entry in a delivery's history. started_at: None where a dead worker's sending time is unknown."""

    entry_no: int
    kind: AttemptKind
    outcome: str
    actor: str
    revision: int
    bundle: str | None
    started_at: datetime | None
    ended_at: datetime
    detail: Detail
    sent: EvidenceView | None
    received: EvidenceView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryDetail:
    """One delivery with its history."""

    delivery: DeliveryView
    case: CaseSummary
    attempts: tuple[AttemptView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseView:
    """Whether a person stopped sends to a system."""

    is_paused: bool
    by: str
    reason: str
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerView:
    """Whether a system is spoken to; while open, only a probe goes out at `until`."""

    state: BreakerState
    reason: str
    until: datetime | None
    failures_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemView:
    """One system. backlog: deliveries by phase; parked: by reason; both from roll-ups. holds: active ones.

    readback: how what it holds is read back, by its active bundle; None: it is not.
    closure: why it is not spoken to now; None: it may be. maintenance: announced here, under way or to come.
    forecast: when nothing waits for it any more; None where nothing is sent to it.
    """

    system: str
    title: Mapping[str, str]
    mode: str
    is_source: bool
    active_bundle: str | None
    pause: PauseView
    breaker: BreakerView
    backlog: Mapping[Phase, int]
    parked: Mapping[str, int]
    next_due_at: datetime | None
    last_taken_at: datetime | None
    holds: tuple[HoldView, ...]
    readback: ReadBackView | None = None
    closure: ClosureView | None = None
    maintenance: tuple[MaintenanceView, ...] = ()
    forecast: Forecast | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePage:
    """Cases, newest first. next: the cursor of the following page; None after the last."""

    cases: tuple[CaseSummary, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPage:
    """Deliveries, newest first. next: the cursor of the following page; None after the last."""

    deliveries: tuple[DeliveryView, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PrincipalView:
    """A principal without its key. key_hint: how its key ends."""

    principal_id: UUID
    name: str
    role: str
    sources: tuple[str, ...]
    systems: tuple[str, ...]
    regions: tuple[str, ...]
    key_hint: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, principal: Principal) -> PrincipalView:
        """The principal as it is shown."""
        return cls(**{name: getattr(principal, name) for name in cls.__slots__})


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyMade:
    """A new key, shown this once."""

    principal: PrincipalView
    key: str = field(repr=False)
