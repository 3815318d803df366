"""Files of canonical cases: one, or a list of them, in a `.json` file, one a line in an `.ndjson` file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from syncgate.cli.source_files import opened
from syncgate.records.json_lines import checked, record_of
from syncgate.records.json_list import read_json
from syncgate.records.record import FileRefused, Record, Torn
from syncgate.records.settings import JsonSettings
from syncgate.records.text import lines, texts
from syncgate.records.values import Unreadable, value_of

LINES: Final = frozenset({".ndjson", ".jsonl"})


@dataclass(frozen=True, slots=True)
class Row:
    """One record as the case that it means."""

    line: int
    case: Any = field(repr=False)


def read_case(file: Path) -> Any:
    """The case in a file. Raises FileRefused where it is not one JSON value in UTF-8."""
    with opened(file) as stream:
        text = "".join(texts(stream, charset="utf-8", name=file.name))
    try:
        json.loads(text)
        return value_of(text)
    except json.JSONDecodeError as error:
        raise FileRefused(f"expected JSON in {file.name}, got {error.msg} in line {error.lineno}") from None
    except Unreadable as error:
        raise FileRefused(f"expected JSON in {file.name}, got {error}") from None
    except (ValueError, RecursionError):
        raise FileRefused(f"expected JSON in {file.name}, got a value that is none") from None


def read_cases(file: Path) -> Iterator[Row | Torn]:
    """The cases of a file with their lines. Raises FileRefused while reading, as `read_case` does."""
    if file.suffix.lower() in LINES:
        yield from _lines(file)
    elif _is_list(file):
        with opened(file) as stream:
            yield from map(_row, read_json(stream, JsonSettings(), name=file.name))
    else:
        yield _row(checked(1, read_case(file)))


def _lines(file: Path) -> Iterator[Row | Torn]:
    with opened(file) as stream:
        for line, text in enumerate(lines(stream, charset="utf-8", name=file.name), start=1):
            if text.strip(" \t\r\n"):
                yield _row(record_of(line, text))


def _row(record: Record | Torn) -> Row | Torn:
    return Row(record.line, record.value) if isinstance(record, Record) else record


def _is_list(file: Path) -> bool:
    with opened(file) as stream:
        return stream.read(4096).lstrip(b" \t\r\n")[:1] == b"["
