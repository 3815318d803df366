"""Small disks, real ones, which tests fill up and empty again."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


class NoSmallDisk(Exception):
    """None can be mounted: that takes root, and a kernel that allows it."""


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A mounted disk of a few megabytes."""

    path: Path

    @property
    def _ballast(self) -> Path:
        return self.path / "ballast"

    def fill(self, *, but: int = 0) -> None:
        """Leaves no room, not even for a block; what was freed since the last time is taken, too.

        but: bytes that are left, whole blocks of 4096.
        """
        with self._ballast.open("ab", buffering=0) as file:
            for size in (1 << 20, 4096):
                try:
                    while file.write(b"\0" * size) == size:
                        pass
                except OSError:
                    continue
            file.truncate(file.tell() - but)

    def empty(self) -> None:
        """Gives the room back."""
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(path: Path, *, megabytes: int) -> Iterator[SmallDisk]:
    """A disk of its own mounted at a folder, which keeps what is in it and its owner; gone with the block.

    Raises:
        NoSmallDisk: none can be mounted here.
    """
    path.mkdir(mode=0o700, exist_ok=True)
    aside = path.with_name(f"{path.name}.aside")
    _run("cp", "-a", str(path), str(aside))
    seen = path.stat()
    settings = f"size={megabytes}m,mode=0700,uid={seen.st_uid},gid={seen.st_gid}"
    _run("mount", "-t", "tmpfs", "-o", settings, "tmpfs", str(path))
    try:
        _run("cp", "-a", f"{aside}/.", str(path))
        yield SmallDisk(path)
    finally:
        _run("umount", "--lazy", str(path))


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    if done.returncode != 0:
        raise NoSmallDisk(f"a small disk takes root, and a kernel that allows it: {done.stderr.strip()}")
