"""Which language the command line speaks: `--language`, else the terminal's; what is for machines is English."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Final, TextIO

from syncgate.language import LANGUAGES, Language, in_language, of_environment

_PROBE: Final = "办件，"
_SPOKEN: ContextVar[Language] = ContextVar("_SPOKEN", default="en")
_OPTION: Final = "--language"


def speak(language: Language) -> None:
    """From now on, in this context, people are spoken to in this language."""
    _SPOKEN.set(language)


def spoken() -> Language:
    """The language that people are spoken to in."""
    return _SPOKEN.get()


def said(text: str) -> str:
    """A sentence of ours in the language that is spoken."""
    return in_language(text, spoken())


def colon() -> str:
    """What stands between a thing and what is said of it."""
    return "：" if spoken() == "zh" else ": "


def asked_for(arguments: Sequence[str], environment: Mapping[str, str]) -> Language:
    """The language that a command line asks for, else the terminal's; English where it cannot show Chinese."""
    wished = _wish(arguments)
    language: Language = wished if wished is not None else of_environment(environment)
    return language if language == "en" or _shows_chinese(sys.stdout, sys.stderr) else "en"


def is_for_machines(arguments: Sequence[str]) -> bool:
    """Whether the output is read by a program, which must not depend on anybody's language."""
    return "--json" in arguments and "--help" not in arguments


def _wish(arguments: Sequence[str]) -> Language | None:
    """What `--language` says, before the command line is parsed; a wrong word is left to the parser."""
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        name, _, value = argument.partition("=")
        if name == _OPTION:
            word = value or following
            return next((language for language in LANGUAGES if language == word), None)
    return None


def _shows_chinese(*streams: TextIO) -> bool:
    try:
        for stream in streams:
            _PROBE.encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def never_fail(*streams: TextIO) -> None:
    """Characters that a terminal does not have are shown by their number instead of ending the command."""
    for stream in streams:
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None and getattr(stream, "errors", "") == "strict":
            reconfigure(errors="backslashreplace")
