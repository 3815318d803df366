"""By what a record at a system, and what we sent, are known for the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from syncgate.documents import unknown
from syncgate.transports.database.texts import HEX, KEYS
from syncgate.transports.pointer import follow, parse_pointer

Json = Any
PLACEHOLDERS: Final = (*KEYS, *HEX)
"""The keys of a request that may stand for what was sent."""
JOINT: Final = "|"
"""Between the values of a key that has several."""

_PIECES: Final = re.compile(r"\{([^{}]*)\}|([{}])")


@dataclass(frozen=True, slots=True)
class OurKey:
    """The key of what was sent: a text with placeholders, parsed once.

    Attributes:
        literals: the texts before, between and after the placeholders.
        pieces: what each placeholder stands for: names of request keys, of which the first known counts, or a place in
            the payload.
    """

    literals: tuple[str, ...]
    pieces: tuple[tuple[str, ...] | FieldPlace, ...]

    @property
    def fields(self) -> frozenset[str]:
        """The payload's top-level fields that it reads."""
        return frozenset(piece.tokens[0] for piece in self.pieces if isinstance(piece, FieldPlace))

    @property
    def values(self) -> int:
        """How many values of a record it is compared with."""
        return sum(literal.count(JOINT) for literal in self.literals) + 1

    def of(self, keys: Mapping[str, str], payload: Json) -> str | None:
        """The key as text; None where a piece of it has no value."""
        found = [self.literals[0]]
        for piece, literal in zip(self.pieces, self.literals[1:], strict=True):
            value = piece.of(payload) if isinstance(piece, FieldPlace) else _first_known(piece, keys)
            if value is None:
                return None
            found += (value, literal)
        return "".join(found)


@dataclass(frozen=True, slots=True)
class FieldPlace:
    """A place in a payload."""

    tokens: tuple[str, ...]

    def of(self, payload: Json) -> str | None:
        """What stands there, as text."""
        return key_text(follow(payload, self.tokens))


def parse_our_key(text: str) -> OurKey:
    """The parsed key.

    Raises:
        ValueError: a brace stands alone, a name is none that a request has, or there is no placeholder at all.
    """
    literals: list[str] = []
    pieces: list[tuple[str, ...] | FieldPlace] = []
    end = 0
    for piece in _PIECES.finditer(text):
        if piece.group(2):
            raise ValueError(f"expected braces in pairs, got {text!r}")
        literals.append(text[end : piece.start()])
        pieces.append(_piece(piece.group(1)))
        end = piece.end()
    if not pieces:
        raise ValueError(f"expected a placeholder such as {{case_id}}, got {text!r}")
    return OurKey((*literals, text[end:]), tuple(pieces))


def _piece(text: str) -> tuple[str, ...] | FieldPlace:
    if text.startswith("/"):
        return FieldPlace(parse_pointer(text))
    names = tuple(text.split("|"))
    for name in names:
        if name not in PLACEHOLDERS:
            raise ValueError(unknown("placeholder", name, PLACEHOLDERS))
    return names


def _first_known(names: Sequence[str], keys: Mapping[str, str]) -> str | None:
    for name in names:
        key, _, form = name.partition(":")
        value = keys.get(key)
        if value:
            return value.replace("-", "") if form else value
    return None


def record_key(pointers: Sequence[str]) -> Callable[[Json], str | None]:
    """Gives the key of a record: the values at these JSON Pointers, joined; None where one of them has none."""
    places = [parse_pointer(pointer) for pointer in pointers]
    if len(places) == 1:
        (place,) = places
        return _value_at(place)

    def joined(record: Json) -> str | None:
        values = [key_text(follow(record, place)) for place in places]
        return None if None in values else JOINT.join(map(str, values))

    return joined


def _value_at(place: tuple[str, ...]) -> Callable[[Json], str | None]:
    if len(place) > 1:
        return lambda record: key_text(follow(record, place))
    (name,) = place or ("",)

    def value(record: Json) -> str | None:
        found = record.get(name) if type(record) is dict else None
        return (found or None) if type(found) is str else key_text(found)

    return value


def key_text(value: Json) -> str | None:
    """A value as a key's text: a text that is not empty, or a whole number; None of anything else."""
    if isinstance(value, str):
        return value or None
    return str(value) if type(value) is int else None
