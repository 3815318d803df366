"""The list of a file's refused rows, in a form that a person opens as a spreadsheet."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from syncgate.cli.staging import Finding

COLUMNS: Final = ("file", "line", "field", "reason")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def write_findings(target: Path, findings: Iterable[Finding], *, file: str) -> Path | None:
    """Writes where each refused row stands, and why; without any, removes what an earlier run wrote, and gives None.

    The rows' own content is left out: it stands in the file itself, in the line named, and a mended file can be
    submitted whole, since what is taken already does not change. A list without it can be handed on.

    Raises:
        OSError: it cannot be written.
    """
    rows = iter(findings)
    first = next(rows, None)
    if first is None:
        target.unlink(missing_ok=True)
        return None
    handle, draft = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=target.parent)
    try:
        # The mark tells spreadsheets that this is UTF-8.
        with os.fdopen(handle, "w", encoding="utf-8-sig", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(COLUMNS)
            for finding in (first, *rows):
                writer.writerow([safe(file), finding.line, safe(finding.at), safe(finding.reason)])
        Path(draft).replace(target)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    return target


def safe(text: str) -> str:
    """A text that no spreadsheet takes for a formula, in one line."""
    line = " ".join(text.splitlines())
    return f"'{line}" if line.startswith(_FORMULA) else line
