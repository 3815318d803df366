"""What travels between claim, the outside and settle."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from syncgate.domain import ids
from syncgate.domain.delivery import Event
from syncgate.domain.head import Task
from syncgate.domain.outcome import Answer, Evidence, Outcome
from syncgate.domain.plan import Json
from syncgate.domain.rows import Case, Delivery, Lane, Submission
from syncgate.mapping import Refs
from syncgate.ports import SentFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One head under a lease, with all that is needed to serve it outside a transaction.

    Attributes:
        lane: as leased. delivery: as claimed (a send is in_flight, a confirmation unconfirmed).
        task: send or confirm.
        case, submission: whose revision the delivery carries.
        held: the delivery that the system holds in this slot, with its submission; None where none is.
        refs: what the systems call things now, as the mapping may read it.
        closed_ref: the system's own number of what a message of a leg closes.
        is_other_sent: whether another content may have left for this slot before.
        is_overtaken: whether it would take back what has become wanted again.
        claimed_at: the store's time of the claim; taken_at: this process's.
    """

    lane: Lane
    delivery: Delivery
    task: Task
    case: Case
    submission: Submission
    held: tuple[Delivery, Submission] | None = None
    refs: Refs = field(default_factory=Refs)
    closed_ref: str | None = None
    is_other_sent: bool = False
    is_overtaken: bool = False
    claimed_at: datetime
    taken_at: datetime

    @property
    def token(self) -> UUID:
        """The lease under which it may be settled."""
        assert self.lane.lease_token is not None
        return self.lane.lease_token

    def at_store(self, at: datetime) -> datetime:
        """A time of this process as the store's clock tells it: the two may differ, and the store's decides."""
        return self.claimed_at + (at - self.taken_at)

    @property
    def slot_key(self) -> str:
        """Our stable key for the slot."""
        d = self.delivery
        return ids.slot_key(d.case_id, d.system, d.message, d.part)

    @property
    def keys_of_held(self) -> dict[str, str]:
        """The same with the key of the slot whose content is taken back: for what is sent without a payload."""
        if self.held is None:
            return self.keys
        held = self.held[0]
        return self.keys | {"slot_key": ids.slot_key(held.case_id, held.system, held.message, held.part)}

    @property
    def keys(self) -> dict[str, str]:
        """Values for the placeholders of the adapter's operations."""
        held_ref = self.closed_ref or (self.held[0].remote_ref if self.held else None)
        return keys_of(self.delivery, self.case, case_ref=self.lane.case_ref, held_ref=held_ref)


def keys_of(delivery: Delivery, case: Case, *, case_ref: str | None, held_ref: str | None) -> dict[str, str]:
    """Values for the placeholders of the adapter's operations, whatever is asked of the system.

    Args:
        delivery: what it is about.
        case: its case.
        case_ref: what the system calls the case.
        held_ref: the system's own id of what it holds in the slot, where the delivery has none of its own.
    """
    d = delivery
    keys = {
        "case_id": str(d.case_id),
        "case_no": case.case_no,
        "slot_key": ids.slot_key(d.case_id, d.system, d.message, d.part),
        "send_key": ids.send_key(d.delivery_id, d.revision, d.bundle, d.given_back_no),
    }
    if d.version_no is not None:
        keys["version_no"] = str(d.version_no)
    own_ref = d.remote_ref or held_ref
    if own_ref is not None:
        keys["remote_ref"] = own_ref
    if case_ref is not None:
        keys["case_ref"] = case_ref
    return keys


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadFault:
    """Why a payload cannot be sent, without a value.

    Attributes:
        field: place in the payload, steps divided by `/`.
        rule: which rule is broken.
        path: place in the case, as mappings name it; empty where the contract found it.
        expected: what the contract wants.
    """

    field: str
    rule: str
    path: str = ""
    expected: str = ""


@dataclass(frozen=True, slots=True)
class FileSent:
    """A material's file that went along: its size, and a keyed digest."""

    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Marks:
    """Keyed digests of what reconciliation will find of a payload: its reference there, and its compared fields."""

    key: bytes
    mac: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What serving a piece of work came to; settle turns it into rows.

    Attributes:
        event: what happens to the delivery.
        outcome: the system's answer, for its breaker; None where the system was not asked.
        rule, reason, actor: which rule said so, why a person must act, and who.
        detail: fields and rules as text, never a value; faults: the same one by one.
        evidence: what left and what came back.
        remote_ref: the system's own id.
        retry_after: the wait that the system asked for.
        waits_for: the system whose number the mapping needs (with `handed_back`).
        started_at: when the sending began.
        file: what went along of a material, without its bytes.
        is_given_back: whether the system had it and gave it back (with `refused`).
        marks: of what it was about; None where its system is not read back.
        is_excused: whether the system failed while it was closed, as it may: it says nothing about it.
        is_empty_there: whether a look-up showed that the system holds nothing in the slot, whoever sent it.
    """

    event: Event
    outcome: Outcome | None = None
    rule: str = ""
    reason: str = ""
    actor: str = ""
    detail: str = ""
    faults: tuple[PayloadFault, ...] = ()
    evidence: Evidence = field(default_factory=Evidence)
    remote_ref: str | None = None
    retry_after: timedelta | None = None
    waits_for: str | None = None
    started_at: datetime | None = None
    file: FileSent | None = None
    is_given_back: bool = False
    marks: Marks | None = None
    is_excused: bool = False
    is_empty_there: bool = False

    @classmethod
    def of(cls, answer: Answer, event: Event) -> Verdict:
        """What an answer says, as this event."""
        return cls(
            event=event,
            outcome=answer.outcome,
            rule=answer.rule,
            reason=answer.reason or answer.rule,
            actor=answer.actor,
            evidence=answer.evidence,
            remote_ref=answer.remote_ref,
            retry_after=answer.retry_after,
        )

    def begun(self, at: datetime) -> Verdict:
        """The same, with the time when the sending began."""
        return replace(self, started_at=at)


@dataclass(frozen=True, slots=True)
class Payload:
    """A mapped and checked payload.

    Attributes:
        value: what is sent.
        kept: what evidence keeps in its place, where it holds a file's bytes; None: the value.
        beside: a file that leaves beside it.
        file: which file goes along, in whatever way.
    """

    value: Json = field(repr=False)
    kept: Json = field(default=None, repr=False)
    beside: SentFile | None = None
    file: FileSent | None = None
