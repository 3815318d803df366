"""After how many seeds the simulation catches a mutant, and the record of it."""

from __future__ import annotations

import csv
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.mutants.mutant import Mutant
from tests.mutants.trial import ROOT, DoesNotApply, mutated, run_in

RECORD = Path(__file__).parent / "simulated.csv"
SEEDS_AT_MOST = 300
STEPS = (20, 80, 200)
"""So many seeds at a time: most of what is caught at all is caught early."""
SECONDS_AT_MOST = 600
BROKEN = re.compile(r"^\d+ seeds, .*: [1-9]\d* broke a promise: (\d+)", re.MULTILINE)
"""How the simulation ends where it saw a promise broken; the first seed that did."""


class Unplayed(Exception):
    """The simulation came to no end with this mutant; says why."""


def seeds_of(mutant: Mutant, *, root: Path = ROOT) -> int | None:
    """How many seeds it takes to see the mutant break a promise; None: more than are played. Raises Unplayed."""
    played = 0
    try:
        with mutated(mutant, root=root) as copy:
            for count in STEPS:
                if (first := _first_broken(copy, first=played, count=count)) is not None:
                    return first + 1
                played += count
    except DoesNotApply as error:
        raise Unplayed(str(error)) from None
    return None


def _first_broken(folder: Path, *, first: int, count: int) -> int | None:
    asked = ("--first", str(first), "--seeds", str(count), "--workers", "1")
    try:
        done = run_in(folder, "tests.simulation", *asked, within=SECONDS_AT_MOST)
    except subprocess.TimeoutExpired:
        raise Unplayed(f"it took more than {SECONDS_AT_MOST} s") from None
    if done.returncode == 0:
        return None
    found = BROKEN.search(done.stdout)
    if found is None:
        raise Unplayed(" ".join(done.stderr.strip().splitlines()[-1:]))
    return int(found[1])


def read_record(file: Path = RECORD) -> dict[str, int | None]:
    """By mutant, after how many seeds it was caught; None: not within those that were played."""
    if not file.exists():
        return {}
    with file.open(encoding="utf-8", newline="") as lines:
        return {name: int(seeds) if seeds else None for name, seeds in csv.reader(lines)}


def write_record(seeds_by_name: Mapping[str, int | None], file: Path = RECORD) -> None:
    """Keeps what `read_record` gives, by name."""
    with file.open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines, lineterminator="\n").writerows(
            (name, "" if seeds is None else seeds) for name, seeds in sorted(seeds_by_name.items())
        )
