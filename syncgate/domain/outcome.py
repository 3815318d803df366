"""What an attempt ended in, and the evidence that it leaves. A system's answer is a value, never an exception."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from syncgate.domain.delivery import Event


class Outcome(StrEnum):
    """How a system answered a send. Each is the event of the same name."""

    TAKEN = "taken"
    QUEUED_THERE = "queued_there"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    DENIED = "denied"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    UNKNOWN = "unknown"

    @property
    def event(self) -> Event:
        """The event that moves the delivery."""
        return Event(self.value)


class Found(StrEnum):
    """What a look-up at the system showed about one record."""

    RECORD = "record"
    """The system holds a record under our key; whether it equals ours is for the caller to compare."""
    ABSENT = "absent"
    UNDECIDED = "undecided"
    """The question itself failed; ask again later."""
    DENIED = "denied"
    """The system did not let us in; its breaker opens."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What left and what came back, byte for byte; sealed before it is stored.

    Attributes:
        request_line: method and path, without query values, secrets or personal data.
        sent: the body that left, None when no byte of it can have left.
        received: the body that came back, possibly cut short; None when none came.
        status: the protocol's own status, None without an answer.
        received_headers: header fields of the answer worth keeping.
        note: what went wrong on the way in neutral words, such as `connection reset while reading`.
    """

    request_line: str = ""
    sent: bytes | None = None
    received: bytes | None = None
    status: int | None = None
    received_headers: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


UNKEPT: Final = re.compile("[\0\ud800-\udfff]")
"""Characters that PostgreSQL, or UTF-8, cannot hold."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One judged send.

    Attributes:
        outcome: what it amounts to.
        evidence: what left and what came.
        rule: name of the answer rule that matched, or of the failure.
        reason: stable reason code where a person must act (`refused`, `denied`).
        actor: who must act: `source`, `mapping`, `table`, `file`, `operations`, `system`.
        remote_ref: the system's own id for what was delivered, where the adapter says where it is.
        retry_after: the wait that the system asked for, not yet clamped.
    """

    outcome: Outcome
    evidence: Evidence
    rule: str = ""
    reason: str = ""
    actor: str = ""
    remote_ref: str | None = None
    retry_after: timedelta | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "remote_ref", kept_number(self.remote_ref))


@dataclass(frozen=True, slots=True)
class Reading:
    """What a look-up brought.

    Attributes:
        found: record, absent or undecided.
        record: the record as the system holds it (JSON), only with `Found.RECORD`.
        remote_ref: the system's own id where the answer shows it.
        evidence: what left and what came.
        outcome: with `undecided`, what kept the system from answering, for its breaker: `throttled` or
            `unavailable`; None where it answered something that decides nothing.
        retry_after: the wait that it asked for.
    """

    found: Found
    evidence: Evidence
    record: Any = None
    remote_ref: str | None = None
    outcome: Outcome | None = None
    retry_after: timedelta | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "remote_ref", kept_number(self.remote_ref))


def kept_number(number: str | None) -> str | None:
    """A system's own id as it came; None where no store can hold it, which counts as if none had come."""
    return None if number is None or UNKEPT.search(number) else number
