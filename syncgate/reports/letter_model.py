"""What a letter of correction and a proof of submission say, ready to be written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

Titles = Mapping[str, str]
HIDDEN: Final = "**"


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterFace:
    """How the deployment shows itself. site: its title."""

    site: Titles
    zone: ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterLine:
    """One field. place: where in the record; held: what the system holds; right: what is right; None: nothing."""

    place: str
    title: str
    held: str | None = field(repr=False)
    right: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A letter that asks a system to correct, or to take back, what it holds.

    Attributes:
        number: of the letter. is_retraction: whether the record is to be taken back whole.
        system, case_no, case_ref, remote_ref: whom it is to, about which case and record; what it calls them, if known.
        message: what the system calls the kind of record. delivered_at: when it took what it holds.
        lines: what differs. is_masked: whether values are hidden.
        is_known: whether what the system holds could be made again.
    """

    number: str
    face: LetterFace
    is_retraction: bool
    system: str
    system_title: Titles
    case_no: str
    item: str
    case_ref: str | None
    remote_ref: str | None
    message: str
    revision: int
    delivered_at: datetime | None
    made_at: datetime
    lines: tuple[LetterLine, ...]
    is_masked: bool
    is_known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One sending or answer. digest: keyed, of what was sent; equal bytes have equal ones."""

    kind: str
    outcome: str
    started_at: datetime | None
    ended_at: datetime
    revision: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmittedRecord:
    """One record of the case at a system, and when it was sent and answered."""

    delivery_id: UUID
    message: str
    part: str
    phase: str
    remote_ref: str | None
    delivered_at: datetime | None
    sendings: tuple[Sending, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmittedTo:
    """What one system was sent of the case."""

    system: str
    title: Titles
    case_ref: str | None
    records: tuple[SubmittedRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """When a case came, and when each system was sent what of it and answered what.

    received: (revision, source, time) of each revision.
    """

    face: LetterFace
    case_id: UUID
    case_no: str
    origin: str
    item: str
    made_at: datetime
    received: tuple[tuple[int, str, datetime], ...]
    systems: tuple[SubmittedTo, ...]
