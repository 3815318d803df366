"""Food posts a stage before its case: it waits, is listed, and joins once the case comes (story 6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from syncgate.sandbox.city import Life
from syncgate.sandbox.play.calls import Calls, Known
from syncgate.sandbox.play.gate import Gate
from syncgate.sandbox.play.processes import wait_for
from syncgate.sandbox.play.site import DemoError

SOURCE, WAITING = "food", "awaits_case"
JOINED_WITHIN = 30.0


class StageFirst:
    """Plays it with food's key and an operator's."""

    def __init__(self, calls: Calls, gate: Gate, lives: Sequence[Life]) -> None:
        self._calls, self._gate, self._lives = calls, gate, lives

    def run(self) -> int:
        """Each stage before its case, twice; how many waited. Raises DemoError where it does not hold."""
        known = [Known() for _ in self._lives]
        waiting = {self._early(life, one) for life, one in zip(self._lives, known, strict=True)}
        if len(waiting) != len(self._lives) or self._listed() != waiting:
            raise DemoError(
                f"expected {len(self._lives)} stages to wait, got {len(waiting)}, {len(self._listed())} listed"
            )
        for life, one in zip(self._lives, known, strict=True):
            self._calls.make(life, 0, one)
        wait_for("what waited to join its case", lambda: not self._listed(), within=JOINED_WITHIN, every=0.2)
        for life, one in zip(self._lives, known, strict=True):
            self._check_joined(life, one)
        return len(waiting)

    def _early(self, life: Life, known: Known) -> str:
        """What food's clerks typed in first, then the stage, whose case nobody has posted."""
        self._calls.type_in(life, 0, known)
        told = [self._calls.say_early(life, len(life.calls) - 1, known) for _ in range(2)]
        if {one["waits_for"] for one in told} != {f"{SOURCE}:{life.case_no}"}:
            raise DemoError(f"expected the stage of {life.case_no} to wait for its case, got {told}")
        if told[0]["arrival_id"] != told[1]["arrival_id"]:
            raise DemoError(f"expected a repeated stage of {life.case_no} to wait once, got two arrivals")
        return str(told[0]["arrival_id"])

    def _listed(self) -> set[str]:
        answer = self._gate.ask("GET", f"/v1/arrivals?source={SOURCE}")
        if not answer.is_success:
            raise DemoError(f"expected a list of arrivals, got {answer.status_code}: {answer.text[:500]}")
        return {one["arrival_id"] for one in answer.json()["arrivals"] if one["code"] == WAITING}

    def _check_joined(self, life: Life, known: Known) -> None:
        """The same once more says nothing new by now."""
        receipt: dict[str, Any] = self._calls.make(life, len(life.calls) - 1, known)
        if not receipt.get("unchanged"):
            raise DemoError(f"expected the stage of {life.case_no} to have joined its case, got it taken only now")


def tell(count: int) -> None:
    """What a reader of the demo is told."""
    print(f"stages that food posted before their cases: {count}; each waited, was listed, and joined its case once")
