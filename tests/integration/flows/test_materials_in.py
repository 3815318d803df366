"""Files of materials come in whole and verified, or nothing of them is stored."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from syncgate.domain.errors import (
    BodyTooLarge,
    CommitUnknown,
    Conflict,
    MaterialMismatch,
    NotFound,
    StoreUnavailable,
)
from syncgate.domain.rows import CaseState
from syncgate.flows.accepting.leftovers import remove_leftovers
from syncgate.flows.accepting.materials import Declared, put_material
from syncgate.flows.files import CHUNK_SIZE, FileBroken, kept_file, pieces_of
from syncgate.flows.gate import CaseRef
from syncgate.storage.sealing import SealBroken
from tests.integration.flows.filing import LIMIT, a_material, arriving, posted, put, sha256
from tests.integration.flows.worksite import Worksite, caller

PDF = b"%PDF-1.7\n" + random.Random(3).randbytes(100)
LONG = b"%PDF-1.7\n" + random.Random(5).randbytes(2 * CHUNK_SIZE + 777)
"""Three chunks."""


def read(site: Worksite, case_id: UUID, material: str = "m1") -> bytes:
    case = site.store.read(lambda tx: tx.case(case_id))
    stored = site.store.read(lambda tx: tx.material(case_id, material))
    assert case is not None and stored is not None

    async def whole() -> bytes:
        return b"".join([piece async for piece in pieces_of(site.gate, kept_file(site.gate, case, stored))])

    return site.run(whole())


def rows_of(site: Worksite) -> list[UUID]:
    """Files that are not whole."""
    later = site.clock.now() + timedelta(days=1)
    return [file.file_id for file in site.store.read(lambda tx: tx.unfinished_files(before=later, limit=99))]


def is_stored(site: Worksite, case_id: UUID, material: str = "m1") -> bool:
    return site.store.read(lambda tx: tx.material(case_id, material)) is not None


@pytest.mark.parametrize("size", [1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 2 * CHUNK_SIZE, 2 * CHUNK_SIZE + 5])
def test_what_comes_in_any_pieces_comes_out_the_same(site: Worksite, size: int) -> None:
    case_id, content = posted(site), random.Random(size).randbytes(size)
    cuts = sorted(random.Random(7).choices(range(size + 1), k=9))
    pieces = [content[a:b] for a, b in zip([0, *cuts], [*cuts, size], strict=True)]
    stored = put(site, case_id, pieces)
    assert (stored.status, stored.size, stored.sha256) == (201, size, sha256(content))
    assert read(site, case_id) == content
    assert rows_of(site) == []


def test_the_same_bytes_again_change_nothing(site: Worksite) -> None:
    case_id = posted(site)
    put(site, case_id, LONG)
    again = put(site, case_id, LONG)
    assert (again.status, again.is_unchanged, again.sha256) == (200, True, sha256(LONG))
    assert rows_of(site) == []


def test_other_bytes_for_a_known_material_are_refused(site: Worksite) -> None:
    case_id = posted(site)
    put(site, case_id, LONG)
    with pytest.raises(Conflict, match="expected the bytes first given"):
        put(site, case_id, LONG + b"!")
    assert read(site, case_id) == LONG


def test_every_mismatch_is_told_at_once_and_nothing_is_stored(site: Worksite) -> None:
    record = a_material(size=5, sha256="ab" * 32, media_type="image/png")
    case_id = posted(site, a_material("m0"), record)
    with pytest.raises(MaterialMismatch) as refused:
        put(site, case_id, LONG, media_type="application/pdf", sha256="cd" * 32)
    assert [(error.pointer, error.rule) for error in refused.value.errors] == [
        ("/materials/1/size", "size_differs"),
        ("/materials/1/sha256", "digest_differs"),
        ("/header/content-digest", "digest_differs"),
        ("/materials/1/media_type", "media_type_differs"),
        ("/materials/1/media_type", "file_type_differs"),
    ]
    assert not is_stored(site, case_id) and rows_of(site) == []


def test_a_file_as_its_record_tells_is_stored(site: Worksite) -> None:
    record = a_material(size=len(PDF), sha256=sha256(PDF), media_type="application/pdf")
    case_id = posted(site, record)
    stored = put(site, case_id, PDF, media_type="application/pdf", sha256=sha256(PDF))
    assert stored.media_type == "application/pdf"


def test_a_file_beyond_the_limit_is_refused_and_leaves_nothing(site: Worksite) -> None:
    case_id = posted(site)
    with pytest.raises(BodyTooLarge):
        put(site, case_id, LONG, limit=len(LONG) - 1)
    assert rows_of(site) == []
    assert put(site, case_id, LONG, limit=len(LONG)).status == 201


def test_an_unknown_material_is_answered_with_the_known_ones(site: Worksite) -> None:
    case_id = posted(site, a_material("plan-1"), a_material("plan-2"))
    with pytest.raises(NotFound, match="plan-1, plan-2"):
        put(site, case_id, PDF, material="plan-3")
    assert rows_of(site) == []


def test_a_case_of_another_source_is_not_there(site: Worksite) -> None:
    case_id = posted(site)
    with pytest.raises(NotFound):
        put(site, case_id, PDF, source="hall")


@pytest.mark.parametrize("state", [CaseState.WITHDRAWN, CaseState.VOID, CaseState.MERGED])
def test_a_case_that_is_closed_takes_no_file(site: Worksite, state: CaseState) -> None:
    case_id = posted(site)
    case = site.store.read(lambda tx: tx.case(case_id))
    assert case is not None
    site.write(lambda tx: tx.save_case(replace(case, state=state)))
    with pytest.raises(Conflict):
        put(site, case_id, PDF)
    assert rows_of(site) == []


def test_the_same_bytes_are_kept_once_for_two_materials(site: Worksite) -> None:
    case_id = posted(site, a_material("m1"), a_material("m2"))
    assert [put(site, case_id, LONG, material=name).status for name in ("m1", "m2")] == [201, 201]
    stored = site.store.read(lambda tx: tx.materials(case_id))
    assert len({material.file_id for material in stored}) == 1
    assert read(site, case_id, "m2") == LONG
    assert rows_of(site) == []


def test_the_same_bytes_of_two_cases_are_apart(site: Worksite) -> None:
    """Erasing one case must not tell of, or take from, another."""
    first, second = posted(site, case_no="QX1"), posted(site, case_no="QX2")
    put(site, first, PDF)
    put(site, second, PDF)
    files = [site.store.read(lambda tx, c=case_id: tx.materials(c))[0].file_id for case_id in (first, second)]  # type: ignore[misc]
    macs = {file.mac for file_id in files if (file := site.store.read(lambda tx, f=file_id: tx.file(f)))}  # type: ignore[misc]
    assert len(set(files)) == len(macs) == 2


def test_two_that_bring_the_same_bytes_at_once_both_hear_that_they_are_stored(site: Worksite) -> None:
    case_id = posted(site)

    async def both() -> list[Any]:
        return await asyncio.gather(*(bringing(site, case_id, LONG) for _ in range(2)))

    assert sorted(stored.status for stored in site.run(both())) == [200, 201]
    assert read(site, case_id) == LONG and rows_of(site) == []


def bringing(site: Worksite, case_id: UUID, content: bytes) -> Any:
    ref = CaseRef(case_id=case_id)
    pieces = arriving([content])
    return put_material(site.gate, caller("window"), ref, "m1", Declared(), pieces, size_at_most=LIMIT)


class Failing:
    """A writer that fails at one of its commits."""

    def __init__(self, writer: Any, at: int, error: Exception) -> None:
        self._writer, self._left, self._error = writer, at, error

    async def write(self, step: Any) -> Any:
        self._left -= 1
        if self._left == 0:
            raise self._error
        return await self._writer.write(step)

    async def read(self, step: Any) -> Any:
        return await self._writer.read(step)


@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
def test_a_full_disk_stores_nothing(site: Worksite, at: int) -> None:
    """Crash point: each commit of an upload in turn, the last of them included (promise 1)."""
    case_id, writer = posted(site), site.gate.writer
    gate = replace(site.gate, writer=Failing(writer, at, StoreUnavailable("full")))  # type: ignore[arg-type]
    with pytest.raises(StoreUnavailable):
        site.run(bringing(replace(site, gate=gate), case_id, LONG))
    assert not is_stored(site, case_id) and rows_of(site) == []
    assert put(site, case_id, LONG).status == 201


def test_a_commit_whose_outcome_is_unknown_leaves_the_chunks_alone(site: Worksite) -> None:
    """Crash point: the connection is lost under the last commit, which may stand (promise 1)."""
    case_id, writer = posted(site), site.gate.writer
    failing = Failing(writer, 5, CommitUnknown("lost"))
    gate = replace(site.gate, writer=failing)  # type: ignore[arg-type]
    with pytest.raises(CommitUnknown):
        site.run(bringing(replace(site, gate=gate), case_id, LONG))
    (file_id,) = rows_of(site)
    assert site.store.read(lambda tx: tx.chunks_count(file_id)) == 3


class Gone(Exception):
    """The sender left."""


async def torn(content: bytes) -> AsyncIterator[bytes]:
    yield content
    raise Gone


def test_a_torn_upload_leaves_nothing(site: Worksite) -> None:
    case_id = posted(site)
    coming = put_material(
        site.gate, caller("window"), CaseRef(case_id=case_id), "m1", Declared(), torn(LONG), size_at_most=LIMIT
    )
    with pytest.raises(Gone):
        site.run(coming)
    assert not is_stored(site, case_id) and rows_of(site) == []


def left_over(site: Worksite) -> UUID:
    """What a process that was killed in an upload leaves behind; gives the case."""
    case_id = posted(site)
    gate = replace(site.gate, writer=Failing(site.gate.writer, 5, CommitUnknown("killed")))  # type: ignore[arg-type]
    with pytest.raises(CommitUnknown):
        site.run(bringing(replace(site, gate=gate), case_id, LONG))
    return case_id


def test_leftovers_are_removed_once_nobody_can_be_bringing_them(site: Worksite) -> None:
    left_over(site)
    assert site.run(remove_leftovers(site.gate)) == 0
    site.clock.move(hours=3)
    assert site.run(remove_leftovers(site.gate)) == 1
    assert rows_of(site) == []


def test_what_is_stored_is_no_leftover(site: Worksite) -> None:
    case_id = posted(site)
    put(site, case_id, LONG)
    site.clock.move(days=30)
    assert site.run(remove_leftovers(site.gate, older_than=timedelta(0))) == 0
    assert read(site, case_id) == LONG


def test_an_upload_that_was_given_up_meanwhile_is_not_stored(site: Worksite) -> None:
    """Crash point: what looked abandoned was removed while its process slept (promise 1: a 2xx means stored)."""
    case_id = posted(site)

    async def slow() -> AsyncIterator[bytes]:
        yield LONG
        site.clock.move(hours=3)
        await remove_leftovers(site.gate)

    coming = put_material(
        site.gate, caller("window"), CaseRef(case_id=case_id), "m1", Declared(), slow(), size_at_most=LIMIT
    )
    with pytest.raises(StoreUnavailable):
        site.run(coming)
    assert not is_stored(site, case_id) and rows_of(site) == []


def altered_chunks(site: Worksite, case_id: UUID, change: Any) -> None:
    """Changes the sealed chunks of a stored file behind the store's back. change: from the old list to the new."""
    (stored,) = site.store.read(lambda tx: tx.materials(case_id))
    chunks = [site.store.read(lambda tx, no=no: tx.chunk(stored.file_id, no)) for no in (1, 2, 3)]  # type: ignore[misc]
    changed = [replace(chunk, chunk_no=no) for no, chunk in enumerate(change([c for c in chunks if c]), 1)]
    site.write(lambda tx: tx.delete_chunks(stored.file_id, limit=9))
    site.write(lambda tx: tx.insert_chunks(changed))


def mutated(chunks: list[Any]) -> list[Any]:
    sealed = bytearray(chunks[1].sealed)
    sealed[-20] ^= 1
    return [chunks[0], replace(chunks[1], sealed=bytes(sealed)), chunks[2]]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (mutated, SealBroken),
        (lambda chunks: [chunks[1], chunks[0], chunks[2]], SealBroken),
        (lambda chunks: [chunks[0], chunks[0], chunks[2]], SealBroken),
        (lambda chunks: [chunks[0], chunks[2]], SealBroken),
        (lambda chunks: chunks[:2], FileBroken),
    ],
    ids=["one bit", "swapped", "repeated", "left out", "cut"],
)
def test_a_file_whose_chunks_were_tampered_with_does_not_open(
    site: Worksite, change: Any, error: type[Exception]
) -> None:
    case_id = posted(site)
    put(site, case_id, LONG)
    altered_chunks(site, case_id, change)
    with pytest.raises(error):
        read(site, case_id)


def test_chunks_of_another_file_of_the_case_do_not_open(site: Worksite) -> None:
    case_id = posted(site, a_material("m1"), a_material("m2"))
    put(site, case_id, LONG, material="m1")
    put(site, case_id, LONG[:-1] + b"!", material="m2")
    first, second = site.store.read(lambda tx: tx.materials(case_id))
    taken = site.store.read(lambda tx: tx.chunk(second.file_id, 1))
    rest = [site.store.read(lambda tx, no=no: tx.chunk(first.file_id, no)) for no in (2, 3)]  # type: ignore[misc]
    assert taken is not None
    site.write(lambda tx: tx.delete_chunks(first.file_id, limit=9))
    moved = [replace(taken, file_id=first.file_id), *[chunk for chunk in rest if chunk]]
    site.write(lambda tx: tx.insert_chunks(moved))
    with pytest.raises(SealBroken):
        read(site, case_id, "m1")
