"""The part of story 5 that needs everybody at the same time: food is paused, and both sources post."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from syncgate.sandbox.city import Call, City, Life
from syncgate.sandbox.city.script import Json
from syncgate.sandbox.play.calls import Calls, Known
from syncgate.sandbox.play.gate import Gate
from syncgate.sandbox.play.race import Outcome, Poster, defects, race
from syncgate.sandbox.play.site import DemoError

PAUSE = {"reason": "食品系统升级，暂停推送"}
RESUME = {"reason": "食品系统恢复"}
PAUSED_WITHIN = 1.0
"""Seconds after which every process of the gate has stopped sending."""
POST_COUNT = 1000


class TwoSources:
    """Plays it on a gate of one or more addresses, with the window's key and food's."""

    def __init__(
        self, calls: Calls, gate: Gate, city: City, *, base_urls: Sequence[str], keys: Mapping[str, str]
    ) -> None:
        self._calls, self._gate, self._city = calls, gate, city
        self._base_urls, self._keys = base_urls, keys
        self.outcome: Outcome | None = None

    def run(self) -> None:
        """Pause food, let both sources post, resume. Raises DemoError on any answer that should not be."""
        self._ask("pause", PAUSE)
        time.sleep(PAUSED_WITHIN)
        try:
            for life in self._city.while_paused:
                known = Known()
                for number in range(len(life.calls)):
                    self._calls.make(life, number, known)
            for life in self._city.at_once:
                self._at_once(life)
            if self._city.race is not None:
                self.outcome = self._race(self._city.race)
        finally:
            self._ask("resume", RESUME)

    def check(self) -> None:
        """One case, one delivery per slot, and each number of a case names it; to be asked once all is settled.

        Raises:
            DemoError: it is not so.
        """
        if self.outcome is not None:
            (case_id, *_) = self.outcome.case_ids
            if found := defects(self.outcome, self._gate.deliveries(case=case_id)):
                raise DemoError("expected the race to end as one case:\n" + "\n".join(found))
        for case_id, numbers in self._calls.numbers_by_id.items():
            if len(numbers) > 1:
                for source, number in numbers.items():
                    self._check_number(source, number, case_id)

    @property
    def joined_count(self) -> int:
        """Cases that both sources know by a number of their own."""
        return sum(len(numbers) > 1 for numbers in self._calls.numbers_by_id.values())

    def _ask(self, what: str, body: Mapping[str, str]) -> None:
        answer = self._gate.ask("POST", f"/v1/systems/food/{what}", json=body)
        if not answer.is_success:
            raise DemoError(f"expected food to {what}, got {answer.status_code}: {answer.text[:500]}")

    def _at_once(self, life: Life) -> None:
        """Both calls of a life at once; what food says was typed in before."""
        known = [Known() for _ in life.calls]
        for number in range(len(life.calls)):
            self._calls.type_in(life, number, known[number])
        barrier = threading.Barrier(len(life.calls))

        def post(number: int) -> None:
            barrier.wait(10)
            self._calls.make(life, number, known[number])

        with ThreadPoolExecutor(len(life.calls)) as pool:
            list(pool.map(post, range(len(life.calls))))
        if len({one.case_id for one in known}) != 1:
            raise DemoError(f"expected both posts of {life.case_no} to be of one case, got two cases")

    def _race(self, life: Life) -> Outcome:
        """Half of the posts from each source; the window names food's number in every second one."""
        for number in range(len(life.calls)):
            self._calls.type_in(life, number, Known())
        count = POST_COUNT // len(life.calls)
        outcome = race(
            [
                Poster(call.source, self._keys[call.source], _bodies(life, call), self._base_urls, count)
                for call in life.calls
            ]
        )
        for case_id in outcome.case_ids:
            self._calls.case_no_by_id[case_id] = life.case_no
            self._calls.numbers_by_id[case_id] = {call.source: call.body["case_no"] for call in life.calls}
        return outcome

    def _check_number(self, source: str, number: str, case_id: str) -> None:
        answer = self._gate.ask("GET", f"/v1/cases/{source}:{number}")
        if not answer.is_success or answer.json()["case"]["case_id"] != case_id:
            told = answer.status_code if not answer.is_success else "another case"
            raise DemoError(f"expected {source}:{number} to name case {case_id}, got {told}")


def _bodies(life: Life, call: Call) -> list[Json]:
    """Food always names the window's number, the window food's in every second post."""
    if call.source == "food":
        return [call.body]
    return [call.body, call.body | {"references": {"food": life.or_no}}]
