"""How a command that failed ends: what stderr says, and with which exit code.

0    it did what was asked
1    it did not: refused, invalid, not reachable, or only in part
2    the command line itself is wrong
70   a defect of ours; SYNCGATE_DEBUG=1 shows where
130  interrupted
"""

from __future__ import annotations

import errno
import os
import traceback
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from syncgate.cli.output import tell
from syncgate.cli.speech import colon, said, spoken
from syncgate.cli.terminal import visible
from syncgate.domain.errors import SyncgateError

if TYPE_CHECKING:
    from syncgate.documents import Problem

REFUSED: Final = 1
DEFECT: Final = 70
DEBUG: Final = "SYNCGATE_DEBUG"
_PACKAGE: Final = Path(__file__).parents[1]
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""How a disk says that it takes no more: it is full, or all that this user, or a file, may have of it is."""


class NoRoom(SyncgateError):
    """What a command prints or keeps was not written, for want of room."""

    code = "no_room"
    actor = "operations"


def end(error: Exception) -> int:
    """Says on stderr why a command failed; gives its exit code."""
    from syncgate.documents import ProblemSet

    if isinstance(error, OSError) and error.errno in _FULL:
        error = NoRoom("expected room to write, got: {why}", why=error.strerror)
    if isinstance(error, ProblemSet):
        tell(visible("\n".join(_with_place(problem) for problem in error.problems)))
        return REFUSED
    if isinstance(error, SyncgateError):
        tell(visible(f"{error.code}{colon()}{said(error.said)}"))
        return REFUSED
    if os.environ.get(DEBUG) == "1":
        traceback.print_exception(error)
    tell(said(defect(error)))
    return DEFECT


def misused(error: Any) -> int:
    """Says on stderr what is wrong with a command line, and how it is called; gives its exit code."""
    is_asking = type(error).__name__ == "NoArgsIsHelpError"
    if spoken() == "en" or is_asking:
        error.show()
        return int(error.exit_code)
    from syncgate.cli.chinese_help import usage

    if error.ctx is not None:
        hint = f"使用“{error.ctx.command_path} --help”查看说明。"
        tell(f"{usage(error.ctx.command, error.ctx)}\n{hint}\n")
    tell(f"错误：{said(error.format_message())}")
    return int(error.exit_code)


def _with_place(problem: Problem) -> str:
    return f"{problem.place}{colon()}{said(problem.message)}"


def defect(error: BaseException) -> str:
    """One line about an error that nobody expected, without its message, which may hold anything.

    The id is the same wherever the same lines lead to the same type of error, so that reports of one defect
    are known to be one.
    """
    frames = [(_place(frame.filename), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    ours = [f"{file}:{line}" for file, line in frames if file.startswith("syncgate/")]
    name = type(error).__name__
    mark = sha256(" ".join([name, *(f"{file}:{line}" for file, line in frames)]).encode()).hexdigest()[:8]
    at = f" at {ours[-1]}" if ours else ""
    return f"internal_error: unexpected {name}{at} (id {mark}); {DEBUG}=1 shows more, and may show personal data"


def _place(filename: str) -> str:
    file = Path(filename)
    return f"syncgate/{file.relative_to(_PACKAGE)}" if file.is_relative_to(_PACKAGE) else file.name
