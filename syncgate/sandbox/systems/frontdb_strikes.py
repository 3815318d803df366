"""Seeing that a peer was struck where the database itself keeps nothing of it.

A transaction that fails because an SQLite table is full leaves no trace in the file. But it holds the file's write
lock while it fails, and that can be seen from another process.
"""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path

_WRITE_LOCK = 120
"""The byte of the `-shm` file that whoever writes has locked. Source: SQLite, walformat.html §2.3.1."""
_FLOCK = "hhqqi4x"


class LockWatch:
    """Counts how often another process was seen to begin writing. Never too many, sometimes too few."""

    def __init__(self, database: Path) -> None:
        # Kept open until the process ends: closing it would give up this process's own locks on the file as well.
        self._file = os.open(f"{database}-shm", os.O_RDONLY)
        self._was_held = False

    def has_begun(self) -> bool:
        """Whether somebody else writes now who did not when this was last asked."""
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, 0, _WRITE_LOCK, 1, 0)
        (kind, *_) = struct.unpack(_FLOCK, fcntl.fcntl(self._file, fcntl.F_GETLK, asked))
        is_held = kind != fcntl.F_UNLCK
        has_begun, self._was_held = is_held and not self._was_held, is_held
        return has_begun
