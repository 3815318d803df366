"""A system's `quirks.py`: the little Python that a protocol needs, loaded from the bundle's own bytes."""

from __future__ import annotations

import hashlib
import sys
from types import ModuleType


class QuirksError(Exception):
    """The file could not be run; `line` says where, the message only which kind of error it was."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def load_quirks(source: bytes, *, file: str, system: str) -> ModuleType:
    """A module from the file's bytes, one per content; nothing is put on the import path.

    Raises:
        QuirksError: it is not Python, or running it failed.
    """
    module = ModuleType(f"syncgate_quirks_{system}_{hashlib.sha256(source).hexdigest()[:16]}")
    module.__file__ = file
    # Dataclasses and pydantic models look their annotations up in the module of that name.
    sys.modules[module.__name__] = module
    try:
        exec(compile(source, file, "exec", dont_inherit=True), module.__dict__)  # noqa: S102
    except SyntaxError as error:
        raise QuirksError(f"not Python: {error.msg}", error.lineno or 1) from None
    except Exception as error:
        raise QuirksError(f"expected a module that loads, got {type(error).__name__}", _line(error, file)) from None
    return module


def _line(error: Exception, file: str) -> int:
    line, trace = 1, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
