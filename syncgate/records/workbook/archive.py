"""The ZIP archive of a workbook, within bounds: nothing unpacks to more than it may."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

from syncgate.records.record import FileRefused

_CHUNK: Final = 64 * 1024
_MOST_PARTS: Final = 5000
_MOST_BYTES: Final = 1024**3
_MOST_RATIO: Final = 100
"""How many bytes one packed byte may become; honest sheets reach about 30."""
_FREE: Final = 10 * 1024**2
"""What may be unpacked whatever the ratio."""


class Archive:
    """The parts of a workbook by path. Raises FileRefused where the file is no archive, or one that is a trap."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self.name = name
        if stream.read(4) == b"\xd0\xcf\x11\xe0":
            raise FileRefused(f"expected a workbook in {name}, got an old one (.xls), or one with a password")
        stream.seek(0)
        try:
            self._zip = zipfile.ZipFile(stream)
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
            raise FileRefused(f"expected a workbook in {name}, got another file") from None
        infos = self._zip.infolist()
        if len(infos) > _MOST_PARTS:
            raise FileRefused(f"expected a workbook of at most {_MOST_PARTS} parts in {name}, got more")
        self._infos = {info.filename: info for info in infos}
        if len(self._infos) < len(infos):
            raise FileRefused(f"expected each part of the workbook {name} once, got one twice")

    def __contains__(self, path: object) -> bool:
        return path in self._infos

    def pieces(self, path: str, *, most: int = _MOST_BYTES) -> Iterator[bytes]:
        """A part's bytes in pieces. Raises FileRefused where it is not there, broken, or unpacks to too much."""
        info = self._infos.get(path)
        if info is None:
            raise FileRefused(f"expected the part {path[:100]} in the workbook {self.name}, got none")
        if info.flag_bits & 1:
            raise FileRefused(f"expected a workbook without a password in {self.name}, got one with")
        allowed = min(most, max(_FREE, info.compress_size * _MOST_RATIO))
        length = 0
        try:
            with self._zip.open(info) as part:
                while piece := part.read(_CHUNK):
                    length += len(piece)
                    if length > allowed:
                        raise FileRefused(f"expected a workbook that unpacks within bounds in {self.name}, got more")
                    yield piece
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, OSError):
            raise FileRefused(f"expected a whole workbook in {self.name}, got a broken one") from None
