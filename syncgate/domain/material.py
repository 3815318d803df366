"""Whether the bytes that came for a material are what its record and its sender say. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from syncgate.domain.errors import FieldError

Json = Any

UNSPOKEN: Final = "application/octet-stream"
"""What a sender declares that says nothing of the file."""

HEAD_SIZE: Final = 1024
"""As many of the first bytes tell what kind of file it is."""

_PDF, _JPEG, _PNG, _ZIP = b"%PDF-", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"PK"
_ZIP_STARTS: Final = (b"PK\x03\x04", b"PK\x05\x06")
_MAGIC: Final[Mapping[str, bytes]] = {
    "application/pdf": _PDF,
    "application/x-pdf": _PDF,
    "image/jpeg": _JPEG,
    "image/jpg": _JPEG,
    "image/pjpeg": _JPEG,
    "image/png": _PNG,
    "application/zip": _ZIP,
    "application/x-zip": _ZIP,
    "application/x-zip-compressed": _ZIP,
    # GB/T 33190: an OFD is a ZIP.
    "application/ofd": _ZIP,
    "application/x-ofd": _ZIP,
    "application/vnd.ofd": _ZIP,
}
_ENDINGS: Final[Mapping[bytes, str]] = {_PDF: ".pdf", _JPEG: ".jpg", _PNG: ".png", _ZIP: ".zip"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """A file as it came.

    Attributes:
        size: its bytes.
        sha256: their digest, in hexadecimal.
        head: the first of them.
        media_type: what the sender declares; None where it does not.
        declared_sha256: the digest that the sender declares; None where it does not.
    """

    size: int
    sha256: str
    head: bytes
    media_type: str | None = None
    declared_sha256: str | None = None


def mismatches(record: Mapping[str, Json], no: int, came: Came) -> list[FieldError]:
    """Everything in which a file is not what its record or its sender says.

    Args:
        record: the material as the case has it.
        no: its place among the case's materials.
        came: the file.
    """
    return list(_mismatches(record, f"/materials/{no}", came))


def _mismatches(record: Mapping[str, Json], at: str, came: Came) -> Iterator[FieldError]:
    size, sha256, media_type = record.get("size"), record.get("sha256"), record.get("media_type")
    if size is not None and size != came.size:
        yield FieldError(f"{at}/size", "size_differs", str(size))
    if size is None and came.size == 0:
        yield FieldError(f"{at}/size", "file_empty")
    if sha256 is not None and sha256 != came.sha256:
        yield FieldError(f"{at}/sha256", "digest_differs")
    if came.declared_sha256 is not None and came.declared_sha256 != came.sha256:
        yield FieldError("/header/content-digest", "digest_differs")
    declared = essence(came.media_type)
    if media_type is not None and declared not in (UNSPOKEN, essence(media_type)):
        yield FieldError(f"{at}/media_type", "media_type_differs", media_type)
    if not is_of(media_type_of(record, came), came.head):
        yield FieldError(f"{at}/media_type", "file_type_differs", media_type_of(record, came))


def media_type_of(record: Mapping[str, Json], came: Came) -> str:
    """What the file is kept as: what the record says, else what the sender declares."""
    return essence(record.get("media_type") or came.media_type)


def essence(media_type: str | None) -> str:
    """A media type without its parameters, in lower case."""
    return (media_type or UNSPOKEN).partition(";")[0].strip().lower() or UNSPOKEN


def is_of(media_type: str, head: bytes) -> bool:
    """Whether a file that begins so may be of that media type; always, for one that we cannot tell."""
    magic = _MAGIC.get(media_type)
    if magic is None:
        return True
    if magic == _PDF:
        # ISO 32000-1, annex H.3.4.1: readers take a header anywhere within the first 1024 bytes.
        return head[:HEAD_SIZE].find(magic) >= 0
    return head.startswith(_ZIP_STARTS if magic == _ZIP else magic)


def ending_of(media_type: str) -> str:
    """How the name of such a file ends; empty where we cannot tell."""
    if media_type.endswith("ofd"):
        return ".ofd"
    magic = _MAGIC.get(media_type)
    return "" if magic is None else _ENDINGS[magic]


def material_in(document: Json, material: str) -> tuple[int, Mapping[str, Json]] | None:
    """A material of a case with its place; None where the case has none of that id."""
    for no, record in enumerate(document.get("materials") or ()):
        if record["id"] == material:
            return no, record
    return None


def material_ids(document: Json) -> list[str]:
    """The ids of a case's materials, in their order."""
    return [record["id"] for record in document.get("materials") or ()]
