"""Which case a row of a list of returns is about: by any number that the case is known under, or by our keys."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final
from uuid import UUID

from syncgate.domain import ids
from syncgate.domain.delivery import Phase
from syncgate.domain.returns import RowResult
from syncgate.domain.returns_matching import Match, ReturnRow, batches, matched, plain_key, slot_key
from syncgate.domain.rows import AttemptKind, Delivery
from syncgate.flows.gate import Gate
from syncgate.ports import DeliveryFilter, Tx

PAGE: Final = 2_000
CHUNK: Final = 200
"""Rows that one reading of the store is asked about."""
_SEARCHED: Final = (Phase.DELIVERED, Phase.AWAITING, Phase.UNCONFIRMED, Phase.PARKED, Phase.PENDING, Phase.IN_FLIGHT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """A row with the case that it is about. case_id: None where none is known; count: how many it can mean."""

    row: ReturnRow
    case_id: UUID | None = None
    count: int = 0


@dataclass(slots=True)
class Finder:
    """Finds the cases of a list's rows.

    Attributes:
        gate: the running gate. system: whose list it is.
    """

    gate: Gate
    system: str
    _case_by_key: dict[str, UUID] = field(default_factory=dict)

    async def located(self, rows: Sequence[ReturnRow]) -> list[Located]:
        """Each row with its case. Numbers are looked up; keys that no number leads to are searched for."""
        numbers = list(dict.fromkeys(row.case_no for row in rows if row.case_no))
        cases_by_number: dict[str, frozenset[UUID]] = {}
        for start in range(0, len(numbers), CHUNK):
            part = numbers[start : start + CHUNK]
            cases_by_number |= await self.gate.writer.read(partial(self._by_number, part))
        unknown = [row for row in rows if row.keys and not cases_by_number.get(row.case_no)]
        if unknown:
            await self._search(frozenset(key for row in unknown for key in row.keys))
        return [self._located(row, cases_by_number.get(row.case_no, frozenset())) for row in rows]

    def _located(self, row: ReturnRow, of_number: frozenset[UUID]) -> Located:
        cases = of_number or {self._case_by_key[key] for key in row.keys if key in self._case_by_key}
        case_id = next(iter(cases)) if len(cases) == 1 else None
        return Located(row=row, case_id=case_id, count=len(cases))

    def _by_number(self, numbers: Iterable[str], tx: Tx) -> dict[str, frozenset[UUID]]:
        names = sorted({row.system for row in tx.systems()} | self.gate.sources | {self.system})
        found: dict[str, frozenset[UUID]] = {}
        for number in numbers:
            known = (tx.case_id_by_ref(name, number) for name in names)
            sent_there = (one for one in known if one is not None and tx.lane(one, self.system) is not None)
            found[number] = frozenset(sent_there)
        return found

    async def _search(self, wanted: frozenset[str]) -> None:
        """Looks through what went to the system, the newest first, until every key is found."""
        missing, cursor = set(wanted), None
        while missing:
            page = await self.gate.writer.read(partial(self._page, cursor))
            for delivery in page:
                for key in missing & {slot_key(delivery), *batches(delivery)}:
                    self._case_by_key[key] = delivery.case_id
                    missing.discard(key)
            if len(page) < PAGE:
                return
            cursor = page[-1].delivery_id

    def _page(self, cursor: UUID | None, tx: Tx) -> list[Delivery]:
        return tx.list_deliveries(DeliveryFilter(systems=(self.system,), phases=_SEARCHED), after=cursor, limit=PAGE)


def match_in(tx: Tx, located: Located, deliveries: Sequence[Delivery]) -> Match:
    """What a located row is about among its case's deliveries at the system."""
    if located.count > 1:
        return Match(result=RowResult.SEVERAL_MEANT, count=located.count)
    if located.case_id is None:
        return Match(result=RowResult.NEVER_SENT)
    found = matched(located.row, deliveries)
    if found.result is not RowResult.CONTRADICTORY or not located.row.batch:
        return found
    return matched(located.row, deliveries, _older(tx, deliveries))


def _older(tx: Tx, deliveries: Collection[Delivery]) -> frozenset[str]:
    """The keys of every sending of these deliveries, as their histories show them."""
    keys: set[str] = set()
    for delivery in deliveries:
        for attempt in tx.attempts(delivery.delivery_id):
            if attempt.kind is not AttemptKind.SEND or attempt.bundle is None:
                continue
            for number in (None, *range(1, (delivery.given_back_no or 0) + 1)):
                keys.add(plain_key(ids.send_key(delivery.delivery_id, attempt.revision, attempt.bundle, number)))
    return frozenset(keys)


def lanes_of(tx: Tx, system: str, located: Iterable[Located]) -> Mapping[UUID, list[Delivery]]:
    """The deliveries at the system of every case that is known, in the order of creation."""
    cases = {one.case_id for one in located if one.case_id is not None}
    found = tx.deliveries_of({(case_id, system) for case_id in cases})
    return {case_id: deliveries for (case_id, _), deliveries in found.items()}
