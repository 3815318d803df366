"""Spilling: entries of a fixed size, sorted in bounded memory through files that only this process can read.

An entry holds keyed digests and our own ids, nothing that the site's key does not hide. The files of a run lie in a
folder of its own, which goes with it; what a process that died has left behind goes when the next run begins.
"""

from __future__ import annotations

import heapq
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

FOLDER: Final = "reconciliation"
"""Where runs spill to, within the site's own folder."""
SORTED_AT_ONCE: Final = 100_000
"""Entries that are held and sorted at once; of seventy bytes each, some ten megabytes."""
READ_AT_ONCE: Final = 1_000
"""Entries of one file that a merge reads at once."""


class Spill:
    """Entries in, entries out in order; kept in memory while they are few."""

    def __init__(self, folder: Path, name: str, *, size: int, at_once: int = SORTED_AT_ONCE) -> None:
        """Args: folder: private; name: of its files; size: of every entry, in bytes; at_once: held in memory."""
        self._folder = folder
        self._name = name
        self._size = size
        self._at_once = at_once
        self._held: list[bytes] = []
        self._files: list[Path] = []
        self.count = 0

    def add(self, entries: Iterable[bytes]) -> None:
        """Takes more entries. Raises ValueError for one of another size: every later one would be read askew."""
        before = len(self._held)
        self._held.extend(entries)
        self.count += len(self._held) - before
        if any(len(entry) != self._size for entry in self._held[before:]):
            raise ValueError(f"expected entries of {self._size} bytes, got another")
        if len(self._held) >= self._at_once:
            self._write()

    def sorted(self) -> Iterator[bytes]:
        """All entries in the order of their bytes; may be asked again."""
        self._held.sort()
        if not self._files:
            return iter(self._held)
        return heapq.merge(*(self._read(file) for file in self._files), self._held)

    def remove(self) -> None:
        """Forgets all."""
        self._held.clear()
        for file in self._files:
            file.unlink(missing_ok=True)
        self._files.clear()

    def _write(self) -> None:
        self._held.sort()
        file = self._folder / f"{self._name}.{len(self._files)}"
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.writelines(self._held)
        self._files.append(file)
        self._held.clear()

    def _read(self, file: Path) -> Iterator[bytes]:
        size = self._size
        with file.open("rb") as stored:
            while block := stored.read(size * READ_AT_ONCE):
                for start in range(0, len(block), size):
                    yield block[start : start + size]


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
