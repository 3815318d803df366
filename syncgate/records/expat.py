"""XML events without DOCTYPE, entities and endless tokens; positions as line and column."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NoReturn, Protocol
from xml.parsers import expat

from syncgate.records.record import MOST_CHARACTERS, MOST_LEVELS, FileRefused

_MOST_ATTRIBUTES: Final = 200
_BETWEEN: Final = "\x1f"
"""Between namespace and name; a control character that XML itself cannot hold."""


class Events(Protocol):
    """Who hears of elements and text; names come without namespaces."""

    def begin(self, name: str, attributes: dict[str, str], line: int) -> None:
        """An element begins."""

    def text(self, text: str) -> None:
        """Text within the innermost element; one text may come in several pieces."""

    def end(self, name: str) -> None:
        """The innermost element ends."""


class Walk:
    """One XML document, told piece by piece to `events`."""

    def __init__(self, events: Events, *, name: str, declared: frozenset[str] | None = None) -> None:
        """Args: name: what messages call it; declared: charsets that its declaration may name, None for any."""
        self._name, self._events, self._declared = name, events, declared
        self._levels = 0
        self._fed = 0
        parser = expat.ParserCreate("utf-8", _BETWEEN)
        parser.buffer_text = True
        parser.XmlDeclHandler = self._declaration
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._doctype
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = events.text
        if hasattr(parser, "SetReparseDeferralEnabled"):
            parser.SetReparseDeferralEnabled(False)
        self._parser = parser

    def feed(self, piece: bytes, *, is_last: bool = False) -> None:
        """Takes a piece in UTF-8. Raises FileRefused with the line."""
        try:
            self._parser.Parse(piece, is_last)
        except expat.ExpatError as error:
            words = expat.errors.messages.get(error.code, "an error")
            raise self._refusal("well-formed XML", f"{words} at column {error.offset + 1}", error.lineno) from None
        self._fed += len(piece)
        if not is_last and self._fed - self._parser.CurrentByteIndex > 4 * MOST_CHARACTERS:
            raise self._refusal("tags and texts of reasonable length", "a longer one")

    def feed_all(self, pieces: Iterator[bytes]) -> None:
        """Takes all pieces to the end."""
        for piece in pieces:
            self.feed(piece)
        self.feed(b"", is_last=True)

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._levels += 1
        if self._levels > MOST_LEVELS or len(attributes) > _MOST_ATTRIBUTES:
            got = "more levels" if self._levels > MOST_LEVELS else "more attributes"
            raise self._refusal(f"at most {MOST_LEVELS} levels and {_MOST_ATTRIBUTES} attributes", got)
        own = {_local(key): value for key, value in attributes.items()}
        if len(own) < len(attributes):
            raise self._refusal("each attribute once", "one twice")
        self._events.begin(_local(name), own, self._parser.CurrentLineNumber)

    def _end(self, name: str) -> None:
        self._levels -= 1
        self._events.end(_local(name))

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and self._declared is not None and encoding.lower() not in self._declared:
            expected = f"a declaration of {' or '.join(sorted(self._declared))}"
            raise self._refusal(expected, f"one of {encoding[:40]!r}: the source's setting must agree")

    def _doctype(self, *_: Any) -> NoReturn:
        raise self._refusal("XML without DOCTYPE and entities", "one with")

    def _refusal(self, expected: str, got: str, line: int | None = None) -> FileRefused:
        at = self._parser.CurrentLineNumber if line is None else line
        return FileRefused(f"expected {expected} in line {at} of {self._name}, got {got}")


def _local(name: str) -> str:
    return name.rpartition(_BETWEEN)[2]
