"""Where the time of the gate's process goes: sampled from outside while it is under load, told by step."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import machine
from tests.bench.environments import NotThere, environment

PY_SPY = "py-spy>=0.4,<0.5"
RATE = 200
STARTS_WITHIN = 2.0
"""Seconds until py-spy has found its way about the process."""

_FRAME = re.compile(r"^(?P<function>.+) \((?P<file>[^()]+?)(?::\d+)?\)$")
_WAITING = re.compile(
    r"^(_worker \(concurrent/futures/thread|wait \(threading|Condition.wait \(threading|select )|Selector.select"
)
_OWNERS = (
    ("intake", ("syncgate/flows/accepting/",)),
    (
        "claim",
        tuple(f"syncgate/flows/delivering/{name}" for name in ("claim", "admitting", "serving", "held", "hand_over")),
    ),
    (
        "settle",
        tuple(f"syncgate/flows/delivering/{name}" for name in ("settle", "breaking", "evidence", "own_number")),
    ),
    ("map", ("syncgate/flows/delivering/mapping",)),
    ("send", ("syncgate/flows/delivering/", "syncgate/transports/")),
    ("HTTP in", ("syncgate/web/", "uvicorn/", "starlette/", "fastapi/")),
)
"""Whose work a stack is: the innermost frame that fits."""
_SHELLS = (("writer", ("syncgate/storage/",)), ("event loop", ("asyncio/", "uvloop/")))
"""Whose it is where nobody in particular asked for it."""
_STEPS = (
    ("seal", ("syncgate/storage/sealing",)),
    ("evidence", ("syncgate/transports/rest/evidence", "syncgate/storage/rows/evidence")),
    ("rows", ("syncgate/storage/",)),
    ("send", ("syncgate/transports/",)),
    ("contract", ("syncgate/site/contract",)),
    ("validate", ("syncgate/site/canonical", "syncgate/domain/rules")),
    (
        "plan",
        ("syncgate/flows/replan", "syncgate/flows/lane", "syncgate/domain/", "syncgate/site/", "syncgate/mapping/"),
    ),
)
"""What is done in a stack: the innermost frame that fits; none: the owner's own."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Samples of stacks, from the outermost frame inwards, and the CPU of each kind of thread meanwhile."""

    samples: Mapping[tuple[str, ...], int]
    cpu_by_thread: Mapping[str, float] = field(default_factory=dict)

    def by_step(self) -> Counter[str]:
        """How many samples fell to each step."""
        counts: Counter[str] = Counter()
        for stack, count in self.samples.items():
            counts[step_of(stack)] += count
        return counts

    def by_self(self) -> Counter[str]:
        """How many samples each function was innermost in."""
        counts: Counter[str] = Counter()
        for stack, count in self.samples.items():
            counts[_function(stack[-1])] += count
        return counts

    def by_whole(self) -> Counter[str]:
        """How many samples each function of ours was anywhere in."""
        counts: Counter[str] = Counter()
        for stack, count in self.samples.items():
            for function in {_function(frame) for frame in stack if "(syncgate/" in frame}:
                counts[function] += count
        return counts


def step_of(stack: Sequence[str]) -> str:
    """Which step of a case's way a stack belongs to, such as `settle: rows`."""
    if _is_in(stack[-1], "commit", "storage/engine"):
        return "commit"
    owner, place = _innermost(stack, _OWNERS) or _innermost(stack, _SHELLS) or ("other", 0)
    step, _ = _innermost(stack[place:], _STEPS) or (owner, 0)
    if step == "rows" and ("<lambda>" in stack[-1] or _is_in(stack[-1], "each", "storage/engine")):
        step = "SQL"
    if step == owner or (owner, step) == ("map", "plan"):
        return owner
    return step if step in ("validate", "contract") else f"{owner}: {step}"


def read(lines: Iterable[str]) -> dict[tuple[str, ...], int]:
    """The samples of py-spy's raw format, without those of threads that only wait."""
    samples: dict[tuple[str, ...], int] = {}
    for line in lines:
        frames, _, count = line.rstrip("\n").rpartition(" ")
        stack = tuple(frames.split(";"))
        if frames and not _WAITING.search(stack[-1]):
            samples[stack] = samples.get(stack, 0) + int(count)
    return samples


def told(profile: Profile, *, cases: int) -> str:
    """The profile as text. cases: how many were served meanwhile."""
    total = sum(profile.samples.values())
    lines = ["CPU µs a case, by thread"]
    lines += [f"{1e6 * seconds / cases:>8,.0f}  {name}" for name, seconds in _most(profile.cpu_by_thread)]
    tables: tuple[tuple[str, Counter[str], int], ...] = (
        ("% of samples, by step", profile.by_step(), 30),
        ("% of samples, by function, itself", profile.by_self(), 25),
        ("% of samples, by function of ours, with all that it calls", profile.by_whole(), 40),
    )
    for title, counts, most in tables:
        lines += ["", title]
        lines += [f"{100 * count / total:>8.1f}  {name}" for name, count in counts.most_common(most)]
    return "\n".join(lines)


class Sampling:
    """Samples a process for the length of a block, at some cost to it."""

    def __init__(self, pid: int, folder: Path) -> None:
        """Args: folder: where the samples are kept meanwhile. Raises NotThere."""
        self._pid, self._raw = pid, folder / "samples"
        self._command = [str(environment("py-spy", PY_SPY) / "py-spy"), "record", "--pid", str(pid)]
        self._command += ["--format", "raw", "--rate", str(RATE), "--duration", "3600", "--output", str(self._raw)]
        self._said = ""

    def __enter__(self) -> None:
        self._before = machine.cpu_by_thread(self._pid)
        self._spy = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        time.sleep(STARTS_WITHIN)

    def __exit__(self, *_: object) -> None:
        after = machine.cpu_by_thread(self._pid)
        self._spent = {name: now - self._before.get(name, 0.0) for name, now in after.items()}
        self._spy.send_signal(signal.SIGINT)
        self._said = self._spy.communicate()[1]

    def profile(self) -> Profile:
        """What was sampled, once the block is over. Raises NotThere."""
        if not self._raw.exists():
            raise NotThere(f"expected py-spy to sample, got {self._said[-500:]}")
        with self._raw.open(encoding="utf-8") as lines:
            return Profile(read(lines), self._spent)


def _innermost(stack: Sequence[str], named: Sequence[tuple[str, tuple[str, ...]]]) -> tuple[str, int] | None:
    """The name of the innermost frame that has one, and its place."""
    for place in range(len(stack) - 1, -1, -1):
        for name, files in named:
            if any(f"({file}" in stack[place] for file in files):
                return name, place
    return None


def _is_in(frame: str, function: str, file: str) -> bool:
    found = _FRAME.match(frame)
    return found is not None and found["function"].endswith(function) and file in found["file"]


def _function(frame: str) -> str:
    found = _FRAME.match(frame)
    return f"{found['function']} ({found['file']})" if found else frame


def _most(values: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(values.items(), key=lambda item: -item[1])
