"""Insurance adds a code and tells nobody: forty-one are parked under one fault, and go once a table has a row more.

Story 10.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncgate.sandbox.city.insurance import NEW_CODE_COUNT, NEW_HOUSEHOLD
from syncgate.sandbox.expected.insurance import HOUSEHOLDS
from syncgate.sandbox.play.gate import Gate
from syncgate.sandbox.play.processes import Simulators, wait_for
from syncgate.sandbox.play.site import DemoError

SYSTEM, FIELD, REASON = "insurance", "aac009", "unmapped_code"
TABLE = "mappings/insurance/tables/household.yaml"
WITHIN = 30.0


@dataclass(frozen=True, slots=True)
class Passed:
    """What the dry run said: how many matched under the fault, how many of them would pass."""

    matched_count: int
    passes_count: int


class NewCode:
    """Plays it once everything is posted; `site` is the gate's own folder."""

    def __init__(self, gate: Gate, integrator: Gate, systems: Simulators, *, site: Path) -> None:
        self._gate, self._integrator, self._systems, self._site = gate, integrator, systems, site

    def run(self) -> Passed:
        """Everything from the parked ones to the last one delivered. Raises DemoError where it does not hold."""
        wait_for("the unknown code to be parked", lambda: len(self._parked()) == NEW_CODE_COUNT, within=WITHIN)
        self._systems.add_code(SYSTEM, FIELD, HOUSEHOLDS[NEW_HOUSEHOLD])
        self._add_row()
        if len(still := self._parked()) != NEW_CODE_COUNT:
            raise DemoError(f"expected a deployed row to send nothing by itself, got {len(still)} still parked")
        told = self._requeue(dry_run=True)
        passed = Passed(told["matched"], told["passes"])
        if passed != Passed(NEW_CODE_COUNT, NEW_CODE_COUNT):
            raise DemoError(f"expected {NEW_CODE_COUNT} of {NEW_CODE_COUNT} to pass the dry run, got {passed}")
        self._requeue(dry_run=False)
        wait_for("what bore the new code to leave", lambda: not self._parked(), within=WITHIN)
        return passed

    def _parked(self) -> list[dict[str, Any]]:
        return self._gate.deliveries(system=SYSTEM, phase="parked", reason=REASON)

    def _add_row(self) -> None:
        """A person adds the row to the table and deploys it; asked a second time, nothing has changed any more."""
        with (self._site / TABLE).open("a", encoding="utf-8") as table:
            table.write(f'  "{NEW_HOUSEHOLD}": "{HOUSEHOLDS[NEW_HOUSEHOLD]}"\n')
        answer = self._integrator.ask("POST", "/v1/deployments")
        if not answer.is_success or not {one["system"] for one in answer.json()["changed"]} <= {SYSTEM}:
            raise DemoError(f"expected a deployment of {SYSTEM} alone, got {answer.status_code}: {answer.text[:500]}")

    def _requeue(self, *, dry_run: bool) -> dict[str, Any]:
        asked = {"system": SYSTEM, "reason": REASON, "field": FIELD}
        body = {"filter": asked, "dry_run": dry_run, "reason": "户籍性质增加港澳台"}
        answer = self._gate.ask("POST", "/v1/deliveries:requeue", json=body)
        if not answer.is_success:
            raise DemoError(f"expected a bulk requeue, got {answer.status_code}: {answer.text[:500]}")
        told: dict[str, Any] = answer.json()
        return told


def tell(passed: Passed, say: Callable[[str], None] = print) -> None:
    """What a reader of the demo is told."""
    say(f"insurance added a code and told nobody: {passed.matched_count} parked under one fault; a row was added")
    say(f"  {passed.passes_count} of {passed.matched_count} passed the dry run; all of them were sent")
