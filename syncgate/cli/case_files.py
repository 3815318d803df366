"""Files of canonical cases: one in a `.json` file, one a line in an `.ndjson` file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from syncgate.cli.records import FileRefused, Row, TornRow, read_bytes, text_of

LINES = frozenset({".ndjson", ".jsonl"})
SUFFIXES = LINES | {".json"}


def read_case(file: Path) -> Any:
    """The case in a file. Raises FileRefused where it is not one JSON value in UTF-8."""
    text = text_of(file, read_bytes(file), "utf-8")
    try:
        return _value(text)
    except json.JSONDecodeError as error:
        raise FileRefused(f"expected JSON in {file.name}, got {error.msg} in line {error.lineno}") from None
    except (ValueError, RecursionError) as error:
        raise FileRefused(f"expected JSON in {file.name}, got {_why(error)}") from None


def read_cases(file: Path) -> Iterator[Row | TornRow]:
    """The cases of a file with their lines. Raises FileRefused as `read_case` does."""
    if file.suffix not in LINES:
        yield Row(1, read_case(file))
        return
    for line, text in enumerate(text_of(file, read_bytes(file), "utf-8").split("\n"), start=1):
        if not text.strip():
            continue
        try:
            yield Row(line, _value(text))
        except (ValueError, RecursionError) as error:
            yield TornRow(line, f"expected one JSON value, got {_why(error)}")


def _value(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key twice")
    return found


def _no_constant(word: str) -> NoReturn:
    raise ValueError(word)


def _why(error: ValueError | RecursionError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    return "too many levels" if isinstance(error, RecursionError) else str(error)
