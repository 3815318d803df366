"""Posts the city: every life's calls in order, many lives at once, each call when its time has come."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx

from syncgate.sandbox.city import Call, City, Gate, Life
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
    case_id: str = field(default="", compare=False)


class Posting:
    """Runs until every call was made and answered as the script says."""

    def __init__(self, gate: GateClient, city: City, *, spread: float, threads: int = 8) -> None:
        self._gate, self._city, self._threads = gate, city, threads
        self._condition = threading.Condition()
        self._problem: Exception | None = None
        self.case_no_by_id: dict[str, str] = {}
        self._until = 0.0
        self.call_count = 0
        self.repeat_count = 0
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
            self._check_refusal(call, self._gate.submit(call, case_id=""))
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
        if not self._is_open(call.after, turn.case_id):
            self._put_back(turn, after=GATE_POLL)
            return
        self._make(turn, call)
        turn.next_call += 1
        if turn.next_call < len(turn.life.calls):
            self._put_back(turn, after=0.0)
            return
        with self._condition:
            self._open_count -= 1
            self._condition.notify_all()

    def _is_open(self, gates: Sequence[Gate], case_id: str) -> bool:
        if not gates:
            return True
        deliveries = self._gate.deliveries(case=case_id)
        return all(_stands(gate, deliveries) for gate in gates)

    def _make(self, turn: Turn, call: Call) -> None:
        first: dict[str, Any] | None = None
        for _ in range(call.times):
            answer = self._gate.submit(call, case_id=turn.case_id)
            if answer.status_code not in (200, 202):
                told = f"{answer.status_code} {answer.text[:500]}"
                raise DemoError(f"expected {call.method} {call.path} to be accepted, got {told}")
            receipt = answer.json()
            if first is not None:
                self.repeat_count += 1
                _check_same(first, receipt)
            first = first or receipt
            self.call_count += 1
        if first is not None:
            turn.case_id = first["case_id"]
            self.case_no_by_id[turn.case_id] = turn.life.case_no

    def _check_refusal(self, call: Call, answer: httpx.Response) -> None:
        if not 400 <= answer.status_code < 500:
            raise DemoError(f"expected a refusal naming {call.refused_at}, got {answer.status_code}")
        named = {entry.get("pointer") for entry in answer.json().get("errors", ())}
        if missed := set(call.refused_at) - named:
            raise DemoError(f"expected the problem to name {sorted(missed)}, got {sorted(map(str, named))}")


def _stands(gate: Gate, deliveries: Sequence[dict[str, Any]]) -> bool:
    """All of the message's deliveries are settled, and one stands in the phase that is waited for."""
    phases = {
        delivery["phase"]
        for delivery in deliveries
        if (delivery["system"], delivery["message"]) == (gate.system, gate.message)
    }
    return gate.phase in phases and phases <= {gate.phase, "delivered", "cancelled"}


def _check_same(first: dict[str, Any], again: dict[str, Any]) -> None:
    for name in ("case_id", "case_no", "revision"):
        if first[name] != again[name]:
            raise DemoError(f"expected a repeated call to answer the same {name}, got another")
