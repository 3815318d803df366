"""The trial: three systems that hold the same records, each reconciled once by a process of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.bench import postgres
from tests.bench.comparison import WrongRun
from tests.bench.measured import Measured
from tests.bench.reconciling.filling import fill_pages, fill_postgres, fill_sqlite
from tests.bench.reconciling.pages import served
from tests.bench.reconciling.reconciler import SYSTEM
from tests.bench.reconciling.records import EDITED
from tests.bench.targets import Targets
from tests.bench.trial import Load


def reconcile(_: Targets, load: Load) -> Mapping[str, Measured]:
    """Reading back and comparing as many records as the load says. Raises WrongRun."""
    count, folder = load.records, Path(tempfile.mkdtemp(prefix="syncgate-reconcile-"))
    try:
        return dict([_sqlite(folder, count), _postgres(folder, count), _pages(folder, count)])
    finally:
        shutil.rmtree(folder)


def _sqlite(folder: Path, count: int) -> tuple[str, Measured]:
    file = folder / "target.db"
    fill_sqlite(file, SYSTEM, count=count)
    return "reconcile sqlite", _measured(folder, f"sqlite:///{file}", count)


def _postgres(folder: Path, count: int) -> tuple[str, Measured]:
    with postgres.running() as server:
        fill_postgres(server.url, SYSTEM, count=count)
        return "reconcile postgresql", _measured(folder, server.url, count)


def _pages(folder: Path, count: int) -> tuple[str, Measured]:
    pages = folder / "pages"
    fill_pages(pages, SYSTEM, count=count)
    with served(pages) as address:
        return "reconcile rest", _measured(folder, address, count)


def _measured(folder: Path, address: str, count: int) -> Measured:
    (folder / "store.sqlite").unlink(missing_ok=True)
    for _ in range(2):
        told = _told(folder, address, count)
    planted = {"edited_there": EDITED, "unexpected": EDITED}
    if told["outcome"] != "complete" or told["kinds"] != planted or told["verified"] != count - EDITED:
        raise WrongRun(f"expected a complete run that finds {planted}, got {told}")
    return Measured(
        per_second=told["read"] / told["seconds"],
        cpu_us=told["cpu"] / told["read"] * 1e6,
        peak_mib=told["peak_mib"],
    )


def _told(folder: Path, address: str, count: int) -> dict[str, Any]:
    """What a process told: the first fills the store, the next reconciles."""
    command = [sys.executable, "-m", "tests.bench.reconciling.reconciler", str(folder), address, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise WrongRun(f"expected the reconciler to end well, got {done.stderr[-2000:]}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told
