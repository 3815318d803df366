"""Hand-over: sends that this process was granted ahead, so that a case just taken in needs no claim of its own.

A claim that comes back short leaves the rest of what it was admitted as a grant. The intake takes lanes from the
grant inside its own transaction, already leased, and gives them to the dispatcher after its commit. There is
never more under way than was granted, so the hand-over is bounded by the system's concurrency.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from syncgate.flows.delivering.work import Work

GRANTED_FOR = timedelta(seconds=1)
"""How long a grant is good: a pause elsewhere takes effect within this time (promise 9)."""


@dataclass(slots=True)
class _Spare:
    count: int
    until: datetime


class HandOver:
    """The grants of this process, and where the lanes taken from them go."""

    def __init__(self, owner: str) -> None:
        """Args: owner: names this process in leases and grants."""
        self.owner = owner
        self._lock = threading.Lock()
        self._spare: dict[str, _Spare] = {}
        self._receive: Callable[[Sequence[Work]], None] | None = None

    def connect(self, receive: Callable[[Sequence[Work]], None]) -> None:
        """Names who takes the lanes; without one nothing is ever taken."""
        self._receive = receive

    def refill(self, system: str, count: int, until: datetime) -> None:
        """Notes a new grant; the one before it is gone."""
        with self._lock:
            self._spare[system] = _Spare(count, until)

    def take(self, system: str, *, now: datetime) -> bool:
        """Uses up one send of the grant, if there is one and it is still good."""
        with self._lock:
            spare = self._spare.get(system)
            if self._receive is None or spare is None or spare.count < 1 or now >= spare.until:
                return False
            spare.count -= 1
            return True

    def drain(self, system: str) -> int:
        """Ends the grant: on a pause, on an opened breaker, before the next claim. Gives what was left of it."""
        with self._lock:
            spare = self._spare.pop(system, None)
            return spare.count if spare is not None else 0

    def deliver(self, works: Sequence[Work]) -> None:
        """Gives lanes to the dispatcher, after the commit that leased them."""
        if works and self._receive is not None:
            self._receive(works)
