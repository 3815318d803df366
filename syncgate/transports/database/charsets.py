"""What the charsets of target databases can hold, and how many bytes a text takes there."""

from __future__ import annotations

from typing import Final, Literal

Charset = Literal["utf8mb4", "utf-8", "utf8mb3", "gbk", "gb18030", "big5", "latin1"]
"""A charset as databases name it. `utf8mb3` is what MySQL calls `utf8` for short: at most three bytes a character."""

_CODECS: Final = {
    "utf8mb4": "utf-8",
    "utf-8": "utf-8",
    "utf8mb3": "utf-8",
    "gbk": "gbk",
    "gb18030": "gb18030",
    "big5": "big5",
    "latin1": "latin-1",
}
_LAST_OF_THREE_BYTES: Final = 0xFFFF
_DISPUTED: Final[dict[str, frozenset[str]]] = {
    # Python holds them, MariaDB does not: its latin1 is Windows-1252, and its Big5 another edition.
    "big5": frozenset("\u02cd\u2574\uffe3"),
    "latin1": frozenset(map(chr, range(0x80, 0xA0))),
}


def first_beyond(text: str, charset: Charset) -> str | None:
    """The first character that the charset lacks; None where it holds the whole text.

    U+0000 counts as lacking everywhere: PostgreSQL takes none, and others end a text at it.
    """
    if "\0" in text:
        return "\0"
    if charset == "utf8mb3":
        beyond = next((char for char in text if ord(char) > _LAST_OF_THREE_BYTES), None)
        if beyond is not None:
            return beyond
    disputed = _DISPUTED.get(charset, frozenset())
    if not disputed.isdisjoint(text):
        return next(char for char in text if char in disputed)
    try:
        text.encode(_CODECS[charset])
    except UnicodeEncodeError as error:
        return text[error.start]
    return None


def byte_count(text: str, charset: Charset) -> int:
    """How many bytes the text takes in the charset, which holds all of it."""
    return len(text.encode(_CODECS[charset]))
