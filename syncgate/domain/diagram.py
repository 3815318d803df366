"""The diagram of a delivery's life, drawn from the tables of beginnings and moves.

`python -m syncgate.domain.diagram FILE...` renews it between the markers of a document.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

from syncgate.domain.delivery import BEGINNINGS, MOVES, Phase, is_final

BEGIN: Final = "<!-- life of a delivery: begin -->"
END: Final = "<!-- life of a delivery: end -->"
"""What stands around the diagram in a document."""


def mermaid() -> str:
    """The life of a delivery as a Mermaid state diagram, one arrow for each pair of phases that a move joins."""
    return "\n".join(["stateDiagram-v2", *(f"    {line}" for line in _lines())]) + "\n"


def renewed(document: str) -> str:
    """The document with the diagram of now between its markers.

    Raises:
        ValueError: the markers do not stand there once each, in order.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in before + after:
        raise ValueError(f"expected one {BEGIN} and then one {END}, got another arrangement")
    return f"{before}{BEGIN}\n```mermaid\n{mermaid()}```\n{END}{after}"


def _lines() -> Iterator[str]:
    for phase in Phase:
        if beginnings := [beginning for beginning, reached in BEGINNINGS.items() if reached is phase]:
            yield f"[*] --> {phase}: {_label(beginnings)}"
    for phase, moves in MOVES.items():
        for after in Phase:
            if events := [event for event, reached in moves.items() if reached is after]:
                yield f"{phase} --> {after}: {_label(events)}"
    for phase in Phase:
        if is_final(phase):
            yield f"{phase} --> [*]"


def _label(words: Iterable[StrEnum]) -> str:
    return ", ".join(word.value for word in words)


def _main(files: Sequence[str]) -> None:
    for name in files:
        path = Path(name)
        path.write_text(renewed(path.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    _main(sys.argv[1:])
