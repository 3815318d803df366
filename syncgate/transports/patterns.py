"""Regular expressions over what a system answers, kept from running away."""

from __future__ import annotations

import re
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final

LONGEST_TEXT: Final = 1_000
"""A longer text never matches: a search in its head could call an error at its end a success."""

LONGEST_PATTERN: Final = 200
MOST_REPEATS: Final = 2
_OPEN_FROM: Final = 32
"""A repeat that may go on this often counts as open."""

_REPEATS: Final = (codes.MAX_REPEAT, codes.MIN_REPEAT)


def compile_pattern(text: str) -> re.Pattern[str]:
    """The compiled pattern; the same text is compiled once by `re` itself.

    Raises:
        ValueError: it is no regular expression, or one whose time can grow beyond reason: an open repeat
            (`*`, `+`, `{0,32}` and more) around another repeat or a choice, or more than two open repeats.
    """
    if len(text) > LONGEST_PATTERN:
        raise ValueError(f"expected a pattern of at most {LONGEST_PATTERN} characters, got {len(text)}")
    try:
        pattern = re.compile(text)
        open_count = _count_open(parser.parse(text))
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"expected a regular expression, got {text!r}: {error}") from None
    if open_count > MOST_REPEATS:
        raise ValueError(f"expected at most {MOST_REPEATS} open repeats in a pattern, got {open_count}: {text!r}")
    return pattern


def holds_pattern(pattern: re.Pattern[str], text: str) -> bool:
    """Whether the pattern is found anywhere in a text of bounded length."""
    return len(text) <= LONGEST_TEXT and pattern.search(text) is not None


def _count_open(node: Any, *, within_open: bool = False) -> int:
    count = 0
    for code, value in _items(node):
        varies = code in _REPEATS or code is codes.BRANCH
        if varies and within_open:
            raise ValueError("expected no repeat or choice inside an open repeat, got one")
        is_open = code in _REPEATS and _most(value) >= _OPEN_FROM
        count += is_open + _count_open(value, within_open=within_open or is_open)
    return count


def _most(value: Any) -> int:
    return int(value[1])


def _items(node: Any) -> list[tuple[Any, Any]]:
    """The (code, argument) pairs right below a node of `re`'s syntax tree, in whatever it nests them."""
    if isinstance(node, parser.SubPattern):
        return list(node)
    if isinstance(node, list | tuple):
        return [pair for part in node for pair in _items(part)]
    return []
