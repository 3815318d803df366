"""Records in the order of their numbers, ready to be listed a page at a time and to be counted by range of keys."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Shelved:
    """A record as a listing shows it: its number, and the JSON text of the record itself."""

    number: int
    version: int = field(compare=False)
    record: str = field(compare=False)


class Shelf:
    """One system's records of one kind, kept in order while they change one by one."""

    def __init__(self, all_of_them: Callable[[], Iterable[Shelved]]) -> None:
        """Args: all_of_them: gives every record, in any order; asked again after `forget`."""
        self._all = all_of_them
        self._rows: list[Shelved] | None = None
        self._keys: list[str] | None = None

    def rows(self) -> list[Shelved]:
        """Every record, by number."""
        if self._rows is None:
            self._rows = sorted(self._all())
        return self._rows

    def after(self, number: int) -> int:
        """How many records have at most this number."""
        return bisect_right(self.rows(), number, key=lambda row: row.number)

    def count(self, low: str, high: str | None, key_of: Callable[[Shelved], str]) -> int:
        """How many records have a key from `low` on and below `high`, by code point; those without a key are none."""
        if self._keys is None:
            self._keys = sorted(filter(None, map(key_of, self.rows())))
        end = len(self._keys) if high is None else bisect_left(self._keys, high)
        return max(0, end - bisect_left(self._keys, low))

    def put(self, row: Shelved, *, is_new: bool) -> None:
        """Take a new record, or a new version of the record with this number."""
        self._keys = None
        if self._rows is None:
            return
        if is_new:
            insort(self._rows, row)
        else:
            self._rows[bisect_left(self._rows, row.number, key=lambda one: one.number)] = row

    def forget(self) -> None:
        """Ask for all of them again."""
        self._rows = self._keys = None
