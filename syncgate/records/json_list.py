"""The records of one JSON document, of which no more than one record is held at a time.

Source: RFC 8259, RFC 6901.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from syncgate.records.json_lines import checked
from syncgate.records.record import MOST_CHARACTERS, MOST_LEVELS, FileRefused, Record, Torn
from syncgate.records.settings import JsonSettings
from syncgate.records.text import texts
from syncgate.records.values import Lossy, Unreadable, end_of, value_at

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_MOST_KEYS: Final = 10_000


def read_json(stream: BinaryIO, settings: JsonSettings, *, name: str) -> Iterator[Record | Torn]:
    """The items of the list at the pointer, in order.

    Raises:
        FileRefused: while reading, with the line: the text is not JSON, the list is not there, an item is
            longer than a record may be.
    """
    steps = [step.replace("~1", "/").replace("~0", "~") for step in settings.records.split("/")[1:]]
    if len(steps) > MOST_LEVELS:
        raise FileRefused(f"expected a pointer of at most {MOST_LEVELS} steps, got a longer one")
    document = _Document(texts(stream, charset=settings.charset, name=name), name)
    yield from document.descend(steps, "")
    document.end()


class _Document:
    """A JSON text that is read piece by piece; what was read is let go."""

    def __init__(self, pieces: Iterator[str], name: str) -> None:
        self._pieces, self._name = pieces, name
        self._text, self._at, self._line = "", 0, 1
        self._is_whole = False

    def descend(self, steps: list[str], path: str) -> Iterator[Record | Torn]:
        """The records below the steps."""
        if not steps:
            yield from self._items(path)
            return
        if self._sign() != "{":
            raise self._refusal(f"an object at {path or 'the root'}")
        found = False
        for key in self._keys():
            if key == steps[0]:
                found = True
                yield from self.descend(steps[1:], f"{path}/{key}")
            else:
                self._value()
        if not found:
            raise FileRefused(f"expected a list of records at {path}/{steps[0]} in {self._name}, got none")

    def end(self) -> None:
        """Nothing where the document ends here."""
        if self._sign():
            raise self._refusal("the end of the document")

    def _items(self, path: str) -> Iterator[Record | Torn]:
        if self._sign() != "[":
            raise self._refusal(f"a list of records at {path or 'the root'}")
        self._step()
        if self._sign() == "]":
            self._step()
            return
        while True:
            self._sign()
            line = self._line
            value = self._value()
            yield Torn(line, f"expected a record, got {value}") if isinstance(value, Lossy) else checked(line, value)
            if not self._goes_on("]"):
                return

    def _keys(self) -> Iterator[str]:
        self._step()
        if self._sign() == "}":
            self._step()
            return
        seen: set[str] = set()
        while True:
            if self._sign() != '"':
                raise self._refusal("a key")
            key = self._value()
            if key in seen or len(seen) > _MOST_KEYS:
                raise self._refusal("each key once, and not too many")
            seen.add(key)
            if self._sign() != ":":
                raise self._refusal("a colon")
            self._step()
            yield key
            if not self._goes_on("}"):
                return

    def _goes_on(self, end: str) -> bool:
        sign = self._sign()
        if sign not in (",", end) or not sign:
            raise self._refusal(f"a comma or {end}")
        self._step()
        return sign == ","

    def _value(self) -> Any:
        """The value that begins here; one that is JSON but no record of ours comes as Unreadable."""
        self._sign()
        wanted = 4096
        while True:
            self._fill(wanted)
            value, end = self._tried()
            length = len(self._text) - self._at
            # A number that ends where the text does so far may have more digits.
            if end is not None and (end < len(self._text) or self._is_whole):
                self._go(end)
                return value
            if self._is_whole or length > MOST_CHARACTERS:
                raise self._refusal(f"JSON in records of at most {MOST_CHARACTERS:,} characters", value)
            wanted = length * 4

    def _tried(self) -> tuple[Any, int | None]:
        try:
            return value_at(self._text, self._at)
        except Lossy as error:
            return error, end_of(self._text, self._at)
        except Unreadable as error:
            return error, None

    def _sign(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            found = _SPACE.match(self._text, self._at)
            assert found is not None
            self._go(found.end())
            if self._at < len(self._text) or self._is_whole:
                return self._text[self._at : self._at + 1]
            self._fill(1)

    def _step(self) -> None:
        self._go(self._at + 1)

    def _go(self, at: int) -> None:
        self._line += self._text.count("\n", self._at, at)
        self._at = at

    def _fill(self, wanted: int) -> None:
        """Reads on until so many characters lie ahead, or all that are left."""
        if self._is_whole or len(self._text) - self._at >= wanted:
            return
        pieces = [self._text[self._at :]]
        length = len(pieces[0])
        while length < wanted:
            piece = next(self._pieces, None)
            if piece is None:
                self._is_whole = True
                break
            pieces.append(piece)
            length += len(piece)
        self._text, self._at = "".join(pieces), 0

    def _refusal(self, expected: str, error: Any = None) -> FileRefused:
        got = "something else" if self._at < len(self._text) else "the end of the file"
        why = str(error).partition(" at column")[0] if isinstance(error, Unreadable) else got
        return FileRefused(f"expected {expected} in line {self._line} of {self._name}, got {why}")
