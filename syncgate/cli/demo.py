"""`syncgate demo`: the example city, played against hostile systems and checked at the systems themselves."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import typer

from syncgate.cli.context import Invocation


def demo(
    context: typer.Context,
    stay: Annotated[bool, typer.Option("--stay", help="Start everything and play nothing.")] = False,
) -> None:
    """Play the example city while its systems misbehave, then read every system and compare.

    Example: syncgate demo
    """
    invocation: Invocation = context.obj
    command = [sys.executable, "-m", "syncgate.sandbox.play", "--site", str(invocation.root)]
    raise typer.Exit(subprocess.run([*command, *(["--stay"] if stay else [])], check=False).returncode)
