"""The list of a file's refused rows, in a form that a person opens as a spreadsheet."""

from __future__ import annotations

import codecs
import csv
import errno
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from syncgate.cli.context import BadArgument
from syncgate.cli.files import draft_of
from syncgate.cli.staging import Finding
from syncgate.cli.terminal import one_line

COLUMNS: Final = ("file", "line", "field", "reason")
_HEAD: Final = codecs.BOM_UTF8 + ",".join(COLUMNS).encode("ascii") + b"\r\n"
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def write_findings(target: Path, findings: Iterable[Finding], *, file: str) -> Path | None:
    """Writes where each refused row stands, and why; without any, removes what an earlier run wrote, and gives None.

    The rows' own content is left out: it stands in the file itself, in the line named, and a mended file can be
    submitted whole, since what is taken already does not change. A list without it can be handed on.

    Raises:
        OSError: it cannot be written; also where something else stands there, which is left as it is.
    """
    rows = iter(findings)
    first = next(rows, None)
    if first is None:
        if _is_ours(target):
            target.unlink(missing_ok=True)
        return None
    if not _is_free(target):
        raise FileExistsError(errno.EEXIST, "another file")
    # The mark tells spreadsheets that this is UTF-8.
    with draft_of(target, mode=0o600) as out:
        writer = csv.writer(codecs.getwriter("utf-8-sig")(out))
        writer.writerow(COLUMNS)
        for finding in (first, *rows):
            writer.writerow([safe(file), finding.line, safe(finding.at), safe(finding.reason)])
    return target


def require_free(target: Path) -> None:
    """Nothing where a list may be written. Raises BadArgument where anything but an earlier list stands there."""
    if not _is_free(target):
        raise BadArgument("expected a new file, or an earlier list of refused rows, got {file}", file=target)


def _is_free(target: Path) -> bool:
    return not os.path.lexists(target) or _is_ours(target)


def _is_ours(target: Path) -> bool:
    """Whether it is a list that an earlier run wrote; nothing else is ever overwritten or removed."""
    if not target.is_file():
        return False
    with target.open("rb") as opened:
        return opened.read(len(_HEAD)) == _HEAD


def safe(text: str) -> str:
    """A text that no spreadsheet takes for a formula and no terminal for a command, in one line."""
    line = " ".join(text.splitlines())
    return one_line(f"'{line}" if line.startswith(_FORMULA) else line)
