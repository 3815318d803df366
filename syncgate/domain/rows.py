"""The persisted shapes: what a row of each table says, frozen. Identifiers are UUIDs, times aware and in UTC."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from syncgate.domain.delivery import Phase
from syncgate.domain.row import quick


class CaseState(StrEnum):
    """What became of a case as a whole."""

    OPEN = "open"
    WITHDRAWN = "withdrawn"
    VOID = "void"
    MERGED = "merged"


class Change(StrEnum):
    """What a delivery does to its slot at the system; decided when it is claimed."""

    CREATE = "create"
    """The slot holds nothing delivered yet."""
    UPDATE = "update"
    """Replaces what the slot holds by the message's update operation."""
    NEW_VERSION = "new_version"
    """Adds the next numbered version beside what the slot holds."""
    RETRACT = "retract"
    """Takes back what the slot holds."""


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case. Attributes:

    case_id: UUIDv7, ours.
    origin: the source that posted it first; case_no: its number there.
    revision: number of the current revision, from 1; submission_no: number of the newest submission.
    content_mac: keyed digest of the current revision's canonical JSON.
    wrapped_key: the case's data key under the master key; empty once the case is erased.
    source_version: what the source last declared, as text, None where it never did.
    merged_into: the case that stands for this one too; None where none does.
    """

    case_id: UUID
    origin: str
    case_no: str
    kind: str
    item: str = ""
    region: str = ""
    revision: int
    submission_no: int
    content_mac: bytes
    wrapped_key: bytes
    state: CaseState = CaseState.OPEN
    source_version: str | None = None
    merged_into: UUID | None = None
    created_at: datetime
    changed_at: datetime


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One accepted call of a source. The submissions with `is_change` are the case's revisions.

    `sealed_document` is the whole canonical case after the change, sealed with the case's key; None where
    nothing changed. `request_mac` covers method, path and canonical body. `receipt` is what the source got.
    """

    case_id: UUID
    submission_no: int
    revision: int
    is_change: bool
    source: str
    idempotency_key: str | None = None
    request_mac: bytes
    sealed_document: bytes | None
    schema_no: int = 1
    status: int
    receipt: str
    by: str
    reason: str = ""
    received_at: datetime


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """In what a case may be like others: a keyed digest a feature. came_at: when the case came."""

    case_id: UUID
    feature: str
    mac: bytes
    came_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldApart:
    """A person's word that two cases which look alike are two. case_id is the later one."""

    case_id: UUID
    other_id: UUID
    by: str
    reason: str
    at: datetime


class Alike(NamedTuple):
    """Two open cases that look alike: the later one, the earlier one, in what, and how far apart they came."""

    case_id: UUID
    other_id: UUID
    feature: str
    apart: timedelta


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What one source itself has said of a case so far, under its own number; one row a source.

    submission_no: of the submission that last changed it. sealed: the document, sealed with the case's key.
    """

    case_id: UUID
    source: str
    submission_no: int
    sealed: bytes


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """(case, system): what is queued, leased and woken.

    due_at: when its earliest head is due; None while nothing is.
    poll_at: when its system is asked next what became of something; None while nothing is asked.
    rank_at: since when it counts as waiting, where that is before it was due; None: its turn comes by its due time.
    lease_token, lease_until, lease_owner: set together while somebody works on it.
    send_started_at: the committed instant before bytes leave, kept only for systems held for a person.
    waits_for: the system whose remote_ref its head needs.
    case_ref: what that system calls the case.
    """

    case_id: UUID
    system: str
    due_at: datetime | None = None
    poll_at: datetime | None = None
    lease_token: UUID | None = None
    lease_until: datetime | None = None
    lease_owner: str | None = None
    send_started_at: datetime | None = None
    waits_for: str | None = None
    case_ref: str | None = None
    verified_at: datetime | None = None
    rank_at: datetime | None = None


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Filling a slot once. The slot is (case_id, system, message, part).

    part: id of the stage or material, empty for a message of the case; part_no: its number, from 1, by arrival.
    revision: the case's revision that it carries.
    operation, change, bundle, version_no: set when it is claimed for a send; before, `bundle` is the one that
        planned it.
    tries_count: uses of the schedule so far; first_failed_at: since when.
    lease_token: the lane's lease, exactly while in_flight.
    input_mac: keyed digest of the inputs that its mapping reads; empty where the system holds what nobody told us.
    sent_mac: keyed digest of the last content whose bytes may have left, or that the system holds of its own
        accord; None before.
    is_other_sent: whether another payload may have left for this same delivery before.
    reason, detail: why it is parked, why it waits, or, of a delivered one, that the system holds it of its own
        accord (a `Beginning`) or that a person said that it does; codes, fields and rules, never a value.
    entries_count: attempts so far, so that the next entry_no is known.
    due_at: when something must be done; of an awaiting one the deadline of its acknowledgement.
    confirms_count: questions so far that the system answered, in this phase.
    queued_at: since when what was sent last lies in the system's own queue; None where it never said so.
    poll_at: when the system is asked next what became of it. polled_at: when it last answered that.
    watched_until: until when a delivered one may still be given back, and is asked about.
    given_back_no: the version that the system gave back last after it had lain there; the next send takes another.
    held_key, held_mac: keyed digests of what reconciliation will find of it: the reference under which the system
        lists it, and its compared fields. None where the system is not read back, or nothing was sent.
    observed: what reconciliation, or a look-up for a change of it, saw in its place at `observed_at`, where that is not
        what was delivered.
    sent_refs: what other systems called things as it was claimed for its last send, as far as its mapping reads it, as
        JSON; None where it names none.
    restored_at: of the restore that put it in question; None: none did, or what was seen there settles nothing.
    """

    delivery_id: UUID
    case_id: UUID
    system: str
    message: str
    part: str = ""
    part_no: int = 1
    revision: int
    phase: Phase
    input_mac: bytes
    bundle: str
    operation: str | None = None
    change: Change | None = None
    version_no: int | None = None
    due_at: datetime | None = None
    tries_count: int = 0
    confirms_count: int = 0
    first_failed_at: datetime | None = None
    lease_token: UUID | None = None
    sent_mac: bytes | None = None
    is_other_sent: bool = False
    remote_ref: str | None = None
    reason: str | None = None
    detail: str = ""
    actor: str = ""
    entries_count: int = 0
    created_at: datetime
    changed_at: datetime
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    queued_at: datetime | None = None
    poll_at: datetime | None = None
    polled_at: datetime | None = None
    watched_until: datetime | None = None
    given_back_no: int | None = None
    held_key: bytes | None = None
    held_mac: bytes | None = None
    observed: Observed | None = None
    observed_at: datetime | None = None
    sent_refs: str | None = None
    restored_at: datetime | None = None

    @property
    def is_in_question(self) -> bool:
        """Whether a restore put it in question, and nothing was sent of it since, as far as this store knows."""
        restored_at, sent_at = self.restored_at, self.sent_at
        return restored_at is not None and (sent_at is None or sent_at < restored_at)

    @property
    def is_never_sent(self) -> bool:
        """Whether none of its contents may have come to the system, as far as is known now."""
        return self.sent_mac is None and not self.is_other_sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A person's word that something is not sent for a while.

    system, message, item, source: what it holds; what is None is not asked, and at least one is set.
    until: when it ends by itself; None: when somebody lifts it.
    lifted_at, lifted_by: when and by whom it was ended; cleared_at: when all that it held was due again after that.
    """

    hold_id: UUID
    system: str | None = None
    message: str | None = None
    item: str | None = None
    source: str | None = None
    reason: str
    by: str
    created_at: datetime
    until: datetime | None = None
    lifted_at: datetime | None = None
    lifted_by: str | None = None
    cleared_at: datetime | None = None

    def is_active(self, now: datetime) -> bool:
        """Whether it still holds."""
        return self.lifted_at is None and (self.until is None or now < self.until)


class AttemptKind(StrEnum):
    """What an entry in a delivery's history is."""

    SEND = "send"
    CONFIRM = "confirm"
    POLL = "poll"
    LATE = "late"
    """An answer that came after its lease was no longer ours; it moved nothing."""
    BY_HAND = "by_hand"
    SOURCE = "source"
    """What the system holds of its own accord, as its own words or its number showed; nothing was sent."""
    SYSTEM = "system"
    """Something that syncgate did itself: mapped in vain, expired a lease, superseded."""


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One entry in a delivery's history; only ever inserted.

    sent_blob, received_blob: MACs of the sealed bytes in the case's blobs; None where there are none.
    started_at: None where a dead worker's sending time is unknown.
    detail: status, rule, note and the like as flat JSON-able values without personal data.
    """

    delivery_id: UUID
    entry_no: int
    kind: AttemptKind
    outcome: str
    actor: str
    revision: int
    bundle: str | None = None
    lease_token: UUID | None = None
    sent_blob: bytes | None = None
    received_blob: bytes | None = None
    started_at: datetime | None
    ended_at: datetime
    detail: dict[str, str | int | bool | None] = field(default_factory=dict)


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """Sealed bytes, stored once per (scope, mac). scope is a case_id as text, or `site` for bundles."""

    scope: str
    mac: bytes
    sealed: bytes
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """The bytes of a case's material, kept once per case whatever number of materials has them.

    mac: keyed digest of the case and the bytes' SHA-256. chunks_count: how many sealed chunks hold them.
    stored_at: None while they still come; nobody sees them until then.
    """

    file_id: UUID
    case_id: UUID
    mac: bytes = b""
    size: int = 0
    chunks_count: int = 0
    begun_at: datetime
    stored_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChunk:
    """One sealed piece of a file, numbered from 1; it opens only in its own place."""

    file_id: UUID
    chunk_no: int
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMaterial:
    """Which file a material of a case is.

    link_id: names it in links, and says nothing of the case. sealed_facts: digest, size and media type, sealed
    for this material and this file. by: who brought it.
    """

    case_id: UUID
    material: str
    file_id: UUID
    link_id: UUID
    sealed_facts: bytes
    by: str
    stored_at: datetime


class Observed(StrEnum):
    """What reconciliation saw of what a delivered slot holds, where that is not what was delivered."""

    ABSENT = "absent"
    """The system does not hold it."""
    DIFFERENT = "different"
    """It holds something else in its place."""
    PRESENT = "present"
    """It still holds what was taken back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """One difference between what a system holds, or a source says, and what it should be.

    There is one open row for each (system, message, subject, kind); seen again, it is the same one.

    kind: a `Kind`, or a `SourceKind` where `system` is a source whose listing was compared.
    subject: what it is about: `<case_id>:<part>` for a slot, else a keyed digest of the record's own key.
    case_id, part: of the slot; None and empty where the record is nobody's here.
    run_slot: the run that found it first. seen_at: when a run saw it last.
    action: what is to be done about it; delivery_id: the repair that was queued, None where none was.
    closed_at, closed_by: set together when it was mended, seen to be gone, or a person ended it; closed_as: how.
    observed_mac: names the sealed values of the differing fields among the case's blobs.
    detail: level, fields with their owners and rules, numbers and references; never a value.
    """

    discrepancy_id: UUID
    system: str
    message: str
    subject: str
    kind: str
    case_id: UUID | None = None
    part: str = ""
    run_slot: str
    action: str
    delivery_id: UUID | None = None
    found_at: datetime
    seen_at: datetime
    closed_at: datetime | None = None
    closed_by: str | None = None
    closed_as: str | None = None
    observed_mac: bytes | None = None
    detail: dict[str, Any] = field(default_factory=dict)


class HeldRow(NamedTuple):
    """What reconciliation reads of a delivery: as narrow and as quick to make as it gets, because it reads them all.

    The fields are those of `Delivery`.
    """

    delivery_id: UUID
    case_id: UUID
    message: str
    part: str
    revision: int
    phase: Phase
    change: Change | None
    bundle: str
    reason: str | None
    changed_at: datetime
    sent_at: datetime | None
    held_key: bytes | None
    held_mac: bytes | None
    observed: Observed | None


PlainRow = tuple[str, str, bool, bytes, bytes | None, bytes, bytes]
"""A usual delivery, which is all but a few: message, bundle, whether something else was seen in its place, the two
marks, the case and the delivery, both as bytes."""


class HeldLanes(NamedTuple):
    """What a system may hold of us, by lanes.

    Attributes:
        plain: the deliveries of lanes in which all are of slots of their own, delivered, settled and bearing marks.
        others: those of all other lanes, as they are.
        after: the last case; None where there are no more.
    """

    plain: list[PlainRow]
    others: list[HeldRow]
    after: UUID | None


class BreakerState(StrEnum):
    """Whether a system is spoken to."""

    CLOSED = "closed"
    OPEN = "open"
    """Nothing goes out until `breaker_until`; then one probe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """A time for which a system's people announced that it is not to be spoken to."""

    maintenance_id: UUID
    starts_at: datetime
    until: datetime
    reason: str
    by: str
    created_at: datetime


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class SystemRow:
    """What all workers share about one system.

    mode: as in the adapter. is_source: whether it posts. active_bundle: digest, None for a pure source.
    failures_count: unavailable in a row. breaker_until: when a probe may go. is_probing: a probe is out.
    breaker_reason: the code that opened it. last_taken_at: when it last took something.
    rate_tokens, rate_at: the token bucket as of `rate_at`.
    maintenance: what was announced here beside the adapter, by its beginning; None: nothing.
    restored_at: when the store was put back to an older state last; None: never.
    """

    system: str
    mode: str = "live"
    is_source: bool = False
    active_bundle: str | None = None
    is_paused: bool = False
    paused_by: str = ""
    pause_reason: str = ""
    paused_at: datetime | None = None
    breaker: BreakerState = BreakerState.CLOSED
    failures_count: int = 0
    breaker_until: datetime | None = None
    breaker_reason: str = ""
    is_probing: bool = False
    last_taken_at: datetime | None = None
    rate_tokens: float = 0.0
    rate_at: datetime | None = None
    maintenance: tuple[Maintenance, ...] | None = None
    restored_at: datetime | None = None


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Sends that a process may start at a system until `until`, taken ahead of the lanes that use them."""

    system: str
    process: str
    sends_count: int
    until: datetime


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One piece of scheduled or long work, under (job, slot).

    lease_until: until when its claimant alone works on it; None where each step locks the row instead.
    cursor: how far it came, so that whoever goes on neither forgets nor doubles.
    outcome: its state, or how it ended; detail: what it was asked and has done, JSON without personal data.
    """

    job: str
    slot: str
    claimed_by: str
    claimed_at: datetime
    lease_until: datetime | None = None
    cursor: str | None = None
    ended_at: datetime | None = None
    outcome: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who may call. key_hash: keyed digest of the API key; the key itself is never stored.

    role: source, viewer, operator, integrator, admin, security or auditor. The scopes are names, empty: all.
    """

    principal_id: UUID
    name: str
    role: str
    sources: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    key_hash: bytes
    key_hint: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The masked trace of a refused submission: what rule broke where, never what the body said."""

    refusal_id: UUID
    at: datetime
    source: str
    principal: str
    method: str
    path: str
    code: str
    status: int
    body_size: int
    body_mac: bytes
    errors: tuple[dict[str, str], ...] = ()


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing that a person or the gate did, as appended to the hash chain of its writer."""

    at: datetime
    actor: str
    action: str
    object: str
    reason: str = ""
    detail: dict[str, str | int | bool | None] = field(default_factory=dict)
