"""A bundle's files as one deterministic text of bytes, and their digest."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Mapping
from typing import Final

_MARK: Final = b"syncgate bundle 1\n"
_LENGTH: Final = struct.Struct(">I")


def pack(files: Mapping[str, bytes]) -> bytes:
    """The files in the order of their paths, each framed by its length; equal files give equal bytes."""
    return _MARK + b"".join(_frame(piece) for piece in _pieces(files))


def unpack(packed: bytes) -> dict[str, bytes]:
    """The files by path. Raises ValueError where the bytes are not of `pack`."""
    if not packed.startswith(_MARK):
        raise ValueError("expected a packed bundle, got other bytes")
    pieces = list(_unframe(packed))
    if len(pieces) % 2:
        raise ValueError("expected a packed bundle, got a torn one")
    return {path.decode(): content for path, content in zip(pieces[::2], pieces[1::2], strict=True)}


def digest_of(files: Mapping[str, bytes]) -> str:
    """`sha256:<hex>` over paths and contents, in the order of the paths."""
    return "sha256:" + hashlib.sha256(pack(files)).hexdigest()


def _pieces(files: Mapping[str, bytes]) -> Iterator[bytes]:
    for path, content in sorted(files.items()):
        yield path.encode()
        yield content


def _frame(piece: bytes) -> bytes:
    return _LENGTH.pack(len(piece)) + piece


def _unframe(packed: bytes) -> Iterator[bytes]:
    at = len(_MARK)
    while at < len(packed):
        start = at + _LENGTH.size
        if start > len(packed):
            raise ValueError("expected a packed bundle, got a torn one")
        at = start + _LENGTH.unpack_from(packed, at)[0]
        if at > len(packed):
            raise ValueError("expected a packed bundle, got a torn one")
        yield packed[start:at]
