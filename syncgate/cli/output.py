"""What commands print: results on stdout for people or machines, everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Annotated, Any
from unicodedata import combining, east_asian_width

import typer

from syncgate.cli.speech import said, spoken
from syncgate.cli.terminal import json_safe, visible
from syncgate.language import label, word

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def show(value: Any, *, as_json: bool, text: Callable[[], str], is_said: bool = False) -> None:
    """Prints a result: JSON for machines, text for people. is_said: the text is in the reader's language already."""
    print(_json(value) if as_json else visible(text() if is_said else said(text())), flush=True)


def note(message: str) -> None:
    """Says something about the work on stderr."""
    tell(visible(said(message)))


def tell(line: str) -> None:
    """Writes a line to stderr. The work goes on where it cannot be written, as when a log's disk is full."""
    with suppress(OSError):
        print(line, file=sys.stderr, flush=True)


def note_more(page: dict[str, Any], most: int) -> None:
    """Says on stderr that a page is not all there is. most: how many it may hold."""
    if page["next"] is not None:
        note(f"there are more than {most}")


def table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> str:
    """Rows as aligned text; wide characters count twice."""
    cells = [[label(name, spoken()) for name in columns]]
    cells += [[_cell(name, row.get(name)) for name in columns] for row in rows]
    widths = [max(map(width, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell + " " * (w - width(cell)) for cell, w in zip(row, widths, strict=True)) for row in cells]
    return "\n".join(line.rstrip() for line in lines)


def facts(values: dict[str, Any], names: Sequence[str]) -> str:
    """One line a name, aligned; what is empty is left out."""
    told = [(label(name, spoken()), _cell(name, values.get(name))) for name in names]
    longest = max((width(name) for name, cell in told if cell), default=0)
    return "\n".join(f"{name}{' ' * (longest - width(name))}  {cell}" for name, cell in told if cell)


def width(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return sum(0 if combining(one) else 2 if east_asian_width(one) in "WF" else 1 for one in text)


def _json(value: Any) -> str:
    """One JSON value; with escapes where the stream is not in Unicode, so that it stays JSON whatever it shows."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return json_safe(json.dumps(value, ensure_ascii=not encoding.lower().startswith("utf")))


def _cell(column: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return word(column, value, spoken()) if isinstance(value, str) else str(value)
