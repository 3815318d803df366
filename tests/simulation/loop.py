"""An event loop whose time is ours: it never waits, it goes to the next thing that is due."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

T = TypeVar("T")
BEGINNING: Final = datetime.fromisoformat("2026-04-30T01:02:03+00:00")


class _Leaping(selectors.SelectSelector):
    """Waits for nothing: the time that it was to wait has passed at once."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise StalledError("expected something that is due, got nothing: the simulation would wait for ever")
        self.passed += max(0.0, timeout)
        return []


class StalledError(Exception):
    """Nothing is due and nothing is ready."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs coroutines in virtual time, the same way every time."""

    def __init__(self) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)

    def time(self) -> float:
        """Seconds since the beginning."""
        return self._leaping.passed

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result. What it left running is dropped where it stands: a crash runs no clean-up."""
        try:
            return self.run_until_complete(main)
        finally:
            for task in asyncio.all_tasks(self):
                task._log_destroy_pending = False  # type: ignore[attr-defined]
            self.close()


class VirtualClock:
    """The loop's time as a date, off by what a jump of the clock made of it."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        """The time of day."""
        return BEGINNING + timedelta(seconds=self._loop.time()) + self.ahead
