"""The file in which the sandbox's processes say on which port each of them listens."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path


def publish_port(path: Path, system: str, port: int) -> None:
    """Add `{system: port}` to the file, so that a reader sees the old file or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(path.name + ".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ports = _read(path)
        ports[system] = port
        draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
        draft.write_text(json.dumps(ports, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        draft.replace(path)


def _read(path: Path) -> dict[str, int]:
    try:
        ports: dict[str, int] = json.loads(path.read_text(encoding="utf-8"))
        return ports
    except FileNotFoundError:
        return {}
