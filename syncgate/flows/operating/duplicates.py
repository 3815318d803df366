"""Likely duplicates (疑似重复): open cases that look alike. They are listed, never merged; a person decides."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Final
from uuid import UUID

from syncgate.domain.errors import FieldError, InvalidCase
from syncgate.domain.likeness import CLOSE, Feature
from syncgate.domain.rows import Alike, AuditEntry, Principal, ToldApart
from syncgate.flows.gate import CaseRef, Gate
from syncgate.flows.showing.scope import find_case, sees_case
from syncgate.flows.showing.views import CaseSummary
from syncgate.ports import Tx

LOOKED_BACK: Final = timedelta(days=30)
"""How far back the later one of a pair may have come."""
_ROWS_A_PAGE: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicatePair:
    """Two open cases that look alike. other: the earlier one. alike: in what, of `text`, `applicant`, `location`."""

    case: CaseSummary
    other: CaseSummary
    alike: tuple[Feature, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicatePage:
    """Pairs, the newest first. next: the cursor of the following page; None after the last."""

    pairs: tuple[DuplicatePair, ...]
    next: UUID | None


async def list_duplicates(
    gate: Gate, principal: Principal, *, after: UUID | None = None, limit: int = 50
) -> DuplicatePage:
    """Pairs in scope that nobody told apart. A page may hold a few more pairs than asked for, or none and go on.

    Args:
        gate: the running gate.
        principal: who asks; it sees both cases of each pair.
        after: the cursor of the page before.
        limit: how many pairs about.
    """

    def step(tx: Tx) -> DuplicatePage:
        rows = tx.list_alike(since=tx.now - LOOKED_BACK, after=after, limit=_ROWS_A_PAGE)
        whole, next_after = _whole_cases(rows)
        pairs: list[DuplicatePair] = []
        for case_id, some in groupby(whole, key=lambda row: row.case_id):
            pairs += _pairs(tx, principal, some)
            if len(pairs) >= limit:
                is_last = next_after is None and case_id == whole[-1].case_id
                return DuplicatePage(pairs=tuple(pairs), next=None if is_last else case_id)
        return DuplicatePage(pairs=tuple(pairs), next=next_after)

    return await gate.writer.read(step)


def _whole_cases(rows: list[Alike]) -> tuple[list[Alike], UUID | None]:
    """The rows without those of a last case that may have more; and where to go on."""
    if len(rows) < _ROWS_A_PAGE:
        return rows, None
    whole = [row for row in rows if row.case_id != rows[-1].case_id] or rows
    return whole, whole[-1].case_id


def _pairs(tx: Tx, principal: Principal, rows: Iterable[Alike]) -> list[DuplicatePair]:
    near = [row for row in rows if row.apart <= CLOSE]
    cases = tx.cases({case_id for row in near for case_id in (row.case_id, row.other_id)})
    seen = {one: case for one, case in cases.items() if sees_case(principal, case, tx.lanes(one))}
    pairs: list[DuplicatePair] = []
    for (case_id, other_id), some in groupby(near, key=lambda row: (row.case_id, row.other_id)):
        if case_id in seen and other_id in seen:
            alike = tuple(Feature(row.feature) for row in some)
            one, other = CaseSummary.of(seen[case_id]), CaseSummary.of(seen[other_id])
            pairs.append(DuplicatePair(case=one, other=other, alike=alike))
    return pairs


async def tell_apart(gate: Gate, principal: Principal, one: CaseRef, other: CaseRef, *, reason: str) -> ToldApart:
    """Notes that two cases which look alike are two: they are not listed together again.

    Raises:
        NotFound: one of them is not in scope.
        InvalidCase: they are one and the same.
    """

    def step(tx: Tx) -> ToldApart:
        first, second = sorted(find_case(tx, principal, ref, by_parts=False).case_id for ref in (one, other))
        if first == second:
            errors = [FieldError("/cases", "another_case", "another case")]
            raise InvalidCase("expected two cases, got one and the same", errors=errors)
        apart = ToldApart(case_id=second, other_id=first, by=principal.name, reason=reason, at=tx.now)
        tx.tell_apart(apart)
        told = AuditEntry(
            at=tx.now,
            actor=principal.name,
            action="tell_apart",
            object=f"case:{second}",
            reason=reason,
            detail={"other": str(first)},
        )
        tx.append_audit(told)
        return apart

    return await gate.writer.write(step)
