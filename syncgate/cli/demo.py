"""`syncgate demo`: the example city, played against hostile systems and checked at the systems themselves."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Annotated

import typer

from syncgate.cli.context import Invocation
from syncgate.cli.output import AsJson, show


def demo(
    context: typer.Context,
    stay: Annotated[bool, typer.Option("--stay", help="Start everything and play nothing.")] = False,
    processes: Annotated[
        bool, typer.Option("--processes", help="Run the gate as several processes on PostgreSQL.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Play the example city while its systems misbehave, then read every system and compare.

    Example: syncgate demo
    """
    invocation: Invocation = context.obj
    begun = time.monotonic()
    command = [sys.executable, "-m", "syncgate.sandbox.play", "--site", str(invocation.root)]
    told = sys.stderr if as_json else None
    code = subprocess.run(
        [*command, *(["--stay"] if stay else []), *(["--processes"] if processes else [])], check=False, stdout=told
    ).returncode
    if as_json:
        show({"ok": code == 0, "seconds": round(time.monotonic() - begun, 1)}, as_json=True, text=str)
    raise typer.Exit(code)
