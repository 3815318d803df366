"""The model of `adapter.yaml`: how one system is spoken to."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Discriminator,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    Tag,
    model_validator,
)

from syncgate.site.reconciling import Reconciliation
from syncgate.site.returning import Returns
from syncgate.site.windows import Clock, Maintenance, Windows, WorkCalendar
from syncgate.transports.answers import AnswerCondition, AnswerRule, Pointer
from syncgate.transports.content import ContentRule
from syncgate.values import Duration, Mode, Model, Name, Rate, Title, Wait

PersonalClass = Literal["name", "identity", "contact", "address", "content", "sensitive"]
OperationName = Annotated[StrictStr, Field(min_length=1, max_length=100)]
Condition = dict[str, Any]
"""A condition of the mapping language; it is compiled where the node and its place are known."""


class RemoteRefAt(Model):
    """Where the answer shows the system's own id.

    Attributes:
        body: JSON Pointer within the answer.
        header: name of a header field.
    """

    body: Pointer | None = None
    header: Annotated[StrictStr, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.body is None) == (self.header is None):
            raise ValueError("expected one of body, header, got both or none")
        return self


class Confirm(Model):
    """How an unknown outcome is confirmed.

    Attributes:
        by: `look_up` reads the record back by our key; `idempotency_key` sends again under the same key;
            `duplicate_probe` sends the same payload again where the target deduplicates; `hold` waits for a
            person.
        operation: the operation that reads, for `look_up`.
        record: JSON Pointer of the record within its answer.
        absent: the answer that means "we hold no such record".
        visible_after: absence is not believed sooner after the answer was lost; for `look_up` at least the
            time-out, so that the request can no longer be running.
        waits: waits between questions; the last repeats.
        final_after: after how long only a person can tell.
    """

    by: Literal["look_up", "idempotency_key", "duplicate_probe", "hold"]
    operation: OperationName | None = None
    record: Pointer = ""
    absent: AnswerCondition | None = None
    visible_after: Duration = timedelta(seconds=10)
    waits: Annotated[tuple[Wait, ...], Field(min_length=1)] = (
        timedelta(seconds=1),
        timedelta(seconds=5),
        timedelta(seconds=30),
        timedelta(minutes=5),
    )
    final_after: Duration = timedelta(minutes=30)


class UpdateBy(Model):
    """`on_change: {update: <operation>}`: a change replaces what the slot holds."""

    update: OperationName


class RetractBy(Model):
    """`on_unplanned: {retract: <operation>}`: what is no longer planned is taken back.

    Attributes:
        retract: the transport's operation that takes it back.
        of: what it exists once for: `case` takes back, with one delivery, every slot whose message names this same
            retraction; `slot` takes back each by itself.
        mapping: name of the mapping of its payload, `mappings/<system>/<mapping>.yaml`; left out: it has none, and
            the operation's keys say what is meant.
        contract: name of the payload's contract; left out: the mapping's name.
        confirm: how an unknown outcome of it is confirmed; left out: as the adapter says, with `of: slot` as the
            message says.
    """

    retract: OperationName
    of: Literal["case", "slot"] = "case"
    mapping: Name | None = None
    contract: Name | None = None
    confirm: Confirm | None = None

    @property
    def name(self) -> str:
        """What its deliveries are called where there is one for the case: the mapping's name, else the operation's."""
        return self.mapping or self.retract

    @property
    def contract_name(self) -> str:
        """The contract's name, given or by default."""
        return self.contract or self.name


def _shape(value: Any) -> str:
    return "operation" if isinstance(value, dict | Model) else "word"


OnChangeRule = Annotated[
    Annotated[Literal["hold", "ignore", "new_version"], Tag("word")] | Annotated[UpdateBy, Tag("operation")],
    Discriminator(_shape),
]
OnUnplannedRule = Annotated[
    Annotated[Literal["hold", "ignore"], Tag("word")] | Annotated[RetractBy, Tag("operation")],
    Discriminator(_shape),
]


class Acknowledged(Model):
    """How a system is asked what became of what lies in its own queue.

    Attributes:
        operation: the operation that asks.
        waits: waits between questions; the last repeats, and is how often what was taken is asked about.
        final_after: how long an answer is awaited; afterwards the outcome is unknown.
        returned_for: how long after it was taken something may still be given back; left out: never.
    """

    operation: OperationName
    waits: Annotated[tuple[Wait, ...], Field(min_length=1)] = (
        timedelta(seconds=30),
        timedelta(minutes=1),
        timedelta(minutes=5),
    )
    final_after: Duration = timedelta(hours=24)
    returned_for: Duration | None = None


class AdapterMessage(Model):
    """One kind of record that the system takes.

    Attributes:
        name: its name, unique within the adapter.
        of: what it exists once for: the case, each stage, each material or each leg of the assignment that is the
            system's own.
        closes: the message whose slot of the same leg this one closes, once the leg is over; left out: it closes none.
        when: condition over case and part; left out: always.
        mapping: name of the mapping, `mappings/<system>/<mapping>.yaml`; left out: the message's name.
        contract: name of the contract, `schemas/<system>/<contract>.schema.json`; left out: likewise.
        operation: the transport's operation that sends it.
        content: how the bytes of a material's file go along; `none` sends what the mapping makes, and no file.
        after: messages that must be there first; left out: all that are listed earlier.
        is_ordered: whether its own parts follow one another.
        next_after: when what comes after it may be sent.
        on_change: what a change does once the slot is delivered.
        on_unplanned: what happens to a slot that may hold something and is no longer planned.
        remote_ref: where the answer shows the system's own id.
        is_case_ref: whether that id is what the system calls the case.
        confirm: overrides the adapter's.
        acknowledged: overrides the adapter's.
    """

    name: Name
    of: Literal["case", "stage", "material", "leg"]
    closes: Name | None = None
    when: Condition | None = None
    mapping: Name | None = None
    contract: Name | None = None
    operation: OperationName
    content: ContentRule = "none"
    after: tuple[Name, ...] | None = None
    is_ordered: StrictBool = True
    next_after: Literal["acknowledged", "queued_there"] = "acknowledged"
    on_change: OnChangeRule = "hold"
    on_unplanned: OnUnplannedRule = "hold"
    remote_ref: RemoteRefAt | None = None
    is_case_ref: StrictBool = False
    confirm: Confirm | None = None
    acknowledged: Acknowledged | None = None

    @property
    def mapping_name(self) -> str:
        """The mapping's name, given or by default."""
        return self.mapping or self.name

    @property
    def contract_name(self) -> str:
        """The contract's name, given or by default."""
        return self.contract or self.name


class AdapterLimits(Model):
    """What the system can bear.

    Attributes:
        rate: sends a second over all processes; left out: no limit.
        burst: sends at once after a quiet time; left out: one second's worth.
        concurrency: sends at the same time over all processes.
        connect_timeout: to get a connection.
        timeout: for the whole request.
        retry_after_at_most: the longest wait that the system may ask for.
    """

    rate: Rate | None = None
    burst: Annotated[StrictInt, Field(ge=1)] | None = None
    concurrency: Annotated[StrictInt, Field(ge=1, le=1000)] = 8
    connect_timeout: Wait = timedelta(seconds=3)
    timeout: Wait = timedelta(seconds=10)
    retry_after_at_most: Wait = timedelta(minutes=10)


class AdapterBreaker(Model):
    """When sending stops by itself.

    Attributes:
        failures: after how many `unavailable` in a row it opens.
        probe_after: how long until one probe goes out.
    """

    failures: Annotated[StrictInt, Field(ge=1)] = 5
    probe_after: Wait = timedelta(seconds=30)


class Priority(Model):
    """What goes first at a system that takes no more than so much at a time.

    Attributes:
        promised_within: so long before its promised time (`promised_at`) a case begins to go first; nothing that has
            waited longer than this is passed by what came later.
    """

    promised_within: Wait


class Adapter(Model):
    """One system.

    Attributes:
        system: its name; equal to its folder's.
        title: what people call it.
        transport: the protocol.
        mode: `draft` and `retired` plan nothing, `shadow` maps and checks and sends nothing, `live` sends,
            `manual` is typed by hand and counted.
        applies_to: condition over the case; left out: every case.
        assignee: condition over a leg of the assignment and its case: which legs are the system's own. It then takes
            a case only with a leg of its own, and of the stages those of its legs; left out: whoever is in charge.
        options: the transport's own options.
        messages: in their declared order.
        answers: what an answer means, in the order of judging; the last is always `unknown`.
        confirm: how an unknown outcome is confirmed.
        acknowledged: how the system is asked what became of what lies in its queue; left out: it is not.
        limits: what the system can bear.
        schedule: waits after `unavailable`; the last repeats while the system takes nothing.
        breaker: when sending stops by itself.
        confidential: whether the system receives who called in a confidential hotline case.
        personal: classes of personal data, or canonical paths, that the system may receive.
        reconciliation: how what the system holds is read back and compared; left out: it is not.
        returns: how lists of what the system gives back are read; left out: it brings none.
        windows: the hours in which the system is spoken to; left out: at any time.
        calendar: which days are worked, for `workdays` and `rest_days`.
        maintenance: when its people announced that it is not to be spoken to.
        cutoff: the time of the day by which the system's day is closed; left out: it has none.
        priority: what goes first; left out: what has waited longest.
    """

    system: Name
    title: Title
    transport: Name
    mode: Mode
    applies_to: Condition | None = None
    assignee: Condition | None = None
    options: dict[str, Any]
    messages: Annotated[tuple[AdapterMessage, ...], Field(min_length=1)]
    answers: Annotated[tuple[AnswerRule, ...], Field(min_length=1)]
    confirm: Confirm
    acknowledged: Acknowledged | None = None
    limits: AdapterLimits = AdapterLimits()
    schedule: Annotated[tuple[Wait, ...], Field(min_length=1)] = (
        timedelta(seconds=1),
        timedelta(seconds=5),
        timedelta(seconds=30),
        timedelta(minutes=2),
        timedelta(minutes=10),
    )
    breaker: AdapterBreaker = AdapterBreaker()
    personal: tuple[StrictStr, ...] = ()
    confidential: StrictBool = False
    reconciliation: Reconciliation | None = None
    returns: Returns | None = None
    windows: Windows | None = None
    calendar: WorkCalendar = WorkCalendar()
    maintenance: tuple[Maintenance, ...] = ()
    cutoff: Clock | None = None
    priority: Priority | None = None

    def acknowledged_of(self, message: AdapterMessage) -> Acknowledged | None:
        """How the system is asked what became of this message; None where it is not."""
        return message.acknowledged or self.acknowledged

    def confirm_of(self, message: AdapterMessage) -> Confirm:
        """How an unknown outcome of this message is confirmed."""
        return message.confirm or self.confirm

    def confirm_of_retraction(self, message: AdapterMessage, retraction: RetractBy) -> Confirm:
        """How an unknown outcome of this message's retraction is confirmed."""
        own = self.confirm_of(message) if retraction.of == "slot" else self.confirm
        return retraction.confirm or own
