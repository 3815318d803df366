"""Recording: what a run found is kept, what it no longer sees is closed, what it saw to be right is noted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

import orjson

from syncgate.domain.ids import uuid7
from syncgate.domain.row import replace
from syncgate.domain.rows import Blob, Discrepancy, Run
from syncgate.flows.gate import Gate
from syncgate.flows.reconciling.closing import GONE, IGNORED, closed
from syncgate.flows.reconciling.findings import Found
from syncgate.flows.reconciling.policy import action_of
from syncgate.flows.reconciling.restored import seen_as_delivered
from syncgate.flows.reconciling.turns import require_turn
from syncgate.ports import DiscrepancyFilter, Tx
from syncgate.site.readback import ReadListing

Json = Any
PAGE: Final = 500
Judges = Callable[[Tx, Discrepancy], bool]
"""Whether the slot of a discrepancy is judged by this run."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen of a slot's record. expected, actual: the differing fields. record: all of it, None where none."""

    expected: Mapping[str, Json] = field(repr=False)
    actual: Mapping[str, Json] = field(repr=False)
    record: Json = field(repr=False)


def observation(gate: Gate, tx: Tx, row: Discrepancy) -> Observation | None:
    """What was seen when the discrepancy was kept; None where nothing was, or it can no longer be opened."""
    case = None if row.case_id is None else tx.case(row.case_id)
    if case is None or row.observed_mac is None or not case.wrapped_key:
        return None
    scope = str(case.case_id)
    blob = tx.blob(scope, row.observed_mac)
    if blob is None:
        return None
    place = f"blob:{scope}:{row.observed_mac.hex()}"
    seen = orjson.loads(gate.keyring.open(case.wrapped_key, blob.sealed, bound_to=place))
    return Observation(seen["expected"], seen["actual"], seen["record"])


@dataclass(slots=True)
class Recorder:
    """Keeps what one run finds.

    Attributes:
        gate: the running gate. run: whose turn it is. system: its name.
        begun_at: of the run, by the store's clock.
        ignored: by (message, subject, kind) what a person has ended as ignored: the digests of what was seen.
    """

    gate: Gate
    run: Run
    system: str
    begun_at: datetime
    ignored: dict[tuple[str, str, str], set[bytes | None]] = field(default_factory=dict)

    async def load_ignored(self) -> None:
        """Reads what people want to hear no more of."""
        where = DiscrepancyFilter(systems=(self.system,), is_open=False, closed_as=IGNORED)
        async for row in self.rows(where):
            self.ignored.setdefault((row.message, row.subject, row.kind), set()).add(row.observed_mac)

    async def keep(self, listing: ReadListing, found: Sequence[Found]) -> list[Found]:
        """Keeps discrepancies of a listing; gives those that are not ignored."""
        if not found:
            return []
        return await self.gate.writer.write(lambda tx: self._keep(tx, listing, found))

    def _keep(self, tx: Tx, listing: ReadListing, found: Sequence[Found]) -> list[Found]:
        require_turn(tx, self.run)
        return [one for one in found if self._keep_one(tx, listing, one)]

    def _keep_one(self, tx: Tx, listing: ReadListing, found: Found) -> bool:
        action = action_of(listing, found.message, found.kind, [one.name for one in found.differences])
        seen = self.seen(
            tx,
            message=found.message,
            subject=found.subject,
            kind=found.kind.value,
            case_id=found.case_id,
            part=found.part,
            action=action.value,
            observed_mac=self._sealed(tx, found),
            detail=_detail(listing, found),
        )
        if found.case_id is not None and not self._is_ignored(seen):
            tx.doubt_verified(self.system, found.case_id, since=self.begun_at)
        return self.put(tx, seen)

    def seen(self, tx: Tx, **told: Any) -> Discrepancy:
        """A discrepancy as this run sees it now, not yet kept. Args: told: all that no run gives it."""
        return Discrepancy(
            discrepancy_id=uuid7(tx.now, self.gate.entropy.token(10)),
            system=self.system,
            run_slot=self.run.slot,
            found_at=tx.now,
            seen_at=tx.now,
            **told,
        )

    def put(self, tx: Tx, seen: Discrepancy) -> bool:
        """Keeps what is seen, as the open one that it is if there is one; False where it is ignored.

        Of one slot or record that was open as another kind, this is now what it is.
        """
        is_ignored = self._is_ignored(seen)
        others = tx.open_discrepancies(self.system, seen.message, seen.subject)
        same = next((row for row in others if row.kind == seen.kind), None)
        for row in others:
            if row is not same or is_ignored:
                closed(tx, row, how=GONE)
        if is_ignored:
            return False
        if same is None:
            tx.insert_discrepancy(seen)
            return True
        now = replace(same, seen_at=seen.seen_at, observed_mac=seen.observed_mac)
        if same.observed_mac == seen.observed_mac:
            tx.save_discrepancy(replace(now, detail={**same.detail, **seen.detail}))
        else:
            tx.save_discrepancy(replace(now, detail=seen.detail, action=seen.action))
        return True

    def _is_ignored(self, seen: Discrepancy) -> bool:
        return seen.observed_mac in self.ignored.get((seen.message, seen.subject, seen.kind), ())

    def _sealed(self, tx: Tx, found: Found) -> bytes | None:
        """Seals what was seen among the case's blobs, and gives its digest; None where there is nothing to seal."""
        case = None if found.case_id is None else tx.case(found.case_id)
        if case is None or not case.wrapped_key or (found.record is None and not found.differences):
            return None
        scope = str(case.case_id)
        content = orjson.dumps(
            {
                "expected": {one.name: one.expected for one in found.differences},
                "actual": {one.name: one.actual for one in found.differences},
                "record": found.record,
            },
            option=orjson.OPT_SORT_KEYS,
        )
        mac = self.gate.keyring.mac("blob", case.case_id.bytes, content)
        sealed = self.gate.keyring.seal(case.wrapped_key, content, bound_to=f"blob:{scope}:{mac.hex()}")
        tx.put_blobs([Blob(scope=scope, mac=mac, sealed=sealed, created_at=tx.now)])
        return mac

    async def close_gone(self, messages: Sequence[str], *, is_whole: bool, judged: Judges) -> int:
        """Closes what was open of these messages and was not seen by this run; gives how many.

        Args:
            messages: of a listing that was read for certain, as far as the run was about them.
            is_whole: whether it was listed without a window: only then is what is nobody's known to be gone.
            judged: whether a slot is judged at all, so that not to see it says something.
        """
        where = DiscrepancyFilter(systems=(self.system,), messages=tuple(messages), is_open=True)
        count = 0
        old: list[UUID] = [
            row.discrepancy_id
            async for row in self.rows(where)
            if row.seen_at < self.begun_at and (is_whole or row.case_id is not None)
        ]
        for start in range(0, len(old), PAGE):
            count += await self.gate.writer.write(partial(self._close, old[start : start + PAGE], judged))
        return count

    def _close(self, some: Sequence[UUID], judged: Judges, tx: Tx) -> int:
        require_turn(tx, self.run)
        rows = [tx.discrepancy(discrepancy_id, lock=True) for discrepancy_id in some]
        gone = [row for row in rows if row is not None and row.closed_at is None and judged(tx, row)]
        for row in gone:
            closed(tx, row, how=GONE)
        return len(gone)

    async def note_verified(self, cases: Iterator[UUID]) -> None:
        """Notes these cases' lanes as seen to be right, some at a time."""
        batch: list[UUID] = []
        for case_id in cases:
            batch.append(case_id)
            if len(batch) >= PAGE:
                await self._note_verified(batch)
                batch = []
        await self._note_verified(batch)

    async def _note_verified(self, batch: Sequence[UUID]) -> None:
        if batch:
            await self.gate.writer.write(lambda tx: tx.note_verified(self.system, batch, at=self.begun_at))

    async def rows(self, where: DiscrepancyFilter) -> AsyncIterator[Discrepancy]:
        """All discrepancies that are meant, newest first."""
        after: UUID | None = None
        while rows := await self.gate.writer.read(partial(_page, where, after)):
            for row in rows:
                yield row
            after = rows[-1].discrepancy_id

    async def note_as_delivered(self, delivery_id: UUID) -> None:
        """Notes that a slot is again as it was delivered, after something else was seen in its place."""

        def step(tx: Tx) -> None:
            require_turn(tx, self.run)
            delivery = tx.delivery(delivery_id)
            if delivery is not None:
                seen_as_delivered(self.gate, tx, delivery)

        await self.gate.writer.write(step)

    async def seen_open(self) -> list[UUID]:
        """What this run saw and is still open, oldest first."""
        where = DiscrepancyFilter(systems=(self.system,), is_open=True, seen_from=self.begun_at)
        return [row.discrepancy_id async for row in self.rows(where)][::-1]


def _page(where: DiscrepancyFilter, after: UUID | None, tx: Tx) -> list[Discrepancy]:
    return tx.list_discrepancies(where, after=after, limit=PAGE)


def _detail(listing: ReadListing, found: Found) -> dict[str, Any]:
    delivery = found.judged
    detail: dict[str, Any] = {
        "listing": listing.name,
        "level": listing.level.value,
        "delivery_id": None if delivery is None else str(delivery.delivery_id),
        "revision": None if delivery is None else delivery.revision,
        "bundle": None if delivery is None else delivery.bundle,
        "records": found.records_count,
        "remote_ref": found.remote_ref,
        "key": found.reference,
        "range": None if found.counted is None else dict(found.counted),
    }
    fields = [{"name": one.name, "owner": one.owner, "like": one.like} for one in found.differences]
    return {name: value for name, value in detail.items() if value is not None} | {"fields": fields}
