"""`serve.json`: where a running gate says how the same machine's command line reaches it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Final

from syncgate.cli.context import Invocation

SERVE_FILE: Final = "serve.json"


@dataclass(frozen=True, slots=True)
class Serving:
    """A gate that serves the site on this machine.

    token: what opens it to who may read the file. born: tells it from a later program under the same number; empty
    where the machine does not tell.
    """

    address: str
    pid: int
    token: str = field(repr=False)
    born: str = ""


def birth(pid: int) -> str:
    """When a process began, in the machine's own count since its start; empty where that cannot be told."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def serve_file(invocation: Invocation) -> Path:
    """Where a running gate says how the same machine's command line reaches it.

    It lies beside the SQLite file, else in the site's `data` folder.
    """
    from syncgate.bootstrap import data_folder

    return data_folder(invocation.root, invocation.config()) / SERVE_FILE


@contextmanager
def announced(file: Path, serving: Serving) -> Iterator[None]:
    """Says for the length of the block how to reach this process.

    Each process has a file of its own, `serve.<pid>.json`; `serve.json` is a copy of the newest one's that lives.
    """
    announce(file, serving)
    try:
        yield
    finally:
        withdraw(file, serving)


def announce(file: Path, serving: Serving) -> None:
    """Writes how to reach this process, readable by its owner alone, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with _alone(file):
        _write(_own(file, serving.pid), serving)
        _write(file, serving)


def withdraw(file: Path, serving: Serving) -> None:
    """Takes back what this process said, and nothing of another; the newest other one that lives is named instead."""
    with suppress(OSError), _alone(file):
        _own(file, serving.pid).unlink(missing_ok=True)
        if (named := _read(file)) is not None and named != serving:
            return
        other = _newest(file)
        if other is not None:
            _write(file, other)
        else:
            file.unlink(missing_ok=True)


def find(file: Path) -> Serving | None:
    """How to reach the newest gate that announced itself and whose process is alive."""
    named = _read(file)
    return named if named is not None and _lives(named) else _newest(file)


def _newest(file: Path) -> Serving | None:
    """The newest of the living, by their own files; what the dead left is removed."""
    found: list[tuple[int, Serving]] = []
    for own in file.parent.glob(f"{file.stem}.*{file.suffix}"):
        with suppress(OSError):
            written_at, serving = own.stat().st_mtime_ns, _read(own)
            if serving is not None and _lives(serving):
                found.append((written_at, serving))
            else:
                own.unlink(missing_ok=True)
    return max(found, key=itemgetter(0), default=(0, None))[1]


def _own(file: Path, pid: int) -> Path:
    return file.with_name(f"{file.stem}.{pid}{file.suffix}")


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Keeps other processes from announcing at the same time."""
    handle = os.open(file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _write(file: Path, serving: Serving) -> None:
    draft = file.with_name(f"{file.name}.{os.getpid()}.tmp")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    known = {"address": serving.address, "token": serving.token, "pid": serving.pid, "born": serving.born}
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(known, out)
        draft.replace(file)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def _read(file: Path) -> Serving | None:
    try:
        known = json.loads(file.read_text("utf-8"))
        return Serving(str(known["address"]), int(known["pid"]), str(known["token"]), str(known.get("born", "")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _lives(serving: Serving) -> bool:
    """Whether it is still that process: another program would be handed the token."""
    try:
        os.kill(serving.pid, 0)
    except (OSError, OverflowError):
        return False
    return birth(serving.pid) == serving.born
