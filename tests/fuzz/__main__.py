"""`python -m tests.fuzz --minutes 60`: every target for its share; exit code 1 where anything was found."""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.fuzz.parsers import TARGETS
from tests.fuzz.target import keep, kept, tried

MEMORY_MORE: Final = 1024**3
"""Bytes of address space that inputs may take beyond what the process had before the first."""
SLICE: Final = 200
"""Examples of one draw; the next begins elsewhere."""
SETTLE: Final = 300.0
"""Seconds that a child may take to shrink what it found."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a target came to, as the child tells it."""

    name: str
    examples: int
    seconds: float
    cpu_seconds: float
    finding: str = ""
    kept: str = ""


def fuzz(name: str, *, seconds: float, seed: int) -> Line:
    """One target in this process, until its time is up or something is found."""
    target = TARGETS[name]
    limit = _address_space() + MEMORY_MORE
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    began, used, count, number = time.monotonic(), time.process_time(), 0, seed
    until = began + seconds
    while time.monotonic() < until:
        tally = tried(target, number=number, examples=SLICE, until=until)
        count, number = count + tally.examples, number + 1
        if tally.finding:
            file = keep(target, tally.content)
            return Line(name, count, time.monotonic() - began, time.process_time() - used, tally.finding, str(file))
    return Line(name, count, time.monotonic() - began, time.process_time() - used)


def _address_space() -> int:
    """Bytes of address space that this process has now."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()


def child(name: str, *, seconds: float, seed: int) -> Line:
    """One target in a process of its own, whose memory is bounded; a crash of it is a finding."""
    forking = multiprocessing.get_context("fork")
    receiving, sending = forking.Pipe(duplex=False)
    process = forking.Process(target=lambda: sending.send(fuzz(name, seconds=seconds, seed=seed)))
    process.start()
    sending.close()
    try:
        if not receiving.poll(seconds * 3 + SETTLE):
            process.kill()
            return Line(name, 0, seconds, 0.0, "the process hangs")
        line: Line = receiving.recv()
    except EOFError:
        process.join()
        return Line(name, 0, seconds, 0.0, f"the process ended with {process.exitcode}")
    process.join()
    return line


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="for all targets together")
    parser.add_argument("--only", action="append", default=[], help="a target; may come several times")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    return _all(given.only or list(TARGETS), seconds=given.minutes * 60, seed=given.seed)


def _all(names: list[str], *, seconds: float, seed: int) -> int:
    print(f"seed {seed}, {len(names)} targets, {seconds / len(names):.1f} s each", flush=True)
    lines = []
    for name in names:
        line = child(name, seconds=seconds / len(names), seed=seed)
        lines.append(line)
        told = line.finding and f"{line.finding}\n    {line.kept}"
        spent = f"{line.seconds:>7.1f} s {line.cpu_seconds:>7.1f} s of CPU"
        print(f"{name:28}{line.examples:>9} examples {spent}  {told or '-'}", flush=True)
    found = [line for line in lines if line.finding]
    again = sum(len(kept(TARGETS[name])) for name in names)
    total = sum(line.examples for line in lines)
    minutes, used = (sum(getattr(line, at) for line in lines) / 60 for at in ("seconds", "cpu_seconds"))
    print(f"{total:,} examples of {len(names)} targets in {minutes:.1f} min, {used:.1f} of them on a processor")
    print(f"{len(found)} findings, {again} inputs kept as cases")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
