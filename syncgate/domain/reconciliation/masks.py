"""Values that a system shows masked, `138****0002`: only what it shows can be compared, and how long the value is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

Json = Any
MASKED_BY: Final = frozenset("*＊●•×")
"""Characters that may stand for one that is not shown."""
_HIDDEN: Final = "*"


@dataclass(frozen=True, slots=True)
class Mask:
    """Which characters a system shows of a value: so many at its beginning and at its end.

    The digest compares what a mask of this very shape shows. A value that shows more or less than that has another
    digest than ours, so that it is looked at again, and then `shows` is asked.
    """

    first: int = 3
    last: int = 4

    def of_ours(self, value: Json) -> Json:
        """What is digested of a value of ours: as the system would show it."""
        if not isinstance(value, str | int) or isinstance(value, bool):
            return value
        text = str(value)
        hidden = len(text) - self.first - self.last
        if hidden <= 0:
            return text
        return text[: self.first] + _HIDDEN * hidden + text[len(text) - self.last :]

    def of_theirs(self, value: Json) -> Json:
        """What is digested of a value as the system shows it: the same, where it has the mask's shape."""
        if not isinstance(value, str | int) or isinstance(value, bool):
            return value
        text = str(value)
        end = len(text) - self.last
        if end <= self.first or not all(one in MASKED_BY for one in text[self.first : end]):
            return text
        return text[: self.first] + _HIDDEN * (end - self.first) + text[end:]


def shows(masked: Json, value: Json) -> bool:
    """Whether a masked value can be this one: as long, and equal in all that is shown."""
    if not isinstance(masked, str | int) or not isinstance(value, str | int):
        return masked is None and value is None
    there, ours = str(masked), str(value)
    return len(there) == len(ours) and all(
        one == other or one in MASKED_BY for one, other in zip(there, ours, strict=True)
    )


def parse_mask(document: Any) -> Mask | None:
    """What `masked:` declares: `{first: 3, last: 4}`; true is just this, as telephone numbers are masked.

    Raises:
        ValueError: what was expected.
    """
    if document is False or document is None:
        return None
    if document is True:
        return Mask()
    counts = document if isinstance(document, dict) else {}
    are_counts = all(isinstance(one, int) and not isinstance(one, bool) and one >= 0 for one in counts.values())
    if not counts or not set(counts) <= {"first", "last"} or not are_counts:
        raise ValueError("expected 'masked' as true or with 'first' and 'last', counts of what is shown")
    return Mask(counts.get("first", 0), counts.get("last", 0))
