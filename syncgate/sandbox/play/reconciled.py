"""Records that are changed in food behind everybody's back, found and taken over by a reconciliation (story 12)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from syncgate.sandbox.city import Life
from syncgate.sandbox.city.edited import EDITED_FIELDS
from syncgate.sandbox.play.calls import Calls, Known
from syncgate.sandbox.play.gate import Gate
from syncgate.sandbox.play.posting import is_open
from syncgate.sandbox.play.processes import wait_for
from syncgate.sandbox.play.site import DemoError, patience

SYSTEM = "food"
REASON = "食品系统月度对账"
GRACE = 10.0
"""Seconds: as the adapter of food says; what came later is not judged."""
TAKES = 90.0


@dataclass(frozen=True, slots=True)
class Found:
    """What the run found: cases with what was changed there, and what it counted as it should be."""

    cases_count: int
    verified_count: int


class Edited:
    """Plays it: the window posts, food's clerks change what is there, a run finds it and brings it home."""

    def __init__(self, calls: Calls, gate: Gate, lives: Sequence[Life]) -> None:
        self._calls, self._gate, self._lives = calls, gate, lives
        self._known = [Known() for _ in lives]
        self._posted_at = 0.0

    def post(self) -> None:
        """The window posts each case."""
        for life, known in zip(self._lives, self._known, strict=True):
            self._calls.make(life, 0, known)
        self._posted_at = time.monotonic()

    def run(self) -> Found:
        """Once all of it is delivered, changed there, and older than the grace: reconcile and look at what was found.

        Raises:
            DemoError: the run found anything else, or did not come to its end.
        """
        self._change_there()
        ended = reconcile(self._gate, SYSTEM, mode="mend", reason=REASON)
        found = [(one["case_id"], set(fields_of(one))) for one in discrepancies(self._gate, ended)]
        wanted = {known.case_id for known in self._known}
        if {case_id for case_id, _ in found} != wanted or any(names != set(EDITED_FIELDS) for _, names in found):
            raise DemoError(f"expected {len(wanted)} edited cases with {', '.join(EDITED_FIELDS)}, got {found}")
        return Found(len(found), ended["totals"]["verified"])

    def check(self) -> None:
        """Nothing is found any more, once all is settled. Raises DemoError where something is."""
        ended = reconcile(self._gate, SYSTEM, mode="list", reason=REASON)
        if found := discrepancies(self._gate, ended):
            raise DemoError(f"expected nothing to differ any more, got {found}")

    def _change_there(self) -> None:
        wait_for("what was posted to be delivered", self._is_delivered, within=TAKES, every=0.5)
        time.sleep(max(0.0, self._posted_at + GRACE + 5.0 - time.monotonic()))
        for life, known in zip(self._lives, self._known, strict=True):
            self._calls.change_there(life, 1, known)

    def _is_delivered(self) -> bool:
        return all(
            is_open(life.calls[1].after, self._gate.deliveries(case=known.case_id))
            for life, known in zip(self._lives, self._known, strict=True)
        )


def reconcile(gate: Gate, system: str, *, mode: str, reason: str) -> dict[str, Any]:
    """A run of a system as it ended. Raises DemoError where it did not come to its end."""
    begun = gate.ask("POST", "/v1/reconciliations", json={"system": system, "mode": mode, "reason": reason})
    if begun.status_code != 202:
        raise DemoError(f"expected a run of {system} to begin, got {begun.status_code}: {begun.text[:500]}")
    path = f"/v1/reconciliations/{begun.json()['reconciliation_id']}"
    until = time.monotonic() + TAKES * patience()
    while True:
        run: dict[str, Any] = gate.ask("GET", path).json()
        if run.get("outcome"):
            break
        if time.monotonic() > until:
            raise DemoError(f"expected the run of {system} to end within {TAKES:g} s, got it at {run.get('stage')}")
        time.sleep(0.3)
    if run["outcome"] != "complete":
        raise DemoError(f"expected a complete run of {system}, got {run['outcome']}: {run['listings']}")
    return run


def discrepancies(gate: Gate, run: dict[str, Any]) -> list[dict[str, Any]]:
    """Those that this run saw first."""
    answer = gate.ask("GET", f"/v1/reconciliations/{run['reconciliation_id']}/discrepancies").json()
    found: list[dict[str, Any]] = answer["discrepancies"]
    return found


def fields_of(discrepancy: dict[str, Any]) -> list[str]:
    """The names of the fields that differ."""
    return [field["name"] for field in discrepancy["detail"].get("fields", ())]
