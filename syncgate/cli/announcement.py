"""`serve.json`: where a running gate says how the same machine's command line reaches it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from syncgate.cli.context import Invocation

SERVE_FILE: Final = "serve.json"


@dataclass(frozen=True, slots=True)
class Serving:
    """A gate that serves the site on this machine. token: what opens it to who may read the file."""

    address: str
    pid: int
    token: str = field(repr=False)


def serve_file(invocation: Invocation) -> Path:
    """Where a running gate says how the same machine's command line reaches it.

    It lies beside the SQLite file, else in the site's `data` folder.
    """
    from syncgate.bootstrap import store_url

    config = invocation.config()
    _, database = store_url(invocation.root, config) if config.store.url.startswith("sqlite") else ("", None)
    folder = database.parent if database is not None else invocation.root / "data"
    return folder / SERVE_FILE


def announce(file: Path, serving: Serving) -> None:
    """Writes how to reach this process, readable by its owner alone, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".tmp")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        json.dump({"address": serving.address, "token": serving.token, "pid": serving.pid}, out)
    draft.replace(file)


def find(file: Path) -> Serving | None:
    """How to reach the gate that announced itself, if its process is alive."""
    try:
        known = json.loads(file.read_text("utf-8"))
        serving = Serving(str(known["address"]), int(known["pid"]), str(known["token"]))
        os.kill(serving.pid, 0)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return serving
