"""The bytes of a case's materials: sealed in chunks that open only in their own place, in their order, to the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Final
from uuid import UUID

import orjson

from syncgate.domain.errors import SyncgateError
from syncgate.domain.rows import Case, StoredFile, StoredMaterial
from syncgate.flows.gate import Gate

CHUNK_SIZE: Final = 512 * 1024
"""Bytes of a file that are sealed, written and read at a time."""


class FileBroken(SyncgateError):
    """A stored file lacks a chunk."""

    code = "file_broken"
    actor = "operations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a material's file. sha256: in hexadecimal. chunks_count: of the file that it was sealed with."""

    size: int
    sha256: str
    media_type: str
    chunks_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A material's file, ready to be read. digest: keyed, so that it may be shown where the bytes may not."""

    case: Case
    material: StoredMaterial
    facts: Facts
    digest: str


def file_mac(gate: Gate, case_id: UUID, sha256: str) -> bytes:
    """The keyed digest by which a file is known within its case."""
    return gate.keyring.mac("file", case_id.bytes, bytes.fromhex(sha256))


def sealed_chunk(gate: Gate, case: Case, file_id: UUID, chunk_no: int, plain: bytes, *, is_last: bool) -> bytes:
    """One chunk, sealed for its place."""
    place = _chunk_place(case, file_id, chunk_no, is_last=is_last)
    # Files are packed already, most of them: packing them again costs more time than it saves room.
    return gate.keyring.seal(case.wrapped_key, plain, bound_to=place, packs=False)


def _chunk_place(case: Case, file_id: UUID, chunk_no: int, *, is_last: bool) -> str:
    """Which chunk of which file it is, and whether more follow: none can be swapped, left out or cut off."""
    return f"file:{case.case_id}:{file_id}:{chunk_no}:{'last' if is_last else 'more'}"


def sealed_facts(gate: Gate, case: Case, material: str, file_id: UUID, facts: Facts) -> bytes:
    """What is known of a material's file, sealed for this material and this file."""
    place = _facts_place(case, material, file_id)
    return gate.keyring.seal(case.wrapped_key, orjson.dumps(asdict(facts)), bound_to=place)


def _facts_place(case: Case, material: str, file_id: UUID) -> str:
    return f"material:{case.case_id}:{material}:{file_id}"


def kept_file(gate: Gate, case: Case, material: StoredMaterial) -> KeptFile:
    """A stored material with its facts, opened. Raises SealBroken where they were altered or moved."""
    place = _facts_place(case, material.material, material.file_id)
    plain = gate.keyring.open(case.wrapped_key, material.sealed_facts, bound_to=place)
    facts = Facts(**orjson.loads(plain))
    return KeptFile(case=case, material=material, facts=facts, digest=file_mac(gate, case.case_id, facts.sha256).hex())


async def pieces_of(gate: Gate, kept: KeptFile) -> AsyncIterator[bytes]:
    """The bytes of a file, one chunk at a time.

    Raises:
        SealBroken: a chunk was altered or moved. FileBroken: one is gone. StoreUnavailable: it cannot be read.
    """
    for chunk_no in range(1, kept.facts.chunks_count + 1):
        yield await _piece(gate, kept, chunk_no)


async def _piece(gate: Gate, kept: KeptFile, chunk_no: int) -> bytes:
    file_id = kept.material.file_id
    chunk = await gate.writer.read(lambda tx: tx.chunk(file_id, chunk_no))
    if chunk is None:
        raise FileBroken("expected every chunk of a stored file, got one missing")
    is_last = chunk_no == kept.facts.chunks_count
    place = _chunk_place(kept.case, file_id, chunk_no, is_last=is_last)
    return gate.keyring.open(kept.case.wrapped_key, chunk.sealed, bound_to=place)


def is_of(file: StoredFile, mac: bytes) -> bool:
    """Whether a whole file has this digest."""
    return file.stored_at is not None and file.mac == mac
