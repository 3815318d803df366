"""The second look: every suspected record read again, then our own state again. What moved meanwhile is let go.

A record is read by itself where the system lets us; else the listing is read once more, and only the records of
suspected keys are kept. Only what is there, or is not there, both times is found.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

from syncgate.domain.delivery import Phase
from syncgate.domain.plan import OnUnplanned, plan
from syncgate.domain.reconciliation.classify import Finding, Seen, Standing, classify
from syncgate.domain.reconciliation.comparison import FieldDifference
from syncgate.domain.reconciliation.join import ROLE_AT, Look, Role
from syncgate.domain.reconciliation.kinds import Kind
from syncgate.domain.retraction import concerns, takes_back_under
from syncgate.domain.rows import Change, Delivery
from syncgate.flows.documents import open_document
from syncgate.flows.gate import Gate
from syncgate.flows.reconciling.expected import Maker
from syncgate.flows.reconciling.findings import Found
from syncgate.flows.reconciling.first_look import Candidate
from syncgate.flows.reconciling.looking import UNREAD, SecondPass, SingleReads, There
from syncgate.flows.reconciling.ours import case_of, delivery_of
from syncgate.flows.reconciling.roles import Judging, SideCounts, held_row, is_judged, roles_in
from syncgate.ports import Tx
from syncgate.site.bundle import Bundle
from syncgate.site.readback import ReadListing

Json = Any
T = TypeVar("T")
AT_ONCE: Final = 100
"""Candidates that are read, and then judged in one reading of the store."""
EARLIER_AT_MOST: Final = 20
"""Earlier revisions of a slot that a record is compared with."""
_STANDING_BY_ROLE: Final = {
    Role.EXPECTED: Standing.DELIVERED,
    Role.ALLOWED: Standing.DELIVERED,
    Role.GONE: Standing.TAKEN_BACK,
    Role.OPEN: Standing.OPEN,
}
NEEDS_LISTING: Final = frozenset({Look.SEVERAL, Look.UNKNOWN})
"""What only a listing shows: how many there are, and what is nobody's here."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a second look at one entry of ours, or at one record that is nobody's, came to.

    Attributes:
        entry: ours; None for a record that is nobody's.
        found: the discrepancy; None where there is none.
        is_verified: whether it is as it should be, after all.
    """

    entry: bytes | None
    found: Found | None = None
    is_verified: bool = False


@dataclass(slots=True)
class SecondLook:
    """Looks again at the candidates of one listing.

    Attributes:
        gate, bundle, listing, judging: what is compared, as in the first look.
        single: reads single records; None where the system gives none.
        again: the second pass; None where none was made.
        can_prove_absence: whether a listing that lacks a record proves that it is not there.
        on_chunk: told after every so many; raises what ends the run.
    """

    gate: Gate
    bundle: Bundle
    listing: ReadListing
    judging: Judging
    single: SingleReads | None
    again: SecondPass | None
    can_prove_absence: bool
    on_chunk: Callable[[], Awaitable[None]]

    async def look(self, candidates: Sequence[Candidate]) -> AsyncIterator[list[Judged]]:
        """What each came to, some at a time."""
        for chunk in chunked(candidates, AT_ONCE):
            there = await self._there(chunk)
            yield await self.gate.writer.read(partial(self._judged, chunk, there))
            await self.on_chunk()

    async def _there(self, chunk: Sequence[Candidate]) -> list[There]:
        """What is there now under each key."""
        single = self.single
        alone = [i for i, one in enumerate(chunk) if single is not None and one.look not in NEEDS_LISTING]
        found = [UNREAD if self.again is None else self._listed(one) for one in chunk]
        if single is not None and alone:
            keys = await self.gate.writer.read(partial(self._keys, [chunk[i] for i in alone]))
            for i, there in zip(alone, await single.all(keys), strict=True):
                found[i] = there
        return found

    def _listed(self, candidate: Candidate) -> There:
        assert self.again is not None
        there = self.again.there(candidate.key)
        return there if there.records or self.can_prove_absence else UNREAD

    def _keys(self, chunk: Sequence[Candidate], tx: Tx) -> list[Mapping[str, str] | None]:
        """The keys by which each record is asked for."""
        maker = Maker(self.gate, tx, self.bundle.system)
        deliveries = [tx.delivery(delivery_of(one.entries[0])) if one.entries else None for one in chunk]
        return [None if delivery is None else maker.keys(delivery) for delivery in deliveries]

    def _judged(self, chunk: Sequence[Candidate], there: Sequence[There], tx: Tx) -> list[Judged]:
        state = _State(self, tx)
        return [one for candidate, now in zip(chunk, there, strict=True) for one in state.judged(candidate, now)]

    async def look_at_remapped(self, notes: Iterator[bytes]) -> AsyncIterator[list[Judged]]:
        """Slots that hold what was sent under another mapping: whether that of today would say something else."""
        for chunk in chunked(list(notes), AT_ONCE):
            yield await self.gate.writer.read(partial(self._remapped, chunk))
            await self.on_chunk()

    def _remapped(self, notes: Sequence[bytes], tx: Tx) -> list[Judged]:
        state = _State(self, tx)
        return [state.remapped(UUID(bytes=note[:16]), UUID(bytes=note[16:])) for note in notes]


@dataclass(slots=True)
class _State:
    """Our state of now, in one reading of the store."""

    look: SecondLook
    tx: Tx
    _lanes: dict[UUID, list[Delivery]] = field(default_factory=dict)
    _roles: dict[UUID, dict[UUID, Role]] = field(default_factory=dict)

    def judged(self, candidate: Candidate, there: There) -> Iterator[Judged]:
        """What a candidate came to, for each of its entries."""
        if not candidate.entries:
            yield self._of_nobody(candidate, there)
            return
        for entry in candidate.entries:
            yield self._of_entry(candidate, entry, there)

    def remapped(self, case_id: UUID, delivery_id: UUID) -> Judged:
        """Whether the mapping of today would say something else than what is there."""
        delivery = self._same_now(case_id, delivery_id, Role.EXPECTED)
        if delivery is None:
            return Judged(None)
        maker = Maker(self.look.gate, self.tx, self.look.bundle.system)
        made = maker.made(delivery)
        today = maker.made(delivery, bundle=self.look.bundle)
        comparison = self.look.listing.comparisons.get(delivery.message)
        if made is None or today is None:
            return Judged(None)
        differences = () if comparison is None else tuple(comparison.changes(made.payload, today.payload))
        is_same = made.payload == today.payload if comparison is None else not differences
        if is_same:
            return Judged(None)
        found = Found(
            kind=Kind.MAPPING_CHANGED,
            message=delivery.message,
            delivery=delivery,
            key=delivery.delivery_id.bytes,
            differences=differences,
            records_count=1,
            remote_ref=delivery.remote_ref,
        )
        return Judged(None, found)

    def _of_nobody(self, candidate: Candidate, there: There) -> Judged:
        if there.how == "unread":
            return Judged(None)
        finding = classify(Seen(standing=Standing.NOBODYS, records=there.records, records_count=there.count))
        if finding is None:
            return Judged(None)
        found = Found(
            kind=finding.kind,
            message=self.look.listing.messages[0],
            delivery=None,
            key=candidate.key,
            records_count=there.count,
            remote_ref=there.remote_refs[0],
            reference=there.reference,
        )
        return Judged(None, found)

    def _of_entry(self, candidate: Candidate, entry: bytes, there: There) -> Judged:
        role = Role(entry[ROLE_AT])
        delivery = self._same_now(case_of(entry), delivery_of(entry), role)
        if delivery is None or there.how == "unread":
            return Judged(entry)
        maker = Maker(self.look.gate, self.tx, self.look.bundle.system)
        made = maker.made(delivery)
        expected = None if made is None else made.payload
        comparison = self.look.listing.comparisons.get(delivery.message)
        seen = Seen(
            standing=_STANDING_BY_ROLE[role],
            records=there.records,
            records_count=there.count,
            comparison=comparison,
            expected=expected,
            is_planned=self._is_planned(delivery),
            is_sole=self._is_sole(delivery),
            earlier=lambda: self._earlier(maker, delivery),
            changed=lambda: self._changed(maker, delivery, expected),
        )
        finding = classify(seen)
        if finding is None:
            return Judged(entry, is_verified=role is Role.EXPECTED and there.count == 1)
        found = _found(finding, delivery, candidate.key, there)
        if role is Role.GONE:
            found = replace(found, taken_back_by=self._retraction_of(delivery))
        return Judged(entry, found)

    def _retraction_of(self, delivery: Delivery) -> Delivery | None:
        """What took back a delivery's slot, the newest of them."""
        takes_back = takes_back_under(self.look.bundle.messages)
        done = (
            one
            for one in reversed(self._lanes[delivery.case_id])
            if one.change is Change.RETRACT and one.phase is Phase.DELIVERED
        )
        return next((one for one in done if concerns(one, delivery, takes_back)), None)

    def _same_now(self, case_id: UUID, delivery_id: UUID, role: Role) -> Delivery | None:
        """The delivery, if it still says the same of its record; None where its slot moved since."""
        system = self.look.bundle.system
        if case_id not in self._lanes:
            self._lanes[case_id] = self.tx.deliveries(case_id, system)
            rows = list(map(held_row, self._lanes[case_id]))
            roles = roles_in(rows, self.look.judging, SideCounts())
            self._roles[case_id] = {row.delivery_id: role for row, role in roles}
        delivery = next((d for d in self._lanes[case_id] if d.delivery_id == delivery_id), None)
        if delivery is None or self._roles[case_id].get(delivery_id) is not role:
            return None
        return None if role is Role.ALLOWED and not self._is_judged(delivery) else delivery

    def _is_judged(self, delivery: Delivery) -> bool:
        rows = list(map(held_row, self._lanes[delivery.case_id]))
        return is_judged(rows, self.look.judging, message=delivery.message, part=delivery.part)

    def _slot(self, delivery: Delivery) -> list[Delivery]:
        """All deliveries of its slot, in the order of creation."""
        lane = self._lanes[delivery.case_id]
        return [one for one in lane if (one.message, one.part) == (delivery.message, delivery.part)]

    def _is_sole(self, delivery: Delivery) -> bool:
        others = [one for one in self._slot(delivery) if one.delivery_id != delivery.delivery_id]
        return not delivery.is_other_sent and all(one.is_never_sent for one in others)

    def _earlier(self, maker: Maker, delivery: Delivery) -> Iterator[tuple[int, Json]]:
        """What the slot said before, newest first: what was sent of it, and what its revisions would have said."""
        before = [one for one in reversed(self._slot(delivery)) if one.created_at < delivery.created_at]
        sent = [one for one in before if one.change is not Change.RETRACT][:EARLIER_AT_MOST]
        for one in sent:
            if (made := maker.made(one)) is not None:
                yield one.revision, made.payload
        for revision in range(delivery.revision - 1, max(0, delivery.revision - 1 - EARLIER_AT_MOST), -1):
            if (made := maker.made(delivery, revision=revision)) is not None:
                yield revision, made.payload

    def _changed(self, maker: Maker, delivery: Delivery, expected: Json) -> Sequence[FieldDifference]:
        """What the mapping of today would say otherwise."""
        bundle = self.look.bundle
        comparison = self.look.listing.comparisons.get(delivery.message)
        if delivery.bundle == bundle.digest or comparison is None or expected is None:
            return ()
        today = maker.made(delivery, bundle=bundle)
        return () if today is None else comparison.changes(expected, today.payload)

    def _is_planned(self, delivery: Delivery) -> bool:
        """Whether the slot is to be filled, or left as it is where nothing is taken back."""
        bundle = self.look.bundle
        message = next((one for one in bundle.messages if one.name == delivery.message), None)
        case = self.tx.case(delivery.case_id)
        if message is None or case is None or not case.wrapped_key:
            return True
        if message.on_unplanned is OnUnplanned.IGNORE or delivery.change is Change.RETRACT:
            return True
        document = open_document(self.look.gate, self.tx, case)
        planned = plan(document, bundle.messages, applies=bundle.applies(document), numbers={})
        return (delivery.message, delivery.part) in {(one.message, one.part) for one in planned}


def _found(finding: Finding, delivery: Delivery, key: bytes, there: There) -> Found:
    no = next((no for no, one in enumerate(there.records) if one is finding.record), 0)
    return Found(
        kind=finding.kind,
        message=delivery.message,
        delivery=delivery,
        key=key,
        differences=finding.differences,
        record=finding.record,
        records_count=finding.records_count,
        remote_ref=there.remote_refs[no] if there.records else None,
    )


def chunked(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items, so many at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
