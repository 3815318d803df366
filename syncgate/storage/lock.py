"""The lock beside an SQLite file: one process works on it, and a second one is told which."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from syncgate.domain.errors import StoreUnavailable


@contextmanager
def store_lock(database: Path) -> Iterator[None]:
    """Holds `<database>.lock` for the length of the block. The kernel lets go when the process dies.

    Raises:
        StoreUnavailable: another process holds it; the message names its pid.
    """
    handle = os.open(f"{database}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _held(handle, database) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def _held(handle: int, database: Path) -> StoreUnavailable:
    holder = os.pread(handle, 20, 0).decode("ascii", "replace").strip() or "unknown"
    return StoreUnavailable(
        "expected one process on SQLite, got a second: process {holder} has {database} open; PostgreSQL takes several",
        holder=holder,
        database=database,
    )
