"""The names of a table's columns: what is wrong with them, and which of them nobody reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Final

from syncgate.documents import nearest
from syncgate.records.record import MOST_COLUMNS, FileRefused

_USUAL_DELIMITERS: Final = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}


def check_header(header: Sequence[str], *, wanted: Collection[str], name: str, line: int = 1) -> None:
    """Nothing where the header names each column once, and all that are wanted. Raises FileRefused."""
    if len(header) > MOST_COLUMNS:
        raise FileRefused(f"expected at most {MOST_COLUMNS} columns in {name}, got {len(header)}")
    unnamed = [no for no, column in enumerate(header, start=1) if not column.strip()]
    if len(unnamed) == len(header):
        raise FileRefused(f"expected a header in line {line} of {name}, got an empty one")
    missing = [column for column in wanted if column not in set(header)]
    if missing:
        # Where no column is there, the line may be a record, and nothing of it is to be repeated.
        near = header if len(missing) < len(wanted) else ()
        likely = [_with_nearest(column, near) for column in sorted(missing)]
        raise FileRefused(f"expected the columns {', '.join(likely)} in {name}, got a header without them")
    if unnamed:
        raise FileRefused(f"expected a name for every column of {name}, got none for column {some(unnamed)}")
    repeated = [column for column, count in Counter(header).items() if count > 1]
    if repeated:
        raise FileRefused(f"expected each column of {name} once, got {some(sorted(repeated))} twice")


def other_delimiter(line: str, *, delimiter: str, wanted: Collection[str]) -> str | None:
    """The usual delimiter that a header line is written with as it seems, in words; None where it is no other."""
    for other, title in _USUAL_DELIMITERS.items():
        found = {cell.strip('"') for cell in line.rstrip("\r\n").split(other)}
        if other != delimiter and other in line and (delimiter not in line or (wanted and set(wanted) <= found)):
            return title
    return None


def _with_nearest(column: str, header: Sequence[str]) -> str:
    near = nearest(column, [known for known in header if len(known) < 200])
    return f"{column} (there is {near!r})" if near else column


def some(found: Sequence[object]) -> str:
    """The first five in words, and how many more there are."""
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    return ", ".join(str(one)[:100] for one in found[:5]) + more
