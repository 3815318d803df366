"""What became of a source's cases, for one that cannot be called: in order, each at least once, none left out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from syncgate.domain.changes import Change, ChangeKind
from syncgate.domain.delivery import Phase
from syncgate.domain.errors import FieldError, NotFound, RequestError
from syncgate.domain.rows import Case, CaseState, Principal
from syncgate.flows.gate import Gate
from syncgate.flows.showing.scope import sees_case
from syncgate.ports import Tx

NUMBERED_AT_ONCE: Final = 1_000
LOOKED_AT: Final = 2_000
"""Changes, of whatever source, that one page looks at."""
_PREFIX: Final = "c"


class InvalidCursor(RequestError):
    """A cursor that this feed never gave."""

    code = "invalid_request"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """One change.

    Attributes:
        change_no: ascending; each number is one change, the same at every reading.
        case_no: what the source calls the case. state: of the case as it is now.
        source: who made the revision; empty of a delivery.
        remote_ref: what the system calls it, of one that is delivered as far as is known now.
    """

    change_no: int
    at: datetime
    kind: ChangeKind
    case_id: UUID
    case_no: str
    state: CaseState
    revision: int
    source: str
    delivery_id: UUID | None
    system: str
    message: str
    part: str
    phase: Phase | None
    reason: str | None
    actor: str
    remote_ref: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePage:
    """Changes in order. cursor: for the next page, also where this one is empty. is_last: whether nothing more is
    there now."""

    changes: tuple[ChangeView, ...]
    cursor: str
    is_last: bool


async def read_changes(gate: Gate, principal: Principal, source: str, *, cursor: str | None, limit: int) -> ChangePage:
    """The next changes of a source's cases. Raises NotFound, InvalidCursor."""
    require_own(gate, principal, source)
    after = _number(cursor)
    while await gate.writer.write(lambda tx: tx.number_changes(limit=NUMBERED_AT_ONCE)):
        pass
    return await gate.writer.read(lambda tx: _page(tx, principal, source, after=after, limit=limit))


def require_own(gate: Gate, principal: Principal, source: str) -> None:
    """Raises NotFound where the source is not of this site, or another's than the principal's."""
    if source not in gate.sources or (principal.sources and source not in principal.sources):
        raise NotFound("expected a source of this site, got none of that name")


def _number(cursor: str | None) -> int:
    if cursor is None:
        return 0
    digits = cursor.removeprefix(_PREFIX)
    if not cursor.startswith(_PREFIX) or not digits.isascii() or not digits.isdigit() or len(digits) > 18:
        errors = [FieldError("/query/cursor", "format", "cursor")]
        raise InvalidCursor("expected a cursor that this call gave, got another text", errors=errors)
    return int(digits)


def _page(tx: Tx, principal: Principal, source: str, *, after: int, limit: int) -> ChangePage:
    found: list[ChangeView] = []
    while len(found) < limit:
        changes, until = tx.changes(source, after=after, looked_at=LOOKED_AT)
        if until == after:
            return ChangePage(changes=tuple(found), cursor=f"{_PREFIX}{after}", is_last=True)
        cases = tx.cases({change.case_id for change in changes})
        for change in changes:
            case = cases[change.case_id]
            assert change.change_no is not None
            if len(found) == limit:
                break
            after = change.change_no
            if sees_case(principal, case, tx.lanes(case.case_id)):
                found.append(_view(tx, source, change, case))
        else:
            after = until
    return ChangePage(changes=tuple(found), cursor=f"{_PREFIX}{after}", is_last=False)


def _view(tx: Tx, source: str, change: Change, case: Case) -> ChangeView:
    assert change.change_no is not None
    delivery = None if change.delivery_id is None else tx.delivery(change.delivery_id)
    is_there = delivery is not None and change.phase is Phase.DELIVERED
    return ChangeView(
        change_no=change.change_no,
        at=change.at,
        kind=change.kind,
        case_id=change.case_id,
        case_no=number_at(tx, case, source),
        state=case.state,
        revision=change.revision,
        source=change.source,
        delivery_id=change.delivery_id,
        system=change.system,
        message=change.message,
        part=change.part,
        phase=change.phase,
        reason=change.reason,
        actor=change.actor,
        remote_ref=delivery.remote_ref if delivery is not None and is_there else None,
    )


def number_at(tx: Tx, case: Case, source: str) -> str:
    """What a source calls a case."""
    lane = tx.lane(case.case_id, source)
    return lane.case_ref if lane is not None and lane.case_ref is not None else case.case_no
