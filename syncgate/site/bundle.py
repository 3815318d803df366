"""A bundle: adapter, mappings, tables and contracts of one system, compiled, identified by digest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, timedelta, tzinfo
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from syncgate.documents import Problem
from syncgate.domain.breaker import BreakerPolicy
from syncgate.domain.closures import ALWAYS_OPEN, Timetable
from syncgate.domain.plan import Message
from syncgate.domain.rows import Change, Delivery
from syncgate.site.adapter import Adapter
from syncgate.site.contract import Contract
from syncgate.site.readback import ReadBack
from syncgate.site.returning import ReturnRules
from syncgate.transports.answers import AnswerRule
from syncgate.transports.content import Content
from syncgate.values import Mode

if TYPE_CHECKING:
    from syncgate.mapping import Mapping as FieldMapping

Json = Any
Mac = Callable[[bytes], bytes]
"""A keyed digest of canonical JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the system can bear, after the site's own overrides.

    Attributes:
        rate: sends a second over all processes; None: no limit.
        burst: sends at once after a quiet time.
        concurrency: sends at the same time over all processes.
        connect_timeout, timeout: seconds.
        lease: how long a lane is leased for one send or look-up; always longer than both time-outs together.
        retry_after_at_most: the longest wait that the system may ask for.
    """

    rate: float | None
    burst: int
    concurrency: int
    connect_timeout: float
    timeout: float
    lease: timedelta
    retry_after_at_most: timedelta

    @property
    def longest_request(self) -> timedelta:
        """After this long a request that was begun is over, whatever we heard of it."""
        return timedelta(seconds=self.connect_timeout + self.timeout)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmPolicy:
    """How an unknown outcome of a message is confirmed.

    Attributes:
        by: how.
        operation: the reading operation, for `look_up`.
        record_at: JSON Pointer of the record in its answer; empty: the whole answer.
        absent: the answer condition that means "we hold no such record", as plain JSON; empty: none does.
        visible_after: absence is not believed sooner after the answer was lost.
        waits: between questions; the last repeats.
        final_after: from then on only a person can tell.
    """

    by: Literal["look_up", "idempotency_key", "duplicate_probe", "hold"]
    operation: str | None
    record_at: str
    absent: Mapping[str, Any]
    visible_after: timedelta
    waits: tuple[timedelta, ...]
    final_after: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """How a system is asked what became of a message that lies in its own queue.

    Attributes:
        operation: the asking operation.
        waits: between questions; the last repeats, and is how often what was taken is asked about.
        final_after: for so long an answer is awaited.
        returned_for: for so long after it was taken it may be given back; None: it is not.
    """

    operation: str
    waits: tuple[timedelta, ...]
    final_after: timedelta
    returned_for: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSpec:
    """What one message needs beyond planning.

    Attributes:
        name: the message's name.
        mapping: compiled, case to payload.
        contract: says whether a payload is what the system publishes.
        remote_ref_at: where the answer shows the system's own id, as `ports.Request` takes it, or empty.
        is_case_ref: whether that id is what the system calls the case.
        confirm: how an unknown outcome is confirmed.
        compared_fields: top-level payload fields to compare on read-back.
        refers_to: the systems of which the mapping reads what they call things.
        content: how the bytes of a material's file go along; None: they do not.
    """

    name: str
    mapping: FieldMapping
    contract: Contract
    remote_ref_at: Mapping[str, str]
    is_case_ref: bool
    confirm: ConfirmPolicy
    compared_fields: frozenset[str]
    refers_to: frozenset[str]
    content: Content | None = None

    @property
    def needs_references(self) -> bool:
        """Whether the mapping reads what other systems call things."""
        return bool(self.refers_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetractionSpec:
    """How what is no longer planned is taken back.

    Attributes:
        operation: the transport's.
        payload: what it carries; None: keys alone.
        confirm: how an unknown outcome is confirmed.
    """

    operation: str
    payload: MessageSpec | None
    confirm: ConfirmPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """One system, ready to plan, map, check and send.

    Attributes:
        system: its name.
        digest: `sha256:<hex>` over its files.
        title: by language (`zh`, `en`).
        mode: of the adapter, or the site's override.
        adapter: as written.
        transport: the protocol's name.
        address: the site's address of the system, None where the options' own holds.
        options: instance of the transport's options model.
        answers: the answer rules.
        messages: what planning needs, in the declared order; last those that only take back, which are never planned.
        specs: what else a message with a payload needs, by its name.
        retractions: how a retraction is sent, by the name of its delivery's message: its own where it is one for the
            case, that of the slot's message where it is one of a slot.
        acknowledgements: how the system is asked what became of a delivery, by the name of its message.
        limits, schedule, breaker: how fast, how often, when not.
        personal: classes and canonical paths that the system may receive here.
        secret_names: names of the secrets that the options refer to.
        quirks: the loaded `quirks.py`, None where there is none.
        files: what it was compiled from, by path within the site.
        condition: what the adapter says under `applies_to`, with a leg of its own where it says `assignee`.
        owns: what it says under `assignee` of a case and a leg; None where it says nothing.
        warnings: where the system makes a promise impossible, in words.
        readback: how what it holds is read back; None: it is not.
        returns: how lists of what it gives back are read; None: it brings none.
        timetable: when it may be spoken to.
        by_sending: the operations that know one sending by its key, and so nothing of another of the same slot.
        cutoff: when its day is closed, counted from midnight; None: never. zone: the site's time zone.
        promised_within: so long before its promised time a case begins to go first; None: all go by age.
    """

    system: str
    digest: str
    title: Mapping[str, str]
    mode: Mode
    adapter: Adapter = field(repr=False)
    transport: str
    address: str | None
    options: Any = field(repr=False)
    answers: tuple[AnswerRule, ...] = field(repr=False)
    messages: tuple[Message, ...] = field(repr=False)
    specs: Mapping[str, MessageSpec] = field(repr=False)
    retractions: Mapping[str, RetractionSpec] = field(repr=False)
    limits: Limits
    schedule: tuple[timedelta, ...]
    breaker: BreakerPolicy
    personal: frozenset[str]
    secret_names: frozenset[str]
    quirks: ModuleType | None = field(repr=False)
    files: Mapping[str, bytes] = field(repr=False)
    condition: Callable[[Json], bool] = field(repr=False)
    owns: Callable[[Json, Json], bool] | None = field(default=None, repr=False)
    warnings: tuple[Problem, ...] = field(default=(), repr=False)
    acknowledgements: Mapping[str, Acknowledgement] = field(default_factory=dict, repr=False)
    readback: ReadBack | None = field(default=None, repr=False)
    returns: ReturnRules | None = field(default=None, repr=False)
    timetable: Timetable = ALWAYS_OPEN
    cutoff: timedelta | None = None
    zone: tzinfo = UTC
    promised_within: timedelta | None = None
    by_sending: frozenset[str] = frozenset()

    @property
    def short_digest(self) -> str:
        """The digest as shown to people: its first 12 hexadecimal digits."""
        return self.digest.removeprefix("sha256:")[:12]

    def applies(self, case: Json) -> bool:
        """Whether the system takes this case; a draft or retired one takes none."""
        return self.mode not in ("draft", "retired") and self.condition(case)

    def payload_of(self, delivery: Delivery) -> MessageSpec | None:
        """How the payload of a delivery is made; None for keys alone, and for a message that is not known here."""
        if delivery.change is Change.RETRACT:
            retraction = self.retractions.get(delivery.message)
            return None if retraction is None else retraction.payload
        return self.specs.get(delivery.message)

    def confirm_of(self, delivery: Delivery) -> ConfirmPolicy | None:
        """How an unknown outcome of a delivery is confirmed; None for a message that is not known here."""
        retraction = self.retractions.get(delivery.message) if delivery.change is Change.RETRACT else None
        spec = self.specs.get(delivery.message)
        return retraction.confirm if retraction is not None else spec.confirm if spec is not None else None

    def message(self, name: str) -> Message:
        """The message of that name. Raises KeyError where there is none."""
        for message in self.messages:
            if message.name == name:
                return message
        raise KeyError(name)
