"""Our side: what a system should hold of us, streamed from the store as entries for the join."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import Final
from uuid import UUID

from syncgate.domain.reconciliation.join import Role
from syncgate.domain.rows import Delivery, HeldRow, PlainRow
from syncgate.flows.delivering.work import Marks
from syncgate.flows.gate import Gate
from syncgate.flows.reconciling.expected import Maker
from syncgate.flows.reconciling.marks import NOTHING, key_mac, marks_in
from syncgate.flows.reconciling.roles import Judging, SideCounts, by_case, roles_in
from syncgate.flows.reconciling.spill import Spill
from syncgate.ports import Tx
from syncgate.site.bundle import Bundle
from syncgate.site.readback import ReadListing

PAGE: Final = 2_000
"""Deliveries that one reading brings."""
OUR_SIZE: Final = 67
"""Bytes of an entry of ours: key 16, mac 16, role 1, number of its comparison 1, flags 1, case 16, delivery 16."""
COMPARISON_AT: Final = 33
FLAGS_AT: Final = 34
IS_MAPPED_OTHERWISE: Final = 1
"""Flag: sent under another mapping than that of today."""
IS_OBSERVED: Final = 2
"""Flag: something else was seen in its place before."""
CASE: Final = slice(35, 51)
"""Where the case is in an entry."""
DELIVERY: Final = slice(51, OUR_SIZE)
"""Where the delivery is."""


def case_of(entry: bytes) -> UUID:
    """Whose case an entry of ours is about."""
    return UUID(bytes=entry[CASE])


def delivery_of(entry: bytes) -> UUID:
    """Which delivery an entry of ours stands for."""
    return UUID(bytes=entry[DELIVERY])


@dataclass(slots=True)
class OurSide:
    """Streams one listing's entries into a spill.

    Attributes:
        gate: the running gate. bundle: under which is compared.
        listing: of it.
        judging: how slots are judged.
        numbers: by message, the number of its comparison in the listing's records.
        counts: of slots, filled while it streams.
    """

    gate: Gate
    bundle: Bundle
    listing: ReadListing
    judging: Judging
    numbers: Mapping[str, int]
    counts: SideCounts = field(default_factory=SideCounts)
    _marked: frozenset[tuple[str, str]] = frozenset()
    _has_profile: dict[tuple[str, str], bool] = field(default_factory=dict)
    _flags_by_bundle: dict[str, int] = field(default_factory=dict)

    async def stream(self, spill: Spill) -> None:
        """Reads all of the system's deliveries, page by page."""
        after: UUID | None = None
        self._marked = self._known_profiles()
        while True:
            entries, counts, after = await self.gate.writer.read(partial(self._page, after))
            self.counts.add(counts)
            spill.add(entries)
            if after is None:
                return

    def _page(self, after: UUID | None, tx: Tx) -> tuple[list[bytes], SideCounts, UUID | None]:
        judging = self.judging
        lanes = tx.held_lanes(
            self.bundle.system,
            judging.read_messages,
            marked=self._marked,
            settled_before=judging.settled_before,
            sent_from=judging.sent_from,
            after=after,
            limit=PAGE,
        )
        counts = SideCounts(expected=len(lanes.plain), delivered=len(lanes.plain))
        entries = self._plain_entries(lanes.plain)
        unmarked: list[tuple[HeldRow, Role]] = []
        for _, of_case in by_case(lanes.others):
            for row, role in roles_in(of_case, judging, counts):
                if self._is_marked(row):
                    entries.append(self._entry(row, role, row.held_key, row.held_mac))
                else:
                    unmarked.append((row, role))
        entries += self._marked_now(tx, unmarked, counts)
        return entries, counts, lanes.after

    def _known_profiles(self) -> frozenset[tuple[str, str]]:
        """Messages and bundles under which a delivery's marks are those of the active bundle."""
        pairs = product(self.judging.messages, list(self.gate.bundles))
        return frozenset((message, digest) for message, digest in pairs if self._is_same_profile(digest, message))

    def _plain_entries(self, rows: Sequence[PlainRow]) -> list[bytes]:
        """As `_entry` of rows that are expected; for nearly all rows of nearly all runs."""
        heads = {kind: self._head(*kind, Role.EXPECTED) for kind in {row[:3] for row in rows}}
        return [row[3] + (row[4] or NOTHING) + heads[row[:3]] + row[5] + row[6] for row in rows]

    def _is_marked(self, row: HeldRow) -> bool:
        """Whether a row's marks are those of the active bundle: they were made by the same rules."""
        return row.held_key is not None and self._is_same_profile(row.bundle, row.message)

    def _is_same_profile(self, digest: str, message: str) -> bool:
        known = self._has_profile.get((digest, message))
        if known is None:
            then = self.gate.bundles.get(digest)
            listing = None if then is None or then.readback is None else then.readback.listing_of(message)
            known = listing is not None and (listing.name, listing.profile) == (self.listing.name, self.listing.profile)
            self._has_profile[digest, message] = known
        return known

    def _entry(self, row: HeldRow, role: Role, key: bytes | None, mac: bytes | None) -> bytes:
        assert key is not None
        head = self._head(row.message, row.bundle, row.observed is not None, role)
        return key + (mac or NOTHING) + head + row.case_id.bytes + row.delivery_id.bytes

    def _head(self, message: str, digest: str, is_observed: bool, role: Role) -> bytes:
        flags = self._flags(digest) | (IS_OBSERVED if is_observed else 0)
        return bytes((role, self.numbers[message], flags))

    def _flags(self, digest: str) -> int:
        flags = self._flags_by_bundle.get(digest)
        if flags is None:
            then, today = self.gate.bundles.get(digest), self.bundle
            is_other = then is not None and then is not today and mappings_of(then) != mappings_of(today)
            flags = self._flags_by_bundle[digest] = IS_MAPPED_OTHERWISE if is_other else 0
        return flags

    def _marked_now(self, tx: Tx, rows: Sequence[tuple[HeldRow, Role]], counts: SideCounts) -> list[bytes]:
        """The entries of rows whose marks must be made; one whose cannot be may be there, and is not judged."""
        if not rows:
            return []
        maker = Maker(self.gate, tx, self.bundle.system)
        lanes = tx.deliveries_of({(row.case_id, self.bundle.system) for row, _ in rows})
        by_id = {delivery.delivery_id: delivery for deliveries in lanes.values() for delivery in deliveries}
        wanted = {row.delivery_id for row, _ in rows}
        maker.load([delivery for delivery in by_id.values() if delivery.delivery_id in wanted])
        entries = []
        for row, role in rows:
            delivery = by_id.get(row.delivery_id)
            marks = None if delivery is None else marks_again(maker, self.listing, delivery)
            if marks is not None:
                entries.append(self._entry(row, role, marks.key, marks.mac))
                continue
            counts.unjudged += role is Role.EXPECTED
            key = row.held_key or (None if delivery is None else self._key_today(maker, delivery))
            if key is not None:
                entries.append(self._entry(row, Role.ALLOWED, key, None))
        return entries

    def _key_today(self, maker: Maker, delivery: Delivery) -> bytes | None:
        """The key that its record would have if it were sent today: by the mapping, or by its request's keys alone."""
        made = maker.made(delivery, bundle=self.bundle)
        keys = maker.keys(delivery) if made is None else made.keys
        if keys is None:
            return None
        text = self.listing.key_of_ours(keys, {} if made is None else made.payload)
        if text is None:
            return None
        return key_mac(self.gate.keyring, system=self.bundle.system, listing=self.listing.name, key=text)


def mappings_of(bundle: Bundle) -> dict[str, bytes]:
    """The mappings and tables that a bundle was compiled from."""
    return {path: content for path, content in bundle.files.items() if path.startswith("mappings/")}


def marks_again(maker: Maker, listing: ReadListing, delivery: Delivery) -> Marks | None:
    """The marks of a delivery under a listing's rules, from its payload made again."""
    made = maker.made(delivery)
    if made is None:
        return None
    keyring, system = maker.gate.keyring, maker.system
    return marks_in(keyring, system, listing, delivery.message, keys=made.keys, payload=made.payload)
