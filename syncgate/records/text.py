"""The text of a byte stream in a declared charset, piece by piece, and its lines."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO, Final

from syncgate.records.record import MOST_CHARACTERS, FileRefused

_CHUNK: Final = 64 * 1024
_MARKS: Final = {
    b"PK\x03\x04": "a ZIP archive, such as an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook, or one with a password",
    b"%PDF": "a PDF document",
    b"\x1f\x8b": "a gzip archive",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


def texts(stream: BinaryIO, *, charset: str, name: str) -> Iterator[str]:
    """The text of a stream in pieces of at most 64 KiB, never empty.

    Args:
        stream: the bytes.
        charset: what they are written in; `utf-8-sig` drops the mark at the beginning.
        name: what messages call the file.

    Raises:
        FileRefused: with the line, for other bytes than the charset's, NUL characters, a byte order mark that
            the charset does not have, and what is no text at all.
    """
    decoder = codecs.getincrementaldecoder(charset)("strict")
    line, is_first = 1, True
    while True:
        chunk = stream.read(_CHUNK)
        if is_first:
            _refuse_other_kinds(chunk, name)
            if not chunk:
                raise FileRefused(f"expected text in {name}, got an empty file")
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            line += error.object.count(b"\n", 0, error.start)
            raise FileRefused(f"expected {charset} in {name}, got other bytes in line {line}") from None
        if is_first and text.startswith("\ufeff"):
            raise FileRefused(f"expected no byte order mark in {name}, got one: {_advice(charset)}")
        if "\0" in text:
            line += text.count("\n", 0, text.index("\0"))
            raise FileRefused(f"expected text in {name}, got a NUL character in line {line}")
        if text:
            yield text
        if not chunk:
            return
        line += text.count("\n")
        is_first = False


def lines(stream: BinaryIO, *, charset: str, name: str, most: int = MOST_CHARACTERS) -> Iterator[str]:
    """The lines of a stream, each with its own end (LF or CRLF); the last may have none.

    Raises:
        FileRefused: as `texts`, and for a line of more than `most` characters, before it is read whole.
    """
    rest: list[str] = []
    length, no = 0, 1
    for text in texts(stream, charset=charset, name=name):
        first, *others = text.split("\n")
        rest.append(first)
        length += len(first)
        for piece in others:
            _refuse_long(length, no, most=most, name=name)
            yield "".join(rest) + "\n"
            rest, length, no = [piece], len(piece), no + 1
        _refuse_long(length, no, most=most, name=name)
    if length:
        yield "".join(rest)


def _refuse_long(length: int, no: int, *, most: int, name: str) -> None:
    if length > most:
        raise FileRefused(f"expected lines of at most {most:,} characters in {name}, got a longer one in line {no}")


def _refuse_other_kinds(head: bytes, name: str) -> None:
    for mark, kind in _MARKS.items():
        if head.startswith(mark):
            raise FileRefused(f"expected text in {name}, got {kind}")


def _advice(charset: str) -> str:
    return "its charset is utf-8-sig" if charset == "utf-8" else f"a file in {charset} has none"
