"""A body cut into lines as it arrives; of a line that is too long nothing is held."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

_BLANK = b" \t\r"
"""What JSON knows as space, but for the line end."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line that is not blank. line_no: from 1, blank ones counted; content: None where it is too long."""

    line_no: int
    content: bytes | None = field(repr=False)


class Cutter:
    """Cuts a stream into lines that end in LF or CRLF; the last one may end with the stream."""

    def __init__(self, *, limit: int) -> None:
        """Args: limit: bytes of one line, its end not counted."""
        self._limit = limit
        self._line_no = 0
        self._begun = bytearray()
        self._is_too_long = False

    def feed(self, chunk: bytes) -> Iterator[Line]:
        """The lines that this piece of the stream ends; all must be taken before the next piece comes."""
        *ended, begun = chunk.split(b"\n")
        for piece in ended:
            if (line := self._ended(piece)) is not None:
                yield line
        self._hold(begun)

    def rest(self) -> Line | None:
        """The line that the stream's end ends, if there is one."""
        return self._ended(b"") if self._begun or self._is_too_long else None

    def _ended(self, piece: bytes) -> Line | None:
        self._line_no += 1
        if self._begun or self._is_too_long:
            self._hold(piece)
            piece = bytes(self._begun)
        content = piece.removesuffix(b"\r")
        is_too_long = self._is_too_long or len(content) > self._limit
        self._begun, self._is_too_long = bytearray(), False
        if is_too_long:
            return Line(self._line_no, None)
        return Line(self._line_no, content) if content.strip(_BLANK) else None

    def _hold(self, piece: bytes) -> None:
        if not self._is_too_long and len(self._begun) + len(piece) <= self._limit + 1:
            self._begun += piece
        elif piece:
            self._is_too_long = True
            self._begun = bytearray()
