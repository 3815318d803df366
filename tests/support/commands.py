"""The command line run in this process: how a command ended, and what it said."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO
from unittest.mock import patch

from syncgate.cli import main


@dataclass(frozen=True)
class Told:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """What it said for machines."""
        return json.loads(self.out)


def said_by(*arguments: str | Path, to: TextIO | None = None) -> Told:
    """What `syncgate <arguments>` says, and its exit code. The language that it speaks is its own.

    to: where its output goes, in place of being told.
    """
    out, err, code = io.StringIO(), io.StringIO(), 0
    with patch("sys.argv", ["syncgate", *map(str, arguments)]), redirect_stdout(to or out), redirect_stderr(err):
        try:
            copy_context().run(main)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    return Told(code, out.getvalue(), err.getvalue())
