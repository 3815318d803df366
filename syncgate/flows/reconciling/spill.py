"""Spilling: entries of a fixed size, sorted in bounded memory through files that only this process can read.

An entry holds keyed digests and our own ids, nothing that the site's key does not hide. The files of a run lie in a
folder of its own, which goes with it; what a process that died has left behind goes when the next run begins.
"""

from __future__ import annotations

import heapq
import os
import shutil
import tempfile
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = "reconciliation"
"""Where runs spill to, within the site's own folder."""
SORTED_AT_ONCE: Final = 100_000
"""Entries that are held and sorted at once; of seventy bytes each, some ten megabytes."""
FENCE: Final = 100
"""Of so many sorted entries in a file the first is remembered, so that a piece of it is found."""
PIECE: Final = 20_000
"""Entries of a usual piece, of all sides together."""
LARGEST_PIECE: Final = 5 * PIECE
"""Estimated entries of a piece that is still held at once; one key may have any number of them."""

Piece = list[bytes] | Iterator[bytes]
"""Sorted entries; an iterator where they are too many to be held."""


@dataclass(frozen=True, slots=True)
class _Run:
    """Sorted entries in a file, of which every one that begins a block of `fence` entries is remembered in `fences`."""

    file: Path
    size: int
    fence: int
    fences: list[bytes]

    def blocks(self, low: bytes, high: bytes | None) -> range:
        """The numbers of the blocks that may hold entries from `low` on and below `high`."""
        end = len(self.fences) if high is None else bisect_left(self.fences, high)
        return range(max(0, bisect_left(self.fences, low) - 1), end)

    def read(self, blocks: range, low: bytes, high: bytes | None) -> list[bytes]:
        """The entries from `low` on and below `high` in these blocks."""
        size = self.size
        with self.file.open("rb") as stored:
            stored.seek(blocks.start * self.fence * size)
            block = stored.read(len(blocks) * self.fence * size)
        found = [block[start : start + size] for start in range(0, len(block), size)]
        return found[bisect_left(found, low) : len(found) if high is None else bisect_left(found, high)]

    def stream(self, low: bytes, high: bytes | None) -> Iterator[bytes]:
        """The same of all blocks, a few at a time."""
        blocks = self.blocks(low, high)
        for start in range(blocks.start, blocks.stop, 10):
            yield from self.read(range(start, min(start + 10, blocks.stop)), low, high)


class Spill:
    """Entries in, entries out in order; kept in memory while they are few."""

    def __init__(
        self, folder: Path, name: str, *, size: int, at_once: int = SORTED_AT_ONCE, fence: int = FENCE
    ) -> None:
        """Args:
        folder: private.
        name: of its files.
        size: of every entry, in bytes.
        at_once: entries held in memory.
        fence: of so many sorted entries one is remembered.
        """
        self._folder = folder
        self._name = name
        self._size = size
        self._at_once = at_once
        self.fence = fence
        self._held: list[bytes] = []
        self._runs: list[_Run] = []
        self.count = 0

    def add(self, entries: Iterable[bytes]) -> None:
        """Takes more entries. Raises ValueError for one of another size: every later one would be read askew."""
        more = list(entries)
        if not {self._size}.issuperset(map(len, more)):
            raise ValueError(f"expected entries of {self._size} bytes, got another")
        self._held += more
        self.count += len(more)
        if len(self._held) >= self._at_once:
            self._write()

    def sorted(self) -> Iterator[bytes]:
        """All entries in the order of their bytes; may be asked again."""
        for (piece,) in in_step(self, key_size=self._size):
            yield from piece

    def fences(self) -> list[bytes]:
        """Every hundredth entry or so, in any order."""
        self._held.sort()
        return [fence for run in self._runs for fence in run.fences] + self._held[:: self.fence]

    def piece(self, low: bytes, high: bytes | None) -> Piece:
        """The sorted entries from `low` on and below `high`; None: to the end."""
        held = self._held[bisect_left(self._held, low) : None if high is None else bisect_left(self._held, high)]
        blocks = [run.blocks(low, high) for run in self._runs]
        if sum(map(len, blocks)) * self.fence > LARGEST_PIECE:
            return heapq.merge(*(run.stream(low, high) for run in self._runs), held)
        for run, numbers in zip(self._runs, blocks, strict=True):
            held += run.read(numbers, low, high)
        held.sort()
        return held

    def remove(self) -> None:
        """Forgets all."""
        self._held.clear()
        for run in self._runs:
            run.file.unlink(missing_ok=True)
        self._runs.clear()

    def _write(self) -> None:
        self._held.sort()
        file = self._folder / f"{self._name}.{len(self._runs)}"
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.writelines(self._held)
        self._runs.append(_Run(file, self._size, self.fence, self._held[:: self.fence]))
        self._held.clear()


def in_step(*spills: Spill, key_size: int, usual: int = PIECE) -> Iterator[tuple[Piece, ...]]:
    """The sorted entries of several spills, piece by piece; all entries of a key are in one piece.

    Args:
        spills: whose entries begin with a key.
        key_size: its bytes.
        usual: entries of a piece, of all sides together.
    """
    each = max(1, usual // spills[0].fence)
    fences = sorted(fence for spill in spills for fence in spill.fences())
    lows = sorted({b"", *(fence[:key_size] for fence in fences[each::each])})
    for low, high in zip(lows, [*lows[1:], None], strict=True):
        yield tuple(spill.piece(low, high) for spill in spills)


@contextmanager
def private_folder(data: Path | None, name: str) -> Iterator[Path]:
    """A folder for one run that nobody else reads, empty, and gone at the end however that comes.

    Args:
        data: the site's own folder; None: the machine's for what is temporary.
        name: of the run.
    """
    if data is None:
        with tempfile.TemporaryDirectory(prefix="syncgate-reconciliation-") as made:
            yield Path(made)
        return
    above = data / FOLDER
    above.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = above / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def left_behind(data: Path | None) -> list[Path]:
    """The folders of runs, named as they are: those of runs under way, and what others left behind.

    Args:
        data: the site's own folder.
    """
    above = None if data is None else data / FOLDER
    return [] if above is None or not above.is_dir() else [folder for folder in above.iterdir() if folder.is_dir()]


def sweep(folders: Iterable[Path]) -> None:
    """Removes folders that nobody works in any more."""
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
