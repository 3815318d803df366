"""JSON Pointer (RFC 6901): parsed once, followed often."""

from __future__ import annotations

from typing import Any, Final

MISSING: Final = object()
"""What a pointer gives where the document has nothing; JSON null is something."""


def parse_pointer(text: str) -> tuple[str, ...]:
    """The pointer's reference tokens; `""` is the whole document.

    Raises:
        ValueError: it is not a JSON Pointer.
    """
    if text == "":
        return ()
    if not text.startswith("/"):
        raise ValueError(f'expected a JSON Pointer such as "/data/id", got {text!r}')
    if "~" in text.replace("~0", "").replace("~1", ""):
        raise ValueError(f"expected ~0 or ~1 after a tilde, got {text!r}")
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in text[1:].split("/"))


def follow(document: Any, tokens: tuple[str, ...]) -> Any:
    """The value at the pointer, or MISSING."""
    for token in tokens:
        if isinstance(document, dict):
            document = document.get(token, MISSING)
        elif isinstance(document, list) and _is_index(token) and int(token) < len(document):
            document = document[int(token)]
        else:
            return MISSING
    return document


def _is_index(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10 and (text == "0" or text[0] != "0")
