"""How suspected records are read again: one by one, or by one more pass over the listing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import orjson

from syncgate.domain.outcome import Found, Reading
from syncgate.domain.reconciliation.join import KEPT_AT_MOST
from syncgate.domain.reconciliation.plausibility import Doubt, PageWatch
from syncgate.flows.reconciling.pacing import Pace
from syncgate.flows.reconciling.reading import Reader
from syncgate.flows.reconciling.theirs import TheirSide
from syncgate.ports import Request, Transport
from syncgate.site.readback import ReadOne

Json = Any
AT_ONCE: Final = 4
"""Single records that are read at the same time."""


@dataclass(frozen=True, slots=True)
class There:
    """What is there under a key.

    Attributes:
        records: each record once. remote_refs: the system's own ids of them, None where it shows none.
        count: how many there are, also beyond those kept.
        reference: what the first bears as our reference.
        how: by what it was read; `unread`: nothing can be said.
    """

    records: tuple[Json, ...] = field(default=(), repr=False)
    remote_refs: tuple[str | None, ...] = ()
    count: int = 0
    reference: str | None = None
    how: Literal["record", "listing", "unread"] = "listing"


UNREAD: Final = There(how="unread")


@dataclass(slots=True)
class _Kept:
    """What is kept of a key. by_ref: the records, each once, with the system's own ids of them."""

    by_ref: dict[str, tuple[str | None, bytes]] = field(default_factory=dict)
    reference: str | None = None


class SecondPass:
    """The listing read once more, of which only the records of some keys are kept."""

    def __init__(self, theirs: TheirSide, keys: Collection[bytes]) -> None:
        """Args: theirs: knows what a record shows; keys: which are kept."""
        self._theirs = theirs
        self._kept: dict[bytes, _Kept] = {key: _Kept() for key in keys}
        self._repeated_count = 0
        self.doubts: tuple[Doubt, ...] = ()

    async def read(self, reader: Reader) -> None:
        """Reads it."""
        watch = PageWatch(by=reader.query.paging.by)
        async for page in reader.pages(watch, self._theirs.refs):
            await asyncio.to_thread(self._look_at, page.records)
        self.doubts = watch.end(repeated=self._repeated_count)

    def there(self, key: bytes) -> There:
        """What it showed under a key. What it did not show is absent only where nothing speaks against the listing."""
        kept = self._kept[key]
        if not kept.by_ref:
            return UNREAD if self.doubts else There()
        found = list(kept.by_ref.values())[:KEPT_AT_MOST]
        return There(
            records=tuple(orjson.loads(record) for _, record in found),
            remote_refs=tuple(ref for ref, _ in found),
            count=len(kept.by_ref),
            reference=kept.reference,
        )

    def _look_at(self, records: Sequence[Json]) -> None:
        key_of, kept = self._theirs.key, self._kept
        for record in records:
            key = key_of(record)
            if key is not None and key in kept:
                self._keep(record, kept[key])

    def _keep(self, record: Json, kept: _Kept) -> None:
        shown = self._theirs.shown(record)
        assert shown is not None
        is_told_by_ref = shown.ref is not None and not self._theirs.is_file
        name = f"={shown.ref}" if is_told_by_ref else f"#{len(kept.by_ref)}"
        self._repeated_count += name in kept.by_ref
        plain = orjson.dumps(record) if len(kept.by_ref) < KEPT_AT_MOST else b""
        kept.by_ref.setdefault(name, (shown.ref, plain))
        kept.reference = shown.text


@dataclass(slots=True)
class SingleReads:
    """Reads records one by one.

    Attributes:
        transport: of the bundle. read: how. remote_ref_of: the system's own id of a record.
        is_in_scope: whether the listing would show a record; of one that it would not, nothing can be said.
        pace: lets the questions through. failed: how many could not be read.
    """

    transport: Transport
    read: ReadOne
    remote_ref_of: Callable[[Json], str | None]
    is_in_scope: Callable[[Json], bool]
    pace: Pace
    failed: int = 0

    async def all(self, keys: Sequence[Mapping[str, str] | None]) -> list[There]:
        """What is there under each set of keys, in order; None: it cannot be asked for."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(of: Mapping[str, str] | None) -> There:
            async with gate:
                return UNREAD if of is None else await self._one(of)

        return list(await asyncio.gather(*(one(of) for of in keys)))

    async def _one(self, keys: Mapping[str, str]) -> There:
        await self.pace.one()
        request = Request(operation=self.read.operation, keys=keys)
        reading = await self.transport.look_up(request, record_at=self.read.record_at, absent=self.read.absent)
        return self._there(reading)

    def _there(self, reading: Reading) -> There:
        match reading.found:
            case Found.RECORD if not self.is_in_scope(reading.record):
                return UNREAD
            case Found.RECORD:
                ref = self.remote_ref_of(reading.record)
                return There(records=(reading.record,), remote_refs=(ref,), count=1, how="record")
            case Found.ABSENT:
                return There(how="record")
            case _:
                self.failed += 1
                return UNREAD
