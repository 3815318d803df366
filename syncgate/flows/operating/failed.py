"""Which failed deliveries a person means: the filter of a bulk requeue, and what it finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from syncgate.domain.delivery import Phase
from syncgate.domain.errors import FieldError, RequestError
from syncgate.domain.returns import RETURNED
from syncgate.domain.rows import Case, Delivery, Principal
from syncgate.flows.gate import Gate
from syncgate.flows.showing.scope import is_unbounded, sees_delivery
from syncgate.ports import DeliveryFilter, Tx

PAGE: Final = 500
LOOKED_AT_MOST: Final = 10_000
"""Rows that a survey looks at; beyond it says that it has not seen everything."""
OTHER_OPEN: Final = (Phase.PENDING, Phase.IN_FLIGHT, Phase.AWAITING, Phase.UNCONFIRMED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The deliveries of one system that all these conditions hold for; None: no condition.

    Attributes:
        reason: why it is parked. rule, field: one of the broken rules, and the field of the payload.
        item: of the case. source: the one that posted the case first.
        cause: of one that its system gave back.
        since, until: when it was parked; from inclusive, until exclusive.
    """

    system: str
    message: str | None = None
    reason: str | None = None
    rule: str | None = None
    field: str | None = None
    item: str | None = None
    source: str | None = None
    cause: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_bounded(self) -> bool:
        """Whether it says more than which system; one that does not means everything that ever failed there."""
        return self != Failed(system=self.system)

    def before(self, at: datetime) -> Failed:
        """Those that were parked before that time."""
        return replace(self, until=at if self.until is None else min(at, self.until))

    def where(self, *phases: Phase) -> DeliveryFilter:
        """As much of it as the store can be asked."""
        return DeliveryFilter(
            phases=phases,
            systems=(self.system,),
            messages=None if self.message is None else (self.message,),
            reasons=None if self.reason is None else (self.reason,),
            changed_from=self.since,
            changed_until=self.until,
        )

    def means(self, delivery: Delivery, case: Case) -> bool:
        """The rest of it."""
        return (
            self.item in (None, case.item)
            and self.source in (None, case.origin)
            and self.cause in (None, delivery.detail if delivery.reason == RETURNED else "")
            and self.field in (None, *(place for place, _ in _faults(delivery)))
            and self.rule in (None, delivery.reason, *(rule for _, rule in _faults(delivery)))
        )

    def document(self) -> dict[str, Any]:
        """Itself as plain JSON, without what it leaves open."""
        return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in asdict(self).items() if v is not None}

    @classmethod
    def of(cls, document: dict[str, Any]) -> Failed:
        """What `document` gave."""
        times: dict[str, Any] = {
            name: datetime.fromisoformat(document[name]) for name in ("since", "until") if name in document
        }
        values: dict[str, Any] = {**document, **times}
        return cls(**values)


def _faults(delivery: Delivery) -> Iterator[tuple[str, str]]:
    """Field and first word of what is wrong there, line by line of the delivery's detail."""
    for line in delivery.detail.splitlines():
        place, _, words = line.partition(": ")
        yield place.removeprefix("/"), words.partition(" ")[0]


class UnknownNames(RequestError):
    """A filter names what this site never had; to find nothing of it would hide the slip."""

    code = "invalid_request"
    status = 422


async def refuse_unknown(gate: Gate, failed: Failed) -> None:
    """Raises UnknownNames with every name that means nothing here."""
    errors = await unknown_source(gate, failed.source) + await _unknown_message(gate, failed)
    if errors:
        raise UnknownNames("expected a filter of names that this site knows, got others", errors=errors)


async def unknown_source(gate: Gate, source: str | None) -> list[FieldError]:
    """What is wrong with the source of a filter; one that posts no more is still known."""
    if source is None or source in gate.sources:
        return []
    row = await gate.writer.read(lambda tx: tx.system(source))
    return [] if row is not None else [FieldError("/filter/source", "enum", ", ".join(sorted(gate.sources)))]


async def _unknown_message(gate: Gate, failed: Failed) -> list[FieldError]:
    """The same of its message; one that is sent no more is known as long as deliveries of it are kept."""
    messages = gate.active_bundle(failed.system).messages if failed.system in gate.active else ()
    known = [message.name for message in messages]
    if failed.message is None or failed.message in known:
        return []
    where = Failed(system=failed.system, message=failed.message).where(*Phase)
    kept = await gate.writer.read(lambda tx: tx.oldest_deliveries(where, after=None, limit=1))
    return [] if kept else [FieldError("/filter/message", "enum", ", ".join(known))]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftAlone:
    """Deliveries that the filter means and that are not parked, so that they are left as they are."""

    phase: Phase
    reason: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a filter finds now. is_whole: whether everything was looked at; if not, the counts are at least these."""

    found: tuple[UUID, ...]
    left_alone: tuple[LeftAlone, ...]
    is_whole: bool


async def survey(gate: Gate, principal: Principal, failed: Failed) -> Survey:
    """The parked deliveries that a filter means, oldest first, and how many others of it are left alone.

    Raises:
        UnknownNames: it names what this site never had.
    """
    await refuse_unknown(gate, failed)
    parked, is_whole = await _look(gate, principal, failed, Phase.PARKED)
    others, is_all = await _look(gate, principal, failed, *OTHER_OPEN)
    counts = Counter((delivery.phase, delivery.reason or "") for delivery in others)
    left = (LeftAlone(phase=phase, reason=reason, count=n) for (phase, reason), n in sorted(counts.items()))
    return Survey(found=tuple(d.delivery_id for d in parked), left_alone=tuple(left), is_whole=is_whole and is_all)


async def _look(gate: Gate, principal: Principal, failed: Failed, *phases: Phase) -> tuple[list[Delivery], bool]:
    """Page by page, each a transaction of its own, so that a long look holds up nobody."""
    seen: list[Delivery] = []
    cursor: UUID | None = None
    for _ in range(LOOKED_AT_MOST // PAGE):
        look = partial(meant_of, principal=principal, failed=failed, phases=phases, after=cursor, limit=PAGE)
        page, meant = await gate.writer.read(look)
        seen += meant
        if len(page) < PAGE:
            return seen, True
        cursor = page[-1].delivery_id
    return seen, False


def meant_of(
    tx: Tx,
    *,
    principal: Principal,
    failed: Failed,
    phases: Sequence[Phase],
    after: UUID | None,
    limit: int,
) -> tuple[list[Delivery], list[Delivery]]:
    """The next page of what the store finds, and those of it that are meant and in the principal's scope."""
    page = tx.oldest_deliveries(failed.where(*phases), after=after, limit=limit)
    cases = tx.cases({delivery.case_id for delivery in page})
    return page, [
        delivery
        for delivery in page
        if (case := cases.get(delivery.case_id)) is not None
        and failed.means(delivery, case)
        and (is_unbounded(principal) or sees_delivery(tx, principal, delivery, case))
    ]
