"""Changes: what becomes of a case, as its sources are told of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from syncgate.domain.delivery import Phase
from syncgate.domain.rows import Delivery, Submission


class ChangeKind(StrEnum):
    """What changed."""

    CASE = "case"
    """Somebody's submission made a revision of the case."""
    DELIVERY = "delivery"
    """A delivery of it came to something."""


TOLD: Final = frozenset({Phase.DELIVERED, Phase.PARKED, Phase.CANCELLED})
"""Phases whose coming a source is told of; the others are on the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of a case.

    Attributes:
        change_no: its place in the feed; None until it has one.
        revision: of the case, made or carried.
        source: who made the revision; empty of a delivery.
        delivery_id, system, message, part, phase, reason, actor: of a delivery as it was then.
    """

    case_id: UUID
    at: datetime
    kind: ChangeKind
    revision: int
    source: str = ""
    delivery_id: UUID | None = None
    system: str = ""
    message: str = ""
    part: str = ""
    phase: Phase | None = None
    reason: str | None = None
    actor: str = ""
    change_no: int | None = None


def change_by(submission: Submission) -> Change:
    """The change that a submission makes."""
    return Change(
        case_id=submission.case_id,
        at=submission.received_at,
        kind=ChangeKind.CASE,
        revision=submission.revision,
        source=submission.source,
    )


def change_of(delivery: Delivery, before: Delivery | None) -> Change | None:
    """The change that a delivery's move is; None where a source is not told of it.

    before: as it was; None of a new one.
    """
    if delivery.phase not in TOLD or (before is not None and _told(before) == _told(delivery)):
        return None
    return Change(
        case_id=delivery.case_id,
        at=delivery.changed_at,
        kind=ChangeKind.DELIVERY,
        revision=delivery.revision,
        delivery_id=delivery.delivery_id,
        system=delivery.system,
        message=delivery.message,
        part=delivery.part,
        phase=delivery.phase,
        reason=delivery.reason,
        actor=delivery.actor,
    )


def _told(delivery: Delivery) -> tuple[object, ...]:
    return (delivery.phase, delivery.reason, delivery.actor, delivery.revision)
