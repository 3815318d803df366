"""Virtual environments of the bench's own, made once: what it uses is no dependency of the gate's."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".bench"


class NotThere(Exception):
    """Something that the bench uses cannot be had on this machine; the message says what is missing."""


def environment(name: str, *packages: str) -> Path:
    """The folder of commands of a virtual environment with these packages. Raises NotThere."""
    wanted = hashlib.sha256("\n".join((sys.version, *packages)).encode()).hexdigest()[:12]
    folder = CACHE / f"{name}-{wanted}"
    commands = folder / "bin"
    if not (folder / "made").exists():
        print(f"making a virtual environment with {', '.join(packages)}", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        _run(sys.executable, "-m", "venv", folder)
        _run(commands / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages)
        (folder / "made").touch()
    return commands


def _run(*command: str | Path) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotThere(f"expected {' '.join(map(str, command[1:4]))} to succeed, got {done.stderr[-1000:]}")
