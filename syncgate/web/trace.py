"""The masked trace of a refused submission: who, what rule, where; never what the body said."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from syncgate.domain import ids
from syncgate.domain.errors import FieldError, RequestError
from syncgate.domain.rows import Principal, Refusal
from syncgate.flows.gate import Gate
from syncgate.telemetry import log

_WAIT_AT_MOST: Final = 1.0
"""Seconds that an answer waits for its trace."""
_ENTRIES_AT_MOST: Final = 100
_NAMED_BY_CALLER: Final = frozenset({"unknown_field", "field_name"})
"""Rules whose pointer ends in a name that the caller made up, and that may therefore say anything."""
_PENDING: Final[set[asyncio.Task[None]]] = set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A refused submission, as far as it had come."""

    principal: Principal
    source: str
    method: str
    route: str
    body: bytes
    error: RequestError


async def leave(gate: Gate, refused: Refused) -> None:
    """Stores the trace; a store that is slow or away delays the answer by a second at most, and fails nothing."""
    task = asyncio.create_task(_written(gate, _refusal(gate, refused)))
    _PENDING.add(task)
    task.add_done_callback(_PENDING.discard)
    await asyncio.wait({task}, timeout=_WAIT_AT_MOST)


async def _written(gate: Gate, refusal: Refusal) -> None:
    try:
        await gate.writer.write(lambda tx: tx.insert_refusal(refusal))
    except Exception as error:  # whatever the store does, the caller gets its answer
        log.warning("trace_failed", error=type(error).__name__, code=refusal.code, route=refusal.path)


def _refusal(gate: Gate, refused: Refused) -> Refusal:
    now = gate.clock.now()
    return Refusal(
        refusal_id=ids.uuid7(now, gate.entropy.token(10)),
        at=now,
        source=refused.source,
        principal=refused.principal.name,
        method=refused.method,
        path=refused.route,
        code=refused.error.code,
        status=refused.error.status,
        body_size=len(refused.body),
        body_mac=gate.keyring.mac("refused_body", refused.body),
        errors=tuple(_masked(refused.error.errors)),
    )


def _masked(errors: Iterable[FieldError]) -> Iterator[dict[str, str]]:
    for error, _ in zip(errors, range(_ENTRIES_AT_MOST), strict=False):
        is_made_up = error.rule in _NAMED_BY_CALLER
        pointer = error.pointer.rpartition("/")[0] if is_made_up else error.pointer
        yield {"pointer": pointer, "rule": error.rule, "expected": error.expected}
