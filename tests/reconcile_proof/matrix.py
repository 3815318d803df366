"""The page that says which class is found at which level, and what the proof plants: `python -m …matrix` prints it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Final

from syncgate.domain.reconciliation.kinds import ACTIONS, DEFAULT_POLICY, FOUND_AT, Kind, Level
from tests.reconcile_proof.plants import BY_FIELDS, LEVELS
from tests.reconcile_proof.shares import COUNTED, WEIGHTS, counts

WHOLE: Final = 1_000
_SAID: Final = {
    Kind.MISSING: "the system took it, and does not hold it",
    Kind.DUPLICATE: "it holds it more than once",
    Kind.STALE: "it holds what an earlier revision said",
    Kind.EDITED_THERE: "it holds what nobody here ever said",
    Kind.NORMALISED_THERE: "it writes the same otherwise, in a way that a comparison rule could tell",
    Kind.NO_LONGER_PLANNED: "it holds what was taken back",
    Kind.UNEXPECTED: "it holds something that bears a key of ours and is not known here",
    Kind.CONFIRMED: "it holds what was unconfirmed or awaited here",
    Kind.MAPPING_CHANGED: "it holds what was sent; the mapping of today would say something else",
    Kind.COUNT_DIFFERS: "it counts other than it should within a range of keys",
}
_HEAD: Final = """\
# What reconciliation finds

How much a system lets us read back is its *level*, declared for each listing of its adapter. It decides which classes
of discrepancy can be found there at all.
"""
_PROOF: Final = """\
## What the proof plants

`make reconcile-proof` builds a city of 100,000 cases, plants {whole:,} differences at random places behind the gate's
back, writes down what it planted, and then lets every system be reconciled. It fails where one that the level lets be
found is not found, where anything else is reported, where one is taken for another class or names other fields, where
what the policy mends is not as it was before, or where the next run finds anything new. The numbers are of one run; one
in brackets is planted as well, and must *not* be found, because the system's level does not show it.

Then all is found once more while cases come in, change and are withdrawn at 50 a second, and are delivered between two
pages: nothing may be reported that was not planted. What only counts can tell is planted in a smaller city of its own,
whose work orders are no longer listed: each record too many or too few must be told by a range that holds one key.
"""


def page() -> str:
    """The whole page, as Markdown."""
    lines = [_HEAD, *_levels(), "", "## What is done about it", "", *_actions(), "", _PROOF.format(whole=WHOLE)]
    return "\n".join([*lines, *_planted(), ""])


def _levels() -> Iterator[str]:
    levels = list(Level)
    yield _row(("class", "means", *(f"`{level}`" for level in levels)))
    yield _row(("---",) * (len(levels) + 2))
    for kind in Kind:
        marks = ("✓" if kind in FOUND_AT[level] else "–" for level in levels)
        yield _row((f"`{kind}`", _SAID[kind], *marks))


def _actions() -> Iterator[str]:
    yield _row(("class", "unless the adapter says otherwise", "what it may say"))
    yield _row(("---",) * 3)
    for kind in Kind:
        allowed = ", ".join(f"`{action}`" for action in sorted(ACTIONS[kind]))
        yield _row((f"`{kind}`", f"`{DEFAULT_POLICY[kind]}`", allowed))


def _planted() -> Iterator[str]:
    messages = list(dict.fromkeys(message for message, _ in WEIGHTS))
    wanted = counts(WHOLE)
    heads = (f"{system} {name}<br>`{LEVELS[system]}`" for system, name in messages)
    yield _row(("class", *heads, "workorders order, only counted<br>`counts`"))
    yield _row(("---",) * (len(messages) + 2))
    for kind in Kind:
        cells = []
        for message in messages:
            count = wanted.get((message, kind.value))
            is_found = LEVELS[message[0]] == "fields" or kind.value not in BY_FIELDS
            cells.append("" if count is None else str(count) if is_found else f"({count})")
        cells.append(str(COUNTED) if kind in FOUND_AT[Level.COUNTS] else "")
        if any(cells):
            yield _row((f"`{kind}`", *cells))


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    sys.stdout.write(page())
