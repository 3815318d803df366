"""Which cases and messages a person's replan is about, and what of them is in that person's scope."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from syncgate.domain.errors import Conflict, FieldError, NotFound, RequestError
from syncgate.domain.rows import Principal
from syncgate.flows.gate import CaseRef, Gate
from syncgate.flows.operating.failed import unknown_source
from syncgate.flows.showing.scope import find_case, narrowed, narrowed_prefixes, sees_system
from syncgate.ports import CaseFilter

BOUNDS: Final = "item, message, source, case, region or since"
"""What bounds a replan."""


class InvalidReplan(RequestError):
    """A replan was asked for that is bounded by nothing, or by something unknown."""

    code = "invalid_request"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplanWish:
    """What to compare. None: no condition; at least one of all but `until` is given.

    Attributes:
        item: of the case. source: the one that posted it first. region: how its region code begins.
        message: only its slots. case: only this one.
        since, until: when the case came; from inclusive, until exclusive.
    """

    item: str | None = None
    message: str | None = None
    source: str | None = None
    region: str | None = None
    case: CaseRef | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_bounded(self) -> bool:
        """Whether it says less than everything."""
        return replace(self, until=None) != ReplanWish()

    def document(self) -> dict[str, str]:
        """What it says, as the audit keeps it."""
        return {name: _flat(value) for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanning:
    """Which cases to go through. case_id: only this one."""

    principal: Principal
    where: CaseFilter
    only: frozenset[str] | None
    case_id: UUID | None


async def scanning(gate: Gate, principal: Principal, system: str, wish: ReplanWish) -> Scanning:
    """What to go through.

    Raises:
        NotFound: no such system, or case, in scope.
        InvalidReplan: the wish is bounded by nothing, or names a message that the system does not take.
        Conflict: the system is a draft or retired.
    """
    if system not in gate.active or not sees_system(principal, system):
        raise NotFound("expected a system of this site, got none of that name")
    bundle = gate.active_bundle(system)
    errors = [] if wish.is_bounded else [FieldError("/filter", "unbounded", BOUNDS)]
    known = [message.name for message in bundle.messages]
    if wish.message is not None and wish.message not in known:
        errors.append(FieldError("/filter/message", "enum", ", ".join(known)))
    errors += await unknown_source(gate, wish.source)
    if errors:
        raise InvalidReplan("expected a replan that is bounded by what this site knows, got another", errors=errors)
    if bundle.mode in ("draft", "retired"):
        raise Conflict("expected a system that takes cases, got one that is {mode}", mode=bundle.mode)
    case_id: UUID | None = None
    if wish.case is not None:
        ref = wish.case
        case_id = await gate.writer.read(lambda tx: find_case(tx, principal, ref).case_id)
    where = CaseFilter(
        origins=narrowed(None if wish.source is None else (wish.source,), principal.sources),
        regions=narrowed_prefixes(None if wish.region is None else (wish.region,), principal.regions),
        items=None if wish.item is None else (wish.item,),
        created_from=wish.since,
        created_until=wish.until,
    )
    only = None if wish.message is None else frozenset({wish.message})
    return Scanning(principal=principal, where=where, only=only, case_id=case_id)


def _flat(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return ":".join(str(part) for part in value.values() if part is not None)
    return str(value)
