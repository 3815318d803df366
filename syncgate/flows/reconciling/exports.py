"""Uploaded files that stand for what a system, or a source, lists: kept sealed beside the store, and not for long.

A file is a row of sealed pieces, each bound to its place, and a note that is written when all are there: an upload that
broke off is nobody's, and is removed.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import struct
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Final

from pydantic import ValidationError

from syncgate.domain import ids
from syncgate.domain.errors import BodyTooLarge, FieldError, NotFound, RequestError, StoreUnavailable
from syncgate.domain.rows import AuditEntry, Principal
from syncgate.flows.gate import Gate
from syncgate.ports import Keyring
from syncgate.records import (
    CsvSettings,
    JsonSettings,
    NdjsonSettings,
    XlsxSettings,
    XmlSettings,
)
from syncgate.records.settings import Settings

PIECE: Final = 1024**2
"""Bytes that are sealed at once."""
KEPT_FOR: Final = timedelta(days=7)
FORMATS: Final[Mapping[str, type[Settings]]] = {
    "csv": CsvSettings,
    "xlsx": XlsxSettings,
    "ndjson": NdjsonSettings,
    "json": JsonSettings,
    "xml": XmlSettings,
}
_LENGTH: Final = struct.Struct(">I")
_ID: Final = re.compile(r"[0-9a-f-]{36}", re.ASCII)


class InvalidExport(RequestError):
    """An upload of a format that is not read, or with settings that it does not have."""

    code = "invalid_request"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What more is to be known of a file in which a source lists its own cases.

    Attributes:
        columns: names of columns by JSON Pointer into the case, `/case_no` among them; empty: as the source's mapping
            reads its records.
        batch: under which name its records are numbered, where the source gives them no numbers; empty: under none.
        as_of: when it was written; what the source said later it cannot show.
    """

    columns: Mapping[str, str]
    batch: str
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """One uploaded file.

    Attributes:
        export_id: names it.
        system: whose listing it is: a system's, or a source's.
        format: as in `FORMATS`; settings: how it is written.
        size: in bytes; sha256: in hexadecimal.
        by: who brought it.
        manifest: of a source's; None of a system's.
    """

    export_id: str
    system: str
    format: str
    settings: Settings
    size: int
    sha256: str
    by: str
    uploaded_at: datetime
    wrapped_key: bytes = field(repr=False)
    offsets: tuple[int, ...] = field(repr=False)
    manifest: Manifest | None = None

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.export_id}.{self.format}"

    def open(self, gate: Gate) -> BinaryIO:
        """Its bytes, opened piece by piece as they are read; nothing of it is plain on the disk."""
        return io.BufferedReader(_Opened(gate.keyring, self, _folder(gate) / f"{self.export_id}.sealed"))


def settings_of(format_name: str, more: Mapping[str, Any]) -> Settings:
    """How an uploaded file is written. more: settings of that format. Raises InvalidExport."""
    if format_name not in FORMATS:
        errors = [FieldError("/query/format", "enum", ", ".join(FORMATS))]
        raise InvalidExport("expected a format that is read here, got another", errors=errors)
    try:
        return FORMATS[format_name].model_validate({name: value for name, value in more.items() if value is not None})
    except ValidationError as error:
        errors = [_broken(one["loc"], str(one["msg"])) for one in error.errors()]
        raise InvalidExport("expected settings that this format has, got others", errors=errors) from None


def _broken(at: Sequence[int | str], words: str) -> FieldError:
    """A setting that the format does not have, or not so; of ours alone the words are kept, which name no value."""
    is_unknown = words.startswith("Extra")
    return FieldError(f"/query/{'.'.join(map(str, at)) or 'format'}", "unknown_field" if is_unknown else "type")


async def keep_export(
    gate: Gate,
    principal: Principal,
    system: str,
    pieces: AsyncIterator[bytes],
    *,
    format_name: str,
    settings: Settings,
    size_at_most: int,
    manifest: Manifest | None = None,
) -> Export:
    """The uploaded file once it is whole.

    Args:
        gate: the running gate.
        principal: who brings it.
        system: whose listing it is.
        pieces: its bytes as they come.
        format_name, settings: how it is written.
        size_at_most: in bytes.
        manifest: of a source's.

    Raises:
        BodyTooLarge: it is larger; nothing is kept.
        StoreUnavailable: this gate has no folder, or the disk does not take it.
    """
    export_id = str(ids.uuid7(gate.clock.now(), gate.entropy.token(10)))
    wrapped_key = gate.keyring.new_wrapped_key()
    folder = _folder(gate)
    path = folder / f"{export_id}.sealed"
    try:
        await asyncio.to_thread(_make, folder)
        with _created(path) as out:
            written = await _written(gate, pieces, out, wrapped_key, export_id, size_at_most=size_at_most)
        export = Export(
            export_id=export_id,
            system=system,
            format=format_name,
            settings=settings,
            size=written.size,
            sha256=written.digest.hexdigest(),
            by=principal.name,
            uploaded_at=gate.clock.now(),
            wrapped_key=wrapped_key,
            offsets=tuple(written.offsets),
            manifest=manifest,
        )
        await gate.writer.write(lambda tx: tx.append_audit(_entry(tx.now, export)))
        await asyncio.to_thread(_note, folder, export)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise StoreUnavailable(
            "expected room for an export beside the store, got {error}", error=error.strerror
        ) from None
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return export


def find_export(gate: Gate, export_id: str) -> Export:
    """An uploaded file. Raises NotFound."""
    missing = NotFound("expected an export that is known here, got none of that id")
    if gate.data is None or not _ID.fullmatch(export_id):
        raise missing
    try:
        noted = json.loads((_folder(gate) / f"{export_id}.json").read_text("utf-8"))
    except OSError:
        raise missing from None
    settings = FORMATS[noted["format"]].model_validate(noted["settings"])
    return Export(
        **{name: noted[name] for name in ("export_id", "system", "format", "size", "sha256", "by")},
        settings=settings,
        uploaded_at=datetime.fromisoformat(noted["uploaded_at"]),
        wrapped_key=b64decode(noted["wrapped_key"]),
        offsets=tuple(noted["offsets"]),
        manifest=_manifest(noted.get("manifest")),
    )


def _manifest(noted: Mapping[str, Any] | None) -> Manifest | None:
    if noted is None:
        return None
    as_of = datetime.fromisoformat(noted["as_of"])
    return Manifest(columns=noted["columns"], batch=noted["batch"], as_of=as_of)


def remove_old(gate: Gate) -> int:
    """Removes files whose time is over, and what broke off that long ago; gives how many."""
    if gate.data is None:
        return 0
    before = (gate.clock.now() - KEPT_FOR).timestamp()
    removed = 0
    with suppress(FileNotFoundError):
        for path in list(_folder(gate).iterdir()):
            if path.stat().st_mtime < before:
                path.unlink(missing_ok=True)
                removed += path.suffix == ".sealed"
    return removed


@dataclass(slots=True)
class _Written:
    size: int = 0
    digest: Any = field(default_factory=sha256)
    offsets: list[int] = field(default_factory=list)


async def _written(
    gate: Gate, pieces: AsyncIterator[bytes], out: BinaryIO, wrapped_key: bytes, export_id: str, *, size_at_most: int
) -> _Written:
    written, held = _Written(), bytearray()

    def put(plain: bytes) -> None:
        bound_to = f"export:{export_id}:{len(written.offsets)}"
        sealed = gate.keyring.seal(wrapped_key, plain, bound_to=bound_to)
        written.offsets.append(out.tell())
        out.write(_LENGTH.pack(len(sealed)) + sealed)

    async for piece in pieces:
        written.size += len(piece)
        if written.size > size_at_most:
            raise BodyTooLarge("expected at most {limit} bytes, got more", limit=size_at_most)
        written.digest.update(piece)
        held += piece
        while len(held) >= PIECE:
            await asyncio.to_thread(put, bytes(held[:PIECE]))
            del held[:PIECE]
    if held:
        await asyncio.to_thread(put, bytes(held))
    await asyncio.to_thread(_flushed, out)
    return written


def _flushed(out: BinaryIO) -> None:
    out.flush()
    os.fsync(out.fileno())


class _Opened(io.RawIOBase):
    """Sealed pieces as one stream of bytes; only the last piece that was read is plain in memory."""

    def __init__(self, keyring: Keyring, export: Export, path: Path) -> None:
        self._keyring = keyring
        self._export = export
        self._file = path.open("rb")
        self._at = 0
        self._piece: tuple[int, bytes] = (-1, b"")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._export.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        number, within = divmod(self._at, PIECE)
        if number >= len(self._export.offsets):
            return 0
        if self._piece[0] != number:
            self._piece = (number, self._plain(number))
        part = self._piece[1][within : within + len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def close(self) -> None:
        self._file.close()
        super().close()

    def _plain(self, number: int) -> bytes:
        self._file.seek(self._export.offsets[number])
        (length,) = _LENGTH.unpack(self._file.read(_LENGTH.size))
        bound_to = f"export:{self._export.export_id}:{number}"
        return self._keyring.open(self._export.wrapped_key, self._file.read(length), bound_to=bound_to)


def _folder(gate: Gate) -> Path:
    if gate.data is None:
        raise StoreUnavailable("expected a gate with a folder of its own, got one without")
    return gate.data / "exports"


def _make(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _created(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _note(folder: Path, export: Export) -> None:
    noted = {name: getattr(export, name) for name in ("export_id", "system", "format", "size", "sha256", "by")}
    noted |= {
        "settings": export.settings.model_dump(),
        "uploaded_at": export.uploaded_at.isoformat(),
        "wrapped_key": b64encode(export.wrapped_key).decode(),
        "offsets": export.offsets,
    }
    if (of_source := export.manifest) is not None:
        noted["manifest"] = {
            "columns": dict(of_source.columns), "batch": of_source.batch, "as_of": of_source.as_of.isoformat()
        }  # fmt: skip
    draft = folder / f"{export.export_id}.tmp"
    try:
        with _created(draft) as out:
            out.write(json.dumps(noted).encode())
            _flushed(out)
        draft.replace(folder / f"{export.export_id}.json")
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def _entry(now: datetime, export: Export) -> AuditEntry:
    return AuditEntry(
        at=now,
        actor=export.by,
        action="export_uploaded",
        object=f"export:{export.export_id}",
        detail={"system": export.system, "format": export.format, "size": export.size, "sha256": export.sha256},
    )
