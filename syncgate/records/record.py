"""What reading gives: records and torn ones, each with its place; and the refusal of a whole file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

from syncgate.domain.errors import SyncgateError

MOST_CHARACTERS: Final = 1024**2
"""The longest record, in characters."""
MOST_COLUMNS: Final = 2000
MOST_LEVELS: Final = 32
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""U+0080 to U+009F are no sign of a broken file: XML allows them, and text that was once read in another charset, as
old registers hold it, is full of them. They are kept as written."""


class FileRefused(SyncgateError):
    """The file is not what it should be; nothing of it is to be posted."""

    code = "file_refused"
    status = 422
    actor = "source"


@dataclass(frozen=True, slots=True)
class Record:
    """One record: the line (of a workbook: the row) where it begins, and its JSON-like value."""

    line: int
    value: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class Torn:
    """A record that cannot be read, with what is wrong.

    Attributes:
        line: where the record begins.
        reason: what was expected and what came, never the value.
        at: the column, element or field, where one is known.
    """

    line: int
    reason: str
    at: str = ""


def control_in(text: str) -> str | None:
    """The first control character of a text as `U+0007`, None where it has none; tab, LF and CR are none."""
    found = _CONTROL.search(text)
    return None if found is None else f"U+{ord(found[0]):04X}"
