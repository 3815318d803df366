"""Returns that a system lists: what a row of it may come to, and under which cause returns are counted. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

RETURNED: Final = "returned"
"""Why a delivery is parked that its system took and gave back; its detail is the cause."""
OTHER: Final = "other_"
"""How the name of a cause begins that nobody named."""


class RowResult(StrEnum):
    """What a row of a list of returns came to. Only the first two ever move anything."""

    RETURNED = "returned"
    """Its delivery is parked, with the cause and the row's text."""
    SUPERSEDED = "superseded"
    """Its delivery was given back, and newer content waits in its place already."""
    ALREADY_RETURNED = "already_returned"
    """The row was imported before, or its delivery was given back by another way."""
    REPEATED = "repeated"
    """An earlier row of the same file is about the same delivery."""
    NEVER_SENT = "never_sent"
    """Nothing of that number or key was ever sent to the system."""
    NOT_DELIVERED = "not_delivered"
    """The case is known, and nothing that the row can mean lies at the system."""
    OVERTAKEN = "overtaken"
    """The row names a sending after which something newer was sent in its place."""
    OUTDATED = "outdated"
    """The row was written before what lies there now was sent."""
    SEVERAL_MEANT = "several_meant"
    """The row can mean more than one delivery."""
    CONTRADICTORY = "contradictory"
    """The row's own numbers mean different deliveries."""
    INCOMPLETE = "incomplete"
    """The row has no number or key, or no text that says why."""
    UNREADABLE = "unreadable"
    """A cell of the row has no sure content."""


MOVES: Final = frozenset({RowResult.RETURNED, RowResult.SUPERSEDED})
CHANGES_NOTHING: Final = frozenset({RowResult.ALREADY_RETURNED, RowResult.REPEATED})
"""Results that need nobody: what the row says is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseRule:
    """One cause that a system's texts can have.

    Attributes:
        name: its code. contains: texts one of which must be in the row's; pattern: or what must be found in it.
        actor: who must act.
    """

    name: str
    contains: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None
    actor: str = "operations"

    def fits(self, text: str) -> bool:
        """Whether a text, as `folded`, has this cause."""
        return any(folded(part) in text for part in self.contains) or (
            self.pattern is not None and self.pattern.search(text) is not None
        )


def cause_of(text: str, rules: Iterable[CauseRule]) -> CauseRule | None:
    """The first rule that fits what a system wrote; None where none does."""
    plain = folded(text)
    return next((rule for rule in rules if rule.fits(plain)), None)


def folded(text: str) -> str:
    """A text in one width, with single spaces: how texts are compared."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


HIDDEN: Final = "**"
NUMBER: Final = "#"
_NUMBERED: Final = re.compile(r"[A-Za-z0-9\-_./:]*\d[A-Za-z0-9\-_./:]*")
_NUMBERS: Final = re.compile(r"#(?:[ #]*#)*")
_SPACES: Final = re.compile(r"(?<![A-Za-z]) | (?![A-Za-z])")
_ENDS: Final = " \t.,;:!?。，；：！？、"


def without_particulars(text: str, values: Iterable[str] = ()) -> str:
    """What a text says without saying it of whom: its numbers, dates and identifiers, and these values, are left out.

    Texts that differ in these alone give the same. Doing it again changes nothing.

    Args:
        text: as the system wrote it.
        values: what is personal in its case; one of a single character is left, it names nobody.
    """
    plain = folded(text)
    for value in sorted({folded(one) for one in values}, key=len, reverse=True):
        if len(value) > 1:
            plain = plain.replace(value, HIDDEN)
    return _SPACES.sub("", folded(_NUMBERS.sub(NUMBER, _NUMBERED.sub(NUMBER, plain)))).strip(_ENDS)
