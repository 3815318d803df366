"""A parser under fuzz: where its input comes from, what may come of it, and how long that may take."""

from __future__ import annotations

import hashlib
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

FOUND: Final = Path(__file__).parent / "found"
"""Inputs that once were findings; each is a regression case of its target."""
CPU_AT_MOST: Final = 20.0
"""Seconds of one input, generous for a busy machine: what is quadratic takes minutes."""


class TookTooLong(BaseException):
    """One input kept the processor for longer than any honest one does."""


class _TimeUp(BaseException):
    """No more inputs are wanted."""


@dataclass(frozen=True, slots=True)
class Target:
    """One parser.

    Attributes:
        name: also of its folder of regression cases.
        inputs: hostile ones.
        judge: gives an input to the parser; raises whatever no input may cause.
    """

    name: str
    inputs: Callable[[], st.SearchStrategy[bytes]]
    judge: Callable[[bytes], None]


@dataclass(slots=True)
class Tally:
    """What a target came to. finding: what went wrong; content: the least input that shows it."""

    examples: int = 0
    finding: str = ""
    content: bytes = b""


@contextmanager
def within_time(seconds: float) -> Iterator[None]:
    """Raises TookTooLong in the block once it has used so much of the processor."""

    def late(_number: int, _frame: FrameType | None) -> None:
        raise TookTooLong

    before = signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def judged(target: Target, content: bytes) -> None:
    """One input. Raises what it may not cause."""
    with within_time(CPU_AT_MOST):
        target.judge(content)


def tried(target: Target, *, number: int, examples: int, until: float | None = None) -> Tally:
    """So many inputs, or fewer where the time is up.

    Args:
        number: of the draw: the same gives the same inputs.
        until: on the monotonic clock.
    """
    tally = Tally()

    @seed(number)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(target.inputs())
    def try_one(content: bytes) -> None:
        if until is not None and time.monotonic() > until and not tally.content:
            raise _TimeUp
        tally.examples += 1
        try:
            judged(target, content)
        except BaseException:
            tally.content = content
            raise

    try:
        try_one()
    except _TimeUp:
        pass
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        tally.finding = f"{type(error).__name__}: {str(error)[:500]}"
    return tally


def keep(target: Target, content: bytes) -> Path:
    """Writes a finding's input where it is a regression case from then on."""
    folder = FOUND / target.name
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / hashlib.sha256(content).hexdigest()[:16]
    file.write_bytes(content)
    return file


def kept(target: Target) -> list[Path]:
    """The regression cases of a target."""
    return sorted((FOUND / target.name).glob("*"))
