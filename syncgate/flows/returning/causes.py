"""Under which causes returns are counted, and what is done about all of one: requeued, or back to their source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

import orjson

from syncgate.domain.delivery import Phase
from syncgate.domain.errors import NotFound
from syncgate.domain.returns import OTHER, RETURNED, cause_of, without_particulars
from syncgate.domain.rows import AttemptKind, AuditEntry, Case, Delivery, Principal
from syncgate.flows.documents import open_document
from syncgate.flows.gate import Gate
from syncgate.flows.lane import noted
from syncgate.flows.operating.failed import PAGE, Failed, meant_of
from syncgate.flows.showing.scope import is_unbounded, sees_delivery, sees_system
from syncgate.ports import DeliveryFilter, Tx
from syncgate.site.returning import ReturnRules

SENT_BACK: Final = "sent_back"
TO_THE_SOURCE: Final = "source"
LOOKED_AT_MOST: Final = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why something is given back. name: a declared cause, or one that stands for all texts that say the same."""

    name: str
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseView:
    """The returns of one cause that wait.

    Attributes:
        title: as the adapter says. text: what the system wrote, without what tells one case from another; empty where
            it was told by a code alone.
        count: how many. at_source: how many of them lie in the worklist of their source.
        messages, items: how many of each.
        since, until: when the first and the last were given back. delivery_id: one of them.
    """

    system: str
    cause: str
    title: Mapping[str, str]
    text: str
    count: int
    at_source: int
    messages: Mapping[str, int]
    items: Mapping[str, int]
    since: datetime
    until: datetime
    delivery_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseList:
    """Causes, the most frequent first. is_whole: whether all that waits was counted."""

    causes: tuple[CauseView, ...]
    is_whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SentBack:
    """What of a cause went, or, dry, would go, back to the worklist of its source; already: what lay there."""

    dry_run: bool
    sent_back: int
    already: int


def cause_in(gate: Gate, tx: Tx, rules: ReturnRules, case_id: UUID, text: str) -> Cause:
    """The cause of what a system wrote about a case: a declared one, or one named by what the text says."""
    rule = cause_of(text, rules.causes)
    if rule is not None:
        return Cause(name=rule.name, actor=rule.actor)
    case = tx.case(case_id)
    plain = "" if case is None else said_of_nobody(gate, tx, case, text)
    return Cause(name=f"{OTHER}{gate.keyring.mac('cause', plain.encode()).hex()[:12]}", actor="operations")


def said_of_nobody(gate: Gate, tx: Tx, case: Case, text: str) -> str:
    """A text about a case without what tells it from another: its personal values, numbers, identifiers."""
    try:
        document = open_document(gate, tx, case)
    except NotFound:
        return ""
    return without_particulars(text, [*_hidden(document, gate.schema.mask(document)), case.case_no])


def _hidden(document: Any, masked: Any) -> Iterator[str]:
    """The texts of a document that are not shown as they are."""
    if isinstance(document, Mapping):
        for key, below in document.items():
            yield from _hidden(below, masked[key])
    elif isinstance(document, list):
        for below, hidden in zip(document, masked, strict=True):
            yield from _hidden(below, hidden)
    elif isinstance(document, str) and document != masked:
        yield document


async def list_causes(gate: Gate, principal: Principal, systems: tuple[str, ...] | None) -> CauseList:
    """The causes of what waits because a system gave it back, in scope."""
    groups: dict[tuple[str, str], CauseView] = {}
    where = DeliveryFilter(phases=(Phase.PARKED,), systems=systems, reasons=(RETURNED,))
    cursor: UUID | None = None
    for _ in range(LOOKED_AT_MOST // PAGE):
        page, cursor = await gate.writer.read(partial(_counted, gate, principal, where, cursor, groups))
        groups |= page
        if cursor is None:
            break
    told = [await gate.writer.read(partial(_with_text, gate, view)) for view in groups.values()]
    return CauseList(causes=tuple(sorted(told, key=lambda v: (-v.count, v.system, v.cause))), is_whole=cursor is None)


def _counted(
    gate: Gate,
    principal: Principal,
    where: DeliveryFilter,
    after: UUID | None,
    known: Mapping[tuple[str, str], CauseView],
    tx: Tx,
) -> tuple[dict[tuple[str, str], CauseView], UUID | None]:
    page = tx.list_deliveries(where, after=after, limit=PAGE)
    cases = tx.cases({delivery.case_id for delivery in page})
    groups = dict(known)
    for delivery in page:
        case = cases[delivery.case_id]
        if not sees_system(principal, delivery.system):
            continue
        if not is_unbounded(principal) and not sees_delivery(tx, principal, delivery, case):
            continue
        key = (delivery.system, delivery.detail)
        groups[key] = _with(groups.get(key), gate, delivery, case)
    return groups, page[-1].delivery_id if len(page) == PAGE else None


def _with(view: CauseView | None, gate: Gate, delivery: Delivery, case: Case) -> CauseView:
    if view is None:
        rules = gate.active_bundle(delivery.system).returns if delivery.system in gate.active else None
        view = CauseView(
            system=delivery.system,
            cause=delivery.detail,
            title={} if rules is None else rules.titles.get(delivery.detail, {}),
            text="",
            count=0,
            at_source=0,
            messages={},
            items={},
            since=delivery.changed_at,
            until=delivery.changed_at,
            delivery_id=delivery.delivery_id,
        )
    return replace(
        view,
        count=view.count + 1,
        at_source=view.at_source + (delivery.actor == TO_THE_SOURCE),
        messages=_one_more(view.messages, delivery.message),
        items=_one_more(view.items, case.item),
        since=min(view.since, delivery.changed_at),
        until=max(view.until, delivery.changed_at),
    )


def _one_more(counts: Mapping[str, int], name: str) -> dict[str, int]:
    return {**counts, name: counts.get(name, 0) + 1}


def _with_text(gate: Gate, view: CauseView, tx: Tx) -> CauseView:
    return replace(view, text=text_of(gate, tx, view.delivery_id))


def text_of(gate: Gate, tx: Tx, delivery_id: UUID) -> str:
    """What a system wrote in its list about a delivery, without what tells its case from another; empty: nothing."""
    delivery = tx.delivery(delivery_id)
    case = None if delivery is None else tx.case(delivery.case_id)
    returned = [a for a in tx.attempts(delivery_id) if a.kind is AttemptKind.BY_HAND and a.received_blob is not None]
    if case is None or not case.wrapped_key or not returned:
        return ""
    mac = returned[-1].received_blob
    assert mac is not None
    blob = tx.blob(str(case.case_id), mac)
    if blob is None:
        return ""
    bound_to = f"blob:{case.case_id}:{mac.hex()}"
    written = orjson.loads(gate.keyring.open(case.wrapped_key, blob.sealed, bound_to=bound_to))
    return said_of_nobody(gate, tx, case, str(written.get("reason", "")))


async def send_back(gate: Gate, principal: Principal, failed: Failed, *, reason: str, dry_run: bool) -> SentBack:
    """Puts the returns of a cause into the worklists of their sources, which correct them.

    Args:
        gate: the running gate.
        principal: who decides.
        failed: which are meant.
        reason: why; kept in each history.
        dry_run: whether they are only counted.
    """
    sent_back = already = 0
    cursor: UUID | None = None
    while True:
        look = partial(meant_of, principal=principal, failed=failed, phases=(Phase.PARKED,), after=cursor, limit=PAGE)
        page, meant = await gate.writer.read(look)
        returned = [delivery for delivery in meant if delivery.reason == RETURNED]
        there = [delivery for delivery in returned if delivery.actor == TO_THE_SOURCE]
        already += len(there)
        moved = [delivery.delivery_id for delivery in returned if delivery.actor != TO_THE_SOURCE]
        if not dry_run and moved:
            sent_back += await gate.writer.write(partial(_sent_back, principal, moved, reason))
        elif dry_run:
            sent_back += len(moved)
        if len(page) < PAGE:
            break
        cursor = page[-1].delivery_id
    if not dry_run:
        entry = partial(_entry, principal, failed, reason, sent_back)
        await gate.writer.write(lambda tx: tx.append_audit(entry(tx)))
    return SentBack(dry_run=dry_run, sent_back=sent_back, already=already)


def _sent_back(principal: Principal, delivery_ids: list[UUID], reason: str, tx: Tx) -> int:
    """How many of these were sent back; one that moved meanwhile is left as it is."""
    count = 0
    for found in sorted(filter(None, map(tx.delivery, delivery_ids)), key=lambda d: (d.case_id, d.system)):
        tx.lane(found.case_id, found.system, lock=True)
        now = tx.delivery(found.delivery_id)
        if now is None or now.phase is not Phase.PARKED or now.reason != RETURNED or now.actor == TO_THE_SOURCE:
            continue
        counted, attempt = noted(
            now, kind=AttemptKind.BY_HAND, outcome=SENT_BACK, actor=principal.name, at=tx.now, detail={"reason": reason}
        )
        if tx.save_delivery(replace(counted, actor=TO_THE_SOURCE, changed_at=tx.now), before=now):
            tx.insert_attempts([attempt])
            count += 1
    return count


def _entry(principal: Principal, failed: Failed, reason: str, count: int, tx: Tx) -> AuditEntry:
    return AuditEntry(
        at=tx.now,
        actor=principal.name,
        action="returns_sent_back",
        object=f"system:{failed.system}",
        reason=reason,
        detail={"cause": failed.cause, "count": count},
    )
