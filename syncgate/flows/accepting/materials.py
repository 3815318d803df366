"""Takes in the bytes of a material: streamed, sealed chunk by chunk, verified, seen only once all of it is stored."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

import structlog

from syncgate.domain import ids
from syncgate.domain.delivery import Event, Phase
from syncgate.domain.errors import (
    BodyTooLarge,
    CommitUnknown,
    Conflict,
    MaterialMismatch,
    NotFound,
    StoreUnavailable,
)
from syncgate.domain.material import HEAD_SIZE, Came, material_ids, material_in, media_type_of, mismatches
from syncgate.domain.rows import AttemptKind, Case, Delivery, FileChunk, Lane, StoredFile, StoredMaterial
from syncgate.flows.accepting.identity import named_case
from syncgate.flows.accepting.leftovers import remove_file
from syncgate.flows.accepting.submission import refuse_closed
from syncgate.flows.delivering.content import MATERIAL_MISSING
from syncgate.flows.documents import open_document
from syncgate.flows.files import CHUNK_SIZE, Facts, file_mac, is_of, kept_file, sealed_chunk, sealed_facts
from syncgate.flows.gate import Caller, CaseRef, Gate, Placed
from syncgate.flows.lane import noted, open_lane
from syncgate.flows.operating.following import write_following
from syncgate.ports import Tx

log = structlog.get_logger("syncgate.materials")
Json = Any
_NEW, _UNCHANGED = 201, 200
NAMED_AT_MOST: Final = 50
"""Materials that an answer names where none of them was meant."""
MATERIAL_STORED: Final = "material_stored"
"""Why a delivery that waited for bytes goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What the sender says of the bytes. sha256: in hexadecimal."""

    media_type: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What a source gets for a material whose bytes are stored.

    status: 201 for new bytes, 200 for the same again. deliveries: those that waited for them.
    """

    status: int
    case_id: UUID
    case_no: str
    material: str
    size: int
    sha256: str
    media_type: str
    deliveries: tuple[Placed, ...] = ()

    @property
    def is_unchanged(self) -> bool:
        """Whether the same bytes were there already."""
        return self.status == _UNCHANGED


@dataclass(frozen=True, slots=True)
class _Named:
    """Whose material it is, as the upload began. file_id: where its chunks go; None where its bytes are known."""

    case: Case
    file_id: UUID | None


@dataclass(frozen=True, slots=True)
class _Done:
    stored: Stored
    systems_due: frozenset[str] = frozenset()
    is_ours_unused: bool = False


async def put_material(
    gate: Gate,
    caller: Caller,
    ref: CaseRef,
    material: str,
    declared: Declared,
    pieces: AsyncIterator[bytes],
    *,
    size_at_most: int,
) -> Stored:
    """Stores the bytes of a material; nothing of them where they are not what the record says.

    Args:
        gate: the running gate.
        caller: who brings them.
        ref: the case.
        material: id of one of its materials.
        declared: what the sender says of them.
        pieces: the bytes as they come.
        size_at_most: no file is longer.

    Raises:
        NotFound: no such case, or no such material in it.
        Conflict: other bytes are stored for it, or the case takes nothing more.
        BodyTooLarge, MaterialMismatch: the bytes; every mismatch at once.
        StoreUnavailable: nothing was stored. CommitUnknown: it may have been.
    """
    named = await gate.writer.write(lambda tx: _begin(gate, tx, caller, ref, material))
    taking = _Taking(gate, named, size_at_most)
    try:
        await taking.take(pieces)
        came = taking.came(declared)
        step = lambda tx: _finish(gate, tx, caller, ref, material, named, came, taking.chunks_count)  # noqa: E731
        # To its end, though the sender may be gone by then.
        done = await asyncio.shield(_finished(gate, step))
    except CommitUnknown:
        raise  # it may be whole: what is not is removed once nobody can be storing it any more
    except Exception:
        await _remove(gate, named.file_id)
        raise
    if done.is_ours_unused:
        await _remove(gate, named.file_id)
    return done.stored


async def _finished(gate: Gate, step: Any) -> _Done:
    done: _Done = await write_following(gate, step)
    gate.on_due(done.systems_due)
    return done


async def _remove(gate: Gate, file_id: UUID | None) -> None:
    """Removes what came of an upload in vain; where the store cannot do it now, it is done later."""
    if file_id is not None:
        with suppress(StoreUnavailable):
            await remove_file(gate, file_id)


@dataclass(slots=True)
class _Taking:
    """The bytes of one upload, as far as they have come; one chunk is held back to know the last."""

    gate: Gate
    named: _Named
    size_at_most: int
    size: int = 0
    chunks_count: int = 0
    head: bytes = b""
    _digest: Any = field(default_factory=hashlib.sha256)
    _held: bytearray = field(default_factory=bytearray)

    async def take(self, pieces: AsyncIterator[bytes]) -> None:
        """Stores all that comes, one commit a chunk."""
        async for piece in pieces:
            self._note(piece)
            self._held += piece
            while len(self._held) > CHUNK_SIZE:
                await self._put(bytes(self._held[:CHUNK_SIZE]), is_last=False)
                del self._held[:CHUNK_SIZE]
        await self._put(bytes(self._held), is_last=True)

    def came(self, declared: Declared) -> Came:
        """What came, once all of it has."""
        return Came(
            size=self.size,
            sha256=self._digest.hexdigest(),
            head=self.head,
            media_type=declared.media_type,
            declared_sha256=declared.sha256,
        )

    def _note(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size > self.size_at_most:
            raise BodyTooLarge("expected at most {limit} bytes, got more", limit=self.size_at_most)
        self._digest.update(piece)
        if len(self.head) < HEAD_SIZE:
            self.head = (self.head + piece)[:HEAD_SIZE]

    async def _put(self, plain: bytes, *, is_last: bool) -> None:
        self.chunks_count += 1
        if self.named.file_id is None:
            return
        file_id, chunk_no = self.named.file_id, self.chunks_count
        sealed = sealed_chunk(self.gate, self.named.case, file_id, chunk_no, plain, is_last=is_last)
        chunk = FileChunk(file_id=file_id, chunk_no=chunk_no, sealed=sealed)
        await self.gate.writer.write(lambda tx: _insert_chunk(tx, chunk))


def _insert_chunk(tx: Tx, chunk: FileChunk) -> None:
    file = tx.file(chunk.file_id)
    if file is None:
        raise StoreUnavailable("expected an upload in good time, got one that was given up")
    tx.insert_chunks([chunk])


def _begin(gate: Gate, tx: Tx, caller: Caller, ref: CaseRef, material: str) -> _Named:
    case, _, _ = _found(gate, tx, caller, ref, material)
    if tx.material(case.case_id, material) is not None:
        return _Named(case, None)
    file_id = ids.uuid7(tx.now, gate.entropy.token(10))
    tx.insert_file(StoredFile(file_id=file_id, case_id=case.case_id, begun_at=tx.now))
    return _Named(case, file_id)


def _found(gate: Gate, tx: Tx, caller: Caller, ref: CaseRef, material: str) -> tuple[Case, int, Mapping[str, Json]]:
    """The case, locked, with the material's place and record. Raises NotFound, Conflict."""
    case = named_case(tx, caller, ref).case
    refuse_closed(case)
    if not case.wrapped_key:
        raise Conflict("expected a case that takes content, got one that takes none any more")
    document = open_document(gate, tx, case)
    found = material_in(document, material)
    if found is None:
        raise _unknown(material_ids(document))
    return case, *found


def _unknown(known: list[str]) -> NotFound:
    names = ", ".join(known[:NAMED_AT_MOST]) or "none"
    return NotFound("expected one of the materials of the case, {names}, got another", names=names)


def _finish(
    gate: Gate, tx: Tx, caller: Caller, ref: CaseRef, material: str, named: _Named, came: Came, chunks_count: int
) -> _Done:
    """Makes the bytes seen, if they are what the record says now, and lets go what waited for them."""
    case, no, record = _found(gate, tx, caller, ref, material)
    errors = mismatches(record, no, came)
    if errors:
        raise MaterialMismatch("expected the file that the record tells of, got another", errors=errors)
    mac = file_mac(gate, case.case_id, came.sha256)
    media_type = media_type_of(record, came)
    stored = Stored(
        status=_NEW,
        case_id=case.case_id,
        case_no=case.case_no,
        material=material,
        size=came.size,
        sha256=came.sha256,
        media_type=media_type,
    )
    if (known := tx.material(case.case_id, material)) is not None:
        return _Done(_same_again(gate, tx, case, known, mac, stored), is_ours_unused=True)
    same = tx.file_by_mac(case.case_id, mac)
    file = same or _whole(tx, named, mac, came, chunks_count)
    facts = Facts(size=came.size, sha256=came.sha256, media_type=media_type, chunks_count=file.chunks_count)
    tx.insert_material(
        StoredMaterial(
            case_id=case.case_id,
            material=material,
            file_id=file.file_id,
            link_id=UUID(bytes=gate.entropy.token(16), version=4),
            sealed_facts=sealed_facts(gate, case, material, file.file_id, facts),
            by=caller.principal.name,
            stored_at=tx.now,
        )
    )
    released = _released(gate, tx, case, material, by=caller.principal.name)
    return _Done(
        replace(stored, deliveries=tuple(map(Placed.of, released))),
        frozenset(delivery.system for delivery in released),
        is_ours_unused=same is not None,
    )


def _same_again(gate: Gate, tx: Tx, case: Case, known: StoredMaterial, mac: bytes, stored: Stored) -> Stored:
    file = tx.file(known.file_id)
    if file is None or not is_of(file, mac):
        raise Conflict("expected the bytes first given, got others; a material is replaced by a new one")
    return replace(stored, status=_UNCHANGED, media_type=kept_file(gate, case, known).facts.media_type)


def _whole(tx: Tx, named: _Named, mac: bytes, came: Came, chunks_count: int) -> StoredFile:
    file = None if named.file_id is None else tx.file(named.file_id, lock=True)
    if file is None or tx.chunks_count(file.file_id) != chunks_count:
        raise StoreUnavailable("expected an upload in good time, got one that was given up")
    whole = replace(file, mac=mac, size=came.size, chunks_count=chunks_count, stored_at=tx.now)
    tx.save_file(whole)
    return whole


def _released(gate: Gate, tx: Tx, case: Case, material: str, *, by: str) -> list[Delivery]:
    """The deliveries that were parked because these bytes were missing, waiting again; no others."""
    lanes = tx.lanes(case.case_id, lock=True)
    return [released for lane in lanes for released in _released_in(gate, tx, lane, material, by=by)]


def _released_in(gate: Gate, tx: Tx, lane: Lane, material: str, *, by: str) -> list[Delivery]:
    digest = gate.active.get(lane.system)
    work = open_lane(tx, lane, gate.bundles[digest].messages if digest else ())
    parked = [d for d in work.deliveries if _waits_for(d, material)]
    released = []
    for delivery in parked:
        counted, attempt = noted(
            delivery,
            kind=AttemptKind.SYSTEM,
            outcome=Event.REQUEUED.value,
            actor=by,
            at=tx.now,
            detail={"reason": MATERIAL_STORED},
        )
        tx.insert_attempts([attempt])
        fresh: dict[str, Any] = {"due_at": tx.now, "tries_count": 0, "first_failed_at": None, "detail": "", "actor": ""}
        released.append(work.move(delivery, Event.REQUEUED, entries_count=counted.entries_count, **fresh))
    if released:
        work.save(expected_token=lane.lease_token)
    return released


def _waits_for(delivery: Delivery, material: str) -> bool:
    return (delivery.phase, delivery.reason, delivery.part) == (Phase.PARKED, MATERIAL_MISSING, material)
