"""Passports and deliveries with a sentence that says where they stand, in the caller's language."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from syncgate.domain.closures import Why
from syncgate.domain.delivery import Phase
from syncgate.domain.rows import CaseState
from syncgate.flows.showing.views import (
    AttemptView,
    CaseSummary,
    DeliveryDetail,
    DeliveryPage,
    DeliveryView,
    Holding,
    Open,
    Passport,
)
from syncgate.language import Ended, Language, Standing, Waiting, in_language
from syncgate.site.compiler import ZONE

_ENDED: Final[dict[CaseState, Ended]] = {
    CaseState.WITHDRAWN: "withdrawn",
    CaseState.VOID: "void",
    CaseState.MERGED: "merged",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingTold(Holding):
    """What one system holds of a case. sentence: where the case stands there, and why."""

    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PassportTold:
    """Where a case stands everywhere. merged: the cases that were merged into it."""

    case: CaseSummary
    systems: tuple[HoldingTold, ...]
    merged: tuple[CaseSummary, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryTold(DeliveryView):
    """One delivery. sentence: where it stands, why, and who must act; detail is in the same language."""

    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPageTold:
    """Deliveries, newest first. next: the cursor of the following page; None after the last."""

    deliveries: tuple[DeliveryTold, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryDetailTold:
    """One delivery with its history."""

    delivery: DeliveryTold
    case: CaseSummary
    attempts: tuple[AttemptView, ...]


_OPENS: Final = frozenset(Why)


def passport(view: Passport, language: Language) -> PassportTold:
    """The passport with a sentence per system."""
    ended_as = _ENDED.get(view.case.state)
    systems = tuple(_holding(one, language, ended_as=ended_as) for one in view.systems)
    return PassportTold(case=view.case, systems=systems, merged=view.merged)


def page(view: DeliveryPage, language: Language) -> DeliveryPageTold:
    """The page with a sentence per delivery."""
    return DeliveryPageTold(deliveries=tuple(delivery(one, language) for one in view.deliveries), next=view.next)


def detail(view: DeliveryDetail, language: Language) -> DeliveryDetailTold:
    """The delivery and its history with a sentence."""
    return DeliveryDetailTold(delivery=delivery(view.delivery, language), case=view.case, attempts=view.attempts)


def delivery(view: DeliveryView, language: Language) -> DeliveryTold:
    """The delivery with a sentence."""
    told = replace(view, detail=in_language(view.detail, language))
    return DeliveryTold(**_values(told), sentence=_waiting(view, view.message, view.part).sentence(language))


def _holding(view: Holding, language: Language, *, ended_as: Ended | None) -> HoldingTold:
    waiting = [_waiting(one, slot.message, slot.part) for slot in view.slots for one in slot.opens]
    standing = Standing(
        is_origin=view.is_origin,
        held_count=sum(1 for slot in view.slots if slot.holds is not None),
        own_count=sum(1 for slot in view.slots if slot.holds is not None and slot.holds.reason),
        slots_count=len(view.slots),
        case_ref=view.case_ref,
        waiting=waiting[0] if waiting else None,
        waits_for=view.waits_for,
        ended_as=ended_as,
    )
    slots = tuple(replace(slot, opens=tuple(_told(one, language) for one in slot.opens)) for slot in view.slots)
    return HoldingTold(**(_values(view) | {"slots": slots}), sentence=standing.sentence(language))


def _told(view: Open, language: Language) -> Open:
    return replace(view, detail=in_language(view.detail, language))


def _waiting(view: Open | DeliveryView, message: str, part: str) -> Waiting:
    slot = f"{message} {part}" if part else message
    since = _told_time(view.queued_at if view.phase is Phase.AWAITING else None)
    until = _told_time(view.due_at if view.phase is Phase.AWAITING or view.reason in _OPENS else None)
    return Waiting(slot=slot, phase=view.phase.value, reason=view.reason, actor=view.actor, since=since, until=until)


def _told_time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(ZoneInfo(ZONE)).isoformat(" ", "minutes")


def _values(view: Any) -> dict[str, Any]:
    return {field.name: getattr(view, field.name) for field in fields(view)}
