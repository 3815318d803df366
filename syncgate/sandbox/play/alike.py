"""Two calls with the same text are two orders; a person merges the pair, or says that they are two (story 9)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from syncgate.sandbox.city import Life
from syncgate.sandbox.city.alike import HELD, AlikePair
from syncgate.sandbox.play.calls import Calls, Known
from syncgate.sandbox.play.gate import Gate
from syncgate.sandbox.play.posting import is_open
from syncgate.sandbox.play.processes import wait_for
from syncgate.sandbox.play.site import DemoError

SYSTEM = "workorders"
PAUSED_WITHIN = 1.0
TAKES = 60.0
APART = "两位来电人，两处工地"
Pair = tuple[str, str]
"""The ids of two cases, the later one first."""


@dataclass(frozen=True, slots=True)
class Decided:
    """Pairs that were listed, by what a person made of them."""

    merged_count: int
    apart_count: int


class Alike:
    """Plays it with the window's key and an operator's."""

    def __init__(self, calls: Calls, gate: Gate, pairs: Sequence[AlikePair]) -> None:
        self._calls, self._gate, self._pairs = calls, gate, pairs
        self._known = {life.case_no: Known() for pair in pairs for life in (pair.earlier, pair.later)}

    def run(self) -> Decided:
        """Every pair posted, listed and decided about. Raises DemoError where it does not hold."""
        held = [pair for pair in self._pairs if pair.how != "unsent"]
        unsent = [pair for pair in self._pairs if pair.how == "unsent"]
        self._post(held)
        for pair in held:
            self._wait_until_held(pair.earlier)
            self._wait_until_held(pair.later)
        self._decide(held)
        self._ask("POST", f"/v1/systems/{SYSTEM}/pause", {"reason": "话务工单系统维护"})
        time.sleep(PAUSED_WITHIN)
        try:
            self._post(unsent)
            self._decide(unsent)
        finally:
            self._ask("POST", f"/v1/systems/{SYSTEM}/resume", {"reason": "维护结束"})
        for pair in self._pairs:
            self._go_on(pair)
        apart = sum(pair.how == "apart" for pair in self._pairs)
        return Decided(len(self._pairs) - apart, apart)

    def check(self) -> None:
        """None of them is listed any more, and each merged number names the survivor. Raises DemoError."""
        if still := self._listed().keys() & {self._ids(pair) for pair in self._pairs}:
            raise DemoError(f"expected no decided pair to be listed, got {len(still)}")
        for pair in self._pairs:
            survivor = pair.later if pair.how == "apart" else pair.earlier
            told = self._ask("GET", f"/v1/cases/window:{pair.later.case_no}")["case"]["case_id"]
            if told != self._id(survivor):
                raise DemoError(f"expected window:{pair.later.case_no} to name {self._id(survivor)}, got {told}")

    def _post(self, pairs: Sequence[AlikePair]) -> None:
        for pair in pairs:
            for life in (pair.earlier, pair.later):
                self._make(life, 0)
            if self._id(pair.earlier) == self._id(pair.later):
                raise DemoError(f"expected two cases of two calls, got one: {pair.later.case_no}")

    def _decide(self, pairs: Sequence[AlikePair]) -> None:
        """What is listed is decided about; what is not listed nobody could have known."""
        listed = self._listed()
        for pair in pairs:
            if not {"text", "location"} <= listed.get(self._ids(pair), set()):
                raise DemoError(f"expected {pair.later.case_no} to be listed as like {pair.earlier.case_no}")
            if pair.how == "apart":
                self._ask("POST", "/v1/duplicates:dismiss", {"cases": list(self._ids(pair)), "reason": APART})
            else:
                self._merge(pair)

    def _merge(self, pair: AlikePair) -> None:
        merge = pair.later.calls[1]
        receipt = self._ask(merge.method, merge.path.replace("{case}", self._id(pair.later)), merge.body)
        if receipt["case_id"] != self._id(pair.earlier):
            raise DemoError(f"expected {pair.earlier.case_no} to survive, got another case")

    def _go_on(self, pair: AlikePair) -> None:
        """What is said by the number that ended is said of the survivor."""
        for number in range(1, len(pair.earlier.calls)):
            self._wait_until_held(pair.earlier)
            self._make(pair.earlier, number)

    def _make(self, life: Life, number: int) -> None:
        self._calls.make(life, number, self._known[life.case_no])

    def _wait_until_held(self, life: Life) -> None:
        is_held = lambda: is_open(HELD, self._gate.deliveries(case=self._id(life)))  # noqa: E731
        wait_for(f"{life.case_no} to be held", is_held, within=TAKES, every=0.2)

    def _listed(self) -> dict[Pair, set[str]]:
        found: dict[Pair, set[str]] = {}
        path = "/v1/duplicates?limit=200"
        while path:
            page = self._ask("GET", path)
            for one in page["pairs"]:
                found[one["case"]["case_id"], one["other"]["case_id"]] = set(one["alike"])
            path = f"/v1/duplicates?limit=200&cursor={page['next']}" if page["next"] else ""
        return found

    def _ids(self, pair: AlikePair) -> Pair:
        return self._id(pair.later), self._id(pair.earlier)

    def _id(self, life: Life) -> str:
        return self._known[life.case_no].case_id

    def _ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        answer = self._gate.ask(method, path, json=body)
        if not answer.is_success:
            raise DemoError(f"expected {method} {path} to be done, got {answer.status_code}: {answer.text[:500]}")
        told: dict[str, Any] = answer.json()
        return told


def tell(decided: Decided) -> None:
    """What a reader of the demo is told."""
    print(f"two calls with the same text, listed as likely duplicates: {decided.merged_count} pairs merged by a person")
    print(f"  {decided.apart_count} pairs are two, says a person; none is listed any more")
