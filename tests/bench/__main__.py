"""`python -m tests.bench`: rounds of every subject, ratios first; a wrong run is no figure and ends with 1."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench import gate, machine
from tests.bench.comparison import WrongRun
from tests.bench.end_to_end import Load, end_to_end
from tests.bench.measured import Measured, table
from tests.bench.targets import Targets

Subject = Callable[[Targets, Load], Measured]
COMPARED: tuple[tuple[str, str], ...] = ()


def sqlite(targets: Targets, load: Load) -> Measured:
    """The gate on SQLite, end to end."""
    with _folder() as folder, gate.running(folder, targets.ports) as running:
        return end_to_end(running, targets, load)


SUBJECTS: dict[str, Subject] = {"sqlite": sqlite}


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="syncgate-bench-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=(__doc__ or "").partition(":")[2])
    parser.add_argument("--rounds", type=int, default=3, help="how often each subject runs, in turn (default 3)")
    parser.add_argument("--cases", type=int, default=3000, help="cases of a run (default 3000)")
    parser.add_argument("--connections", type=int, default=64, help="posts under way at a time (default 64)")
    parser.add_argument("--only", default="", help=f"some of {','.join(SUBJECTS)}")
    asked = parser.parse_args()
    asked.only = asked.only.split(",") if asked.only else list(SUBJECTS)
    if unknown := [name for name in asked.only if name not in SUBJECTS]:
        parser.error(f"expected some of {', '.join(SUBJECTS)}, got {', '.join(unknown)}")
    return asked


def main() -> int:
    """0 where every run was right."""
    asked = _asked()
    load = Load(cases=asked.cases, connections=asked.connections)
    rounds: list[dict[str, Measured]] = []
    targets = Targets()
    try:
        for no in range(asked.rounds):
            rounds.append({})
            for name in asked.only:
                print(f"round {no + 1} of {asked.rounds}: {name}", file=sys.stderr)
                targets.forget()
                rounds[-1][name] = SUBJECTS[name](targets, load)
    except WrongRun as wrong:
        print(f"wrong run: {wrong}", file=sys.stderr)
        return 1
    finally:
        targets.close()
    print(table(rounds, COMPARED))
    print(f"\n{asked.cases} cases a run, {asked.connections} connections; {machine.description()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
