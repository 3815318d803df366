"""What commands print: results on stdout for people or machines, everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any
from unicodedata import combining, east_asian_width

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def show(value: Any, *, as_json: bool, text: Callable[[], str]) -> None:
    """Prints a result: JSON for machines, text for people."""
    typer.echo(json.dumps(value, ensure_ascii=False) if as_json else text())


def note(message: str) -> None:
    """Says something about the work on stderr."""
    print(message, file=sys.stderr, flush=True)


def table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> str:
    """Rows as aligned text; wide characters count twice."""
    cells = [[name.replace("_", " ") for name in columns]]
    cells += [[_cell(row.get(name)) for name in columns] for row in rows]
    widths = [max(map(width, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell + " " * (w - width(cell)) for cell, w in zip(row, widths, strict=True)) for row in cells]
    return "\n".join(line.rstrip() for line in lines)


def facts(values: dict[str, Any], names: Sequence[str]) -> str:
    """One line a name, aligned; what is empty is left out."""
    told = [(name.replace("_", " "), _cell(values.get(name))) for name in names]
    longest = max((len(name) for name, cell in told if cell), default=0)
    return "\n".join(f"{name.ljust(longest)}  {cell}" for name, cell in told if cell)


def width(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return sum(0 if combining(one) else 2 if east_asian_width(one) in "WF" else 1 for one in text)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)
