"""Posts the city: every life's calls in order, many lives at once, each call when its time has come."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from syncgate.sandbox.city import City, Gate, Life
from syncgate.sandbox.play.calls import Calls, Known
from syncgate.sandbox.play.gate import Gate as GateClient
from syncgate.sandbox.play.site import DemoError

GATE_POLL = 1.5


@dataclass(order=True)
class Turn:
    """The next call of a life, and when to try it."""

    due_at: float
    number: int
    life: Life = field(compare=False)
    next_call: int = field(default=0, compare=False)
    known: Known = field(default_factory=Known, compare=False)


class Posting:
    """Runs until every call was made and answered as the script says."""

    def __init__(self, gate: GateClient, calls: Calls, city: City, *, spread: float, threads: int = 8) -> None:
        self._gate, self._calls, self._city, self._threads = gate, calls, city, threads
        self._condition = threading.Condition()
        self._problem: Exception | None = None
        self._until = 0.0
        now = time.monotonic()
        step = spread / max(1, len(city.lives))
        self._turns = [Turn(now + step * number, number, life) for number, life in enumerate(city.lives)]
        heapq.heapify(self._turns)
        self._open_count = len(self._turns)

    @property
    def open_count(self) -> int:
        """Lives that still have calls to make."""
        return self._open_count

    def run(self, *, until: float) -> None:
        """Post everything. Raises DemoError on an answer that the script does not allow, and when it is late."""
        self._until = until
        for call in self._city.refused:
            self._calls.refuse(call)
        with ThreadPoolExecutor(self._threads, thread_name_prefix="source") as pool:
            for future in [pool.submit(self._work) for _ in range(self._threads)]:
                future.result()

    def abort(self, problem: Exception) -> None:
        """Let every thread end; the problem is raised by `run`."""
        with self._condition:
            self._problem = self._problem or problem
            self._condition.notify_all()

    def _work(self) -> None:
        while (turn := self._take()) is not None:
            try:
                self._play(turn)
            except Exception as error:
                self.abort(error)
                raise

    def _take(self) -> Turn | None:
        with self._condition:
            while self._open_count:
                if self._problem is not None:
                    raise DemoError(f"posting stopped: {self._problem}")
                if time.monotonic() > self._until:
                    raise DemoError(f"expected every call to be made in time, got {self._open_count} cases open")
                wait = self._turns[0].due_at - time.monotonic() if self._turns else 1.0
                if wait <= 0:
                    return heapq.heappop(self._turns)
                self._condition.wait(min(wait, 1.0))
        return None

    def _put_back(self, turn: Turn, *, after: float) -> None:
        turn.due_at = time.monotonic() + after
        with self._condition:
            heapq.heappush(self._turns, turn)
            self._condition.notify()

    def _play(self, turn: Turn) -> None:
        call = turn.life.calls[turn.next_call]
        if not self._is_open(call.after, turn.known.case_id):
            self._put_back(turn, after=GATE_POLL)
            return
        self._calls.make(turn.life, turn.next_call, turn.known)
        turn.next_call += 1
        if turn.next_call < len(turn.life.calls):
            self._put_back(turn, after=0.0)
            return
        with self._condition:
            self._open_count -= 1
            self._condition.notify_all()

    def _is_open(self, gates: Sequence[Gate], case_id: str) -> bool:
        return not gates or is_open(gates, self._gate.deliveries(case=case_id))


def is_open(gates: Sequence[Gate], deliveries: Sequence[dict[str, Any]]) -> bool:
    """Whether everything that a call waits for is so, given all deliveries of its case."""
    return all(_stands(gate, deliveries) for gate in gates)


def _stands(gate: Gate, deliveries: Sequence[dict[str, Any]]) -> bool:
    """All of the message's deliveries are settled, and one stands in the phase that is waited for."""
    phases = {
        delivery["phase"]
        for delivery in deliveries
        if (delivery["system"], delivery["message"]) == (gate.system, gate.message)
    }
    return gate.phase in phases and phases <= {gate.phase, "delivered", "cancelled"}
