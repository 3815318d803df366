"""Files that commands write for people: whole under their names, or not there at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from syncgate.cli.context import BadArgument


def write_whole(target: Path, content: bytes, *, mode: int = 0o666, is_new: bool = False) -> None:
    """Writes a file that takes its name once all of it is on the disk; what stood there before stays until then.

    Behind a link the file is written that it leads to; what is no plain file, such as a pipe, as it is.

    Args:
        target: the file.
        content: all of it.
        mode: of a file that is not there yet, less what the machine masks.
        is_new: whether nothing may stand there.

    Raises:
        BadArgument: it cannot be written, as for want of room; nothing is left of it.
    """
    try:
        if is_new and os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, "another file")
        place = target.resolve()
        if place.exists() and not place.is_file():
            place.write_bytes(content)
        else:
            _replace(place, content, mode=mode)
    except OSError as error:
        raise BadArgument(
            "expected a file that can be written at {file}, got {error}", file=target, error=error.strerror
        ) from None


def _replace(place: Path, content: bytes, *, mode: int) -> None:
    with draft_of(place, mode=mode) as out:
        if place.exists():
            os.fchmod(out.fileno(), place.stat().st_mode & 0o777)
        out.write(content)


@contextmanager
def draft_of(place: Path, *, mode: int) -> Iterator[BinaryIO]:
    """A file beside another, which takes its place once the block has ended and all of it is on the disk.

    Nothing is left of it where the block fails. Raises OSError: it cannot be written.
    """
    draft = place.with_name(f".{secrets.token_hex(8)}.tmp")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "wb") as out:
            yield out
            out.flush()
            os.fsync(handle)
        draft.replace(place)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
