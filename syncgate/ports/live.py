"""The live check: what a transport can see of a system without asking it for anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. at: table, or table and column, divided by a dot; words: what was expected, and what is there."""

    at: str
    words: str

    def __str__(self) -> str:
        return f"{self.at}: {self.words}"


@dataclass(frozen=True, slots=True)
class Probed:
    """What a live check showed.

    Attributes:
        differences: all at once; empty: everything is as declared.
        failure: why nothing could be seen, in neutral words; empty: it could.
    """

    differences: tuple[Difference, ...] = ()
    failure: str = ""

    @property
    def is_as_declared(self) -> bool:
        """Whether everything was seen, and is as declared."""
        return not self.differences and not self.failure


@runtime_checkable
class Probing(Protocol):
    """A transport that can look at its system; the others are not asked."""

    async def probe(self) -> Probed:
        """What can be seen of the system now. Changes nothing there, and asks for no business of it."""
        ...
