"""What we sent to a system although its own clerks had typed it in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from .ledger import NOT_SENT, Effect, Ledger, Record, Request, Shape, Slot


@dataclass(frozen=True)
class Echo:
    """A request that should never have been sent; whether it made a record."""

    request: Request
    has_created: bool
    detail: str


def find_echoes(ledger: Ledger, shape: Shape, lines: list[Record]) -> Iterator[Echo]:
    """Every request that creates what was typed there, or updates a record to what it was."""
    own = _Own(ledger, shape, lines)
    effects = {effect.request_seq: effect for effect in ledger.effects}
    held: dict[Slot, Record] = {}
    for request in ledger.requests:
        effect = effects.get(request.seq)
        if request.operation == "update":
            if effect is not None and _is_same(effect, held.get(effect.slot), shape):
                yield Echo(request, False, f"request {request.seq} changes nothing of what was held")
        elif request.operation not in NOT_SENT and own.has(request):
            is_made = effect is not None and effect.kind == "created"
            yield Echo(request, is_made, f"request {request.seq} brings what was typed there")
        if effect is not None:
            held[effect.slot] = effect.record


class _Own:
    """What the system's own clerks typed in, as the expected lines say."""

    def __init__(self, ledger: Ledger, shape: Shape, lines: list[Record]) -> None:
        self._shape, self._contents = shape, ledger.contents()
        self._places = {
            (line["case_no"], operation["operation"], operation["part"])
            for line in lines
            for operation in line["operations"]
            if operation.get("is_own")
        }

    def has(self, request: Request) -> bool:
        """Whether a request brings one of these."""
        if not self._places:
            return False
        record, operation = _record(request.body), request.operation
        part = "|".join(str(record.get(name)) for name in self._shape.part_fields.get(operation, ()))
        return (self._case_no(request, record), operation, part) in self._places

    def _case_no(self, request: Request, record: Record) -> str:
        if request.operation != self._shape.first:
            record = self._contents.get((self._shape.first, request.slot[1], ""), {})
        return str(record.get(self._shape.case_field))


def _is_same(effect: Effect, before: Record | None, shape: Shape) -> bool:
    """Whether a record says what was held before, apart from the key that only the gate gives."""
    own = [{k: v for k, v in record.items() if k != shape.key_field} for record in (effect.record, before or {})]
    return before is not None and own[0] == own[1]


def _record(body: str) -> Record:
    """The record that a request brought, as far as it is one."""
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
