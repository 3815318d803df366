"""`make simulate SEEDS=n`: plays that many seeds, each with its own faults, and tells of every promise that broke."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import structlog

from tests.simulation.plot import plot
from tests.simulation.run import Played, played, shrunk

CHUNK = 20
"""Seeds that a process plays at a time."""


def _chunk(first: int, count: int) -> tuple[int, list[Played]]:
    """How many deliveries these seeds made, and which of them broke a promise."""
    quiet()
    runs = [played(plot(seed)) for seed in range(first, first + count)]
    return sum(run.deliveries for run in runs), [run for run in runs if run.violations]


def quiet() -> None:
    """Warnings of the gate are expected here by the thousand, and so are coroutines that died with their process."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    sys.unraisablehook = lambda _: None


def _all(first: int, count: int, workers: int) -> Iterator[tuple[int, int, list[Played]]]:
    starts = range(first, first + count, CHUNK)
    sizes = [min(CHUNK, first + count - start) for start in starts]
    with ProcessPoolExecutor(workers) as pool:
        for size, (deliveries, broken) in zip(sizes, pool.map(_chunk, starts, sizes), strict=True):
            yield size, deliveries, broken


def _told(run: Played) -> str:
    """A failing run as a short story that a person can follow."""
    small = shrunk(run)
    lines = [f"seed {run.plot.seed} breaks: {', '.join(run.violations)}", f"shrunk to: {small.plot}", *small.story]
    return "\n".join([*lines, *(f"  broken: {line}" for line in small.violations)])


def main() -> int:
    """0 where every promise held."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    quiet()
    broken: list[Played] = []
    began, done, deliveries = time.monotonic(), 0, 0
    for size, made, found in _all(asked.first, asked.seeds, asked.workers):
        done, deliveries, broken = done + size, deliveries + made, [*broken, *found]
        if sys.stderr.isatty() or done % 1000 < CHUNK:
            rate = done / (time.monotonic() - began)
            sys.stderr.write(f"{done} seeds, {deliveries} deliveries, {len(broken)} broken, {rate:.1f} seeds/s\n")
    for run in broken[:1]:
        sys.stdout.write(f"{_told(run)}\n")
    seeds = ", ".join(str(run.plot.seed) for run in broken[:20])
    rate = done / (time.monotonic() - began)
    verdict = f"{len(broken)} broke a promise: {seeds}" if broken else "every promise held"
    sys.stdout.write(f"{done} seeds, {deliveries} deliveries, {rate:.1f} seeds/s: {verdict}\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
