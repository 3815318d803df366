"""What a mutant is: a patch with a header that says what it breaks and which test must fail.

The header stands before the first `diff --git` line, one `Name: value` a line: `Promise` (its number in the design),
`Breaks` (in words), `Caught-by` (a pytest id; repeated where several must fail), and where such a bug is known to have
shipped elsewhere `Shipped` (by whom).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PATCHES = Path(__file__).parent / "patches"
PROMISES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)
"""The promises that mutants break; personal data (10) is looked for in the demo's files, too."""

AT_LEAST = 3
"""So many ways to break each of them."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One patch.

    Attributes:
        caught_by: pytest ids, relative to the repository's root.
        shipped_by: who shipped such a bug; empty where nobody is known to have.
    """

    name: str
    promise: int
    breaks: str
    caught_by: tuple[str, ...]
    patch: str
    shipped_by: str = ""


def mutants(folder: Path = PATCHES) -> list[Mutant]:
    """Every mutant of the folder, by promise and name. Raises ValueError for a header that is not whole."""
    return sorted((_read(file) for file in folder.glob("*.patch")), key=lambda mutant: (mutant.promise, mutant.name))


def bare_promises(found: Sequence[Mutant]) -> list[int]:
    """The promises that fewer mutants break than each should have."""
    count_by_promise = Counter(mutant.promise for mutant in found)
    return [promise for promise in PROMISES if count_by_promise[promise] < AT_LEAST]


def _read(file: Path) -> Mutant:
    text = file.read_text("utf-8")
    header = text.partition("diff --git ")[0]
    pairs = [line.split(":", 1) for line in header.splitlines() if line.strip()]
    said: dict[str, list[str]] = {}
    for pair in pairs:
        if len(pair) != 2:
            raise ValueError(f"{file.name}: expected Name: value, got {pair[0]!r}")
        said.setdefault(pair[0].strip(), []).append(pair[1].strip())
    if set(said) - {"Shipped"} != {"Promise", "Breaks", "Caught-by"}:
        raise ValueError(f"{file.name}: expected Promise, Breaks and Caught-by, maybe Shipped, got {sorted(said)}")
    return Mutant(
        name=file.stem,
        promise=int(said["Promise"][0]),
        breaks=said["Breaks"][0],
        caught_by=tuple(said["Caught-by"]),
        patch=text,
        shipped_by=", ".join(said.get("Shipped", ())),
    )
