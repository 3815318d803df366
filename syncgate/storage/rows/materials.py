"""Files of cases in sealed chunks, and which material is which file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Integer, bindparam, delete, func, select, text

from syncgate.domain.errors import Conflict
from syncgate.domain.rows import FileChunk, StoredFile, StoredMaterial
from syncgate.storage.statement import Shape, Statement, given
from syncgate.storage.tables import IS_STORED, IS_UNFINISHED, file_chunks, files, materials
from syncgate.storage.work import Work

FILE = Shape(files, StoredFile)
CHUNK = Shape(file_chunks, FileChunk)
MATERIAL = Shape(materials, StoredMaterial)

_limit = bindparam("limit", type_=Integer())
_this_file = files.c.file_id == given("file_id", files.c.file_id)
_by_file_id = select(files).where(_this_file)
FILE_BY_ID = Statement(_by_file_id)
FILE_LOCKED = Statement(_by_file_id.with_for_update(key_share=True))
FILE_BY_MAC = Statement(
    select(files).where(
        files.c.case_id == given("case_id", files.c.case_id), files.c.mac == given("mac", files.c.mac), text(IS_STORED)
    )
)
UNFINISHED_FILES = Statement(
    select(files)
    .where(text(IS_UNFINISHED), files.c.begun_at < given("before", files.c.begun_at))
    .order_by(files.c.begun_at, files.c.file_id)
    .limit(_limit)
)
INSERT_FILE = Statement(FILE.insert())
SAVE_FILE = Statement(FILE.update(keeping=("file_id", "case_id", "begun_at")).where(_this_file))
DELETE_FILE = Statement(delete(files).where(_this_file))

_of_file = file_chunks.c.file_id == given("of_file", file_chunks.c.file_id)
_chunk_no = given("of_no", file_chunks.c.chunk_no)
CHUNK_BY_NO = Statement(select(file_chunks).where(_of_file, file_chunks.c.chunk_no == _chunk_no))
CHUNKS_COUNT = Statement(select(func.count()).select_from(file_chunks).where(_of_file))
INSERT_CHUNK = Statement(CHUNK.insert())
_first_ones = select(file_chunks.c.chunk_no).where(_of_file).order_by(file_chunks.c.chunk_no).limit(_limit)
DELETE_CHUNKS = Statement(
    delete(file_chunks).where(_of_file, file_chunks.c.chunk_no.in_(_first_ones.scalar_subquery()))
)

_of_case = materials.c.case_id == given("case_id", materials.c.case_id)
MATERIAL_BY_KEY = Statement(
    select(materials).where(_of_case, materials.c.material == given("material", materials.c.material))
)
MATERIAL_BY_LINK = Statement(select(materials).where(materials.c.link_id == given("link_id", materials.c.link_id)))
MATERIALS_OF_CASE = Statement(select(materials).where(_of_case).order_by(materials.c.material))
INSERT_MATERIAL = Statement(MATERIAL.insert())


class MaterialRows:
    """Files, their chunks and materials of one transaction."""

    _work: Work

    def file(self, file_id: UUID, *, lock: bool = False) -> StoredFile | None:
        record = self._work.one(FILE_LOCKED if lock else FILE_BY_ID, file_id=file_id)
        return None if record is None else FILE.row(record)

    def file_by_mac(self, case_id: UUID, mac: bytes) -> StoredFile | None:
        record = self._work.one(FILE_BY_MAC, case_id=case_id, mac=mac)
        return None if record is None else FILE.row(record)

    def unfinished_files(self, *, before: datetime, limit: int) -> list[StoredFile]:
        return FILE.rows(self._work.all(UNFINISHED_FILES, before=before, limit=limit))

    def insert_file(self, file: StoredFile) -> None:
        self._work.run(INSERT_FILE, FILE.params(file))

    def save_file(self, file: StoredFile) -> None:
        if not self._work.run(SAVE_FILE, FILE.params(file), breaks=Conflict):
            raise self._work.refuse("expected a file that is stored, got a new one")

    def delete_file(self, file_id: UUID) -> None:
        self._work.run(DELETE_FILE, {"file_id": file_id})

    def chunk(self, file_id: UUID, chunk_no: int) -> FileChunk | None:
        record = self._work.one(CHUNK_BY_NO, of_file=file_id, of_no=chunk_no)
        return None if record is None else CHUNK.row(record)

    def chunks_count(self, file_id: UUID) -> int:
        record = self._work.one(CHUNKS_COUNT, of_file=file_id)
        return 0 if record is None else int(record[0])

    def insert_chunks(self, chunks: Sequence[FileChunk]) -> None:
        self._work.run_each(INSERT_CHUNK, [CHUNK.params(chunk) for chunk in chunks])

    def delete_chunks(self, file_id: UUID, *, limit: int) -> int:
        return self._work.run(DELETE_CHUNKS, {"of_file": file_id, "limit": limit})

    def material(self, case_id: UUID, material: str) -> StoredMaterial | None:
        record = self._work.one(MATERIAL_BY_KEY, case_id=case_id, material=material)
        return None if record is None else MATERIAL.row(record)

    def material_by_link(self, link_id: UUID) -> StoredMaterial | None:
        record = self._work.one(MATERIAL_BY_LINK, link_id=link_id)
        return None if record is None else MATERIAL.row(record)

    def materials(self, case_id: UUID) -> list[StoredMaterial]:
        return MATERIAL.rows(self._work.all(MATERIALS_OF_CASE, case_id=case_id))

    def insert_material(self, material: StoredMaterial) -> None:
        self._work.run(INSERT_MATERIAL, MATERIAL.params(material), breaks=Conflict)
