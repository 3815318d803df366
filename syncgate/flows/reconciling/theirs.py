"""Their side: what a listing shows, as entries for the join. Runs for every record of every run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import orjson

from syncgate.domain.reconciliation.comparison import Comparison
from syncgate.domain.reconciliation.join import NO_REF
from syncgate.flows.gate import Gate
from syncgate.flows.reconciling.marks import NOTHING, content_macs, key_macs
from syncgate.site.readback import ReadListing, any_record

Json = Any
Known = tuple[str | None, str | None]
"""By what a record is known: our reference as it bears it, and the system's own id of it; one of them at least."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What one record shows of itself.

    Attributes:
        record: it. key: the digest of the reference under which it is known.
        ref: the system's own id of it.
        text: the reference under which it is known, as it shows it; None where it bears none.
    """

    record: Json = field(repr=False)
    key: bytes
    ref: str | None
    text: str | None


@dataclass(slots=True)
class TheirSide:
    """Makes entries of a listing's records.

    Attributes:
        gate, system: whose.
        listing: as the active bundle declares it.
        comparisons: by number; a record has a digest for each, because it does not say whose message's it is.
        is_file: whether it comes from a file, which lists no record twice but by having it twice.
        read: records that are ours. outside: those that are not.
    """

    gate: Gate
    system: str
    listing: ReadListing
    comparisons: Sequence[Comparison]
    is_file: bool = False
    read: int = 0
    outside: int = 0
    _key_mac: Callable[[bytes], bytes] = field(init=False, repr=False)
    _content_mac: Callable[[bytes], bytes] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._key_mac = self._key_macs()
        self._content_mac = content_macs(self.gate.keyring, profile=self.listing.profile)

    @property
    def size(self) -> int:
        """Bytes of an entry: key 16, mac 16, ref 8, position 8, and 16 for each further comparison."""
        return 48 + 16 * max(0, len(self.comparisons) - 1)

    def refs(self, records: Sequence[Json]) -> list[str]:
        """What tells records apart, ours and others.

        One that is not ours may be of another sort, whose ids and keys mean something else: all of it tells.
        """
        key_of, ref_of, is_ours = self.listing.key_of_record, self.listing.remote_ref_of, self._is_ours
        return [
            ref_of(record) or text or _whole(record) if is_ours(record, text := key_of(record)) else _whole(record)
            for record in records
        ]

    def key(self, record: Json) -> bytes | None:
        """The digest of what a record is known by; None where it is not ours."""
        known = self._known(record)
        return None if known is None else self._key(*known)

    def shown(self, record: Json) -> Shown | None:
        """What a record shows; None where it is not ours."""
        known = self._known(record)
        return None if known is None else Shown(record, self._key(*known), known[1], known[0])

    def entries(self, records: Sequence[Json]) -> list[bytes]:
        """The entries of a page; adds to the counts."""
        found = []
        known_of, key_of, macs_of, no_refs = self._known, self._key, self._macs(), self.is_file
        for record in records:
            known = known_of(record)
            if known is None:
                continue
            self.read += 1
            text, ref = known
            first, more = macs_of(record)
            digest = NO_REF if ref is None or no_refs else _ref_digest(ref)
            found.append(key_of(text, ref) + first + digest + self.read.to_bytes(8, "big") + more)
        self.outside += len(records) - len(found)
        return found

    def _is_ours(self, record: Json, text: str | None) -> bool:
        """Whether a record that bears this reference is ours: without a scope, where it bears one."""
        listing = self.listing
        return text is not None if listing.is_in_scope is any_record else listing.is_ours(record)

    def _known(self, record: Json) -> Known | None:
        """By what a record is known; None where it is not ours."""
        listing = self.listing
        text = listing.key_of_record(record)
        if not self._is_ours(record, text):
            return None
        ref = listing.remote_ref_of(record)
        return None if text is None and ref is None else (text, ref)

    def _key(self, text: str | None, ref: str | None) -> bytes:
        if text is not None:
            return self._key_mac(text.encode())
        assert ref is not None
        return self.gate.keyring.mac("held_ref", self.system.encode(), self.listing.name.encode(), ref.encode())

    def _key_macs(self) -> Callable[[bytes], bytes]:
        return key_macs(self.gate.keyring, system=self.system, listing=self.listing.name)

    def _macs(self) -> Callable[[Json], tuple[bytes, bytes]]:
        """What gives the digest of what is compared of a record under the first comparison, and those of the others."""
        content = self._content_mac
        if not self.comparisons:
            return lambda _: (NOTHING, b"")
        first, *others = (one.of_record for one in self.comparisons)
        if not others:
            return lambda record: (content(first(record)), b"")
        return lambda record: (content(first(record)), b"".join([content(of(record)) for of in others]))


def _whole(record: Json) -> str:
    return blake2b(orjson.dumps(record), digest_size=16).hexdigest()


def _ref_digest(ref: str) -> bytes:
    """Tells records of one key apart, within this process alone."""
    return (hash(ref) & 0xFFFF_FFFF_FFFF_FFFF or 1).to_bytes(8, "big")


def mac_of(entry: bytes, number: int) -> bytes:
    """The digest of an entry of theirs under the comparison of this number."""
    return entry[16:32] if number == 0 else entry[32 + 16 * number : 48 + 16 * number]
