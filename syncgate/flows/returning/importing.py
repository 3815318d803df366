"""Importing a list of returns: each row is answered, and moves its delivery alone or not at all."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final
from uuid import UUID

import orjson

from syncgate.domain.delivery import Phase
from syncgate.domain.errors import IllegalMove, NotFound
from syncgate.domain.outcome import Evidence
from syncgate.domain.returns import MOVES, RETURNED, RowResult
from syncgate.domain.returns_matching import Match, ReturnRow
from syncgate.domain.rows import AttemptKind, AuditEntry, Delivery, Principal
from syncgate.flows.delivering.evidence import evidence_blobs
from syncgate.flows.delivering.watching import given_back
from syncgate.flows.gate import Gate
from syncgate.flows.lane import noted, open_lane
from syncgate.flows.returning.causes import Cause, cause_in
from syncgate.flows.returning.matching import CHUNK, Finder, Located, lanes_of, match_in
from syncgate.flows.returning.sheet import BadRow, InvalidList, Sheet, read_sheet
from syncgate.flows.showing.scope import is_unbounded, sees_delivery, sees_system
from syncgate.ports import Tx
from syncgate.site.returning import ReturnRules

AT_ONCE: Final = 100
"""Rows whose steps are handed to the writer together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowAnswer:
    """What a row came to.

    Attributes:
        row: its line in the file. column, why: of one that says nothing for certain.
        delivery_id, case_id, message, part, phase: of the delivery that it is about, as it is now.
        cause, actor: of one that is given back. count: how many deliveries or cases it can mean.
    """

    row: int
    result: RowResult
    column: str = ""
    why: str = ""
    delivery_id: UUID | None = None
    case_id: UUID | None = None
    message: str = ""
    part: str = ""
    phase: Phase | None = None
    cause: str = ""
    actor: str = ""
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import came to, or, dry, would come to.

    columns: what each header was read as; unread: headers that are nothing; causes: of the rows that were given back.
    """

    system: str
    dry_run: bool
    sha256: str
    format: str
    charset: str
    columns: Mapping[str, str]
    unread: tuple[str, ...]
    results: Mapping[RowResult, int]
    causes: Mapping[str, int]
    rows: tuple[RowAnswer, ...]


async def import_returns(
    gate: Gate,
    principal: Principal,
    system: str,
    content: bytes,
    *,
    given: Mapping[str, Any],
    dry_run: bool,
    reason: str = "",
) -> Imported:
    """What each row of a list came to. The same list once more changes nothing.

    Args:
        gate: the running gate.
        principal: who brings it.
        system: whose list it is.
        content: the file.
        given: how it is written, where that is said.
        dry_run: whether nothing is to be stored.
        reason: why it is imported; kept in the audit.

    Raises:
        NotFound: no such system is in scope. InvalidList: it is no such list; nothing of it was taken.
    """
    if system not in gate.active or not sees_system(principal, system):
        raise NotFound("expected a system of this site, got none of that name")
    rules = gate.active_bundle(system).returns
    if rules is None:
        raise InvalidList("expected a system whose adapter declares returns, got one without")
    digest = hashlib.sha256(content).hexdigest()
    sheet = await asyncio.to_thread(read_sheet, content, rules, name="the list", given=given)
    desk = _Desk(gate, principal, system, rules, digest=digest)
    answers = await desk.answers(sheet, dry_run=dry_run)
    found = _imported(sheet, answers, system=system, dry_run=dry_run, digest=digest)
    if not dry_run:
        await gate.writer.write(lambda tx: tx.append_audit(_entry(tx, principal, found, reason)))
    return found


@dataclass(slots=True)
class _Desk:
    """One import under way."""

    gate: Gate
    principal: Principal
    system: str
    rules: ReturnRules
    digest: str

    async def answers(self, sheet: Sheet, *, dry_run: bool) -> list[RowAnswer]:
        good = [row for row in sheet.rows if isinstance(row, ReturnRow)]
        located = await Finder(self.gate, self.system).located(good)
        answered = [_bad(row) for row in sheet.rows if isinstance(row, BadRow)]
        taken: dict[UUID, int] = {}
        for start in range(0, len(located), CHUNK):
            chunk = located[start : start + CHUNK]
            looked = await self.gate.writer.read(partial(self._looked, chunk))
            wanted = []
            for one, answer in zip(chunk, looked, strict=True):
                is_repeated = answer.result in MOVES and answer.delivery_id in taken
                if answer.result in MOVES and not is_repeated:
                    assert answer.delivery_id is not None
                    taken[answer.delivery_id] = answer.row
                    wanted.append((one, answer))
                    continue
                answered.append(replace(answer, result=RowResult.REPEATED) if is_repeated else answer)
            answered += [answer for _, answer in wanted] if dry_run else await self._given_back(wanted)
        return sorted(answered, key=lambda answer: answer.row)

    def _looked(self, chunk: Sequence[Located], tx: Tx) -> list[RowAnswer]:
        """What each row would come to now."""
        known = tx.returned_rows(self.system, [self._mac(one.row) for one in chunk])
        lanes = lanes_of(tx, self.system, chunk)
        return [self._answer(tx, one, lanes, known) for one in chunk]

    def _answer(
        self, tx: Tx, located: Located, lanes: Mapping[UUID, list[Delivery]], known: Mapping[bytes, UUID]
    ) -> RowAnswer:
        deliveries = lanes.get(located.case_id, []) if located.case_id is not None else []
        earlier = known.get(self._mac(located.row))
        if earlier is not None:
            delivery = tx.delivery(earlier)
            return _answered(located.row, Match(result=RowResult.ALREADY_RETURNED, delivery=delivery))
        match = match_in(tx, located, deliveries)
        if match.delivery is not None and not self._sees(tx, match.delivery):
            return _answered(located.row, Match(result=RowResult.NEVER_SENT))
        if match.event is None or match.delivery is None:
            return _answered(located.row, match)
        work = open_lane(tx, _lane(tx, match.delivery), self.gate.active_bundle(self.system).messages)
        after = Phase.CANCELLED if work.is_replaced(match.delivery) else Phase.PARKED
        return self._told(
            located.row, replace(match.delivery, phase=after), self._cause(tx, located.row, match.delivery)
        )

    async def _given_back(self, wanted: Sequence[tuple[Located, RowAnswer]]) -> list[RowAnswer]:
        answers: list[RowAnswer] = []
        for start in range(0, len(wanted), AT_ONCE):
            steps = (self.gate.writer.write(partial(self._step, one)) for one, _ in wanted[start : start + AT_ONCE])
            answers += await asyncio.gather(*steps)
        self.gate.on_due([self.system])
        return answers

    def _step(self, located: Located, tx: Tx) -> RowAnswer:
        """One row in one transaction: matched again under its lane's lock, then moved with its evidence."""
        row, mac = located.row, self._mac(located.row)
        assert located.case_id is not None
        lane = tx.lane(located.case_id, self.system, lock=True)
        if lane is None:
            return _answered(row, Match(result=RowResult.NEVER_SENT))
        work = open_lane(tx, lane, self.gate.active_bundle(self.system).messages)
        earlier = tx.returned_rows(self.system, [mac]).get(mac)
        if earlier is not None:
            return _answered(row, Match(result=RowResult.ALREADY_RETURNED, delivery=tx.delivery(earlier)))
        match = match_in(tx, located, work.deliveries)
        delivery, case = match.delivery, tx.case(located.case_id)
        if match.event is None or delivery is None or case is None:
            return _answered(row, match)
        cause = self._cause(tx, row, delivery)
        written = orjson.dumps({"reason": row.reason, "row": row.no, "record": row.record})
        counted, attempt = noted(
            delivery,
            kind=AttemptKind.BY_HAND,
            outcome=match.event.value,
            actor=self.principal.name,
            at=tx.now,
            detail={"cause": cause.name, "row": row.no, "list": self.digest[:12]},
            **evidence_blobs(self.gate, tx, case, Evidence(received=written)),
        )
        changes: dict[str, Any] = {**given_back(delivery), "detail": cause.name, "actor": cause.actor}
        changes |= {"entries_count": counted.entries_count, "polled_at": tx.now}
        after = work.move(delivery, match.event, reason=RETURNED, **changes)
        tx.insert_attempts([attempt])
        tx.insert_returned_row(self.system, mac, delivery.delivery_id)
        work.save(expected_token=lane.lease_token)
        return self._told(row, after, cause)

    def _told(self, row: ReturnRow, after: Delivery, cause: Cause) -> RowAnswer:
        is_parked = after.phase is Phase.PARKED
        result = RowResult.RETURNED if is_parked else RowResult.SUPERSEDED
        told = _answered(row, Match(result=result, delivery=after))
        return replace(told, cause=cause.name, actor=cause.actor if is_parked else "")

    def _cause(self, tx: Tx, row: ReturnRow, delivery: Delivery) -> Cause:
        return cause_in(self.gate, tx, self.rules, delivery.case_id, row.reason)

    def _sees(self, tx: Tx, delivery: Delivery) -> bool:
        case = None if is_unbounded(self.principal) else tx.case(delivery.case_id)
        return is_unbounded(self.principal) or (case is not None and sees_delivery(tx, self.principal, delivery, case))

    def _mac(self, row: ReturnRow) -> bytes:
        """Names what a row says: the same in every file that has it."""
        at = "" if row.returned_at is None else row.returned_at.isoformat()
        said = (row.case_no, row.slot_key, row.batch, row.message or "", row.reason, at)
        return self.gate.keyring.mac("returned_row", self.system.encode(), *(one.encode() for one in said))


def _lane(tx: Tx, delivery: Delivery) -> Any:
    lane = tx.lane(delivery.case_id, delivery.system)
    if lane is None:
        raise IllegalMove("expected a delivery with a lane, got one without")
    return lane


def _bad(row: BadRow) -> RowAnswer:
    return RowAnswer(row=row.no, result=row.result, column=row.column, why=row.why)


def _answered(row: ReturnRow, match: Match) -> RowAnswer:
    about = match.delivery
    answer = RowAnswer(row=row.no, result=match.result, count=match.count if match.count > 1 else 0)
    if about is None:
        return answer
    return replace(
        answer,
        delivery_id=about.delivery_id,
        case_id=about.case_id,
        message=about.message,
        part=about.part,
        phase=about.phase,
    )


def _imported(sheet: Sheet, answers: Sequence[RowAnswer], *, system: str, dry_run: bool, digest: str) -> Imported:
    results = Counter(answer.result for answer in answers)
    causes = Counter(answer.cause for answer in answers if answer.cause)
    return Imported(
        system=system,
        dry_run=dry_run,
        sha256=digest,
        format=sheet.format,
        charset=sheet.charset,
        columns=sheet.columns,
        unread=sheet.unread,
        results={result: results[result] for result in RowResult if results[result]},
        causes=dict(causes.most_common()),
        rows=tuple(answers),
    )


def _entry(tx: Tx, principal: Principal, found: Imported, reason: str) -> AuditEntry:
    counts: dict[str, str | int | bool | None] = {result.value: count for result, count in found.results.items()}
    return AuditEntry(
        at=tx.now,
        actor=principal.name,
        action="returns_imported",
        object=f"system:{found.system}",
        reason=reason,
        detail={"sha256": found.sha256, **counts},
    )
