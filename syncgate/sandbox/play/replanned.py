"""A mapping made calendar days of working days, and all was taken; it is mended, and sent anew at night (story 11)."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncgate.sandbox.city import Life
from syncgate.sandbox.city.places import TASK_CODE
from syncgate.sandbox.city.wrong_days import HELD, PROMISED, WRONG_DAYS
from syncgate.sandbox.play.calls import Calls, Known
from syncgate.sandbox.play.gate import Gate
from syncgate.sandbox.play.given_back import FOLLOWED_WITHIN, Command
from syncgate.sandbox.play.posting import is_open
from syncgate.sandbox.play.processes import wait_for
from syncgate.sandbox.play.site import DemoError

SYSTEM, MESSAGE = "food", "application"
MAPPING = "mappings/food/application.yaml"
RIGHT = "  promiseDays: {number: case.limits.promise.value, as: integer}\n"
WRONG = f"""  promiseDays:
    choose:
      - {{when: {{equals: [case.limits.promise.value, {{const: {PROMISED}}}]}}, then: {{const: {WRONG_DAYS}}}}}
    otherwise: {{number: case.limits.promise.value, as: integer}}
"""
EXAMPLES = (f"      promiseDays: {PROMISED}\n", f"      promiseDays: {WRONG_DAYS}\n")
"""What the mapping's own examples say, and what whoever got it wrong made of that."""
REASON = "承诺时限按自然日推送，应为工作日"
HELD_BACK_FOR = 1.5
WITHIN = 120.0
THREADS = 6


@dataclass(frozen=True, slots=True)
class Replanned:
    """What came of it: how many the dry run said differ, and how many waited for the night."""

    differing_count: int
    waited_count: int


class WrongDays:
    """Plays it on a food that has everything else; `site` is the gate's own folder."""

    def __init__(
        self, calls: Calls, gate: Gate, integrator: Gate, lives: Sequence[Life], *, command: Command, site: Path
    ) -> None:
        self._calls, self._gate, self._integrator = calls, gate, integrator
        self._lives, self._command, self._mapping = lives, command, site / MAPPING
        self._known = {life.case_no: Known() for life in lives}

    def run(self) -> Replanned:
        """From the wrong mapping to the last record that is right. Raises DemoError where it does not hold."""
        right = self._mapping.read_text("utf-8")
        if RIGHT not in right or EXAMPLES[0] not in right:
            raise DemoError(f"expected {MAPPING} to say what this story gets wrong, got another text")
        self._deploy(right.replace(RIGHT, WRONG).replace(*EXAMPLES))
        self._post()
        self._deploy(right)
        if waiting := self._waiting():
            raise DemoError(f"expected a deployment to send nothing by itself, got {len(waiting)} deliveries")
        told = self._replan(is_dry=True)
        if (told["differing"], told["sent"]) != (len(self._lives),) * 2:
            raise DemoError(f"expected exactly {len(self._lives)} cases to differ, got {told}")
        waited = self._send_at_night()
        return Replanned(told["differing"], waited)

    def _deploy(self, text: str) -> None:
        self._mapping.write_text(text, "utf-8")
        answer = self._integrator.ask("POST", "/v1/deployments")
        if not answer.is_success or {one["system"] for one in answer.json()["changed"]} != {SYSTEM}:
            raise DemoError(f"expected a deployment of {SYSTEM} alone, got {answer.status_code}: {answer.text[:500]}")
        time.sleep(FOLLOWED_WITHIN)

    def _post(self) -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda life: self._calls.make(life, 0, self._known[life.case_no]), self._lives))
        wait_for("what was posted to be held", self._are_held, within=WITHIN, every=0.5)

    def _are_held(self) -> bool:
        return not self._waiting() and all(
            is_open(HELD, self._gate.deliveries(case=known.case_id, system=SYSTEM)) for known in self._known.values()
        )

    def _replan(self, *, is_dry: bool) -> dict[str, Any]:
        said = ["replan", SYSTEM, "--item", TASK_CODE, "--message", MESSAGE, "--reason", REASON, "--json"]
        told: dict[str, Any] = json.loads(self._command(*said, *(["--dry-run"] if is_dry else [])))
        return told

    def _send_at_night(self) -> int:
        """The replan queues exactly those; a hold keeps them until the evening, here as long as nobody lifts it."""
        asked = {"system": SYSTEM, "message": MESSAGE, "reason": "夜间推送"}
        hold = self._ask("POST", "/v1/holds", asked)["hold"]["hold_id"]
        try:
            self._replan(is_dry=False)
            time.sleep(HELD_BACK_FOR)
            waiting = {one["case_id"] for one in self._waiting() if one["phase"] == "pending"}
        finally:
            self._ask("DELETE", f"/v1/holds/{hold}", None)
        if waiting != {known.case_id for known in self._known.values()}:
            raise DemoError(f"expected exactly {len(self._lives)} cases to wait for the night, got {len(waiting)}")
        wait_for("what was planned anew to be held", self._are_held, within=WITHIN, every=0.5)
        return len(waiting)

    def _waiting(self) -> list[dict[str, Any]]:
        """Every application that is on its way to food, whosever it is."""
        phases = ["pending", "in_flight", "awaiting", "unconfirmed"]
        return [one for one in self._gate.deliveries(system=SYSTEM, phase=phases) if one["message"] == MESSAGE]

    def _ask(self, method: str, path: str, body: Any) -> dict[str, Any]:
        answer = self._gate.ask(method, path, json=body)
        if not answer.is_success:
            raise DemoError(f"expected {method} {path} to be done, got {answer.status_code}: {answer.text[:500]}")
        told: dict[str, Any] = answer.json()
        return told


def tell(replanned: Replanned) -> None:
    """What a reader of the demo is told."""
    count = replanned.differing_count
    print(f"calendar days for working days, taken by food {count} times; mended, and the deployment sent nothing")
    print(f"  the replan shows {count} that differ; {replanned.waited_count} waited for the night, and went")
