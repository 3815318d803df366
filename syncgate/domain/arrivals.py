"""Arrivals: what sources bring in their own words, as it came, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from syncgate.domain.row import quick


class ArrivalState(StrEnum):
    """What became of an arrival."""

    RECEIVED = "received"
    """Kept, and not yet taken in to its end."""
    TAKEN = "taken"
    """Every record of it that could be taken in is a case."""
    REFUSED = "refused"
    """Its source was told what is wrong with it, and is to bring it again."""
    HELD = "held"
    """It cannot be taken in as it is, and waits for the fix that lets it in, or for a person who drops it."""
    DROPPED = "dropped"
    """A person decided that it is not to be taken in; its content is gone."""


class Way(StrEnum):
    """How an arrival came."""

    POST = "post"
    """The body of a call."""
    RECORD = "record"
    """One record out of the body of a call."""
    POLL = "poll"
    """One record that was fetched from the source."""


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One thing that a source brought.

    Attributes:
        format: how the sealed content is written: a format of records; `record` for one record as JSON.
        place: where a record began within what it came in: its line; 0 of a whole body.
        parent_id: the body that a record came in.
        origin_key: of a fetched record: what tells it from the source's others; there is one arrival for each.
        idempotency_key, request_mac: of a call that gave a key.
        body_mac: keyed digest of the content.
        size: of the content, in bytes.
        wrapped_key, sealed: the content; None together once it is no longer kept.
        code: what kept it from being taken in; empty otherwise.
        detail: what is wrong with it, and by which number it is called, without a value.
        case_id: the case that its only record became.
        by: who brought it.
        ended_at: since when nothing is left to do about it.
        ended_by, reason: the person who dropped or replayed it, and why.
        tries_count: how often it was tried to take it in.
        awaits: of what is said of a case that is not known yet: what its source calls the case; only while it waits.
    """

    arrival_id: UUID
    source: str
    way: Way
    state: ArrivalState
    came_at: datetime
    format: str
    body_mac: bytes = field(repr=False)
    size: int
    by: str
    place: int = 0
    parent_id: UUID | None = None
    origin_key: str | None = field(default=None, repr=False)
    idempotency_key: str | None = None
    request_mac: bytes | None = field(default=None, repr=False)
    wrapped_key: bytes | None = field(default=None, repr=False)
    sealed: bytes | None = field(default=None, repr=False)
    code: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    case_id: UUID | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    reason: str | None = None
    tries_count: int = 0
    awaits: str | None = None

    @property
    def bound_to(self) -> str:
        """What its content is sealed to."""
        return f"arrival:{self.arrival_id}"
