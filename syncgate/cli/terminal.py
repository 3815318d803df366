"""Text as a terminal may show it: what files, columns and systems are called cannot move a cursor or forge a line."""

from __future__ import annotations

import re
from typing import Final

_KEPT: Final = "\t\n"
_ACTING: Final = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Controls, line and paragraph ends, changes of direction, and halves of characters."""


def visible(text: str) -> str:
    """The text with each character that acts on a terminal written as an escape; tabs and line ends stay."""
    return _ACTING.sub(lambda found: found[0] if found[0] in _KEPT else _escape(found[0]), text)


def one_line(text: str) -> str:
    """The same, tabs and line ends escaped too."""
    return _ACTING.sub(lambda found: _escape(found[0]), text)


def json_safe(text: str) -> str:
    """A JSON text with such characters, which stand only within strings, as JSON's own escapes."""
    return _ACTING.sub(lambda found: found[0] if found[0] in _KEPT else f"\\u{ord(found[0]):04x}", text)


def _escape(sign: str) -> str:
    return sign.encode("unicode_escape").decode("ascii")
