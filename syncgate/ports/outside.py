"""The seams: what the flows need from the outside, as Protocols."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from syncgate.domain.outcome import Answer, Reading


class Clock(Protocol):
    """Tells the time; injected everywhere, so that tests, simulation and demo own it."""

    def now(self) -> datetime:
        """The time now, aware, in UTC."""
        ...


class Entropy(Protocol):
    """Gives randomness; injected everywhere."""

    def token(self, size: int) -> bytes:
        """`size` unpredictable bytes."""
        ...

    def draw(self) -> float:
        """A number in [0, 1), for jitter."""
        ...


class Secrets(Protocol):
    """Gives secrets by name; their values never appear in a repr."""

    def get(self, name: str) -> str:
        """The secret's current value. Raises SiteInvalid naming the secret when it is missing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SentFile:
    """A file that leaves beside the payload; its bytes are read while they leave, from the start at every try.

    Attributes:
        name: of its part.
        payload_name: of the payload's part; None: each of its members is one.
        file_name: what the system is told that it is called.
        file_name_charset: of the bytes of that name; `rfc5987` percent-encodes it.
        media_type: its kind.
        size: its bytes.
        digest: keyed; what evidence keeps in place of the bytes.
        pieces: gives the bytes.
    """

    name: str
    payload_name: str | None
    file_name: str = field(repr=False)
    file_name_charset: str
    media_type: str
    size: int
    digest: str
    pieces: Callable[[], AsyncIterator[bytes]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Request:
    """One thing to ask of a system: a send or a look-up.

    Attributes:
        operation: name of an operation of the adapter's options.
        payload: the mapped payload (JSON), None for a look-up.
        keys: values for the operation's placeholders: case_id, case_no, slot_key, send_key, and, where known,
            remote_ref, case_ref, version_no. All are ours, the origin's or the system's own numbers, none is personal.
        delivery_id: for log correlation.
    """

    operation: str
    keys: Mapping[str, str]
    payload: Any = None
    remote_ref_at: Mapping[str, str] = field(default_factory=dict)
    """Where remote_ref is in the answer: `{"body": "/id"}` or `{"header": "Location"}`; empty: nowhere."""
    delivery_id: UUID | None = None
    kept: Any = None
    """What evidence keeps in the payload's place, where that holds a file's bytes; None: the payload."""
    file: SentFile | None = None
    """A file that leaves beside the payload."""


class Transport(Protocol):
    """Speaks one protocol with one system. Answers are values; only a defect of ours raises."""

    @property
    def polls_at_once(self) -> int:
        """How many sendings one question may be about; 1 where each is a request of its own."""
        ...

    async def send(self, request: Request) -> Answer:
        """Sends once, never twice, and judges the answer by the adapter's rules.

        Whatever fails before the first byte can have left is `unavailable`, whatever fails after is
        `unknown`; an answer that no rule matches is `unknown`.
        """
        ...

    async def look_up(self, request: Request, *, record_at: str, absent: Mapping[str, Any]) -> Reading:
        """Reads one record back.

        Args:
            request: the look-up operation with its keys.
            record_at: JSON Pointer of the record within the answer.
            absent: the answer condition (as in answer rules) that means "we hold no such record".
        """
        ...

    async def poll(self, requests: Sequence[Request]) -> Sequence[Answer]:
        """Asks what became of what was sent; changes nothing at the system. Gives an answer for each, in order.

        `taken`, `queued_there` (it has still to say) and `refused` are the system's own word. A question that was
        not answered is `unavailable`, `throttled` or `denied`, whatever may have left. `unknown` under the name
        of a rule says that the system no longer knows it, or not clearly; an answer that no rule matches says
        nothing, and so does a `refused` without anything received: it was not asked.

        Args:
            requests: of one operation, at most `polls_at_once`, without payloads.
        """
        ...

    async def aclose(self) -> None:
        """Closes connections."""
        ...
