"""Files in chunks and the materials that are them, on both engines."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from syncgate.domain.errors import Conflict, IllegalMove
from syncgate.domain.rows import FileChunk, StoredFile, StoredMaterial
from syncgate.ports import Tx
from syncgate.storage import SqlStore
from tests.support.rows import START, new_id, stored_case


@pytest.fixture
def case_id(store: SqlStore) -> UUID:
    made, step = stored_case("food")
    store.write([step])
    return made


def a_file(case_id: UUID, **changes: Any) -> StoredFile:
    row: dict[str, Any] = {"file_id": new_id(), "case_id": case_id, "begun_at": START}
    return StoredFile(**row | changes)


def whole(case_id: UUID, **changes: Any) -> StoredFile:
    return a_file(case_id, **{"mac": b"m" * 16, "size": 3, "chunks_count": 1, "stored_at": START} | changes)


def a_material(file: StoredFile, material: str = "m1") -> StoredMaterial:
    return StoredMaterial(
        case_id=file.case_id,
        material=material,
        file_id=file.file_id,
        link_id=new_id(),
        sealed_facts=b"sealed",
        by="window",
        stored_at=START,
    )


def only(store: SqlStore, step: Any) -> Any:
    (result,) = store.write([step])
    return result


def test_a_file_is_found_by_its_digest_only_once_it_is_whole(store: SqlStore, case_id: UUID) -> None:
    file = a_file(case_id, mac=b"m" * 16)
    store.write([lambda tx: tx.insert_file(file)])
    assert store.read(lambda tx: tx.file_by_mac(case_id, b"m" * 16)) is None
    done = whole(case_id, file_id=file.file_id, size=5_000_000_000)
    assert only(store, lambda tx: tx.save_file(done)) is None
    assert store.read(lambda tx: tx.file_by_mac(case_id, b"m" * 16)) == done


def test_the_same_bytes_are_whole_once_in_a_case(store: SqlStore, case_id: UUID) -> None:
    first, second = whole(case_id), a_file(case_id)
    store.write([lambda tx: tx.insert_file(first), lambda tx: tx.insert_file(second)])
    twice = whole(case_id, file_id=second.file_id)
    assert isinstance(only(store, lambda tx: tx.save_file(twice)), Conflict)


def test_unfinished_files_are_listed_from_a_time_on_the_oldest_first(store: SqlStore, case_id: UUID) -> None:
    old, older = a_file(case_id, begun_at=START), a_file(case_id, begun_at=START - timedelta(hours=1))
    young, done = a_file(case_id, begun_at=START + timedelta(hours=1)), whole(case_id)
    store.write([lambda tx, file=file: tx.insert_file(file) for file in (old, older, young, done)])  # type: ignore[misc]
    before = START + timedelta(seconds=1)
    assert store.read(lambda tx: tx.unfinished_files(before=before, limit=9)) == [older, old]
    assert store.read(lambda tx: tx.unfinished_files(before=before, limit=1)) == [older]


def test_chunks_go_a_few_at_a_time_and_the_file_after_them(store: SqlStore, case_id: UUID) -> None:
    file = a_file(case_id)
    chunks = [FileChunk(file_id=file.file_id, chunk_no=no, sealed=bytes([no])) for no in (1, 2, 3)]

    def fill(tx: Tx) -> None:
        tx.insert_file(file)
        tx.insert_chunks(chunks)

    store.write([fill])
    assert store.read(lambda tx: tx.chunks_count(file.file_id)) == 3
    assert only(store, lambda tx: tx.delete_chunks(file.file_id, limit=2)) == 2
    assert store.read(lambda tx: tx.chunk(file.file_id, 2)) is None
    assert store.read(lambda tx: tx.chunk(file.file_id, 3)) == chunks[2]
    assert isinstance(only(store, lambda tx: tx.delete_file(file.file_id)), IllegalMove)
    store.write([lambda tx: tx.delete_chunks(file.file_id, limit=2), lambda tx: tx.delete_file(file.file_id)])
    assert store.read(lambda tx: tx.file(file.file_id)) is None


def test_a_material_is_one_file_and_a_file_may_be_several_materials(store: SqlStore, case_id: UUID) -> None:
    file = whole(case_id)
    first, second = a_material(file, "m1"), a_material(file, "m2")
    store.write([lambda tx: tx.insert_file(file), lambda tx: tx.insert_material(second)])
    assert only(store, lambda tx: tx.insert_material(first)) is None
    assert isinstance(only(store, lambda tx: tx.insert_material(a_material(file, "m1"))), Conflict)
    assert store.read(lambda tx: tx.materials(case_id)) == [first, second]
    assert store.read(lambda tx: tx.material(case_id, "m2")) == second
    assert store.read(lambda tx: tx.material_by_link(first.link_id)) == first
    assert store.read(lambda tx: tx.material_by_link(UUID(int=5))) is None
