"""Sources that post the whole time and insist until they are answered; what they were told is the truth."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from syncgate.sandbox.city.script import Life
from syncgate.sandbox.play.gate import Gate
from syncgate.sandbox.play.site import DemoError

THREADS = 6


@dataclass
class Load:
    """Begins lives at a rate until told to stop, and then ends those that it began.

    accepted: every life of which each call was answered 2xx. case_no_by_id: what those are at the gate.
    """

    gate: Gate
    lives: Iterator[Life]
    rate: float
    accepted: list[Life] = field(default_factory=list)
    case_no_by_id: dict[str, str] = field(default_factory=dict)
    call_count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _next_at: float = 0.0
    _running: list[Future[None]] = field(default_factory=list)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(THREADS, thread_name_prefix="source"))

    def start(self) -> None:
        """Posts from now on."""
        self._next_at = time.monotonic()
        self._running = [self._pool.submit(self._post) for _ in range(THREADS)]

    def check(self) -> None:
        """Raises DemoError where a source was told something else than that it is accepted."""
        for one in self._running:
            if one.done() and (error := one.exception()) is not None:
                raise error

    def stop(self) -> None:
        """Begins nothing more; returns when everything begun was answered. Raises DemoError as `check` does."""
        self._stopped.set()
        self._pool.shutdown(wait=True)
        self.check()

    def _post(self) -> None:
        while not self._stopped.wait(self._pause()):
            with self._lock:
                life = next(self.lives)
            self.live(life)

    def _pause(self) -> float:
        with self._lock:
            self._next_at = max(self._next_at, time.monotonic() - 1) + 1 / self.rate
            return max(0.0, self._next_at - time.monotonic())

    def live(self, life: Life) -> None:
        """Makes each call of a life. Raises DemoError where one is not accepted, or the case becomes two."""
        case_id = ""
        for call in life.calls:
            answer = self.gate.submit(call, case_id=case_id)
            if answer.status_code not in (200, 202):
                told = f"{answer.status_code} {answer.text[:500]}"
                raise DemoError(f"expected {call.method} {call.path} of {life.case_no} to be accepted, got {told}")
            told_id = str(answer.json()["case_id"])
            if case_id not in ("", told_id):
                raise DemoError(f"expected {life.case_no} to stay one case, got another id for {call.path}")
            case_id = told_id
        with self._lock:
            self.accepted.append(life)
            self.case_no_by_id[case_id] = life.case_no
            self.call_count += len(life.calls)
