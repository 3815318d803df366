"""What one process tells the others with its commit: names of systems, and who tells; nothing of a case."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import orjson

_LONGEST: Final = 7_000
"""Bytes of a notice; PostgreSQL takes less than 8,000."""
EVERY: Final = "*"
"""Stands for all systems, where naming them would be too long."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What others must look at.

    Attributes:
        due: systems with lanes that are, or will be, due.
        changed: systems whose row changed: deployed, paused, resumed.
        by: who tells; empty before it is sent.
    """

    due: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    by: str = ""

    def __bool__(self) -> bool:
        return bool(self.due or self.changed)

    def and_due(self, system: str) -> Notice:
        """The same with one more system that is due."""
        return self if system in self.due else replace(self, due=self.due | {system})

    def and_changed(self, system: str) -> Notice:
        """The same with one more system that changed."""
        return replace(self, changed=self.changed | {system})

    def with_all_of(self, other: Notice) -> Notice:
        """Both in one."""
        return replace(self, due=self.due | other.due, changed=self.changed | other.changed) if other else self

    def packed(self, by: str) -> str:
        """As it travels; names too long together become `*`."""
        said = orjson.dumps({"by": by, "due": sorted(self.due), "changed": sorted(self.changed)}).decode()
        if len(said.encode()) <= _LONGEST:
            return said
        short = {"by": by, "due": [EVERY] if self.due else [], "changed": [EVERY] if self.changed else []}
        return orjson.dumps(short).decode()


def unpacked(text: str) -> Notice:
    """The notice; one of another version, or of a stranger on the channel, asks to look at everything."""
    try:
        said = orjson.loads(text)
        due, changed, by = frozenset(map(str, said["due"])), frozenset(map(str, said["changed"])), str(said["by"])
    except (ValueError, KeyError, TypeError):
        return Notice(frozenset({EVERY}), frozenset({EVERY}))
    return Notice(due, changed, by)
