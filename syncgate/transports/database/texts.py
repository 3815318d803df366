"""Values of columns that the adapter fills: constants, and texts with placeholders."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, StrictInt, StrictStr

KEYS: Final = ("slot_key", "send_key", "remote_ref", "case_ref", "case_id", "case_no", "version_no")
"""Numbers of a request. `slot_key` stays with the slot, `send_key` with one content of it."""

HEX: Final = ("slot_key:hex", "send_key:hex", "case_id:hex")
"""The same without hyphens, 32 characters, for columns that are narrower than 36."""

MOMENTS: Final = {"sent_at": "%Y-%m-%d %H:%M:%S", "sent_date": "%Y%m%d"}
"""The sending time in the system's zone. It differs from send to send: nothing to look a row up by."""

PLACEHOLDERS: Final = (*KEYS, *HEX, *MOMENTS)
_PIECES: Final = re.compile(r"\{([^{}]*)\}|([{}])")


class ValueMissing(Exception):
    """A placeholder has no value for this request; `name` is what its braces hold."""

    def __init__(self, name: str) -> None:
        super().__init__(f"expected a value for {{{name}}}, got none")
        self.name = name


@dataclass(frozen=True, slots=True)
class Text:
    """A text with placeholders, parsed once: literals, and between them the names, of which the first known counts."""

    literals: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]

    def fill(self, keys: Mapping[str, str], *, now: datetime, zone: ZoneInfo) -> str:
        """The text with its values.

        Raises:
            ValueMissing: a placeholder has none.
        """
        filled = [self.literals[0]]
        for names, literal in zip(self.names, self.literals[1:], strict=True):
            filled += (_value(names, keys, now.astimezone(zone)), literal)
        return "".join(filled)

    @property
    def is_stable(self) -> bool:
        """Whether it is the same at every send of one content."""
        return not any(name in MOMENTS for names in self.names for name in names)


def _value(names: tuple[str, ...], keys: Mapping[str, str], now: datetime) -> str:
    for name in names:
        if name in MOMENTS:
            return now.strftime(MOMENTS[name])
        key, _, form = name.partition(":")
        value = keys.get(key)
        if value:
            return value.replace("-", "") if form else value
    raise ValueMissing("|".join(names))


def parse_text(text: str) -> Text:
    """The parsed text.

    Raises:
        ValueError: a brace stands alone, or a name is none that a request has.
    """
    literals, names, end = [], [], 0
    for piece in _PIECES.finditer(text):
        if piece.group(2):
            raise ValueError(f"expected braces in pairs, got {text!r}")
        literals.append(text[end : piece.start()])
        names.append(tuple(_known(name) for name in piece.group(1).split("|")))
        end = piece.end()
    return Text(literals=(*literals, text[end:]), names=tuple(names))


def _known(name: str) -> str:
    if name not in PLACEHOLDERS:
        near = get_close_matches(name, PLACEHOLDERS, n=1)
        hint = f"; nearest is {{{near[0]}}}" if near else ""
        raise ValueError(f"expected one of the placeholders {', '.join(PLACEHOLDERS)}, got {{{name}}}{hint}")
    return name


def _checked(value: Any) -> Any:
    if isinstance(value, str):
        parse_text(value)
    return value


Filled = Annotated[StrictStr | StrictInt | None, AfterValidator(_checked)]
"""What an adapter writes for a column: a number, null, or a text, which may have placeholders."""

Found = Annotated[StrictStr | StrictInt, AfterValidator(_checked)]
"""What a row is found by: the same without null."""


def parsed(value: Any) -> Any:
    """A constant as it is, a text parsed."""
    return parse_text(value) if isinstance(value, str) else value
